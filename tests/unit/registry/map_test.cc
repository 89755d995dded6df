// SPDX-License-Identifier: Apache-2.0
#include "registry-node/map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "ledger/merkle.h"
#include "registry-node/log.h"
#include "tests/fakes/naive_map.h"

namespace keel::registry {
namespace {

struct Store {
  std::map<std::string, std::string, std::less<>> content;
  StoreReader Reader() {
    return [this](std::string_view key) -> Result<std::optional<std::string>> {
      const auto it = content.find(key);
      if (it == content.end()) return std::nullopt;
      return it->second;
    };
  }
  void Take(StoreWrites& writes) {
    for (auto& [key, value] : writes) content[key] = value;
    writes.clear();
  }
};

// Keys that share long prefixes now and then, so that leaves move down several pages.
Bytes32 RandomKey(std::mt19937_64& rng) {
  Bytes32 key{};
  for (auto& b : key) b = static_cast<uint8_t>(rng());
  if (rng() % 4 == 0) {
    for (size_t i = 0; i < 5; ++i) key[i] = 0x5A;
  }
  if (rng() % 8 == 0) {
    for (size_t i = 0; i < 29; ++i) key[i] = 0x77;
  }
  return key;
}

TEST(Map, AgreesWithTheDefinition) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 rng(seed);
    Store store;
    auto map = std::make_unique<MapWriter>(store.Reader());
    fakes::NaiveMap naive;
    std::map<Bytes32, std::vector<uint8_t>> values;
    std::vector<Bytes32> keys;
    for (int commit = 0; commit < 25; ++commit) {
      std::vector<MapUpdate> updates;
      const size_t n = rng() % 40;
      for (size_t i = 0; i < n; ++i) {
        const bool old = !keys.empty() && rng() % 3 == 0;
        const Bytes32 key = old ? keys[rng() % keys.size()] : RandomKey(rng);
        std::vector<uint8_t> value{static_cast<uint8_t>(rng()), static_cast<uint8_t>(commit)};
        updates.push_back({key, crypto::Sha256::Of(value)});
        naive.Put(key, value);
        values[key] = value;
        keys.push_back(key);
      }
      StoreWrites writes;
      const auto root = map->Apply(updates, writes);
      ASSERT_TRUE(root) << root.error().Text();
      store.Take(writes);
      ASSERT_EQ(*root, naive.Root());
      ASSERT_EQ(*MapRoot(store.Reader()), naive.Root());
      if (commit % 7 == 3) map = std::make_unique<MapWriter>(store.Reader());  // nothing is kept in memory alone
      for (int probe = 0; probe < 12; ++probe) {
        const Bytes32 key = !keys.empty() && probe % 2 == 0 ? keys[rng() % keys.size()] : RandomKey(rng);
        const auto proof = ProveKey(store.Reader(), key);
        ASSERT_TRUE(proof);
        EXPECT_EQ(proof->proof, naive.Prove(key));
        const auto it = values.find(key);
        EXPECT_EQ(proof->present, it != values.end());
        if (it != values.end()) {
          EXPECT_TRUE(ledger::VerifyPresent(proof->proof, *root, key, it->second));
          EXPECT_FALSE(ledger::VerifyAbsent(proof->proof, *root, key));
        } else {
          EXPECT_TRUE(ledger::VerifyAbsent(proof->proof, *root, key));
        }
      }
    }
  }
}

TEST(Map, EmptyMapProvesAbsence) {
  Store store;
  const auto proof = ProveKey(store.Reader(), Bytes32{});
  ASSERT_TRUE(proof);
  EXPECT_FALSE(proof->present);
  EXPECT_TRUE(ledger::VerifyAbsent(proof->proof, Bytes32{}, Bytes32{}));
}

TEST(Map, DamagedPagesAreNoticed) {
  Store store;
  MapWriter map(store.Reader());
  std::vector<MapUpdate> updates;
  std::mt19937_64 rng(9);
  for (int i = 0; i < 200; ++i) updates.push_back({RandomKey(rng), RandomKey(rng)});
  StoreWrites writes;
  ASSERT_TRUE(map.Apply(updates, writes));
  store.Take(writes);
  // A page that is gone is an error, never an answer.
  size_t refused = 0;
  for (auto it = store.content.begin(); it != store.content.end();) {
    if (it->first.size() == 2)
      it = store.content.erase(it);
    else
      ++it;
  }
  for (const MapUpdate& u : updates) {
    const auto proof = ProveKey(store.Reader(), u.key);
    if (!proof) {
      EXPECT_EQ(proof.error().code, Code::kCorrupt);
      ++refused;
    }
  }
  EXPECT_GT(refused, 100u);
  EXPECT_FALSE(MapPage::Decode(std::string("\xff\xff\x00\x00", 4)));
  EXPECT_FALSE(MapPage::Decode(std::string("\x00\x00\x80\x00", 4)));
}

TEST(Log, AgreesWithTheDefinition) {
  Store store;
  LogWriter log;
  std::vector<Bytes32> leaves;
  std::mt19937_64 rng(3);
  const size_t sizes[] = {1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 700, 1025};
  for (const size_t size : sizes) {
    while (leaves.size() < size) {
      leaves.push_back(RandomKey(rng));
      log.Append(leaves.back());
    }
    StoreWrites writes;
    log.Flush(writes);
    store.Take(writes);
    ASSERT_EQ(log.Root(), ledger::TreeRoot(leaves));
    ASSERT_EQ(*LogRoot(store.Reader(), size), log.Root());
    auto again = LogWriter::Open(store.Reader(), size);
    ASSERT_TRUE(again) << again.error().Text();
    ASSERT_EQ(again->Root(), log.Root());
    log = std::move(*again);
    for (int i = 0; i < 10; ++i) {
      const uint64_t index = i == 0 ? size - 1 : rng() % size;
      std::array<Bytes32, ledger::kMaxPath> want;
      const auto path = InclusionPath(store.Reader(), index, size);
      ASSERT_TRUE(path);
      const size_t n = ledger::TreePath(leaves, index, want).value();
      ASSERT_EQ(*path, std::vector<Bytes32>(want.begin(), want.begin() + static_cast<long>(n)));
      const uint64_t first = 1 + rng() % size;
      const auto proof = ConsistencyPath(store.Reader(), first, size);
      ASSERT_TRUE(proof);
      std::vector<uint8_t> octets;
      for (const Bytes32& h : *proof) octets.insert(octets.end(), h.begin(), h.end());
      EXPECT_TRUE(ledger::VerifyConsistency(first, size, *LogRoot(store.Reader(), first), log.Root(), octets))
          << first << " " << size;
    }
  }
  EXPECT_FALSE(InclusionPath(store.Reader(), 1025, 1025));
  EXPECT_FALSE(ConsistencyPath(store.Reader(), 0, 5));
  EXPECT_FALSE(LogWriter::Open(store.Reader(), 100'000));
}

}  // namespace
}  // namespace keel::registry
