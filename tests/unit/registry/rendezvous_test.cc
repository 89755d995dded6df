// SPDX-License-Identifier: Apache-2.0
#include "registry-node/rendezvous.h"

#include <gtest/gtest.h>

#include "registry-node/quota.h"

namespace keel::registry {
namespace {

using Value = Rendezvous::Value;
constexpr UnixSeconds kNow = 1'800'000'000;

TEST(Rendezvous, NewestFirstOldestGoes) {
  auto store = base::MakeMemoryStore();
  auto r = std::move(*Rendezvous::Open(*store, 1, kNow));  // n = 1: eight slots
  const Bytes32 index{1};
  for (uint8_t i = 0; i < 12; ++i) ASSERT_TRUE(r->Publish(index, Value{i}, kNow + i));
  const auto found = r->Find(std::span(&index, 1), kNow + 20);
  ASSERT_EQ(found.size(), 4u);  // at most four in an answer
  EXPECT_EQ(found[0], Value{11});
  EXPECT_EQ(found[3], Value{8});
  const Bytes32 other{2};
  EXPECT_TRUE(r->Find(std::span(&other, 1), kNow).empty());
  // Kept over a restart; gone after 30 days.
  r = std::move(*Rendezvous::Open(*store, 1, kNow + 30));
  EXPECT_EQ(r->Find(std::span(&index, 1), kNow + 30)[0], Value{11});
  EXPECT_TRUE(r->Find(std::span(&index, 1), kNow + kRendezvousLifetime + 100).empty());
  r->Sweep(kNow + kRendezvousLifetime + 100);
  EXPECT_EQ(r->size(), 0u);
}

TEST(Rendezvous, MoreMembersFewerSlots) {
  auto store = base::MakeMemoryStore();
  auto r = std::move(*Rendezvous::Open(*store, 4, kNow));
  const Bytes32 index{1};
  for (uint8_t i = 0; i < 3; ++i) ASSERT_TRUE(r->Publish(index, Value{i}, kNow));
  EXPECT_EQ(r->Find(std::span(&index, 1), kNow), (std::vector<Value>{{2}, {1}}));
  // The same value again is a renewal, not a second slot.
  ASSERT_TRUE(r->Publish(index, Value{1}, kNow + 1));
  EXPECT_EQ(r->Find(std::span(&index, 1), kNow), (std::vector<Value>{{1}, {2}}));
}

TEST(Rendezvous, WaitersAreWokenOnceByThePublication) {
  auto store = base::MakeMemoryStore();
  auto r = std::move(*Rendezvous::Open(*store, 1, kNow));
  int calls = 0;
  std::vector<Value> got;
  const auto waiter = [&](std::vector<Value> v) {
    ++calls;
    got = std::move(v);
  };
  ASSERT_TRUE(r->FindOrWait({Bytes32{1}, Bytes32{2}}, kNow, 1000, waiter));
  EXPECT_EQ(r->waiting(), 1u);
  ASSERT_TRUE(r->Publish(Bytes32{3}, Value{9}, kNow));
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(r->Publish(Bytes32{2}, Value{7}, kNow));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(got, std::vector<Value>{{7}});
  ASSERT_TRUE(r->Publish(Bytes32{1}, Value{8}, kNow));
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(r->FindOrWait({Bytes32{4}}, kNow, 1000, waiter));
  ASSERT_TRUE(r->FindOrWait({Bytes32{4}}, kNow, 2000, waiter));
  EXPECT_EQ(r->Expire(999), 1000u);
  EXPECT_EQ(r->Expire(1000), 2000u);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(got.empty());
  r->ReleaseAll();
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(r->waiting(), 0u);
}

TEST(Quota, RefillsOverTheHour) {
  QuotaTable quota;
  EXPECT_TRUE(quota.Take("a", 60, 60, 0));
  EXPECT_FALSE(quota.Take("a", 1, 60, 1000));
  EXPECT_TRUE(quota.Take("b", 1, 60, 1000));
  EXPECT_TRUE(quota.Take("a", 1, 60, 61'000));
  EXPECT_FALSE(quota.Take("a", 1, 60, 61'000));
  EXPECT_FALSE(quota.Take("a", 61, 60, 100'000'000));  // more than an hour's worth at once
  EXPECT_TRUE(quota.Take("a", 60, 60, 100'000'000));
}

}  // namespace
}  // namespace keel::registry
