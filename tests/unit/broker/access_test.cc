// SPDX-License-Identifier: Apache-2.0
// Who gets into an owner's broker, and what for (docs/formats/members-file.md).
#include "broker-plugin/access.h"

#include <gtest/gtest.h>

#include <cstdio>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "did/jose.h"
#include "onboarding/limits.h"
#include "onboarding/token.h"

namespace keel::broker {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow = 1'790'000'000;
constexpr const char* kFleet = "keel-fleet:f1";
constexpr const char* kDevice = "did:peer:2.Vz6MkDevice";
constexpr const char* kReader = "did:key:z6MkReader";

TEST(BrokerCovers, Table) {
  const struct {
    const char* grant;
    const char* filter;
    bool covered;
  } table[] = {
      {"keel/f/m/#", "keel/f/m/data", true},
      {"keel/f/m/#", "keel/f/m/a/b/c", true},
      {"keel/f/m/#", "keel/f/m", true},  // the parent too (MQTT 3.1.1, 4.7.1.2)
      {"keel/f/m/#", "keel/f/m/#", true},
      {"keel/f/m/#", "keel/f/m/+", true},
      {"keel/f/m/#", "keel/f/m2/data", false},
      {"keel/f/m/#", "keel/f/m2", false},
      {"keel/f/m/#", "keel/f/+/data", false},
      {"keel/f/m/#", "keel/f/#", false},
      {"keel/f/m/#", "#", false},
      {"keel/f/m/#", "+/f/m/data", false},
      {"keel/f/m/#", "/keel/f/m/data", false},
      {"keel/f/m/#", "keel/f", false},
      {"keel/f/m/#", "keel//m/data", false},
      {"keel/f/m/#", "", false},
      {"", "keel", false},
      {"#", "a/b", true},
      {"#", "#", true},
      {"#", "$SYS/broker", false},
      {"+/broker", "$SYS/broker", false},
      {"$SYS/#", "$SYS/broker", true},
      {"a/+/c", "a/b/c", true},
      {"a/+/c", "a/+/c", true},
      {"a/+/c", "a/#", false},
      {"a/+/c", "a/b/c/d", false},
      {"a/+/c", "a/b", false},
      {"a/+", "a/", true},  // an empty level is a level
      {"a/+", "a", false},
      {"a", "a", true},
      {"a", "a/", false},
      {"a/", "a", false},
      {"a", "+", false},
      {"a/b", "a/#", false},
  };
  for (const auto& line : table)
    EXPECT_EQ(Covers(line.grant, line.filter), line.covered)
        << "\"" << line.grant << "\" over \"" << line.filter << "\"";
}

class BrokerAccess : public testing::Test {
 protected:
  BrokerAccess() : dir_(*base::TempDir::Create("keel-broker")), keys_(crypto::SoftwareKeyStore::CreateInMemory()) {
    owner_ = *keys_->Generate(crypto::KeyType::kEd25519);
    device_ = *keys_->Generate(crypto::KeyType::kEd25519);
    other_device_ = *keys_->Generate(crypto::KeyType::kEd25519);
    reader_ = *keys_->Generate(crypto::KeyType::kEd25519);
    credential_ = Credential(owner_);
    file_ = {{"v", 2},
             {"owner", "did:keel:demo:zOwner"},
             {"owner_key", Key(owner_)},
             {"fleet", "f1"},
             {"audience", kFleet},
             {"members",
              {{"m1", {{"key", Key(device_)}, {"did", kDevice}, {"publish", {"keel/f1/m1/#"}}, {"until", kNow + 1000}}},
               {"m2",
                {{"key", Key(other_device_)},
                 {"did", "did:peer:2.Vz6MkOther"},
                 {"publish", {"keel/f1/m2/#"}},
                 {"until", kNow + 1000}}}}},
             {"readers",
              {{kReader,
                {{"key", Key(reader_)},
                 {"credential_sha256", base::Base64Url(crypto::Sha256::Of(credential_))},
                 {"subscribe", {"keel/f1/+/telemetry"}},
                 {"until", kNow + 1000}}}}}};
    Save();
  }

