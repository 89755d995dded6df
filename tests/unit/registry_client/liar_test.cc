// SPDX-License-Identifier: Apache-2.0
// A registry that lies, told from real answers that were altered on the way: every lie must be refused.
#include "ledger/quorum_time.h"
#include "tests/unit/registry_client/client_fixture.h"

namespace keel::registry_client {
namespace {

using registry::OperationEntry;

struct LiarTest : ClientTest {
  LiarTest() {
    id = Anchored();
    served.t.world.Rotate(id);
    EXPECT_EQ(served.t.Submit({OperationEntry(id.jws[1])})[0].code, Code::kOk);
  }
  // The client believes the answer as it is, and refuses it after the lie, in these ways only.
  void ExpectRefused(const std::function<bool(ItemTag, std::vector<uint8_t>&)>& keep,
                     std::initializer_list<Code> codes) {
    liar.lie = nullptr;
    ASSERT_TRUE(client->ResolveDid(id.did));
    liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { Rewrite(r, keep); };
    const auto result = client->ResolveDid(id.did);
    liar.lie = nullptr;
    ASSERT_FALSE(result);
    EXPECT_NE(std::find(codes.begin(), codes.end(), result.error().code), codes.end()) << result.error().Text();
  }
  Identity id;
};

TEST_F(LiarTest, WrongMapProof) {
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kHead) body.back() ^= 1;
        return true;
      },
      {Code::kBadProof, Code::kMalformed});
}

TEST_F(LiarTest, FalseMapRoot) {
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kState) body[12] ^= 1;  // within the map root
        return true;
      },
      {Code::kBadProof});
}

TEST_F(LiarTest, OlderHistory) {
  // The last operation left out: what a node would do that wants a revoked key to live on.
  size_t seen = 0;
  ExpectRefused([&seen](ItemTag tag, std::vector<uint8_t>&) { return tag != ItemTag::kOperation || ++seen != 2; },
                {Code::kBadProof});
}

TEST_F(LiarTest, NoHistoryAtAll) {
  ExpectRefused([](ItemTag tag, std::vector<uint8_t>&) { return tag != ItemTag::kOperation; }, {Code::kBadProof});
}

TEST_F(LiarTest, FirstOperationMissingOrDoubled) {
  size_t seen = 0;
  ExpectRefused([&seen](ItemTag tag, std::vector<uint8_t>&) { return tag != ItemTag::kOperation || ++seen != 1; },
                {Code::kInvalidDid, Code::kConflict, Code::kBadProof});
}

TEST_F(LiarTest, OtherIndexOfAnOperation) {
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kOperation) body[7] ^= 1;
        return true;
      },
      {Code::kBadProof, Code::kConflict, Code::kMalformed});
}

TEST_F(LiarTest, AlteredOperation) {
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kOperation) body[body.size() - 10] = body[body.size() - 10] == 'A' ? 'B' : 'A';
        return true;
      },
      {Code::kBadSignature, Code::kBadProof, Code::kMalformed, Code::kNotCanonical, Code::kConflict,
       Code::kInvalidDid});
}

TEST_F(LiarTest, CosignatureOfNobodyOrNone) {
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kCheckpoint) body.back() ^= 1;
        return true;
      },
      {Code::kBadSignature, Code::kNoQuorum});
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kCheckpoint) {
          body.resize(4 + 8 + 32 + 1);
          body.back() = 0;
        }
        return true;
      },
      {Code::kNoQuorum, Code::kMalformed});
  // The size in the signed note, but another in the item.
  ExpectRefused(
      [](ItemTag tag, std::vector<uint8_t>& body) {
        if (tag == ItemTag::kCheckpoint) body[11] ^= 1;
        return true;
      },
      {Code::kBadSignature});
}

TEST_F(LiarTest, OldCheckpointReplayed) {
  base::HttpResponse saved;
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { saved = r; };
  ASSERT_TRUE(client->ResolveDid(id.did));
  liar.lie = nullptr;
  served.t.Submit({served.t.FreshSpend()});
  ASSERT_TRUE(client->Checkpoint());  // a larger one is seen
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { r = saved; };
  EXPECT_EQ(client->ResolveDid(id.did).error().code, Code::kStale);
  // Whoever saw no larger one goes by its age.
  auto fresh = Make({});
  EXPECT_TRUE(fresh->ResolveDid(id.did));
  served.t.clock.now += 301;
  EXPECT_EQ(Make({})->ResolveDid(id.did).error().code, Code::kStale);
  liar.lie = nullptr;
  served.t.node->CosignNow();
  while (served.t.node->view()->time != served.t.clock.now) std::this_thread::yield();
  EXPECT_TRUE(client->ResolveDid(id.did));
}

TEST_F(LiarTest, LargestCheckpointIsRememberedOverARestart) {
  ClientOptions options;
  options.state_file = served.t.dir / "client-state.json";
  base::HttpResponse saved;
  {
    auto first = Make(options);
    liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { saved = r; };
    ASSERT_TRUE(first->ResolveDid(id.did));
    liar.lie = nullptr;
    served.t.Submit({served.t.FreshSpend()});
    ASSERT_TRUE(first->Checkpoint());
  }
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { r = saved; };
  EXPECT_EQ(Make(options)->ResolveDid(id.did).error().code, Code::kStale);
  ASSERT_TRUE(base::WriteFileAtomic(options.state_file, "{\"v\":1,\"net\":\"00\",\"size\":1,\"root\":\"\"}"));
  EXPECT_FALSE(RegistryClient::Create(served.NetKeel(), liar, served.t.clock, served.random, options));
}

