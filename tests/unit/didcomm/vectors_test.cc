// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm/people.h"

// Published messages: the specification's appendix and SICPA's sets, all of them.
namespace keel::didcomm {
namespace {

using nlohmann::json;

class Vectors : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }

  void LoadSpecification() {
    for (const std::string person : {"alice", "bob"}) {
      auto document = did::DidDocument::FromJson(LoadVector("didcomm/" + person + "-diddoc.json"));
      ASSERT_TRUE(document.has_value()) << document.error().Text();
      resolver_.Add(std::move(*document));
      json secrets = LoadVector("didcomm/" + person + "-secrets.json");
      for (json& secret : secrets) {
        if (secret.contains("kid ")) {  // as printed in the specification
          secret["kid"] = secret["kid "];
          secret.erase("kid ");
        }
      }
      AddSecrets(secrets);
    }
  }

  void LoadSicpa() {
    const json documents = LoadVector("didcomm/sicpa/diddocs.json");
    for (const auto& [name, value] : documents.items()) {
      if (name.find("NO_SECRETS") != std::string::npos || name == "DID_DOC_MEDIATOR1" || name == "DID_DOC_MEDIATOR2")
        continue;
      auto document = did::DidDocument::FromJson(value);
      ASSERT_TRUE(document.has_value()) << name << document.error().Text();
      resolver_.Add(std::move(*document));
    }
    const json all = LoadVector("didcomm/sicpa/secrets.json");
    json secrets = json::array();
    for (const auto& [name, value] : all.items()) {
      if (!value.is_array() || name.find("otated") != std::string::npos) continue;
      for (const json& secret : value) {
        const std::string material = secret.at("verification_material").at("value");
        json entry = {{"id", secret.at("kid")}, {"type", secret.at("type")}};
        if (secret.at("verification_material").at("format") == "JWK") {
          entry["privateKeyJwk"] = *base::ParseJson(material);
        } else {
          entry["privateKeyMultibase"] = material;
        }
        secrets.push_back(std::move(entry));
      }
    }
    AddSecrets(secrets);
  }

  void AddSecrets(const json& secrets) {
    auto file = did::SecretsFile::Parse(base::DumpJson(secrets));
    ASSERT_TRUE(file.has_value()) << file.error().Text();
    for (const std::string& kid : (*file)->kids()) keys_.Add(kid, *(*file)->Find(kid));
    files_.push_back(std::move(*file));
  }

  did::StaticResolver resolver_;
  did::MapKeyFinder keys_;
  std::vector<std::unique_ptr<did::SecretsFile>> files_;
};

TEST_F(Vectors, SpecificationsAppendixC) {
  LoadSpecification();
  const json expected = LoadVector("didcomm/00-plaintext.json").at("message");
  size_t opened = 0;
  for (const char* name : {"00-plaintext", "01-signed", "02-signed", "03-signed", "04-encrypted", "05-encrypted",
                           "06-encrypted", "07-encrypted", "08-encrypted", "09-encrypted"}) {
    const json vector = LoadVector("didcomm/" + std::string(name) + ".json");
    auto unpacked = Unpack(base::DumpJson(vector.at("message")), keys_, resolver_);
    const std::string text = vector.at("description");
    ASSERT_TRUE(unpacked.has_value()) << name << " " << text << ": " << unpacked.error().Text();
    const json plaintext = *base::ParseJson(unpacked->plaintext);
    // The printed plaintext has another scheme in `type` and no `typ`.
    for (const char* member : {"id", "from", "to", "body", "created_time", "expires_time"})
      EXPECT_EQ(plaintext.at(member), expected.at(member)) << name << member;
    ++opened;
  }
  EXPECT_EQ(opened, 10u);
}

