// SPDX-License-Identifier: Apache-2.0
#include "did/dereference.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/representation.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr const char* kDid = "did:example:123456789abcdefghi";
// The document of DID Resolution's section 5.5 (example of dereferencing), with a few more services.
constexpr const char* kDocument = R"({
 "@context": ["https://www.w3.org/ns/did/v1.1", "https://didcomm.org/messaging/contexts/v2"],
 "id": "did:example:123456789abcdefghi",
 "verificationMethod": [{"id": "#keys-1", "type": "Multikey", "controller": "did:example:123456789abcdefghi",
   "publicKeyMultibase": "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"}],
 "authentication": ["#keys-1"],
 "keyAgreement": [{"id": "did:example:123456789abcdefghi#keys-2", "type": "Multikey",
   "controller": "did:example:123456789abcdefghi",
   "publicKeyMultibase": "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"}],
 "service": [
  {"id": "did:example:123456789abcdefghi#messages", "type": "DIDCommMessaging",
   "serviceEndpoint": "https://example.com/messages/8377464"},
  {"id": "#files", "type": ["Files", "LinkedDomains"], "serviceEndpoint": ["https://a.example/f/", {"uri": "x"},
   "https://b.example/f"]},
  {"id": "#map", "type": "Map", "serviceEndpoint": {"uri": "https://c.example"}},
  {"id": "#intro", "type": "Intro", "serviceEndpoint": "https://d.example/page#top"}],
 "unheard-of": {"id": "#nested", "n": 1}
})";

class Dereferencing : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  Dereferencing() { EXPECT_TRUE(resolver_.AddJson(kDocument).has_value()); }
  Result<Dereferenced> At(const std::string& rest, const std::string& accept = {}) {
    DereferenceOptions options;
    options.accept = accept;
    return Dereference(resolver_, kDid + rest, options);
  }
  json Json(const std::string& rest, const std::string& accept = {}) {
    const auto got = At(rest, accept);
    EXPECT_TRUE(got.has_value()) << rest << ": " << (got ? "" : got.error().Text());
    return got ? base::ParseJson(got->content).value_or(json()) : json();
  }
  std::vector<std::string> Urls(const std::string& rest) {
    const auto got = At(rest);
    EXPECT_TRUE(got.has_value()) << rest << ": " << (got ? "" : got.error().Text());
    if (got) {
      EXPECT_EQ(got->content_type, kMediaUriList);
    }
    return got ? got->urls : std::vector<std::string>{};
  }
  Code Error(const std::string& rest, const std::string& accept = {}) {
    const auto got = At(rest, accept);
    return got ? Code::kOk : got.error().code;
  }
  StaticResolver resolver_;
};

TEST_F(Dereferencing, TheDidGivesItsDocumentAsPublished) {
  const json document = Json("");
  EXPECT_EQ(document.at("id"), kDid);
  EXPECT_EQ(document.at("unheard-of").at("n"), 1) << "what is not understood is kept";
  EXPECT_EQ(document.at("verificationMethod")[0].at("id"), "#keys-1");
  EXPECT_FALSE(Json("", "application/did+json").contains("@context"));
  DereferenceOptions expand;
  expand.expand_relative_urls = true;
  const json expanded = *base::ParseJson(Dereference(resolver_, kDid, expand)->content);
  EXPECT_EQ(expanded.at("verificationMethod")[0].at("id"), std::string(kDid) + "#keys-1");
  EXPECT_EQ(expanded.at("authentication")[0], std::string(kDid) + "#keys-1");
  EXPECT_EQ(expanded.at("service")[1].at("id"), std::string(kDid) + "#files");
  EXPECT_EQ(expanded.at("unheard-of").at("id"), std::string(kDid) + "#nested");
}

TEST_F(Dereferencing, Fragments) {
  const json method = Json("#keys-1");
  EXPECT_EQ(method.at("publicKeyMultibase"), "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu");
  EXPECT_TRUE(method.contains("@context"));
  EXPECT_EQ(Json("#keys-2").at("type"), "Multikey") << "embedded in a relationship";
  EXPECT_EQ(Json("#messages").at("type"), "DIDCommMessaging");
  EXPECT_EQ(Json("#nested").at("n"), 1);
  EXPECT_EQ(Error("#nothing"), Code::kNotFound);
  EXPECT_EQ(Error("#"), Code::kOk) << "an empty fragment is none";
  EXPECT_EQ(Error("#keys-1", "text/html"), Code::kRepresentationNotSupported);
}

TEST_F(Dereferencing, FragmentsForOneRelationship) {
  DereferenceOptions options;
  const auto at = [&](const std::string& rest, const std::string& use) {
    options.verification_relationship = use;
    const auto got = Dereference(resolver_, kDid + rest, options);
    return got ? Code::kOk : got.error().code;
  };
  EXPECT_EQ(at("#keys-1", "authentication"), Code::kOk);
  EXPECT_EQ(at("#keys-2", "keyAgreement"), Code::kOk);
  EXPECT_EQ(at("#keys-1", "assertionMethod"), Code::kUntrusted);
  EXPECT_EQ(at("#messages", "authentication"), Code::kBadKey);
  EXPECT_EQ(at("", "authentication"), Code::kBadKey);
  EXPECT_EQ(at("?service=messages", "authentication"), Code::kBadKey);
  EXPECT_EQ(at("#keys-1", "anything"), Code::kInvalidArgument);
}

