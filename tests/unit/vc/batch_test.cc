// SPDX-License-Identifier: Apache-2.0
#include "vc/batch.h"

#include "ledger/batch.h"
#include "ledger/merkle.h"
#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

class BatchTest : public PartiesTest {
 protected:
  // Issues `count` credentials in a batch anchored at `index`; keeps the first.
  void Anchor(uint64_t index, size_t count = 5) {
    std::vector<std::string> credentials;
    for (size_t i = 0; i < count; ++i) {
      nlohmann::json credential = Plain();
      credential["credentialSubject"]["a"] = i;
      credentials.push_back(Issue(credential));
    }
    Batch batch = *MakeBatch(credentials, crypto::SystemRandom());
    jwt_ = credentials[0];
    member_ = batch.members[0];
    member_.log_index = index;
    ledger_.batches[maker_ + base::Hex(batch.root)] = index;
  }
  Verification Verify(bool with_batch = true, bool require = true) {
    auto v = VerifyCredential(
        jwt_, resolver_,
        {.now = kNow, .batch = with_batch ? &member_ : nullptr, .require_batch = require, .ledger = ledger_.View()});
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification{});
  }
  std::string jwt_;
  BatchMember member_;
};

TEST_F(BatchTest, TreeIsRfc9162) {
  for (const size_t count : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 31u, 33u}) {
    std::vector<std::string> credentials;
    for (size_t i = 0; i < count; ++i) credentials.push_back("credential " + std::to_string(i));
    const Batch batch = *MakeBatch(credentials, crypto::SystemRandom());
    std::vector<Bytes32> leaves;
    for (size_t i = 0; i < count; ++i)
      leaves.push_back(ledger::BatchLeaf(batch.members[i].salt, AsBytes(credentials[i])));
    EXPECT_EQ(batch.root, ledger::TreeRoot(leaves)) << count;
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(*batch.members[i].Root(credentials[i]), batch.root) << i << " of " << count;
      auto other = batch.members[i].Root("another");
      EXPECT_TRUE(!other || *other != batch.root);
    }
  }
  EXPECT_FALSE(MakeBatch({}, crypto::SystemRandom()).has_value());
}

TEST_F(BatchTest, JsonRoundTrip) {
  Anchor(20);
  auto again = BatchMember::FromJson(member_.ToJson());
  ASSERT_TRUE(again.has_value()) << again.error().Text();
  EXPECT_EQ(again->salt, member_.salt);
  EXPECT_EQ(again->leaf, member_.leaf);
  EXPECT_EQ(again->leaves, member_.leaves);
  EXPECT_EQ(again->path, member_.path);
  EXPECT_EQ(again->log_index, 20u);
  for (const char* name : {"salt", "i", "n", "path", "index"}) {
    nlohmann::json missing = member_.ToJson();
    missing.erase(name);
    EXPECT_FALSE(BatchMember::FromJson(missing).has_value()) << name;
  }
}

TEST_F(BatchTest, GivesTheLedgerTime) {
  Anchor(20);
  const Verification v = Verify();
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(*v.log_index, 20u);
  EXPECT_FALSE(Verify(false).Find(kCheckBatch)->ok);
  EXPECT_TRUE(Verify(false, false).valid());
}

TEST_F(BatchTest, ARotatedKeyStillCountsForWhatWasAnchoredBefore) {
  Anchor(20);
  Rotate(maker_, 30);
  EXPECT_TRUE(Verify().valid()) << Verify().Reason();
  // Without the batch only a current key counts.
  EXPECT_FALSE(Verify(false, false).valid());
}

TEST_F(BatchTest, BackdatingWithARotatedKeyFails) {
  // The thief has the old key, but can only anchor now.
  Anchor(20);
  Rotate(maker_, 30);
  Anchor(40);  // signs with the label's key, which is the old one
  const Verification v = Verify();
  EXPECT_FALSE(v.valid());
  EXPECT_FALSE(v.Find(kCheckSignature)->ok);  // the new key has the same id and was the good one then
  // Claiming an earlier index changes nothing: the map decides.
  member_.log_index = 20;
  EXPECT_FALSE(Verify().valid());
}

TEST_F(BatchTest, CompromiseCutsOffWhatCameAfterIt) {
  Anchor(20);
  Rotate(maker_, 30, 15);
  EXPECT_FALSE(Verify().valid());
  Anchor(14);
  EXPECT_TRUE(Verify().valid()) << Verify().Reason();
}

TEST_F(BatchTest, WrongMembershipIsInvalid) {
  Anchor(20);
  const BatchMember good = member_;
  member_.salt[0] ^= 1;
  EXPECT_FALSE(Verify().Find(kCheckBatch)->ok);
  member_ = good;
  member_.path[0][5] ^= 1;
  EXPECT_FALSE(Verify().Find(kCheckBatch)->ok);
  member_ = good;
  member_.leaf = 1;
  EXPECT_FALSE(Verify().Find(kCheckBatch)->ok);
  member_ = good;
  member_.leaf = 9;
  EXPECT_FALSE(Verify().Find(kCheckBatch)->ok);
  member_ = good;
  member_.path.pop_back();
  EXPECT_FALSE(Verify().Find(kCheckBatch)->ok);
}

TEST_F(BatchTest, AnUnreachableLedgerIsAnError) {
  Anchor(20);
  ledger_.down = true;
  EXPECT_EQ(VerifyCredential(jwt_, resolver_, {.now = kNow, .batch = &member_, .ledger = ledger_.View()}).error().code,
            Code::kUnreachable);
  EXPECT_EQ(VerifyCredential(jwt_, resolver_, {.now = kNow, .batch = &member_}).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace keel::vc
