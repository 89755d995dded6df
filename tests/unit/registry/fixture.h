// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/storage/key_value_store.h"
#include "registry-node/node.h"
#include "tests/fakes/ledger_world.h"

// A registry node over a store of the test's choice, with identities and chains from fakes::LedgerWorld.
namespace keel::registry {

// Civil time by hand, ticks by the machine.
class TestClock final : public Clock {
 public:
  uint64_t TicksMs() override { return base::MonotonicMs(); }
  Result<UnixSeconds> Now() override { return now.load(); }
  std::atomic<UnixSeconds> now{1'800'000'000};
};

inline fakes::Octets OperationEntry(const fakes::Octets& jws) {
  fakes::Octets out(jws.size() + 1);
  const auto n = ledger::WriteOperationEntry(jws, out);
  EXPECT_TRUE(n);
  return out;
}
inline fakes::Octets SpendEntryOf(const fakes::ChainLink& link) {
  fakes::Octets out(2048);
  const auto n = ledger::WriteSpendEntry({link.spent_seal, link.hash, link.policy, link.sigs}, out);
  EXPECT_TRUE(n);
  out.resize(n ? *n : 0);
  return out;
}

class TestNode {
 public:
  explicit TestNode(bool leveldb = false)
      : world(1), signer(world.keys), dir(std::move(*base::TempDir::Create())), leveldb_(leveldb) {
    const auto message = ledger::DescriptorMessage(world.net, world.net);
    Bytes64 signature{};
    EXPECT_TRUE(world.keys.Sign(world.root_key, message, signature));
    const ledger::SigsEntry sig{0, signature};
    genesis_sigs.resize(ledger::kMaxSigs);
    genesis_sigs.resize(ledger::WriteSigs({&sig, 1}, genesis_sigs).value());
    OpenStore();
  }
  ~TestNode() { Close(); }

  void OpenStore() {
    if (!leveldb_) {
      store = base::MakeMemoryStore();
      return;
    }
    auto opened = base::OpenLevelDb(dir / "ledger", {.env = env});
    ASSERT_TRUE(opened) << opened.error().Text();
    store = std::move(*opened);
  }
  Result<> Open() {
    NodeOptions options = tweak;
    options.genesis = world.descriptor_octets;
    options.genesis_sigs = genesis_sigs;
    options.high_water_file = dir / "high-water";
    KEEL_TRY(node, Node::Open(std::move(options), *store, signer, world.member_keys[0], clock));
    return {};
  }
  void Close() { node.reset(); }
  Result<> Restart() {
    Close();
    if (leveldb_) {
      store.reset();
      OpenStore();
    }
    return Open();
  }

  PreparedTransaction Prepared(const std::vector<fakes::Octets>& entries, const fakes::Identity* sponsor = nullptr) {
    std::vector<ByteView> views(entries.begin(), entries.end());
    fakes::Octets rest(4 << 20), sponsoring, tx(4 << 20);
    rest.resize(ledger::WriteTransactionRest(views, rest).value());
    if (sponsor != nullptr) {
      std::array<char, 256> payload;
      const size_t p = ledger::WriteSponsoringPayload(crypto::Sha256::Of(rest), payload).value();
      sponsoring.resize(2048);
      sponsoring.resize(ledger::SignStatement(std::string_view(payload.data(), p), sponsor->did + "#key-1", world.keys,
                                              sponsor->auth, sponsoring)
                            .value());
    }
    tx.resize(ledger::WriteTransaction(sponsoring, rest, tx).value());
    auto out = PrepareTransaction(world.net, tx);
    EXPECT_TRUE(out) << (out ? "" : out.error().Text());
    return std::move(*out);
  }
  std::vector<Verdict> Submit(const std::vector<fakes::Octets>& entries, bool member = true,
                              const fakes::Identity* sponsor = nullptr) {
    auto verdicts = node->Apply(Prepared(entries, sponsor), member);
    EXPECT_TRUE(verdicts) << (verdicts ? "" : verdicts.error().Text());
    return verdicts ? *verdicts : std::vector<Verdict>{};
  }
  fakes::Octets SponsorEntry(const std::string& did, uint64_t seq, uint64_t quota, UnixSeconds until = 0,
                             bool good = true) {
    std::array<char, 1024> text;
    ledger::SponsorPayload payload;
    payload.did = did;
    payload.seq = seq;
    payload.quota = quota;
    payload.until = until;
    const size_t n = ledger::WriteSponsorPayload(payload, text).value();
    const ByteView octets = AsBytes(std::string_view(text.data(), n));
    ByteArray<ledger::kMaxMemberMessage> message;
    const size_t m = ledger::WriteMemberMessage(ledger::EntryType::kSponsor, world.net, octets, message).value();
    Bytes64 signature{};
    EXPECT_TRUE(world.keys.Sign(good ? world.member_keys[0] : world.root_key, ByteView(message).first(m), signature));
    const ledger::SigsEntry sig{0, signature};
    ByteArray<ledger::kMaxSigs> sigs;
    const size_t s = ledger::WriteSigs({&sig, 1}, sigs).value();
    fakes::Octets entry(2048);
    entry.resize(
        ledger::WriteSignedPayloadEntry(ledger::EntryType::kSponsor, octets, ByteView(sigs).first(s), entry).value());
    return entry;
  }
  fakes::Octets Statement(ledger::EntryType type, std::string_view payload, const fakes::Identity& author,
                          const Bytes32* root = nullptr) {
    fakes::Octets jws(payload.size() * 2 + 1024), entry(payload.size() * 2 + 2048);
    jws.resize(ledger::SignStatement(payload, author.did + "#key-1", world.keys, author.auth, jws).value());
    entry.resize(
        (root != nullptr ? ledger::WriteBatchEntry(*root, jws, entry) : ledger::WriteStatementEntry(type, jws, entry))
            .value());
    return entry;
  }
  // A spend of a fresh seal: always acceptable.
  fakes::Octets FreshSpend() {
    const auto from = world.MakeSeal(), to = world.MakeSeal();
    return SpendEntryOf(
        world.MakeLink("did:keel:demo:device", ledger::ChainBase::Root(from.seal), from, to, "credential"));
  }

  fakes::LedgerWorld world;
  fakes::MemoryKeys signer;  // the node's own copy: its threads use it
  base::TempDir dir;
  TestClock clock;
  fakes::Octets genesis_sigs;
  NodeOptions tweak;
  leveldb::Env* env = nullptr;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<Node> node;

 private:
  bool leveldb_;
};

}  // namespace keel::registry