  std::string Key(crypto::KeyHandle key) { return base::Multikey(*keys_->Public(key)); }
  // file_ as lines; the members' and readers' places in it give their order.
  std::string Lines() {
    json head = file_;
    head.erase("members");
    head.erase("readers");
    std::string text = base::DumpJson(head) + "\n";
    for (const char* kind : {"member", "reader"}) {
      for (const auto& [id, entry] : file_[std::string(kind) + "s"].items()) {
        json line = entry;
        line[kind] = id;
        text += base::DumpJson(line) + "\n";
      }
    }
    return text;
  }
  void Save() { Save(Lines()); }
  void Add(const std::string& text) {
    std::FILE* file = std::fopen((dir_ / "members.jsonl").c_str(), "a");
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    ASSERT_EQ(std::fclose(file), 0);
  }
  void Save(const std::string& text) { ASSERT_TRUE(base::WriteFileAtomic(dir_ / "members.jsonl", text)); }

  std::string Token(crypto::KeyHandle key, const std::string& did, const std::string& audience, UnixSeconds iat,
                    UnixSeconds exp) {
    std::string out(onboarding::kMaxToken, '\0');
    const std::string kid = did + "#key-1";
    const auto n = onboarding::SignToken({kid, audience, iat, exp}, *keys_, key, out);
    EXPECT_TRUE(n) << n.error().Text();
    out.resize(n.value_or(0));
    return out;
  }
  std::string Good() { return Token(device_, kDevice, kFleet, kNow, kNow + 300); }

  std::string Credential(crypto::KeyHandle issuer) {
    return *did::SignJws({{"typ", "vc+jwt"}, {"kid", "did:keel:demo:zOwner#auth"}},
                         R"({"type":["VerifiableCredential","TelemetryReaderCredential"]})", *keys_, issuer);
  }
  std::string Presentation(json change = json::object(), json header = {{"typ", "vp+jwt"}},
                           std::optional<crypto::KeyHandle> key = std::nullopt) {
    json claims = {{"iss", kReader}, {"aud", kFleet}, {"iat", kNow}, {"exp", kNow + 120}, {"credential", credential_}};
    claims.update(change);
    return *did::SignJws(header, base::DumpJson(claims), *keys_, key.value_or(reader_));
  }
  Code Enter(const std::string& user, const std::string& password, UnixSeconds now = kNow) {
    const auto result = access_.Authenticate(user, password, now);
    return result ? Code::kOk : result.error().code;
  }
  Code May(const std::string& user, Access::Action action, const std::string& topic, UnixSeconds now = kNow) {
    const auto result = access_.Authorize(user, action, topic, now);
    return result ? Code::kOk : result.error().code;
  }

  base::TempDir dir_;
  std::unique_ptr<crypto::SoftwareKeyStore> keys_;
  crypto::KeyHandle owner_, device_, other_device_, reader_;
  std::string credential_;
  json file_;
  Access access_{dir_ / "members.jsonl"};
};

TEST_F(BrokerAccess, AMembersTokenLetsItIn) { EXPECT_EQ(Enter("m1", Good()), Code::kOk); }

TEST_F(BrokerAccess, TokensThatDoNot) {
  EXPECT_EQ(Enter("m1", Good(), kNow + 300 + kTimeSkew), Code::kExpired);
  EXPECT_EQ(Enter("m1", Good(), kNow + 300 + kTimeSkew - 1), Code::kOk);
  EXPECT_EQ(Enter("m1", Good(), kNow - kTimeSkew - 1), Code::kNotYetValid);
  EXPECT_EQ(Enter("m1", Token(device_, kDevice, "keel-fleet:f2", kNow, kNow + 300)), Code::kWrongAudience);
  // As another member, with one's own good token.
  EXPECT_EQ(Enter("m2", Good()), Code::kWrongSender);
  // Another device's name in a token signed by one's own key.
  EXPECT_EQ(Enter("m2", Token(device_, "did:peer:2.Vz6MkOther", kFleet, kNow, kNow + 300)), Code::kBadSignature);
  EXPECT_EQ(Enter("m1", Token(other_device_, kDevice, kFleet, kNow, kNow + 300)), Code::kBadSignature);
  EXPECT_EQ(Enter("m3", Good()), Code::kUntrusted);
  EXPECT_EQ(Enter("", Good()), Code::kUntrusted);
  EXPECT_NE(Enter("m1", ""), Code::kOk);
  EXPECT_NE(Enter("m1", "password"), Code::kOk);
  // Each character matters.
  const std::string good = Good();
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(Enter("m1", bad), Code::kOk) << i;
  }
  EXPECT_NE(Enter("m1", good + "A"), Code::kOk);
  EXPECT_NE(Enter("m1", good.substr(0, good.rfind('.') + 1)), Code::kOk);
  EXPECT_EQ(Enter("m1", std::string(onboarding::kMaxToken + 1, 'A')), Code::kTooLarge);
}

