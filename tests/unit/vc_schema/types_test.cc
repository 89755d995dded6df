// SPDX-License-Identifier: Apache-2.0
// Keel's types against their schemas, and the context against what the types have.
#include <functional>
#include <set>

#include "base/files.h"
#include "tests/unit/vc/parties.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"
#include "vc/schema/bundled.h"
#include "vc/schema/credentials.h"
#include "vc/schema/schema_checker.h"
#include "vc/status_list/status_list.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kDevice = "did:keel:acme:zDevice";
constexpr const char* kOwner = "did:keel:acme:zOwner";

std::map<std::string, json> Samples() {
  std::map<std::string, json> out;
  HardwareRequest hardware{.issuer = "did:keel:acme:zMaker", .device = kDevice, .valid_from = kNow};
  hardware.facts = {.serial = "S1", .model = "M1", .manufacturer_name = "Acme", .assurance_level = "hardware-key"};
  hardware.facts.microcontroller = "stm32u5";
  hardware.facts.operating_system = hardware.facts.operating_system_version = "1";
  hardware.facts.secure_hardware = hardware.facts.hardware_revision = hardware.facts.time_zone = "x";
  hardware.facts.firmware_version = hardware.facts.firmware_digest = "1.0";
  hardware.facts.memory_kib = 512;
  hardware.facts.storage_kib = 4096;
  hardware.facts.extra = {{"colour", "red"}};
  hardware.root_seal = RootSealOpening{};
  hardware.status_list = "http://127.0.0.1:9/status/1";
  out["HardwareCredential"] = HardwareCredential(hardware);
  json& facts = out["HardwareCredential"]["credentialSubject"];
  facts["vendorId"] = facts["classId"] = base::Base64Url(ByteArray<16>{});  // as the factory adds them
  facts["manufactureDate"] = "2026-11-25";
  out["OwnershipCredential"] = OwnershipCredential({"did:keel:acme:zMaker", kDevice, kOwner, kNow});
  out["FleetCredential"] =
      FleetCredential({kOwner, "did:peer:2.Vz6Mk.Ez6LS", "f1", "lamp", "p", "t/#", kNow, kNow + 100, "", 0, ""});
  const CredentialFrame frame{"did:keel:acme:zOwner", kNow, kNow + 1000, "https://o.example/status/1", 7, ""};
  out["CompositeDeviceCredential"] = *CompositeDeviceCredential(
      frame,
      {"did:keel:acme:zMachine",
       "Press 9",
       "P-1",
       "Integrator",
       {{kDevice, "motor", "M1", "S1", "Acme", Bytes32{1}}, {"did:web:other.example:dev", "sensor", "", "", "", {}}}});
  out["DelegationCredential"] = *DelegationCredential(
      frame, {"did:web:service.example", kOwner, {"configure", "read-telemetry"}, "f1", {kDevice}, {}});
  out["FirmwareReleaseCredential"] = *FirmwareReleaseCredential(
      frame, {"", "M1", "1.2.3", ByteArray<16>{1}, ByteArray<16>{2}, Bytes32{3}, 4096, 12, Bytes32{4}});
  return out;
}

TEST(OwnTypes, EachMeetsItsSchema) {
  const auto samples = Samples();
  ASSERT_EQ(samples.size(), BundledSchemas().size());
  for (const BundledSchema& schema : BundledSchemas()) {
    const auto compiled = JsonSchema::Compile(schema.text);
    ASSERT_TRUE(compiled.has_value()) << schema.name << ": " << compiled.error().Text();
    EXPECT_EQ(compiled->id(), std::string(kKeelSchemas) + std::string(schema.name) + ".json");
    for (const auto& [type, credential] : samples) {
      const auto wrong = compiled->Validate(credential);
      ASSERT_TRUE(wrong.has_value()) << wrong.error().Text();
      EXPECT_EQ(wrong->empty(), type == schema.name) << schema.name << " takes " << type << ": " << *wrong;
    }
  }
  for (const auto& [type, credential] : samples) EXPECT_TRUE(CheckOwnSchemas(credential)) << type;
}