TEST_F(Dereferencing, Services) {
  const json document = Json("?service=files");
  ASSERT_EQ(document.at("service").size(), 1u);
  EXPECT_EQ(document.at("service")[0].at("id"), "#files");
  EXPECT_TRUE(document.contains("verificationMethod"));
  EXPECT_EQ(Json("?serviceType=LinkedDomains").at("service").size(), 1u);
  EXPECT_EQ(Json("?service=messages&serviceType=DIDCommMessaging").at("service").size(), 1u);
  EXPECT_EQ(Error("?service=messages&serviceType=Files"), Code::kNotFound);
  EXPECT_EQ(Error("?service=none"), Code::kNotFound);
  // The specification's example: below the endpoint, with the fragment.
  EXPECT_EQ(Urls("?service=messages&relativeRef=%2Fsome%2Fpath%3Fquery#frag"),
            std::vector<std::string>{"https://example.com/messages/8377464/some/path?query#frag"});
  EXPECT_EQ(Urls("?service=files&relativeRef=/resume.pdf"),
            (std::vector<std::string>{"https://a.example/f/resume.pdf", "https://b.example/f/resume.pdf"}));
  EXPECT_EQ(Urls("?service=messages#x"), std::vector<std::string>{"https://example.com/messages/8377464#x"});
  EXPECT_EQ(At("?service=messages", "text/uri-list")->content, "https://example.com/messages/8377464\r\n");
  EXPECT_EQ(Error("?service=map&relativeRef=x"), Code::kNotFound) << "maps are skipped";
  EXPECT_EQ(Error("?service=intro#y"), Code::kInvalidDidUrl) << "two fragments";
  EXPECT_EQ(Error("?service=intro&relativeRef=y"), Code::kInvalidDidUrl);
  EXPECT_EQ(Error("?service=messages", "image/png"), Code::kRepresentationNotSupported);
  EXPECT_EQ(Error("?relativeRef=x"), Code::kInvalidDidUrl);
}

TEST_F(Dereferencing, RelativeRefsStayBelow) {
  for (const char* bad : {"..",
                          "../x",
                          "a/../../x",
                          "%2E%2E%2Fx",
                          "%2e%2e/x",
                          ".%2e/x",
                          "%252E%252E%252Fx",
                          "%25252e%25252e/x",
                          "..%5Cx",
                          "%5c..",
                          "/../x",
                          "//evil.example/",
                          "https://evil.example",
                          "javascript:alert(1)",
                          "a/./b",
                          "a%0ab",
                          "a%20b",
                          "%00",
                          "a%2500",
                          "x%25",
                          "%25%32%65."}) {
    EXPECT_EQ(Error("?service=messages&relativeRef=" + std::string(bad)), Code::kInvalidDidUrl) << bad;
  }
  EXPECT_EQ(*BelowEndpoint("https://e.example/a", "b/c.d?e=../f#..g"), "https://e.example/a/b/c.d?e=../f#..g");
  EXPECT_EQ(*BelowEndpoint("https://e.example/a/", ""), "https://e.example/a/");
  EXPECT_EQ(*BelowEndpoint("https://e.example", "...x"), "https://e.example/...x");
  EXPECT_EQ(BelowEndpoint("javascript:x", "y").error().code, Code::kInvalidDidUrl);
  EXPECT_EQ(BelowEndpoint("https://e.example/?q", "y").error().code, Code::kInvalidDidUrl);
}

TEST_F(Dereferencing, OtherParametersAndPaths) {
  EXPECT_EQ(Error("?hl=zQmWvQxTqbG2Z9HPJgG57jjwR154cKhbtJenbyYTWkjgF3e"), Code::kUnsupported);
  EXPECT_EQ(Error("?service=files&hl=x"), Code::kUnsupported);
  EXPECT_EQ(Error("?versionId=1"), Code::kUnsupported) << "given documents have no versions";
  EXPECT_EQ(Error("?versionTime=2021-05-10T17:00:00Z"), Code::kUnsupported);
  EXPECT_EQ(Error("?versionTime=yesterday"), Code::kInvalidDidUrl);
  EXPECT_EQ(Error("?versionId="), Code::kInvalidDidUrl);
  EXPECT_EQ(Error("?service=a&service=b"), Code::kInvalidDidUrl);
  EXPECT_EQ(Error("?serv%69ce=a&service=b"), Code::kInvalidDidUrl) << "the same name in another spelling";
  EXPECT_EQ(Error("?transformKeys=jwk"), Code::kNotFound);
  EXPECT_EQ(Error("/custom/path?customquery"), Code::kNotFound);
  EXPECT_EQ(Error("?service=%zz"), Code::kInvalidDidUrl);
  EXPECT_EQ(Error("/^bar^/?query=`#x"), Code::kInvalidDidUrl);
  EXPECT_EQ(Dereference(resolver_, "not-a-did", {}).error().code, Code::kInvalidDidUrl);
  DereferenceOptions given;
  given.resolution.version_id = "2";
  EXPECT_EQ(Dereference(resolver_, std::string(kDid) + "?versionId=1", given).error().code, Code::kInvalidArgument);
}

TEST(DidParametersTest, Reads) {
  EXPECT_EQ(DidParameters("a=1&b=%2Fx%3D&c")->at("b"), "/x=");
  EXPECT_EQ(DidParameters("a=1&&c")->at("c"), "");
  EXPECT_TRUE(DidParameters("")->empty());
  EXPECT_EQ(DidParameters("=x").error().code, Code::kInvalidDidUrl);
  EXPECT_EQ(DidParameters("a=1&a=1").error().code, Code::kInvalidDidUrl);
}

}  // namespace
}  // namespace keel::did
