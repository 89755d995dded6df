// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "didcomm/protocols/issue_credential.h"
#include "didcomm/protocols/present_proof.h"
#include "tests/unit/didcomm_protocols/world.h"

namespace keel::didcomm {

// A store whose power goes at a given write: that one is lost or kept without anybody hearing of it, all later ones
// fail. Reads go on (of a process that is about to be killed).
class CuttingStore final : public base::KeyValueStore {
 public:
  Result<std::optional<std::string>> Get(std::string_view key) const override { return inner->Get(key); }
  Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    return inner->Scan(prefix, from, visit);
  }
  using base::KeyValueStore::Scan;
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const override {
    return inner->Last(prefix);
  }
  Result<> Write(const base::WriteBatch& batch, base::Sync sync) override {
    if (sync != base::Sync::kYes) ++unsynced;
    const int number = writes++;
    if (dead || number == cut_at) {
      if (!dead && keep_the_cut_one) (void)inner->Write(batch, sync);
      dead = true;
      return Fail(Code::kIo, "cutting store", "the power is gone");
    }
    return inner->Write(batch, sync);
  }
  std::unique_ptr<base::KeyValueReader> Snapshot() const override { return inner->Snapshot(); }
  Result<> Healthy() const override { return {}; }

  std::unique_ptr<base::KeyValueStore> inner = base::MakeMemoryStore();
  int writes = 0, unsynced = 0;
  int cut_at = -1;
  bool keep_the_cut_one = false;
  bool dead = false;
};

inline Attachment JsonAttachment(const std::string& json_text, const std::string& format = "test/format@v1.0") {
  Attachment attachment;
  attachment.id = "a1";
  attachment.media_type = "application/json";
  attachment.format = format;
  attachment.json = json_text;
  return attachment;
}

// Decides as told by state; credentials and presentations are made from the thread's id, so that doing it twice does
// the same. What it holds survives a crash of the party: it is the "other database" of a real program.
class TestHooks final : public CredentialExchangeHooks {
 public:
  Result<ExchangeDecision> Decide(const ExchangeRecord& record, const Message& received) override {
    const std::lock_guard lock(mutex);
    ++asked;
    last = record;
    if (fail_next > 0) {
      --fail_next;
      return Fail(Code::kUnreachable, "test hooks", "can't be checked just now");
    }
    if (const auto it = planned.find(record.state); it != planned.end()) return it->second;
    ExchangeContent content;
    switch (record.state) {
      case ExchangeState::kProposalReceived:
        content.attachments = {JsonAttachment(R"({"offer":1})")};
        content.will_confirm = will_confirm;
        return ExchangeDecision::GoOn(content);
      case ExchangeState::kOfferReceived: return ExchangeDecision::GoOn(content);
      case ExchangeState::kRequestReceived:
        content.attachments = {JsonAttachment("{\"of\":\"" + record.id.thread + "\"}")};
        if (record.role == ExchangeRole::kIssuer) issued.insert(record.id.thread);
        return ExchangeDecision::GoOn(content);
      case ExchangeState::kCredentialReceived:
      case ExchangeState::kPresentationReceived:
        held.insert(received.attachments.at(0).json);
        return ExchangeDecision::GoOn();
      default: ADD_FAILURE() << "asked in state " << ExchangeStateName(record.state); return ExchangeDecision::Later();
    }
  }
  void Ended(const ExchangeRecord& record) override {
    const std::lock_guard lock(mutex);
    ended[record.id.thread] = record;
  }

  std::mutex mutex;  // several exchanges at once

  std::map<ExchangeState, ExchangeDecision> planned;
  bool will_confirm = true;
  int asked = 0, fail_next = 0;
  ExchangeRecord last;
  std::set<std::string> issued, held;
  std::map<std::string, ExchangeRecord> ended;
};

// Somebody who exchanges credentials, with a store; can be killed and started again.
struct Trader : Somebody {
  Trader(World& the_world, const std::string& the_name)
      : Somebody(the_world, "mem:" + the_name), world(the_world), name(the_name) {
    Start();
  }
  void Start() {
    store.dead = false;
    replay = MakeStoredReplayCache(store);
    auto made = IssueCredential::Create(store, world.clock, hooks, options);
    ASSERT_TRUE(made.has_value()) << made.error().Text();
    issuing = std::move(*made);
    auto proofs = PresentProof::Create(store, world.clock, hooks, options);
    ASSERT_TRUE(proofs.has_value()) << proofs.error().Text();
    proving = std::move(*proofs);
    problems = std::make_unique<ReportProblem>();
    problems->AddListener(
        [this](const Incoming& incoming, const ProblemReport& report) -> Result<> {
          codes.push_back(report.code);
          KEEL_TRY_VOID(issuing->OnProblem(incoming, report));
          return proving->OnProblem(incoming, report);
        },
        true);
    AgentOptions how;
    how.keep_seconds = 1'000'000;
    how.on_refused = [this](const Incoming&, const Error& error) { refused.push_back(error.code); };
    agent = std::make_unique<Agent>(AgentParts{world.keys,
                                               world.resolver,
                                               *replay,
                                               world.clock,
                                               {issuing.get(), proving.get(), problems.get(), &empty},
                                               {&world.net}},
                                    how);
    world.net.handlers["mem:" + name] = [this](std::string envelope) -> Result<std::string> {
      auto answer = agent->Receive(envelope);
      // A dead process answers nothing, whatever it had in mind.
      if (store.dead) return Fail(Code::kClosed, "trader", "it died");
      return answer;
    };
  }
  // As kill -9 and a start: everything but the store is gone.
  void Restart() {
    world.net.handlers.erase("mem:" + name);
    agent.reset();
    issuing.reset();
    proving.reset();
    Start();
    Queue(issuing->Resume());
    Queue(proving->Resume());
  }
  void Queue(Result<std::vector<Outgoing>> out) {
    if (!out) return;
    for (Outgoing& item : *out) (void)agent->Queue(std::move(item.message));
  }
  void Queue(Result<Outgoing> out) {
    if (out) (void)agent->Queue(std::move(out->message));
  }
  void Tick() {
    Queue(issuing->Tick());
    Queue(proving->Tick());
  }
  template <typename Exchange>
  ExchangeState StateIn(const Exchange& exchange, const std::string& peer, const std::string& thread) const {
    auto record = exchange.Find({did, peer, thread});
    EXPECT_TRUE(record.has_value());
    return record && *record ? (*record)->state : ExchangeState::kStart;
  }

  World& world;
  const std::string name;
  ExchangeOptions options;
  CuttingStore store;
  TestHooks hooks;
  EmptyProtocol empty;
  std::vector<Code> refused;
  std::vector<std::string> codes;
  std::unique_ptr<ReplayCache> replay;
  std::unique_ptr<IssueCredential> issuing;
  std::unique_ptr<PresentProof> proving;
  std::unique_ptr<ReportProblem> problems;
  std::unique_ptr<Agent> agent;
};

// Lets messages flow until nothing moves.
inline void Flow(std::vector<Trader*> traders) {
  for (int round = 0; round < 20; ++round) {
    size_t moved = 0;
    for (Trader* trader : traders) moved += trader->agent->DeliverWaiting();
    if (moved == 0) return;
  }
  ADD_FAILURE() << "messages go round and round";
}

}  // namespace keel::didcomm
