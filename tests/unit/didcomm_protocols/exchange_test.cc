// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "tests/unit/didcomm_protocols/exchange_world.h"

namespace keel::didcomm {
namespace {

using enum ExchangeState;

ExchangeContent With(const std::string& json_text) {
  ExchangeContent content;
  content.attachments = {JsonAttachment(json_text)};
  return content;
}

TEST(IssueCredential, FromProposalToAck) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  ExchangeContent wish = With(R"({"type":"diploma"})");
  wish.goal_code = "org.example.diploma";
  wish.comment = "please";
  wish.credential_preview = R"({"attributes":[]})";
  auto proposal = holder.issuing->Propose(holder.did, issuer.did, wish, "invitation-1");
  ASSERT_TRUE(proposal.has_value()) << proposal.error().Text();
  const std::string thread = proposal->message.Thread();
  holder.Queue(std::move(proposal));
  Flow({&holder, &issuer});
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, thread), kDone);
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kDone);
  EXPECT_EQ(issuer.hooks.issued, std::set<std::string>{thread});
  EXPECT_EQ(holder.hooks.held, std::set<std::string>{"{\"of\":\"" + thread + "\"}"});
  const ExchangeRecord record = **issuer.issuing->Find({issuer.did, holder.did, thread});
  EXPECT_EQ(record.goal_code, "org.example.diploma");
  EXPECT_EQ(record.parent, "invitation-1");
  EXPECT_TRUE(record.told);
  EXPECT_EQ(issuer.hooks.ended.at(thread).state, kDone);
  EXPECT_EQ(holder.hooks.ended.at(thread).state, kDone);
  EXPECT_EQ(issuer.store.unsynced + holder.store.unsynced, 0);
  EXPECT_EQ(issuer.issuing->open() + holder.issuing->open(), 0u);
}

TEST(IssueCredential, OfferCounterOfferRefusal) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  holder.hooks.planned[kOfferReceived] = ExchangeDecision::Later();
  auto offer = issuer.issuing->Offer(issuer.did, holder.did, With("{}"));
  const std::string thread = offer->message.id;
  issuer.Queue(std::move(offer));
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kOfferReceived);
  // Counter, new offer, accept, issue, refuse.
  holder.Queue(
      holder.issuing->Decide({holder.did, issuer.did, thread}, ExchangeDecision::Counter(With(R"({"more":1})"))));
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kOfferReceived);
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, thread), kOfferSent);
  holder.hooks.planned[kCredentialReceived] = ExchangeDecision::Refuse("e.p.trust.crypto", "The signature is wrong.");
  holder.Queue(holder.issuing->Decide({holder.did, issuer.did, thread}, ExchangeDecision::GoOn()));
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kAbandoned);
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, thread), kAbandoned);
  EXPECT_EQ(issuer.hooks.ended.at(thread).problem, "e.p.trust.crypto");
  EXPECT_EQ(issuer.hooks.ended.at(thread).problem_text, "The signature is wrong.");
  EXPECT_TRUE(holder.hooks.held.empty());
}

TEST(IssueCredential, ReplacementsAreKnownAgain) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  auto run = [&](const std::string& replacement) {
    ExchangeContent offer = With("{}");
    offer.replacement_id = replacement;
    auto out = issuer.issuing->Offer(issuer.did, holder.did, offer);
    const std::string thread = out->message.id;
    issuer.Queue(std::move(out));
    Flow({&holder, &issuer});
    EXPECT_EQ(holder.hooks.ended.at(thread).state, kDone);
    return thread;
  };
  const std::string first = run("badge-7");
  EXPECT_EQ(holder.hooks.ended.at(first).replaces, "");
  const std::string other = run("badge-8");
  EXPECT_EQ(holder.hooks.ended.at(other).replaces, "");
  const std::string second = run("badge-7");
  EXPECT_EQ(holder.hooks.ended.at(second).replaces, first);
  EXPECT_EQ(holder.hooks.ended.at(run("badge-7")).replaces, second);
  EXPECT_EQ(holder.hooks.ended.at(run("")).replaces, "");
}

