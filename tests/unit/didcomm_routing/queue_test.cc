// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/queue.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace keel::didcomm {
namespace {

constexpr UnixSeconds kNow = 1'800'000'000;

class Queue : public ::testing::Test {
 protected:
  void Open(const QueueLimits& limits = {}) {
    queue.reset();
    auto opened = MessageQueue::Open(*store, "q/", limits);
    ASSERT_TRUE(opened) << opened.error().Text();
    queue = std::move(*opened);
  }
  Code Put(const std::string& account, const std::string& recipient, const std::string& envelope,
           UnixSeconds now = kNow, UnixSeconds until = 0) {
    const auto id = queue->Put(account, recipient, envelope, now, until);
    return id ? Code::kOk : id.error().code;
  }
  std::vector<std::string> Texts(const std::string& account, const std::string& recipient = "", size_t limit = 100,
                                 UnixSeconds now = kNow, uint64_t octets = UINT64_MAX) {
    const auto list = queue->List(account, recipient, limit, now, octets);
    EXPECT_TRUE(list);
    std::vector<std::string> out;
    ids.clear();
    for (const QueuedMessage& message : *list) {
      out.push_back(message.envelope);
      ids.push_back(message.id);
    }
    return out;
  }
  using Strings = std::vector<std::string>;
  std::unique_ptr<base::KeyValueStore> store = base::MakeMemoryStore();
  std::unique_ptr<MessageQueue> queue;
  std::vector<std::string> ids;  // of the last Texts
};

TEST_F(Queue, StaysUntilAcknowledgedAndOverARestart) {
  Open();
  ASSERT_EQ(Put("a", "r1", "one"), Code::kOk);
  ASSERT_EQ(Put("a", "r2", "two", kNow + 5), Code::kOk);
  ASSERT_EQ(Put("b", "r3", "three"), Code::kOk);
  EXPECT_EQ(Texts("a"), (Strings{"one", "two"}));
  EXPECT_EQ(Texts("a"), (Strings{"one", "two"}));  // given out, not gone
  Open();
  EXPECT_EQ(Texts("a", "r2"), Strings{"two"});
  EXPECT_EQ(Texts("a", "", 1), Strings{"one"});
  EXPECT_EQ(queue->Status("a", "", kNow).count, 2u);
  EXPECT_EQ(queue->Status("a", "", kNow).oldest, kNow);
  EXPECT_EQ(queue->Status("a", "", kNow).newest, kNow + 5);
  EXPECT_EQ(queue->Status("a", "r1", kNow).octets, 3u);
  static_cast<void>(Texts("a", "r1"));
  const Strings first = ids;
  EXPECT_EQ(*queue->Acknowledge("b", first), 0u);  // another's messages are out of reach
  EXPECT_EQ(*queue->Acknowledge("a", first), 1u);
  EXPECT_EQ(*queue->Acknowledge("a", first), 0u);
  EXPECT_EQ(Texts("a"), Strings{"two"});
  Open();
  EXPECT_EQ(Texts("a"), Strings{"two"});
  EXPECT_EQ(queue->totals().messages, 2u);
  const Strings nonsense = {"", "zz", "00", "ffffffffffffffff", std::string(1000, '0')};
  EXPECT_EQ(*queue->Acknowledge("a", nonsense), 0u);
}

TEST_F(Queue, IdsAreNeverUsedAgain) {
  Open();
  std::set<std::string> seen;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(Put("a", "r", "m" + std::to_string(i)), Code::kOk);
    static_cast<void>(Texts("a"));
    ASSERT_EQ(ids.size(), 1u);
    EXPECT_TRUE(seen.insert(ids[0]).second);
    EXPECT_EQ(*queue->Acknowledge("a", ids), 1u);
    Open();  // empty when it is opened: the counter is kept all the same
  }
}

