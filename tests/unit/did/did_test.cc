// SPDX-License-Identifier: Apache-2.0
#include "did/did.h"

#include <gtest/gtest.h>

namespace keel::did {
namespace {

TEST(Did, Parses) {
  auto did = Did::Parse("did:keel:acme:zQmAbc");
  ASSERT_TRUE(did.has_value());
  EXPECT_EQ(did->method, "keel");
  EXPECT_EQ(did->id, "acme:zQmAbc");
  EXPECT_TRUE(IsDid("did:web:example.com%3A3000:user"));
  EXPECT_TRUE(IsDid("did:a::b"));  // empty segments but the last are allowed by the grammar
}

TEST(Did, Refuses) {
  for (const char* bad : {"", "did", "did:", "did::a", "did:key:", "did:Key:z6", "DID:key:z6", "did:key:z6#a",
                          "did:key:z6?a=b", "did:key:z6/p", "did:key:a:", "did:key:a b", "did:key:%4", "did:key:%zz",
                          "did:key:\xc3\xa9", "urn:did:key:a"}) {
    auto did = Did::Parse(bad);
    ASSERT_FALSE(did.has_value()) << bad;
    EXPECT_EQ(did.error().code, Code::kInvalidDid);
  }
  EXPECT_FALSE(IsDid("did:x:" + std::string(kMaxDid, 'a')));
}

TEST(DidUrl, Parses) {
  auto url = DidUrl::Parse("did:example:123/path/x?service=files&v=1#frag");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->did, "did:example:123");
  EXPECT_EQ(url->path, "/path/x");
  EXPECT_EQ(url->query, "service=files&v=1");
  EXPECT_EQ(url->fragment, "frag");
  for (const char* bad : {"did:example:1#a b", "did:example:1?%zz", "did:example:#a", "#a", "did:example:1#\x01"}) {
    EXPECT_FALSE(DidUrl::Parse(bad).has_value()) << bad;
  }
}

TEST(DidUrl, TakesApart) {
  EXPECT_EQ(DidOf("did:a:b#c"), "did:a:b");
  EXPECT_EQ(DidOf("did:a:b/x?y#c"), "did:a:b");
  EXPECT_EQ(DidOf("https://issuer.example/1#key-4"), "https://issuer.example/1");
  EXPECT_EQ(FragmentOf("did:a:b#c"), "c");
  EXPECT_EQ(FragmentOf("did:a:b"), "");
}

}  // namespace
}  // namespace keel::did
