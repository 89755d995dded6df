// SPDX-License-Identifier: Apache-2.0
#include "vc/verify_any.h"

#include "base/files.h"
#include "did/jose.h"
#include "tests/unit/vc/parties.h"
#include "vc/data_model/model.h"
#include "vc/enveloped.h"

namespace keel::vc {
namespace {

using nlohmann::json;

TEST(Recognize, Forms) {
  for (const auto& [octets, syntax] : std::initializer_list<std::pair<std::string, Syntax>>{
           {"eyJhbGciOiJFUzI1NiJ9.e30.AA", Syntax::kJwt},
           {" \n eyJhbGciOiJFUzI1NiJ9.e30.AA\n", Syntax::kJwt},
           {"eyJhbGciOiJFUzI1NiJ9.e30.AA~", Syntax::kSdJwt},
           {"eyJhbGciOiJFUzI1NiJ9.e30.AA~WyJhIl0~eyJhbGciOiJFUzI1NiJ9.e30.AA", Syntax::kSdJwt},
           {R"({"payload": "e30", "signatures": []})", Syntax::kSdJwt},
           {R"({"payload": "e30", "signature": "AA"})", Syntax::kSdJwt},
           {R"({"a": {"proof": 1}, "proof": {}})", Syntax::kDataIntegrity},
           {R"({"type": "EnvelopedVerifiableCredential"})", Syntax::kEnveloped},
           {R"({"type": ["EnvelopedVerifiablePresentation"], "id": "data:,~"})", Syntax::kEnveloped},
           {R"({"a": {"proof": 1}, "x": "proof", "y": "signature~"})", Syntax::kUnsecured},
           {R"({"a": "\"proof\":", "b\"": 1})", Syntax::kUnsecured},
           {R"({"name": "EnvelopedVerifiableCredential"})", Syntax::kUnsecured},
           {"{", Syntax::kUnsecured},
           {R"({"proof)", Syntax::kDataIntegrity},
           {std::string("\xd2\x84\x40\xa0\x40\x0a", 6), Syntax::kCose},
           {std::string("\xd2\x84\x40\xa0~{.ey.", 10), Syntax::kCose},
           {"0oRAoEBB", Syntax::kCose},
           {"0oR$", Syntax::kUnknown},
           {"", Syntax::kUnknown},
           {"[]", Syntax::kUnknown},
           {"a.b", Syntax::kUnknown}}) {
    EXPECT_EQ(Recognize(octets), syntax) << octets;
  }
}

class VerifyAnyTest : public PartiesTest {
 protected:
  json Presentation(const json& credentials) {
    return {{"@context", {kContextV2}},
            {"type", {"VerifiablePresentation"}},
            {"holder", device_},
            {"verifiableCredential", credentials}};
  }
  std::string Present(const json& payload) {
    auto jwt = did::SignJws({{"typ", "vp+jwt"}, {"kid", device_ + "#auth"}}, base::DumpJson(payload), *store_,
                            Key(device_ + "#auth"));
    EXPECT_TRUE(jwt.has_value());
    return jwt.value_or("");
  }
  json Credential() {
    json credential = Plain();
    credential["type"] = {"VerifiableCredential"};
    return credential;
  }
  static json Envelope(const std::string& type, const std::string& octets) { return *MakeEnvelope(type, octets); }
  Verification Verify(const std::string& octets) {
    auto v = VerifyAny(octets, resolver_, options_);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification{});
  }
  VerifyOptions options_{.now = kNow};
};

TEST_F(VerifyAnyTest, Tokens) {
  const std::string jwt = Issue(Credential());
  Verification v = Verify(jwt);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "vc+jwt");
  EXPECT_TRUE(Verify("\n" + jwt + " \n").valid());
  v = Verify(base::DumpJson(Envelope("application/vc+jwt", jwt)));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.credential.issuer, maker_);
}

TEST_F(VerifyAnyTest, NothingSecuresIt) {
  for (const std::string& octets : {base::DumpJson(Credential()), std::string(R"({"type": ["NonconformingDocument"]})"),
                                    std::string("hello"), std::string(), std::string("[1]")}) {
    const Verification v = Verify(octets);
    EXPECT_FALSE(v.valid()) << octets;
    EXPECT_NE(v.Find(kCheckEnvelope), nullptr) << octets;
  }
}

TEST_F(VerifyAnyTest, TooLarge) {
  options_.max_size = 100;
  EXPECT_NE(Verify(Issue(Credential())).Reason().find("larger than 100"), std::string::npos);
}

