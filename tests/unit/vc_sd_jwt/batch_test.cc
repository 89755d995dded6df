// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/batch.h"

#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "tests/unit/vc_sd_jwt/world.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class Hardware : public SdJwtTest {
 protected:
  json Device(const std::string& serial, const std::string& did) const {
    HardwareRequest request;
    request.issuer = maker_;
    request.device = did;
    request.valid_from = kNow - 10;
    request.valid_until = kNow + 86'400 * 365;
    request.facts.serial = serial;
    request.facts.model = "Gateway 3";
    request.facts.manufacturer_name = "Maker";
    request.facts.operating_system = "Linux";
    request.facts.hardware_revision = "B";
    request.facts.assurance_level = kAssuranceHardware;
    request.facts.firmware_version = "3.1.4";
    request.facts.firmware_digest = "sha-256:Zm9vYmFyYmF6cXV4";
    request.facts.memory_kib = 65'536;
    request.facts.extra = {{"lot", "L-9"}, {"line", "2"}};
    request.root_seal = RootSealOpening{};
    request.status_list = "https://maker.example/status/1";
    request.status_index = 7;
    return HardwareCredential(request);
  }
};

TEST_F(Hardware, FactsAreDisclosedOneByOne) {
  const json credential = Device("S-1", "did:example:one");
  const crypto::PublicKey holder = *store_->Public(holder_key_);
  auto issued = IssueHardwareSdJwt(credential, kid_, holder, crypto::SystemRandom(), *store_, maker_key_);
  ASSERT_TRUE(issued.has_value()) << issued.error().Text();
  VerifyOptions options = Options();
  options.ignore_status = true;
  // Nothing of the device is in the token itself.
  const std::string payload = did::Jws::Parse(SdJwt::Parse(*issued)->jwt)->payload;
  for (const char* fact : {"S-1", "did:example:one", "Gateway", "Linux", "L-9", "3.1.4", "rootSeal", "urn:uuid"})
    EXPECT_EQ(payload.find(fact), std::string::npos) << fact;
  // All of it comes back, and it is the same credential.
  const Verification all = Verify(*issued, options);
  ASSERT_TRUE(all.valid()) << all.Reason();
  EXPECT_TRUE(all.credential.Is(kHardwareVct));
  EXPECT_EQ(all.credential.subjects, std::vector<std::string>{"did:example:one"});
  EXPECT_EQ(all.credential.status.size(), 1u);
  EXPECT_EQ(*HardwareFromClaims(*base::ParseJson(all.credential.json)), credential);
  EXPECT_EQ(ReadHardware(*HardwareFromClaims(*base::ParseJson(all.credential.json)))->facts.serial, "S-1");
  // One fact, or one property, and no other.
  const Verification one = Verify(Present(*issued, {"/model", "/properties/lot"}, false), options);
  const json seen = *base::ParseJson(one.credential.json);
  EXPECT_EQ(seen["model"], "Gateway 3");
  EXPECT_EQ(seen["properties"], json({{"lot", "L-9"}}));
  for (const char* name : {"sub", "jti", "serial", "rootSeal", "firmwareDigest"}) EXPECT_FALSE(seen.contains(name));
}

TEST_F(Hardware, OnlyOwnAndOnlyHardware) {
  const crypto::PublicKey none;
  EXPECT_EQ(IssueHardwareSdJwt(Device("S", "did:example:d"), "did:example:x#k", none, crypto::SystemRandom(), *store_,
                               maker_key_)
                .error()
                .code,
            Code::kInvalidArgument);
  json other = Device("S", "did:example:d");
  other["type"] = {"VerifiableCredential", "FleetCredential"};
  EXPECT_EQ(HardwareSdJwtClaims(other).error().code, Code::kMalformed);
  json trick = Device("S", "did:example:d");
  trick["credentialSubject"]["cnf"] = json::object();
  EXPECT_EQ(HardwareSdJwtClaims(trick).error().code, Code::kMalformed);
  EXPECT_EQ(HardwareFromClaims(Claims()).error().code, Code::kMalformed);
}

