// SPDX-License-Identifier: Apache-2.0
#include "issuer/status_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "crypto/hosted/software_key_store.h"

namespace keel::issuer {
namespace {

// Numbers that are the same in each run.
class Numbers final : public Random {
 public:
  Result<> Fill(ByteSpan out) override {
    for (uint8_t& octet : out) octet = static_cast<uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_{7};
};

class StatusBookTest : public testing::Test {
 protected:
  StatusBook Load(uint64_t entries = vc::kMinStatusBits) {
    auto book = StatusBook::Load(*db_, list_, entries);
    EXPECT_TRUE(book) << book.error().Text();
    return std::move(*book);
  }
  void Save(StatusBook& book) {
    base::WriteBatch batch;
    book.SaveTaken(batch);
    ASSERT_TRUE(db_->Write(batch, base::Sync::kYes));
  }
  std::unique_ptr<base::KeyValueStore> db_ = base::MakeMemoryStore();
  vc::Bitstring list_ = *vc::Bitstring::Create();
  Numbers numbers_;
};

TEST_F(StatusBookTest, NoPlaceTwiceOverRestarts) {
  std::set<uint64_t> seen;
  for (int start = 0; start < 5; ++start) {
    StatusBook book = Load();
    EXPECT_EQ(book.taken(), seen.size());
    for (int i = 0; i < 2000; ++i) EXPECT_TRUE(seen.insert(*book.Take(numbers_)).second);
    Save(book);
  }
}

// Neither the order nor the number of credentials shows: places taken one after the other lie anywhere.
TEST_F(StatusBookTest, APlaceSaysNothingAboutOrder) {
  StatusBook book = Load();
  std::vector<uint64_t> places;
  for (int i = 0; i < 10'000; ++i) places.push_back(*book.Take(numbers_));
  uint64_t ups = 0, upper = 0;
  std::array<uint64_t, 16> parts{};
  for (size_t i = 0; i < places.size(); ++i) {
    if (i != 0 && places[i] > places[i - 1]) ++ups;
    if (places[i] >= book.entries() / 2) ++upper;
    ++parts[places[i] * 16 / book.entries()];
  }
  EXPECT_NEAR(static_cast<double>(ups), 5000, 250);
  EXPECT_NEAR(static_cast<double>(upper), 5000, 250);
  for (const uint64_t part : parts) EXPECT_NEAR(static_cast<double>(part), 625, 125);
}

TEST_F(StatusBookTest, TakenWithoutABatchIsFreeAgain) {
  {
    StatusBook book = Load();
    ASSERT_TRUE(book.Take(numbers_));
  }
  EXPECT_EQ(Load().taken(), 0u);
}

TEST_F(StatusBookTest, GrowsAndNeverShrinks) {
  ASSERT_TRUE(list_.Set(7, true));
  StatusBook book = Load(10'000'000);
  EXPECT_EQ(book.entries(), 10'000'000u);
  const uint64_t place = *book.Take(numbers_);
  Save(book);
  const vc::Bitstring published = *vc::Bitstring::Decode(*book.Encode());
  EXPECT_TRUE(*published.Get(7));
  list_ = published;
  StatusBook again = Load(vc::kMinStatusBits);
  EXPECT_EQ(again.entries(), 10'000'000u);
  EXPECT_EQ(again.taken(), 1u);
  EXPECT_NE(*again.Take(numbers_), place);
  EXPECT_EQ(StatusBook::Load(*db_, list_, vc::kMaxStatusOctets * 8 + 8).error().code, Code::kOutOfRange);
}

TEST_F(StatusBookTest, FullAtNineTenths) {
  StatusBook book = Load();
  for (uint64_t i = 0; i < vc::kMinStatusBits / 10 * 9; ++i) ASSERT_TRUE(book.Take(numbers_)) << i;
  const auto full = book.Take(numbers_);
  EXPECT_EQ(full.error().code, Code::kNoSpace);
  EXPECT_NE(full.error().detail.find("status_entries"), std::string::npos);
  Save(book);
  StatusBook larger = Load(2 * vc::kMinStatusBits);
  EXPECT_TRUE(larger.Take(numbers_));
}

// A revocation that was decided and not published before the power went.
TEST_F(StatusBookTest, DecidedRevocationsAreInTheList) {
  base::WriteBatch batch;
  batch.Put("x/4711", "serial");
  ASSERT_TRUE(db_->Write(batch, base::Sync::kYes));
  StatusBook book = Load();
  EXPECT_TRUE(book.changed());
  list_ = *vc::Bitstring::Decode(*book.Encode());
  EXPECT_TRUE(*list_.Get(4711));
  StatusBook again = Load();
  EXPECT_FALSE(again.changed());
  ASSERT_TRUE(again.Revoke(4711));
  EXPECT_FALSE(again.changed());
  ASSERT_TRUE(again.Revoke(1));
  EXPECT_TRUE(again.changed());
  again.Published();
  EXPECT_FALSE(again.changed());
  EXPECT_EQ(again.Revoke(vc::kMinStatusBits).error().code, Code::kOutOfRange);
}

TEST_F(StatusBookTest, PlacesKnownBySerialsAlone) {
  base::WriteBatch batch;
  batch.Put("i/3", "a");
  batch.Put("i/100000", "b");
  ASSERT_TRUE(db_->Write(batch, base::Sync::kYes));
  StatusBook book = Load();
  EXPECT_EQ(book.taken(), 2u);
  Save(book);
  EXPECT_EQ(Load().taken(), 2u);
}

TEST_F(StatusBookTest, ADamagedKeyIsNamed) {
  base::WriteBatch batch;
  batch.Put("x/7a", "serial");
  ASSERT_TRUE(db_->Write(batch, base::Sync::kYes));
  EXPECT_EQ(StatusBook::Load(*db_, list_, vc::kMinStatusBits).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace keel::issuer
