// SPDX-License-Identifier: Apache-2.0
// Schemas and credential definitions, published to a real registry and held to.
#include "tests/unit/issuer/fixture.h"
#include "vc/definition/definition.h"
#include "vc/schema/bundled.h"
#include "vc/verification.h"

namespace keel::issuer {
namespace {

class DefinitionsTest : public IssuerTest {
 protected:
  static json Rules() {
    return {{"types", {"HardwareCredential"}},
            {"schema", "https://keel-protocol.org/schemas/v1/HardwareCredential.json"},
            {"formats", {"vc+jwt"}},
            {"algorithms", {"EdDSA"}},
            {"statusList", "http://127.0.0.1:9/status/"}};
  }
  json Credential(const std::string& serial) {
    const auto record = issuer_->custody().FindSerial(serial);
    EXPECT_TRUE(record);
    fakes::Role owner(world_, world_ / "owner");
    vc::VerifyOptions options;
    options.now = base::NowSeconds();
    options.ignore_status = true;
    const auto v = vc::VerifyCredential(record->hardware.jwt, owner.resolver(), options);
    EXPECT_TRUE(v && v->valid());
    return *base::ParseJson(v->credential.json);
  }
};

TEST_F(DefinitionsTest, SchemasArePublishedAndShown) {
  const auto done =
      issuer_->PublishSchema({{"id", "lamp-1"}, {"text", R"({ "type": "object", "required": ["b","a"] })"}});
  ASSERT_TRUE(done) << done.error().Text();
  EXPECT_EQ((*done)["id"], issuer_->did() + "/schemas/lamp-1");
  const auto shown = issuer_->ShowSchema({{"id", "lamp-1"}});
  ASSERT_TRUE(shown) << shown.error().Text();
  EXPECT_EQ((*shown)["text"], R"({"required":["b","a"],"type":"object"})");  // canonical
  EXPECT_EQ((*shown)["digest"], (*done)["digest"]);
  // Again the same; never another.
  const auto again = issuer_->PublishSchema({{"id", "lamp-1"}, {"text", R"({"type":"object","required":["b","a"]})"}});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["index"], (*done)["index"]);
  EXPECT_EQ(issuer_->PublishSchema({{"id", "lamp-1"}, {"text", "{}"}}).error().code, Code::kConflict);
  // Nothing that can't be used.
  const auto unknown = issuer_->PublishSchema({{"id", "lamp-2"}, {"text", R"({"unevaluatedProperties":false})"}});
  EXPECT_EQ(unknown.error().code, Code::kUnsupported);
  EXPECT_NE(unknown.error().detail.find("unevaluatedProperties"), std::string::npos);
  EXPECT_EQ(issuer_->PublishSchema({{"id", "lamp/2"}, {"text", "{}"}}).error().code, Code::kUsage);
  EXPECT_EQ(issuer_->PublishSchema({{"id", "lamp-2"}, {"text", "{"}}).error().code, Code::kMalformed);
  json big = json::object();
  for (int i = 0; i < 900; ++i) big["properties"]["member-" + std::to_string(i)] = {{"maxLength", 20}};
  EXPECT_EQ(issuer_->PublishSchema({{"id", "big"}, {"text", big.dump()}}).error().code, Code::kTooLarge);
  EXPECT_EQ(issuer_->ShowSchema({{"id", "lamp-2"}}).error().code, Code::kNotFound);
  EXPECT_EQ((*issuer_->ShowSchema({{"id", "FleetCredential"}}))["text"],
            vc::FindBundledSchema("FleetCredential")->text);
}

TEST_F(DefinitionsTest, NothingIsIssuedOutsideTheDefinition) {
  options_.definition = "hw-1";
  Open();
  // Set, but not published yet.
  auto station = Station(DemoRows(1));
  ASSERT_TRUE(station);
  EXPECT_EQ((*station)["failed"].size(), 1u) << station->dump();
  EXPECT_NE(station->dump().find("definition publish"), std::string::npos) << station->dump();
  const auto published = issuer_->PublishDefinition({{"id", "hw-1"}, {"definition", Rules()}});
  ASSERT_TRUE(published) << published.error().Text();
  EXPECT_EQ((*published)["digest"], vc::DigestSri(vc::FindBundledSchema("HardwareCredential")->text));
  ASSERT_EQ((*issuer_->ShowDefinition({{"id", "hw-1"}}))["types"], json::array({"HardwareCredential"}));
  station = Station(DemoRows(1));
  ASSERT_TRUE(station && (*station)["failed"].empty()) << station->dump();
  const json credential = Credential("KG-000001");
  EXPECT_EQ(vc::NamedDefinition(credential), issuer_->did() + "/definitions/hw-1");
  // An owner who demands it finds it kept.
  fakes::Role owner(world_, world_ / "owner2");
  vc::SchemaStore schemas;
  vc::DefinitionBook book(
      schemas, [&](const std::string& author, const std::string& id) -> Result<vc::DefinitionBook::Anchored> {
        KEEL_TRY(auto found, owner.registry().GetDefinition(author, id));
        return vc::DefinitionBook::Anchored{found.schema, found.content};
      });
  vc::VerifyOptions options;
  options.now = base::NowSeconds();
  options.ignore_status = true;
  auto v = vc::VerifyCredential(issuer_->custody().FindSerial("KG-000001")->hardware.jwt, owner.resolver(), options);
  ASSERT_TRUE(v && book.AddCheck(*v, credential, {"vc+jwt", "EdDSA"}, true));
  EXPECT_TRUE(v->valid()) << v->Reason();
  // And under a narrower one the next is refused with what is wrong.
  json narrow = Rules();
  narrow["statusList"] = "https://elsewhere.example/status";
  narrow["validity"] = {{"until", "required"}};
  ASSERT_TRUE(issuer_->PublishDefinition({{"id", "hw-2"}, {"definition", narrow}}));
  options_.definition = "hw-2";
  Open();
  station = Station(DemoRows(2));
  ASSERT_TRUE(station);
  const std::string text = station->dump();
  EXPECT_NE(text.find("outside the credential definition"), std::string::npos) << text;
  EXPECT_NE(text.find("isn't under https://elsewhere.example/status"), std::string::npos) << text;
  EXPECT_NE(text.find("validUntil is missing"), std::string::npos) << text;
}

TEST_F(DefinitionsTest, DefinitionsThatCouldNotBeMetAreRefused) {
  json rules = Rules();
  rules["schema"] = issuer_->did() + "/schemas/none";
  EXPECT_EQ(issuer_->PublishDefinition({{"id", "x"}, {"definition", rules}}).error().code, Code::kNotFound);
  rules = Rules();
  rules["digest"] = vc::DigestSri("something else");
  EXPECT_EQ(issuer_->PublishDefinition({{"id", "x"}, {"definition", rules}}).error().code, Code::kConflict);
  rules = Rules();
  rules.erase("formats");
  EXPECT_FALSE(issuer_->PublishDefinition({{"id", "x"}, {"definition", rules}}));
  ASSERT_TRUE(issuer_->PublishDefinition({{"id", "x"}, {"definition", Rules()}}));
  rules = Rules();
  rules["algorithms"] = {"EdDSA", "ES256"};
  EXPECT_EQ(issuer_->PublishDefinition({{"id", "x"}, {"definition", rules}}).error().code, Code::kConflict);
}

// Without a definition the type's own schema is still held to.
TEST_F(DefinitionsTest, FactsAgainstTheSchemaAreRefused) {
  auto rows = DemoRows(1);
  rows[0].facts.assurance_level = "very good";
  const auto station = Station(rows);
  ASSERT_TRUE(station);
  EXPECT_EQ((*station)["failed"].size(), 1u) << station->dump();
  EXPECT_NE(station->dump().find("assuranceLevel"), std::string::npos) << station->dump();
}

}  // namespace
}  // namespace keel::issuer
