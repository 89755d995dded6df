// SPDX-License-Identifier: Apache-2.0
// R2, R3 and R4 of the assurance plan at the level of the store: power cut at every write, damaged files, full disk,
// I/O errors.
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "base/files.h"
#include "base/storage/group_committer.h"
#include "base/storage/key_value_store.h"
#include "tests/fakes/fault_env.h"

namespace keel::base {
namespace {

using fakes::FaultEnv;

constexpr int kWrites = 30;

StoreOptions With(FaultEnv& env) {
  StoreOptions options;
  options.env = &env;
  options.write_buffer = 64 << 10;  // small enough that tables and manifests are written on the way
  return options;
}

WriteBatch Numbered(int i) {
  WriteBatch batch;
  batch.Put("entry" + std::to_string(i), std::string(4000, static_cast<char>('a' + i % 26)));
  batch.Put("count", std::to_string(i + 1));
  return batch;
}

struct Outcome {
  int lost = 0;      // acknowledged and gone
  int torn = 0;      // half of a batch there
  int unopened = 0;  // the store did not come back
  uint64_t operations = 0;
};

// Writes until the power goes at operation `cut`, loses what wasn't synced, opens again and looks.
Outcome CutOnce(uint64_t cut, uint64_t seed, Sync sync, bool ignore_sync) {
  Outcome outcome;
  const auto dir = TempDir::Create();
  const std::string path = *dir / "db";
  EXPECT_TRUE(MakePrivateDir(path));
  FaultEnv env;
  env.IgnoreSync(ignore_sync);
  int acknowledged = 0;
  {
    env.CutAfter(cut);
    auto store = OpenLevelDb(path, With(env));
    if (store) {
      GroupCommitter::Options options;
      options.sync = sync;
      GroupCommitter committer(**store, options);
      for (int i = 0; i < kWrites; ++i) {
        if (!committer.Commit(Numbered(i))) break;
        acknowledged = i + 1;
      }
    }
  }
  outcome.operations = env.operations();
  env.LoseUnsynced(seed);
  env.Restore();
  env.IgnoreSync(false);
  auto store = OpenLevelDb(path, With(env));
  if (!store) {
    outcome.unopened = acknowledged > 0 ? 1 : 0;
    outcome.lost = acknowledged;
    return outcome;
  }
  const auto count = (*store)->Get("count");
  const int kept = count && *count ? std::stoi(**count) : 0;
  outcome.lost = std::max(0, acknowledged - kept);
  for (int i = 0; i < kWrites; ++i) {
    const auto value = (*store)->Get("entry" + std::to_string(i));
    const bool there = value && *value && **value == std::string(4000, static_cast<char>('a' + i % 26));
    if (there != (i < kept)) ++outcome.torn;
  }
  return outcome;
}

TEST(PowerCut, AtEveryWriteNothingAcknowledgedIsLost) {
  const uint64_t all = CutOnce(UINT64_MAX - 1, 0, Sync::kYes, false).operations;
  int cuts = 0, lost = 0, torn = 0;
  for (uint64_t cut = 0; cut <= all; ++cut) {
    // Clean cuts at every operation, torn writes at every other one.
    for (const uint64_t seed : {uint64_t{0}, cut + 1}) {
      if (seed != 0 && cut % 2 != 0) continue;
      const Outcome outcome = CutOnce(cut, seed, Sync::kYes, false);
      lost += outcome.lost;
      torn += outcome.torn;
      ++cuts;
      ASSERT_EQ(outcome.lost, 0) << "cut at " << cut << ", seed " << seed;
      ASSERT_EQ(outcome.torn, 0) << "cut at " << cut << ", seed " << seed;
    }
  }
  std::printf("%d power cuts, %d acknowledged writes lost, %d torn batches\n", cuts, lost, torn);
}

// The judge is judged: with syncing off it must see losses.
TEST(PowerCut, WithoutSyncTheTestSeesLosses) {
  int lost = 0;
  for (uint64_t cut = 30; cut < 60; cut += 5) lost += CutOnce(cut, 0, Sync::kNo, false).lost;
  EXPECT_GT(lost, 0);
  lost = 0;
  for (uint64_t cut = 30; cut < 60; cut += 5) lost += CutOnce(cut, 0, Sync::kYes, true).lost;
  EXPECT_GT(lost, 0);
}

TEST(DiskFault, NothingIsAcknowledgedReadsGoOnAndItRecovers) {
  for (const auto fault : {FaultEnv::Fault::kNoSpace, FaultEnv::Fault::kIo}) {
    const auto dir = TempDir::Create();
    ASSERT_TRUE(MakePrivateDir(*dir / "db"));
    FaultEnv env;
    auto store = OpenLevelDb(*dir / "db", With(env));
    ASSERT_TRUE(store);
    ASSERT_TRUE((*store)->Write(Numbered(0), Sync::kYes));
    env.Fail(fault);
    const auto failed = (*store)->Write(Numbered(1), Sync::kYes);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, fault == FaultEnv::Fault::kNoSpace ? Code::kNoSpace : Code::kIo)
        << failed.error().Text();
    EXPECT_EQ((*store)->Healthy().error().code, failed.error().code);
    EXPECT_EQ(*(*store)->Get("count"), "1");
    EXPECT_FALSE((*store)->Write(Numbered(1), Sync::kYes));
    EXPECT_EQ(*(*store)->Get("count"), "1");
    {
      const auto snapshot = (*store)->Snapshot();
      EXPECT_EQ(*snapshot->Get("count"), "1");
    }
    env.Restore();
    // At most one attempt a second: keep asking until it is back.
    Result<> written;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do {
      written = (*store)->Write(Numbered(1), Sync::kYes);
    } while (!written && std::chrono::steady_clock::now() < deadline);
    ASSERT_TRUE(written) << written.error().Text();
    EXPECT_TRUE((*store)->Healthy());
    EXPECT_EQ(*(*store)->Get("count"), "2");
  }
}

TEST(DiskFault, CommitterFailsEveryBatchOfAFailedWrite) {
  const auto dir = TempDir::Create();
  ASSERT_TRUE(MakePrivateDir(*dir / "db"));
  FaultEnv env;
  auto store = OpenLevelDb(*dir / "db", With(env));
  ASSERT_TRUE(store);
  env.Fail(FaultEnv::Fault::kIo);
  GroupCommitter committer(**store);
  std::vector<std::future<Result<>>> results;
  for (int i = 0; i < 20; ++i) results.push_back(committer.Submit(Numbered(i)));
  for (auto& result : results) EXPECT_FALSE(result.get());
}

TEST(Damage, FlippedOctetsAreFoundNeverServed) {
  const auto dir = TempDir::Create();
  const std::string path = *dir / "db";
  ASSERT_TRUE(MakePrivateDir(path));
  FaultEnv env;
  {
    auto store = OpenLevelDb(path, With(env));
    ASSERT_TRUE(store);
    for (int i = 0; i < kWrites; ++i) ASSERT_TRUE((*store)->Write(Numbered(i), Sync::kYes));
  }
  {
    ASSERT_TRUE(OpenLevelDb(path, With(env)));
  }  // moves the log into tables
  std::vector<std::string> tables;
  const auto names = ListDir(path);
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    if (name.ends_with(".ldb")) tables.push_back(path + "/" + name);
  }
  ASSERT_FALSE(tables.empty());
  std::mt19937_64 random(1);
  int found = 0, harmless = 0, wrong = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string& table = tables[random() % tables.size()];
    const std::string good = *ReadFile(table);
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
    ASSERT_TRUE(WriteFileAtomic(table, bad));
    bool error = false;
    auto store = OpenLevelDb(path, With(env));
    error = !store;
    for (int i = 0; store && i < kWrites; ++i) {
      const auto value = (*store)->Get("entry" + std::to_string(i));
      if (!value) {
        error = true;
      } else if (!*value || **value != std::string(4000, static_cast<char>('a' + i % 26))) {
        ++wrong;
      }
    }
    error ? ++found : ++harmless;
    store = Fail(Code::kClosed, "test");
    ASSERT_TRUE(WriteFileAtomic(table, good));
  }
  std::printf("60 flipped octets: %d found, %d harmless, %d wrong answers\n", found, harmless, wrong);
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 30);
}

}  // namespace
}  // namespace keel::base
