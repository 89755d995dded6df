// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/vc_sd_jwt/world.h"

// RFC 9901, section 7.3: each step of the key binding's verification broken once.
namespace keel::vc {
namespace {

using nlohmann::json;

class Binding : public SdJwtTest {
 protected:
  void SetUp() override {
    SdJwtTest::SetUp();
    presented_ = Present(Issue(), {"/model"}, false);
  }
  json Good() const {
    return {{"aud", "did:example:owner"},
            {"nonce", "n-1"},
            {"iat", kNow},
            {"sd_hash", SdDigest(SdHash::kSha256, presented_)}};
  }
  std::string Bind(const json& claims, json header = {{"typ", "kb+jwt"}}) {
    return presented_ + *did::SignJws(header, base::DumpJson(claims), *store_, holder_key_);
  }
  std::string presented_;
};

TEST_F(Binding, Holds) {
  const Verification v = Verify(Bind(Good()), Options(true));
  EXPECT_TRUE(v.valid()) << v.Reason();
  for (const auto name : {kCheckKeyBinding, kCheckNonce, kCheckAudience, kCheckDisclosures, kCheckSignature})
    EXPECT_NE(v.Find(name), nullptr) << name;
}

// Whether it is demanded is the verifier's to say, not the sender's.
TEST_F(Binding, DemandedIsDemanded) {
  Refused(presented_, Options(true), kCheckKeyBinding, "none came along");
  VerifyOptions only_nonce = Options();
  only_nonce.nonce = "n-1";
  Refused(presented_, only_nonce, kCheckKeyBinding);
  EXPECT_TRUE(Verify(presented_).valid());
  EXPECT_TRUE(Verify(Bind(Good())).valid());
}

TEST_F(Binding, OfAnotherTransaction) {
  json claims = Good();
  claims["nonce"] = "n-2";
  Refused(Bind(claims), Options(true), kCheckNonce);
  claims = Good();
  claims["aud"] = "did:example:other";
  Refused(Bind(claims), Options(true), kCheckAudience);
  claims["aud"] = {"did:example:owner", "did:example:other"};
  Refused(Bind(claims), Options(true), kCheckKeyBinding, "aud");
}

TEST_F(Binding, EveryMember) {
  for (const char* name : {"aud", "nonce", "iat", "sd_hash"}) {
    json claims = Good();
    claims.erase(name);
    Refused(Bind(claims), Options(true), kCheckKeyBinding);
    Refused(Bind(claims), kCheckKeyBinding);  // also where nobody demanded it
    claims[name] = json::array();
    Refused(Bind(claims), kCheckKeyBinding);
    claims[name] = nullptr;
    Refused(Bind(claims), kCheckKeyBinding);
  }
}

TEST_F(Binding, OverOtherDisclosures) {
  const std::string issued = Issue();
  const SdJwt bound = *SdJwt::Parse(Present(issued, {"/model", "/serial"}));
  // One disclosure less, one more, another order: sd_hash is over them as they were.
  SdJwt less = bound;
  less.disclosures.pop_back();
  Refused(less.Compact(), Options(true), kCheckKeyBinding, "sd_hash");
  SdJwt more = bound;
  more.disclosures = SdJwt::Parse(issued)->disclosures;
  Refused(more.Compact(), Options(true), kCheckKeyBinding, "sd_hash");
  SdJwt turned = bound;
  std::swap(turned.disclosures[0], turned.disclosures[1]);
  Refused(turned.Compact(), Options(true), kCheckKeyBinding, "sd_hash");
  // Taken to another credential of the same holder.
  SdJwt moved = *SdJwt::Parse(Present(Issue(), {"/model", "/serial"}));
  moved.key_binding = bound.key_binding;
  Refused(moved.Compact(), Options(true), kCheckKeyBinding, "sd_hash");
}

TEST_F(Binding, ByAnotherKey) {
  const std::string mallory =
      presented_ +
      *did::SignJws(json{{"typ", "kb+jwt"}, {"jwk", crypto::PublicKeyToJwk(*store_->Public(mallory_key_))}},
                    base::DumpJson(Good()), *store_, mallory_key_);
  Refused(mallory, Options(true), kCheckKeyBinding);
  const crypto::KeyHandle same_kind = *store_->Generate(crypto::KeyType::kP256);
  Refused(presented_ + *did::SignJws(json{{"typ", "kb+jwt"}}, base::DumpJson(Good()), *store_, same_kind),
          Options(true), kCheckKeyBinding, "signature");
}

TEST_F(Binding, OfTheRightType) {
  for (const char* typ : {"", "JWT", "vc+jwt", "KB+JWT", "kb+jwt ", "dc+sd-jwt"})
    Refused(Bind(Good(), {{"typ", typ}}), kCheckKeyBinding, "typ");
  Refused(Bind(Good(), json::object()), kCheckKeyBinding, "typ");
  Refused(Bind(Good(), {{"typ", "kb+jwt"}, {"crit", {"x"}}, {"x", 1}}), kCheckKeyBinding, "crit");
  // alg none, with and without a signature.
  const std::string none = base::Base64Url(AsBytes(R"({"alg":"none","typ":"kb+jwt"})")) + "." +
                           base::Base64Url(AsBytes(base::DumpJson(Good())));
  Refused(presented_ + none + ".", Options(true), kCheckKeyBinding);
  Refused(presented_ + none + ".AAAA", Options(true), kCheckKeyBinding);
  Refused(presented_ + "no-jwt", Options(true), kCheckKeyBinding);
  Refused(presented_ + *did::SignJws(json{{"typ", "kb+jwt"}}, "[]", *store_, holder_key_), kCheckKeyBinding);
}

TEST_F(Binding, InItsWindow) {
  const auto at = [&](uint64_t iat) {
    json claims = Good();
    claims["iat"] = iat;
    return Bind(claims);
  };
  Refused(at(kNow + 3600), Options(true), kCheckKeyBinding, "to come");
  Refused(at(kNow - 86400), Options(true), kCheckKeyBinding, "too long ago");
  EXPECT_TRUE(Verify(at(kNow - 300), Options(true)).valid());
  json claims = Good();
  claims["exp"] = kNow - 3600;
  Refused(Bind(claims), kCheckKeyBinding);
  claims = Good();
  claims["nbf"] = kNow + 3600;
  Refused(Bind(claims), kCheckKeyBinding);
}

TEST_F(Binding, WithoutCnfThereIsNoHolder) {
  SdJwtIssue plan = Plan();
  plan.holder = {};
  presented_ = Issue(Claims(), plan);
  Refused(Bind(Good()), Options(true), kCheckKeyBinding, "cnf");
  for (const json& cnf : {json::object(), json{{"x5t#S256", "AAAA"}}, json{{"jwk", {{"kty", "oct"}, {"k", "AAAA"}}}},
                          json{{"jwk", "text"}}, json{{"kid", "key-1"}}, json("text")}) {
    json claims = Claims();
    claims["cnf"] = cnf;
    presented_ = Forge(claims);
    Refused(Bind(Good()), Options(true), kCheckKeyBinding, "cnf");
  }
}

// A cnf.kid is a DID URL, whose key must be one for authentication.
TEST_F(Binding, ByTheKeyOfADid) {
  json claims = Claims();
  claims["cnf"] = {{"kid", did::DidKeyUrl(*store_->Public(holder_key_))}};
  presented_ = Forge(claims);
  const Verification v = Verify(Bind(Good()), Options(true));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.holder, did::DidKey(*store_->Public(holder_key_)));
  claims["cnf"] = {{"kid", did::DidKeyUrl(*store_->Public(mallory_key_))}};
  presented_ = Forge(claims);
  Refused(Bind(Good()), Options(true), kCheckKeyBinding);
  EXPECT_EQ(Verify(Bind(Good())).holder, "");
  // A key for key agreement only.
  const crypto::KeyHandle agree = *store_->Generate(crypto::KeyType::kX25519);
  claims["cnf"] = {{"kid", did::DidKeyUrl(*store_->Public(agree))}};
  presented_ = Forge(claims);
  Refused(Bind(Good()), Options(true), kCheckKeyBinding, "cnf.kid");
}

}  // namespace
}  // namespace keel::vc
