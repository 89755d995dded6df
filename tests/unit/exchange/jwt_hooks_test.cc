// SPDX-License-Identifier: Apache-2.0
#include "exchange/jwt_hooks.h"

#include "base/encoding.h"
#include "didcomm/attachment.h"
#include "didcomm/protocols/issue_credential.h"
#include "didcomm/protocols/present_proof.h"
#include "tests/unit/didcomm_protocols/world.h"

// Credentials from an issuer to a holder and on to a verifier, over agents; and what is not believed.
namespace keel::exchange {
namespace {

using namespace didcomm;
using nlohmann::json;
using enum ExchangeState;

class FakeStatus final : public vc::StatusChecker {
 public:
  Result<Status> Check(const vc::StatusEntry&, const std::string&, UnixSeconds) override {
    if (unreachable) return Fail(Code::kUnreachable, "fake status", "no list to be had");
    return Status{.set = revoked, .fresh = true, .version = 1, .detail = "fake"};
  }
  bool revoked = false, unreachable = false;
};

struct Trader {
  Trader(World& the_world, const std::string& name) : world(the_world) {
    const crypto::KeyHandle agree = *keys->Generate(crypto::KeyType::kX25519);
    const crypto::KeyHandle auth = *keys->Generate(crypto::KeyType::kEd25519);
    const crypto::KeyHandle assertion = *keys->Generate(crypto::KeyType::kEd25519);
    const std::vector<did::PeerKey> list = {{did::Relationship::kKeyAgreement, *keys->Public(agree)},
                                            {did::Relationship::kAuthentication, *keys->Public(auth)},
                                            {did::Relationship::kAssertionMethod, *keys->Public(assertion)}};
    const std::vector<std::string> services = {did::PeerServiceDidcomm("mem:" + name)};
    did = *did::CreatePeer2(list, services);
    int number = 0;
    for (const crypto::KeyHandle& key : {agree, auth, assertion})
      world.keys.Add(did + "#key-" + std::to_string(++number), {keys.get(), key});
    parts.held = &held;
    parts.status = &status;
    parts.show = [](const ExchangeRecord&, const PresentationWish&, const std::vector<Held>&) { return true; };
    parts.take = [](const ExchangeRecord&, const CredentialWish&) { return true; };
    Start(name);
  }
  void Start(const std::string& name) {
    hooks = std::make_unique<JwtExchangeHooks>(parts);
    ExchangeOptions how;
    how.on_undecided = [this](const ExchangeRecord&, const Error& error) { undecided.push_back(error.code); };
    issuing = *IssueCredential::Create(*store, world.clock, *hooks, how);
    proving = *PresentProof::Create(*store, world.clock, *hooks, how);
    problems = std::make_unique<ReportProblem>();
    problems->AddListener(
        [this](const Incoming& incoming, const ProblemReport& report) -> Result<> {
          KEEL_TRY_VOID(issuing->OnProblem(incoming, report));
          return proving->OnProblem(incoming, report);
        },
        true);
    replay = MakeMemoryReplayCache();
    agent = std::make_unique<Agent>(AgentParts{world.keys,
                                               world.resolver,
                                               *replay,
                                               world.clock,
                                               {issuing.get(), proving.get(), problems.get()},
                                               {&world.net}});
    world.net.handlers["mem:" + name] = agent->Handler();
  }
  // Grants what is asked for, once about the peer.
  void GrantEverything() {
    parts.grant = [this](const ExchangeRecord& record, const CredentialWish& wish) -> Result<std::optional<Grant>> {
      json credential = {{"@context", {vc::kContextV2, "https://www.w3.org/ns/credentials/examples/v2"}},
                         {"type", {"VerifiableCredential"}},
                         {"issuer", did},
                         {"id", "urn:uuid:" + record.id.thread},
                         {"validFrom", base::Rfc3339(world.clock.now)},
                         {"credentialSubject", json{{"id", record.id.peer}}}};
      for (const std::string& type : wish.types) credential["type"].push_back(type);
      credential["credentialSubject"].update(*base::ParseJson(wish.claims));
      credential.update(extra);
      return Grant{base::DumpJson(credential), did + "#key-3"};
    };
  }
  bool Flow(Result<Outgoing> first, std::vector<Trader*> others) {
    EXPECT_TRUE(first.has_value()) << (first ? "" : first.error().Text());
    if (!first || !agent->Queue(first->message)) return false;
    others.push_back(this);
    for (int round = 0; round < 20; ++round) {
      for (Trader* trader : others) trader->agent->DeliverWaiting();
    }
    return true;
  }
  ExchangeState Last(const CredentialExchange& exchange) const {
    const auto all = *exchange.List();
    if (all.empty()) return kStart;
    return std::max_element(all.begin(), all.end(),
                            [](const ExchangeRecord& a, const ExchangeRecord& b) { return a.created < b.created; })
        ->state;
  }
  std::string Problem(const CredentialExchange& exchange) const {
    const auto all = *exchange.List();
    for (const ExchangeRecord& record : all) {
      if (!record.problem.empty()) return record.problem;
    }
    return "";
  }

