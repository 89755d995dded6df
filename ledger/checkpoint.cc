// SPDX-License-Identifier: Apache-2.0
#include "ledger/checkpoint.h"

#include "core/encoding.h"
#include "crypto/signature.h"
#include "ledger/merkle.h"

namespace keel::ledger {
namespace {

constexpr std::string_view kStateTag = "keel-state/1\n";

ByteWriter& PutDecimal(ByteWriter& w, uint64_t value) {
  std::array<char, 20> digits{};
  size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return w.Put(std::string_view(digits.data() + at, digits.size() - at));
}

}  // namespace

Result<size_t> WriteNote(const Net& net, uint64_t size, const Bytes32& root, ByteSpan out) {
  std::array<char, 64> hex{};
  std::array<char, 44> base64{};
  KEEL_TRY_VOID(HexEncode(net, hex));
  KEEL_TRY_VOID(Base64Encode(root, base64));
  ByteWriter w(out);
  w.Put("keel/").Put(std::string_view(hex.data(), hex.size())).Put("\n");
  PutDecimal(w, size).Put("\n").Put(std::string_view(base64.data(), base64.size())).Put("\n");
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "checkpoint note");
  return w.size();
}

Result<size_t> WriteCosignMessage(const Net& net, uint64_t size, const Bytes32& root, UnixSeconds time, ByteSpan out) {
  ByteWriter w(out);
  w.Put("cosignature/v1\ntime ");
  PutDecimal(w, time).Put("\n");
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "cosignature message");
  KEEL_TRY(const size_t note, WriteNote(net, size, root, out.subspan(w.size())));
  return w.size() + note;
}

Cosignature Checkpoint::at(size_t i) const {
  ByteReader r(cosignatures.subspan(i * kCosignatureOctets, kCosignatureOctets));
  Cosignature c;
  c.member = r.U8();
  c.time = r.U64();
  c.signature = r.Fixed<64>();
  return c;
}

Result<Checkpoint> ParseCheckpoint(ByteView octets) {
  ByteReader r(octets);
  Checkpoint c;
  c.epoch = r.U32();
  c.size = r.U64();
  c.root = r.Fixed<32>();
  c.count = r.U8();
  c.cosignatures = r.Take(c.count * kCosignatureOctets);
  if (!r.done() || c.count > kMaxMembers || c.size == 0) return Fail(Code::kMalformed, "checkpoint");
  for (size_t i = 1; i < c.count; ++i) {
    if (c.at(i).member <= c.at(i - 1).member) return Fail(Code::kNotCanonical, "checkpoint: members do not rise");
  }
  return c;
}

Result<size_t> WriteCheckpoint(uint32_t epoch, uint64_t size, const Bytes32& root,
                               std::span<const Cosignature> cosignatures, ByteSpan out) {
  if (cosignatures.size() > kMaxMembers) return Fail(Code::kInvalidArgument, "checkpoint cosignatures");
  ByteWriter w(out);
  w.U32(epoch).U64(size).Put(root).U8(static_cast<uint8_t>(cosignatures.size()));
  for (const Cosignature& c : cosignatures) w.U8(c.member).U64(c.time).Put(c.signature);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "checkpoint");
  return w.size();
}

Result<UnixSeconds> VerifyCheckpoint(const Checkpoint& checkpoint, const MemberSet& members) {
  if (checkpoint.epoch != members.epoch) return Fail(Code::kWrongEpoch, "checkpoint epoch");
  if (checkpoint.count < members.quorum) return Fail(Code::kNoQuorum, "checkpoint");
  UnixSeconds smallest = UINT64_MAX;
  int last = -1;
  for (size_t i = 0; i < checkpoint.count; ++i) {
    const Cosignature c = checkpoint.at(i);
    if (static_cast<int>(c.member) <= last) return Fail(Code::kNoQuorum, "checkpoint: members not distinct");
    last = c.member;
    if (c.member >= members.count) return Fail(Code::kBadSignature, "checkpoint: no such member");
    ByteArray<kMaxCosignMessage> message;
    KEEL_TRY(const size_t n, WriteCosignMessage(members.net, checkpoint.size, checkpoint.root, c.time, message));
    KEEL_TRY(const bool good, crypto::Verify(members.keys[c.member], ByteView(message).first(n), c.signature));
    if (!good) return Fail(Code::kBadSignature, "checkpoint cosignature");
    if (c.time < smallest) smallest = c.time;
  }
  return smallest;
}

Result<> AcceptCheckpoint(uint64_t size, UnixSeconds time, const Freshness& freshness) {
  if (size < freshness.largest_size) return Fail(Code::kStale, "checkpoint: smaller than one accepted before");
  if (freshness.now > time && freshness.now - time > freshness.max_age)
    return Fail(Code::kStale, "checkpoint: too old");
  return {};
}

ByteArray<kStateLeaf> WriteStateLeaf(const StateLeaf& leaf) {
  ByteArray<kStateLeaf> out{};
  ByteWriter(out).Put(kStateTag).U64(leaf.height).Put(leaf.map_root).U64(leaf.time);
  return out;
}

Result<StateLeaf> ParseStateLeaf(ByteView entry) {
  ByteReader r(entry);
  const ByteView tag = r.Take(kStateTag.size());
  StateLeaf leaf;
  leaf.height = r.U64();
  leaf.map_root = r.Fixed<32>();
  leaf.time = r.U64();
  if (!r.done() || !Equal(tag, AsBytes(kStateTag))) return Fail(Code::kMalformed, "state leaf");
  return leaf;
}

Result<StateProof> ParseStateProof(ByteView octets) {
  ByteReader r(octets);
  StateProof proof;
  proof.leaf.height = r.U64();
  proof.leaf.map_root = r.Fixed<32>();
  proof.leaf.time = r.U64();
  const size_t n = r.U8();
  proof.path = r.Take(n * 32);
  if (!r.done() || n > kMaxPath) return Fail(Code::kMalformed, "state proof");
  return proof;
}

Result<size_t> WriteStateProof(const StateLeaf& leaf, std::span<const Bytes32> path, ByteSpan out) {
  if (path.size() > kMaxPath) return Fail(Code::kInvalidArgument, "state proof path");
  ByteWriter w(out);
  w.U64(leaf.height).Put(leaf.map_root).U64(leaf.time).U8(static_cast<uint8_t>(path.size()));
  for (const Bytes32& node : path) w.Put(node);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "state proof");
  return w.size();
}

Result<> VerifyStateProof(const StateProof& state, uint64_t size, const Bytes32& root) {
  if (size == 0) return Fail(Code::kBadProof, "state proof");
  return VerifyInclusion(LeafHash(WriteStateLeaf(state.leaf)), size - 1, size, state.path, root);
}

}  // namespace keel::ledger
