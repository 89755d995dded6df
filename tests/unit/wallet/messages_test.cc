// SPDX-License-Identifier: Apache-2.0
// The wallet's DIDComm beside onboarding: signed messages, pings, features, problem reports, forwards, from_prior.
#include "device-wallet/core/messages.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/encoding.h"
#include "device-wallet/core/envelope.h"
#include "device-wallet/core/signed.h"
#include "tests/fakes/memory_keys.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;
using nlohmann::json;
using Octets = std::vector<uint8_t>;

const std::string kUs = "did:peer:2.Ez6LSus", kThem = "did:peer:2.Ez6LSthem";

std::string B64(std::string_view text) {
  std::string out(Base64UrlLength(text.size()) + 4, '\0');
  out.resize(Base64UrlEncode(AsBytes(text), out).value());
  return out;
}
json Ping() {
  return {{"id", "p1"}, {"type", "https://didcomm.org/trust-ping/2.0/ping"}, {"from", kThem}, {"to", {kUs}}};
}

TEST(Messages, TypesByProtocolNameAndMajorVersion) {
  EXPECT_EQ(DidcommFromType("https://didcomm.org/trust-ping/2.0/ping"), Didcomm::kPing);
  EXPECT_EQ(DidcommFromType("https://didcomm.org/trust-ping/2.17/ping"), Didcomm::kPing);
  EXPECT_EQ(DidcommFromType("https://didcomm.org/messagepickup/3.0/delivery"), Didcomm::kDelivery);
  for (const char* other :
       {"https://didcomm.org/trust-ping/3.0/ping", "https://didcomm.org/trust-ping/1.0/ping",
        "https://didcomm.org/trust-ping/20.0/ping", "https://didcomm.org/trust-ping/2/ping",
        "https://didcomm.org/trust-ping/2.x/ping", "https://didcomm.org/trust-ping/2.00/ping",
        "https://didcomm.org/trust-ping/2.01/ping", "https://didcomm.org/trust-ping/2.4294967296/ping"}) {
    EXPECT_EQ(DidcommFromType(other), Didcomm::kOtherVersion) << other;
  }
  for (const char* unknown : {"", "/", "//", "https://didcomm.org/trust-ping/2.0/pong",
                              "https://example.org/trust-ping/2.0/ping", "https://didcomm.org/trust-ping/2.0/ping/x"}) {
    EXPECT_EQ(DidcommFromType(unknown), Didcomm::kUnknown) << unknown;
  }
  for (auto type = Didcomm::kPing; type <= Didcomm::kStatus; type = static_cast<Didcomm>(static_cast<int>(type) + 1)) {
    EXPECT_EQ(DidcommFromType(TypeOf(type)), type);
  }
}

TEST(Messages, HeadersAreBounded) {
  const auto code = [](const json& message, UnixSeconds now = 1000) {
    const std::string text = message.dump();
    const auto read = ReadPlain(AsBytes(text), kUs, now);
    return read ? Code::kOk : read.error().code;
  };
  const std::string good = Ping().dump();
  const auto m = ReadPlain(AsBytes(good), kUs, 0);
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->to_us);
  EXPECT_EQ(m->thid, "p1") << "the id begins the thread";
  const auto with = [](const char* name, const json& value) {
    json j = Ping();
    j[name] = value;
    return j;
  };
  EXPECT_EQ(code(with("id", std::string(65, 'x'))), Code::kTooLarge);
  EXPECT_EQ(code(with("id", "")), Code::kTooLarge);
  EXPECT_EQ(code(with("thid", std::string(65, 'x'))), Code::kTooLarge);
  EXPECT_EQ(code(with("from", std::string(201, 'x'))), Code::kTooLarge);
  EXPECT_EQ(code(with("to", kUs)), Code::kMalformed);
  EXPECT_EQ(code(with("body", "x")), Code::kMalformed);
  EXPECT_EQ(code(with("expires_time", 900)), Code::kExpired);
  EXPECT_EQ(code(with("expires_time", 900), 0), Code::kOk) << "the time is not known yet";
  json other = Ping();
  other["to"] = {kThem};
  const std::string text = other.dump();
  EXPECT_FALSE(ReadPlain(AsBytes(text), kUs, 0)->to_us);
}