TEST_F(BrokerAccess, ATokenThatLivesTooLongIsRefused) {
  const json claims = {{"iss", kDevice}, {"aud", kFleet}, {"iat", kNow}, {"exp", kNow + 301}};
  const auto token = did::SignJws({{"typ", "keel-token+jwt"}, {"kid", std::string(kDevice) + "#key-1"}},
                                  base::DumpJson(claims), *keys_, device_);
  ASSERT_TRUE(token);
  EXPECT_EQ(Enter("m1", *token), Code::kOutOfRange);
}

TEST_F(BrokerAccess, AReadersPresentationLetsItIn) {
  EXPECT_EQ(Enter(kReader, Presentation()), Code::kOk);
  EXPECT_EQ(Enter(kReader, Presentation({{"exp", kNow + 300}})), Code::kOk);
}

TEST_F(BrokerAccess, PresentationsThatDoNot) {
  EXPECT_EQ(Enter(kReader, Presentation(), kNow + 120 + kTimeSkew), Code::kExpired);
  EXPECT_EQ(Enter(kReader, Presentation(), kNow - kTimeSkew - 1), Code::kNotYetValid);
  EXPECT_EQ(Enter(kReader, Presentation({{"exp", kNow + 301}})), Code::kOutOfRange);
  EXPECT_EQ(Enter(kReader, Presentation({{"exp", kNow - 1}})), Code::kOutOfRange);
  EXPECT_EQ(Enter(kReader, Presentation({{"aud", "keel-fleet:f2"}})), Code::kWrongAudience);
  EXPECT_EQ(Enter(kReader, Presentation({{"iss", "did:key:z6MkMallory"}})), Code::kWrongSender);
  EXPECT_EQ(Enter(kReader, Presentation(json::object(), {{"typ", "vp+jwt"}}, owner_)), Code::kBadSignature);
  EXPECT_EQ(Enter(kReader, Presentation(json::object(), {{"typ", "vc+jwt"}})), Code::kMalformed);
  // Another credential by the same owner, and one that the reader made for itself.
  const std::string other = *did::SignJws({{"typ", "vc+jwt"}}, R"({"type":["Other"]})", *keys_, owner_);
  EXPECT_EQ(Enter(kReader, Presentation({{"credential", other}})), Code::kUntrusted);
  EXPECT_EQ(Enter(kReader, Presentation({{"credential", Credential(reader_)}})), Code::kUntrusted);
  EXPECT_NE(Enter(kReader, Presentation({{"credential", json()}})), Code::kOk);
  EXPECT_NE(Enter(kReader, Good()), Code::kOk);
  EXPECT_EQ(Enter(kReader, std::string(17 << 10, 'A')), Code::kTooLarge);
  EXPECT_EQ(Enter(kReader, Presentation(), kNow + 1000), Code::kExpired);
}

TEST_F(BrokerAccess, AListedCredentialMustBeTheOwnersOwn) {
  credential_ = Credential(reader_);
  file_["readers"][kReader]["credential_sha256"] = base::Base64Url(crypto::Sha256::Of(credential_));
  Save();
  EXPECT_EQ(Enter(kReader, Presentation()), Code::kBadSignature);
}

