// SPDX-License-Identifier: Apache-2.0
// What a receiver refuses. Mallory's tools are the library's own: she holds keys and old copies of folders.
#include <gtest/gtest.h>

#include "custody/internal/report.h"
#include "tests/fakes/custody_world.h"

namespace keel::custody {
namespace {

using fakes::Pass;
using fakes::Role;
using fakes::World;
using nlohmann::json;

// A package with changed records, made with the giver's own keys.
std::string Forge(Role& giver, Role& receiver, const std::string& request_file, std::vector<DeviceRecord> records) {
  const auto request = ReadRequest(receiver.context(), *base::ReadFile(request_file), false);
  EXPECT_TRUE(request) << request.error().Text();
  Package package;
  package.id = "forged";
  package.request = request->id;
  package.operations = giver.identity().operations();
  package.devices = std::move(records);
  const auto text = WritePackage(giver.context(), package, *receiver.registry().ResolveDid(receiver.did()));
  EXPECT_TRUE(text) << text.error().Text();
  const std::string file = giver.folder() + "/forged";
  EXPECT_TRUE(base::WriteFileAtomic(file, *text));
  return file;
}

TEST(AttackTest, DoubleSaleByARestoredFolder) {
  World world;
  Role shop(world, world / "shop"), owner(world, world / "owner");
  {
    Role maker(world, world / "maker");
    maker.Manufacture(2);
  }
  std::filesystem::copy(world / "maker", world / "copy", std::filesystem::copy_options::recursive);
  {
    Role maker(world, world / "maker", false);
    EXPECT_EQ(Pass(maker, shop, 2)["imported"].size(), 2u);
  }
  Role copy(world, world / "copy", false);
  const json sold = copy.Do({{"verb", "transfer"}, {"request", owner.Request(2)}, {"out", world / "p"}, {"all", true}});
  EXPECT_EQ(sold["given"].size(), 0u);
  ASSERT_EQ(sold["refused"].size(), 2u) << sold;
  const json& evidence = sold["refused"][0]["evidence"];
  EXPECT_NE(evidence["anchored"]["link"], evidence["ours"]["link_hash"]);
  EXPECT_FALSE(base::FileExists(world / "p"));
  // Offline, the second buyer takes the papers, but not for held; anchoring shows the fraud.
  EXPECT_EQ(copy.store().List(DeviceState::kHeld)->size(), 0u);
}

TEST(AttackTest, DoubleSaleOfflineTheFirstAnchoredWins) {
  World world;
  Role shop(world, world / "shop"), owner(world, world / "owner");
  {
    Role maker(world, world / "maker");
    maker.Manufacture(1);
  }
  std::filesystem::copy(world / "maker", world / "copy", std::filesystem::copy_options::recursive);
  Role maker(world, world / "maker", false), copy(world, world / "copy", false);
  EXPECT_EQ(Pass(maker, shop, 1, true)["imported"].size(), 1u);
  EXPECT_EQ(Pass(copy, owner, 1, true)["imported"].size(), 1u);
  EXPECT_EQ(owner.Do({{"verb", "anchor"}})["anchored"].size(), 1u);
  const json late = shop.Do({{"verb", "anchor"}});
  ASSERT_EQ(late["refused"].size(), 1u) << late;
  EXPECT_EQ(late["refused"][0]["code"], "seal_spent");
  EXPECT_TRUE(late["refused"][0]["evidence"].contains("ours"));
  EXPECT_EQ(shop.store().List(DeviceState::kHeld)->size(), 0u);
}

TEST(AttackTest, SecondFirstLinkWithTheManufacturersKey) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), mallory(world, world / "mallory");
  maker.Manufacture(1);
  const DeviceRecord device = maker.store().List()->front();
  ASSERT_EQ(Pass(maker, shop, 1)["imported"].size(), 1u);
  // The maker's signing key is Mallory's now; the root seal's key was destroyed when it was spent. She signs with a
  // seal of hers.
  const std::string request = mallory.Request(1);
  const auto wanted = ReadRequest(mallory.context(), *base::ReadFile(request), false);
  const auto seal = *maker.store().MakeSeal();
  DeviceRecord stolen = device;
  stolen.hardware.root_seal = device.hardware.root_seal;
  ledger::LinkRecord link;
  link.net = maker.identity().net();
  link.device_tag = ledger::DeviceTag(device.did);
  link.i = 1;
  link.prev = device.hardware.root_seal;
  link.seal = wanted->seals[0];
  vc::OwnershipRequest paper{maker.did(), device.did, mallory.did(), base::NowSeconds(), ""};
  stolen.credential = *vc::IssueCredential(vc::OwnershipCredential(paper), maker.identity().keys(),
                                           maker.identity().auth(), maker.identity().auth_kid());
  link.cred = crypto::Sha256::Of(stolen.credential);
  ChainLink forged;
  forged.link = base::ToBytes(ByteView(ledger::WriteLink(link)));
  forged.policy = seal.policy;
  forged.sigs = *maker.store().SignSpend(
      seal.seal, ledger::SpendMessage(link.net, device.hardware.root_seal, ledger::LinkHash(forged.link)));
  stolen.links = {forged};
  const json refused = mallory.Do({{"verb", "import"}, {"file", Forge(maker, mallory, request, {stolen})}});
  ASSERT_EQ(refused["refused"].size(), 1u) << refused;
  EXPECT_EQ(refused["refused"][0]["code"], "bad_chain");
  // And the ledger doesn't take the spend either.
  const std::vector<uint8_t> entry = *SpendEntryOf(stolen, 1);
  EXPECT_NE(mallory.registry().Submit({&entry, 1})->front().code, Code::kOk);
  // A root seal of her own isn't what the device's DID commits to.
  stolen.hardware.root_seal = seal.seal;
  EXPECT_EQ(CheckPapers(stolen, maker.identity().net()).error().code, Code::kBadChain);
}

