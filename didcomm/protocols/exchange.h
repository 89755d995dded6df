// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "didcomm/protocols/exchange_record.h"
#include "didcomm/protocols/protocol.h"
#include "didcomm/protocols/report_problem.h"

// What issue-credential 3.0 and present-proof 3.0 have in common: threads with explicit states that survive being
// killed at any moment. docs/protocols/didcomm.md has the tables.
namespace keel::didcomm {

// What a message of ours carries besides what the engine puts there.
struct ExchangeContent {
  std::vector<Attachment> attachments;
  std::string comment;                                // for people; empty: absent
  std::string goal_code;                              // empty: the thread's
  std::string replacement_id;                         // of offers and credentials
  std::string credential_preview;                     // JSON object text, of proposals and offers
  bool will_confirm = false;                          // of presentation requests
  bool please_ack = false;                            // of presentations: an answer is wanted even if none was promised
  std::string web_redirect_status, web_redirect_url;  // of acks
};

// What becomes of a message that came in.
struct ExchangeDecision {
  enum class Kind : uint8_t {
    kLater,    // not yet: Decide comes later, from outside
    kGoOn,     // the next message of the way: offer, request, credential or presentation; ack: it is accepted
    kCounter,  // of holder and prover: another proposal
    kRefuse,   // a problem report; the exchange is abandoned
  };
  Kind kind = Kind::kLater;
  ExchangeContent content;
  std::string code;     // of kRefuse; empty: the protocol's usual one
  std::string comment;  // of kRefuse
  std::vector<std::optional<std::string>> args;

  static ExchangeDecision Later() { return {}; }
  static ExchangeDecision GoOn(ExchangeContent content = {}) { return {Kind::kGoOn, std::move(content), {}, {}, {}}; }
  static ExchangeDecision Counter(ExchangeContent content) { return {Kind::kCounter, std::move(content), {}, {}, {}}; }
  static ExchangeDecision Refuse(std::string code = {}, std::string comment = {}) {
    return {Kind::kRefuse, {}, std::move(code), std::move(comment), {}};
  }
};

// Makes and checks what the messages carry; the messages themselves are none of its business. Called without locks, by
// one thread at a time for one exchange. After a crash a call may come again for the same message: it must then do no
// harm (issue the same, store the same).
class CredentialExchangeHooks {
 public:
  virtual ~CredentialExchangeHooks() = default;
  // `received` brought the record to its state. An error means that it could not be decided now (the issuer's status
  // list can't be fetched, ...): it is asked again later, and nothing is said to the peer.
  virtual Result<ExchangeDecision> Decide(const ExchangeRecord& record, const Message& received) = 0;
  // The exchange reached kDone or kAbandoned. At least once.
  virtual void Ended(const ExchangeRecord& record) { (void)record; }
};

struct ExchangeOptions {
  uint64_t answer_seconds = 86'400;   // how long the peer may take for an answer: expires_time of what we send
  uint64_t decide_seconds = 604'800;  // how long Decide may take, if the message names no earlier end
  uint64_t keep_seconds = 2'592'000;  // how long an exchange that ended is remembered
  uint64_t resend_seconds = 60;       // what wasn't answered is sent again after this, then after twice as long, ...
  size_t max_rounds = 16;             // messages received in one thread
  size_t max_open = 10'000;           // exchanges that have not ended (kBusy)
  size_t max_open_for_peer = 64;
  std::string prefix = "didcomm-exchange/";  // of the store's keys
  // Decide gave an error. For the local log.
  std::function<void(const ExchangeRecord&, const Error&)> on_undecided;
};

// The engine. Every state is in the store before a message leaves. Thread-safe; two messages of one thread at the same
// moment: kBusy for the second.
class CredentialExchange : public Protocol {
 public:
  // kUnsupported (message type), kUntrusted (the sender isn't proven), kWrongState (not expected in this state, or in a
  // thread that isn't there), kMalformed, kMissing, kTooLarge, kBusy, kReplayed, the store's errors.
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) final;
  // Answers as before; a message that was received and never got to its state is received now.
  Result<std::vector<Outgoing>> Repeated(const Incoming& incoming) final;
  // For ReportProblem::AddListener, with repeats.
  Result<> OnProblem(const Incoming& incoming, const ProblemReport& report);