TEST_F(Vectors, SicpasGoodMessages) {
  LoadSicpa();
  const json all = LoadVector("didcomm/sicpa/python_positive.json");
  size_t opened = 0;
  for (const auto& [kind, list] : all.items()) {
    for (const json& entry : list) {
      auto unpacked = Unpack(base::DumpJson(entry.at("message")), keys_, resolver_);
      const json& m = entry.at("metadata");
      const std::string meta_text = base::DumpJson(m.at("encrypted_to"));
      ASSERT_TRUE(unpacked.has_value()) << kind << " " << meta_text << ": " << unpacked.error().Text();
      const Metadata& ours = unpacked->metadata;
      auto text = [&m](const char* name) {
        return m.at(name).is_null() ? std::string() : m.at(name).get<std::string>();
      };
      EXPECT_EQ(ours.encrypted, m.at("encrypted").get<bool>());
      EXPECT_EQ(ours.authenticated, m.at("authenticated").get<bool>());
      EXPECT_EQ(ours.non_repudiation, m.at("non_repudiation").get<bool>());
      EXPECT_EQ(ours.anonymous_sender, m.at("anonymous_sender").get<bool>());
      EXPECT_EQ(ours.encrypted_from, text("encrypted_from"));
      EXPECT_EQ(ours.sign_from, text("sign_from"));
      EXPECT_EQ(ours.sign_alg, text("sign_alg"));
      EXPECT_EQ(ours.enc_alg_auth, text("enc_alg_auth"));
      EXPECT_EQ(ours.enc_alg_anon, text("enc_alg_anon"));
      if (!m.at("encrypted_to").is_null()) {
        EXPECT_EQ(ours.encrypted_to, m.at("encrypted_to").get<std::vector<std::string>>());
      }
      ++opened;
    }
  }
  EXPECT_GE(opened, 10u);
  std::printf("opened %zu\n", opened);
}

TEST_F(Vectors, SicpasBadMessages) {
  LoadSicpa();
  const json all = LoadVector("didcomm/sicpa/python_negative.json");
  size_t refused = 0;
  for (const auto& [kind, list] : all.items()) {
    for (const json& entry : list) {
      auto unpacked = Unpack(base::DumpJson(entry.at("message")), keys_, resolver_);
      EXPECT_FALSE(unpacked.has_value()) << kind << " " << base::DumpJson(entry.at("message")).substr(0, 200);
      ++refused;
    }
  }
  EXPECT_EQ(refused, 27u);
}

TEST_F(Vectors, SicpasRustSets) {
  LoadSicpa();
  const json signed_set = LoadVector("didcomm/sicpa/signed.json");
  for (const auto& [name, value] : signed_set.items()) {
    auto unpacked = Unpack(base::DumpJson(value), keys_, resolver_);
    EXPECT_TRUE(unpacked.has_value()) << name << unpacked.error().Text();
  }
  const json encrypted = LoadVector("didcomm/sicpa/encrypted.json");
  size_t opened = 0, invalid = 0;
  for (const auto& [name, value] : encrypted.items()) {
    auto unpacked = Unpack(value.is_string() ? value.get<std::string>() : base::DumpJson(value), keys_, resolver_);
    if (name.starts_with("INVALID")) {
      EXPECT_FALSE(unpacked.has_value()) << name;
      ++invalid;
    } else {
      EXPECT_TRUE(unpacked.has_value()) << name << ": " << unpacked.error().Text();
      ++opened;
    }
  }
  std::printf("opened %zu, refused %zu\n", opened, invalid);
  EXPECT_EQ(opened, 5u);
}

TEST_F(Vectors, SicpasFromPrior) {
  LoadSicpa();
  const json plain = LoadVector("didcomm/sicpa/plaintext.json");
  auto good = Unpack(base::DumpJson(plain.at("PLAINTEXT_FROM_PRIOR")), keys_, resolver_);
  ASSERT_TRUE(good.has_value()) << good.error().Text();
  EXPECT_EQ(good->metadata.from_prior_issuer_kid, "did:example:charlie#key-1");
  EXPECT_FALSE(Unpack(base::DumpJson(plain.at("PLAINTEXT_INVALID_FROM_PRIOR")), keys_, resolver_).has_value());
  // Its signature isn't canonical base64url, which is refused before it is verified.
  EXPECT_FALSE(
      Unpack(base::DumpJson(plain.at("PLAINTEXT_FROM_PRIOR_INVALID_SIGNATURE")), keys_, resolver_).has_value());
}

}  // namespace
}  // namespace keel::didcomm