TEST(PresentProof, ConfirmedAndNot) {
  for (const bool promised : {true, false}) {
    for (const bool asked : {true, false}) {
      World world;
      Trader verifier(world, "verifier"), prover(world, "prover");
      ExchangeContent request = With(R"({"want":"diploma"})");
      request.will_confirm = promised;
      ExchangeContent presentation = With(R"({"here":1})");
      presentation.please_ack = asked;
      prover.hooks.planned[kRequestReceived] = ExchangeDecision::GoOn(presentation);
      auto out = verifier.proving->Request(verifier.did, prover.did, request);
      const std::string thread = out->message.id;
      verifier.Queue(std::move(out));
      Flow({&verifier, &prover});
      EXPECT_EQ(verifier.StateIn(*verifier.proving, prover.did, thread), kDone);
      EXPECT_EQ(prover.StateIn(*prover.proving, verifier.did, thread), kDone);
      EXPECT_EQ(verifier.hooks.held, std::set<std::string>{R"({"here":1})"});
      const ExchangeRecord record = **prover.proving->Find({prover.did, verifier.did, thread});
      const bool acked = record.received.find("present-proof/3.0/ack") != std::string::npos;
      EXPECT_EQ(acked, promised || asked);
    }
  }
}

TEST(PresentProof, AnUnconvincingPresentation) {
  for (const bool promised : {true, false}) {
    World world;
    Trader verifier(world, "verifier"), prover(world, "prover");
    verifier.hooks.planned[kPresentationReceived] = ExchangeDecision::Refuse();
    ExchangeContent request = With("{}");
    request.will_confirm = promised;
    auto out = verifier.proving->Request(verifier.did, prover.did, request);
    const std::string thread = out->message.id;
    verifier.Queue(std::move(out));
    Flow({&verifier, &prover});
    EXPECT_EQ(verifier.StateIn(*verifier.proving, prover.did, thread), kAbandoned);
    // Without a promise the prover had finished; it hears of it all the same.
    EXPECT_EQ(prover.StateIn(*prover.proving, verifier.did, thread), promised ? kAbandoned : kDone);
    EXPECT_EQ((*prover.proving->Find({prover.did, verifier.did, thread}))->problem, "e.p.presentation-abandoned");
  }
}

