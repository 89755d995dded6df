// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "onboarding/backoff.h"
#include "onboarding/device_states.h"
#include "onboarding/firmware.h"
#include "onboarding/messages.h"
#include "onboarding/problem.h"
#include "onboarding/token.h"
#include "onboarding/transcript.h"
#include "onboarding/verifier_states.h"
#include "tests/fakes/memory_keys.h"

namespace keel::onboarding {
namespace {

TEST(Messages, TypesAreDistinctAndComeBack) {
  std::set<std::string_view> seen;
  for (int i = 1; i < 64; ++i) {
    const auto message = static_cast<Message>(i);
    const std::string_view type = TypeOf(message);
    if (type.empty()) continue;
    EXPECT_TRUE(seen.insert(type).second) << type;
    EXPECT_EQ(MessageFromType(type), message);
    EXPECT_FALSE(IsOtherVersion(type));
  }
  EXPECT_EQ(seen.size(), 26u);
  EXPECT_EQ(TypeOf(Message::kHello), "https://keel-protocol.org/device-onboarding/1.0/hello");
  EXPECT_EQ(MessageFromType("https://keel-protocol.org/device-onboarding/1.0/hello2"), Message::kUnknown);
  EXPECT_EQ(MessageFromType(""), Message::kUnknown);
  EXPECT_TRUE(IsOtherVersion("https://keel-protocol.org/device-onboarding/2.0/hello"));
  EXPECT_FALSE(IsOtherVersion("https://didcomm.org/trust-ping/2.0/ping"));
}

TEST(Problems, NamesComeBack) {
  for (int i = 1; i <= static_cast<int>(Problem::kInternal); ++i) {
    const auto problem = static_cast<Problem>(i);
    EXPECT_FALSE(ProblemName(problem).empty());
    EXPECT_EQ(ProblemFromName(ProblemName(problem)), problem);
  }
  EXPECT_EQ(ProblemFromName("no such thing"), Problem::kInternal);
  EXPECT_EQ(ProblemFor(Code::kRollback), Problem::kFirmware);
  EXPECT_EQ(ProblemFor(Code::kBadSignature), Problem::kBadProof);
  EXPECT_EQ(ProblemFor(Code::kOk), Problem::kInternal);
}

TEST(TranscriptTest, OrderAndContentCount) {
  Transcript a(AsBytes("invitation")), b(AsBytes("invitation")), c(AsBytes("invitatiom"));
  EXPECT_EQ(a.value(), b.value());
  EXPECT_NE(a.value(), c.value());
  a.Add(AsBytes("m1"));
  a.Add(AsBytes("m2"));
  b.Add(AsBytes("m2"));
  b.Add(AsBytes("m1"));
  EXPECT_NE(a.value(), b.value());
  EXPECT_EQ(a.step(), 2);
  Transcript restored = Transcript::At(a.step(), a.value());
  restored.Add(AsBytes("m3"));
  a.AddHash(crypto::Sha256::Of(std::string_view("m3")));
  EXPECT_EQ(restored.value(), a.value());
  EXPECT_NE(EvidenceBinding(a.value(), "did:a", "z1"), EvidenceBinding(a.value(), "did:a", "z2"));
  EXPECT_NE(EvidenceBinding(a.value(), "did:a", "z1"), EvidenceBinding(a.value(), "did:az", "1"));
}

TEST(BackoffTest, DoublesWithJitterToAnHour) {
  Backoff backoff;
  uint64_t whole = kBackoffMinMs;
  for (int i = 0; i < 80; ++i) {
    Backoff low = backoff;
    const uint64_t least = low.Next(0);
    const uint64_t most = backoff.Next(UINT32_MAX);
    EXPECT_EQ(most, whole);
    EXPECT_EQ(least, whole / 2);
    whole = std::min(whole * 2, kBackoffMaxMs);
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(12345), kBackoffMinMs);
  Backoff fast{.min_ms = 0, .max_ms = 1};
  EXPECT_LE(fast.Next(UINT32_MAX), 1u);
}

TEST(DeviceStates, TheStraightPath) {
  DeviceState s = DeviceState::kFactory;
  for (const auto e :
       {DeviceEvent::kLocked, DeviceEvent::kInvitation, DeviceEvent::kOwnerProof, DeviceEvent::kPackComplete,
        DeviceEvent::kProvision, DeviceEvent::kActivated, DeviceEvent::kAck}) {
    const DeviceStep step = Next(s, e);
    ASSERT_TRUE(step.legal) << NameOf(s) << " " << NameOf(e);
    s = step.next;
  }
  EXPECT_EQ(s, DeviceState::kOnboarded);
  EXPECT_EQ(Next(s, DeviceEvent::kTransferred).next, DeviceState::kSeeking);
  EXPECT_EQ(Next(s, DeviceEvent::kRetire).next, DeviceState::kRetired);
}

TEST(DeviceStates, WhatMustNeverHappen) {
  for (int s = 0; s <= static_cast<int>(DeviceState::kRetired); ++s) {
    const auto state = static_cast<DeviceState>(s);
    EXPECT_FALSE(NameOf(state).empty());
    for (int e = 0; e < static_cast<int>(DeviceEvent::kCount); ++e) {
      const auto event = static_cast<DeviceEvent>(e);
      EXPECT_FALSE(NameOf(event).empty());
      const DeviceStep step = Next(state, event);
      if (!step.legal) {
        EXPECT_EQ(step.next, state);
        continue;
      }
      // Nobody goes back to the factory, nobody returns from retirement, no step is skipped.
      if (state != DeviceState::kFactory) {
        EXPECT_NE(step.next, DeviceState::kFactory);
      }
      if (state == DeviceState::kRetired) {
        EXPECT_EQ(step.next, DeviceState::kRetired);
      }
      if (step.next == DeviceState::kProving) {
        EXPECT_TRUE(state == DeviceState::kPack || state == DeviceState::kProving);
      }
      if (step.next == DeviceState::kActive) {
        EXPECT_TRUE(state == DeviceState::kStaged || state == DeviceState::kActive);
      }
      if (step.next == DeviceState::kOnboarded) {
        EXPECT_TRUE(state == DeviceState::kActive || state == DeviceState::kOnboarded);
      }
      // An owner's order without an onboarding is nothing.
      if (event == DeviceEvent::kTransferred || event == DeviceEvent::kRetire) {
        EXPECT_EQ(state, DeviceState::kOnboarded);
      }
    }
    // Every state survives a restart.
    EXPECT_TRUE(Next(state, DeviceEvent::kRestart).legal) << NameOf(state);
  }
  EXPECT_FALSE(Next(DeviceState::kOnboarded, DeviceEvent::kInvitation).legal);
  EXPECT_FALSE(Next(DeviceState::kHello, DeviceEvent::kProvision).legal);
  EXPECT_FALSE(MutualProof(DeviceState::kProving));
  EXPECT_TRUE(MutualProof(DeviceState::kStaged));
}

TEST(ClaimStates, PathAlarmAndDecision) {
  using S = ClaimState;
  using E = ClaimEvent;
  EXPECT_EQ(Next(S::kClaimed, E::kDeviceProof).next, S::kBound);
  EXPECT_EQ(Next(S::kBound, E::kDeviceProofAgain).next, S::kBound);
  EXPECT_EQ(Next(S::kBound, E::kDone).next, S::kOnboarded);
  EXPECT_EQ(Next(S::kOnboarded, E::kWiped).next, S::kClaimed);
  for (const S s : {S::kBound, S::kOnboarded, S::kHeld}) EXPECT_EQ(Next(s, E::kDeviceProofOther).next, S::kHeld);
  EXPECT_EQ(Next(S::kHeld, E::kIsReset).next, S::kClaimed);
  EXPECT_EQ(Next(S::kHeld, E::kIsClone).next, S::kRevoked);
}

TEST(ClaimStates, WhatMustNeverHappen) {
  using S = ClaimState;
  using E = ClaimEvent;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(S::kRetired); ++i) {
    const auto state = static_cast<S>(i);
    EXPECT_FALSE(NameOf(state).empty());
    for (uint8_t j = 0; j < static_cast<uint8_t>(E::kCount); ++j) {
      const auto event = static_cast<E>(j);
      EXPECT_FALSE(NameOf(event).empty());
      const ClaimStep step = Next(state, event);
      SCOPED_TRACE(std::string(NameOf(state)) + " " + std::string(NameOf(event)));
      if (!step.legal) {
        EXPECT_EQ(step.next, state);
        continue;
      }
      // Only a bound claim's M5 makes a member.
      EXPECT_TRUE(step.next != S::kOnboarded || (state == S::kBound && event == E::kDone));
      EXPECT_TRUE(step.next != S::kBound || event == E::kDeviceProof || event == E::kDeviceProofAgain);
      // Held and revoked: out until the owner says otherwise, whatever the device proves or carries out.
      if ((state == S::kHeld || state == S::kRevoked) && step.next != state) {
        EXPECT_TRUE(event == E::kIsReset || event == E::kIsClone || event == E::kRevoke || event == E::kPassedOn ||
                    event == E::kRetire);
      }
      // Passed on and retired are for good.
      EXPECT_TRUE(step.next == state || (state != S::kReleased && state != S::kRetired));
    }
  }
  EXPECT_TRUE(NameOf(static_cast<S>(7)).empty());
  EXPECT_FALSE(Next(S::kClaimed, E::kDone).legal);
  EXPECT_FALSE(Next(S::kReleased, E::kRevoke).legal);
}

class FirmwareTest : public testing::Test {
 protected:
  FirmwareTest() {
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<uint8_t>(i * 7);
    transfer.manifest_digest = crypto::Sha256::Of(std::string_view("manifest"));
    transfer.image_size = image.size();
    transfer.block_size = 1024;
    key.MutableSecret()[0] = 1;
  }
  std::vector<uint8_t> Seal(uint64_t b) {
    std::vector<uint8_t> out(transfer.BlockLength(b) + kFirmwareTag);
    EXPECT_TRUE(SealBlock(key, transfer, b, ByteView(image).subspan(b * 1024, transfer.BlockLength(b)), out));
    return out;
  }
  std::vector<uint8_t> image = std::vector<uint8_t>(2500);
  FirmwareTransfer transfer;
  TransferKey key;
  ByteArray<1024> plain{};
};

TEST_F(FirmwareTest, BlocksRoundTrip) {
  EXPECT_EQ(transfer.blocks(), 3u);
  EXPECT_EQ(transfer.BlockLength(2), 452u);
  EXPECT_EQ(transfer.BlockLength(3), 0u);
  for (uint64_t b = 0; b < 3; ++b) {
    const size_t n = OpenBlock(key, transfer, b, Seal(b), plain).value();
    EXPECT_TRUE(Equal(ByteView(plain).first(n), ByteView(image).subspan(b * 1024, n)));
  }
}

TEST_F(FirmwareTest, BoundToPlaceManifestSizeAndKey) {
  const auto sealed = Seal(0);
  EXPECT_EQ(OpenBlock(key, transfer, 1, sealed, plain).error().code, Code::kDecryptFailed);
  FirmwareTransfer other = transfer;
  other.manifest_digest[0] ^= 1;
  EXPECT_FALSE(OpenBlock(key, other, 0, sealed, plain));
  other = transfer;
  other.image_size += 1;
  EXPECT_FALSE(OpenBlock(key, other, 0, sealed, plain));
  TransferKey other_key;
  EXPECT_FALSE(OpenBlock(other_key, transfer, 0, sealed, plain));
  auto bad = sealed;
  bad[100] ^= 1;
  EXPECT_FALSE(OpenBlock(key, transfer, 0, bad, plain));
  EXPECT_FALSE(OpenBlock(key, transfer, 0, ByteView(sealed).first(sealed.size() - 1), plain));
  EXPECT_FALSE(OpenBlock(key, transfer, 3, sealed, plain));
  other = transfer;
  other.block_size = 1000;
  EXPECT_EQ(CheckTransfer(other).error().code, Code::kInvalidArgument);
  other.block_size = 256;
  EXPECT_FALSE(CheckTransfer(other));
  other.block_size = 32768;
  EXPECT_FALSE(CheckTransfer(other));
  other = transfer;
  other.image_size = 0;
  EXPECT_FALSE(CheckTransfer(other));
}

class TokenTest : public testing::Test {
 protected:
  std::string Sign(const TokenFields& what) {
    std::array<char, kMaxToken + 100> out{};
    const auto n = SignToken(what, keys, key, out);
    return n ? std::string(out.data(), *n) : std::string();
  }
  Code Check(std::string_view token, std::string_view aud, UnixSeconds now) {
    ByteArray<kTokenScratch> scratch;
    const auto parsed = ParseToken(token, scratch);
    if (!parsed) return parsed.error().code;
    EXPECT_EQ(parsed->iss, "did:peer:2.Ez");
    const auto verified = VerifyToken(*parsed, keys.Public(key).value(), aud, now);
    return verified ? Code::kOk : verified.error().code;
  }
  fakes::MemoryKeys keys{"tokens"};
  crypto::KeyHandle key = keys.Generate(crypto::KeyType::kEd25519).value();
  TokenFields fields{"did:peer:2.Ez#key-2", "fleet-1", 1000, 1300};
};

TEST_F(TokenTest, RoundTripAndTimes) {
  const std::string token = Sign(fields);
  EXPECT_EQ(Check(token, "fleet-1", 1000), Code::kOk);
  EXPECT_EQ(Check(token, "fleet-1", 1359), Code::kOk);
  EXPECT_EQ(Check(token, "fleet-1", 1360), Code::kExpired);
  EXPECT_EQ(Check(token, "fleet-1", 940), Code::kOk);
  EXPECT_EQ(Check(token, "fleet-1", 939), Code::kNotYetValid);
  EXPECT_EQ(Check(token, "fleet-2", 1000), Code::kWrongAudience);
  key = keys.Generate(crypto::KeyType::kEd25519).value();
  EXPECT_EQ(Check(token, "fleet-1", 1000), Code::kBadSignature);
}

TEST_F(TokenTest, Refusals) {
  TokenFields bad = fields;
  bad.exp = bad.iat + kTokenLifeSeconds + 1;
  EXPECT_TRUE(Sign(bad).empty());
  bad = fields;
  bad.exp = bad.iat;
  EXPECT_TRUE(Sign(bad).empty());
  bad = fields;
  bad.kid = "did:peer:2.Ez";
  EXPECT_TRUE(Sign(bad).empty());
  const std::string token = Sign(fields);
  for (size_t at = 0; at < token.size(); at += 5) {
    std::string changed = token;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    ByteArray<kTokenScratch> scratch;
    const auto parsed = ParseToken(changed, scratch);
    EXPECT_FALSE(parsed && VerifyToken(*parsed, keys.Public(key).value(), "fleet-1", 1000)) << at;
  }
  ByteArray<kTokenScratch> scratch;
  EXPECT_FALSE(ParseToken("", scratch));
  EXPECT_FALSE(ParseToken("a.b.c.d", scratch));
  EXPECT_EQ(ParseToken(std::string(kMaxToken + 1, 'a'), scratch).error().code, Code::kTooLarge);
  EXPECT_EQ(ParseToken(token, ByteSpan(scratch).first(20)).error().code, Code::kBufferTooSmall);
}

}  // namespace
}  // namespace keel::onboarding
