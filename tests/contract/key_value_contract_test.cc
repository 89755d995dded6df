// SPDX-License-Identifier: Apache-2.0
// What every KeyValueStore must do.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/files.h"
#include "base/storage/group_committer.h"
#include "base/storage/key_value_store.h"

namespace keel::base {
namespace {

struct Backend {
  const char* name;
  std::function<std::unique_ptr<KeyValueStore>(const std::string& dir)> open;
  bool durable;
};

class KeyValueContract : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create();
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    Open();
  }
  void Open() {
    store_.reset();
    store_ = GetParam().open(*dir_ / "db");
    ASSERT_NE(store_, nullptr);
  }
  void Put(std::string_view key, std::string_view value) {
    WriteBatch batch;
    batch.Put(key, value);
    ASSERT_TRUE(store_->Write(batch, Sync::kNo));
  }
  static std::string Keys(const KeyValueReader& reader, std::string_view prefix, std::string_view from = {}) {
    std::string out;
    EXPECT_TRUE(reader.Scan(prefix, from, [&](std::string_view key, std::string_view) {
      out += std::string(key) + " ";
      return true;
    }));
    return out;
  }
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<KeyValueStore> store_;
};

TEST_P(KeyValueContract, GetPutDelete) {
  EXPECT_EQ(*store_->Get("a"), std::nullopt);
  Put("a", "1");
  EXPECT_EQ(*store_->Get("a"), "1");
  Put("a", "2");
  EXPECT_EQ(*store_->Get("a"), "2");
  WriteBatch batch;
  batch.Put("b", "x");
  batch.Delete("a");
  batch.Put("c", "y");
  batch.Delete("c");
  batch.Delete("never there");
  ASSERT_TRUE(store_->Write(batch, Sync::kYes));
  EXPECT_EQ(*store_->Get("a"), std::nullopt);
  EXPECT_EQ(*store_->Get("b"), "x");
  EXPECT_EQ(*store_->Get("c"), std::nullopt);
  EXPECT_TRUE(store_->Healthy());
}

TEST_P(KeyValueContract, AnyOctets) {
  const std::string key("\0\xFF\n", 3), value("\0v\0", 3);
  Put(key, value);
  Put("", "empty key");
  Put("empty value", "");
  EXPECT_EQ(*store_->Get(key), value);
  EXPECT_EQ(*store_->Get(""), "empty key");
  EXPECT_EQ(*store_->Get("empty value"), "");
  Put("big", std::string(3 << 20, 'b'));
  EXPECT_EQ((*store_->Get("big"))->size(), size_t{3} << 20);
}