TEST(PresentProof, RedirectAndProposal) {
  World world;
  Trader verifier(world, "verifier"), prover(world, "prover");
  ExchangeContent thanks;
  thanks.web_redirect_status = "OK";
  thanks.web_redirect_url = "https://example.com/done";
  verifier.hooks.planned[kPresentationReceived] = ExchangeDecision::GoOn(thanks);
  auto out = prover.proving->Propose(prover.did, verifier.did, {});
  const std::string thread = out->message.id;
  prover.Queue(std::move(out));
  Flow({&verifier, &prover});
  ASSERT_EQ(prover.StateIn(*prover.proving, verifier.did, thread), kDone);
  EXPECT_EQ(prover.hooks.ended.at(thread).web_redirect, R"({"redirectUrl":"https://example.com/done","status":"OK"})");
}

TEST(Exchange, BadBodiesAreReportedAndChangeNothing) {
  World world;
  Trader us(world, "us");
  Somebody peer(world, "mem:peer");
  struct Case {
    const char *type, *body;
    bool attachment;
    std::string_view code;
  };
  for (const Case& c :
       {Case{"issue-credential/3.0/propose-credential", R"({"goal_code":5})", true, kProblemMalformed},
        Case{"issue-credential/3.0/propose-credential", R"({"credential_preview":"x"})", true, kProblemMalformed},
        Case{"issue-credential/3.0/propose-credential", R"({"comment":{}})", true, kProblemMalformed},
        Case{"issue-credential/3.0/offer-credential", R"({"replacement_id":1})", true, kProblemMalformed},
        Case{"issue-credential/3.0/accept-credential", "{}", true, kProblemUnsupportedType},
        Case{"issue-credential/4.0/propose-credential", "{}", true, kProblemUnsupportedVersion},
        Case{"present-proof/3.0/request-presentation", R"({"will_confirm":"yes"})", true, kProblemMalformed},
        Case{"present-proof/3.0/request-presentation", "{}", false, kProblemMalformed},
        Case{"present-proof/3.0/offer-presentation", "{}", true, kProblemUnsupportedType}}) {
    Message message;
    message.type = std::string("https://didcomm.org/") + c.type;
    message.body = c.body;
    message.return_route = "all";
    if (c.attachment) message.attachments = {JsonAttachment("{}")};
    const auto answer = OpenFor(world, *us.agent->Receive(PackFor(world, message, peer.did, us.did)));
    ASSERT_TRUE(answer) << c.type << c.body;
    EXPECT_EQ(ProblemReport::Parse(*answer)->code, c.code) << c.type << c.body;
  }
  EXPECT_TRUE(us.issuing->List()->empty());
  EXPECT_TRUE(us.proving->List()->empty());
  EXPECT_EQ(us.hooks.asked, 0);
  // Not from somebody who isn't proven, and not by another of our peers.
  Message propose;
  propose.type = "https://didcomm.org/issue-credential/3.0/propose-credential";
  propose.id = "p1";
  propose.from = peer.did;
  propose.to = {us.did};
  EXPECT_EQ(us.agent->Receive(PackAnoncrypt(propose, us.did, world.keys, world.resolver)->text).error().code,
            Code::kUntrusted);
  us.hooks.planned[kRequestReceived] = ExchangeDecision::Later();
  Message request;
  request.type = "https://didcomm.org/issue-credential/3.0/request-credential";
  request.thid = "shared-thread";
  (void)us.agent->Receive(PackFor(world, request, peer.did, us.did));
  Somebody mallory(world, "mem:mallory");
  Message ack;
  ack.type = "https://didcomm.org/report-problem/2.0/problem-report";
  ack.pthid = "shared-thread";
  ack.body = R"({"code":"e.p.req"})";
  (void)us.agent->Receive(PackFor(world, ack, mallory.did, us.did));
  EXPECT_EQ(us.StateIn(*us.issuing, peer.did, "shared-thread"), kRequestReceived);
}

TEST(Exchange, WarningsAndRejectedMessagesEndNothing) {
  World world;
  Trader us(world, "us");
  Somebody peer(world, "");
  auto out = us.issuing->Offer(us.did, peer.did, With("{}"));
  const std::string thread = out->message.id;
  auto report = [&](const char* code) {
    ProblemReport problem;
    problem.code = code;
    problem.thread = thread;
    (void)us.agent->Receive(PackFor(world, *problem.ToMessage(), peer.did, us.did));
    return us.StateIn(*us.issuing, peer.did, thread);
  };
  EXPECT_EQ(report("w.p.req"), kOfferSent);
  EXPECT_EQ(report("e.m.me.res"), kOfferSent);
  EXPECT_EQ((*us.issuing->Find({us.did, peer.did, thread}))->problem, "e.m.me.res");
  EXPECT_EQ(report("e.offer-sent.req"), kAbandoned);
}

TEST(Exchange, Timeouts) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  holder.hooks.planned[kOfferReceived] = ExchangeDecision::Later();
  ExchangeContent offer = With("{}");
  auto out = issuer.issuing->Offer(issuer.did, holder.did, offer);
  const std::string thread = out->message.id;
  EXPECT_EQ(out->message.expires_time, world.clock.now + 86'400);
  issuer.Queue(std::move(out));
  Flow({&holder, &issuer});
  world.clock.Advance(86'000);
  issuer.Tick();
  holder.Tick();
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, thread), kOfferSent);
  world.clock.Advance(400);
  issuer.Tick();
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, thread), kAbandoned);
  EXPECT_EQ(issuer.hooks.ended.at(thread).problem, kProblemTimedOut);
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kOfferReceived);
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kAbandoned);
  EXPECT_EQ(holder.codes.back(), kProblemTimedOut);
  // Forgotten after a while, and not before.
  world.clock.Advance(2'591'000);
  issuer.Tick();
  EXPECT_EQ(issuer.issuing->List()->size(), 1u);
  world.clock.Advance(1'001);
  issuer.Tick();
  EXPECT_TRUE(issuer.issuing->List()->empty());

  // Somebody who never decides is stopped as well.
  Trader slow(world, "slow");
  slow.hooks.planned[kProposalReceived] = ExchangeDecision::Later();
  Somebody stranger(world, "");
  Message propose;
  propose.type = "https://didcomm.org/issue-credential/3.0/propose-credential";
  propose.thid = "t";
  (void)slow.agent->Receive(PackFor(world, propose, stranger.did, slow.did));
  world.clock.Advance(604'799);
  slow.Tick();
  EXPECT_EQ(slow.StateIn(*slow.issuing, stranger.did, "t"), kProposalReceived);
  world.clock.Advance(2);
  slow.Tick();
  EXPECT_EQ(slow.StateIn(*slow.issuing, stranger.did, "t"), kAbandoned);
}

TEST(Exchange, WhatCouldNotBeDecidedIsAskedAgain) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  holder.hooks.fail_next = 2;
  auto out = issuer.issuing->Offer(issuer.did, holder.did, With("{}"));
  const std::string thread = out->message.id;
  issuer.Queue(std::move(out));
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kOfferReceived);
  holder.Tick();
  EXPECT_EQ(holder.hooks.asked, 2);
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kOfferReceived);
  EXPECT_TRUE(issuer.codes.empty()) << "nothing is said about it";
  holder.Tick();
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kDone);
}

