// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "tests/unit/vc_sd_jwt/world.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class IssueAndPresent : public SdJwtTest {
 protected:
  static json Payload(const std::string& token) {
    const SdJwt parts = *SdJwt::Parse(token);
    return *base::ParseJson(did::Jws::Parse(parts.jwt)->payload);
  }
  Code IssueError(const json& claims, const SdJwtIssue& plan) {
    return IssueSdJwt(claims, plan, crypto::SystemRandom(), *store_, maker_key_).error().code;
  }
};

TEST_F(IssueAndPresent, ConcealsWhatItShouldAndNothingElse) {
  const std::string token = Issue();
  const json payload = Payload(token);
  EXPECT_EQ(payload["iss"], maker_);
  EXPECT_EQ(payload["_sd_alg"], "sha-256");
  EXPECT_EQ(payload["_sd"].size(), 4u);
  EXPECT_TRUE(std::is_sorted(payload["_sd"].begin(), payload["_sd"].end()));
  for (const char* name : {"sub", "model", "serial", "firmware"}) EXPECT_FALSE(payload.contains(name)) << name;
  EXPECT_EQ(payload["ports"][1], "can");
  EXPECT_TRUE(payload["ports"][0].contains("..."));
  EXPECT_EQ(payload["cnf"]["jwk"], crypto::PublicKeyToJwk(*store_->Public(holder_key_)));
  EXPECT_EQ(SdJwt::Parse(token)->disclosures.size(), 7u);
  const Verification v = Verify(token);
  ASSERT_TRUE(v.valid()) << v.Reason();
  json all = *base::ParseJson(v.credential.json);
  all.erase("cnf");
  EXPECT_EQ(all, Claims());
}

TEST_F(IssueAndPresent, SaltsAreFreshAndLong) {
  std::set<std::string> salts;
  for (int i = 0; i < 3; ++i) {
    const SdJwt parts = *SdJwt::Parse(Issue());
    for (const std::string& text : parts.disclosures) {
      const json disclosure = *base::ParseJson(AsText(*base::FromBase64Url(text)));
      EXPECT_EQ(base::FromBase64Url(disclosure[0].get<std::string>())->size(), 16u);
      EXPECT_TRUE(salts.insert(disclosure[0].get<std::string>()).second);
    }
  }
}

TEST_F(IssueAndPresent, DecoysLookLikeDigests) {
  SdJwtIssue plan = Plan();
  plan.decoys = 5;
  const std::string token = Issue(Claims(), plan);
  const json payload = Payload(token);
  EXPECT_EQ(payload["_sd"].size(), 9u);
  EXPECT_EQ(payload["ports"].size(), 8u);
  for (const json& digest : payload["_sd"]) EXPECT_EQ(digest.get<std::string>().size(), 43u);
  json all = *base::ParseJson(Verify(token).credential.json);
  all.erase("cnf");
  EXPECT_EQ(all, Claims());
  EXPECT_TRUE(Verify(Present(token, {"/model", "/ports/2"}), Options(true)).valid());
}

TEST_F(IssueAndPresent, EveryHashAndKey) {
  for (const crypto::KeyType type :
       {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384, crypto::KeyType::kSecp256k1}) {
    maker_key_ = *store_->Generate(type);
    maker_ = did::DidKey(*store_->Public(maker_key_));
    kid_ = did::DidKeyUrl(*store_->Public(maker_key_));
    for (const SdHash hash : {SdHash::kSha256, SdHash::kSha384, SdHash::kSha512}) {
      SdJwtIssue plan = Plan();
      plan.hash = hash;
      const Verification v = Verify(Present(Issue(Claims(), plan), {"/firmware/digest"}), Options(true));
      EXPECT_TRUE(v.valid()) << v.Reason();
    }
  }
}