TEST_F(BrokerAccess, AMemberUsesItsOwnTopicsOnly) {
  for (const auto action : {Access::Action::kPublish, Access::Action::kSubscribe, Access::Action::kReceive}) {
    EXPECT_EQ(May("m1", action, "keel/f1/m1/telemetry"), Code::kOk);
    EXPECT_EQ(May("m1", action, "keel/f1/m2/telemetry"), Code::kUntrusted);
    EXPECT_EQ(May("m1", action, "keel/f1/m1x/telemetry"), Code::kUntrusted);
    EXPECT_EQ(May("m1", action, "#"), Code::kUntrusted);
    EXPECT_EQ(May("m1", action, "$SYS/broker/uptime"), Code::kUntrusted);
  }
}

TEST_F(BrokerAccess, AReaderReadsWhatItWasGrantedAndWritesNothing) {
  EXPECT_EQ(May(kReader, Access::Action::kSubscribe, "keel/f1/+/telemetry"), Code::kOk);
  EXPECT_EQ(May(kReader, Access::Action::kReceive, "keel/f1/m1/telemetry"), Code::kOk);
  EXPECT_EQ(May(kReader, Access::Action::kSubscribe, "keel/f1/#"), Code::kUntrusted);
  EXPECT_EQ(May(kReader, Access::Action::kReceive, "keel/f1/m1/state"), Code::kUntrusted);
  EXPECT_EQ(May(kReader, Access::Action::kPublish, "keel/f1/m1/telemetry"), Code::kUntrusted);
  EXPECT_EQ(May(kReader, Access::Action::kReceive, "keel/f1/m1/telemetry", kNow + 1000), Code::kExpired);
}

TEST_F(BrokerAccess, WhoIsTakenOutIsOutAtOnce) {
  ASSERT_EQ(Enter("m1", Good()), Code::kOk);
  ASSERT_EQ(May("m1", Access::Action::kPublish, "keel/f1/m1/telemetry"), Code::kOk);
  file_["members"].erase("m1");
  file_["readers"] = json::object();
  Save();
  EXPECT_EQ(Enter("m1", Good()), Code::kUntrusted);
  EXPECT_EQ(May("m1", Access::Action::kPublish, "keel/f1/m1/telemetry"), Code::kRevoked);
  EXPECT_EQ(Enter(kReader, Presentation()), Code::kUntrusted);
  EXPECT_EQ(May(kReader, Access::Action::kReceive, "keel/f1/m1/telemetry"), Code::kRevoked);
  EXPECT_EQ(May("m2", Access::Action::kPublish, "keel/f1/m2/telemetry"), Code::kOk);
}

TEST_F(BrokerAccess, AMemberWhoseFleetCredentialIsOverIsOut) {
  const auto late = [&](UnixSeconds now) { return Token(device_, kDevice, kFleet, now, now + 300); };
  EXPECT_EQ(Enter("m1", late(kNow + 999), kNow + 999), Code::kOk);
  EXPECT_EQ(Enter("m1", late(kNow + 1000), kNow + 1000), Code::kExpired);
  EXPECT_EQ(May("m1", Access::Action::kPublish, "keel/f1/m1/telemetry", kNow + 999), Code::kOk);
  for (const auto action : {Access::Action::kPublish, Access::Action::kSubscribe, Access::Action::kReceive})
    EXPECT_EQ(May("m1", action, "keel/f1/m1/telemetry", kNow + 1000), Code::kExpired);
  file_["members"]["m1"].erase("until");
  Save();
  EXPECT_NE(Enter("m1", Good()), Code::kOk);
}