TEST(Exchange, LostMessagesAreSentAgain) {
  World world;
  Trader issuer(world, "issuer"), holder(world, "holder");
  auto out = issuer.issuing->Offer(issuer.did, holder.did, With("{}"));  // never queued: lost
  const std::string thread = out->message.id, saved = *out->message.Serialize();
  issuer.Tick();
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kStart);
  world.clock.Advance(61);
  issuer.Tick();
  Flow({&holder, &issuer});
  EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, thread), kDone);
  // Replies that are lost on the way back are repeated word for word.
  for (int lost = 0; lost < 4; ++lost) {
    world.net.lose_replies = lost;
    auto again = issuer.issuing->Offer(issuer.did, holder.did, With("{}"));
    const std::string id = again->message.id;
    issuer.Queue(std::move(again));
    for (int round = 0; round < 12; ++round) {
      Flow({&holder, &issuer});
      world.clock.Advance(130);
      issuer.Tick();
      holder.Tick();
    }
    EXPECT_EQ(holder.StateIn(*holder.issuing, issuer.did, id), kDone) << lost;
    EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, id), kDone) << lost;
  }
}

TEST(Exchange, RepeatsGetTheSameAnswer) {
  World world;
  Trader issuer(world, "issuer");
  Somebody holder(world, "");
  Message request;
  request.type = "https://didcomm.org/issue-credential/3.0/request-credential";
  request.id = "r1";
  request.return_route = "all";
  request.created_time = world.clock.now;
  request.expires_time = world.clock.now + 3'000'000;  // what has none is refused for its age
  const std::string envelope = PackFor(world, request, holder.did, issuer.did);
  const auto first = OpenFor(world, *issuer.agent->Receive(envelope));
  const auto second = OpenFor(world, *issuer.agent->Receive(envelope));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(*first->Serialize(), *second->Serialize());
  EXPECT_EQ(issuer.hooks.asked, 1);
  // An older message of the thread is only a replay.
  Message ack;
  ack.type = "https://didcomm.org/issue-credential/3.0/ack";
  ack.id = "a1";
  ack.thid = "r1";
  (void)issuer.agent->Receive(PackFor(world, ack, holder.did, issuer.did));
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, holder.did, "r1"), kDone);
  EXPECT_EQ(issuer.agent->Receive(envelope).error().code, Code::kReplayed);
  // And it begins nothing once the exchange is forgotten.
  world.clock.Advance(2'592'001);
  issuer.Tick();
  ASSERT_TRUE(issuer.issuing->List()->empty());
  issuer.replay->Remember(holder.did, "r1", world.clock.now, world.clock.now + 100);
  EXPECT_EQ(issuer.agent->Receive(envelope).error().code, Code::kReplayed);
  EXPECT_TRUE(issuer.issuing->List()->empty());
}