// Each required member missing, each string a number, one member too many.
TEST(OwnTypes, EachSchemaRefuses) {
  for (const auto& [type, credential] : Samples()) {
    const auto schema = JsonSchema::Compile(FindBundledSchema(type)->text);
    const auto refused = [&](const json& bad) { return !schema->Validate(bad).value_or("").empty(); };
    json bad = credential;
    bad["credentialSubject"]["surprise"] = 1;
    EXPECT_TRUE(refused(bad)) << type;
    for (const auto& [name, value] : credential["credentialSubject"].items()) {
      bad = credential;
      bad["credentialSubject"][name] = true;
      EXPECT_TRUE(refused(bad)) << type << " " << name;
    }
    for (const char* name : {"issuer", "type", "@context", "credentialSubject"}) {
      bad = credential;
      bad.erase(name);
      EXPECT_TRUE(refused(bad)) << type << " " << name;
    }
    bad = credential;
    bad["credentialSubject"].erase("id");
    EXPECT_TRUE(refused(bad)) << type;
    bad["issuer"] = "https://maker.example";
    EXPECT_TRUE(refused(bad)) << type;
  }
}

TEST(OwnTypes, ReadersGiveWhatBuildersTook) {
  const auto samples = Samples();
  const auto machine = ReadCompositeDevice(samples.at("CompositeDeviceCredential"));
  ASSERT_TRUE(machine.has_value()) << machine.error().Text();
  EXPECT_EQ(machine->machine, "did:keel:acme:zMachine");
  ASSERT_EQ(machine->components.size(), 2u);
  EXPECT_EQ(machine->components[0].hardware_credential, Bytes32{1});
  EXPECT_EQ(machine->components[1].role, "sensor");
  const auto delegation = ReadDelegation(samples.at("DelegationCredential"));
  ASSERT_TRUE(delegation.has_value()) << delegation.error().Text();
  EXPECT_TRUE(delegation->Covers("configure", kDevice, kNow));
  EXPECT_FALSE(delegation->Covers("transfer", kDevice, kNow));
  EXPECT_FALSE(delegation->Covers("configure", "did:keel:acme:zOther", kNow));
  EXPECT_FALSE(delegation->Covers("configure", kDevice, kNow + 2000));
  const auto release = ReadFirmwareRelease(samples.at("FirmwareReleaseCredential"));
  ASSERT_TRUE(release.has_value()) << release.error().Text();
  EXPECT_EQ(release->digest, Bytes32{3});
  EXPECT_EQ(release->sequence, 12u);
  EXPECT_EQ(release->class_id, ByteArray<16>{2});
  for (const auto& [type, credential] : samples) {
    if (type != "CompositeDeviceCredential") {
      EXPECT_EQ(ReadCompositeDevice(credential).error().code, Code::kMalformed) << type;
    }
    if (type != "DelegationCredential") {
      EXPECT_EQ(ReadDelegation(credential).error().code, Code::kMalformed) << type;
    }
    if (type != "FirmwareReleaseCredential") {
      EXPECT_EQ(ReadFirmwareRelease(credential).error().code, Code::kMalformed) << type;
    }
  }
}

TEST(OwnTypes, BuildersRefuse) {
  const CredentialFrame frame{kOwner, kNow, kNow + 1000, "", 0, ""};
  CompositeDevice machine{"did:keel:acme:zMachine", "", "", "", {{kDevice, "motor", "", "", "", {}}}};
  ASSERT_TRUE(CompositeDeviceCredential(frame, machine));
  machine.components.push_back({kDevice, "sensor", "", "", "", {}});
  EXPECT_EQ(CompositeDeviceCredential(frame, machine).error().code, Code::kInvalidArgument);
  machine.components.clear();
  EXPECT_EQ(CompositeDeviceCredential(frame, machine).error().code, Code::kInvalidArgument);
  Delegation delegation{"did:web:s.example", kOwner, {"configure"}, "", {}, {}};
  ASSERT_TRUE(DelegationCredential(frame, delegation));
  EXPECT_FALSE(DelegationCredential({kOwner, kNow, std::nullopt, "", 0, ""}, delegation));  // without end
  EXPECT_FALSE(DelegationCredential({kDevice, kNow, kNow + 1, "", 0, ""}, delegation));     // of another's
  delegation.scope = {"everything"};
  EXPECT_FALSE(DelegationCredential(frame, delegation));
  delegation.scope = {};
  EXPECT_FALSE(DelegationCredential(frame, delegation));
  // Somebody who issues a delegation in an owner's name.
  delegation.scope = {"configure"};
  json stolen = *DelegationCredential(frame, delegation);
  stolen["issuer"] = kDevice;
  EXPECT_EQ(ReadDelegation(stolen).error().code, Code::kUntrusted);
  EXPECT_FALSE(FirmwareReleaseCredential(frame, {"", "M1", "1.0", {}, {}, Bytes32{}, 0, 1, {}}));
}

