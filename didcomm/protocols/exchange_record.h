// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "didcomm/message.h"

// Roles, states and records of issue-credential 3.0 and present-proof 3.0, and the tables of what may follow on what.
// Value types.
namespace keel::didcomm {

enum class ExchangeRole : uint8_t { kIssuer, kHolder, kVerifier, kProver };
// "issuer", ...
std::string_view ExchangeRoleName(ExchangeRole role);

// The specifications' states of all roles; kStart: no exchange yet.
enum class ExchangeState : uint8_t {
  kStart,
  kProposalSent,
  kProposalReceived,
  kOfferSent,
  kOfferReceived,
  kRequestSent,
  kRequestReceived,
  kCredentialIssued,
  kCredentialReceived,
  kPresentationSent,
  kPresentationReceived,
  kDone,
  kAbandoned,
};
// "proposal-sent", ...
std::string_view ExchangeStateName(ExchangeState state);
inline bool HasEnded(ExchangeState state) {
  return state == ExchangeState::kDone || state == ExchangeState::kAbandoned;
}

// kDeliver: issue-credential or presentation.
enum class ExchangeMessage : uint8_t { kPropose, kOffer, kRequest, kDeliver, kAck, kProblem };

// Names one exchange: our DID, the peer's, the thread.
struct ExchangeId {
  std::string ours, peer, thread;
  friend bool operator==(const ExchangeId&, const ExchangeId&) = default;
};

struct ExchangeRecord {
  ExchangeId id;
  ExchangeRole role = ExchangeRole::kIssuer;
  ExchangeState state = ExchangeState::kStart;
  std::string parent;          // pthid: the invitation, ...
  std::string goal_code;       // the last one named in the thread
  std::string replacement_id;  // of the offer or the credential
  std::string replaces;        // thread in which the holder got the credential of the same replacement_id, if any
  bool will_confirm = false;   // present-proof: the verifier said it would send an ack
  bool wants_ack = false;      // the peer asked for one (please_ack)
  UnixSeconds created = 0, updated = 0;
  UnixSeconds deadline = 0;       // of the state
  std::string received;           // plaintext of the last message that came
  std::vector<std::string> seen;  // ids of all that came, oldest first
  std::string sent;               // plaintext of the last message that went: repeats are this one
  std::string problem;            // code of the last problem report, theirs or ours
  std::string problem_text;       // for people
  std::string web_redirect;       // JSON text of the header of an ack
  bool told = false;              // Ended was called

  // Whether it waits for us, or for the peer.
  bool WaitsForUs() const;
  bool WaitsForPeer() const;

  std::string ToJson() const;
  // kCorrupt.
  static Result<ExchangeRecord> FromJson(std::string_view text);
};

// One allowed step.
struct ExchangeStep {
  ExchangeRole role;
  bool receive;  // else send
  ExchangeMessage message;
  ExchangeState from, to;
};

// What makes a protocol of the engine.
struct ExchangeRules {
  std::string_view protocol;  // PIURI
  std::string_view names[6];  // by ExchangeMessage; empty: the protocol has none
  std::span<const ExchangeStep> steps;
  std::string_view refused;  // problem code of a refusal, with its text
  std::string_view refused_text;

  std::optional<ExchangeMessage> KindOf(std::string_view message_name) const;
  std::string TypeOf(ExchangeMessage kind) const;
  // The state that follows; none: the message isn't allowed here. (kDone after a presentation that nobody confirms is
  // the engine's to choose.)
  std::optional<ExchangeState> Next(ExchangeRole role, ExchangeState from, bool receive, ExchangeMessage message) const;
  // The role that a first message gives us.
  std::optional<ExchangeRole> RoleFor(ExchangeMessage first) const;
};
const ExchangeRules& IssueCredentialRules();
const ExchangeRules& PresentProofRules();

}  // namespace keel::didcomm
