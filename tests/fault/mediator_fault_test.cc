// SPDX-License-Identifier: Apache-2.0
// A mediator's queue under power cuts and disk faults: nothing that was accepted is lost before it is acknowledged,
// nothing acknowledged is given out again, a sender that tries again after a failure leaves one copy.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/files.h"
#include "base/storage/key_value_store.h"
#include "didcomm/mediator/queue.h"
#include "tests/fakes/fault_env.h"

namespace keel::didcomm {
namespace {

using fakes::FaultEnv;

constexpr int kMessages = 12;
constexpr UnixSeconds kNow = 1'800'000'000;
const std::string kAccount = "did:example:account";
const std::string kRecipient = "did:example:recipient";

base::StoreOptions With(FaultEnv& env) {
  base::StoreOptions options;
  options.env = &env;
  options.write_buffer = 64 << 10;
  return options;
}

std::string Envelope(int i) { return std::to_string(i) + std::string(3000, static_cast<char>('a' + i)); }

struct Outcome {
  int lost = 0, again = 0, twice = 0;
  uint64_t operations = 0;
};

Outcome CutOnce(uint64_t cut, uint64_t seed, bool ignore_sync = false) {
  Outcome outcome;
  const auto dir = base::TempDir::Create();
  const std::string path = *dir / "db";
  EXPECT_TRUE(base::MakePrivateDir(path));
  FaultEnv env;
  env.IgnoreSync(ignore_sync);
  std::map<int, std::string> accepted;  // message -> id
  std::set<int> acknowledged, unsure;   // the answer came; the question was asked
  {
    env.CutAfter(cut);
    auto store = base::OpenLevelDb(path, With(env));
    auto queue = store ? MessageQueue::Open(**store) : Fail(Code::kIo, "test");
    for (int i = 0; queue && i < kMessages; ++i) {
      const auto id = (*queue)->Put(kAccount, kRecipient, Envelope(i), kNow + static_cast<uint64_t>(i));
      if (!id) break;
      EXPECT_FALSE(id->empty());
      accepted[i] = *id;
      if (i % 3 != 2) continue;
      // As a recipient does: fetch two, acknowledge them.
      const auto batch = (*queue)->List(kAccount, "", 2, kNow);
      if (!batch) break;
      std::vector<std::string> ids;
      std::set<int> named;
      for (const QueuedMessage& message : *batch) {
        ids.push_back(message.id);
        named.insert(std::stoi(message.envelope));
      }
      unsure.insert(named.begin(), named.end());
      if (!(*queue)->Acknowledge(kAccount, ids)) break;
      acknowledged.insert(named.begin(), named.end());
    }
  }
  outcome.operations = env.operations();
  env.LoseUnsynced(seed);
  env.Restore();
  env.IgnoreSync(false);
  auto store = base::OpenLevelDb(path, With(env));
  auto queue = store ? MessageQueue::Open(**store) : Fail(Code::kIo, "test");
  if (!queue) {
    outcome.lost = static_cast<int>(accepted.size());
    return outcome;
  }
  // The sender tries again with what it doesn't know to be accepted, and with the last that is.
  for (int i = static_cast<int>(accepted.size()) - 1; i < kMessages; ++i) {
    if (i < 0) continue;
    EXPECT_TRUE((*queue)->Put(kAccount, kRecipient, Envelope(i), kNow));
  }
  std::map<int, int> there;
  const auto left = (*queue)->List(kAccount, "", 1000, kNow, UINT64_MAX);
  EXPECT_TRUE(left);
  std::set<std::string> ids;
  for (const QueuedMessage& message : *left) {
    const int number = std::stoi(message.envelope);
    EXPECT_EQ(message.envelope, Envelope(number));
    EXPECT_TRUE(ids.insert(message.id).second);
    EXPECT_TRUE(!accepted.contains(number) || accepted[number] == message.id);
    ++there[number];
  }
  for (int i = 0; i < kMessages; ++i) {
    if (there[i] > 1) ++outcome.twice;
    if (acknowledged.contains(i) && there[i] > 0) ++outcome.again;
    if (!unsure.contains(i) && there[i] == 0) ++outcome.lost;
  }
  EXPECT_EQ((*queue)->Status(kAccount, "", kNow).count, left->size());
  return outcome;
}

TEST(MediatorQueue, PowerCutAtEveryWrite) {
  const uint64_t all = CutOnce(UINT64_MAX - 1, 0).operations;
  int cuts = 0;
  for (uint64_t cut = 0; cut <= all; ++cut) {
    for (const uint64_t seed : {uint64_t{0}, cut + 1}) {
      const Outcome outcome = CutOnce(cut, seed);
      ++cuts;
      ASSERT_EQ(outcome.lost, 0) << "cut at " << cut << ", seed " << seed;
      ASSERT_EQ(outcome.again, 0) << "cut at " << cut << ", seed " << seed;
      ASSERT_EQ(outcome.twice, 0) << "cut at " << cut << ", seed " << seed;
    }
  }
  std::printf("%d power cuts over %lu writing operations\n", cuts, static_cast<unsigned long>(all));
}

// The judge is judged: on a disk that only says it syncs, messages are lost or come again.
TEST(MediatorQueue, WithoutSyncTheTestSeesLosses) {
  int wrong = 0;
  const uint64_t all = CutOnce(UINT64_MAX - 1, 0).operations;
  for (uint64_t cut = all / 2; cut < all; ++cut) {
    const Outcome outcome = CutOnce(cut, 0, true);
    wrong += outcome.lost + outcome.again;
  }
  EXPECT_GT(wrong, 0);
}

TEST(MediatorQueue, FullOrFailingDiskAcceptsNothingAndRecovers) {
  for (const auto fault : {FaultEnv::Fault::kNoSpace, FaultEnv::Fault::kIo}) {
    const auto dir = base::TempDir::Create();
    ASSERT_TRUE(base::MakePrivateDir(*dir / "db"));
    FaultEnv env;
    auto store = base::OpenLevelDb(*dir / "db", With(env));
    ASSERT_TRUE(store);
    auto queue = MessageQueue::Open(**store);
    ASSERT_TRUE(queue);
    const auto first = (*queue)->Put(kAccount, kRecipient, Envelope(0), kNow);
    ASSERT_TRUE(first);
    env.Fail(fault);
    EXPECT_FALSE((*queue)->Put(kAccount, kRecipient, Envelope(1), kNow));
    const std::vector<std::string> ids = {*first};
    EXPECT_FALSE((*queue)->Acknowledge(kAccount, ids));
    // What could not be forgotten for good is still given out; what failed takes up no room.
    EXPECT_EQ((*queue)->Status(kAccount, "", kNow).count, 1u);
    EXPECT_EQ((*queue)->totals().messages, 1u);
    env.Restore();
    // The store looks again at most once a second.
    for (int i = 0; i < 200 && !(*queue)->Put(kAccount, kRecipient, Envelope(2), kNow); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // lint-allow: sleep between two looks
    }
    ASSERT_TRUE((*queue)->Acknowledge(kAccount, ids));
    const auto left = (*queue)->List(kAccount, "", 10, kNow);
    ASSERT_TRUE(left) << left.error().Text();
    for (const QueuedMessage& message : *left) EXPECT_NE(message.id, *first);
  }
}

}  // namespace
}  // namespace keel::didcomm
