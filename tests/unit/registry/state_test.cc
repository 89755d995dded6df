// SPDX-License-Identifier: Apache-2.0
#include "registry-node/state.h"

#include "tests/unit/registry/fixture.h"

namespace keel::registry {
namespace {

using fakes::Identity;
using fakes::Octets;

struct StateTest : ::testing::Test {
  StateTest() { EXPECT_TRUE(t.Open()); }
  Verdict One(const Octets& entry, bool member = true, const Identity* sponsor = nullptr) {
    auto verdicts = t.Submit({entry}, member, sponsor);
    return verdicts.empty() ? Verdict{Code::kInternalError, 0, false, "none"} : verdicts[0];
  }
  std::optional<std::string> Value(const Bytes32& key) { return *t.store->Get(ValueStoreKey(key)); }
  // The map holds exactly this value, provably.
  void ExpectProved(const Bytes32& key, ByteView value) {
    const auto view = t.node->view();
    const auto proof = ProveKey(view->Reader(), key);
    ASSERT_TRUE(proof);
    EXPECT_TRUE(ledger::VerifyPresent(proof->proof, view->map_root, key, value));
  }
  TestNode t;
};

TEST_F(StateTest, DidLifeAndItsRefusals) {
  Identity id = t.world.CreateIdentity();
  const Verdict created = One(OperationEntry(id.jws[0]));
  ASSERT_EQ(created.code, Code::kOk) << created.detail;
  EXPECT_TRUE(created.fresh);
  const Verdict again = One(OperationEntry(id.jws[0]));
  EXPECT_EQ(again.code, Code::kOk);
  EXPECT_EQ(again.index, created.index);
  EXPECT_FALSE(again.fresh);

  t.world.Rotate(id);
  Octets forged = id.jws[1];
  forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_NE(One(OperationEntry(forged)).code, Code::kOk);
  const Verdict updated = One(OperationEntry(id.jws[1]), false);  // updates need no sponsor
  ASSERT_EQ(updated.code, Code::kOk) << updated.detail;
  // What the ledger holds is the head over the indices that it gave.
  ledger::DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_TRUE(history.Apply(created.index, id.jws[0]));
  ASSERT_TRUE(history.Apply(updated.index, id.jws[1]));
  ExpectProved(ledger::DidKey(id.did), history.MapValue());

  t.world.Deactivate(id);
  ASSERT_EQ(One(OperationEntry(id.jws[2])).code, Code::kOk);
  // A fork from an old operation is refused.
  Identity fork = id;
  fork.jws.resize(1);
  fork.indices.resize(1);
  EXPECT_NE(One(OperationEntry(t.world.CreateIdentity().jws[0]), false).code, Code::kOk);
}

TEST_F(StateTest, ACreateOfAnotherNetworkIsRefused) {
  const ledger::Net ours = t.world.net;
  t.world.net[0] ^= 1;
  const Identity elsewhere = t.world.CreateIdentity();
  t.world.net = ours;
  EXPECT_EQ(One(OperationEntry(elsewhere.jws[0])).code, Code::kWrongNetwork);
}

TEST_F(StateTest, UpdateOfAnUnknownOrOldOperationIsRefused) {
  Identity id = t.world.CreateIdentity();
  t.world.Rotate(id);
  const Verdict unknown = One(OperationEntry(id.jws[1]));
  EXPECT_EQ(unknown.code, Code::kNotFound);
  ASSERT_EQ(One(OperationEntry(id.jws[0])).code, Code::kOk);
  ASSERT_EQ(One(OperationEntry(id.jws[1])).code, Code::kOk);
  // Another second operation with the same prev: the next key was used up.
  Identity twin = id;
  t.world.Rotate(twin);
  ASSERT_EQ(One(OperationEntry(twin.jws[2])).code, Code::kOk);
  Identity late = id;
  t.world.Deactivate(late);
  EXPECT_EQ(One(OperationEntry(late.jws[2])).code, Code::kConflict);
}

TEST_F(StateTest, CreateNeedsASponsor) {
  const Identity sponsor = t.world.CreateIdentity(), a = t.world.CreateIdentity(), b = t.world.CreateIdentity(),
                 c = t.world.CreateIdentity(), d = t.world.CreateIdentity(), stranger = t.world.CreateIdentity();
  EXPECT_EQ(One(OperationEntry(sponsor.jws[0]), false).code, Code::kNotSponsored);
  ASSERT_EQ(One(OperationEntry(sponsor.jws[0]), true).code, Code::kOk);
  ASSERT_EQ(One(OperationEntry(stranger.jws[0]), true).code, Code::kOk);
  EXPECT_EQ(One(OperationEntry(a.jws[0]), false, &sponsor).code, Code::kNotSponsored);  // anchored, not accredited
  EXPECT_EQ(One(t.SponsorEntry(sponsor.did, 1, 2, 0, false), false).code, Code::kBadSignature);
  ASSERT_EQ(One(t.SponsorEntry(sponsor.did, 1, 2), false).code, Code::kOk);
  ASSERT_EQ(One(OperationEntry(a.jws[0]), false, &sponsor).code, Code::kOk);
  EXPECT_EQ(One(OperationEntry(b.jws[0]), false, &stranger).code, Code::kNotSponsored);
  ASSERT_EQ(One(OperationEntry(b.jws[0]), false, &sponsor).code, Code::kOk);
  EXPECT_EQ(One(OperationEntry(c.jws[0]), false, &sponsor).code, Code::kQuotaExceeded);
  t.clock.now += 24 * 3600;  // the next day
  ASSERT_EQ(One(OperationEntry(c.jws[0]), false, &sponsor).code, Code::kOk);
  // An end, and a stale entry about it.
  ASSERT_EQ(One(t.SponsorEntry(sponsor.did, 2, 0), false).code, Code::kOk);
  EXPECT_EQ(One(t.SponsorEntry(sponsor.did, 1, 9), false).code, Code::kStale);
  EXPECT_EQ(One(OperationEntry(d.jws[0]), false, &sponsor).code, Code::kNotSponsored);
  ASSERT_EQ(One(t.SponsorEntry(sponsor.did, 3, 9, t.clock.now - 1), false).code, Code::kOk);  // already over
  EXPECT_EQ(One(OperationEntry(d.jws[0]), false, &sponsor).code, Code::kNotSponsored);
}

TEST_F(StateTest, SponsoringOfOtherEntriesIsRefused) {
  const Identity sponsor = t.world.CreateIdentity(), a = t.world.CreateIdentity(), b = t.world.CreateIdentity();
  ASSERT_EQ(One(OperationEntry(sponsor.jws[0])).code, Code::kOk);
  ASSERT_EQ(One(t.SponsorEntry(sponsor.did, 1, 5)).code, Code::kOk);
  const PreparedTransaction first = t.Prepared({OperationEntry(a.jws[0])}, &sponsor);
  // The statement stuck onto another entry.
  fakes::Octets rest(4096), tx(8192);
  const auto entry = OperationEntry(b.jws[0]);
  const ByteView view = entry;
  rest.resize(ledger::WriteTransactionRest({&view, 1}, rest).value());
  tx.resize(ledger::WriteTransaction(first.sponsoring, rest, tx).value());
  EXPECT_EQ(PrepareTransaction(t.world.net, tx).error().code, Code::kBadSignature);
}

TEST_F(StateTest, FirstSpendWinsAndTheOtherIsKept) {
  const auto from = t.world.MakeSeal(), to = t.world.MakeSeal(), thief = t.world.MakeSeal();
  const auto base = ledger::ChainBase::Root(from.seal);
  const auto first = t.world.MakeLink("did:keel:demo:device", base, from, to, "to the buyer");
  const auto second = t.world.MakeLink("did:keel:demo:device", base, from, thief, "to another buyer");
  const Verdict v = One(SpendEntryOf(first), false);
  ASSERT_EQ(v.code, Code::kOk) << v.detail;
  EXPECT_EQ(One(SpendEntryOf(first), false).index, v.index);
  const Verdict refused = One(SpendEntryOf(second), false);
  EXPECT_EQ(refused.code, Code::kSealSpent);
  ExpectProved(ledger::SealKey(from.seal), ledger::SpendMapValue(first.hash, v.index));
  EXPECT_EQ(One(SpendEntryOf(second), false).code, Code::kSealSpent);
  std::vector<std::string> evidence;
  ASSERT_TRUE(t.store->Scan("x" + std::string(AsText(from.seal)), [&](std::string_view, std::string_view value) {
    evidence.emplace_back(value);
    return true;
  }));
  ASSERT_EQ(evidence.size(), 1u);  // repetition isn't more evidence
  EXPECT_TRUE(Equal(AsBytes(evidence[0]), SpendEntryOf(second)));

  // Somebody else's signature, and a policy of another seal.
  auto forged = t.world.MakeLink("did:keel:demo:device", ledger::ChainBase::Root(to.seal), to, thief, "x");
  forged.sigs = first.sigs;
  EXPECT_EQ(One(SpendEntryOf(forged), false).code, Code::kBadSignature);
  forged = t.world.MakeLink("did:keel:demo:device", ledger::ChainBase::Root(to.seal), thief, to, "x");
  forged.spent_seal = to.seal;
  EXPECT_NE(One(SpendEntryOf(forged), false).code, Code::kOk);
}

TEST_F(StateTest, OneBadEntryPoisonsNoOther) {
  const Identity a = t.world.CreateIdentity(), b = t.world.CreateIdentity();
  const auto verdicts = t.Submit({OperationEntry(a.jws[0]), Octets{1, 2, 3}, Octets{}, Octets{'k', 'e', 'e', 'l'},
                                  t.FreshSpend(), OperationEntry(b.jws[0]), OperationEntry(a.jws[0])});
  ASSERT_EQ(verdicts.size(), 7u);
  EXPECT_EQ(verdicts[0].code, Code::kOk);
  EXPECT_NE(verdicts[1].code, Code::kOk);
  EXPECT_NE(verdicts[2].code, Code::kOk);
  EXPECT_NE(verdicts[3].code, Code::kOk);
  EXPECT_EQ(verdicts[4].code, Code::kOk);
  EXPECT_EQ(verdicts[5].code, Code::kOk);
  EXPECT_EQ(verdicts[4].index, verdicts[0].index + 1);
  EXPECT_EQ(verdicts[5].index, verdicts[0].index + 2);
  EXPECT_EQ(verdicts[6].index, verdicts[0].index);  // the same within one commit
  for (const size_t bad : {1u, 2u, 3u}) EXPECT_FALSE(verdicts[bad].detail.empty());
}

TEST_F(StateTest, BatchesSchemasStatusLists) {
  const Identity issuer = t.world.CreateIdentity(), other = t.world.CreateIdentity();
  ASSERT_EQ(One(OperationEntry(issuer.jws[0])).code, Code::kOk);
  ASSERT_EQ(One(OperationEntry(other.jws[0])).code, Code::kOk);
  std::array<char, 4096> text;
  const auto written = [&](Result<size_t> n) { return std::string(text.data(), n.value()); };
  Bytes32 root{7};
  const Octets batch =
      t.Statement(ledger::EntryType::kBatch, written(ledger::WriteBatchPayload({root, 3}, text)), issuer, &root);
  EXPECT_EQ(One(batch, false).code, Code::kNotSponsored);
  ASSERT_EQ(One(t.SponsorEntry(issuer.did, 1, 100)).code, Code::kOk);
  const Verdict v = One(batch, false);  // accredited: its own sponsor
  ASSERT_EQ(v.code, Code::kOk) << v.detail;
  EXPECT_EQ(One(batch, false).index, v.index);
  ExpectProved(ledger::BatchKey(issuer.did, root), ledger::BatchMapValue(v.index));
  Bytes32 wrong{8};
  EXPECT_NE(
      One(t.Statement(ledger::EntryType::kBatch, written(ledger::WriteBatchPayload({root, 3}, text)), issuer, &wrong),
          false)
          .code,
      Code::kOk);
  // Signed with a key that its DID doesn't have.
  Identity mallory = issuer;
  mallory.auth = other.auth;
  EXPECT_EQ(
      One(t.Statement(ledger::EntryType::kBatch, written(ledger::WriteBatchPayload({wrong, 3}, text)), mallory, &wrong),
          false)
          .code,
      Code::kBadSignature);

  ledger::SchemaPayload schema;
  schema.id = "urn:example:hardware";
  schema.content = R"({"type":"object"})";
  const Octets s1 =
      t.Statement(ledger::EntryType::kSchema, written(ledger::WriteSchemaPayload(schema, false, text)), issuer);
  ASSERT_EQ(One(s1, false).code, Code::kOk);
  EXPECT_EQ(One(s1, false).code, Code::kOk);
  schema.content = R"({"type":"array"})";
  EXPECT_EQ(
      One(t.Statement(ledger::EntryType::kSchema, written(ledger::WriteSchemaPayload(schema, false, text)), issuer),
          false)
          .code,
      Code::kConflict);

  ledger::StatusPayload status;
  status.id = "https://issuer.example/status/1";
  status.version = 5;
  const auto entry = [&] {
    return t.Statement(ledger::EntryType::kStatus, written(ledger::WriteStatusPayload(status, text)), issuer);
  };
  const Octets v5 = entry();
  ASSERT_EQ(One(v5, false).code, Code::kOk);
  status.version = 4;
  EXPECT_EQ(One(entry(), false).code, Code::kStale);
  status.version = 5;
  status.digest[0] = 1;
  EXPECT_EQ(One(entry(), false).code, Code::kStale);
  status.version = 6;
  const Verdict v6 = One(entry(), false);
  ASSERT_EQ(v6.code, Code::kOk);
  EXPECT_EQ(One(v5, false).code, Code::kStale);  // the old version again
  ExpectProved(ledger::NamedKey(ledger::MapType::kStatus, issuer.did, status.id),
               ledger::StatusMapValue(6, status.digest, v6.index));
}

TEST_F(StateTest, GenesisIsAnchoredOnceAndOnlyOnce) {
  const auto value = Value(ledger::EpochKey(0));
  ASSERT_TRUE(value);
  ExpectProved(ledger::EpochKey(0), ledger::DigestMapValue(t.world.net, 0));
  fakes::LedgerWorld foreign(1, "another network");
  fakes::Octets bundle(8192), entry(8192);
  bundle.resize(ledger::WriteEpochBundle(foreign.descriptor_octets, {}, t.genesis_sigs, {}, {}, bundle).value());
  entry.resize(ledger::WriteEpochEntry(bundle, entry).value());
  EXPECT_NE(One(entry).code, Code::kOk);
}

}  // namespace
}  // namespace keel::registry
