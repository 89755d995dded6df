// SPDX-License-Identifier: Apache-2.0
// The HTTP binding, statement by statement: DID Resolution section 10.1 and what the working groups' suites for it and
// for did:key check.
#include "did/resolution_http.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "did/representation.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr const char* kKeyDid = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b";
constexpr const char* kGone = "did:example:gone";
constexpr const char* kStatic = "did:example:static";
constexpr const char* kOldProfile = "application/ld+json;profile=\"https://w3id.org/did-resolution\"";

// A method whose DIDs are deactivated.
class Gone final : public DidResolver {
 public:
  using DidResolver::Resolve;
  explicit Gone(DidResolver& known) : known_(known) {}
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override {
    if (did != kGone) return known_.Resolve(did, {});
    ResolutionResult result;
    auto document = std::make_shared<DidDocument>();
    document->id = did;
    result.document = std::move(document);
    result.deactivated = true;
    result.metadata.version_id = options.version_id.empty() ? "1" : options.version_id;
    if (options.version_id == "0") result.metadata.next_version_id = "1";
    asked = options;
    return result;
  }
  ResolutionOptions asked;

 private:
  DidResolver& known_;
};

class Binding : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  Binding() {
    EXPECT_TRUE(known_
                    .AddJson(R"([{"id":"did:example:static","extra":{"kept":true},"authentication":["#k"],
      "service":[{"id":"#files","type":"F","serviceEndpoint":"https://files.example/x"},
                 {"id":"#evil","type":"E","serviceEndpoint":"https://e.example/\r\nSet-Cookie: a=b"}]}])")
                    .has_value());
    resolver_->Add("example", gone_);
  }
  base::HttpResponse Get(const std::string& path_and_query, const std::string& accept) {
    base::HttpRequest request;
    request.method = "GET";
    const size_t mark = path_and_query.find('?');
    request.path = std::string(kIdentifiersPath) + path_and_query.substr(0, mark);
    if (mark != std::string::npos) request.query = path_and_query.substr(mark + 1);
    if (!accept.empty()) request.headers.emplace_back("Accept", accept);
    return AnswerIdentifiers(*resolver_, request);
  }
  base::HttpResponse Post(const std::string& path, const std::string& body, const std::string& accept) {
    base::HttpRequest request;
    request.method = "POST";
    request.path = std::string(kIdentifiersPath) + path;
    request.body = body;
    request.headers.emplace_back("Accept", accept);
    return AnswerIdentifiers(*resolver_, request);
  }
  static json Body(const base::HttpResponse& response) {
    auto body = base::ParseJson(response.body);
    EXPECT_TRUE(body.has_value()) << response.body;
    return body.value_or(json());
  }
  static std::string Encode(const std::string& text) { return base::UrlEncode(text); }
  static void IsError(const base::HttpResponse& response, int status, const std::string& type) {
    EXPECT_EQ(response.status, status);
    const json body = Body(response);
    const bool dereferencing = response.content_type == kMediaDereferencing;
    const json& metadata = body.at(dereferencing ? "dereferencingMetadata" : "didResolutionMetadata");
    EXPECT_EQ(metadata.at("error").at("type"), "https://www.w3.org/ns/did#" + type);
    EXPECT_TRUE(metadata.at("error").contains("title"));
    EXPECT_TRUE(metadata.at("error").contains("detail"));
    EXPECT_TRUE(body.at(dereferencing ? "contentStream" : "didDocument").is_null());
    EXPECT_EQ(body.at(dereferencing ? "contentMetadata" : "didDocumentMetadata"), json::object());
  }

  StaticResolver known_;
  Gone gone_{known_};
  std::unique_ptr<MethodResolver> resolver_ = MakeDefaultResolver({.web = false});
};

TEST_F(Binding, ResolvesToAResult) {
  for (const std::string& did : {std::string(kKeyDid), Encode(kKeyDid)}) {
    const auto response = Get(did, "application/did-resolution");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/did-resolution");
    const json body = Body(response);
    EXPECT_EQ(body.at("didDocument").at("id"), kKeyDid);
    EXPECT_EQ(body.at("didDocument").at("@context")[0], "https://www.w3.org/ns/did/v1");
    EXPECT_EQ(body.at("didResolutionMetadata").at("contentType"), "application/did");
    EXPECT_NE(response.content_type.find(body.at("didResolutionMetadata").at("contentType").get<std::string>()),
              std::string::npos);
    EXPECT_TRUE(body.at("didDocumentMetadata").is_object());
  }
  EXPECT_EQ(Get(kKeyDid, "").content_type, "application/did-resolution");
  EXPECT_EQ(Get(kKeyDid, "*/*").content_type, "application/did-resolution");
  EXPECT_EQ(Get(kKeyDid, "text/html;q=0.9, application/*;q=0.1").content_type, "application/did-resolution");
}