TEST(Exchange, TheyAreBounded) {
  World world;
  Trader us(world, "us");
  us.options.max_open = 5;
  us.options.max_open_for_peer = 3;
  us.options.max_rounds = 4;
  us.Restart();
  us.hooks.planned[kProposalReceived] = ExchangeDecision::Later();
  Somebody a(world, ""), b(world, "");
  auto propose = [&](const Somebody& who, const std::string& thread) -> std::string {
    Message message;
    message.type = "https://didcomm.org/issue-credential/3.0/propose-credential";
    message.thid = thread;
    message.return_route = "all";
    auto answer = OpenFor(world, *us.agent->Receive(PackFor(world, message, who.did, us.did)));
    return answer ? ProblemReport::Parse(*answer)->code : "";
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(propose(a, "a" + std::to_string(i)), "");
  EXPECT_EQ(propose(a, "a3"), kProblemBusy);
  EXPECT_EQ(propose(b, "b1"), "");
  EXPECT_EQ(propose(b, "b2"), "");
  EXPECT_EQ(propose(b, "b3"), kProblemBusy);
  EXPECT_EQ(us.issuing->Offer(us.did, b.did, With("{}")).error().code, Code::kBusy);
  us.Restart();  // counted anew from the store
  EXPECT_EQ(us.issuing->open(), 5u);
  EXPECT_EQ(propose(b, "b4"), kProblemBusy);
  // No haggling without end.
  us.hooks.planned.clear();
  ASSERT_TRUE(us.issuing->Decide({us.did, b.did, "b1"}, ExchangeDecision::GoOn(With("{}"))).has_value());
  std::string last;
  int rounds = 0;
  for (; rounds < 10; ++rounds) {
    Message message;
    message.type = "https://didcomm.org/issue-credential/3.0/propose-credential";
    message.thid = "b1";
    message.return_route = "all";
    auto answer = OpenFor(world, *us.agent->Receive(PackFor(world, message, b.did, us.did)));
    if (IsProblemReport(*answer)) break;
  }
  EXPECT_EQ(rounds, 3);
}

TEST(Exchange, APeerMayRotateItsDid) {
  World world;
  Trader issuer(world, "issuer");
  Somebody before(world, ""), after(world, ""), mallory(world, "");
  issuer.hooks.planned[kProposalReceived] = ExchangeDecision::GoOn(With("{}"));
  Message propose;
  propose.type = "https://didcomm.org/issue-credential/3.0/propose-credential";
  propose.thid = "t";
  (void)issuer.agent->Receive(PackFor(world, propose, before.did, issuer.did));
  Message request;
  request.type = "https://didcomm.org/issue-credential/3.0/request-credential";
  request.thid = "t";
  request.return_route = "all";
  request.from_prior = *MakeFromPrior(before.did, after.did, world.clock.now, before.did + "#key-2", world.keys);
  // Somebody else can't take the thread over.
  EXPECT_FALSE(issuer.agent
                   ->Receive([&] {
                     Message stolen = request;
                     stolen.from = mallory.did;
                     stolen.to = {issuer.did};
                     stolen.id = "s";
                     return PackAuthcrypt(stolen, mallory.did, issuer.did, world.keys, world.resolver)->text;
                   }())
                   .has_value());
  const auto answer = OpenFor(world, *issuer.agent->Receive(PackFor(world, request, after.did, issuer.did)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, "https://didcomm.org/issue-credential/3.0/issue-credential");
  EXPECT_EQ(answer->to, std::vector<std::string>{after.did});
  EXPECT_EQ(issuer.issuing->List()->size(), 1u);
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, before.did, "t"), kStart);
  EXPECT_EQ(issuer.StateIn(*issuer.issuing, after.did, "t"), kCredentialIssued);
}

