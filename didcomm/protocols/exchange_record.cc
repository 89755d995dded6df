// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/exchange_record.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
using enum ExchangeMessage;
using enum ExchangeRole;
using enum ExchangeState;

constexpr std::string_view kRoles[] = {"issuer", "holder", "verifier", "prover"};
constexpr std::string_view kStates[] = {"start",
                                        "proposal-sent",
                                        "proposal-received",
                                        "offer-sent",
                                        "offer-received",
                                        "request-sent",
                                        "request-received",
                                        "credential-issued",
                                        "credential-received",
                                        "presentation-sent",
                                        "presentation-received",
                                        "done",
                                        "abandoned"};

constexpr bool kReceive = true, kSend = false;

// Problem reports may come and go in every state that isn't an end; so they need no rows.
constexpr ExchangeStep kIssueSteps[] = {
    {kIssuer, kReceive, kPropose, kStart, kProposalReceived},
    {kIssuer, kReceive, kPropose, kOfferSent, kProposalReceived},
    {kIssuer, kSend, kOffer, kStart, kOfferSent},
    {kIssuer, kSend, kOffer, kProposalReceived, kOfferSent},
    {kIssuer, kReceive, kRequest, kStart, kRequestReceived},
    {kIssuer, kReceive, kRequest, kOfferSent, kRequestReceived},
    {kIssuer, kSend, kDeliver, kRequestReceived, kCredentialIssued},
    {kIssuer, kReceive, kAck, kCredentialIssued, kDone},
    {kHolder, kSend, kPropose, kStart, kProposalSent},
    {kHolder, kSend, kPropose, kOfferReceived, kProposalSent},
    {kHolder, kReceive, kOffer, kStart, kOfferReceived},
    {kHolder, kReceive, kOffer, kProposalSent, kOfferReceived},
    {kHolder, kSend, kRequest, kStart, kRequestSent},
    {kHolder, kSend, kRequest, kOfferReceived, kRequestSent},
    {kHolder, kReceive, kDeliver, kRequestSent, kCredentialReceived},
    {kHolder, kSend, kAck, kCredentialReceived, kDone},
};

constexpr ExchangeStep kProofSteps[] = {
    {kVerifier, kSend, kRequest, kStart, kRequestSent},
    {kVerifier, kSend, kRequest, kProposalReceived, kRequestSent},
    {kVerifier, kReceive, kPropose, kStart, kProposalReceived},
    {kVerifier, kReceive, kPropose, kRequestSent, kProposalReceived},
    {kVerifier, kReceive, kDeliver, kRequestSent, kPresentationReceived},
    {kVerifier, kSend, kAck, kPresentationReceived, kDone},
    {kProver, kReceive, kRequest, kStart, kRequestReceived},
    {kProver, kReceive, kRequest, kProposalSent, kRequestReceived},
    {kProver, kSend, kPropose, kStart, kProposalSent},
    {kProver, kSend, kPropose, kRequestReceived, kProposalSent},
    {kProver, kSend, kDeliver, kRequestReceived, kPresentationSent},
    {kProver, kReceive, kAck, kPresentationSent, kDone},
};

template <size_t N>
std::optional<uint8_t> IndexOf(const std::string_view (&names)[N], std::string_view name) {
  for (uint8_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
  }
  return std::nullopt;
}

Result<ExchangeRecord> Read(const json& value) {
  ExchangeRecord record;
  KEEL_TRY(record.id.ours, base::GetString(value, "ours"));
  KEEL_TRY(record.id.peer, base::GetString(value, "peer"));
  KEEL_TRY(record.id.thread, base::GetString(value, "thread"));
  KEEL_TRY(const std::string role, base::GetString(value, "role"));
  KEEL_TRY(const std::string state, base::GetString(value, "state"));
  const auto role_number = IndexOf(kRoles, role), state_number = IndexOf(kStates, state);
  if (!role_number || !state_number) return Fail(Code::kMalformed, "exchange record", "unknown role or state");
  record.role = static_cast<ExchangeRole>(*role_number);
  record.state = static_cast<ExchangeState>(*state_number);
  KEEL_TRY(record.parent, base::GetString(value, "parent"));
  KEEL_TRY(record.goal_code, base::GetString(value, "goal_code"));
  KEEL_TRY(record.replacement_id, base::GetString(value, "replacement_id"));
  KEEL_TRY(record.replaces, base::GetString(value, "replaces"));
  KEEL_TRY(record.will_confirm, base::GetBool(value, "will_confirm"));
  KEEL_TRY(record.wants_ack, base::GetBool(value, "wants_ack"));
  KEEL_TRY(record.created, base::GetUint(value, "created"));
  KEEL_TRY(record.updated, base::GetUint(value, "updated"));
  KEEL_TRY(record.deadline, base::GetUint(value, "deadline"));
  KEEL_TRY(record.received, base::GetString(value, "received"));
  KEEL_TRY(record.seen, base::GetStrings(value, "seen"));
  KEEL_TRY(record.sent, base::GetString(value, "sent"));
  KEEL_TRY(record.problem, base::GetString(value, "problem"));
  KEEL_TRY(record.problem_text, base::GetString(value, "problem_text"));
  KEEL_TRY(record.web_redirect, base::GetString(value, "web_redirect"));
  KEEL_TRY(record.told, base::GetBool(value, "told"));
  return record;
}

}  // namespace