TEST_F(Binding, ResolvesToADocumentAlone) {
  for (const char* media : {"application/did", "application/did+json", "application/did+ld+json", "application/json",
                            "application/ld+json"}) {
    const auto response = Get(kKeyDid, media);
    EXPECT_EQ(response.status, 200) << media;
    EXPECT_EQ(response.content_type, media);
    const json body = Body(response);
    EXPECT_EQ(body.at("id"), kKeyDid);
    EXPECT_FALSE(body.contains("didResolutionMetadata"));
    EXPECT_EQ(body.contains("@context"), std::string(media) != "application/did+json");
  }
  const json body = Body(Get(kStatic, "application/did"));
  EXPECT_EQ(body.at("extra").at("kept"), true);
  EXPECT_EQ(body.at("@context"), "https://www.w3.org/ns/did/v1") << "a producer's document has one";
}

TEST_F(Binding, Negotiates) {
  EXPECT_EQ(Get(kKeyDid, "application/did;q=0.2, application/did+json;q=0.8").content_type, "application/did+json");
  EXPECT_EQ(Get(kKeyDid, "Application/DID").content_type, "application/did");
  EXPECT_EQ(Get(kKeyDid, kOldProfile).content_type, kOldProfile);
  IsError(Get(kKeyDid, "application/x-unsupported-did-representation-99999"), 406, "REPRESENTATION_NOT_SUPPORTED");
  IsError(Get(kKeyDid, "application/did;q=0"), 406, "REPRESENTATION_NOT_SUPPORTED");
  IsError(Get(kKeyDid, "application/ld+json;profile=\"urn:other\""), 406, "REPRESENTATION_NOT_SUPPORTED");
  EXPECT_EQ(Get(kKeyDid, "text/uri-list").status, 406) << "a document is no list of URLs";
}

TEST_F(Binding, ErrorsHaveTheirStatus) {
  const char* media = "application/did-resolution";
  for (const char* bad : {"not-a-did", "did:example", "", "%zz", "did:", "DID:key:x"})
    IsError(Get(bad, media), 400, "INVALID_DID");
  IsError(Get("did:unsupported:123456789abcdefghi", media), 501, "METHOD_NOT_SUPPORTED");
  IsError(Get("did:example:nobody", media), 404, "NOT_FOUND");
  IsError(Get("did:key:zTjsVPtY", media), 400, "INVALID_DID");
  IsError(Get(Encode(std::string(kKeyDid) + "#x"), media), 400, "INVALID_DID");
  IsError(Get(Encode("did:key:x/^bar^/"), "application/did-url-dereferencing"), 400, "INVALID_DID_URL");
  // A document was asked for: the error alone, RFC 9457.
  const auto problem = Get("did:example:nobody", "application/did");
  EXPECT_EQ(problem.status, 404);
  EXPECT_EQ(problem.content_type, "application/problem+json");
  EXPECT_EQ(Body(problem).at("type"), "https://www.w3.org/ns/did#NOT_FOUND");
  EXPECT_EQ(Body(problem).at("status"), 404);
}

TEST_F(Binding, DeactivatedIsGone) {
  const auto response = Get(kGone, "application/did-resolution");
  EXPECT_EQ(response.status, 410);
  const json body = Body(response);
  EXPECT_TRUE(body.at("didDocument").is_null());
  EXPECT_EQ(body.at("didDocumentMetadata").at("deactivated"), true);
  EXPECT_FALSE(body.at("didResolutionMetadata").contains("error"));
  EXPECT_EQ(Get(kGone, "application/did").status, 410);
  EXPECT_EQ(Get(kGone, "application/did-url-dereferencing").status, 410);
  EXPECT_EQ(Get(kGone, kOldProfile).status, 410);
  // An older version of it is shown, and said to be of a DID that is gone.
  const auto old = Get(std::string(kGone) + "?versionId=0", "application/did-resolution");
  EXPECT_EQ(old.status, 410);
  EXPECT_EQ(Body(old).at("didDocument").at("id"), kGone);
}

