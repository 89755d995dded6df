// SPDX-License-Identifier: Apache-2.0
#include "registry-node/node.h"

#include <chrono>
#include <future>
#include <thread>

#include "tests/fakes/fault_env.h"
#include "tests/unit/registry/fixture.h"

namespace keel::registry {
namespace {

using fakes::Octets;

template <typename Condition>
bool Eventually(Condition condition) {
  const uint64_t end = base::MonotonicMs() + 15'000;
  while (!condition()) {
    if (base::MonotonicMs() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

void ExpectSound(const TestNode& t) {
  const auto view = t.node->view();
  ASSERT_NE(view, nullptr);
  const auto checkpoint = ledger::ParseCheckpoint(view->ckpt);
  ASSERT_TRUE(checkpoint);
  EXPECT_TRUE(ledger::VerifyCheckpoint(*checkpoint, t.world.members_set));
  const auto state = ledger::ParseStateProof(view->state);
  ASSERT_TRUE(state);
  EXPECT_TRUE(ledger::VerifyStateProof(*state, checkpoint->size, checkpoint->root));
  EXPECT_EQ(state->leaf.map_root, *MapRoot(view->Reader()));
  EXPECT_EQ(checkpoint->root, *LogRoot(view->Reader(), view->size));
}

TEST(Node, GenesisCheckpointVerifies) {
  TestNode t;
  ASSERT_TRUE(t.Open());
  ExpectSound(t);
  EXPECT_EQ(t.node->view()->size, 2u);  // genesis descriptor and state leaf
  EXPECT_TRUE(t.node->Ready());
  EXPECT_NE(t.node->view()->note.find("\u2014 m0 "), std::string::npos);
}

TEST(Node, StateLeafIsTheLastEntryAndTimeNeverGoesBack) {
  TestNode t;
  ASSERT_TRUE(t.Open());
  t.Submit({t.FreshSpend()});
  const auto first = t.node->view();
  t.clock.now -= 1000;
  t.Submit({t.FreshSpend()});
  const auto second = t.node->view();
  EXPECT_EQ(second->size, first->size + 2);
  EXPECT_GE(second->state_time, first->state_time);
  const auto leaf = ledger::ParseStateLeaf(AsBytes(**second->snapshot->Get(EntryStoreKey(second->size - 1))));
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->map_root, second->map_root);
  EXPECT_EQ(leaf->height, second->height);
  // The old view still answers from its own state.
  EXPECT_EQ(*MapRoot(first->Reader()), first->map_root);
  // Nothing new, no new commit.
  const auto same = t.Submit({Octets{9}});
  EXPECT_EQ(t.node->view()->size, second->size);
}

TEST(Node, IdleMembersCosignAgain) {
  TestNode t;
  t.tweak.cosign_interval_ms = 20;
  ASSERT_TRUE(t.Open());
  t.clock.now += 100;
  EXPECT_TRUE(Eventually([&] { return t.node->view()->time == t.clock.now; }));
  EXPECT_EQ(t.node->view()->size, 2u);
  ExpectSound(t);
}

TEST(Node, RestartKeepsEverything) {
  TestNode t(true);
  ASSERT_TRUE(t.Open());
  auto id = t.world.CreateIdentity();
  const auto created = t.Submit({OperationEntry(id.jws[0]), t.FreshSpend()});
  const auto before = t.node->view();
  const Bytes32 root = before->log_root, map_root = before->map_root;
  const uint64_t size = before->size;
  t.node.reset();
  const_cast<std::shared_ptr<const View>&>(before).reset();
  ASSERT_TRUE(t.Restart());
  EXPECT_EQ(t.node->view()->size, size);
  EXPECT_EQ(t.node->view()->log_root, root);
  EXPECT_EQ(t.node->view()->map_root, map_root);
  t.world.Rotate(id);
  const auto updated = t.Submit({OperationEntry(id.jws[0]), OperationEntry(id.jws[1])});
  EXPECT_EQ(updated[0].index, created[0].index);
  EXPECT_EQ(updated[1].code, Code::kOk);
  ExpectSound(t);
}

TEST(Node, ManyAtOnceAreCommittedTogether) {
  TestNode t(true);
  ASSERT_TRUE(t.Open());
  std::vector<PreparedTransaction> transactions;
  for (int i = 0; i < 200; ++i) transactions.push_back(t.Prepared({t.FreshSpend(), t.FreshSpend()}));
  std::atomic<int> good = 0, answered = 0;
  for (auto& tx : transactions) {
    ASSERT_TRUE(t.node->Submit(std::move(tx), false, [&](Result<std::vector<Verdict>> v) {
      if (v && (*v)[0].code == Code::kOk && (*v)[1].code == Code::kOk) ++good;
      ++answered;
    }));
  }
  EXPECT_TRUE(Eventually([&] { return answered == 200; }));
  EXPECT_EQ(good, 200);
  EXPECT_LT(t.node->stats().commits, 150u);
  ExpectSound(t);
}

TEST(Node, FullQueueSaysBusy) {
  TestNode t;
  t.tweak.max_queue_entries = 1;
  ASSERT_TRUE(t.Open());
  auto refused = t.node->Apply(t.Prepared({t.FreshSpend(), t.FreshSpend()}), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kBusy);
}

TEST(Node, RestoredBackupIsHeld) {
  TestNode t(true);
  ASSERT_TRUE(t.Open());
  t.Submit({t.FreshSpend()});
  t.Close();
  t.store.reset();
  ASSERT_EQ(std::system(("cp -r " + (t.dir / "ledger") + " " + (t.dir / "backup")).c_str()), 0);
  t.OpenStore();
  ASSERT_TRUE(t.Open());
  t.Submit({t.FreshSpend()});
  t.Close();
  t.store.reset();
  ASSERT_EQ(
      std::system(("rm -r " + (t.dir / "ledger") + " && mv " + (t.dir / "backup") + " " + (t.dir / "ledger")).c_str()),
      0);
  t.OpenStore();
  ASSERT_TRUE(t.Open());
  EXPECT_NE(t.node->HoldReason().find("restored from an old backup"), std::string::npos);
  EXPECT_EQ(t.node->view(), nullptr);  // nothing signed
  EXPECT_FALSE(t.node->Ready());
  EXPECT_EQ(t.node->Apply(t.Prepared({t.FreshSpend()}), true).error().code, Code::kUnavailable);
}

TEST(Node, MissingOrForeignHighWaterFile) {
  TestNode t(true);
  ASSERT_TRUE(t.Open());
  t.Submit({t.FreshSpend()});
  t.Close();
  const std::string path = t.dir / "high-water";
  const std::string kept = *base::ReadFile(path);
  ASSERT_TRUE(base::RemoveFile(path));
  EXPECT_EQ(t.Restart().error().code, Code::kNotFound);
  // Another history of the same size.
  {
    auto file = HighWaterFile::Open(path, true);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->Advance({3, Bytes32{1}}));
    EXPECT_EQ((*file)->Advance({2, Bytes32{1}}).error().code, Code::kConflict);
    EXPECT_EQ((*file)->Advance({3, Bytes32{2}}).error().code, Code::kConflict);
    EXPECT_TRUE((*file)->Advance({3, Bytes32{1}}));
  }
  ASSERT_TRUE(t.Restart());
  EXPECT_NE(t.node->HoldReason().find("another history"), std::string::npos);
  t.Close();
  ASSERT_TRUE(base::WriteFileAtomic(path, std::string(1024, 'x')));
  EXPECT_EQ(t.Restart().error().code, Code::kCorrupt);
  ASSERT_TRUE(base::WriteFileAtomic(path, kept));
  ASSERT_TRUE(t.Restart());
  EXPECT_TRUE(t.node->HoldReason().empty());
}

TEST(Node, TornHighWaterRecordFallsBackToTheOther) {
  TestNode t;
  const std::string path = t.dir / "hw";
  {
    auto file = HighWaterFile::Open(path, true);
    ASSERT_TRUE((*file)->Advance({5, Bytes32{5}}));
    ASSERT_TRUE((*file)->Advance({9, Bytes32{9}}));
  }
  std::string content = *base::ReadFile(path);
  const bool second = content[512 + 18 + 15] == 9;  // which slot holds size 9
  content[(second ? 512 : 0) + 30] ^= 1;
  ASSERT_TRUE(base::WriteFileAtomic(path, content));
  auto file = HighWaterFile::Open(path, false);
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->current()->size, 5u);
}

TEST(Node, ForeignStoreIsRefused) {
  TestNode t(true), other(true);
  ASSERT_TRUE(t.Open());
  t.Close();
  fakes::LedgerWorld foreign(1, "foreign");
  NodeOptions options;
  options.genesis = foreign.descriptor_octets;
  options.genesis_sigs = t.genesis_sigs;
  options.high_water_file = t.dir / "high-water";
  EXPECT_EQ(Node::Open(options, *t.store, t.signer, t.world.member_keys[0], t.clock).error().code, Code::kWrongNetwork);
  // A member key of nobody.
  EXPECT_TRUE(t.Open());
}

TEST(Node, FailingDiskAcknowledgesNothingAndRecovers) {
  fakes::FaultEnv env;
  TestNode t(true);
  t.store.reset();
  t.env = &env;
  t.OpenStore();
  t.tweak.cosign_interval_ms = 200;
  ASSERT_TRUE(t.Open());
  const Octets kept = t.FreshSpend();
  ASSERT_EQ(t.Submit({kept})[0].code, Code::kOk);
  for (const auto fault : {fakes::FaultEnv::Fault::kIo, fakes::FaultEnv::Fault::kNoSpace}) {
    const Octets lost = t.FreshSpend();
    env.Fail(fault);
    auto failed = t.node->Apply(t.Prepared({lost}), true);
    ASSERT_FALSE(failed);
    EXPECT_FALSE(t.node->Ready());
    EXPECT_NE(t.node->view(), nullptr);  // reads go on
    env.Restore();
    EXPECT_TRUE(Eventually([&] { return t.node->Ready().has_value(); }));
    const auto again = t.Submit({lost, kept});
    EXPECT_EQ(again[0].code, Code::kOk);
    EXPECT_FALSE(again[1].fresh);
    ExpectSound(t);
  }
  t.Close();
  t.store.reset();
}

// The judge of durability is what a power cut leaves. With sync switched off the same test must find losses.
size_t AcknowledgedButLost(base::Sync sync) {
  size_t lost = 0;
  for (uint64_t cut = 1; cut <= 40; cut += 3) {
    fakes::FaultEnv env;
    TestNode t(true);
    t.store.reset();
    t.env = &env;
    t.OpenStore();
    t.tweak.sync = sync;
    if (!t.Open()) {
      ADD_FAILURE() << "open";
      return 0;
    }
    env.CutAfter(cut);
    std::vector<Octets> acknowledged;
    for (int i = 0; i < 30; ++i) {
      const Octets spend = t.FreshSpend();
      auto v = t.node->Apply(t.Prepared({spend}), false);
      if (!v) break;
      acknowledged.push_back(spend);
    }
    t.Close();
    t.store.reset();
    env.Restore();
    env.LoseUnsynced(cut);
    auto opened = base::OpenLevelDb(t.dir / "ledger", {.env = &env});
    if (!opened) {  // a store that is damaged beyond opening has lost everything
      lost += acknowledged.size();
      EXPECT_EQ(sync, base::Sync::kNo) << opened.error().Text();
      continue;
    }
    t.store = std::move(*opened);
    // The store's own words, not the node's: it holds back when it notices a loss.
    for (const Octets& spend : acknowledged) {
      const auto parsed = ledger::ParseSpendEntry(spend);
      const auto value = t.store->Get(ValueStoreKey(ledger::SealKey(parsed->seal)));
      if (!value || !*value) ++lost;
    }
    const auto open = t.Open();
    EXPECT_TRUE(open || sync == base::Sync::kNo) << open.error().Text();
    if (sync == base::Sync::kYes && open) {
      EXPECT_TRUE(t.node->HoldReason().empty()) << t.node->HoldReason();
      ExpectSound(t);
    }
    t.Close();
    t.store.reset();
  }
  return lost;
}

TEST(Node, PowerCutLosesNothingAcknowledged) { EXPECT_EQ(AcknowledgedButLost(base::Sync::kYes), 0u); }
TEST(Node, WithoutSyncThePowerCutTestFindsLosses) { EXPECT_GT(AcknowledgedButLost(base::Sync::kNo), 0u); }

}  // namespace
}  // namespace keel::registry
