// SPDX-License-Identifier: Apache-2.0
#include "ledger/map_proof.h"

#include "crypto/hash.h"

namespace keel::ledger {
namespace {

constexpr Bytes32 kEmpty{};

struct Parsed {
  ProofKind kind = ProofKind::kAbsentEmpty;
  size_t depth = 0;
  ByteView bitmap;
  ByteView siblings;
  Bytes32 other_key{};
  Bytes32 other_value_hash{};
};

bool BitAt(ByteView bitmap, size_t i) { return ((bitmap[i / 8] >> (7 - i % 8)) & 1) != 0; }

Result<Parsed> Parse(ByteView proof) {
  ByteReader r(proof);
  Parsed p;
  const uint8_t kind = r.U8();
  p.depth = r.U8();
  p.bitmap = r.Take((p.depth + 7) / 8);
  if (!r.ok() || kind > 2) return Fail(Code::kMalformed, "map proof");
  p.kind = static_cast<ProofKind>(kind);
  size_t set = 0;
  for (size_t i = 0; i < p.bitmap.size() * 8; ++i) {
    if (!BitAt(p.bitmap, i)) continue;
    if (i >= p.depth) return Fail(Code::kMalformed, "map proof: unused bit set");
    ++set;
  }
  // Next to the path's end something must stand, else the path would end higher up.
  if (p.depth > 0 && !BitAt(p.bitmap, 0)) return Fail(Code::kMalformed, "map proof: empty first sibling");
  p.siblings = r.Take(set * 32);
  if (p.kind == ProofKind::kAbsentOther) {
    p.other_key = r.Fixed<32>();
    p.other_value_hash = r.Fixed<32>();
  }
  if (!r.done()) return Fail(Code::kMalformed, "map proof length");
  // A sibling that is written out is not empty: one proof, one spelling.
  for (size_t at = 0; at < p.siblings.size(); at += 32) {
    if (Equal(p.siblings.subspan(at, 32), kEmpty))
      return Fail(Code::kMalformed, "map proof: empty sibling written out");
  }
  return p;
}

Bytes32 RootOf(const Parsed& p, const Bytes32& key, Bytes32 node) {
  size_t at = 0;
  for (size_t i = 0; i < p.depth; ++i) {  // from the leaf up
    Bytes32 sibling{};
    if (BitAt(p.bitmap, i)) {
      std::memcpy(sibling.data(), p.siblings.data() + at, 32);
      at += 32;
    }
    node = MapBit(key, p.depth - 1 - i) ? MapNode(sibling, node) : MapNode(node, sibling);
  }
  return node;
}

}  // namespace

Bytes32 MapKey(MapType type, ByteView id) { return MapKey(type, id, {}); }

Bytes32 MapKey(MapType type, ByteView id, ByteView more) {
  const uint8_t octet = static_cast<uint8_t>(type);
  return crypto::Sha256().Update("keel-map/1\n").Update(ByteView(&octet, 1)).Update(id).Update(more).Final();
}

Bytes32 MapLeaf(const Bytes32& key, const Bytes32& value_hash) {
  const uint8_t tag = 0x10;
  return crypto::Sha256().Update(ByteView(&tag, 1)).Update(key).Update(value_hash).Final();
}

Bytes32 MapNode(const Bytes32& left, const Bytes32& right) {
  if (left == kEmpty && right == kEmpty) return kEmpty;
  const uint8_t tag = 0x11;
  return crypto::Sha256().Update(ByteView(&tag, 1)).Update(left).Update(right).Final();
}

Result<> VerifyPresent(ByteView proof, const Bytes32& root, const Bytes32& key, ByteView value) {
  KEEL_TRY(const Parsed p, Parse(proof));
  if (p.kind != ProofKind::kPresent) return Fail(Code::kBadProof, "map proof: of absence");
  if (RootOf(p, key, MapLeaf(key, crypto::Sha256::Of(value))) != root) return Fail(Code::kBadProof, "map proof");
  return {};
}

Result<> VerifyAbsent(ByteView proof, const Bytes32& root, const Bytes32& key) {
  KEEL_TRY(const Parsed p, Parse(proof));
  Bytes32 end{};
  if (p.kind == ProofKind::kPresent) return Fail(Code::kBadProof, "map proof: of presence");
  if (p.kind == ProofKind::kAbsentOther) {
    if (p.other_key == key) return Fail(Code::kBadProof, "map proof: the other key is this one");
    for (size_t i = 0; i < p.depth; ++i) {
      if (MapBit(p.other_key, i) != MapBit(key, i))
        return Fail(Code::kBadProof, "map proof: the other key is elsewhere");
    }
    end = MapLeaf(p.other_key, p.other_value_hash);
  }
  if (RootOf(p, key, end) != root) return Fail(Code::kBadProof, "map proof");
  return {};
}

Result<size_t> EncodeMapProof(const MapProofParts& parts, ByteSpan out) {
  const size_t depth = parts.siblings.size();
  if (depth > 255) return Fail(Code::kInvalidArgument, "map proof depth");
  ByteArray<32> bitmap{};
  for (size_t i = 0; i < depth; ++i) {
    if (parts.siblings[i] != kEmpty) bitmap[i / 8] = static_cast<uint8_t>(bitmap[i / 8] | (0x80 >> (i % 8)));
  }
  ByteWriter w(out);
  w.U8(static_cast<uint8_t>(parts.kind)).U8(static_cast<uint8_t>(depth)).Put(ByteView(bitmap).first((depth + 7) / 8));
  for (const Bytes32& sibling : parts.siblings) {
    if (sibling != kEmpty) w.Put(sibling);
  }
  if (parts.kind == ProofKind::kAbsentOther) w.Put(parts.other_key).Put(parts.other_value_hash);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "map proof");
  return w.size();
}

}  // namespace keel::ledger
