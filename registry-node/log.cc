// SPDX-License-Identifier: Apache-2.0
#include "registry-node/log.h"

#include <bit>

#include "crypto/hash.h"
#include "ledger/merkle.h"

namespace keel::registry {
namespace {

// 't' || u8 level || u64 number: so tiles of one level lie together.
std::string TileKey(size_t level, uint64_t index) {
  std::string key(10, '\0');
  key[0] = 't';
  key[1] = static_cast<char>(level);
  for (size_t i = 0; i < 8; ++i) key[2 + i] = static_cast<char>(index >> (56 - 8 * i));
  return key;
}

std::string EncodeTile(const std::vector<Bytes32>& hashes) {
  std::string out;
  out.reserve(hashes.size() * 32);
  for (const Bytes32& h : hashes) out += AsText(h);
  return out;
}

Result<std::vector<Bytes32>> DecodeTile(const std::string& octets) {
  if (octets.size() % 32 != 0 || octets.size() > kTileWidth * 32)
    return Fail(Code::kCorrupt, "log tile", "wrong length");
  std::vector<Bytes32> out(octets.size() / 32);
  for (size_t i = 0; i < out.size(); ++i) std::memcpy(out[i].data(), octets.data() + 32 * i, 32);
  return out;
}

// The root of a full subtree over hashes[first, first + count), count a power of two.
Bytes32 Combine(std::span<const Bytes32> hashes) {
  if (hashes.size() == 1) return hashes[0];
  return ledger::NodeHash(Combine(hashes.first(hashes.size() / 2)), Combine(hashes.subspan(hashes.size() / 2)));
}

// The root of the full subtree of 2^height leaves that begins at leaf index << height.
Result<Bytes32> FullSubtree(const StoreReader& reader, size_t height, uint64_t index) {
  const size_t level = height / 8;
  const size_t inner = height % 8;
  const uint64_t first = index << inner;  // in units of the level
  KEEL_TRY(const auto octets, reader(TileKey(level, first / kTileWidth)));
  if (!octets) return Fail(Code::kCorrupt, "log", "a tile is missing");
  KEEL_TRY(const auto tile, DecodeTile(*octets));
  const size_t at = first % kTileWidth;
  const size_t count = size_t{1} << inner;
  if (at + count > tile.size()) return Fail(Code::kCorrupt, "log", "a tile is short");
  return Combine(std::span(tile).subspan(at, count));
}

// MTH(D[begin:end]) of RFC 9162 section 2.1.1; ranges come from its recursion, so begin is aligned to the largest power
// of two below the length.
Result<Bytes32> RangeRoot(const StoreReader& reader, uint64_t begin, uint64_t end) {
  const uint64_t n = end - begin;
  if (std::has_single_bit(n)) {
    const size_t height = static_cast<size_t>(std::countr_zero(n));
    return FullSubtree(reader, height, begin >> height);
  }
  const uint64_t k = std::bit_floor(n);
  KEEL_TRY(const Bytes32 left, RangeRoot(reader, begin, begin + k));
  KEEL_TRY(const Bytes32 right, RangeRoot(reader, begin + k, end));
  return ledger::NodeHash(left, right);
}

uint64_t SplitPoint(uint64_t n) { return std::bit_floor(n - 1); }

}  // namespace

Result<LogWriter> LogWriter::Open(const StoreReader& reader, uint64_t size) {
  LogWriter log;
  log.size_ = size;
  uint64_t units = size;
  for (size_t level = 0; units > 0; ++level, units /= kTileWidth) {
    Level& l = log.levels_.emplace_back();
    l.index = units / kTileWidth;
    const size_t used = units % kTileWidth;
    if (used != 0) {
      KEEL_TRY(const auto octets, reader(TileKey(level, l.index)));
      if (!octets) return Fail(Code::kCorrupt, "log", "the last tile is missing");
      KEEL_TRY(l.open, DecodeTile(*octets));
      if (l.open.size() < used) return Fail(Code::kCorrupt, "log", "the last tile is short");
      l.open.resize(used);
    }
  }
  uint64_t begin = 0;
  for (int height = 63; height >= 0; --height) {
    if (((size >> height) & 1) == 0) continue;
    KEEL_TRY(const Bytes32 hash, FullSubtree(reader, static_cast<size_t>(height), begin >> height));
    log.frontier_.emplace_back(height, hash);
    begin += uint64_t{1} << height;
  }
  return log;
}

void LogWriter::Push(size_t level, const Bytes32& hash) {
  // Level by level up: a full tile becomes one hash of the level above.
  Bytes32 up = hash;
  for (size_t at = level;; ++at) {
    if (levels_.size() <= at) levels_.emplace_back();
    Level& l = levels_[at];
    l.open.push_back(up);
    l.dirty = true;
    if (l.open.size() < kTileWidth) return;
    up = Combine(l.open);
    l.filled.emplace_back(l.index, std::move(l.open));
    l.open.clear();
    ++l.index;
    l.dirty = false;
  }
}

void LogWriter::Append(const Bytes32& leaf_hash) {
  Push(0, leaf_hash);
  ++size_;
  frontier_.emplace_back(0, leaf_hash);
  while (frontier_.size() >= 2 && frontier_[frontier_.size() - 2].first == frontier_.back().first) {
    const Bytes32 right = frontier_.back().second;
    frontier_.pop_back();
    frontier_.back().second = ledger::NodeHash(frontier_.back().second, right);
    ++frontier_.back().first;
  }
}

Bytes32 LogWriter::Root() const {
  if (frontier_.empty()) return crypto::Sha256::Of(ByteView{});
  Bytes32 root = frontier_.back().second;
  for (size_t i = frontier_.size() - 1; i-- > 0;) root = ledger::NodeHash(frontier_[i].second, root);
  return root;
}

void LogWriter::Flush(StoreWrites& writes) {
  for (size_t level = 0; level < levels_.size(); ++level) {
    Level& l = levels_[level];
    for (const auto& [index, hashes] : l.filled) writes.emplace_back(TileKey(level, index), EncodeTile(hashes));
    l.filled.clear();
    if (l.dirty) writes.emplace_back(TileKey(level, l.index), EncodeTile(l.open));
    l.dirty = false;
  }
}

Result<Bytes32> LogRoot(const StoreReader& reader, uint64_t size) {
  if (size == 0) return crypto::Sha256::Of(ByteView{});
  return RangeRoot(reader, 0, size);
}

Result<Bytes32> LogLeaf(const StoreReader& reader, uint64_t index) { return FullSubtree(reader, 0, index); }

Result<std::vector<Bytes32>> InclusionPath(const StoreReader& reader, uint64_t index, uint64_t size) {
  if (index >= size) return Fail(Code::kOutOfRange, "inclusion proof", "the log has no such leaf");
  // RFC 9162 section 2.1.3.1, without its recursion; siblings come out from the root down.
  std::vector<Bytes32> path;
  uint64_t begin = 0, end = size;
  while (end - begin > 1) {
    const uint64_t k = SplitPoint(end - begin);
    if (index < begin + k) {
      KEEL_TRY(const Bytes32 sibling, RangeRoot(reader, begin + k, end));
      path.push_back(sibling);
      end = begin + k;
    } else {
      KEEL_TRY(const Bytes32 sibling, RangeRoot(reader, begin, begin + k));
      path.push_back(sibling);
      begin += k;
    }
  }
  return std::vector<Bytes32>(path.rbegin(), path.rend());
}

Result<std::vector<Bytes32>> ConsistencyPath(const StoreReader& reader, uint64_t first, uint64_t second) {
  if (first == 0 || first > second) return Fail(Code::kOutOfRange, "consistency proof", "sizes must rise from 1");
  std::vector<Bytes32> path;
  if (first == second) return path;
  // RFC 9162 section 2.1.4.1: SUBPROOF(m, D[begin:end], b).
  uint64_t begin = 0, end = second, m = first;
  bool complete = true;
  while (m != end - begin) {
    const uint64_t k = SplitPoint(end - begin);
    if (m <= k) {
      KEEL_TRY(const Bytes32 sibling, RangeRoot(reader, begin + k, end));
      path.push_back(sibling);
      end = begin + k;
    } else {
      KEEL_TRY(const Bytes32 sibling, RangeRoot(reader, begin, begin + k));
      path.push_back(sibling);
      begin += k;
      m -= k;
      complete = false;
    }
  }
  if (!complete) {
    KEEL_TRY(const Bytes32 own, RangeRoot(reader, begin, end));
    path.push_back(own);
  }
  return std::vector<Bytes32>(path.rbegin(), path.rend());
}

}  // namespace keel::registry