TEST(Exchange, ADamagedRecordIsAnError) {
  EXPECT_EQ(ExchangeRecord::FromJson("{}").error().code, Code::kCorrupt);
  EXPECT_EQ(ExchangeRecord::FromJson("x").error().code, Code::kCorrupt);
  ExchangeRecord record;
  record.id = {"a", "b", "c"};
  record.received = "{\"x\":\"\\\"\"}";
  record.seen = {"1", "2"};
  record.told = true;
  EXPECT_EQ(ExchangeRecord::FromJson(record.ToJson())->ToJson(), record.ToJson());
  std::string bad = record.ToJson();
  bad.replace(bad.find("\"start\""), 7, "\"later\"");
  EXPECT_EQ(ExchangeRecord::FromJson(bad).error().code, Code::kCorrupt);
}

// WACI's published conversations, given to both sides message by message: the parties' DIDs are put in their place.
TEST(Waci, PublishedConversations) {
  struct Step {
    const char* file;
    bool from_wallet;
    ExchangeState theirs;  // the other side's state (issuer, verifier) after it
    ExchangeState wallets;
  };
  auto run = [](bool proof, const std::vector<Step>& steps) {
    World world;
    Trader wallet(world, "wallet"), service(world, "service");
    for (const ExchangeState state :
         {kProposalReceived, kOfferReceived, kRequestReceived, kCredentialReceived, kPresentationReceived}) {
      wallet.hooks.planned[state] = service.hooks.planned[state] = ExchangeDecision::Later();
    }
    std::string thread;
    for (const Step& step : steps) {
      auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/waci/" + step.file + ".json");
      ASSERT_TRUE(text.has_value()) << step.file;
      auto message = Message::Parse(*text);
      ASSERT_TRUE(message.has_value()) << step.file << message.error().Text();
      thread = message->Thread();
      Trader& from = step.from_wallet ? wallet : service;
      Trader& to = step.from_wallet ? service : wallet;
      auto answer = to.agent->Receive(PackFor(world, *message, from.did, to.did));
      EXPECT_TRUE(answer.has_value()) << step.file << answer.error().Text();
      EXPECT_TRUE(to.refused.empty()) << step.file;
      const ExchangeState reached =
          proof ? to.StateIn(*to.proving, from.did, thread) : to.StateIn(*to.issuing, from.did, thread);
      EXPECT_EQ(reached, step.from_wallet ? step.theirs : step.wallets) << step.file;
      // Our side of the answer, so that the next message finds the state it expects.
      CredentialExchange& exchange =
          proof ? static_cast<CredentialExchange&>(*to.proving) : static_cast<CredentialExchange&>(*to.issuing);
      if (!HasEnded(reached)) {
        EXPECT_TRUE(exchange.Decide({to.did, from.did, thread}, ExchangeDecision::GoOn(With("{}"))).has_value());
      }
    }
    EXPECT_TRUE(wallet.refused.empty() && service.refused.empty());
  };
  run(false, {{"issuance-2-issue-credential_propose", true, kProposalReceived, kStart},
              {"issuance-4-issue-credential_request", true, kRequestReceived, kStart},
              {"issuance-6-issue-credential_ack", true, kDone, kStart}});
  run(false, {{"issuance-3-issue-credential_offer", false, kStart, kOfferReceived},
              {"issuance-5-issue-credential_issue", false, kStart, kCredentialReceived}});
  run(true, {{"presentation-2-present-proof_propose", true, kProposalReceived, kStart},
             {"presentation-4-present-proof_present", true, kPresentationReceived, kStart}});
  run(true, {{"presentation-3-present-proof_request", false, kStart, kRequestReceived}});
}

}  // namespace
}  // namespace keel::didcomm