  // A decision for an exchange that waits for one. kNotFound, kWrongState.
  Result<std::vector<Outgoing>> Decide(const ExchangeId& id, const ExchangeDecision& decision);
  // Ends an exchange from our side. kNotFound, kWrongState (it has ended).
  Result<std::vector<Outgoing>> Abandon(const ExchangeId& id, std::string code = {}, std::string comment = {});
  // After a start: what was saved and may not have left, and what had not been decided.
  Result<std::vector<Outgoing>> Resume();
  // From time to time: ends what took too long, sends again what wasn't answered, decides what couldn't be, forgets.
  Result<std::vector<Outgoing>> Tick();

  Result<std::optional<ExchangeRecord>> Find(const ExchangeId& id) const;
  Result<std::vector<ExchangeRecord>> List() const;
  size_t open() const;

 protected:
  CredentialExchange(const ExchangeRules& rules, base::KeyValueStore& store, Clock& clock,
                     CredentialExchangeHooks& hooks, ExchangeOptions options);
  // Reads what is open. Once, before anything else.
  Result<> Load();
  // A new thread with this message from us. kInvalidArgument, kBusy.
  Result<Outgoing> Start(ExchangeRole role, ExchangeMessage kind, const std::string& ours, const std::string& peer,
                         const ExchangeContent& content, const std::string& pthid);

 private:
  class Busy;
  struct Resend {
    uint64_t due_ms = 0, wait_ms = 0;
  };

  Result<std::vector<Outgoing>> Take(const Incoming& incoming, bool repeated);
  Result<std::vector<Outgoing>> Again(ExchangeRecord record);
  Result<std::vector<Outgoing>> Ask(ExchangeRecord record);
  Result<std::vector<Outgoing>> Apply(ExchangeRecord record, const ExchangeDecision& decision);
  Result<std::vector<Outgoing>> SendNext(ExchangeRecord record, ExchangeMessage kind, const ExchangeContent& content);
  Result<std::vector<Outgoing>> End(ExchangeRecord record, std::string code, std::string comment,
                                    std::vector<std::optional<std::string>> args);
  Result<Message> Build(const ExchangeRecord& record, ExchangeMessage kind, const ExchangeContent& content,
                        UnixSeconds now) const;
  Result<> Fill(ExchangeRecord& record, ExchangeMessage kind, const Incoming& incoming) const;
  Result<std::optional<ExchangeRecord>> FindFor(const Incoming& incoming, const std::string& thread) const;
  // Saves (durably) and keeps count; `replaced`: the id under which it stood until now, if that changed.
  Result<> Save(const ExchangeRecord& record, const std::optional<ExchangeId>& replaced = std::nullopt);
  Result<> Admit(const std::string& peer);
  Result<> TellEnded(ExchangeRecord record);
  std::string Key(const ExchangeId& id) const;
  std::string ReplacementKey(const ExchangeRecord& record) const;

  const ExchangeRules& rules_;
  base::KeyValueStore& store_;
  Clock& clock_;
  CredentialExchangeHooks& hooks_;
  const ExchangeOptions options_;
  mutable std::mutex mutex_;                  // guards what follows; not held while hooks or the store are called
  std::set<std::string, std::less<>> busy_;   // keys of exchanges that somebody works on
  std::map<std::string, std::string> open_;   // key -> peer
  std::map<std::string, Resend> resend_;      // key -> when
  std::set<std::string, std::less<>> retry_;  // keys that Decide gave an error for
};

}  // namespace keel::didcomm