TEST_F(Binding, Options) {
  const char* media = "application/did-resolution";
  const std::string gone = Encode(kGone);
  Get(gone + "?versionId=0&noCache=true", media);
  EXPECT_EQ(gone_.asked.version_id, "0");
  EXPECT_TRUE(gone_.asked.no_cache);
  Get(gone + "?versionTime=2026-01-01T00%3A00%3A00Z", media);
  EXPECT_EQ(gone_.asked.version_time, 1767225600u);
  Post(kGone, R"({"versionId":"0","noCache":true})", media);
  EXPECT_EQ(gone_.asked.version_id, "0");
  EXPECT_TRUE(gone_.asked.no_cache);
  EXPECT_EQ(Post(kGone, "", media).status, 410);
  Get(Encode(std::string(kGone) + "?versionId=0"), media);
  EXPECT_EQ(gone_.asked.version_id, "0") << "a DID URL of versions alone is resolved";
  IsError(Get(gone + "?versionTime=yesterday", media), 400, "INVALID_OPTIONS");
  IsError(Get(gone + "?noCache=maybe", media), 400, "INVALID_OPTIONS");
  IsError(Get(gone + "?versionId=1&versionTime=2026-01-01T00:00:00Z", media), 400, "INVALID_OPTIONS");
  IsError(Get(gone + "?versionId=1&versionId=2", media), 400, "INVALID_OPTIONS");
  IsError(Get(gone + "?unheardOf=1", media), 501, "FEATURE_NOT_SUPPORTED");
  IsError(Get(std::string(kKeyDid) + "?versionId=1", media), 501, "FEATURE_NOT_SUPPORTED");
  IsError(Post(kGone, "[]", media), 400, "INVALID_OPTIONS");
  IsError(Post(kGone, R"({"versionId":1})", media), 400, "INVALID_OPTIONS");
  IsError(Post(kGone, R"({"a":1,"a":2})", media), 400, "INVALID_OPTIONS");
  IsError(Post(kGone, "{\"versionId\":\"" + std::string(20'000, 'x') + "\"}", media), 400, "INVALID_OPTIONS");
  const json expanded = Body(Get(std::string(kStatic) + "?expandRelativeUrls=true", media)).at("didDocument");
  EXPECT_EQ(expanded.at("authentication")[0], "did:example:static#k");
  EXPECT_EQ(expanded.at("service")[0].at("id"), "did:example:static#files");
  EXPECT_EQ(Body(Get(kStatic, media)).at("didDocument").at("authentication")[0], "#k");
}

TEST_F(Binding, Dereferences) {
  const std::string kid = std::string(kKeyDid) + "#z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b";
  for (const std::string& url : {Encode(kid), std::string(kKeyDid) + "%23" + kid.substr(kid.find('#') + 1)}) {
    const auto response = Get(url, "application/did-url-dereferencing");
    EXPECT_EQ(response.status, 200) << url;
    EXPECT_EQ(response.content_type, "application/did-url-dereferencing");
    const json body = Body(response);
    EXPECT_EQ(body.at("contentStream").at("id"), kid);
    EXPECT_EQ(body.at("content"), body.at("contentStream"));
    EXPECT_TRUE(body.at("dereferencingMetadata").is_object());
    EXPECT_NE(response.content_type.find(body.at("dereferencingMetadata").at("contentType").get<std::string>()),
              std::string::npos);
    EXPECT_TRUE(body.at("contentMetadata").is_object());
  }
  const json alone = Body(Get(Encode(kid), "application/json"));
  EXPECT_EQ(alone.at("id"), kid);
  EXPECT_FALSE(alone.contains("dereferencingMetadata"));
  EXPECT_EQ(Get(Encode(kid) + "?verificationRelationship=keyAgreement", "application/json").status, 500);
  EXPECT_EQ(Get(Encode(kid) + "?verificationRelationship=authentication", "application/json").status, 200);
}

TEST_F(Binding, ServicesAreRedirectedTo) {
  for (const std::string& url : {Encode(std::string(kStatic) + "?service=files&relativeRef=/a.pdf"),
                                 std::string(kStatic) + "?service=files&relativeRef=%2Fa.pdf"}) {
    for (const char* media : {"application/did-url-dereferencing", "text/uri-list", ""}) {
      const auto response = Get(url, media);
      EXPECT_EQ(response.status, 303) << url << " " << media;
      EXPECT_EQ(response.Header("Location"), "https://files.example/x/a.pdf");
      EXPECT_TRUE(response.body.empty());
    }
  }
  EXPECT_EQ(Get(Encode(std::string(kStatic) + "?service=files"), "application/did-url-dereferencing").status, 303);
  const auto document = Get(Encode(std::string(kStatic) + "?service=files"), "application/did");
  EXPECT_EQ(document.status, 200);
  EXPECT_EQ(Body(document).at("service").size(), 1u);
  const auto evil = Get(Encode(std::string(kStatic) + "?service=evil"), "application/did-url-dereferencing");
  EXPECT_EQ(evil.status, 500) << "a document's author writes no headers";
  EXPECT_TRUE(evil.Header("Location").empty());
}

// w3c-ccg/did-key-test-suite's statements, in the form that its Accept header asks for.
class DidKeySuite : public Binding {
 protected:
  json Old(const std::string& url, const std::string& query = {}) {
    const auto response = Get(Encode(url) + (query.empty() ? "" : "?" + query), kOldProfile);
    failed_ = response.status >= 300;
    json body = Body(response);
    for (const char* name : {"@context", "didDocument", "didDocumentMetadata"})
      EXPECT_TRUE(body.contains(name)) << name;
    EXPECT_TRUE(body.contains("didResolutionMetadata") || body.contains("didDereferencingMetadata"));
    return body;
  }
  std::string Resolution(const std::string& url, const std::string& query = {}) {
    const json body = Old(url, query);
    EXPECT_TRUE(failed_) << url;
    return body.at("didResolutionMetadata").at("error");
  }
  std::string Dereferencing(const std::string& url, const std::string& query = {}) {
    const json body = Old(url, query);
    EXPECT_TRUE(failed_) << url;
    return body.at("didDereferencingMetadata").at("error");
  }
  bool failed_ = false;
};

TEST_F(DidKeySuite, Statements) {
  const std::string multibase = std::string(kKeyDid).substr(8);
  EXPECT_EQ(Resolution("notDid:key:" + multibase), "invalidDid");
  EXPECT_EQ(Resolution("did:experimental:" + multibase), "methodNotSupported");
  EXPECT_EQ(Resolution("did:key:-4:" + multibase), "invalidDid");
  EXPECT_EQ(Resolution("did:key:" + multibase.substr(1)), "invalidDid");
  EXPECT_EQ(Resolution("did:key:@"), "invalidDid");
  EXPECT_FALSE(Old("did:key:@").at("didDocument").is_null());
  EXPECT_EQ(Resolution("did:key:zTjsVPtY"), "invalidPublicKeyLength");
  EXPECT_EQ(Dereferencing(std::string(kKeyDid) + "/^bar^/?query=`#" + multibase), "invalidDidUrl");
  EXPECT_EQ(Resolution(kKeyDid, "publicKeyFormat=unknown"), "unsupportedPublicKeyType");
  const std::string key = "#" + multibase, agreement = "#z6LSfHfAMAopsuBxaBzvp51GXrPf38Az13j2fmwqadbwwrzJ";
  const char* query = "publicKeyFormat=Ed25519VerificationKey2018&enableExperimentalPublicKeyTypes=false";
  EXPECT_EQ(Dereferencing(kKeyDid + key, query), "invalidPublicKeyType");
  EXPECT_EQ(Dereferencing(kKeyDid + agreement, query), "invalidPublicKeyType");
  const json method = Old(kKeyDid + key);
  EXPECT_FALSE(failed_);
  EXPECT_EQ(method.at("didDocument").at("controller"), kKeyDid);
}

TEST_F(DidKeySuite, KeyFormatsAndRefusals) {
  EXPECT_EQ(Old(kKeyDid, "publicKeyFormat=JsonWebKey2020").at("didDocument").at("verificationMethod")[0].at("type"),
            "JsonWebKey2020");
  EXPECT_EQ(Old(kKeyDid, "publicKeyFormat=Ed25519VerificationKey2020")
                .at("didDocument")
                .at("verificationMethod")[0]
                .at("type"),
            "Ed25519VerificationKey2020");
  EXPECT_EQ(Old(kKeyDid).at("didResolutionMetadata").at("contentType"), "application/did+ld+json");
  // P-256 with an x beyond the field, and an RSA key's codec.
  base::ByteVec octets = {0x80, 0x24, 0x02};
  octets.resize(35, 0xff);
  EXPECT_EQ(Resolution("did:key:" + *base::MultibaseBase58(octets)), "invalidPublicKey");
  octets[0] = 0x85;
  EXPECT_EQ(Resolution("did:key:" + *base::MultibaseBase58(octets)), "unsupportedPublicKeyType");
  EXPECT_EQ(Resolution(kStatic, "publicKeyFormat=Multikey"), "featureNotSupported");
}

}  // namespace
}  // namespace keel::did
