// SPDX-License-Identifier: Apache-2.0
#include "vc/secure.h"

#include "did/methods/jwk.h"
#include "tests/unit/vc/parties.h"
#include "vc/problem_details.h"
#include "vc/verify_any.h"

// Every form, made by Secure and verified by VerifyAny.
namespace keel::vc {
namespace {

using nlohmann::json;

class SecureTest : public PartiesTest {
 protected:
  struct Party {
    std::string did, kid;
    crypto::KeyHandle key;
  };
  Party MakeParty(crypto::KeyType type) {
    Party party;
    party.key = *store_->Generate(type);
    const crypto::PublicKey key = *store_->Public(party.key);
    party.did = did::DidKey(key);
    party.kid = did::DidKeyUrl(key);
    return party;
  }
  json Credential(const std::string& issuer) {
    return {{"@context", {kContextV2, "https://www.w3.org/ns/credentials/examples/v2"}},
            {"id", "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008"},
            {"type", {"VerifiableCredential", "LampCredential"}},
            {"issuer", issuer},
            {"validFrom", base::Rfc3339(kNow - 1000)},
            {"validUntil", base::Rfc3339(kNow + 1000)},
            {"credentialSubject", {{"id", "did:example:lamp"}, {"colour", "red"}, {"watt", 7}}}};
  }
  SecureOptions With(const Party& party, std::string_view form) {
    SecureOptions options;
    options.form = form;
    options.kid = party.kid;
    options.store = store_.get();
    options.key = party.key;
    options.created = kNow;
    if (form == "ecdsa-sd-2023") options.pointers = {"/issuer"};
    if (form == "vc+sd-jwt") options.pointers = {"/credentialSubject/colour"};
    return options;
  }
  Verification Verify(const std::string& octets, VerifyOptions options = {}) {
    options.now = kNow;
    options.max_size = 1 << 20;
    auto v = VerifyAny(octets, resolver_, options);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification{});
  }
  static bool Takes(std::string_view form, crypto::KeyType type) {
    if (form.starts_with("eddsa")) return type == crypto::KeyType::kEd25519;
    if (form == "ecdsa-sd-2023") return type == crypto::KeyType::kP256;
    if (form.starts_with("ecdsa")) return type == crypto::KeyType::kP256 || type == crypto::KeyType::kP384;
    return true;
  }
};

constexpr crypto::KeyType kTypes[] = {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384,
                                      crypto::KeyType::kSecp256k1};

TEST_F(SecureTest, EveryFormWithEveryKey) {
  for (const crypto::KeyType type : kTypes) {
    const Party issuer = MakeParty(type);
    for (const std::string_view form : CredentialForms()) {
      if (form == "dc+sd-jwt") continue;  // below
      SCOPED_TRACE(std::string(form) + " " + issuer.did);
      const auto secured = Secure(Credential(issuer.did), With(issuer, form));
      ASSERT_EQ(secured.has_value(), Takes(form, type)) << (secured ? "" : secured.error().Text());
      if (!secured) continue;
      EXPECT_EQ(secured->form, form);
      // What has a base proof is its holder's to derive from, and is no proof for others.
      if (form == "ecdsa-sd-2023") {
        EXPECT_FALSE(Verify(secured->octets).valid());
        continue;
      }
      const Verification v = Verify(secured->octets);
      EXPECT_TRUE(v.valid()) << v.Reason();
      EXPECT_EQ(v.form, form);
      EXPECT_EQ(v.credential.issuer, issuer.did);
      // Enveloped, or as it is.
      const auto presented = AsPresented(secured->octets);
      ASSERT_TRUE(presented.has_value()) << presented.error().Text();
      EXPECT_TRUE(Verify(base::DumpJson(*presented)).valid()) << Verify(base::DumpJson(*presented)).Reason();
    }
  }
}

TEST_F(SecureTest, OneChangedCharacterIsEnough) {
  const Party issuer = MakeParty(crypto::KeyType::kEd25519);
  for (const std::string_view form : {"vc+jwt", "vc+sd-jwt", "vc+cose", "eddsa-jcs-2022", "eddsa-rdfc-2022"}) {
    const auto secured = Secure(Credential(issuer.did), With(issuer, form));
    ASSERT_TRUE(secured.has_value()) << form;
    size_t refused = 0, tried = 0;
    for (size_t at = 0; at < secured->octets.size(); at += 7, ++tried) {
      std::string changed = secured->octets;
      changed[at] = static_cast<char>(changed[at] == 'A' ? 'B' : 'A');
      auto v = VerifyAny(changed, resolver_, {.now = kNow});
      if (!v || !v->valid()) ++refused;
    }
    EXPECT_EQ(refused, tried) << form;
  }
}

TEST_F(SecureTest, PresentationsOfEverything) {
  const Party maker = MakeParty(crypto::KeyType::kP256), holder = MakeParty(crypto::KeyType::kEd25519);
  json presentation = {{"@context", {kContextV2}}, {"type", {"VerifiablePresentation"}}, {"holder", holder.did}};
  for (const std::string_view form : {"vc+jwt", "vc+sd-jwt", "vc+cose", "ecdsa-jcs-2019", "ecdsa-rdfc-2019"}) {
    const auto secured = Secure(Credential(maker.did), With(maker, form));
    ASSERT_TRUE(secured.has_value()) << form << secured.error().Text();
    presentation["verifiableCredential"].push_back(*AsPresented(secured->octets));
  }
  for (const std::string_view form : {"vp+jwt", "vp+cose", "eddsa-jcs-2022", "eddsa-rdfc-2022"}) {
    SCOPED_TRACE(form);
    SecureOptions options = With(holder, form);
    options.challenge = "c-1";
    options.domain = "shop.example";
    const auto secured = Secure(presentation, options);
    ASSERT_TRUE(secured.has_value()) << secured.error().Text();
    const bool token = form.starts_with("vp+");
    VerifyOptions wanted;
    (token ? wanted.nonce : wanted.challenge) = "c-1";
    (token ? wanted.audience : wanted.domain) = "shop.example";
    Verification v = Verify(secured->octets, wanted);
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_TRUE(v.presentation);
    EXPECT_EQ(v.holder, holder.did);
    ASSERT_EQ(v.credentials.size(), 5U);
    for (const Verification& one : v.credentials) EXPECT_TRUE(one.valid()) << one.form << one.Reason();
    (token ? wanted.nonce : wanted.challenge) = "c-2";
    EXPECT_FALSE(Verify(secured->octets, wanted).valid());
    (token ? wanted.nonce : wanted.challenge) = "c-1";
    (token ? wanted.audience : wanted.domain) = "other.example";
    EXPECT_FALSE(Verify(secured->octets, wanted).valid());
  }
  // One bad apple: a credential whose signature is another's.
  std::string& url = presentation["verifiableCredential"][0]["id"].get_ref<std::string&>();
  url[url.size() - 5] = url[url.size() - 5] == 'A' ? 'B' : 'A';
  const auto secured = Secure(presentation, With(holder, "vp+jwt"));
  ASSERT_TRUE(secured.has_value());
  const Verification v = Verify(secured->octets);
  EXPECT_FALSE(v.valid());
  EXPECT_FALSE(v.Find(kCheckCredentials)->ok);
  const json verdict = VerdictJson(v);
  EXPECT_EQ(verdict["verified"], false);
  EXPECT_EQ(verdict.size(), 3U);
  bool named = false;
  for (const json& check : verdict["checks"]) {
    EXPECT_EQ(check.size(), 3U);
    if (check["check"] == "credentials[0].signature") named = check["ok"] == false;
  }
  EXPECT_TRUE(named) << verdict;
  EXPECT_EQ(verdict["errors"].size(), 2U) << verdict["errors"];
}

// Whichever of the four names a verifier uses, another value is refused by every form.
TEST_F(SecureTest, NoBindingGoesUnjudged) {
  const Party holder = MakeParty(crypto::KeyType::kEd25519);
  const json presentation = {{"@context", {kContextV2}}, {"type", {"VerifiablePresentation"}}, {"holder", holder.did}};
  using Field = std::optional<std::string> VerifyOptions::*;
  const std::pair<Field, const char*> kFields[] = {{&VerifyOptions::challenge, "c-1"},
                                                   {&VerifyOptions::nonce, "c-1"},
                                                   {&VerifyOptions::domain, "shop.example"},
                                                   {&VerifyOptions::audience, "shop.example"}};
  for (const std::string_view form : {"vp+jwt", "vp+cose", "eddsa-jcs-2022", "eddsa-rdfc-2022"}) {
    SecureOptions bound = With(holder, form);
    bound.nonce = "c-1";
    bound.audience = "shop.example";
    const auto secured = Secure(presentation, bound);
    ASSERT_TRUE(secured.has_value()) << form << secured.error().Text();
    const auto unbound = Secure(presentation, With(holder, form));
    ASSERT_TRUE(unbound.has_value()) << form << unbound.error().Text();
    for (const auto& [field, value] : kFields) {
      VerifyOptions wanted;
      wanted.*field = value;
      EXPECT_TRUE(Verify(secured->octets, wanted).valid()) << form << Verify(secured->octets, wanted).Reason();
      EXPECT_FALSE(Verify(unbound->octets, wanted).valid()) << form;
      wanted.*field = "other";
      EXPECT_FALSE(Verify(secured->octets, wanted).valid()) << form;
    }
  }
  // A credential by itself is bound to nobody: whoever has a copy can hand it in.
  for (const std::string_view form : {"vc+jwt", "vc+cose", "vc+sd-jwt", "eddsa-jcs-2022"}) {
    const auto secured = Secure(Credential(holder.did), With(holder, form));
    ASSERT_TRUE(secured.has_value()) << form;
    EXPECT_TRUE(Verify(secured->octets).valid());
    for (const auto& [field, value] : kFields) {
      VerifyOptions wanted;
      wanted.*field = value;
      EXPECT_FALSE(Verify(secured->octets, wanted).valid()) << form;
    }
  }
}

TEST_F(SecureTest, SdJwtVc) {
  const Party issuer = MakeParty(crypto::KeyType::kP256);
  SecureOptions options = With(issuer, "dc+sd-jwt");
  options.pointers = {"/serial"};
  const auto secured = Secure({{"vct", "https://example.org/lamp"}, {"serial", "7"}, {"model", "L"}}, options);
  ASSERT_TRUE(secured.has_value()) << secured.error().Text();
  const Verification v = Verify(secured->octets);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "dc+sd-jwt");
  EXPECT_FALSE(Secure({{"serial", "7"}}, options).has_value());
  EXPECT_FALSE(Secure({{"vct", "x"}, {"iss", "did:example:other"}}, options).has_value());
}

