// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "crypto/hash.h"
#include "ledger/map_proof.h"

namespace keel::fakes {

// The sparse Merkle map written straight from its definition: every root and proof computed anew from all leaves. A
// model to compare with, never for real use.
class NaiveMap {
 public:
  using Leaves = std::map<Bytes32, Bytes32>;  // key -> H(value)

  void Put(const Bytes32& key, ByteView value) { leaves_[key] = crypto::Sha256::Of(value); }
  void Erase(const Bytes32& key) { leaves_.erase(key); }
  size_t size() const { return leaves_.size(); }
  Bytes32 Root() const { return Hash(leaves_.begin(), leaves_.end(), 0); }

  std::vector<uint8_t> Prove(const Bytes32& key) const {
    std::vector<Bytes32> down;  // siblings from the root on
    auto begin = leaves_.begin();
    auto end = leaves_.end();
    size_t depth = 0;
    while (std::distance(begin, end) > 1) {
      const auto middle = Split(begin, end, depth);
      if (ledger::MapBit(key, depth)) {
        down.push_back(Hash(begin, middle, depth + 1));
        begin = middle;
      } else {
        down.push_back(Hash(middle, end, depth + 1));
        end = middle;
      }
      ++depth;
    }
    std::vector<Bytes32> up(down.rbegin(), down.rend());
    ledger::MapProofParts parts;
    parts.siblings = up;
    if (begin != end) {
      parts.kind = begin->first == key ? ledger::ProofKind::kPresent : ledger::ProofKind::kAbsentOther;
      if (parts.kind == ledger::ProofKind::kAbsentOther) {
        parts.other_key = begin->first;
        parts.other_value_hash = begin->second;
      }
    }
    std::vector<uint8_t> out(2 + 32 + 32 * 258);
    const auto n = ledger::EncodeMapProof(parts, out);
    out.resize(n ? *n : 0);
    return out;
  }

 private:
  using Iterator = Leaves::const_iterator;
  static Iterator Split(Iterator begin, Iterator end, size_t depth) {
    while (begin != end && !ledger::MapBit(begin->first, depth)) ++begin;
    return begin;
  }
  static Bytes32 Hash(Iterator begin, Iterator end, size_t depth) {
    if (begin == end) return Bytes32{};
    if (std::next(begin) == end) return ledger::MapLeaf(begin->first, begin->second);
    const auto middle = Split(begin, end, depth);
    return ledger::MapNode(Hash(begin, middle, depth + 1), Hash(middle, end, depth + 1));
  }
  Leaves leaves_;
};

}  // namespace keel::fakes
