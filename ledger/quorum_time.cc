// SPDX-License-Identifier: Apache-2.0
#include "ledger/quorum_time.h"

#include "crypto/signature.h"

namespace keel::ledger {

ByteArray<kTimeMessage> TimeMessage(const Net& net, uint64_t epoch, const Bytes32& rho, UnixSeconds seconds) {
  ByteArray<kTimeMessage> out{};
  ByteWriter(out).Put("keel-time/1\n").Put(net).U64(epoch).Put(rho).U64(seconds);
  return out;
}

TimeStatement TimeAnswer::at(size_t i) const {
  ByteReader r(statements.subspan(i * kTimeStatementOctets, kTimeStatementOctets));
  TimeStatement s;
  s.member = r.U8();
  s.seconds = r.U64();
  s.signature = r.Fixed<64>();
  return s;
}

Result<TimeAnswer> ParseTimeAnswer(ByteView octets) {
  ByteReader r(octets);
  TimeAnswer a;
  a.count = r.U8();
  a.statements = r.Take(a.count * kTimeStatementOctets);
  a.leaf = r.U32();
  a.leaves = r.U32();
  const size_t n = r.U8();
  a.path = r.Take(n * 32);
  if (!r.done() || a.count > kMaxMembers || n > 32 || a.leaf >= a.leaves) return Fail(Code::kMalformed, "time answer");
  return a;
}

Result<size_t> WriteTimeAnswer(std::span<const TimeStatement> statements, uint32_t leaf, uint32_t leaves,
                               std::span<const Bytes32> path, ByteSpan out) {
  if (statements.size() > kMaxMembers || path.size() > 32 || leaf >= leaves) {
    return Fail(Code::kInvalidArgument, "time answer");
  }
  ByteWriter w(out);
  w.U8(static_cast<uint8_t>(statements.size()));
  for (const TimeStatement& s : statements) w.U8(s.member).U64(s.seconds).Put(s.signature);
  w.U32(leaf).U32(leaves).U8(static_cast<uint8_t>(path.size()));
  for (const Bytes32& node : path) w.Put(node);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "time answer");
  return w.size();
}

Result<UnixSeconds> VerifyQuorumTime(const TimeAnswer& answer, const Bytes32& nonce, const MemberSet& members) {
  KEEL_TRY(const Bytes32 rho, RootFromPath(NonceLeaf(nonce), answer.leaf, answer.leaves, answer.path));
  std::array<UnixSeconds, kMaxMembers> times{};
  std::array<bool, kMaxMembers> seen{};
  size_t valid = 0;
  for (size_t i = 0; i < answer.count && valid < members.quorum; ++i) {
    const TimeStatement s = answer.at(i);
    if (s.member >= members.count || seen[s.member]) continue;
    const auto message = TimeMessage(members.net, members.epoch, rho, s.seconds);
    KEEL_TRY(const bool good, crypto::Verify(members.keys[s.member], message, s.signature));
    if (!good) continue;
    seen[s.member] = true;
    size_t at = valid++;  // kept sorted
    for (; at > 0 && times[at - 1] > s.seconds; --at) times[at] = times[at - 1];
    times[at] = s.seconds;
  }
  if (members.quorum == 0 || valid < members.quorum) return Fail(Code::kNoQuorum, "quorum time");
  // Up to f of them lie: the (f+1)-th smallest is no earlier than an honest member's.
  return times[FaultsOf(members.count)];
}

Result<QuorumTime> JudgeTime(UnixSeconds t, uint64_t sent_ticks_ms, uint64_t now_ticks_ms, UnixSeconds floor,
                             bool offline) {
  if (now_ticks_ms < sent_ticks_ms) return Fail(Code::kInvalidArgument, "quorum time ticks");
  const uint64_t passed = now_ticks_ms - sent_ticks_ms;
  if (passed > (offline ? kMaxOfflineMs : kMaxTimeAnswerMs)) return Fail(Code::kTimeout, "quorum time");
  if (t < floor) return Fail(Code::kStale, "quorum time: before the floor");
  return QuorumTime{t, sent_ticks_ms, offline};
}

}  // namespace keel::ledger