TEST(Messages, APingWantsAnAnswerUnlessItSaysNo) {
  const auto wants = [](const json& body) {
    json j = Ping();
    if (!body.is_null()) j["body"] = body;
    const std::string text = j.dump();
    const auto read = ReadPlain(AsBytes(text), kUs, 0);
    return WantsResponse(*read);
  };
  EXPECT_TRUE(*wants(nullptr));
  EXPECT_TRUE(*wants(json::object()));
  EXPECT_TRUE(*wants({{"response_requested", true}}));
  EXPECT_FALSE(*wants({{"response_requested", false}}));
  EXPECT_FALSE(wants({{"response_requested", "no"}}));
}

TEST(Messages, FeaturesAreDisclosedWithinBounds) {
  const auto ask = [](const json& queries, size_t room = 2000) -> Result<json> {
    const std::string text = json{
        {"id", "q"},
        {"type", "https://didcomm.org/discover-features/2.0/queries"},
        {"body",
         {{"queries", queries}}}}.dump();
    KEEL_TRY(const PlainMessage m, ReadPlain(AsBytes(text), kUs, 0));
    std::string out(room, '\0');
    JsonWriter w(out);
    w.BeginObject();
    KEEL_TRY(const uint8_t features, MatchFeatures(m));
    WriteDisclosures(w, features, 8192);
    w.EndObject();
    if (!w.ok()) return Fail(Code::kBufferTooSmall, "test");
    return json::parse(w.text())["disclosures"];
  };
  const auto all = ask({{{"feature-type", "protocol"}, {"match", "https://didcomm.org/*"}}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 4u);
  EXPECT_EQ((*all)[0]["id"], "https://didcomm.org/trust-ping/2.0");
  EXPECT_EQ((*all)[0]["roles"][0], "receiver");
  EXPECT_EQ(ask({{{"feature-type", "protocol"}, {"match", "*ping*2.0"}}})->size(), 1u);
  EXPECT_EQ(ask({{{"feature-type", "protocol"}, {"match", "https://didcomm.org/tic-tac-toe/1.*"}}})->size(), 0u);
  EXPECT_EQ(ask({{{"feature-type", "goal-code"}, {"match", "*"}}})->size(), 0u);
  const auto size = ask({{{"feature-type", "constraint"}, {"match", "max_receive_bytes"}}});
  EXPECT_EQ((*size)[0]["max_receive_bytes"], "8192");
  json many = json::array();
  for (int i = 0; i < 9; ++i) many.push_back({{"feature-type", "protocol"}, {"match", "*"}});
  EXPECT_EQ(ask(many).error().code, Code::kTooLarge);
  EXPECT_FALSE(ask({{{"feature-type", 1}, {"match", "*"}}}));
  EXPECT_FALSE(ask("all"));
  EXPECT_EQ(ask(json::array())->size(), 0u);
}

TEST(Messages, AProblemReportsCodeIsShownSafely) {
  const auto code = [](const json& body) {
    const std::string text =
        json{{"id", "r"}, {"type", "https://didcomm.org/report-problem/2.0/problem-report"}, {"body", body}}.dump();
    const auto m = ReadPlain(AsBytes(text), kUs, 0);
    return std::string(ProblemCode(*m));
  };
  EXPECT_EQ(code({{"code", "e.p.xfer.cant-use-endpoint"}}), "e.p.xfer.cant-use-endpoint");
  EXPECT_EQ(code({{"code", std::string(65, 'e')}}), "e.p");
  EXPECT_EQ(code({{"code", "e.p.\x1b[31m"}}), "e.p");
  EXPECT_EQ(code(json::object()), "e.p");
}

TEST(Messages, WhatIsInsideAForwardOrADelivery) {
  const std::string inner = R"({"protected":"x"})";
  const auto take = [&](json message, const std::string& expected, Code code) {
    std::string text = message.dump();
    Octets buffer(text.begin(), text.end());
    const auto m = ReadPlain(buffer, kUs, 0);
    ASSERT_TRUE(m);
    FixedText<kMaxMessageId> id;
    const auto got = TakeAttached(*m, buffer, kUs, &id);
    EXPECT_EQ(got ? Code::kOk : got.error().code, code) << text;
    if (got) {
      EXPECT_EQ(std::string(got->begin(), got->end()), expected);
      EXPECT_EQ(id.view(), "a1");
    }
  };
  const auto with = [](const char* type, const json& body, const json& attachments) {
    json j = {{"id", "f1"}, {"type", type}, {"from", kThem}, {"to", {kUs}}, {"body", body}};
    if (!attachments.is_null()) j["attachments"] = attachments;
    return j;
  };
  const char* forward = "https://didcomm.org/routing/2.0/forward";
  const char* delivery = "https://didcomm.org/messagepickup/3.0/delivery";
  const json base64 = {{{"id", "a1"}, {"data", {{"base64", B64(inner)}}}}};
  const json plain = {{{"id", "a1"}, {"data", {{"json", json::parse(inner)}}}}};
  take(with(forward, {{"next", kUs}}, base64), inner, Code::kOk);
  take(with(forward, {{"next", kUs + "#key-1"}}, plain), inner, Code::kOk);
  take(with(delivery, json::object(), base64), inner, Code::kOk);
  take(with(forward, {{"next", kThem}}, base64), "", Code::kWrongRecipient);
  take(with(forward, {{"next", kUs + "x"}}, base64), "", Code::kWrongRecipient);
  take(with(forward, json::object(), base64), "", Code::kMissing);
  take(with(forward, {{"next", kUs}}, nullptr), "", Code::kNotFound);
  take(with(delivery, json::object(), json::array()), "", Code::kNotFound);
  take(with(delivery, json::object(), {base64[0], base64[0]}), "", Code::kTooLarge);
  take(with(delivery, json::object(), {{{"id", "a1"}, {"data", {{"links", {"http://x"}}}}}}), "", Code::kUnsupported);
  take(with(delivery, json::object(), {{{"id", std::string(65, 'a')}, {"data", {{"base64", "AA"}}}}}), "",
       Code::kTooLarge);
  take(with(delivery, json::object(), {{{"id", "a1"}, {"data", {{"base64", "A!"}}}}}), "", Code::kMalformed);
}

TEST(Messages, TypIsThatOfAPlaintext) {
  const auto read = [](const json& typ) {
    json message = Ping();
    message["typ"] = typ;
    const std::string text = message.dump();
    const auto m = ReadPlain(AsBytes(text), kUs, 0);
    return m ? Code::kOk : m.error().code;
  };
  EXPECT_EQ(read("application/didcomm-plain+json"), Code::kOk);
  EXPECT_EQ(read("didcomm-plain+json"), Code::kOk);
  for (const char* other : {"application/didcomm-signed+json", "application/didcomm-encrypted+json", "x"})
    EXPECT_NE(read(other), Code::kOk) << other;
  EXPECT_NE(read(1), Code::kOk);
}

TEST(Messages, FromPriorIsMadeAndRead) {
  for (const KeyType type : {KeyType::kEd25519, KeyType::kP256}) {
    fakes::MemoryKeys keys;
    const auto key = keys.Generate(type).value(), other = keys.Generate(type).value();
    std::array<char, 1024> out;
    const std::string kid = kThem + "#key-2";
    const size_t n = MakeFromPrior(kThem, kUs, 1'700'000'000, kid, keys, key, out).value();
    const std::string jwt(out.data(), n);
    ByteArray<600> scratch;
    const auto read = [&](const std::string& text, const std::string& from, const std::string& by,
                          crypto::KeyHandle with) {
      const auto iss = ReadFromPrior(text, from, by, keys.Public(with).value(), scratch);
      return iss ? Code::kOk : iss.error().code;
    };
    EXPECT_EQ(read(jwt, kUs, kid, key), Code::kOk);
    EXPECT_EQ(read(jwt, kThem, kid, key), Code::kWrongSender) << "another may not take it over";
    const size_t same = MakeFromPrior(kThem, kThem, 1'700'000'000, kid, keys, key, out).value();
    EXPECT_EQ(read(std::string(out.data(), same), kThem, kid, key), Code::kMalformed) << "from itself to itself";
    EXPECT_EQ(read(jwt, kUs, kid, other), Code::kBadSignature);
    EXPECT_EQ(read(jwt, kUs, kThem + "#key-1", key), Code::kWrongSender);
    for (size_t i = 0; i < jwt.size(); i += 5) {
      std::string bent = jwt;
      bent[i] = bent[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(read(bent, kUs, kid, key), Code::kOk) << i;
    }
    EXPECT_EQ(MakeFromPrior(kThem, kUs, 1, kUs + "#key-1", keys, key, out).error().code, Code::kInvalidArgument);
    std::array<char, 100> small;
    EXPECT_EQ(MakeFromPrior(kThem, kUs, 1, kid, keys, key, small).error().code, Code::kBufferTooSmall);
  }
}

TEST(Signed, RoundTripsAndRefusals) {
  for (const KeyType type : {KeyType::kEd25519, KeyType::kP256}) {
    fakes::MemoryKeys keys;
    const auto key = keys.Generate(type).value();
    const crypto::PublicKey public_key = keys.Public(key).value();
    const std::string kid = kThem + "#key-2";
    const auto pack = [&](const std::string& text, size_t room = 8192) {
      Octets buffer(room);
      std::copy(text.begin(), text.end(), buffer.begin());
      const auto n = PackSigned(kid, keys, key, buffer, text.size());
      return n ? std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(*n)) : "";
    };
    const auto open = [&](std::string text, const crypto::PublicKey& by) -> Result<std::string> {
      Octets buffer(text.begin(), text.end());
      KEEL_TRY(const ByteSpan plain, UnpackSigned(buffer, kid, by));
      return std::string(plain.begin(), plain.end());
    };
    for (size_t n = 0; n < 4000; n += n < 60 ? 1 : 499) {
      const std::string text(n, 'y');
      const std::string message = pack(text);
      ASSERT_FALSE(message.empty()) << n;
      EXPECT_EQ(SignerOf(AsBytes(message))->view(), kid);
      const auto back = open(message, public_key);
      ASSERT_TRUE(back) << n << back.error().Text();
      EXPECT_EQ(*back, text);
    }
    EXPECT_TRUE(pack(std::string(1000, 'y'), 1300).empty());
    const std::string good = pack(R"({"id":"1"})");
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = bad[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(open(bad, public_key)) << i;
    }
    const auto bend = [&](const std::function<void(json&)>& how) {
      json j = json::parse(good);
      how(j);
      const auto opened = open(j.dump(), public_key);
      return opened ? Code::kOk : opened.error().code;
    };
    EXPECT_EQ(bend([](json&) {}), Code::kOk);
    EXPECT_EQ(bend([](json& j) { j["signatures"].push_back(j["signatures"][0]); }), Code::kUnsupported);
    EXPECT_EQ(bend([](json& j) { j["signatures"] = json::array(); }), Code::kMalformed);
    EXPECT_EQ(bend([](json& j) { j["signatures"][0]["header"]["kid"] = kUs + "#key-2"; }), Code::kWrongSender);
    EXPECT_EQ(bend([](json& j) { j["signatures"][0]["header"]["alg"] = "none"; }), Code::kMalformed);
    for (const char* name : {"header", "protected", "signature", "ciphertext"})
      EXPECT_EQ(bend([name](json& j) { j[name] = "x"; }), Code::kMalformed) << name;
    EXPECT_EQ(bend([](json& j) { j["signatures"][0]["signature"] = "AAAA"; }), Code::kBadSignature);
    const auto header = [&](const json& h) {
      return bend([&](json& j) { j["signatures"][0]["protected"] = B64(h.dump()); });
    };
    EXPECT_EQ(header({{"alg", "none"}}), Code::kAlgorithmNotAllowed);
    EXPECT_EQ(header({{"alg", "HS256"}}), Code::kAlgorithmNotAllowed);
    EXPECT_EQ(header({{"alg", "ES256K"}}), Code::kAlgorithmNotAllowed);
    EXPECT_EQ(header({{"alg", type == KeyType::kP256 ? "EdDSA" : "ES256"}}), Code::kAlgorithmNotAllowed);
    EXPECT_EQ(header({{"alg", type == KeyType::kP256 ? "ES256" : "EdDSA"}, {"crit", {"b64"}}, {"b64", false}}),
              Code::kUnsupported);
    EXPECT_EQ(header({{"alg", type == KeyType::kP256 ? "ES256" : "EdDSA"}, {"typ", "JWT"}}), Code::kMalformed);
  }
}

}  // namespace
}  // namespace keel::wallet