TEST_F(IssueAndPresent, RefusesWhatItCouldNotKeep) {
  const auto with = [&](const std::string& pointer) {
    SdJwtIssue plan = Plan();
    plan.concealed = {pointer};
    return plan;
  };
  for (const char* pointer : {"/iss", "/exp", "/nbf", "/vct", "/cnf", "/cnf/jwk", "/status", "/nothing", "", "model",
                              "/ports/7", "/ports/01", "/firmware/none", "/aka_vcts/0"})
    EXPECT_EQ(IssueError(Claims(), with(pointer)), Code::kInvalidArgument) << pointer;
  SdJwtIssue twice = Plan();
  twice.concealed = {"/model", "/model"};
  EXPECT_EQ(IssueError(Claims(), twice), Code::kInvalidArgument);
  for (const char* name : {"_sd", "...", "_sd_alg", "cnf"}) {
    json claims = Claims();
    claims[name] = 1;
    EXPECT_EQ(IssueError(claims, Plan()), Code::kInvalidArgument) << name;
  }
  json inside = Claims();
  inside["firmware"]["_sd"] = json::array();
  EXPECT_EQ(IssueError(inside, Plan()), Code::kInvalidArgument);
  EXPECT_EQ(IssueError(json::array(), Plan()), Code::kInvalidArgument);
  SdJwtIssue w3c = Plan();
  w3c.typ = kTypVcSdJwt;
  w3c.concealed = {"/credentialStatus"};
  json claims = Claims();
  claims["credentialStatus"] = json::object();
  EXPECT_EQ(IssueError(claims, w3c), Code::kInvalidArgument);
}

TEST_F(IssueAndPresent, RevealsTheLeast) {
  const std::string token = Issue();
  const auto revealed = [&](const std::vector<std::string>& pointers) {
    const std::string presented = Present(token, pointers, false);
    json claims = *base::ParseJson(Verify(presented).credential.json);
    for (const char* open : {"iss", "vct", "nbf", "exp", "cnf"}) claims.erase(open);
    return claims;
  };
  EXPECT_EQ(revealed({}), json({{"ports", {"can"}}}));
  EXPECT_EQ(revealed({"/model"}), json({{"model", "M1"}, {"ports", {"can"}}}));
  EXPECT_EQ(revealed({"/firmware"}), json({{"firmware", {{"version", "1.2"}}}, {"ports", {"can"}}}));
  EXPECT_EQ(revealed({"/firmware/version"}), revealed({"/firmware"}));
  EXPECT_EQ(revealed({"/firmware/digest"}),
            json({{"firmware", {{"digest", "abc"}, {"version", "1.2"}}}, {"ports", {"can"}}}));
  EXPECT_EQ(revealed({"/ports/2"}), json({{"ports", {"can", "eth"}}}));
  EXPECT_EQ(revealed({"/iss"}), revealed({}));
  EXPECT_EQ(revealed({""})["serial"], "S-17");
  for (const char* pointer : {"/nothing", "/ports/3", "/ports/x", "/model/x", "model", "/~2", "/firmware/digest/0"})
    EXPECT_EQ(PresentSdJwt(token, {pointer}).error().code, Code::kNotFound) << pointer;
}

TEST_F(IssueAndPresent, NamesWithSlashesAndTildes) {
  json claims = Claims();
  claims["a/b"] = {{"c~d", 1}};
  SdJwtIssue plan = Plan();
  plan.concealed = {"/a~1b", "/a~1b/c~0d"};
  const std::string token = Issue(claims, plan);
  EXPECT_EQ(base::ParseJson(Verify(Present(token, {"/a~1b/c~0d"}, false)).credential.json)->at("a/b"),
            json({{"c~d", 1}}));
  EXPECT_EQ(base::ParseJson(Verify(Present(token, {"/a~1b"}, false)).credential.json)->at("a/b"), json::object());
}

TEST_F(IssueAndPresent, BindsOnlyWithTheHoldersKey) {
  KeyBinding binding = Binding();
  binding.key = mallory_key_;
  EXPECT_EQ(PresentSdJwt(Issue(), {}, &binding).error().code, Code::kInvalidArgument);
  SdJwtIssue plan = Plan();
  plan.holder = {};
  binding = Binding();
  EXPECT_EQ(PresentSdJwt(Issue(Claims(), plan), {}, &binding).error().code, Code::kInvalidArgument);
  // A presentation is nobody's to present again.
  EXPECT_EQ(PresentSdJwt(Present(Issue(), {}), {}, &binding).error().code, Code::kInvalidArgument);
}

TEST_F(IssueAndPresent, HoldersCheckDisclosuresToo) {
  EXPECT_EQ(PresentSdJwt(Issue() + Text({"s", "more", 1}) + "~", {"/model"}).error().code, Code::kMissing);
}

}  // namespace
}  // namespace keel::vc