TEST(AttackTest, EveryPartOfTheChainGoneBad) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), owner(world, world / "owner");
  maker.Manufacture(2);
  ASSERT_EQ(Pass(maker, shop, 2)["imported"].size(), 2u);
  ASSERT_EQ(Pass(shop, owner, 2)["imported"].size(), 2u);
  const std::vector<DeviceRecord> records = *owner.store().List();
  const Bytes32 net = owner.identity().net();
  const DeviceRecord& good = records[0];
  ASSERT_TRUE(CheckPapers(good, net));
  const std::vector<std::pair<const char*, std::function<void(DeviceRecord&)>>> changes = {
      {"salt", [](DeviceRecord& r) { r.hardware.salt[0] ^= 1; }},
      {"root seal", [](DeviceRecord& r) { r.hardware.root_seal[0] ^= 1; }},
      {"did", [&](DeviceRecord& r) { r.did = records[1].did; }},
      {"operation", [](DeviceRecord& r) { r.ops[0].jws.back() ^= 1; }},
      {"other device's operation", [&](DeviceRecord& r) { r.ops = records[1].ops; }},
      {"links swapped", [](DeviceRecord& r) { std::swap(r.links[0], r.links[1]); }},
      {"first link dropped", [](DeviceRecord& r) { r.links.erase(r.links.begin()); }},
      {"last link dropped", [](DeviceRecord& r) { r.links.pop_back(); }},
      {"link of another device", [&](DeviceRecord& r) { r.links[1] = records[1].links[1]; }},
      {"link changed", [](DeviceRecord& r) { r.links[1].link[150] ^= 1; }},
      {"signature", [](DeviceRecord& r) { r.links[1].sigs.back() ^= 1; }},
      {"policy", [](DeviceRecord& r) { r.links[1].policy = r.links[0].policy; }},
      {"credential", [](DeviceRecord& r) { r.credential.back() = r.credential.back() == 'A' ? 'B' : 'A'; }},
      {"other device's credential", [&](DeviceRecord& r) { r.credential = records[1].credential; }},
      {"no credential", [](DeviceRecord& r) { r.credential.clear(); }},
  };
  for (const auto& [name, change] : changes) {
    DeviceRecord bad = good;
    change(bad);
    EXPECT_FALSE(CheckPapers(bad, net)) << name;
  }
  Bytes32 other_net = net;
  other_net[0] ^= 1;
  EXPECT_FALSE(CheckPapers(good, other_net));
}

