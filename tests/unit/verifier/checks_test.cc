// SPDX-License-Identifier: Apache-2.0
// What the verifier finds out before it says yes: proofs of its own title (Prover) and the device's papers
// (HardwareCheck), against a real registry node.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "did/methods/keel.h"
#include "ledger/limits.h"
#include "ledger/map_proof.h"
#include "ledger/network.h"
#include "ledger/pack.h"
#include "onboarding/firmware.h"
#include "tests/fakes/custody_world.h"
#include "vc/definition/definition.h"
#include "vc/schema/bundled.h"
#include "verifier/hardware_check.h"
#include "verifier/prover.h"

namespace keel::verifier {
namespace {

using fakes::json;

class CountingHistories final : public registry_client::HistorySource {
 public:
  Result<registry_client::VerifiedHistory> ResolveDid(const std::string& did) override {
    ++asked;
    if (fail) return Fail(Code::kUnreachable, "fake");
    registry_client::VerifiedHistory history;
    history.did = did;
    return history;
  }
  int asked = 0;
  bool fail = false;
};

class HandClock final : public Clock {
 public:
  uint64_t TicksMs() override { return ticks; }
  Result<UnixSeconds> Now() override { return base::NowSeconds(); }
  uint64_t ticks = 1;
};

TEST(CachedHistoriesTest, KeepsForAWhileAndNeverAFailure) {
  CountingHistories source;
  HandClock clock;
  did::CachingHistorySource recent(source, clock, 5000);
  source.fail = true;
  EXPECT_FALSE(recent.ResolveDid("did:keel:a:b"));
  source.fail = false;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(recent.ResolveDid("did:keel:a:b"));
  EXPECT_EQ(source.asked, 2);
  clock.ticks += 5000;
  ASSERT_TRUE(recent.ResolveDid("did:keel:a:b"));
  EXPECT_EQ(source.asked, 3) << "a rotation must be seen within the time said";
  source.fail = true;
  clock.ticks += 5000;
  EXPECT_FALSE(recent.ResolveDid("did:keel:a:b")) << "what is out of date does not serve";
}

class ChecksTest : public testing::Test {
 protected:
  ChecksTest() : maker_(world_, world_ / "maker"), owner_(world_, world_ / "owner") {
    maker_.Manufacture(1);
    fakes::Pass(maker_, owner_, 1);
    record_ = (*owner_.store().List()).front();
  }
  // The claim as `keel-verifier claim` makes it.
  Claim MakeClaim() {
    Claim claim;
    claim.did = record_.did;
    for (size_t i = 1; i <= record_.links.size(); ++i) {
      const auto& from = record_.links[i - 1];
      ChainLink link;
      base::ByteVec body(ledger::kMaxItemBody);
      ByteWriter w(body);
      w.Put(ByteView(from.link)).U16(static_cast<uint16_t>(from.policy.size())).Put(ByteView(from.policy));
      w.Put(ByteView(from.sigs));
      body.resize(w.size());
      link.item = body;
      link.spent_seal = record_.SealBefore(i);
      claim.links.push_back(link);
    }
    claim.seal = record_.LastSeal();
    return claim;
  }

