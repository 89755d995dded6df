// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

// Time from a quorum of members (docs/formats/quorum-time.md, section 6 of the formats).
namespace keel::ledger {

// What a member signs: "keel-time/1\n" || net || u64 epoch || rho || u64 seconds.
inline constexpr size_t kTimeMessage = 12 + 32 + 8 + 32 + 8;
ByteArray<kTimeMessage> TimeMessage(const Net& net, uint64_t epoch, const Bytes32& rho, UnixSeconds seconds);
// A nonce's leaf in the tick's tree.
inline Bytes32 NonceLeaf(const Bytes32& nonce);

struct TimeStatement {
  uint8_t member = 0;
  UnixSeconds seconds = 0;
  Bytes64 signature{};
};
inline constexpr size_t kTimeStatementOctets = 73;

// TIME item body: u8 count || count x (u8 member || u64 seconds || signature 64) || u32 leaf || u32 leaves || u8 n || n
// x 32.
struct TimeAnswer {
  uint8_t count = 0;
  ByteView statements;
  uint32_t leaf = 0;
  uint32_t leaves = 0;
  ByteView path;
  TimeStatement at(size_t i) const;
};
Result<TimeAnswer> ParseTimeAnswer(ByteView octets);
Result<size_t> WriteTimeAnswer(std::span<const TimeStatement> statements, uint32_t leaf, uint32_t leaves,
                               std::span<const Bytes32> path, ByteSpan out);

// T: the (f+1)-th smallest of the first q valid statements of distinct members over the root that our nonce leads to.
// Invalid statements are passed over. kBadProof (nonce), kNoQuorum.
Result<UnixSeconds> VerifyQuorumTime(const TimeAnswer& answer, const Bytes32& nonce, const MemberSet& members);

// Time as known afterwards: T plus the ticks since the nonce was sent.
struct QuorumTime {
  UnixSeconds at_send = 0;  // T
  uint64_t sent_ticks_ms = 0;
  bool offline = false;
  UnixSeconds Now(uint64_t ticks_ms) const { return at_send + (ticks_ms - sent_ticks_ms) / 1000; }
};
// Judges a fresh T: kTimeout when the answer took over 30 s (24 h offline), kStale when T < floor.
Result<QuorumTime> JudgeTime(UnixSeconds t, uint64_t sent_ticks_ms, uint64_t now_ticks_ms, UnixSeconds floor,
                             bool offline);
// The floor after an onboarding that finished with T: the greater of the build time and T - 180 s.
constexpr UnixSeconds TimeFloor(UnixSeconds build_time, UnixSeconds last_finished) {
  const UnixSeconds earlier = last_finished < kTimeFloorSlack ? 0 : last_finished - kTimeFloorSlack;
  return build_time > earlier ? build_time : earlier;
}
// A member signs only if its clock is within 60 s of its peers' median.
constexpr bool MayStateTime(UnixSeconds own, UnixSeconds median) {
  return (own > median ? own - median : median - own) <= kMemberClockSpread;
}

inline Bytes32 NonceLeaf(const Bytes32& nonce) { return LeafHash(nonce); }

}  // namespace keel::ledger
