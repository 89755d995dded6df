// SPDX-License-Identifier: Apache-2.0
// Prints what the local engine does on this machine; fails only when nothing works. KEEL_BENCH_ENTRIES sets the number
// (default 4,096).
#include <cstdlib>
#include <future>

#include "registry-node/proof.h"
#include "tests/unit/registry/fixture.h"

namespace keel::registry {
namespace {

TEST(Throughput, DurableSpendsAndResolves) {
  const char* set = std::getenv("KEEL_BENCH_ENTRIES");
  const size_t total = set != nullptr ? static_cast<size_t>(std::atol(set)) : 4096;
  constexpr size_t kPerTransaction = 1024;
  TestNode t(true);
  ASSERT_TRUE(t.Open());
  std::vector<std::string> octets;
  std::vector<fakes::Identity> dids;
  for (size_t at = 0; at < total; at += kPerTransaction) {
    std::vector<fakes::Octets> entries;
    for (size_t i = 0; i < kPerTransaction; ++i) {
      if (i % 8 == 0) {
        dids.push_back(t.world.CreateIdentity());
        entries.push_back(OperationEntry(dids.back().jws[0]));
      } else {
        entries.push_back(t.FreshSpend());
      }
    }
    std::vector<ByteView> views(entries.begin(), entries.end());
    fakes::Octets rest(4 << 20), tx(4 << 20);
    rest.resize(ledger::WriteTransactionRest(views, rest).value());
    tx.resize(ledger::WriteTransaction({}, rest, tx).value());
    octets.emplace_back(AsText(tx));
  }
  const auto ms = [](uint64_t since) { return std::max<uint64_t>(1, base::MonotonicMs() - since); };
  uint64_t begin = base::MonotonicMs();
  std::vector<PreparedTransaction> prepared;
  for (const std::string& o : octets) prepared.push_back(std::move(*PrepareTransaction(t.world.net, AsBytes(o))));
  const uint64_t verify_ms = ms(begin);
  begin = base::MonotonicMs();
  std::vector<std::future<bool>> done;
  for (auto& p : prepared) {
    auto promise = std::make_shared<std::promise<bool>>();
    done.push_back(promise->get_future());
    ASSERT_TRUE(t.node->Submit(std::move(p), true, [promise](Result<std::vector<Verdict>> v) {
      promise->set_value(v &&
                         std::all_of(v->begin(), v->end(), [](const Verdict& one) { return one.code == Code::kOk; }));
    }));
  }
  for (auto& f : done) EXPECT_TRUE(f.get());
  const uint64_t apply_ms = ms(begin);
  begin = base::MonotonicMs();
  const auto view = t.node->view();
  for (const auto& id : dids) ASSERT_TRUE(DidBundle(*view, "demo", id.did)->found);
  const uint64_t resolve_ms = ms(begin);
  std::printf("%zu entries: signatures checked %zu/s a core, applied durably %zu/s; %zu resolves with proofs: %zu/s\n",
              total, total * 1000 / verify_ms, total * 1000 / apply_ms, dids.size(), dids.size() * 1000 / resolve_ms);
}

}  // namespace
}  // namespace keel::registry