  fakes::World world_;
  fakes::Role maker_, owner_;
  custody::DeviceRecord record_;
  base::SystemClock clock_;
  // Asks nobody: whatever is in it, a pack has brought.
  class Nobody final : public registry_client::HistorySource {
   public:
    Result<registry_client::VerifiedHistory> ResolveDid(const std::string&) override {
      return Fail(Code::kUnreachable, "nobody");
    }
  } nobody_;
  did::CachingHistorySource histories_{nobody_, clock_, 60'000};
};

TEST_F(ChecksTest, APackForTheLinksThatTheDeviceDoesNotKnow) {
  Prover prover(owner_.registry(), histories_, crypto::SystemRandom(), owner_.did());
  const auto whole = prover.MakePack(MakeClaim(), 0);
  ASSERT_TRUE(whole) << whole.error().Text();
  EXPECT_GT(whole->time, 0u);
  EXPECT_LE(whole->sealed.size(), 128u << 10);
  const auto none = prover.MakePack(MakeClaim(), 1);
  ASSERT_TRUE(none);
  EXPECT_LT(none->length, whole->length);
  EXPECT_FALSE(ConstantTimeEqual(none->key.ExposeSecret(), whole->key.ExposeSecret())) << "a key is one pack's own";
  EXPECT_EQ(prover.MakePack(MakeClaim(), 2).error().code, Code::kConflict);
}

TEST_F(ChecksTest, TheDevicesHistoryComesWithItsPack) {
  EXPECT_FALSE(histories_.ResolveDid(record_.did));
  Prover prover(owner_.registry(), histories_, crypto::SystemRandom(), owner_.did());
  ASSERT_TRUE(prover.MakePack(MakeClaim(), 0));
  const auto history = histories_.ResolveDid(record_.did);
  ASSERT_TRUE(history) << history.error().Text();
  EXPECT_EQ(history->operations.size(), 1u);
  EXPECT_FALSE(history->deactivated);
  // A device that the registry doesn't know costs nobody a pack.
  Claim unknown = MakeClaim();
  unknown.did = std::string(ledger::DidOfScid(owner_.registry().label(), Bytes32{1})->view());
  EXPECT_TRUE(prover.MakePack(unknown, 0));
  EXPECT_FALSE(histories_.ResolveDid(unknown.did));
}

TEST_F(ChecksTest, NoPackForALinkThatTheLedgerDoesNotHold) {
  Prover prover(owner_.registry(), histories_, crypto::SystemRandom(), owner_.did());
  Claim never = MakeClaim();
  never.links[0].spent_seal[0] ^= 1;
  EXPECT_EQ(prover.MakePack(never, 0).error().code, Code::kConflict);
  Claim other = MakeClaim();
  other.links[0].item[100] ^= 1;
  EXPECT_EQ(prover.MakePack(other, 0).error().code, Code::kConflict);
  Claim spent = MakeClaim();
  spent.seal = spent.links[0].spent_seal;
  EXPECT_EQ(prover.MakePack(spent, 1).error().code, Code::kConflict) << "our seal is spent";
}

TEST_F(ChecksTest, ManyPacksAtOnceShareTheirQuestions) {
  Prover prover(owner_.registry(), histories_, crypto::SystemRandom(), owner_.did());
  const Claim claim = MakeClaim();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 32; ++i) threads.emplace_back([&] { good += prover.MakePack(claim, 0).has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 32);
}

TEST_F(ChecksTest, UnknownOwnersHaveNoPack) {
  Prover prover(owner_.registry(), histories_, crypto::SystemRandom(),
                "did:keel:keel-local:zQmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd");
  EXPECT_FALSE(prover.MakePack(MakeClaim(), 0));
}

class NoStatus final : public vc::StatusChecker {
 public:
  Result<Status> Check(const vc::StatusEntry&, const std::string&, UnixSeconds) override {
    if (!said) return Fail(Code::kUnreachable, "status");
    return *said;
  }
  std::optional<Status> said;
};

class HardwareTest : public ChecksTest {
 protected:
  HardwareTest() : batches_(owner_.registry()), check_({owner_.resolver(), owner_.registry(), batches_, status_}) {}
  Result<HardwareReport> Check(const std::string& jwt, const json& batch, const Policy& policy = Policy::Default(),
                               const json& report = json::object()) {
    return check_.Check(jwt, batch, record_.did, maker_.did(), report, policy, base::NowSeconds());
  }
  json Batch() { return *base::ParseJson(record_.hardware.batch); }
  static bool Refused(const Result<HardwareReport>& report, const std::string& rule) {
    if (!report || report->judgement.accepted) return false;
    for (const RuleOutcome& outcome : report->judgement.outcomes)
      if (!outcome.ok && outcome.rule.find(rule) != std::string::npos) return true;
    return false;
  }
  std::string Issue(const json& credential) {
    return *vc::IssueCredential(credential, maker_.identity().keys(), maker_.identity().auth(),
                                maker_.identity().auth_kid());
  }
  json Paper(const std::string& device) {
    vc::HardwareRequest paper;
    paper.issuer = maker_.did();
    paper.device = device;
    paper.valid_from = base::NowSeconds();
    paper.facts.serial = "SN-1";
    paper.facts.model = "gateway";
    return vc::HardwareCredential(paper);
  }