  World& world;
  std::unique_ptr<crypto::SoftwareKeyStore> keys = crypto::SoftwareKeyStore::CreateInMemory();
  std::string did;
  std::unique_ptr<base::KeyValueStore> store = base::MakeMemoryStore();
  CredentialStore held{*store};
  FakeStatus status;
  json extra = json::object();
  JwtParts parts{world.keys, world.resolver, world.clock};
  std::vector<Code> undecided;
  std::unique_ptr<JwtExchangeHooks> hooks;
  std::unique_ptr<IssueCredential> issuing;
  std::unique_ptr<PresentProof> proving;
  std::unique_ptr<ReportProblem> problems;
  std::unique_ptr<ReplayCache> replay;
  std::unique_ptr<Agent> agent;
};

class Exchanges : public testing::Test {
 protected:
  World world_;
  Trader issuer_{world_, "issuer"}, holder_{world_, "holder"}, verifier_{world_, "verifier"};

  void SetUp() override {
    issuer_.GrantEverything();
    issuer_.Start("issuer");
  }
  void Issue(const CredentialWish& wish = {.types = {"Diploma"}, .claims = R"({"degree":"BSc"})"}) {
    world_.clock.Advance(1);
    holder_.Flow(holder_.issuing->Propose(holder_.did, issuer_.did, WishContent(wish, kFormatRequest)), {&issuer_});
  }
  void Ask(const PresentationWish::Want& want, bool confirm = true) {
    world_.clock.Advance(1);
    PresentationWish wish;
    wish.credentials = {want};
    verifier_.Flow(verifier_.proving->Request(verifier_.did, holder_.did, RequestContent(wish, verifier_.did, confirm)),
                   {&holder_});
  }
};

TEST_F(Exchanges, IssuedHeldAndShown) {
  Issue();
  EXPECT_EQ(holder_.Last(*holder_.issuing), kDone) << holder_.Problem(*holder_.issuing);
  EXPECT_EQ(issuer_.Last(*issuer_.issuing), kDone);
  const auto held = *holder_.held.List();
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].issuer, issuer_.did);
  EXPECT_EQ(held[0].types, (std::vector<std::string>{"VerifiableCredential", "Diploma"}));
  for (const bool confirm : {true, false}) {
    Ask({.types = {"Diploma"}, .issuers = {issuer_.did}}, confirm);
    EXPECT_EQ(verifier_.Last(*verifier_.proving), kDone) << verifier_.Problem(*verifier_.proving);
    EXPECT_EQ(holder_.Last(*holder_.proving), kDone);
  }
  // Whom the verifier trusts anyway needn't be named.
  Ask({.types = {"Diploma"}, .issuers = {}});
  EXPECT_EQ(verifier_.Last(*verifier_.proving), kAbandoned);
  verifier_.parts.trusted_issuers = {issuer_.did};
  verifier_.Start("verifier");
  Ask({.types = {"Diploma"}, .issuers = {}});
  EXPECT_EQ(verifier_.Last(*verifier_.proving), kDone);
}

