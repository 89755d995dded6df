// SPDX-License-Identifier: Apache-2.0
#include "registry-node/map.h"

#include <algorithm>

#include "ledger/map_proof.h"

namespace keel::registry {
namespace {

// Pages below this depth of nibbles stay in the writer's memory (at most 1 + 16 + 256 + 4,096); deeper ones up to the
// limit.
constexpr size_t kAlwaysCachedDepth = 3;
constexpr size_t kMaxCachedPages = 60'000;
constexpr size_t kMaxNibbles = 64;

uint8_t Nibble(const Bytes32& key, size_t depth) {
  const uint8_t octet = key[depth / 2];
  return depth % 2 == 0 ? static_cast<uint8_t>(octet >> 4) : static_cast<uint8_t>(octet & 15);
}

// 'p' || one octet a nibble: the page's path.
std::string PageKey(const std::string& path) { return "p" + path; }

}  // namespace

Result<MapPage> MapPage::Decode(std::string_view octets) {
  MapPage page;
  ByteReader r(AsBytes(octets));
  const uint16_t used = r.U16();
  const uint16_t leaves = r.U16();
  if ((leaves & ~used) != 0) return Fail(Code::kCorrupt, "map page", "leaf bit without use bit");
  for (size_t i = 0; i < 16; ++i) {
    const uint16_t bit = static_cast<uint16_t>(0x8000u >> i);
    Slot& slot = page.slots[i];
    if ((used & bit) == 0) continue;
    if ((leaves & bit) != 0) {
      slot.kind = Kind::kLeaf;
      slot.key = r.Fixed<32>();
      slot.value_hash = r.Fixed<32>();
      slot.hash = ledger::MapLeaf(slot.key, slot.value_hash);
    } else {
      slot.kind = Kind::kInner;
      slot.hash = r.Fixed<32>();
    }
  }
  if (!r.done()) return Fail(Code::kCorrupt, "map page", "wrong length");
  return page;
}

std::string MapPage::Encode() const {
  std::string out(4, '\0');
  uint16_t used = 0, leaves = 0;
  for (size_t i = 0; i < 16; ++i) {
    const uint16_t bit = static_cast<uint16_t>(0x8000u >> i);
    const Slot& slot = slots[i];
    if (slot.kind == Kind::kEmpty) continue;
    used |= bit;
    if (slot.kind == Kind::kLeaf) {
      leaves |= bit;
      out += AsText(slot.key);
      out += AsText(slot.value_hash);
    } else {
      out += AsText(slot.hash);
    }
  }
  out[0] = static_cast<char>(used >> 8);
  out[1] = static_cast<char>(used & 255);
  out[2] = static_cast<char>(leaves >> 8);
  out[3] = static_cast<char>(leaves & 255);
  return out;
}

const MapPage::Slot* MapPage::Single(size_t first, size_t count, bool* empty) const {
  const Slot* found = nullptr;
  *empty = true;
  for (size_t i = first; i < first + count; ++i) {
    if (slots[i].kind == Kind::kEmpty) continue;
    const bool had = !*empty;
    *empty = false;
    if (had || slots[i].kind == Kind::kInner) return nullptr;
    found = &slots[i];
  }
  return found;
}

Bytes32 MapPage::Subtree(size_t first, size_t count) const {
  bool empty = false;
  const Slot* single = Single(first, count, &empty);
  if (empty) return Bytes32{};
  if (single != nullptr) return single->hash;
  if (count == 1) return slots[first].hash;
  return ledger::MapNode(Subtree(first, count / 2), Subtree(first + count / 2, count / 2));
}

Result<MapPage*> MapWriter::Load(const std::string& path) {
  auto it = cache_.find(path);
  if (it != cache_.end()) return &it->second;
  KEEL_TRY(const auto octets, reader_(PageKey(path)));
  MapPage page;
  if (octets) {
    KEEL_TRY(page, MapPage::Decode(*octets));
  } else if (!path.empty()) {
    return Fail(Code::kCorrupt, "map", "a page is missing");
  }
  return &cache_.emplace(path, page).first->second;
}

Result<Bytes32> MapWriter::ApplyPage(const std::string& path, std::span<const MapUpdate> updates, StoreWrites& writes) {
  if (path.size() >= kMaxNibbles) return Fail(Code::kCorrupt, "map", "keys of 256 equal bits differ");
  KEEL_TRY(MapPage * page, Load(path));  // references into an unordered_map survive insertions
  for (size_t i = 0; i < updates.size();) {
    const uint8_t nibble = Nibble(updates[i].key, path.size());
    size_t end = i + 1;
    while (end < updates.size() && Nibble(updates[end].key, path.size()) == nibble) ++end;
    std::span<const MapUpdate> group = updates.subspan(i, end - i);
    i = end;
    MapPage::Slot& slot = page->slots[nibble];
    const bool same_leaf = slot.kind == MapPage::Kind::kLeaf && slot.key == group[0].key;
    if (group.size() == 1 && (slot.kind == MapPage::Kind::kEmpty || same_leaf)) {
      slot.kind = MapPage::Kind::kLeaf;
      slot.key = group[0].key;
      slot.value_hash = group[0].value_hash;
      slot.hash = ledger::MapLeaf(slot.key, slot.value_hash);
      continue;
    }
    const std::string child = path + static_cast<char>(nibble);
    std::vector<MapUpdate> pushed;
    if (slot.kind != MapPage::Kind::kInner) {
      cache_[child] = MapPage{};  // a new page: nothing to read
      if (slot.kind == MapPage::Kind::kLeaf) {
        // The leaf that had the slot to itself goes one page down, unless it is replaced by one of the group.
        pushed.assign(group.begin(), group.end());
        const auto at = std::lower_bound(pushed.begin(), pushed.end(), slot.key,
                                         [](const MapUpdate& u, const Bytes32& k) { return u.key < k; });
        if (at == pushed.end() || at->key != slot.key) pushed.insert(at, MapUpdate{slot.key, slot.value_hash});
        group = pushed;
      }
    }
    KEEL_TRY(slot.hash, ApplyPage(child, group, writes));
    slot.kind = MapPage::Kind::kInner;
    slot.key = Bytes32{};
    slot.value_hash = Bytes32{};
  }
  writes.emplace_back(PageKey(path), page->Encode());
  return page->Root();
}

Result<Bytes32> MapWriter::Apply(std::vector<MapUpdate> updates, StoreWrites& writes) {
  if (updates.empty()) {
    KEEL_TRY(MapPage * root, Load(""));
    return root->Root();
  }
  std::stable_sort(updates.begin(), updates.end(),
                   [](const MapUpdate& a, const MapUpdate& b) { return a.key < b.key; });
  std::vector<MapUpdate> last;  // of equal keys the last one counts
  last.reserve(updates.size());
  for (const MapUpdate& u : updates) {
    if (!last.empty() && last.back().key == u.key) {
      last.back() = u;
    } else {
      last.push_back(u);
    }
  }
  if (cache_.size() > kMaxCachedPages) {
    std::erase_if(cache_, [](const auto& item) { return item.first.size() > kAlwaysCachedDepth; });
  }
  const size_t before = writes.size();
  auto root = ApplyPage("", last, writes);
  if (!root) {
    writes.resize(before);
    cache_.clear();
  }
  return root;
}

Result<MapProofOctets> ProveKey(const StoreReader& reader, const Bytes32& key) {
  std::vector<Bytes32> siblings;  // from the root down
  ledger::ProofKind kind = ledger::ProofKind::kAbsentEmpty;
  Bytes32 other_key{}, other_value{};
  std::string path;
  bool done = false;
  while (!done) {
    KEEL_TRY(const auto octets, reader(PageKey(path)));
    if (!octets) {
      if (!path.empty()) return Fail(Code::kCorrupt, "map", "a page is missing");
      break;  // nothing in the map yet
    }
    KEEL_TRY(const MapPage page, MapPage::Decode(*octets));
    size_t first = 0, count = 16;
    while (true) {
      bool empty = false;
      const MapPage::Slot* single = page.Single(first, count, &empty);
      if (empty) {
        done = true;
        break;
      }
      if (single != nullptr) {
        kind = single->key == key ? ledger::ProofKind::kPresent : ledger::ProofKind::kAbsentOther;
        other_key = single->key;
        other_value = single->value_hash;
        done = true;
        break;
      }
      if (count == 1) break;  // an inner slot: its page goes on
      count /= 2;
      const bool right = ledger::MapBit(key, siblings.size());
      siblings.push_back(page.Subtree(right ? first : first + count, count));
      if (right) first += count;
    }
    if (!done) {
      if (path.size() + 1 > kMaxNibbles - 1) return Fail(Code::kCorrupt, "map", "a path is too long");
      path.push_back(static_cast<char>(Nibble(key, path.size())));
    }
  }
  std::reverse(siblings.begin(), siblings.end());
  MapProofOctets out;
  out.present = kind == ledger::ProofKind::kPresent;
  out.proof.resize(2 + 32 + siblings.size() * 32 + 64);
  ledger::MapProofParts parts;
  parts.kind = kind;
  parts.siblings = siblings;
  parts.other_key = other_key;
  parts.other_value_hash = other_value;
  KEEL_TRY(const size_t n, ledger::EncodeMapProof(parts, out.proof));
  out.proof.resize(n);
  return out;
}

Result<Bytes32> MapRoot(const StoreReader& reader) {
  KEEL_TRY(const auto octets, reader(PageKey("")));
  if (!octets) return Bytes32{};
  KEEL_TRY(const MapPage page, MapPage::Decode(*octets));
  return page.Root();
}

}  // namespace keel::registry