TEST(AttackTest, ImportRefusesWhatIsNotForUs) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), other(world, world / "other");
  maker.Manufacture(3);
  const std::string request = shop.Request(3);
  maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p"}, {"serials", {"SN-1"}}});
  EXPECT_FALSE(other.Try({{"verb", "import"}, {"file", world / "p"}}));  // another's envelope
  const json taken = shop.Do({{"verb", "import"}, {"file", world / "p"}});
  ASSERT_EQ(taken["imported"].size(), 1u);
  const DeviceRecord sold = shop.store().List()->front();
  // A device that the giver still holds: no link to us.
  json refused =
      shop.Do({{"verb", "import"}, {"file", Forge(maker, shop, request, {*maker.store().FindSerial("SN-2")})}});
  EXPECT_EQ(refused["refused"][0]["code"], "bad_chain") << refused;
  // A seal of ours used for a second device.
  const DeviceRecord second = *maker.store().FindSerial("SN-2");
  auto links = *BuildLinks(maker.context(), {{&second, ledger::ParseLink(sold.links[0].link)->seal, shop.did()}});
  ASSERT_TRUE(SignLinks(maker.context(), {second}, links, false));
  refused = shop.Do({{"verb", "import"}, {"file", Forge(maker, shop, request, {WithLink(second, links[0])})}});
  EXPECT_EQ(refused["refused"][0]["code"], "duplicate") << refused;
  // A credential by a giver other than the envelope's sender.
  const DeviceRecord third = *maker.store().FindSerial("SN-3");
  const auto wanted = ReadRequest(shop.context(), *base::ReadFile(request), false);
  links = *BuildLinks(maker.context(), {{&third, wanted->seals[2], shop.did()}});
  ASSERT_TRUE(SignLinks(maker.context(), {third}, links, false));
  refused = shop.Do({{"verb", "import"}, {"file", Forge(other, shop, request, {WithLink(third, links[0])})}});
  EXPECT_EQ(refused["refused"][0]["code"], "untrusted") << refused;
  // A credential that names another owner.
  links = *BuildLinks(maker.context(), {{&third, wanted->seals[2], other.did()}});
  ASSERT_TRUE(SignLinks(maker.context(), {third}, links, true));
  refused = shop.Do({{"verb", "import"}, {"file", Forge(maker, shop, request, {WithLink(third, links[0])})}});
  EXPECT_EQ(refused["refused"][0]["code"], "untrusted") << refused;
}

TEST(AttackTest, HardwareCredentialIsChecked) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(2);
  const std::string request = shop.Request(2);
  std::vector<DeviceRecord> devices = *maker.store().List();
  const auto wanted = ReadRequest(shop.context(), *base::ReadFile(request), false);
  auto links = *BuildLinks(maker.context(),
                           {{&devices[0], wanted->seals[0], shop.did()}, {&devices[1], wanted->seals[1], shop.did()}});
  ASSERT_TRUE(SignLinks(maker.context(), devices, links, false));
  DeviceRecord swapped = WithLink(devices[0], links[0]);
  swapped.hardware.jwt = devices[1].hardware.jwt;  // the paper of another device
  swapped.hardware.batch = devices[1].hardware.batch;
  DeviceRecord renamed = WithLink(devices[1], links[1]);
  renamed.serial = "SN-77";
  const json refused = shop.Do({{"verb", "import"}, {"file", Forge(maker, shop, request, {swapped, renamed})}});
  ASSERT_EQ(refused["refused"].size(), 2u) << refused;
  EXPECT_EQ(refused["refused"][0]["code"], "untrusted");
  EXPECT_EQ(refused["refused"][1]["code"], "untrusted");
}

TEST(AttackTest, BackdatedHardwareCredentialWithARotatedKey) {
  World world;
  Role shop(world, world / "shop");
  {
    Role maker(world, world / "maker");
    maker.Manufacture(1);
  }
  std::filesystem::copy(world / "maker", world / "thief", std::filesystem::copy_options::recursive);
  Role maker(world, world / "maker", false);
  const DeviceRecord before = maker.store().List()->front();
  ASSERT_TRUE(maker.identity().Rotate(maker.registry(), std::nullopt));
  Role thief(world, world / "thief", false);  // has the key as it was
  vc::HardwareRequest paper;
  paper.issuer = thief.did();
  paper.device = before.did;
  paper.valid_from = 1'700'000'000;
  paper.facts.serial = before.serial;
  paper.facts.model = before.model;
  DeviceRecord fake = before;
  fake.hardware.jwt = *vc::IssueCredential(vc::HardwareCredential(paper), thief.identity().keys(),
                                           thief.identity().auth(), thief.identity().auth_kid());
  fake.hardware.batch.clear();
  ChainStanding standing = AskStandings(shop.context(), {before})->front();
  DeviceRecord checked = before;
  Lookup lookup(shop.context());
  EXPECT_TRUE(CheckStanding(lookup, checked, standing));  // anchored before the rotation: stays good
  checked = fake;
  const auto without = CheckStanding(lookup, checked, standing);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Code::kUntrusted);
  // Nor can the thief anchor a batch of his own now.
  auto batch = *vc::MakeBatch(std::vector<std::string>{fake.hardware.jwt}, crypto::SystemRandom());
  fake.hardware.batch = base::DumpJson(batch.members[0].ToJson());
  checked = fake;
  EXPECT_FALSE(CheckStanding(lookup, checked, standing));
}