TEST_F(Exchanges, OfferedAndReplaced) {
  ExchangeContent offer = WishContent({.types = {"Badge"}, .claims = "{}"}, kFormatOffer);
  offer.replacement_id = "badge";
  issuer_.Flow(issuer_.issuing->Offer(issuer_.did, holder_.did, offer), {&holder_});
  ASSERT_EQ(holder_.held.List()->size(), 1u);
  const std::string first = holder_.held.List()->at(0).jwt;
  world_.clock.Advance(10);
  issuer_.Flow(issuer_.issuing->Offer(issuer_.did, holder_.did, offer), {&holder_});
  ASSERT_EQ(holder_.held.List()->size(), 1u) << "the new one takes the place of the old";
  EXPECT_NE(holder_.held.List()->at(0).jwt, first);
}

TEST_F(Exchanges, OffersWaitForAPerson) {
  holder_.parts.take = {};
  holder_.Start("holder");
  const CredentialWish wish{.types = {"Badge"}, .claims = "{}"};
  issuer_.Flow(issuer_.issuing->Offer(issuer_.did, holder_.did, WishContent(wish, kFormatOffer)), {&holder_});
  ASSERT_EQ(holder_.Last(*holder_.issuing), kOfferReceived);
  const ExchangeId id = holder_.issuing->List()->at(0).id;
  auto out = holder_.issuing->Decide(id, *holder_.hooks->Take(wish));
  ASSERT_TRUE(out.has_value()) << out.error().Text();
  holder_.Flow(std::move(out->at(0)), {&issuer_});
  EXPECT_EQ(holder_.Last(*holder_.issuing), kDone);
}

TEST_F(Exchanges, WhatIsNotBelieved) {
  struct Case {
    const char* what;
    json extra;
    std::string_view problem;
  };
  Trader other(world_, "other");
  for (const Case& c : {Case{"expired",
                             {{"validFrom", "2000-01-01T00:00:00Z"}, {"validUntil", "2001-01-01T00:00:00Z"}},
                             kProblemBadCredential},
                        Case{"not yet valid", {{"validFrom", "2099-01-01T00:00:00Z"}}, kProblemBadCredential},
                        Case{"of another type", {{"type", {"VerifiableCredential", "Joke"}}}, kProblemBadCredential}}) {
    issuer_.extra = c.extra;
    Issue();
    EXPECT_EQ(holder_.Last(*holder_.issuing), kAbandoned) << c.what;
    EXPECT_EQ(issuer_.Last(*issuer_.issuing), kAbandoned) << c.what;
    EXPECT_EQ(holder_.Problem(*holder_.issuing), c.problem) << c.what;
    EXPECT_TRUE(holder_.held.List()->empty()) << c.what;
  }
  // An issuer that isn't the one that was asked.
  issuer_.extra = json::object();
  holder_.parts.trusted_issuers = {other.did};
  holder_.Start("holder");
  Issue();
  EXPECT_EQ(holder_.Last(*holder_.issuing), kAbandoned);
  EXPECT_TRUE(holder_.held.List()->empty());
  // An issuer that would sign about somebody else stops before it does.
  issuer_.extra = {{"credentialSubject", {{"id", other.did}}}};
  Issue();
  EXPECT_EQ(issuer_.undecided, std::vector<Code>{Code::kInvalidArgument});
  EXPECT_EQ(issuer_.Last(*issuer_.issuing), kRequestReceived);
}