// What is against its schema is never signed.
TEST(OwnTypes, IssuingHoldsToTheSchema) {
  const auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::KeyHandle key = *store->Generate(crypto::KeyType::kEd25519);
  json credential = Samples()["OwnershipCredential"];
  const std::string kid = credential["issuer"].get<std::string>() + "#a";
  EXPECT_TRUE(IssueOwnCredential(credential, *store, key, kid));
  credential["credentialSubject"].erase("owner");
  const auto refused = IssueOwnCredential(credential, *store, key, kid);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().detail.find("owner"), std::string::npos) << refused.error().detail;
}

// Every member that a credential of ours can have is a term of the context or of the data model's own, so that nothing
// signed is dropped when it is read as JSON-LD.
TEST(OwnTypes, TheContextKnowsEveryMember) {
  const json context = (*base::ParseJson(json_ld::BundledContexts().Find(kKeelContext)->text))["@context"];
  EXPECT_TRUE(context["@protected"].get<bool>());
  const std::set<std::string> others = {"id", "type", "name", "description"};
  const std::function<void(const json&, const json&)> walk = [&](const json& value, const json& scope) {
    if (value.is_array()) {
      for (const json& item : value) walk(item, scope);
    }
    if (!value.is_object()) return;
    for (const auto& [name, member] : value.items()) {
      if (others.contains(name)) continue;
      const json* term = scope.contains(name) ? &scope[name] : context.contains(name) ? &context[name] : nullptr;
      ASSERT_NE(term, nullptr) << name;
      if (term->is_object() && term->value("@type", "") == "@json") continue;
      walk(member, term->is_object() && term->contains("@context") ? (*term)["@context"] : scope);
    }
  };
  for (const auto& [type, credential] : Samples()) {
    EXPECT_TRUE(context.contains(type)) << type;
    walk(credential["credentialSubject"], json::object());
  }
}

// Read as JSON-LD in safe mode nothing of them is left out, and every value is in what a Data Integrity proof signs.
TEST(OwnTypes, EveryValueIsSignedAsRdf) {
  auto samples = Samples();
  samples["BitstringStatusListCredential"] = *StatusListCredential(
      {"did:keel:acme:zMaker", "http://m.example/status/1", {"revocation"}, 7, kNow, kNow + 9}, *Bitstring::Create());
  const auto quads = [](const json& credential) -> std::string {
    const auto dataset = json_ld::ToRdf(credential, json_ld::BundledContexts());
    if (!dataset) return "refused: " + dataset.error().Text();
    const auto canonical = rdf::Canonicalize(*dataset, {});
    if (!canonical) return "refused: " + canonical.error().Text();
    std::string out;
    for (const std::string& quad : canonical->quads) out += quad;
    return out;
  };
  for (const auto& [type, credential] : samples) {
    const std::string before = quads(credential);
    ASSERT_FALSE(before.starts_with("refused")) << type << ": " << before;
    const std::function<void(const json::json_pointer&, const json&)> walk = [&](const json::json_pointer& at,
                                                                                 const json& value) {
      if (value.is_structured()) {
        for (const auto& [name, member] : value.items())
          walk(value.is_array() ? at / static_cast<size_t>(std::stoul(name)) : at / name, member);
        return;
      }
      json changed = credential;
      changed[at] = value.is_string() ? json(value.get<std::string>() + "x") : json(value.get<int64_t>() + 1);
      EXPECT_NE(quads(changed), before) << type << ": " << at.to_string() << " isn't signed";
    };
    walk(json::json_pointer(), credential);
  }
  json surprise = samples["FleetCredential"];
  surprise["credentialSubject"]["surprise"] = 1;
  EXPECT_TRUE(quads(surprise).starts_with("refused")) << quads(surprise);
}

// docs/vocabulary.md has a row for each term.
TEST(OwnTypes, TheVocabularyIsWritten) {
  const auto page = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/docs/vocabulary.md", 1 << 20);
  ASSERT_TRUE(page.has_value()) << page.error().Text();
  const json context = (*base::ParseJson(json_ld::BundledContexts().Find(kKeelContext)->text))["@context"];
  for (const auto& [name, value] : context.items()) {
    if (name.starts_with('@')) continue;
    EXPECT_NE(page->find("`" + name + "` |"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace keel::vc