TEST_F(BrokerAccess, EverythingFailsClosed) {
  const std::string good = Good();
  ASSERT_EQ(Enter("m1", good), Code::kOk);
  const auto closed = [&](const std::string& what) {
    EXPECT_NE(Enter("m1", good), Code::kOk) << what;
    EXPECT_NE(May("m1", Access::Action::kPublish, "keel/f1/m1/telemetry"), Code::kOk) << what;
    EXPECT_NE(May(kReader, Access::Action::kReceive, "keel/f1/m1/telemetry"), Code::kOk) << what;
  };
  ASSERT_TRUE(base::RemoveFile(dir_ / "members.jsonl"));
  closed("missing");
  for (const char* text : {"", "{", "[]", "null", "{\"v\":1}", "\n", "{}\n", "[]\n", "{\"v\":2}\n"}) {
    Save(text);
    closed(text);
  }
  Save(Lines().substr(0, Lines().find('\n')));
  closed("a first line without its end");
  for (const char* line : {"\n", "{\n", "{}\n", "[]\n", "{\"member\":\"m9\"}\n", "{\"gone\":1}\n",
                           "{\"member\":\"a\",\"gone\":\"a\"}\n"}) {
    Save(Lines() + line);
    closed(std::string("whole, with the line ") + line);
    Save();
    EXPECT_EQ(Enter("m1", good), Code::kOk);
    Add(line);
    closed(std::string("the added line ") + line);
    Add("{\"gone\":\"m2\"}\n");
    closed("a good line after a bad one");
  }
  const json whole = file_;
  for (const char* name : {"v", "owner", "fleet", "audience", "owner_key"}) {
    file_ = whole;
    file_.erase(name);
    Save();
    closed(name);
  }
  file_ = whole;
  file_["v"] = 1;
  Save();
  closed("a version that we don't know");
  file_ = whole;
  file_["members"]["m2"]["key"] = "z6Mk";
  Save();
  closed("a bad key of another member");
  file_ = whole;
  Save();
  EXPECT_EQ(Enter("m1", good), Code::kOk) << "a good file opens again";
}

TEST_F(BrokerAccess, AddedLinesCountAtOnce) {
  const std::string good = Good();
  ASSERT_EQ(Enter("m1", good), Code::kOk);
  Add("{\"gone\":\"m1\"}\n");
  EXPECT_EQ(Enter("m1", good), Code::kUntrusted);
  EXPECT_EQ(May("m1", Access::Action::kPublish, "keel/f1/m1/x"), Code::kRevoked);
  EXPECT_EQ(May("m2", Access::Action::kPublish, "keel/f1/m2/x"), Code::kOk);
  json line = file_["members"]["m1"];
  line["member"] = "m1";
  // A line counts when its end is there; half a line is no damage.
  const std::string text = base::DumpJson(line) + "\n";
  for (const char c : text) {
    EXPECT_EQ(Enter("m1", good), Code::kUntrusted);
    EXPECT_EQ(May("m2", Access::Action::kPublish, "keel/f1/m2/x"), Code::kOk);
    Add(std::string(1, c));
  }
  EXPECT_EQ(Enter("m1", good), Code::kOk);
  Add(std::string("{\"gone\":\"") + kReader + "\"}\n{\"gone\":\"never there\"}\n");
  EXPECT_EQ(Enter(kReader, Presentation()), Code::kUntrusted);
  EXPECT_EQ(Enter("m1", good), Code::kOk);
}

TEST_F(BrokerAccess, AnotherFileUnderTheNameIsReadWhole) {
  const std::string good = Good();
  const std::string whole = Lines();
  Save(whole + "{\"gone\":\"m1\"}\n");
  ASSERT_EQ(Enter("m1", good), Code::kUntrusted);
  // Of the same length, longer, shorter; a new file each time, whatever number its inode gets.
  for (const std::string& text :
       {whole + "{\"gone\":\"m2\"}\n", whole + "{\"gone\":\"m2\"}\n{\"gone\":\"m3\"}\n", whole}) {
    Save(text);
    EXPECT_EQ(Enter("m1", good), Code::kOk) << text;
    Save(whole + "{\"gone\":\"m1\"}\n");
    EXPECT_EQ(Enter("m1", good), Code::kUntrusted);
  }
}

TEST_F(BrokerAccess, ManyThreadsMayAsk) {
  const std::string good = Good();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(Enter("m1", good), Code::kOk);
        EXPECT_EQ(May("m1", Access::Action::kPublish, "keel/f1/m1/x"), Code::kOk);
      }
    });
  }
  for (int i = 0; i < 20; ++i) Save();
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace keel::broker
