// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm_protocols/exchange_world.h"

// Every message in every state of every role. The expectations are written down from the specifications' choreography
// (issue-credential) and state table (present-proof), apart from the code's own table.
namespace keel::didcomm {
namespace {

using enum ExchangeState;
using enum ExchangeMessage;

constexpr ExchangeMessage kKinds[] = {kPropose, kOffer, kRequest, kDeliver, kAck, kProblem};

struct Expectation {
  bool proof;  // present-proof, else issue-credential
  ExchangeRole role;
  ExchangeState state;
  // What receiving propose, offer, request, issue/presentation, ack, problem-report leads to; kStart: refused.
  ExchangeState after[6];
};

constexpr Expectation kExpected[] = {
    {false, ExchangeRole::kIssuer, kProposalReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {false,
     ExchangeRole::kIssuer,
     kOfferSent,
     {kProposalReceived, kStart, kRequestReceived, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kIssuer, kRequestReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kIssuer, kCredentialIssued, {kStart, kStart, kStart, kStart, kDone, kAbandoned}},
    {false, ExchangeRole::kIssuer, kDone, {kStart, kStart, kStart, kStart, kStart, kDone}},
    {false, ExchangeRole::kIssuer, kAbandoned, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kHolder, kProposalSent, {kStart, kOfferReceived, kStart, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kHolder, kOfferReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kHolder, kRequestSent, {kStart, kStart, kStart, kCredentialReceived, kStart, kAbandoned}},
    {false, ExchangeRole::kHolder, kCredentialReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {false, ExchangeRole::kHolder, kDone, {kStart, kStart, kStart, kStart, kStart, kDone}},
    {false, ExchangeRole::kHolder, kAbandoned, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {true,
     ExchangeRole::kVerifier,
     kRequestSent,
     {kProposalReceived, kStart, kStart, kPresentationReceived, kStart, kAbandoned}},
    {true, ExchangeRole::kVerifier, kProposalReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {true, ExchangeRole::kVerifier, kPresentationReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {true, ExchangeRole::kVerifier, kDone, {kStart, kStart, kStart, kStart, kStart, kDone}},
    {true, ExchangeRole::kVerifier, kAbandoned, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {true, ExchangeRole::kProver, kRequestReceived, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
    {true, ExchangeRole::kProver, kProposalSent, {kStart, kStart, kRequestReceived, kStart, kStart, kAbandoned}},
    {true, ExchangeRole::kProver, kPresentationSent, {kStart, kStart, kStart, kStart, kDone, kAbandoned}},
    {true, ExchangeRole::kProver, kDone, {kStart, kStart, kStart, kStart, kStart, kDone}},
    {true, ExchangeRole::kProver, kAbandoned, {kStart, kStart, kStart, kStart, kStart, kAbandoned}},
};

class Table : public testing::Test {
 protected:
  World world_;
  Trader us_{world_, "us"};
  Somebody peer_{world_, "mem:peer"};

  const ExchangeRules& RulesOf(bool proof) { return proof ? PresentProofRules() : IssueCredentialRules(); }

  Message Make(bool proof, ExchangeMessage kind, const std::string& thread) {
    Message message;
    message.type = RulesOf(proof).TypeOf(kind);
    message.thid = thread;
    message.return_route = "all";
    message.created_time = world_.clock.now;
    if (kind == kRequest) message.body = R"({"will_confirm":true})";
    if (kind == kProblem) message.body = R"({"code":"e.p.req"})";
    if (kind == kRequest || kind == kDeliver || kind == kOffer) message.attachments = {JsonAttachment("{}")};
    return message;
  }
  std::optional<Message> Give(const Message& message) {
    auto reply = us_.agent->Receive(PackFor(world_, message, peer_.did, us_.did));
    EXPECT_TRUE(reply.has_value()) << reply.error().Text();
    return reply ? OpenFor(world_, *reply) : std::nullopt;
  }
  ExchangeState StateOf(bool proof, const std::string& thread) {
    return proof ? us_.StateIn(*us_.proving, peer_.did, thread) : us_.StateIn(*us_.issuing, peer_.did, thread);
  }

  // Brings a new thread to the role and state, through the front door. Afterwards nothing decides by itself.
  std::string Reach(const Expectation& to) {
    ExchangeContent content;
    content.attachments = {JsonAttachment("{}")};
    content.will_confirm = true;
    us_.hooks.planned.clear();
    auto later = [this](ExchangeState state) { us_.hooks.planned[state] = ExchangeDecision::Later(); };
    const bool proof = to.proof;
    std::string thread = NewMessageId();
    auto start = [&thread](Result<Outgoing> out) {
      ASSERT_TRUE(out.has_value());
      thread = out->message.Thread();
    };
    IssueCredential& issuing = *us_.issuing;
    PresentProof& proving = *us_.proving;
    switch (to.role) {
      case ExchangeRole::kIssuer:
        if (to.state == kOfferSent) {
          start(issuing.Offer(us_.did, peer_.did, content));
        } else if (to.state == kProposalReceived) {
          later(kProposalReceived);
          Give(Make(proof, kPropose, thread));
        } else {
          if (to.state == kRequestReceived || to.state == kAbandoned) later(kRequestReceived);
          Give(Make(proof, kRequest, thread));
          if (to.state == kDone) Give(Make(proof, kAck, thread));
        }
        break;
      case ExchangeRole::kHolder:
        if (to.state == kProposalSent) {
          start(issuing.Propose(us_.did, peer_.did, content));
        } else if (to.state == kOfferReceived) {
          later(kOfferReceived);
          Give(Make(proof, kOffer, thread));
        } else {
          start(issuing.Request(us_.did, peer_.did, content));
          if (to.state == kCredentialReceived) later(kCredentialReceived);
          if (to.state == kCredentialReceived || to.state == kDone) Give(Make(proof, kDeliver, thread));
        }
        break;
      case ExchangeRole::kVerifier:
        if (to.state == kProposalReceived) {
          later(kProposalReceived);
          Give(Make(proof, kPropose, thread));
        } else {
          start(proving.Request(us_.did, peer_.did, content));
          if (to.state == kPresentationReceived) later(kPresentationReceived);
          if (to.state == kPresentationReceived || to.state == kDone) Give(Make(proof, kDeliver, thread));
        }
        break;
      case ExchangeRole::kProver:
        if (to.state == kProposalSent) {
          start(proving.Propose(us_.did, peer_.did, content));
        } else {
          if (to.state == kRequestReceived || to.state == kAbandoned) later(kRequestReceived);
          Give(Make(proof, kRequest, thread));
          if (to.state == kDone) Give(Make(proof, kAck, thread));
        }
        break;
    }
    if (to.state == kAbandoned) {
      const ExchangeId id{us_.did, peer_.did, thread};
      EXPECT_TRUE((proof ? proving.Abandon(id) : issuing.Abandon(id)).has_value());
    }
    for (const ExchangeState state :
         {kProposalReceived, kOfferReceived, kRequestReceived, kCredentialReceived, kPresentationReceived}) {
      later(state);
    }
    EXPECT_EQ(StateOf(proof, thread), to.state) << ExchangeRoleName(to.role) << " " << ExchangeStateName(to.state);
    return thread;
  }
};

TEST_F(Table, EveryMessageInEveryState) {
  size_t taken = 0, refused = 0;
  for (const Expectation& row : kExpected) {
    for (size_t i = 0; i < std::size(kKinds); ++i) {
      if (row.proof && kKinds[i] == kOffer) continue;  // has none
      const std::string thread = Reach(row);
      const std::string what = std::string(ExchangeRoleName(row.role)) + " in " +
                               std::string(ExchangeStateName(row.state)) + " gets " +
                               RulesOf(row.proof).TypeOf(kKinds[i]);
      const int asked = us_.hooks.asked;
      const auto answer = Give(Make(row.proof, kKinds[i], thread));
      if (row.after[i] == kStart) {
        ++refused;
        EXPECT_EQ(StateOf(row.proof, thread), row.state) << what;
        EXPECT_EQ(us_.hooks.asked, asked) << what;
        ASSERT_TRUE(answer) << what;
        const auto report = ProblemReport::Parse(*answer);
        ASSERT_TRUE(report.has_value()) << what;
        EXPECT_EQ(report->code, kProblemOutOfOrder) << what;
        EXPECT_EQ(report->thread, thread) << what;
      } else {
        ++taken;
        EXPECT_EQ(StateOf(row.proof, thread), row.after[i]) << what;
        EXPECT_FALSE(answer) << what;
      }
    }
  }
  std::printf("%zu messages taken, %zu refused with a problem report\n", taken, refused);
  EXPECT_EQ(taken + refused, 12u * 6 + 10u * 5);
}

TEST_F(Table, WhatMayBegin) {
  struct Case {
    bool proof;
    ExchangeMessage kind;
    ExchangeState state;  // kStart: refused
  };
  for (const ExchangeState state : {kProposalReceived, kOfferReceived, kRequestReceived})
    us_.hooks.planned[state] = ExchangeDecision::Later();
  for (const Case& c :
       {Case{false, kPropose, kProposalReceived}, Case{false, kOffer, kOfferReceived},
        Case{false, kRequest, kRequestReceived}, Case{false, kDeliver, kStart}, Case{false, kAck, kStart},
        Case{true, kPropose, kProposalReceived}, Case{true, kRequest, kRequestReceived}, Case{true, kDeliver, kStart},
        Case{true, kAck, kStart}}) {
    const std::string thread = NewMessageId();
    const auto answer = Give(Make(c.proof, c.kind, thread));
    EXPECT_EQ(StateOf(c.proof, thread), c.state);
    EXPECT_EQ(answer.has_value(), c.state == kStart);
    if (answer) {
      EXPECT_EQ(ProblemReport::Parse(*answer)->code, kProblemOutOfOrder);
    }
  }
  // A report about a thread that isn't there changes nothing.
  EXPECT_FALSE(Give(Make(false, kProblem, NewMessageId())));
}

// What we may send in each state: the engine keeps us to the same tables.
TEST_F(Table, DecisionsOutOfPlace) {
  for (const Expectation& row : kExpected) {
    const std::string thread = Reach(row);
    const ExchangeId id{us_.did, peer_.did, thread};
    CredentialExchange& exchange =
        row.proof ? static_cast<CredentialExchange&>(*us_.proving) : static_cast<CredentialExchange&>(*us_.issuing);
    ExchangeContent content;
    content.attachments = {JsonAttachment("{}")};
    const bool ours = row.state == kProposalReceived || row.state == kOfferReceived || row.state == kRequestReceived ||
                      row.state == kCredentialReceived || row.state == kPresentationReceived;
    const bool may_counter =
        row.state == kOfferReceived || (row.role == ExchangeRole::kProver && row.state == kRequestReceived);
    const auto counter = exchange.Decide(id, ExchangeDecision::Counter(content));
    EXPECT_EQ(counter.has_value(), may_counter) << ExchangeRoleName(row.role) << ExchangeStateName(row.state);
    if (!counter) {
      EXPECT_EQ(counter.error().code, Code::kWrongState);
    }
    if (may_counter) {
      EXPECT_EQ(StateOf(row.proof, thread), kProposalSent);
      continue;
    }
    EXPECT_EQ(StateOf(row.proof, thread), row.state);
    const auto go_on = exchange.Decide(id, ExchangeDecision::GoOn(content));
    EXPECT_EQ(go_on.has_value(), ours) << ExchangeRoleName(row.role) << ExchangeStateName(row.state);
    if (!go_on) {
      EXPECT_EQ(go_on.error().code, Code::kWrongState);
    }
  }
  EXPECT_EQ(us_.issuing->Decide({us_.did, peer_.did, "none"}, ExchangeDecision::GoOn()).error().code, Code::kNotFound);
  EXPECT_EQ(us_.issuing->Abandon({us_.did, peer_.did, "none"}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace keel::didcomm