TEST_F(Exchanges, StatusDecides) {
  issuer_.extra = {{"credentialStatus",
                    {{"type", "BitstringStatusListEntry"},
                     {"statusPurpose", "revocation"},
                     {"statusListIndex", "7"},
                     {"statusListCredential", "https://issuer.example/status/1"}}}};
  holder_.status.unreachable = true;
  Issue();
  EXPECT_EQ(holder_.undecided, std::vector<Code>{Code::kUnreachable});
  EXPECT_EQ(holder_.Last(*holder_.issuing), kCredentialReceived) << "neither accepted nor refused";
  holder_.status.unreachable = false;
  auto again = holder_.issuing->Tick();
  ASSERT_TRUE(again.has_value());
  for (Outgoing& item : *again) holder_.Flow(std::move(item), {&issuer_});
  EXPECT_EQ(holder_.Last(*holder_.issuing), kDone);
  verifier_.status.revoked = true;
  Ask({.types = {"Diploma"}, .issuers = {issuer_.did}});
  EXPECT_EQ(verifier_.Last(*verifier_.proving), kAbandoned);
  EXPECT_EQ(verifier_.Problem(*verifier_.proving), kProblemBadPresentation);
}

TEST_F(Exchanges, RefusalsNameTheirReason) {
  Issue();
  Ask({.types = {"DrivingLicence"}, .issuers = {}});
  EXPECT_EQ(verifier_.Problem(*verifier_.proving), kProblemNotHeld);
  issuer_.parts.grant = {};
  issuer_.Start("issuer");
  Trader second(world_, "second");
  second.Flow(second.issuing->Propose(second.did, issuer_.did, WishContent({.types = {"X"}}, kFormatRequest)),
              {&issuer_});
  EXPECT_EQ(second.Problem(*second.issuing), kProblemNotGranted);
  Trader third(world_, "third");
  ExchangeContent foreign;
  foreign.attachments = {WishContent({.types = {"X"}}, "dif/credential-manifest@v1.0").attachments[0]};
  third.Flow(third.issuing->Propose(third.did, issuer_.did, foreign), {&issuer_});
  EXPECT_EQ(third.Problem(*third.issuing), kProblemFormat);
}

// Presentations that must convince nobody: made by hand, given to a verifier that asked.
TEST_F(Exchanges, PresentationsThatDontHold) {
  Issue();
  ASSERT_EQ(holder_.held.List()->size(), 1u);
  const Held credential = holder_.held.List()->at(0);
  Trader mallory(world_, "mallory");
  world_.net.handlers["mem:mallory"] = [](std::string) -> Result<std::string> { return std::string(); };
  auto attempt = [&](const std::function<void(vc::PresentationRequest&)>& change, const Trader& signer) {
    PresentationWish wish;
    wish.credentials = {{.types = {"Diploma"}, .issuers = {issuer_.did}}};
    auto request = verifier_.proving->Request(verifier_.did, mallory.did, RequestContent(wish, verifier_.did, true));
    const std::string thread = request->message.id;
    const auto asked = *ReadPresentationWish(request->message);
    vc::PresentationRequest made;
    made.holder = signer.did;
    made.audience = verifier_.did;
    made.nonce = asked.nonce;
    made.iat = world_.clock.now;
    made.credentials = {credential.jwt};
    change(made);
    const did::KeyRef key = *world_.keys.Find(signer.did + "#key-2");
    Message message;
    message.type = "https://didcomm.org/present-proof/3.0/presentation";
    message.thid = thread;
    message.attachments = {JwtAttachment(*vc::CreatePresentation(made, *key.store, key.handle, signer.did + "#key-2"),
                                         kFormatPresentation)};
    EXPECT_TRUE(verifier_.agent->Receive(PackFor(world_, message, mallory.did, verifier_.did)).has_value());
    const auto record = *verifier_.proving->Find({verifier_.did, mallory.did, thread});
    return record->state;
  };
  EXPECT_EQ(attempt([](vc::PresentationRequest&) {}, mallory), kAbandoned) << "about the holder, shown by another";
  EXPECT_EQ(attempt([](vc::PresentationRequest&) {}, holder_), kAbandoned) << "the holder's own, shown by another";
  EXPECT_EQ(attempt([](vc::PresentationRequest& made) { made.nonce = "old"; }, mallory), kAbandoned);
  EXPECT_EQ(attempt([&](vc::PresentationRequest& made) { made.audience = issuer_.did; }, mallory), kAbandoned);
  EXPECT_EQ(attempt([](vc::PresentationRequest& made) { made.credentials.clear(); }, mallory), kAbandoned);
  // The same by mallory with a credential of its own is accepted: it is the cases that fail, not the road.
  Held own;
  mallory.issuing->Propose(mallory.did, issuer_.did, {});
  mallory.Start("mallory");
  mallory.Flow(mallory.issuing->Propose(mallory.did, issuer_.did, WishContent({.types = {"Diploma"}}, kFormatRequest)),
               {&issuer_});
  ASSERT_EQ(mallory.held.List()->size(), 1u);
  world_.net.handlers["mem:mallory"] = [](std::string) -> Result<std::string> { return std::string(); };
  EXPECT_EQ(
      attempt([&](vc::PresentationRequest& made) { made.credentials = {mallory.held.List()->at(0).jwt}; }, mallory),
      kDone);
  // mallory's credential in somebody else's hand, handed on by mallory.
  EXPECT_EQ(
      attempt([&](vc::PresentationRequest& made) { made.credentials = {mallory.held.List()->at(0).jwt}; }, holder_),
      kAbandoned);
}

