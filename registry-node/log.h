// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/bytes.h"
#include "registry-node/map.h"

namespace keel::registry {

// The RFC 9162 log, kept as tiles of 256 hashes (as C2SP tlog-tiles lays them out): tile (level, n) holds hashes of
// full subtrees of 256^level leaves. A commit rewrites the last tile of each level only; proofs read O(log n) tiles.
inline constexpr size_t kTileWidth = 256;

// Appends leaf hashes. Keeps the open tiles in memory. Needs external synchronisation.
class LogWriter {
 public:
  LogWriter() = default;  // an empty log
  // Reads the open tiles of a log of `size` leaves. kCorrupt when one is missing or short.
  static Result<LogWriter> Open(const StoreReader& reader, uint64_t size);

  void Append(const Bytes32& leaf_hash);
  uint64_t size() const { return size_; }
  // The root over all leaves; 32 octets of H("") for none.
  Bytes32 Root() const;
  // Appends the tiles changed since the last call.
  void Flush(StoreWrites& writes);

 private:
  struct Level {
    std::vector<Bytes32> open;                                      // hashes of the last, not yet full tile
    std::vector<std::pair<uint64_t, std::vector<Bytes32>>> filled;  // full tiles not yet flushed
    uint64_t index = 0;                                             // number of the open tile
    bool dirty = false;
  };
  void Push(size_t level, const Bytes32& hash);
  std::vector<Level> levels_;
  std::vector<std::pair<int, Bytes32>> frontier_;  // (height, hash) of the full subtrees, largest first
  uint64_t size_ = 0;
};

// Proofs over the first `size` leaves, from stored tiles. kOutOfRange, kCorrupt.
Result<std::vector<Bytes32>> InclusionPath(const StoreReader& reader, uint64_t index, uint64_t size);
Result<std::vector<Bytes32>> ConsistencyPath(const StoreReader& reader, uint64_t first, uint64_t second);
Result<Bytes32> LogRoot(const StoreReader& reader, uint64_t size);
Result<Bytes32> LogLeaf(const StoreReader& reader, uint64_t index);

}  // namespace keel::registry
