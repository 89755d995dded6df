// SPDX-License-Identifier: Apache-2.0
// `keel didcomm inspect` without the program: what it says of good messages, and that no message makes it say more than
// it knows, or fail.
#include "cli/didcomm/explain.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/resolver.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow = 1516300000;  // when the specification's examples are fresh

class Explain : public ::testing::Test {
 protected:
  Explain() {
    crypto::SetUpHostedCrypto();
    for (const char* name : {"alice-diddoc.json", "bob-diddoc.json"}) EXPECT_TRUE(docs_.AddFile(Vectors() + name));
  }
  static std::string Vectors() { return std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/"; }
  static json Vector(const std::string& name) {
    const auto text = base::ReadFile(Vectors() + name);
    const auto value = base::ParseJson(text.value_or("{}"));
    EXPECT_TRUE(value && value->contains("message")) << name;
    return (*value)["message"];
  }
  json Of(const json& message) { return OfText(base::DumpJson(message)); }
  json OfText(const std::string& text) {
    auto report = ExplainMessage(text, docs_, kNow);
    EXPECT_TRUE(report) << (report ? "" : report.error().Text());
    if (!report) return json::object();
    // Whatever it is, it can be shown, and line by line.
    const std::string lines = ReportText(*report);
    for (const char c : lines) EXPECT_TRUE(c == '\n' || static_cast<uint8_t>(c) >= 0x20) << lines;
    return std::move(*report);
  }

  did::StaticResolver docs_;
};

TEST_F(Explain, EncryptedMessages) {
  const json report = Of(Vector("07-encrypted.json"));
  EXPECT_EQ(report["kind"], "encrypted");
  ASSERT_EQ(report["layers"].size(), 1u);
  const json& layer = report["layers"][0];
  EXPECT_EQ(layer["mode"], "authcrypt");
  EXPECT_EQ(layer["alg"], "ECDH-1PU+A256KW");
  EXPECT_EQ(layer["enc"], "A256CBC-HS512");
  EXPECT_EQ(layer["skid"], "did:example:alice#key-x25519-1");
  EXPECT_EQ(layer["apu"], layer["skid"]);
  EXPECT_EQ(layer["epk"], "X25519");
  EXPECT_EQ(layer["recipients"].size(), 3u);
  EXPECT_EQ(layer["recipients"][0]["kid"], "did:example:bob#key-x25519-1");
  EXPECT_EQ(layer["recipients"][0]["encrypted_key_octets"], 72);
  EXPECT_TRUE(report["refused"].is_null());
  EXPECT_FALSE(report["receiver_checks"].empty());

  const json anonymous = Of(Vector("04-encrypted.json"));
  EXPECT_EQ(anonymous["layers"][0]["mode"], "anoncrypt");
  EXPECT_TRUE(anonymous["layers"][0]["skid"].is_null());
}

TEST_F(Explain, SignedMessagesAreReadAndTheirSignatureJudged) {
  json message = Vector("01-signed.json");
  const json report = Of(message);
  EXPECT_EQ(report["kind"], "signed");
  ASSERT_EQ(report["layers"].size(), 2u);
  EXPECT_EQ(report["layers"][0]["signatures"][0]["kid"], "did:example:alice#key-1");
  EXPECT_EQ(report["layers"][1]["type"], "http://example.com/protocols/lets_do_lunch/1.0/proposal");
  EXPECT_TRUE(report["refused"].is_null()) << report["refused"];

  std::string signature = message["signatures"][0]["signature"];
  signature[3] = signature[3] == 'A' ? 'B' : 'A';
  message["signatures"][0]["signature"] = signature;
  EXPECT_EQ(Of(message)["refused"]["code"], "bad_signature");

  // Whose document isn't known isn't judged.
  did::StaticResolver nobody;
  const auto unknown = ExplainMessage(base::DumpJson(Vector("01-signed.json")), nobody, kNow);
  ASSERT_TRUE(unknown);
  EXPECT_TRUE((*unknown)["refused"].is_null()) << (*unknown)["refused"];
  EXPECT_TRUE((*unknown)["checks"].back()["ok"].is_null());
}

TEST_F(Explain, PlaintextAndItsExpiry) {
  const json message = Vector("00-plaintext.json");
  EXPECT_TRUE(Of(message)["refused"].is_null());
  const auto late = ExplainMessage(base::DumpJson(message), docs_, kNow + 1'000'000);
  ASSERT_TRUE(late);
  EXPECT_EQ((*late)["refused"]["code"], "expired");
}

TEST_F(Explain, AForwardShowsWhatItCarries) {
  const json inner = Vector("07-encrypted.json");
  const json report = Of({{"id", "1"},
                          {"type", "https://didcomm.org/routing/2.0/forward"},
                          {"to", {"did:example:mediator"}},
                          {"body", {{"next", "did:example:bob"}}},
                          {"attachments", {{{"id", "a"}, {"data", {{"json", inner}}}}}}});
  const json& attachment = report["layers"][0]["attachments"][0];
  EXPECT_EQ(attachment["message"]["kind"], "encrypted");
  EXPECT_EQ(attachment["message"]["layers"][0]["skid"], "did:example:alice#key-x25519-1");
}

TEST_F(Explain, SaysWhatIsWrong) {
  const struct {
    const char* what;
    std::function<void(json&)> bend;
    const char* code;
  } cases[] = {
      {"no recipients", [](json& m) { m.erase("recipients"); }, "missing"},
      {"recipient twice", [](json& m) { m["recipients"].push_back(m["recipients"][0]); }, "duplicate"},
      {"another kid", [](json& m) { m["recipients"][0]["header"]["kid"] = "did:example:eve#1"; }, "malformed"},
      {"a short iv", [](json& m) { m["iv"] = "AAAA"; }, "malformed"},
      {"no protected header", [](json& m) { m.erase("protected"); }, "missing"},
      {"alg none", [](json& m) { m["protected"] = base::Base64Url(AsBytes(R"({"alg":"none","enc":"XC20P"})")); },
       "algorithm_not_allowed"},
      {"a ciphertext that is a number", [](json& m) { m["ciphertext"] = 7; }, "malformed"},
  };
  for (const auto& c : cases) {
    json message = Vector("07-encrypted.json");
    c.bend(message);
    EXPECT_EQ(Of(message)["refused"].value("code", ""), c.code) << c.what;
  }
  for (const json& message : {json(1), json("x"), json::array(), json::object(), json({{"a", 1}})})
    EXPECT_EQ(Of(message)["refused"].value("code", ""), "malformed") << message;
}

// Every member of every example replaced by every kind of JSON value: a report each time.
TEST_F(Explain, NoShapeMakesItFail) {
  const json values[] = {nullptr,       true,         -1,
                         1e300,         "",           "\u001b[2J\n\u202e",
                         json::array(), {{}},         json::object(),
                         {{"kid", {}}}, {{"a", {1}}}, json::array({json::array(), json::object()})};
  for (const char* name : {"00-plaintext.json", "01-signed.json", "07-encrypted.json"}) {
    const json message = Vector(name);
    const json flat = message.flatten();
    for (const auto& [pointer, ignored] : flat.items()) {
      for (json::json_pointer at(pointer); !at.empty(); at.pop_back()) {
        for (const json& value : values) {
          json bent = message;
          bent[at] = value;
          Of(bent);
        }
      }
    }
  }
}

TEST_F(Explain, WhatIsNoJsonIsAnError) {
  EXPECT_FALSE(ExplainMessage("", docs_, kNow));
  EXPECT_FALSE(ExplainMessage("{", docs_, kNow));
  EXPECT_FALSE(ExplainMessage(std::string(100'000, '['), docs_, kNow));
  EXPECT_FALSE(ExplainMessage(R"({"id":1,"id":2})", docs_, kNow));
}

// Forwards in forwards are followed to a depth, not to their end.
TEST_F(Explain, NestingIsBounded) {
  json message = Vector("07-encrypted.json");
  for (int i = 0; i < 6; ++i) {
    const json forward = {{"id", "1"},
                          {"type", "https://didcomm.org/routing/2.0/forward"},
                          {"body", json::object()},
                          {"attachments", {{{"data", {{"json", message}}}}}}};
    message = {{"payload", base::Base64Url(AsBytes(base::DumpJson(forward)))}, {"signatures", json::array()}};
  }
  json report = Of(message);
  int depth = 0;
  while (report["layers"].size() == 2 && report["layers"][1]["attachments"].size() == 1 &&
         report["layers"][1]["attachments"][0].contains("message")) {
    report = json(report["layers"][1]["attachments"][0]["message"]);
    ++depth;
  }
  EXPECT_EQ(depth, 3);
}

}  // namespace
}  // namespace keel::cli
