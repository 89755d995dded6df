// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/bytes.h"

namespace keel::registry {

// Reads a key of the store, at whatever state the caller means (a snapshot for readers, the newest for the writer).
using StoreReader = std::function<Result<std::optional<std::string>>(std::string_view key)>;
// What a commit writes, in order.
using StoreWrites = std::vector<std::pair<std::string, std::string>>;

// One changed key of the map: its value's hash. Values are never removed.
struct MapUpdate {
  Bytes32 key{};
  Bytes32 value_hash{};
};

// The sparse Merkle map of protocol.md's annex (MAP TREE): 256-bit keys, a subtree with one leaf is that leaf. It is
// kept as pages of four levels, each under its path (docs/formats/registry-storage.md), so an update rewrites few
// records and a proof reads few. Old states are not kept: a reader that must see one state holds a snapshot of the
// store.
class MapPage {
 public:
  enum class Kind : uint8_t { kEmpty = 0, kInner = 1, kLeaf = 2 };
  struct Slot {
    Kind kind = Kind::kEmpty;
    Bytes32 hash{};        // kInner: the subtree's hash; kLeaf: the leaf's hash
    Bytes32 key{};         // kLeaf
    Bytes32 value_hash{};  // kLeaf
  };

  static Result<MapPage> Decode(std::string_view octets);
  std::string Encode() const;

  // Hash of the subtree over the slots [first, first + count), count a power of two.
  Bytes32 Subtree(size_t first, size_t count) const;
  // The only leaf in the range, or null when there is none or more than one; `empty` tells which.
  const Slot* Single(size_t first, size_t count, bool* empty) const;
  Bytes32 Root() const { return Subtree(0, 16); }

  std::array<Slot, 16> slots;
};

// The writer's side: applies batches of updates. Keeps upper pages in memory. Needs external synchronisation.
class MapWriter {
 public:
  explicit MapWriter(StoreReader reader) : reader_(std::move(reader)) {}

  // Applies the updates (any order; of two of one key the later counts), appends the changed pages to `writes` and
  // returns the new root. On an error nothing is appended and the cache is dropped. kCorrupt, kIo.
  Result<Bytes32> Apply(std::vector<MapUpdate> updates, StoreWrites& writes);
  // Forgets pages that a failed commit changed.
  void DropCache() { cache_.clear(); }

 private:
  Result<MapPage*> Load(const std::string& path);
  Result<Bytes32> ApplyPage(const std::string& path, std::span<const MapUpdate> updates, StoreWrites& writes);

  StoreReader reader_;
  std::unordered_map<std::string, MapPage> cache_;
};

// The proof of a key (present or absent), as protocol.md's MAP PROOF octets.
struct MapProofOctets {
  std::vector<uint8_t> proof;
  bool present = false;
};
Result<MapProofOctets> ProveKey(const StoreReader& reader, const Bytes32& key);

// The root of the stored map (32 zero octets when it is empty).
Result<Bytes32> MapRoot(const StoreReader& reader);

}  // namespace keel::registry
