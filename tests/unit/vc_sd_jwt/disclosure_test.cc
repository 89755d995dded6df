// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/disclosure.h"

#include "tests/unit/vc_sd_jwt/world.h"

// RFC 9901, section 7.1: every rule over disclosures and digests, each broken once in a token that its issuer signed.
namespace keel::vc {
namespace {

using nlohmann::json;

class Disclosures : public SdJwtTest {
 protected:
  json Base() const { return {{"iss", maker_}, {"vct", "https://example.com/t"}}; }
  const std::string name_ = Text({"s1", "name", "Anna"});
  const std::string age_ = Text({"s2", "age", 41});
  const std::string element_ = Text({"s3", "DE"});
};

// RFC 9901, sections 4.2.1, 4.2.2 and 4.2.3.
TEST_F(Disclosures, DigestsOfTheRfc) {
  const std::string text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
  EXPECT_EQ(SdDigest(SdHash::kSha256, text), "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
  const json value = {{"given_name", "Alice"}, {"_sd", {"X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"}}};
  json payload = value;
  ASSERT_TRUE(DiscloseClaims(payload, std::vector{text}));
  EXPECT_EQ(payload, json({{"given_name", "Alice"},
                           {"family_name",
                            "M\xc3\xb6"
                            "bius"}}));
  // Other spellings of the same array are other disclosures, none of which the digest is of.
  for (const char* other : {"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
                            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
                            "WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ"}) {
    payload = {{"_sd", {SdDigest(SdHash::kSha256, other)}}};
    ASSERT_TRUE(DiscloseClaims(payload, std::vector<std::string>{other}));
    EXPECT_EQ(payload["family_name"],
              "M\xc3\xb6"
              "bius");
    payload = value;
    EXPECT_EQ(DiscloseClaims(payload, std::vector<std::string>{other}).error().code, Code::kMissing);
  }
}

TEST_F(Disclosures, OtherHashes) {
  for (const SdHash hash : {SdHash::kSha256, SdHash::kSha384, SdHash::kSha512}) {
    json payload = Base();
    payload["_sd_alg"] = SdHashName(hash);
    payload["_sd"] = {SdDigest(hash, name_)};
    const Verification v = Verify(Forge(payload, {name_}));
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_EQ(base::ParseJson(v.credential.json)->at("name"), "Anna");
    EXPECT_FALSE(base::ParseJson(v.credential.json)->contains("_sd_alg"));
  }
  for (const char* name : {"sha-1", "md5", "SHA-256", "sha256", "sha-256-128", "none", ""}) {
    json payload = Base();
    payload["_sd_alg"] = name;
    payload["_sd"] = {Digest(name_)};
    Refused(Forge(payload, {name_}), kCheckDisclosures, "_sd_alg");
    Refused(Forge(payload), kCheckDisclosures, "_sd_alg");
  }
  json payload = Base();
  payload["_sd_alg"] = 256;
  Refused(Forge(payload), kCheckDisclosures, "_sd_alg");
  // With another hash than the digests were made with no disclosure fits.
  payload["_sd_alg"] = "sha-512";
  payload["_sd"] = {Digest(name_)};
  Refused(Forge(payload, {name_}), kCheckDisclosures, "no digest refers");
}

TEST_F(Disclosures, ObjectsArraysAndWhatIsInThem) {
  const std::string inner = Text({"s5", "city", "Lund"});
  const std::string outer = Text({"s4", "address", {{"_sd", {Digest(inner), "decoy"}}, {"country", "SE"}}});
  const std::string list = Text({"s6", json{{"_sd", {Digest(age_)}}}});
  json payload = Base();
  payload["_sd"] = {Digest(outer), Digest(name_)};
  payload["lists"] = {{{"...", Digest(list)}}, "plain", {{"...", Digest(element_)}}, {{"...", "gone"}}};
  json all = payload;
  auto claims = DiscloseClaims(all, std::vector{name_, outer, inner, list, age_, element_});
  ASSERT_TRUE(claims) << claims.error().Text();
  EXPECT_EQ(all["address"], json({{"city", "Lund"}, {"country", "SE"}}));
  EXPECT_EQ(all["lists"], json({{{"age", 41}}, "plain", "DE"}));
  EXPECT_EQ(claims->claims.size(), 6u);
  EXPECT_EQ(claims->undisclosed, 2u);
  json none = payload;
  ASSERT_TRUE(DiscloseClaims(none, {}));
  EXPECT_EQ(none["lists"], json({"plain"}));
  EXPECT_FALSE(none.contains("_sd"));
  EXPECT_FALSE(none.contains("address"));
  // An inner one without the outer one that its digest is in.
  Refused(Forge(payload, {inner}), kCheckDisclosures, "no digest refers");
}

TEST_F(Disclosures, AnEmptyObjectStays) {
  json payload = Base();
  payload["address"] = {{"_sd", {Digest(name_)}}};
  const Verification v = Verify(Forge(payload));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(base::ParseJson(v.credential.json)->at("address"), json::object());
}

TEST_F(Disclosures, TwiceIsOnceTooOften) {
  json payload = Base();
  payload["_sd"] = {Digest(name_)};
  Refused(Forge(payload, {name_, name_}), kCheckDisclosures, "twice");
  json twice = Base();
  twice["_sd"] = {Digest(name_), Digest(name_)};
  Refused(Forge(twice, {name_}), kCheckDisclosures, "twice");
  Refused(Forge(twice), kCheckDisclosures, "twice");  // also where nobody discloses it
  json elsewhere = Base();
  elsewhere["_sd"] = {Digest(name_)};
  elsewhere["inner"] = {{"_sd", {Digest(name_)}}};
  Refused(Forge(elsewhere, {name_}), kCheckDisclosures, "twice");
  // Once in the payload, once in what a disclosure brings.
  const std::string outer = Text({"s", "outer", {{"_sd", {Digest(name_)}}}});
  json nested = Base();
  nested["_sd"] = {Digest(name_), Digest(outer)};
  Refused(Forge(nested, {name_, outer}), kCheckDisclosures, "twice");
}

TEST_F(Disclosures, NotUndigested) {
  json payload = Base();
  payload["_sd"] = {Digest(name_)};
  Refused(Forge(payload, {name_, age_}), kCheckDisclosures, "no digest refers to disclosure 2");
  Refused(Forge(Base(), {name_}), kCheckDisclosures, "no digest refers to disclosure 1");
}

TEST_F(Disclosures, MalformedOnes) {
  for (const json& value : {json::array(), json{"s"}, json{"s", "name", 1, 2}, json{1, "name", "x"}, json{"s", 7, "x"},
                            json{"s", nullptr, "x"}, json::object(), json("text"), json(nullptr)}) {
    json payload = Base();
    payload["_sd"] = {Digest(Text(value))};
    Refused(Forge(payload, {Text(value)}), kCheckDisclosures, "disclosure 1");
  }
  const std::string spaced = base::Base64Url(AsBytes(R"(["s","name","x"] ["t"])"));
  const std::string twice = base::Base64Url(AsBytes(R"(["s","name",{"a":1,"a":2}])"));
  const std::string no_utf8 = base::Base64Url(AsBytes("[\"s\",\"name\",\"\xff\"]"));
  for (const std::string& text :
       std::vector<std::string>{spaced, twice, no_utf8, name_ + "=", "!!!!", "A", name_ + "+"}) {
    json payload = Base();
    payload["_sd"] = {Digest(text)};
    Refused(Forge(payload, {text}), kCheckDisclosures, "disclosure 1");
  }
}

TEST_F(Disclosures, EachInItsPlace) {
  json payload = Base();
  payload["_sd"] = {Digest(element_)};
  Refused(Forge(payload, {element_}), kCheckDisclosures, "has no name");
  json list = Base();
  list["list"] = {{{"...", Digest(name_)}}};
  Refused(Forge(list, {name_}), kCheckDisclosures, "has a name");
}

TEST_F(Disclosures, ForbiddenNames) {
  for (const char* name : {"_sd", "...", "_sd_alg"}) {
    const std::string text = Text({"s", name, {"x"}});
    json payload = Base();
    payload["_sd"] = {Digest(text)};
    Refused(Forge(payload, {text}), kCheckDisclosures, name);
  }
}

TEST_F(Disclosures, NoNameIsThereAlready) {
  json payload = Base();
  payload["_sd"] = {Digest(name_)};
  payload["name"] = "Eve";
  Refused(Forge(payload, {name_}), kCheckDisclosures, "is there already");
  EXPECT_TRUE(Verify(Forge(payload)).valid());  // undisclosed, nobody can tell
  const std::string second = Text({"s9", "name", "Eve"});
  json both = Base();
  both["_sd"] = {Digest(name_), Digest(second)};
  Refused(Forge(both, {name_, second}), kCheckDisclosures, "is there already");
  EXPECT_TRUE(Verify(Forge(both, {second})).valid());
}

TEST_F(Disclosures, ReservedNamesInThePayload) {
  for (const json& sd : {json("text"), json(1), json(nullptr), json::object(), json{1}, json{nullptr}, json{{"a"}}}) {
    json payload = Base();
    payload["_sd"] = sd;
    Refused(Forge(payload), kCheckDisclosures, "_sd");
    json inner = Base();
    inner["a"] = {{"b", {{{"_sd", sd}}}}};
    Refused(Forge(inner), kCheckDisclosures, "_sd");
  }
  json dots = Base();
  dots["..."] = "x";
  Refused(Forge(dots), kCheckDisclosures, "...");
  json in_object = Base();
  in_object["a"] = {{"...", Digest(name_)}};
  Refused(Forge(in_object), kCheckDisclosures, "...");
  for (const json& element : {json{{"...", Digest(element_)}, {"more", 1}}, json{{"...", 1}}, json{{"...", {"x"}}}}) {
    json payload = Base();
    payload["list"] = json::array({element});
    Refused(Forge(payload), kCheckDisclosures, "...");
  }
  json nested = Base();
  nested["a"] = {{"_sd_alg", "sha-256"}};
  Refused(Forge(nested), kCheckDisclosures, "_sd_alg");
  const std::string carries = Text({"s", "a", {{"_sd_alg", "sha-256"}}});
  json payload = Base();
  payload["_sd"] = {Digest(carries)};
  Refused(Forge(payload, {carries}), kCheckDisclosures, "_sd_alg");
}

TEST_F(Disclosures, Limits) {
  json payload = Base();
  std::vector<std::string> many;
  for (size_t i = 0; i <= kMaxDisclosures; ++i) {
    many.push_back(Text({"s", "n" + std::to_string(i), 1}));
    payload["_sd"].push_back(Digest(many.back()));
  }
  VerifyOptions options = Options();
  options.max_size = 1 << 20;
  Refused(Forge(payload, many), options, kCheckEnvelope, "too many");
  many.pop_back();
  EXPECT_TRUE(Verify(Forge(payload, many), options).valid());
  // Each disclosure is shallow, and brings in the next one.
  std::vector<std::string> chain = {Text({"s", "last", 1})};
  while (chain.size() < 70) chain.push_back(Text({"s", "deeper", {{"_sd", {Digest(chain.back())}}}}));
  json deep = Base();
  deep["_sd"] = {Digest(chain.back())};
  Refused(Forge(deep, chain), kCheckDisclosures, "deep");
  chain.resize(60);
  deep["_sd"] = {Digest(chain.back())};
  EXPECT_TRUE(Verify(Forge(deep, chain)).valid());
  // A name as long as may be above thousands of digests: their places can't all be said.
  json far = Base();
  for (size_t i = 0; i < 2000; ++i) far[std::string(60'000, 'n')].push_back({{"_sd", {"d" + std::to_string(i)}}});
  Refused(Forge(far), options, kCheckDisclosures, "too long");
  far = Base();
  for (size_t i = 0; i < 2000; ++i) far[std::string(500, 'n')].push_back({{"_sd", {"d" + std::to_string(i)}}});
  EXPECT_TRUE(Verify(Forge(far), options).valid());
  json crowded = Base();
  for (size_t i = 0; i <= kMaxSdDigests; ++i) crowded["_sd"].push_back("d" + std::to_string(i));
  Refused(Forge(crowded), options, kCheckDisclosures, "too many");
}

}  // namespace
}  // namespace keel::vc