TEST_F(LiarTest, TwoHistoriesOfOneSize) {
  // The same member key signs another history: the fork has the same size, and its signatures are good.
  Served fork;
  ASSERT_EQ(fork.t.world.net, served.t.world.net);
  while (fork.t.node->view()->size < served.t.node->view()->size) fork.t.Submit({fork.t.FreshSpend()});
  ASSERT_EQ(fork.t.node->view()->size, served.t.node->view()->size);
  ASSERT_TRUE(client->Checkpoint());
  liar.lie = [&](const base::HttpCall& call, base::HttpResponse& r) {
    r = *http->Get(fork.server->url() + call.url.substr(served.server->url().size()));
  };
  EXPECT_EQ(client->Checkpoint().error().code, Code::kUntrusted);
}

TEST_F(LiarTest, AbsenceOfSomethingElse) {
  // "Not spent", with the honest proof for another seal: how a double sale would be hidden.
  const auto from = served.t.world.MakeSeal(), to = served.t.world.MakeSeal(), other = served.t.world.MakeSeal();
  const auto link = served.t.world.MakeLink("did:keel:demo:dev", ledger::ChainBase::Root(from.seal), from, to, "vc");
  served.t.Submit({registry::SpendEntryOf(link)});
  const Bytes32 spent = ledger::SealKey(from.seal), unspent = ledger::SealKey(other.seal);
  base::HttpResponse saved;
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { saved = r; };
  ASSERT_TRUE(client->ProveKeys(std::span(&unspent, 1)));
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) {
    r = saved;
    Rewrite(r, [&](ItemTag tag, std::vector<uint8_t>& body) {
      if (tag == ItemTag::kKey) std::copy(spent.begin(), spent.end(), body.begin());
      return true;
    });
  };
  EXPECT_EQ(client->ProveKeys(std::span(&spent, 1)).error().code, Code::kBadProof);
  // Another link than the one that was anchored.
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) {
    Rewrite(r, [&](ItemTag tag, std::vector<uint8_t>& body) {
      if (tag == ItemTag::kKey) body[34 + 3] ^= 1;
      return true;
    });
  };
  EXPECT_EQ(client->ProveKeys(std::span(&spent, 1)).error().code, Code::kBadProof);
}

TEST_F(LiarTest, TimeOfAnotherNonce) {
  base::HttpResponse saved;
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { saved = r; };
  ASSERT_TRUE(client->QuorumTime());
  served.t.clock.now += 5000;
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { r = saved; };
  EXPECT_FALSE(client->QuorumTime());
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { r.body.clear(); };
  EXPECT_EQ(client->QuorumTime().error().code, Code::kMissing);
  liar.lie = [&](const base::HttpCall&, base::HttpResponse& r) { r.body[3 + 1 + 1 + 7] ^= 1; };  // the seconds
  EXPECT_FALSE(client->QuorumTime());
}

TEST_F(LiarTest, RubbishAndSilence) {
  liar.lie = [](const base::HttpCall&, base::HttpResponse& r) { r.body = "<html>"; };
  EXPECT_FALSE(client->ResolveDid(id.did));
  liar.lie = [](const base::HttpCall&, base::HttpResponse& r) { r.body.resize(r.body.size() / 2); };
  EXPECT_FALSE(client->ResolveDid(id.did));
  liar.lie = [](const base::HttpCall&, base::HttpResponse& r) { r.body.clear(); };
  EXPECT_FALSE(client->ResolveDid(id.did));
  liar.lie = [](const base::HttpCall&, base::HttpResponse& r) { r.body += std::string("\x06\x00\x00\x00\x00", 5); };
  EXPECT_FALSE(client->ResolveDid(id.did));
  liar.lie = nullptr;
  ClientOptions nowhere;
  nowhere.endpoints = {"http://127.0.0.1:1"};
  nowhere.timeout_ms = 500;
  EXPECT_EQ(Make(nowhere)->ResolveDid(id.did).error().code, Code::kUnreachable);
  // A node that is down, then one that answers.
  nowhere.endpoints.push_back(served.server->url());
  EXPECT_TRUE(Make(nowhere)->ResolveDid(id.did));
}

TEST_F(LiarTest, NetworkFilesAreChecked) {
  const std::string good = served.NetKeel();
  const auto parsed = ParseNetworkFile(good);
  ASSERT_TRUE(parsed) << parsed.error().Text();
  EXPECT_EQ(parsed->net, served.t.world.net);
  EXPECT_EQ(std::count(parsed->words.begin(), parsed->words.end(), ' '), 7);
  EXPECT_FALSE(ParseNetworkFile("{}"));
  EXPECT_FALSE(ParseNetworkFile("not json"));
  std::string other = good;
  const size_t at = other.find("\"net\"") + 9;
  other[at] = other[at] == '0' ? '1' : '0';
  EXPECT_EQ(ParseNetworkFile(other).error().code, Code::kWrongNetwork);
  NetworkFile foreign = *parsed;
  fakes::LedgerWorld world(1, "foreign");
  foreign.genesis = world.descriptor_octets;
  EXPECT_EQ(ParseNetworkFile(FormatNetworkFile(foreign)).error().code, Code::kWrongNetwork);
  foreign = *parsed;
  foreign.epochs.push_back({1, 2, 3});
  EXPECT_FALSE(ParseNetworkFile(FormatNetworkFile(foreign)));
}

}  // namespace
}  // namespace keel::registry_client