TEST_F(VerifyAnyTest, EnvelopesAreHeldToWhatTheySay) {
  const std::string jwt = Issue(Credential());
  const std::string vp = Present(Presentation(json::array()));
  struct Case {
    const char* what;
    json envelope;
    std::string_view check;
  };
  json no_context = Envelope("application/vc+jwt", jwt);
  no_context["@context"] = json::array();
  json bare = Envelope("application/vc+jwt", jwt);
  bare["id"] = jwt;
  // A good token of 1.1 under 2.0's name.
  json older_claims = {{"iss", maker_}, {"vc", Credential()}};
  const auto older = did::SignJws({{"typ", "JWT"}, {"kid", maker_ + "#assert"}}, base::DumpJson(older_claims), *store_,
                                  Key(maker_ + "#assert"));
  ASSERT_TRUE(older.has_value());
  EXPECT_TRUE(Verify(base::DumpJson(Envelope("application/jwt", *older))).valid());
  json wrong_type = Envelope("application/vc+jwt", jwt);
  wrong_type["type"] = kEnvelopedPresentation;
  json presented = Envelope("application/jwt", vp);
  for (const Case& one :
       std::initializer_list<Case>{{"another syntax", Envelope("application/vc+sd-jwt", jwt), kCheckEnvelope},
                                   {"another type", Envelope("application/vc+jwt", vp), kCheckEnvelope},
                                   {"another version", Envelope("application/vc+jwt", *older), kCheckEnvelope},
                                   {"a presentation as a credential", presented, kCheckEnvelope},
                                   {"a credential as a presentation", wrong_type, kCheckEnvelope},
                                   {"no context", no_context, kCheckModel},
                                   {"no data URL", bare, kCheckModel}}) {
    const Verification v = Verify(base::DumpJson(one.envelope));
    EXPECT_FALSE(v.valid()) << one.what;
    const bool found =
        std::ranges::any_of(v.checks, [&](const Check& check) { return check.name == one.check && !check.ok; });
    EXPECT_TRUE(found) << one.what << ": " << v.Reason();
  }
  presented["type"] = kEnvelopedPresentation;
  EXPECT_TRUE(Verify(base::DumpJson(presented)).valid());
}

TEST_F(VerifyAnyTest, PresentationsAreLookedInto) {
  const json one = Envelope("application/vc+jwt", Issue(Credential()));
  json expired = Credential();
  expired["validFrom"] = base::Rfc3339(kNow - 5000);
  expired["validUntil"] = base::Rfc3339(kNow - 1000);
  const json other = Envelope("application/vc+jwt", Issue(expired));

  Verification v = Verify(Present(Presentation({one, one})));
  EXPECT_TRUE(v.valid()) << v.Reason();
  ASSERT_EQ(v.credentials.size(), 2U);
  EXPECT_EQ(v.credentials[1].credential.issuer, maker_);
  EXPECT_EQ(v.Find(kCheckCredentials)->detail, "2 presented");

  v = Verify(base::DumpJson(Envelope("application/vp+jwt", Present(Presentation(one)))));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.credentials.size(), 1U);

  v = Verify(Present(Presentation({one, other})));
  EXPECT_FALSE(v.valid());
  ASSERT_EQ(v.credentials.size(), 2U);
  EXPECT_FALSE(v.Find(kCheckCredentials)->ok);
  EXPECT_NE(v.Find(kCheckCredentials)->detail.find("expired"), std::string::npos) << v.Reason();

  // A credential that nothing secures, and a presentation in place of one.
  EXPECT_FALSE(Verify(Present(Presentation({Credential()}))).valid());
  json inner = Envelope("application/jwt", Present(Presentation(one)));
  inner["type"] = kEnvelopedCredential;
  EXPECT_FALSE(Verify(Present(Presentation({inner}))).valid());
}

// Somebody else's tokens, in an envelope in an envelope.
TEST_F(VerifyAnyTest, TheSuitesPresentation) {
  const auto text =
      base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-data-model/enveloped-presentation.json");
  ASSERT_TRUE(text.has_value());
  options_.challenge = "123456789";
  Verification v = Verify(*text);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "jwt_vp");
  ASSERT_EQ(v.credentials.size(), 1U);
  EXPECT_EQ(v.credentials[0].form, "jwt_vc");
  options_.challenge = "12345678";
  EXPECT_FALSE(Verify(*text).valid());
  options_.challenge = std::nullopt;
  for (const auto& [member, value] : std::initializer_list<std::pair<const char*, json>>{
           {"@context", json::array()},
           {"@context", {"https://www.w3.org/ns/credentials/examples/v2"}},
           {"type", {"VerifiablePresentation"}},
           {"type", kEnvelopedCredential},
           {"id", "eyJhbGciOiJFZERTQSJ9.e30.AA"}}) {
    json changed = *base::ParseJson(*text);
    changed[member] = value;
    EXPECT_FALSE(Verify(base::DumpJson(changed)).valid()) << member << value;
  }
}

TEST_F(VerifyAnyTest, OptionsGoWhereTheyBelong) {
  json payload = Presentation({Envelope("application/vc+jwt", Issue(Credential()))});
  payload["nonce"] = "n";
  payload["aud"] = "me";
  options_.nonce = "n";
  options_.audience = "me";
  options_.trusted_issuers = {maker_};
  options_.subject = device_;
  Verification v = Verify(Present(payload));
  EXPECT_TRUE(v.valid()) << v.Reason();
  options_.trusted_issuers = {owner_};
  v = Verify(Present(payload));
  EXPECT_FALSE(v.valid());
  EXPECT_EQ(v.credentials[0].Reason().rfind("trust", 0), 0U) << v.credentials[0].Reason();
}

TEST_F(VerifyAnyTest, NobodyElsesPresentationIsLookedInto) {
  std::string jwt = Present(Presentation({Envelope("application/vc+jwt", Issue(Credential()))}));
  const size_t at = jwt.rfind('.') + 5;
  jwt[at] = jwt[at] == 'A' ? 'B' : 'A';
  const Verification v = Verify(jwt);
  EXPECT_FALSE(v.valid());
  EXPECT_TRUE(v.credentials.empty());
  EXPECT_EQ(v.Find(kCheckCredentials), nullptr);
}

}  // namespace
}  // namespace keel::vc