TEST_F(SecureTest, WhatWouldNotVerifyIsNotSecured) {
  const Party issuer = MakeParty(crypto::KeyType::kEd25519);
  struct Case {
    const char* what;
    std::function<void(json&)> change;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"no type", [](json& c) { c.erase("type"); }},
           {"a type that nobody defines", [](json& c) { c["@context"] = {kContextV2}; }},
           {"an unknown context", [](json& c) { c["@context"].push_back("https://example.org/unknown"); }},
           {"a second meaning",
            [](json& c) { c["@context"].push_back({{"VerifiableCredential", "https://example.org/#Bad"}}); }},
           {"another issuer", [](json& c) { c["issuer"] = "did:example:other"; }},
           {"ended before it began", [](json& c) { c["validUntil"] = base::Rfc3339(kNow - 2000); }},
           {"a wrong digest",
            [](json& c) {
              c["relatedResource"] = {{"id", kContextV2},
                                      {"digestMultibase", "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}};
            }},
           {"a malformed status",
            [](json& c) { c["credentialStatus"] = {{"type", "BitstringStatusListEntry"}, {"statusListIndex", -1}}; }},
           {"no object", [](json& c) { c = "credential"; }}}) {
    for (const std::string_view form : {"vc+jwt", "vc+sd-jwt", "vc+cose", "eddsa-jcs-2022", "eddsa-rdfc-2022"}) {
      json credential = Credential(issuer.did);
      one.change(credential);
      SecureOptions options = With(issuer, form);
      options.pointers.clear();
      EXPECT_FALSE(Secure(credential, options).has_value()) << one.what << " " << form;
    }
  }
  EXPECT_EQ(Secure(Credential(issuer.did), With(issuer, "rot13")).error().code, Code::kUnsupported);
  EXPECT_EQ(Secure(Credential(issuer.did), With(issuer, "vp+jwt")).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace keel::vc