class Unlinkable : public Hardware {
 protected:
  // A device: keys of its own, a batch of credentials, and what it shows an owner with the n-th of them.
  struct Batched {
    std::vector<crypto::KeyHandle> keys;
    std::vector<std::string> credentials;
  };
  Batched Make(const std::string& serial, size_t count) {
    Batched out;
    HardwareBatch batch = Batch(out.keys, count);
    auto issued = IssueHardwareBatch(Hardware::Device(serial, "did:example:" + serial), batch, crypto::SystemRandom(),
                                     *store_, maker_key_);
    EXPECT_TRUE(issued.has_value()) << issued.error().Text();
    out.credentials = issued.value_or(std::vector<std::string>(count));
    return out;
  }
  HardwareBatch Batch(std::vector<crypto::KeyHandle>& keys, size_t count) {
    HardwareBatch batch;
    batch.kid = kid_;
    batch.issued_at = kNow - 100 - 1000 * next_index_;
    batch.valid_until = kNow + 86'400 * 365;
    batch.status_list = "https://maker.example/status/1";
    batch.status_index = [this]() -> Result<uint64_t> { return 104'729 * ++next_index_ % 131'072; };
    for (size_t i = 0; i < count; ++i) {
      keys.push_back(*store_->Generate(crypto::KeyType::kEd25519));
      batch.keys.push_back(*store_->Public(keys.back()));
    }
    return batch;
  }
  std::string Show(const Batched& device, size_t n, const std::string& owner) {
    const KeyBinding binding{.audience = "did:example:" + owner,
                             .nonce = base::Base64Url(crypto::Sha256::Of(owner)),
                             .iat = kNow,
                             .store = store_.get(),
                             .key = device.keys[n]};
    auto shown = PresentSdJwt(device.credentials[n], {"/model", "/firmwareDigest"}, &binding);
    EXPECT_TRUE(shown.has_value()) << shown.error().Text();
    return shown.value_or("");
  }
  // All texts of this length in the token as it is sent and in every part of it decoded.
  static std::set<std::string> Texts(const std::string& token, size_t length) {
    std::set<std::string> out;
    const auto add = [&](std::string_view text) {
      for (size_t i = 0; i + length <= text.size(); ++i) out.emplace(text.substr(i, length));
    };
    add(token);
    size_t from = 0;
    while (from < token.size()) {
      const size_t to = std::min(token.find_first_of(".~", from), token.size());
      if (const auto octets = base::FromBase64Url(token.substr(from, to - from))) add(AsText(*octets));
      from = to + 1;
    }
    return out;
  }
  static std::set<std::string> Common(const std::set<std::string>& a, const std::set<std::string>& b) {
    std::set<std::string> out;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(out, out.end()));
    return out;
  }
  uint64_t next_index_ = 0;
};

// Two owners lay side by side what one device showed them. What they find in common, octet by octet, another device of
// the model has in common with it too: the issuer, the model, the firmware's digest, the day.
TEST_F(Unlinkable, OwnersWhoCompareNotesFindOnlyTheModel) {
  const Batched device = Make("S-1", 3), other = Make("S-2", 1), third = Make("S-3", 1);
  const std::string at_alice = Show(device, 0, "alice"), at_bob = Show(device, 1, "bob");
  VerifyOptions options = Options();
  options.ignore_status = true;
  for (const std::string& shown : {at_alice, at_bob}) {
    const Verification v = Verify(shown, options);
    ASSERT_TRUE(v.valid()) << v.Reason();
    const json seen = *base::ParseJson(v.credential.json);
    EXPECT_EQ(seen["model"], "Gateway 3");
    EXPECT_EQ(seen["firmwareDigest"], "sha-256:Zm9vYmFyYmF6cXV4");
    EXPECT_EQ(seen.size(), 8u);  // these two, and iss, vct, iat, exp, status, cnf
  }
  constexpr size_t kLong = 16, kCore = 6;
  const auto in_common = Common(Texts(at_alice, kLong), Texts(at_bob, kLong));
  EXPECT_TRUE(in_common.contains("sha-256:Zm9vYmFy"));  // it does find what is there
  const auto of_any_two =
      Common(Common(Texts(at_alice, kCore), Texts(Show(other, 0, "bob"), kCore)), Texts(Show(third, 0, "carl"), kCore));
  // Next to what is common a few random characters are the same by chance: a text is judged by its middle.
  for (const std::string& text : in_common)
    EXPECT_TRUE(of_any_two.contains(text.substr((kLong - kCore) / 2, kCore))) << base::Hex(AsBytes(text));
  // The same comparison finds the device when it uses one credential twice.
  const auto twice = Common(Texts(at_alice, kLong), Texts(Show(device, 0, "bob"), kLong));
  EXPECT_GT(std::count_if(
                twice.begin(), twice.end(),
                [&](const std::string& text) { return !of_any_two.contains(text.substr((kLong - kCore) / 2, kCore)); }),
            1000);
}