TEST(AttackTest, ADeviceThatWasPassedOnIsNotImported) {
  // The papers of an earlier holder are true, every spend in them is anchored: only the last seal is spent by now.
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), owner(world, world / "owner");
  maker.Manufacture(1);
  ASSERT_EQ(Pass(maker, shop, 1)["imported"].size(), 1u);
  DeviceRecord papers = shop.store().List()->front();
  Lookup lookup(shop.context());
  ChainStanding standing = AskStandings(shop.context(), {papers})->front();
  ASSERT_TRUE(CheckStanding(lookup, papers, standing));
  ASSERT_EQ(Pass(shop, owner, 1)["imported"].size(), 1u);
  standing = AskStandings(shop.context(), {papers})->front();
  const auto late = CheckStanding(lookup, papers, standing);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kSealSpent);
}

TEST(AttackTest, PackageOctetsChanged) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(2);
  maker.Do({{"verb", "transfer"}, {"request", shop.Request(2)}, {"out", world / "p"}, {"all", true}});
  const json good = *base::ParseJson(*base::ReadFile(world / "p"));
  const auto import = [&](const json& package) {
    EXPECT_TRUE(base::WriteFileAtomic(world / "bad", base::DumpJson(package)));
    return shop.Try({{"verb", "import"}, {"file", world / "bad"}});
  };
  json bad = good;
  std::string text = bad["devices"][0];
  text[100] = text[100] == 'A' ? 'B' : 'A';
  bad["devices"][0] = text;
  EXPECT_EQ(import(bad).error().code, Code::kBadProof);
  bad = good;
  bad["devices"].erase(1);
  EXPECT_EQ(import(bad).error().code, Code::kBadProof);
  bad = good;
  std::swap(bad["devices"][0], bad["devices"][1]);
  EXPECT_EQ(import(bad).error().code, Code::kBadProof);
  bad = good;
  bad["from"] = shop.did();
  EXPECT_FALSE(import(bad));
  bad = good;
  bad["operations"] = shop.identity().operations();
  EXPECT_FALSE(import(bad));
  for (const char* member : {"v", "type", "from", "operations", "envelope", "devices"}) {
    bad = good;
    bad.erase(member);
    EXPECT_FALSE(import(bad)) << member;
  }
  bad = good;
  bad["v"] = 2;
  EXPECT_EQ(import(bad).error().code, Code::kUnknownVersion);
  EXPECT_EQ(shop.store().List()->size(), 0u);
}

TEST(AttackTest, RequestsGoneBad) {
  World world, elsewhere;
  Role maker(world, world / "maker"), shop(world, world / "shop"), stranger(elsewhere, elsewhere / "stranger");
  maker.Manufacture(1);
  const auto sell = [&](const std::string& text) {
    EXPECT_TRUE(base::WriteFileAtomic(world / "r", text));
    return maker.Try({{"verb", "transfer"}, {"request", world / "r"}, {"out", world / "p"}, {"all", true}});
  };
  EXPECT_EQ(sell(*base::ReadFile(stranger.Request(1))).error().code, Code::kWrongNetwork);
  const std::string good = *base::ReadFile(shop.Request(1));
  std::string bad = good;
  bad[good.size() - 10] = bad[good.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(sell(bad));
  EXPECT_FALSE(sell("{}"));
  EXPECT_FALSE(sell(""));
  EXPECT_EQ(sell(*base::ReadFile(maker.Request(1))).error().code, Code::kUsage);  // our own
  EXPECT_FALSE(shop.Try({{"verb", "request"}, {"count", 0}, {"out", world / "x"}}));
  EXPECT_FALSE(shop.Try({{"verb", "request"}, {"count", kMaxRequestSeals + 1}, {"out", world / "x"}}));
  EXPECT_EQ(shop.Try({{"verb", "burn"}}).error().code, Code::kUsage);
  EXPECT_FALSE(shop.Try({{"verb", "list"}, {"more", 1}}));
  EXPECT_TRUE(sell(good));
}

}  // namespace
}  // namespace keel::custody
