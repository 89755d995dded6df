// SPDX-License-Identifier: Apache-2.0
#include "did/key_finder.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "crypto/signature.h"
#include "did/document.h"

namespace keel::did {
namespace {

class KeyFinders : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static std::string Path(const std::string& name) {
    return std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/" + name;
  }
};

TEST_F(KeyFinders, ReadsTheSpecificationsSecrets) {
  for (const std::string person : {"alice", "bob"}) {
    // The specification's text has "kid " in Bob's secrets.
    std::string text = *base::ReadFile(Path(person + "-secrets.json"));
    for (size_t at = text.find("\"kid \""); at != std::string::npos; at = text.find("\"kid \"")) text.erase(at + 4, 1);
    auto secrets = SecretsFile::Parse(text);
    ASSERT_TRUE(secrets.has_value()) << secrets.error().Text();
    auto document = DidDocument::Parse(*base::ReadFile(Path(person + "-diddoc.json")));
    ASSERT_TRUE(document.has_value());
    size_t matched = 0;
    for (const std::string& kid : (*secrets)->kids()) {
      const VerificationMethod* method = document->Find(kid);
      if (method == nullptr) continue;
      auto key = (*secrets)->Find(kid);
      ASSERT_TRUE(key.has_value());
      EXPECT_EQ(*key->Public(), method->key) << kid;
      ++matched;
    }
    EXPECT_GE(matched, 4u);
    EXPECT_EQ((*secrets)->Find("did:example:mallory#1").error().code, Code::kNoSuchKey);
  }
}

TEST_F(KeyFinders, RefusesBadSecrets) {
  EXPECT_FALSE(SecretsFile::Parse("{}").has_value());
  EXPECT_FALSE(SecretsFile::Parse("[1]").has_value());
  EXPECT_FALSE(SecretsFile::Parse(R"([{"type":"JsonWebKey2020"}])").has_value());
  const std::string one =
      R"({"id":"did:x:1#a","type":"JsonWebKey2020","privateKeyJwk":{"kty":"OKP","crv":"X25519","d":"r-jK2cO3taR8LQnJB1_ikLBTAnOtShJOsHXRUWT-aZA","x":"avH0O2Y4tqLAq8y9zpianr8ajii5m4F_mICrzNlatXs"}})";
  EXPECT_TRUE(SecretsFile::Parse("[" + one + "]").has_value());
  EXPECT_EQ(SecretsFile::Parse("[" + one + "," + one + "]").error().code, Code::kDuplicate);
}

TEST_F(KeyFinders, MapFallsBack) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::KeyHandle a = *store->Generate(crypto::KeyType::kEd25519);
  const crypto::KeyHandle b = *store->Generate(crypto::KeyType::kEd25519);
  ASSERT_TRUE(store->SetLabel(b, "did:x:1#b").has_value());
  LabelKeyFinder labels(*store);
  MapKeyFinder keys(&labels);
  keys.Add("did:x:1#a", {store.get(), a});
  EXPECT_EQ(keys.Find("did:x:1#a")->handle, a);
  EXPECT_EQ(keys.Find("did:x:1#b")->handle, b);
  keys.Remove("did:x:1#a");
  EXPECT_EQ(keys.Find("did:x:1#a").error().code, Code::kNoSuchKey);
  EXPECT_EQ(keys.size(), 0u);
}

}  // namespace
}  // namespace keel::did