TEST_F(Exchanges, ProversAreNotLured) {
  Issue();
  PresentationWish wish;
  wish.credentials = {{.types = {"Diploma"}, .issuers = {}}};
  // No nonce, or made for somebody else: a presentation that could be shown on.
  for (const bool no_nonce : {true, false}) {
    ExchangeContent content = RequestContent(wish, no_nonce ? verifier_.did : issuer_.did, true);
    if (no_nonce) {
      wish.audience = verifier_.did;
      content.attachments = {ToAttachment(wish)};
    }
    world_.clock.Advance(1);
    verifier_.Flow(verifier_.proving->Request(verifier_.did, holder_.did, content), {&holder_});
    EXPECT_EQ(holder_.Last(*holder_.proving), kAbandoned) << no_nonce;
    EXPECT_EQ(verifier_.Problem(*verifier_.proving), kProblemFormat);
  }
  // And nothing is shown without its holder's word.
  holder_.parts.show = {};
  holder_.Start("holder");
  Ask({.types = {"Diploma"}, .issuers = {issuer_.did}});
  EXPECT_EQ(holder_.Last(*holder_.proving), kRequestReceived);
}

TEST(Formats, WrittenAndRead) {
  PresentationWish wish{
      .nonce = "n", .audience = "did:example:v", .credentials = {{{"A", "B"}, {"did:example:i"}}, {{"C"}, {}}}};
  Message message;
  message.attachments = {ToAttachment(wish)};
  auto again = ReadPresentationWish(message);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->nonce, "n");
  EXPECT_EQ(again->credentials.size(), 2u);
  EXPECT_EQ(again->credentials[0].types, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(again->credentials[0].issuers, std::vector<std::string>{"did:example:i"});
  // The base64 form of the same.
  message.attachments[0].base64 = base::Base64Url(AsBytes(message.attachments[0].json));
  message.attachments[0].json.clear();
  EXPECT_TRUE(ReadPresentationWish(message).has_value());
  // A hash that isn't the content's.
  message.attachments[0].hash = AttachmentHash(AsBytes("something else"));
  EXPECT_EQ(ReadPresentationWish(message).error().code, Code::kCorrupt);
  message.attachments[0].hash.clear();
  message.attachments[0].base64.clear();
  for (const char* bad : {"{}", "[]", R"({"credentials":[]})", R"({"credentials":[5]})", R"({"credentials":{}})",
                          R"({"credentials":[{"types":"A"}]})", R"({"credentials":[{}],"nonce":1})"}) {
    message.attachments[0].json = bad;
    EXPECT_FALSE(ReadPresentationWish(message).has_value()) << bad;
  }
  message.attachments[0].format = "other";
  EXPECT_EQ(ReadPresentationWish(message).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace keel::exchange