  NoStatus status_;
  BatchIndices batches_;
  HardwareCheck check_;
};

TEST_F(HardwareTest, GoodPapers) {
  const auto report = Check(record_.hardware.jwt, Batch(), Policy::Default(), {{"firmware", {{"version", "3.1"}}}});
  ASSERT_TRUE(report) << report.error().Text();
  EXPECT_TRUE(report->judgement.accepted) << report->judgement.ToJson().dump(1);
  EXPECT_EQ(report->serial, record_.serial);
  EXPECT_EQ(report->model, record_.model);
  EXPECT_EQ(report->firmware_version, "3.1");
  const json facts = *base::ParseJson(report->facts);
  EXPECT_EQ(facts["manufacturer"], maker_.did());
  EXPECT_TRUE(facts["ledgerIndex"].is_number()) << facts.dump(1);
}

// A policy can demand a credential definition; one that is named must hold, demanded or not.
TEST_F(HardwareTest, CredentialDefinitions) {
  json rules = {{"types", {"HardwareCredential"}},
                {"schema", "https://keel-protocol.org/schemas/v1/HardwareCredential.json"},
                {"digest", vc::DigestSri(vc::FindBundledSchema("HardwareCredential")->text)},
                {"formats", {"vc+jwt"}},
                {"algorithms", {"EdDSA"}}};
  vc::CredentialDefinition definition = *vc::CredentialDefinition::FromJson(rules);
  definition.author = maker_.did();
  definition.id = "gateway-1";
  bool down = false;
  vc::SchemaStore schemas;
  vc::DefinitionBook book(
      schemas, [&](const std::string&, const std::string& id) -> Result<vc::DefinitionBook::Anchored> {
        if (down) return Fail(Code::kUnreachable, "registry", "down");
        if (id != "gateway-1") return Fail(Code::kNotFound, "definition", "none");
        return vc::DefinitionBook::Anchored{definition.schema, base::DumpJson(definition.Content())};
      });
  HardwareCheck check({owner_.resolver(), owner_.registry(), batches_, status_, &book});
  const auto judge = [&](const json& credential, const Policy& policy) {
    return check.Check(Issue(credential), json(), record_.did, maker_.did(), json::object(), policy,
                       base::NowSeconds());
  };
  const Policy demands = *Policy::Parse(R"({"v":1,"rules":[{"field":"/definition/ok","op":"eq","value":true}]})");
  json paper = Paper(record_.did);
  EXPECT_TRUE(judge(paper, Policy::Default())->judgement.accepted);
  EXPECT_TRUE(Refused(judge(paper, demands), "/definition/ok"));
  definition.Name(paper);
  down = true;  // nothing of it could be checked: no refusal
  EXPECT_EQ(judge(paper, Policy::Default()).error().code, Code::kUnreachable);
  down = false;
  const auto good = judge(paper, demands);
  ASSERT_TRUE(good) << good.error().Text();
  EXPECT_TRUE(good->judgement.accepted) << good->judgement.ToJson().dump(1);
  EXPECT_EQ((*base::ParseJson(good->facts))["definition"]["id"], definition.Url());
  paper["credentialSubject"].erase("model");
  EXPECT_TRUE(Refused(judge(paper, Policy::Default()), "definition"));
}

TEST_F(HardwareTest, SchemasThatTheCredentialNames) {
  vc::SchemaStore store(
      {.from_ledger = {}, .given = {{"urn:lamp", R"({"properties":{"credentialSubject":{"required":["serial"]}}})"}}});
  vc::StoreSchemaChecker schemas(store);
  HardwareCheck check({owner_.resolver(), owner_.registry(), batches_, status_, nullptr, &schemas});
  json paper = Paper(record_.did);
  paper["credentialSchema"] = {{"id", "urn:lamp"}, {"type", "JsonSchema"}};
  const auto judge = [&] {
    return check.Check(Issue(paper), json(), record_.did, maker_.did(), json::object(), Policy::Default(),
                       base::NowSeconds());
  };
  EXPECT_TRUE(judge()->judgement.accepted);
  paper["credentialSubject"].erase("serial");
  EXPECT_TRUE(Refused(judge(), "schema"));
}

TEST_F(HardwareTest, PapersThatAreNot) {
  EXPECT_TRUE(Refused(Check(Issue(Paper("did:keel:demo:zOther")), json()), "subject"));
  std::string forged = record_.hardware.jwt;
  const size_t at = forged.rfind('.') + 5;
  forged[at] = forged[at] == 'A' ? 'B' : 'A';
  EXPECT_TRUE(Refused(Check(forged, json()), "signature"));
  EXPECT_TRUE(Refused(Check("not a jwt", json()), "envelope"));
  EXPECT_TRUE(Refused(Check("", json()), "envelope"));
  json fleet = Paper(record_.did);
  fleet["type"] = {"VerifiableCredential", "FleetCredential"};
  EXPECT_TRUE(Refused(Check(Issue(fleet), json()), "type"));
  json late = Paper(record_.did);
  late["validUntil"] = "2020-01-01T00:00:00Z";
  late["validFrom"] = "2019-01-01T00:00:00Z";
  EXPECT_TRUE(Refused(Check(Issue(late), json()), "validity"));
}

TEST_F(HardwareTest, ABatchThatTheCredentialIsNotIn) {
  json batch = Batch();
  batch["salt"] = base::Base64Url(Bytes32{});
  const auto report = Check(record_.hardware.jwt, batch);
  EXPECT_TRUE(!report || !report->judgement.accepted);
}

TEST_F(HardwareTest, ARotatedKeyCountsForWhatWasAnchoredBefore) {
  const auto rotated = maker_.identity().Rotate(maker_.registry(), std::nullopt);
  ASSERT_TRUE(rotated) << rotated.error().Text();
  const auto with = Check(record_.hardware.jwt, Batch());
  ASSERT_TRUE(with) << with.error().Text();
  EXPECT_TRUE(with->judgement.accepted) << with->judgement.ToJson().dump(1);
  const auto without = Check(record_.hardware.jwt, json());
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->judgement.accepted) << "nothing says when it was issued";
}

// Ends the DID of the Role in `folder` for good.
void Deactivate(fakes::Role& role) {
  const auto file = base::ParseJson(*base::ReadFile(role.folder() + "/identity.json"));
  auto& keys = role.identity().keys();
  did::KeelUpdate update;
  update.by = {{&keys, *keys.FindLabel((*file)["auth"]["next"].get<std::string>())}};
  update.deactivate = true;
  const auto history = role.registry().ResolveDid(role.did());
  ASSERT_TRUE(history) << history.error().Text();
  const auto operation = did::UpdateKeelDid(*history, update);
  ASSERT_TRUE(operation) << operation.error().Text();
  std::vector<uint8_t> entry(operation->jws.size() + 16);
  entry.resize(*ledger::WriteOperationEntry(operation->jws, entry));
  const auto verdicts = role.registry().Submit({&entry, 1});
  ASSERT_TRUE(verdicts) << verdicts.error().Text();
  ASSERT_EQ(verdicts->front().code, Code::kOk) << verdicts->front().detail;
}

TEST_F(HardwareTest, ADeactivatedManufacturersDevicesAreRefusedByName) {
  json paper = Paper(record_.did);
  paper["credentialStatus"] = {{"id", "http://127.0.0.1:9/status#1"},
                               {"type", "BitstringStatusListEntry"},
                               {"statusPurpose", "revocation"},
                               {"statusListIndex", "1"},
                               {"statusListCredential", "http://127.0.0.1:9/status"}};
  const std::string with_status = Issue(paper);
  Deactivate(maker_);
  // Anchored while the manufacturer was there, and still: who would say that it was revoked?
  const auto report = Check(record_.hardware.jwt, Batch());
  ASSERT_TRUE(report) << report.error().Text();
  EXPECT_TRUE(Refused(report, "manufacturer"));
  EXPECT_NE(report->judgement.Sentence().find("is deactivated"), std::string::npos) << report->judgement.Sentence();
  for (const RuleOutcome& outcome : report->judgement.outcomes)
    EXPECT_TRUE(outcome.ok || outcome.rule.find("manufacturer") != std::string::npos) << outcome.rule;
  // No batch: its keys are gone too, and that is named.
  EXPECT_TRUE(Refused(Check(with_status, json()), "issuer"));
}

TEST_F(HardwareTest, ManufacturersThatPolicyDoesNotTrust) {
  const auto policy = Policy::Parse(R"({"v":1,"trustedManufacturers":["did:keel:demo:zOther"],"rules":[]})");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(Refused(Check(record_.hardware.jwt, Batch(), *policy), "trust"));
}

TEST_F(HardwareTest, WithoutAListTheMakerOfTheSaleIsTrustedAndNobodyElse) {
  // Good in every way but for who signed it: a did:key that whoever holds the device has made up.
  auto keys = crypto::SoftwareKeyStore::CreateInMemory();
  const auto key = *keys->Generate(crypto::KeyType::kEd25519);
  const std::string kid = did::DidKeyUrl(*keys->Public(key));
  json paper = Paper(record_.did);
  paper["issuer"] = did::DidKey(*keys->Public(key));
  paper["credentialSubject"]["secureHardware"] = "SE050";
  const std::string jwt = *vc::IssueCredential(paper, *keys, key, kid);
  const auto report = Check(jwt, json());
  EXPECT_TRUE(Refused(report, "trust"));
  for (const RuleOutcome& outcome : report->judgement.outcomes)
    EXPECT_TRUE(outcome.ok || outcome.rule.find("trust") != std::string::npos) << outcome.rule << ": " << outcome.why;
  EXPECT_TRUE(Refused(check_.Check(record_.hardware.jwt, Batch(), record_.did, "", json::object(), Policy::Default(),
                                   base::NowSeconds()),
                      "trust"))
      << "no maker is nobody, not anybody";
}

TEST_F(HardwareTest, AStatusThatCouldNotBeCheckedIsAnErrorNotAYes) {
  json paper = Paper(record_.did);
  paper["credentialStatus"] = {{"id", "http://127.0.0.1:9/status#1"},
                               {"type", "BitstringStatusListEntry"},
                               {"statusPurpose", "revocation"},
                               {"statusListIndex", "1"},
                               {"statusListCredential", "http://127.0.0.1:9/status"}};
  const auto report = Check(Issue(paper), json());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kUnreachable);
}

TEST_F(HardwareTest, ThePolicyKnowsHowOldTheStatusListIs) {
  json paper = Paper(record_.did);
  paper["credentialStatus"] = {{"id", "http://127.0.0.1:9/status#1"},
                               {"type", "BitstringStatusListEntry"},
                               {"statusPurpose", "revocation"},
                               {"statusListIndex", "1"},
                               {"statusListCredential", "http://127.0.0.1:9/status"}};
  const std::string jwt = Issue(paper);
  const UnixSeconds now = base::NowSeconds();
  const auto facts = [&](const vc::StatusChecker::Status& said) {
    status_.said = said;
    const auto report = check_.Check(jwt, json(), record_.did, maker_.did(), json::object(), Policy::Default(), now);
    EXPECT_TRUE(report) << report.error().Text();
    return (*base::ParseJson(report->facts))["status"];
  };
  vc::StatusChecker::Status said{
      .version = 12, .issued_at = now - 7200, .valid_until = now + 3600, .fetched_at = now - 40, .detail = ""};
  const json dated = facts(said);
  EXPECT_EQ(dated, json({{"checked", true},
                         {"ok", true},
                         {"set", json::array()},
                         {"fresh", true},
                         {"version", 12},
                         {"ageSeconds", 7200},
                         {"heldSeconds", 40},
                         {"validUntil", base::Rfc3339(now + 3600)},
                         {"secondsLeft", 3600}}));
  said.valid_until = now - 5;
  said.fresh = false;
  said.issued_at = now + 30;  // by a clock that is ahead, within what is allowed
  const json odd = facts(said);
  EXPECT_EQ(odd["ageSeconds"], 0);
  EXPECT_EQ(odd["secondsLeft"], 0);
  EXPECT_EQ(odd["fresh"], false);
  said = {.version = 12, .detail = ""};
  const json undated = facts(said);
  EXPECT_FALSE(undated.contains("ageSeconds")) << undated;

  const auto accepted = [&](const std::string& rule, uint64_t age, uint64_t version) {
    status_.said = vc::StatusChecker::Status{.version = version, .issued_at = now - age, .detail = ""};
    const auto policy = Policy::Parse(R"({"v":1,"rules":[)" + rule + "]}");
    EXPECT_TRUE(policy);
    const auto report = check_.Check(jwt, json(), record_.did, maker_.did(), json::object(), *policy, now);
    EXPECT_TRUE(report);
    return report->judgement.accepted;
  };
  const std::string hour = R"({"field":"/status/ageSeconds","op":"le","value":3600,"why":"an hour at most"})";
  EXPECT_TRUE(accepted(hour, 3600, 1));
  EXPECT_FALSE(accepted(hour, 3601, 1));
  const std::string seventh = R"({"field":"/status/version","op":"ge","value":7})";
  EXPECT_TRUE(accepted(seventh, 1, 7));
  EXPECT_FALSE(accepted(seventh, 1, 6));
  // Papers without any status: nothing is known of a list, so a rule on its age is not met.
  const auto policy = Policy::Parse(R"({"v":1,"rules":[)" + hour + "]}");
  EXPECT_TRUE(Refused(Check(Issue(Paper(record_.did)), json(), *policy), "/status/ageSeconds"));
}

TEST_F(HardwareTest, EveryCheckSaysWhatItWanted) {
  const auto report = Check(record_.hardware.jwt, Batch());
  ASSERT_TRUE(report) << report.error().Text();
  std::map<std::string, std::string> wanted;
  for (const RuleOutcome& outcome : report->judgement.outcomes) {
    EXPECT_FALSE(outcome.wanted.empty()) << outcome.rule;
    EXPECT_TRUE(outcome.wanted != "met" && !outcome.wanted.ends_with(" holds")) << outcome.rule << outcome.wanted;
    wanted[outcome.rule] = outcome.wanted;
  }
  EXPECT_EQ(wanted["hardware credential: subject"], json(record_.did).dump());
  EXPECT_EQ(wanted["hardware credential: trust"], json({maker_.did()}).dump());
}

TEST_F(HardwareTest, BatchIndicesAreAskedForOnce) {
  const Bytes32 nothing{};
  EXPECT_FALSE(batches_.Find(maker_.did(), nothing));
  const auto member = vc::BatchMember::FromJson(Batch());
  const auto root = member->Root(record_.hardware.jwt);
  ASSERT_TRUE(root);
  const auto first = batches_.Find(maker_.did(), *root);
  ASSERT_TRUE(first);
  EXPECT_EQ(*batches_.Find(maker_.did(), *root), *first);
  EXPECT_EQ(*first, member->log_index);
}

}  // namespace
}  // namespace keel::verifier