TEST_P(KeyValueContract, ScanIsOrderedAndBounded) {
  for (const char* key : {"b2", "a1", "b1", "b10", "c", "b"}) Put(key, key);
  Put("\xFF\xFF", "last");
  EXPECT_EQ(Keys(*store_, "b"), "b b1 b10 b2 ");
  EXPECT_EQ(Keys(*store_, "b", "b1"), "b1 b10 b2 ");
  EXPECT_EQ(Keys(*store_, "b", "a"), "b b1 b10 b2 ");
  EXPECT_EQ(Keys(*store_, "b", "b3"), "");
  EXPECT_EQ(Keys(*store_, "x"), "");
  EXPECT_EQ(Keys(*store_, ""), "a1 b b1 b10 b2 c \xFF\xFF ");
  EXPECT_EQ(Keys(*store_, "\xFF"), "\xFF\xFF ");
  int seen = 0;
  ASSERT_TRUE(store_->Scan("b", [&](std::string_view, std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_P(KeyValueContract, Last) {
  EXPECT_EQ(*store_->Last(""), std::nullopt);
  for (const char* key : {"a1", "a2", "c"}) Put(key, std::string("v") + key);
  EXPECT_EQ((*store_->Last("a"))->first, "a2");
  EXPECT_EQ((*store_->Last("a"))->second, "va2");
  EXPECT_EQ((*store_->Last("c"))->first, "c");
  EXPECT_EQ((*store_->Last(""))->first, "c");
  EXPECT_EQ(*store_->Last("b"), std::nullopt);
  EXPECT_EQ(*store_->Last("d"), std::nullopt);
  EXPECT_EQ(*store_->Last("\xFF"), std::nullopt);
  EXPECT_EQ(*store_->Last("A"), std::nullopt);
}

TEST_P(KeyValueContract, SnapshotsStandStill) {
  Put("a", "1");
  const auto snapshot = store_->Snapshot();
  Put("a", "2");
  Put("b", "1");
  EXPECT_EQ(*snapshot->Get("a"), "1");
  EXPECT_EQ(*snapshot->Get("b"), std::nullopt);
  EXPECT_EQ(Keys(*snapshot, ""), "a ");
  EXPECT_EQ((*snapshot->Last(""))->first, "a");
  EXPECT_EQ(*store_->Get("a"), "2");
}

TEST_P(KeyValueContract, SurvivesReopening) {
  if (!GetParam().durable) return;  // keeps nothing, by design
  for (int i = 0; i < 1000; ++i) Put("k" + std::to_string(i), std::to_string(i));
  Open();
  EXPECT_EQ(*store_->Get("k999"), "999");
}

TEST_P(KeyValueContract, GroupCommitterKeepsOrderAndAcknowledgesOnce) {
  std::atomic<int> done{0};
  {
    GroupCommitter committer(*store_);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          WriteBatch batch;
          batch.Put("n" + std::to_string(t), std::to_string(i));
          batch.Put("k" + std::to_string(t) + "." + std::to_string(i), "x");
          committer.Submit(std::move(batch), [&](const Result<>& result) {
            EXPECT_TRUE(result);
            done.fetch_add(1);
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    committer.Flush();
    EXPECT_EQ(done.load(), 800);
    const auto stats = committer.stats();
    std::printf("%s: %llu batches in %llu writes\n", GetParam().name, static_cast<unsigned long long>(stats.batches),
                static_cast<unsigned long long>(stats.writes));
    EXPECT_GE(stats.batches, 800u);
    WriteBatch last;
    last.Put("last", "1");
    EXPECT_TRUE(committer.Commit(std::move(last)));
  }
  for (int t = 0; t < 4; ++t) EXPECT_EQ(*store_->Get("n" + std::to_string(t)), "199");
  EXPECT_EQ(*store_->Get("last"), "1");
}

TEST_P(KeyValueContract, ReadersAndWritersAtOnce) {
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      // Both keys are always written together.
      const auto snapshot = store_->Snapshot();
      EXPECT_EQ(*snapshot->Get("x"), *snapshot->Get("y"));
    }
  });
  for (int i = 0; i < 500; ++i) {
    WriteBatch batch;
    batch.Put("x", std::to_string(i));
    batch.Put("y", std::to_string(i));
    ASSERT_TRUE(store_->Write(batch, Sync::kNo));
  }
  stop = true;
  reader.join();
}

std::unique_ptr<KeyValueStore> OpenOrNull(const std::string& path) {
  auto store = OpenLevelDb(path);
  EXPECT_TRUE(store) << store.error().Text();
  return store ? std::move(*store) : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Backends, KeyValueContract,
                         testing::Values(Backend{"leveldb", OpenOrNull, true},
                                         Backend{"memory", [](const std::string&) { return MakeMemoryStore(); },
                                                 false}),
                         [](const auto& test) { return test.param.name; });

TEST(LevelDb, OpenErrors) {
  const auto dir = TempDir::Create();
  StoreOptions options;
  options.create = false;
  EXPECT_EQ(OpenLevelDb(*dir / "none", options).error().code, Code::kNotFound);
  const auto first = OpenLevelDb(*dir / "db");
  ASSERT_TRUE(first);
  EXPECT_EQ(OpenLevelDb(*dir / "db").error().code, Code::kBusy);
  ASSERT_TRUE(WriteFileAtomic(*dir / "file", "x"));
  EXPECT_FALSE(OpenLevelDb(*dir / "file"));
}

}  // namespace
}  // namespace keel::base