TEST_F(Queue, ARepeatIsNotQueuedAgain) {
  Open();
  EXPECT_FALSE(queue->Put("a", "r", "x", kNow)->empty());
  EXPECT_TRUE(queue->Put("a", "r", "x", kNow)->empty());
  EXPECT_FALSE(queue->Put("a", "other", "x", kNow)->empty());
  EXPECT_EQ(Texts("a", "r").size(), 1u);
  EXPECT_EQ(*queue->Acknowledge("a", ids), 1u);
  Open();
  EXPECT_TRUE(queue->Put("a", "r", "x", kNow + 86'000)->empty());  // acknowledged, over a restart
  EXPECT_TRUE(Texts("a", "r").empty());
  // Once the fingerprint's time is over it is a new message.
  const UnixSeconds late = kNow + 8 * 86'400;
  EXPECT_FALSE(queue->Put("a", "r", "x", late)->empty());
  EXPECT_TRUE(queue->Expire(late));
  EXPECT_TRUE(queue->Put("a", "r", "x", late + 1)->empty());
}

TEST_F(Queue, Limits) {
  QueueLimits limits;
  limits.recipient_messages = 2;
  limits.recipient_octets = 100;
  limits.account_messages = 3;
  limits.account_octets = 150;
  limits.all_messages = 4;
  limits.all_octets = 1000;
  Open(limits);
  EXPECT_EQ(Put("a", "r1", "1"), Code::kOk);
  EXPECT_EQ(Put("a", "r1", "2"), Code::kOk);
  EXPECT_EQ(Put("a", "r1", "3"), Code::kQuotaExceeded);
  EXPECT_EQ(Put("a", "r2", std::string(101, 'x')), Code::kQuotaExceeded);
  EXPECT_EQ(Put("a", "r2", "4"), Code::kOk);
  EXPECT_EQ(Put("a", "r3", "5"), Code::kQuotaExceeded);  // the account's messages
  EXPECT_EQ(Put("b", "r4", std::string(90, 'x')), Code::kOk);
  EXPECT_EQ(Put("c", "r5", "6"), Code::kQuotaExceeded);  // everybody's
  EXPECT_EQ(queue->totals().messages, 4u);
  EXPECT_EQ(queue->totals().octets, 93u);
  Open(limits);  // counted again
  EXPECT_EQ(Put("a", "r1", "3"), Code::kQuotaExceeded);
  static_cast<void>(Texts("a", "r1", 1));
  EXPECT_EQ(*queue->Acknowledge("a", ids), 1u);
  EXPECT_EQ(Put("a", "r1", "3"), Code::kOk);
  EXPECT_EQ(*queue->Drop("a", "r1"), 2u);
  EXPECT_EQ(*queue->Drop("b", ""), 1u);
  EXPECT_EQ(Put("b", "r6", std::string(100, 'y')), Code::kOk);
  EXPECT_EQ(Put("b", "r7", std::string(60, 'y')), Code::kQuotaExceeded);  // the account's octets
  EXPECT_EQ(Put("b", "r7", std::string((2 << 20) + 1, 'y')), Code::kTooLarge);
}

TEST_F(Queue, OctetsOfOneBatch) {
  Open();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(Put("a", "r", std::string(100, static_cast<char>('a' + i))), Code::kOk);
  EXPECT_EQ(Texts("a", "", 10, kNow, 250).size(), 2u);
  EXPECT_EQ(Texts("a", "", 10, kNow, 1).size(), 1u);  // one in any case
  EXPECT_EQ(Texts("a", "", 0).size(), 0u);
}

TEST_F(Queue, Expiry) {
  QueueLimits limits;
  limits.keep_seconds = 1000;
  Open(limits);
  EXPECT_EQ(Put("a", "r", "short", kNow, kNow + 100), Code::kOk);
  EXPECT_EQ(Put("a", "r", "long"), Code::kOk);
  EXPECT_EQ(Put("a", "r", "late", kNow, kNow - 61), Code::kExpired);
  EXPECT_EQ(Texts("a", "", 10, kNow + 160).size(), 2u);
  EXPECT_EQ(Texts("a", "", 10, kNow + 161), Strings{"long"});  // over, though still there
  EXPECT_EQ(queue->Status("a", "", kNow + 161).count, 1u);
  EXPECT_EQ(*queue->Expire(kNow + 161), 1u);
  EXPECT_EQ(queue->totals().messages, 1u);
  EXPECT_EQ(*queue->Expire(kNow + 1001), 1u);
  EXPECT_EQ(queue->totals().messages, 0u);
  EXPECT_EQ(queue->totals().accounts, 0u);
  size_t left = 0;
  EXPECT_TRUE(queue->Expire(kNow + 100'000));
  EXPECT_TRUE(store->Scan("q/", [&](std::string_view key, std::string_view) {
    if (key != "q/s") ++left;
    return true;
  }));
  EXPECT_EQ(left, 0u);  // nothing piles up
}

TEST_F(Queue, DamageIsSeen) {
  Open();
  ASSERT_EQ(Put("a", "r", "x"), Code::kOk);
  queue.reset();
  base::WriteBatch batch;
  batch.Put(std::string("q/h\0\0\0\0\0\0\0\1", 11), "nonsense");
  ASSERT_TRUE(store->Write(batch, base::Sync::kYes));
  EXPECT_EQ(MessageQueue::Open(*store, "q/").error().code, Code::kCorrupt);
}

TEST_F(Queue, ManyThreads) {
  Open();
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string account = "a" + std::to_string(t % 2);
      for (int i = 0; i < 50; ++i) {
        const std::string text = std::to_string(t) + "." + std::to_string(i);
        if (!queue->Put(account, "r", text, kNow)) ++failed;
        if (i % 10 == 9) {
          const auto batch = queue->List(account, "", 3, kNow);
          if (!batch) ++failed;
          std::vector<std::string> named;
          for (const QueuedMessage& message : *batch) named.push_back(message.id);
          if (!queue->Acknowledge(account, named)) ++failed;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  const size_t count = queue->totals().messages;
  EXPECT_EQ(queue->Status("a0", "", kNow).count + queue->Status("a1", "", kNow).count, count);
  Open();
  EXPECT_EQ(queue->totals().messages, count);
}

}  // namespace
}  // namespace keel::didcomm