std::string_view ExchangeRoleName(ExchangeRole role) { return kRoles[static_cast<size_t>(role)]; }
std::string_view ExchangeStateName(ExchangeState state) { return kStates[static_cast<size_t>(state)]; }

bool ExchangeRecord::WaitsForUs() const {
  return state == kProposalReceived || state == kOfferReceived || state == kRequestReceived ||
         state == kCredentialReceived || state == kPresentationReceived;
}

bool ExchangeRecord::WaitsForPeer() const { return !WaitsForUs() && !HasEnded(state) && state != kStart; }

std::string ExchangeRecord::ToJson() const {
  return base::DumpJson({{"ours", id.ours},
                         {"peer", id.peer},
                         {"thread", id.thread},
                         {"role", ExchangeRoleName(role)},
                         {"state", ExchangeStateName(state)},
                         {"parent", parent},
                         {"goal_code", goal_code},
                         {"replacement_id", replacement_id},
                         {"replaces", replaces},
                         {"will_confirm", will_confirm},
                         {"wants_ack", wants_ack},
                         {"created", created},
                         {"updated", updated},
                         {"deadline", deadline},
                         {"received", received},
                         {"seen", seen},
                         {"sent", sent},
                         {"problem", problem},
                         {"problem_text", problem_text},
                         {"web_redirect", web_redirect},
                         {"told", told}});
}

Result<ExchangeRecord> ExchangeRecord::FromJson(std::string_view text) {
  // Two messages at most, each escaped: never more than four times their size.
  const auto value = base::ParseJson(text, {.max_size = 16 * kMaxMessage});
  if (value) {
    auto record = Read(*value);
    if (record) return record;
    return Fail(Code::kCorrupt, "exchange record", record.error().Text());
  }
  return Fail(Code::kCorrupt, "exchange record", value.error().Text());
}

std::optional<ExchangeMessage> ExchangeRules::KindOf(std::string_view message_name) const {
  MessageType type;
  type.message = std::string(message_name);
  for (size_t i = 0; i < std::size(names); ++i) {
    if (!names[i].empty() && type.Is(names[i])) return static_cast<ExchangeMessage>(i);
  }
  return std::nullopt;
}

std::string ExchangeRules::TypeOf(ExchangeMessage kind) const {
  return std::string(protocol) + "/" + std::string(names[static_cast<size_t>(kind)]);
}

std::optional<ExchangeState> ExchangeRules::Next(ExchangeRole role, ExchangeState from, bool receive,
                                                 ExchangeMessage message) const {
  for (const ExchangeStep& step : steps) {
    if (step.role == role && step.from == from && step.receive == receive && step.message == message) return step.to;
  }
  return std::nullopt;
}

std::optional<ExchangeRole> ExchangeRules::RoleFor(ExchangeMessage first) const {
  for (const ExchangeStep& step : steps) {
    if (step.receive && step.from == kStart && step.message == first) return step.role;
  }
  return std::nullopt;
}

const ExchangeRules& IssueCredentialRules() {
  static constexpr ExchangeRules kRules = {.protocol = "https://didcomm.org/issue-credential/3.0",
                                           .names = {"propose-credential", "offer-credential", "request-credential",
                                                     "issue-credential", "ack", "problem-report"},
                                           .steps = kIssueSteps,
                                           .refused = "e.p.issuance-abandoned",
                                           .refused_text = "The issuance is abandoned."};
  return kRules;
}

const ExchangeRules& PresentProofRules() {
  static constexpr ExchangeRules kRules = {
      .protocol = "https://didcomm.org/present-proof/3.0",
      .names = {"propose-presentation", "", "request-presentation", "presentation", "ack", "problem-report"},
      .steps = kProofSteps,
      .refused = "e.p.presentation-abandoned",
      .refused_text = "The presentation is abandoned."};
  return kRules;
}

}  // namespace keel::didcomm