TEST_F(Unlinkable, NothingOfTheDeviceIsInThem) {
  const Batched device = Make("S-1", 4);
  std::set<std::string> once;  // digests, salts, keys, indexes: each in one credential only
  for (const std::string& credential : device.credentials) {
    const SdJwt parts = *SdJwt::Parse(credential);
    json payload = *base::ParseJson(did::Jws::Parse(parts.jwt)->payload);
    EXPECT_EQ(payload["_sd"].size(), kHardwareBatchDigests);
    EXPECT_EQ(payload["iat"].get<uint64_t>() % kHardwareBatchDay, 0u);
    EXPECT_EQ(payload["exp"].get<uint64_t>() % kHardwareBatchDay, 0u);
    for (const json& digest : payload["_sd"]) EXPECT_TRUE(once.insert(digest).second);
    EXPECT_TRUE(once.insert(payload["cnf"]["jwk"]["x"]).second);
    EXPECT_TRUE(once.insert(payload["status"]["bitstring_status_list"]["statusListIndex"]).second);
    for (const std::string& text : parts.disclosures) {
      const json disclosure = *base::ParseJson(AsText(*base::FromBase64Url(text)));
      EXPECT_TRUE(once.insert(disclosure[0]).second);
      for (const char* name : {"sub", "jti", "serial", "rootSeal", "properties"}) EXPECT_NE(disclosure[1], name);
      for (const char* value : {"S-1", "did:example:S-1", "L-9"}) EXPECT_NE(disclosure[2], value);
    }
  }
}

TEST_F(Unlinkable, RefusesWhatWouldTellThemApart) {
  const json credential = Hardware::Device("S-1", "did:example:one");
  const auto code = [&](const HardwareBatch& batch, const json& of) {
    return IssueHardwareBatch(of, batch, crypto::SystemRandom(), *store_, maker_key_).error().code;
  };
  std::vector<crypto::KeyHandle> keys;
  HardwareBatch batch = Batch(keys, 2);
  batch.keys[1] = batch.keys[0];
  EXPECT_EQ(code(batch, credential), Code::kInvalidArgument);
  batch.keys.clear();
  EXPECT_EQ(code(batch, credential), Code::kInvalidArgument);
  batch.keys = {crypto::PublicKey()};
  EXPECT_EQ(code(batch, credential), Code::kInvalidArgument);
  batch = Batch(keys, 1);
  batch.status_index = nullptr;
  EXPECT_EQ(code(batch, credential), Code::kInvalidArgument);
  batch = Batch(keys, 1);
  batch.kid = "did:example:other#k";
  EXPECT_EQ(code(batch, credential), Code::kInvalidArgument);
  batch = Batch(keys, 1);
  json crowded = credential;
  for (size_t i = 0; i < kHardwareBatchDigests; ++i) crowded["credentialSubject"]["x" + std::to_string(i)] = "y";
  EXPECT_EQ(code(batch, crowded), Code::kInvalidArgument);
  batch.status_index = []() -> Result<uint64_t> { return Fail(Code::kNoSpace, "list", "full"); };
  EXPECT_EQ(code(batch, credential), Code::kNoSpace);
}

}  // namespace
}  // namespace keel::vc
