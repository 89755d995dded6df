// SPDX-License-Identifier: Apache-2.0
#include "did/methods/webvh.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "base/jcs.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/internal/eddsa_jcs.h"
#include "did/representation.h"
#include "tests/fakes/tls_server.h"

namespace keel::did {
namespace {

using internal::WebvhHash;
using nlohmann::json;

constexpr UnixSeconds kNow = 1'800'000'000;
constexpr const char* kScid = "QmXq3qKkf4miH65SnSpkaMbAcXixyR6JU4yt8p4W8ftGWx";

TEST(Webvh, Locations) {
  const std::string did = std::string("did:webvh:") + kScid;
  EXPECT_EQ(WebvhLocation(did + ":example.com")->log_url, "https://example.com/.well-known/did.jsonl");
  EXPECT_EQ(WebvhLocation(did + ":issuer.example.com")->log_url, "https://issuer.example.com/.well-known/did.jsonl");
  EXPECT_EQ(WebvhLocation(did + ":example.com:dids:issuer")->log_url, "https://example.com/dids/issuer/did.jsonl");
  EXPECT_EQ(WebvhLocation(did + ":example.com%3A3000:dids:issuer")->log_url,
            "https://example.com:3000/dids/issuer/did.jsonl");
  EXPECT_EQ(WebvhLocation(did + ":example.com:x")->witness_url, "https://example.com/x/did-witness.json");
  EXPECT_EQ(WebvhLocation(did + ":example.com")->scid, kScid);
}

TEST(Webvh, LocationsRefused) {
  const std::string did = std::string("did:webvh:") + kScid;
  for (const std::string& bad : {// The negative cases of the method's suite that have no log.
                                 did + ":127.0.0.1#x",
                                 did + ":127.0.0.1%3a8080",
                                 did + ":example.com:..:..:admin",
                                 did + ":127%2E0%2E0%2E1",
                                 did + ":127%2e0%2e0%2e1",
                                 did + ":169%2E254%2E169%2E254",
                                 did + ":example.com:%2E%2E:admin",
                                 did + ":example.com:%2e%2e:admin",
                                 did + ":example.com:a%2Fb",
                                 std::string("did:webvh:Qm0000000000000000000000000000000000000000000000:example.com"),
                                 did,
                                 did + ":",
                                 did + ":localhost",
                                 did + ":[::1]",
                                 did + ":2130706433",
                                 did + ":0x7f.1",
                                 did + ":example.com::x",
                                 did + ":example.com%3A0",
                                 did + ":example.com%3A65536",
                                 did + ":example.com%3A1%3A2",
                                 did + ":example.com:%20x",
                                 did + ":example.com:x%20",
                                 did + ":example.com:%00",
                                 did + ":example.com:a%5Cb",
                                 did + ":example.com?x",
                                 std::string("did:webvh:{SCID}:example.com"),
                                 did.substr(0, did.size() - 1) + ":example.com",
                                 std::string("did:webvh:example.com")}) {
    const auto place = WebvhLocation(bad);
    ASSERT_FALSE(place.has_value()) << bad;
    EXPECT_EQ(place.error().code, Code::kInvalidDid) << bad;
  }
}

Result<ResolutionResult> Read(const std::string& did, const std::string& log, const std::optional<std::string>& witness,
                              const ResolutionOptions& options = {}) {
  return ReadWebvhLog(
      did, log,
      [&]() -> Result<std::string> {
        if (!witness) return Fail(Code::kNotFound, "test", "404");
        return *witness;
      },
      options, kNow);
}

// Every log of the method's suite, by five implementations.
TEST(Webvh, Vectors) {
  crypto::SetUpHostedCrypto();
  const auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/did-webvh/logs.json", 4 << 20);
  ASSERT_TRUE(text.has_value());
  const auto vectors = base::ParseJson(*text, {.max_size = 4 << 20, .max_members = 100'000});
  ASSERT_TRUE(vectors.has_value()) << vectors.error().Text();
  size_t good = 0, bad = 0;
  for (const json& vector : *vectors) {
    const std::string name = vector.at("name").get<std::string>() + "/" + vector.at("by").get<std::string>();
    const std::string log = vector.at("log");
    std::optional<std::string> witness;
    if (vector.contains("witness")) witness = vector.at("witness").get<std::string>();
    const size_t last_line = log.find_last_of('{', log.rfind("\"versionId\""));
    const auto last = base::ParseJson(log.substr(last_line));
    ASSERT_TRUE(last.has_value()) << name;
    const std::string did = last->at("state").at("id");
    // Where implementations resolve what the specification refuses: witnesses that are bare Multikeys, not did:key
    // DIDs; a replaced witness list that counts for the entry that replaces it (it counts after that entry; three of
    // the five have it so).
    static const std::set<std::string> kLenient = {"witness-threshold/rust", "witness-update/rust",
                                                   "witness-update/java", "witness-update/ts"};
    if (!vector.contains("results") || kLenient.contains(name)) {
      EXPECT_FALSE(Read(did, log, witness).has_value()) << name;
      ++bad;
      continue;
    }
    for (const auto& [which, expected] : vector.at("results").items()) {
      // This one's results of older versions are those of the newest.
      if (name == "multi-update/python" && which != "latest") continue;
      ResolutionOptions options;
      if (which != "latest") options.version_id = which + "-";
      const auto result = Read(did, log, witness, options);
      ASSERT_TRUE(result.has_value()) << name << ": " << result.error().Text();
      EXPECT_EQ(result->metadata.version_id, expected.at("versionId")) << name;
      EXPECT_EQ(result->deactivated, expected.at("deactivated")) << name;
      const json document = DocumentJson(*result);
      ++good;
      if (result->deactivated) {
        EXPECT_TRUE(document.is_null()) << name << ": a deactivated DID has no document";
        continue;
      }
      json wanted = expected.at("didDocument");
      json services = json::array();  // but for the implicit ones
      for (const json& service : wanted.value("service", json::array())) {
        const std::string id = service.at("id");
        if (!id.ends_with("#files") && !id.ends_with("#whois")) services.push_back(service);
      }
      wanted.erase("service");
      if (!services.empty()) wanted["service"] = services;
      EXPECT_EQ(document, wanted) << name;
    }
  }
  EXPECT_EQ(good, 66u);
  EXPECT_EQ(bad, 17u);
}

// Makes logs, right ones and wrong ones.
class WebvhLogs : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  struct Key {
    crypto::KeyHandle handle;
    std::string multikey;
  };
  Key NewKey() {
    const auto handle = *store_->Generate(crypto::KeyType::kEd25519);
    return {handle, base::Multikey(*store_->Public(handle))};
  }
  json Proof(const json& document, const Key& key) {
    json proof = {{"type", "DataIntegrityProof"},
                  {"cryptosuite", "eddsa-jcs-2022"},
                  {"verificationMethod", "did:key:" + key.multikey + "#" + key.multikey},
                  {"created", "2026-01-01T00:00:00Z"},
                  {"proofPurpose", "assertionMethod"}};
    Sign(document, key, proof);
    return proof;
  }
  void Sign(const json& document, const Key& key, json& proof) {
    proof.erase("proofValue");
    const Bytes32 first = crypto::Sha256::Of(*base::Jcs(proof)), second = crypto::Sha256::Of(*base::Jcs(document));
    std::array<uint8_t, 64> message{}, signature{};
    std::copy(first.begin(), first.end(), message.begin());
    std::copy(second.begin(), second.end(), message.begin() + 32);
    EXPECT_TRUE(store_->Sign(key.handle, message, signature));
    proof["proofValue"] = *base::MultibaseBase58(signature);
  }
  // Starts a log at example.com and gives its DID.
  void Start(json parameters = json::object()) {
    lines_.clear();
    if (!parameters.contains("method")) parameters["method"] = "did:webvh:1.0";
    if (!parameters.contains("updateKeys")) parameters["updateKeys"] = {key_.multikey};
    parameters["scid"] = "{SCID}";
    json entry = {{"versionId", "{SCID}"},
                  {"versionTime", "2026-01-01T00:00:00Z"},
                  {"parameters", parameters},
                  {"state", {{"@context", {"https://www.w3.org/ns/did/v1"}}, {"id", "did:webvh:{SCID}:" + place_}}}};
    const std::string scid = WebvhHash(*base::Jcs(entry));
    std::string text = base::DumpJson(entry);
    for (size_t at; (at = text.find("{SCID}")) != std::string::npos;) text.replace(at, 6, scid);
    entry = *base::ParseJson(text);
    did_ = entry["state"]["id"];
    scid_ = scid;
    Finish(std::move(entry), key_);
  }
  void Add(json parameters, const Key& signer, json state = {}, const std::string& time = {}) {
    json entry = {{"versionId", lines_.back()["versionId"]},
                  {"versionTime", time.empty() ? "2026-01-0" + std::to_string(lines_.size() + 1) + "T00:00:00Z" : time},
                  {"parameters", std::move(parameters)},
                  {"state", state.is_null() ? lines_.back()["state"] : state}};
    Finish(std::move(entry), signer);
  }
  void Finish(json entry, const Key& signer) {
    const std::string hash = WebvhHash(*base::Jcs(entry));
    entry["versionId"] = std::to_string(lines_.size() + 1) + "-" + hash;
    const json proof = Proof(entry, signer);
    entry["proof"] = json::array({proof});
    lines_.push_back(std::move(entry));
  }
  std::string Text() const {
    std::string text;
    for (const json& line : lines_) text += base::DumpJson(line) + "\n";
    return text;
  }
  std::string Version(size_t number) const { return lines_[number - 1]["versionId"]; }
  // How the log as it stands resolves: "" or what is wrong.
  std::string Verdict(const ResolutionOptions& options = {}) {
    const auto result = Read(did_, Text(), witness_, options);
    if (result) return "";
    EXPECT_TRUE(result.error().code == Code::kInvalidDid || result.error().code == Code::kNotFound);
    return result.error().detail;
  }
  void Refused(const std::string& why) {
    const std::string verdict = Verdict();
    EXPECT_NE(verdict.find(why), std::string::npos) << "wanted: " << why << "\nis: " << verdict;
  }
  json Witnessed(std::vector<std::pair<size_t, const Key*>> by) {
    json file = json::array();
    for (const auto& [number, key] : by) {
      const json document = {{"versionId", Version(number)}};
      file.push_back({{"versionId", Version(number)}, {"proof", json::array({Proof(document, *key)})}});
    }
    return file;
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  Key key_ = NewKey(), other_ = NewKey();
  std::string place_ = "example.com", did_, scid_;
  std::vector<json> lines_;
  std::optional<std::string> witness_;
};

TEST_F(WebvhLogs, ResolvesVersions) {
  Start({{"ttl", 60}, {"watchers", {"https://watch.example"}}});
  json state = lines_[0]["state"];
  state["alsoKnownAs"] = {"did:web:example.com"};
  Add({{"updateKeys", {other_.multikey}}}, key_, state);
  Add(json::object(), other_);
  const auto newest = Read(did_, Text(), {});
  ASSERT_TRUE(newest.has_value()) << newest.error().Text();
  EXPECT_EQ(newest->metadata.version_id, Version(3));
  EXPECT_EQ(newest->document->also_known_as.size(), 1u);
  EXPECT_EQ(newest->max_age, 60u);
  const json metadata = MetadataJson(newest->metadata, false);
  EXPECT_EQ(metadata.at("created"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(metadata.at("updated"), "2026-01-03T00:00:00Z");
  EXPECT_EQ(metadata.at("scid"), scid_);
  EXPECT_EQ(metadata.at("ttl"), "60");
  EXPECT_EQ(metadata.at("watchers")[0], "https://watch.example");
  const auto first = Read(did_, Text(), {}, {.version_id = Version(1)});
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->document->also_known_as.empty());
  EXPECT_EQ(first->metadata.next_version_id, Version(2));
  const UnixSeconds day = 86'400, start = 1'767'225'600;
  EXPECT_EQ(Read(did_, Text(), {}, {.version_time = start + day})->metadata.version_id, Version(2));
  EXPECT_EQ(Read(did_, Text(), {}, {.version_time = start + day - 1})->metadata.version_id, Version(1));
  EXPECT_EQ(Read(did_, Text(), {}, {.version_time = start - 1}).error().code, Code::kNotFound);
  EXPECT_EQ(Read(did_, Text(), {}, {.version_id = "4-" + scid_}).error().code, Code::kNotFound);
  EXPECT_EQ(Read(did_, Text(), {}, {.version_id = "2-"})->metadata.version_id, Version(2));
  EXPECT_EQ(Read(did_, Text(), {}, {.version_id = "2"}).error().code, Code::kNotFound);
  // Asked for as another place's DID.
  EXPECT_EQ(Read("did:webvh:" + scid_ + ":evil.example", Text(), {}).error().code, Code::kInvalidDid);
}

TEST_F(WebvhLogs, EveryOctetIsBound) {
  Start();
  Add({{"portable", false}}, key_);
  const std::string text = Text();
  ASSERT_EQ(Verdict(), "");
  for (size_t i = 0; i < text.size(); i += 3) {
    std::string changed = text;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    if (changed == text) continue;
    EXPECT_FALSE(Read(did_, changed, {}).has_value()) << i << ": " << text.substr(i > 20 ? i - 20 : 0, 40);
  }
  for (size_t length = 0; length < text.size() - 1; length += 7) {
    if (text[length - (length > 0)] == '\n' || text[length] == '\n') continue;
    EXPECT_FALSE(Read(did_, text.substr(0, length), {}).has_value()) << length;
  }
  EXPECT_FALSE(Read(did_, text + "\n", {}).has_value()) << "an empty line is no entry";
}

TEST_F(WebvhLogs, RefusesEntries) {
  const auto with = [&](json parameters, const Key& signer, const std::string& why, json state = {},
                        const std::string& time = {}) {
    Start();
    Add(std::move(parameters), signer, std::move(state), time);
    Refused(why);
  };
  const json none = json::object();
  with(none, other_, "may not sign");
  with({{"updateKeys", {other_.multikey}}}, other_, "may not sign");
  with({{"method", "did:webvh:99.0"}}, key_, "method");
  with({{"method", "did:webvh:0.5"}}, key_, "method");
  with({{"scid", scid_}}, key_, "scid appears");
  with({{"portable", true}}, key_, "portable is set");
  with({{"unheard", 1}}, key_, "not one of did:webvh 1.0");
  with({{"ttl", -1}}, key_, "ttl");
  with({{"ttl", uint64_t{1} << 32}}, key_, "ttl");
  with({{"deactivated", "yes"}}, key_, "deactivated");
  with({{"updateKeys", {"z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"}}}, key_, "Ed25519");
  with({{"updateKeys", key_.multikey}}, key_, "no array");
  with(none, key_, "not after", {}, "2026-01-01T00:00:00Z");
  with(none, key_, "not after", {}, "2025-12-31T23:59:59Z");
  with(none, key_, "future", {}, "2027-01-15T08:05:01Z");
  with(none, key_, "UTC", {}, "2026-02-01T00:00:00+01:00");
  with(none, key_, "UTC", {}, "2026-02-01");
  Start();
  Add(none, key_, {}, "2027-01-15T08:05:00Z");
  EXPECT_EQ(Verdict(), "") << "five minutes ahead";
  Start();
  Add(none, key_, {}, "2026-01-01T00:00:00.5Z");
  Add(none, key_, {}, "2026-01-01T00:00:00.51Z");
  EXPECT_EQ(Verdict(), "");
  Add(none, key_, {}, "2026-01-01T00:00:00.510Z");
  Refused("not after");
  Start();
  json state = lines_[0]["state"];
  state["id"] = "did:webvh:" + std::string(kScid) + ":example.com";
  with(none, key_, "another SCID", state);
  state["id"] = "did:web:example.com";
  with(none, key_, "no did:webvh", state);
  // Numbers that don't follow, hashes that are none.
  for (const char* id : {"3-", "02-", "2", "2--", "+2-"}) {
    Start();
    Add(none, key_);
    std::string version = Version(2);
    lines_[1]["versionId"] = id + version.substr(2);
    Refused("versionId");
  }
  Start();
  Add({{"deactivated", true}}, key_);
  Add(none, key_);
  Refused("after the deactivation");
  Start({{"updateKeys", json::array()}});
  Refused("may not sign");
  Start({{"method", "did:webvh:1.0-rc1"}});
  Refused("method");
}

TEST_F(WebvhLogs, TheScidIsTheFirstEntrysHash) {
  // Everything else is as it must be: somebody took another DID's SCID for a log of his own.
  did_ = "did:webvh:" + std::string(kScid) + ":example.com";
  Finish({{"versionId", kScid},
          {"versionTime", "2026-01-01T00:00:00Z"},
          {"parameters", {{"method", "did:webvh:1.0"}, {"scid", kScid}, {"updateKeys", {key_.multikey}}}},
          {"state", {{"id", did_}}}},
         key_);
  Refused("SCID is not the hash");
}

TEST_F(WebvhLogs, EntriesAreChained) {
  // Signed by the right key, over another predecessor.
  Start();
  json entry = {{"versionId", "1-" + std::string(kScid)},
                {"versionTime", "2026-01-02T00:00:00Z"},
                {"parameters", json::object()},
                {"state", lines_[0]["state"]}};
  Finish(entry, key_);
  Refused("hash is not that");
}

TEST_F(WebvhLogs, RefusesProofs) {
  const auto with = [&](const std::function<void(json&)>& change, const std::string& why) {
    Start();
    json& proof = lines_[0]["proof"][0];
    json document = lines_[0];
    document.erase("proof");
    change(proof);
    Sign(document, key_, proof);  // a good signature over a proof that says something else
    Refused(why);
  };
  with([](json& p) { p["cryptosuite"] = "eddsa-rdfc-2022"; }, "cryptosuite");
  with([](json& p) { p.erase("cryptosuite"); }, "cryptosuite");
  with([](json& p) { p["type"] = "Ed25519Signature2020"; }, "type");
  with([](json& p) { p["proofPurpose"] = "authentication"; }, "proofPurpose");
  with([](json& p) { p["@context"] = "https://w3id.org/security/data-integrity/v2"; }, "@context");
  with([](json& p) { p["expires"] = "2030-01-01T00:00:00Z"; }, "expires");
  with([&](json& p) { p["verificationMethod"] = "did:key:" + key_.multikey + "#" + other_.multikey; }, "two keys");
  with([&](json& p) { p["verificationMethod"] = "did:key:" + other_.multikey + "#" + key_.multikey; }, "two keys");
  with([&](json& p) { p["verificationMethod"] = "did:key:" + other_.multikey + "#" + other_.multikey; }, "signature");
  with([&](json& p) { p["verificationMethod"] = "did:key:" + key_.multikey; }, "did:key URL");
  Start();
  lines_[0]["proof"] = json::array();
  Refused("no array of proofs");
  Start();
  lines_[0]["proof"] = json(lines_[0]["proof"][0]);
  Refused("no array of proofs");
  Start();
  // One good proof doesn't cover for a bad one.
  json second = lines_[0]["proof"][0];
  second["created"] = "2026-01-01T00:00:01Z";
  lines_[0]["proof"].push_back(second);
  Refused("signature");
}

TEST_F(WebvhLogs, PreRotation) {
  const json next = {WebvhHash(other_.multikey)};
  Start({{"nextKeyHashes", next}});
  Add({{"updateKeys", {other_.multikey}}, {"nextKeyHashes", json::array()}}, other_);
  EXPECT_EQ(Verdict(), "");
  Add({{"updateKeys", {key_.multikey}}}, other_);
  EXPECT_EQ(Verdict(), "") << "ended: the entry before authorizes again";
  Start({{"nextKeyHashes", next}});
  Add({{"nextKeyHashes", json::array()}}, key_);
  Refused("must be given");
  Start({{"nextKeyHashes", next}});
  Add({{"updateKeys", {other_.multikey}}}, other_);
  Refused("must be given");
  Start({{"nextKeyHashes", next}});
  Add({{"updateKeys", {other_.multikey, key_.multikey}}, {"nextKeyHashes", next}}, other_);
  Refused("not committed");
  Start({{"nextKeyHashes", next}});
  Add({{"updateKeys", {other_.multikey}}, {"nextKeyHashes", next}}, key_);
  Refused("may not sign");
}

TEST_F(WebvhLogs, Portability) {
  const auto moved = [&](const std::string& known) {
    json state = lines_[0]["state"];
    state["id"] = "did:webvh:" + scid_ + ":new.example";
    if (!known.empty()) state["alsoKnownAs"] = {known};
    return state;
  };
  Start({{"portable", true}});
  const std::string old = did_;
  Add(json::object(), key_, moved(old));
  EXPECT_EQ(Read("did:webvh:" + scid_ + ":new.example", Text(), {})->document->id,
            "did:webvh:" + scid_ + ":new.example");
  const auto before = Read(old, Text(), {});
  EXPECT_EQ(before.error().code, Code::kNotFound);
  EXPECT_NE(before.error().detail.find("has moved"), std::string::npos);
  EXPECT_EQ(Read(old, Text(), {}, {.version_id = Version(1)})->document->id, old);
  Start();
  Add(json::object(), key_, moved(did_));
  Refused("not portable");
  Start({{"portable", true}});
  Add(json::object(), key_, moved(""));
  Refused("alsoKnownAs");
  Start({{"portable", true}});
  Add({{"portable", false}}, key_);
  Add(json::object(), key_, moved(did_));
  Refused("not portable");
}

TEST_F(WebvhLogs, Witnesses) {
  const Key a = NewKey(), b = NewKey(), c = NewKey();
  const auto list = [](uint64_t threshold, const std::vector<const Key*>& keys) {
    json out = {{"threshold", threshold}, {"witnesses", json::array()}};
    for (const Key* key : keys) out["witnesses"].push_back({{"id", "did:key:" + key->multikey}});
    return out;
  };
  Start({{"witness", list(2, {&a, &b, &c})}});
  Add(json::object(), key_);
  Add({{"witness", json::object()}}, key_);
  Add(json::object(), key_);
  const auto with = [&](const json& file) {
    witness_ = base::DumpJson(file);
    return Verdict();
  };
  EXPECT_EQ(with(Witnessed({{3, &a}, {3, &b}})), "")
      << "a proof counts for the entries before; the list's end is witnessed";
  EXPECT_EQ(with(Witnessed({{4, &a}, {3, &c}})), "");
  EXPECT_NE(with(Witnessed({{3, &a}, {2, &b}})).find("entry 3 is witnessed by 1 of the 2"), std::string::npos);
  EXPECT_NE(with(Witnessed({{3, &a}, {3, &a}, {4, &a}})), "") << "twice the same";
  EXPECT_NE(with(Witnessed({{3, &a}, {3, &other_}})), "") << "nobody's witness";
  EXPECT_NE(with(json::array()), "");
  EXPECT_NE(with(json::object()), "");
  witness_.reset();
  EXPECT_NE(Verdict(), "") << "no file";
  // What was witnessed still resolves when it is asked for.
  witness_ = base::DumpJson(Witnessed({{1, &a}, {2, &b}}));
  EXPECT_NE(Verdict(), "");
  EXPECT_EQ(Verdict({.version_id = Version(1)}), "");
  EXPECT_NE(Verdict({.version_id = Version(2)}), "");
  // A proof of another log by the same witness.
  json foreign = Witnessed({{3, &a}});
  foreign[0]["proof"].push_back(Proof({{"versionId", "9-" + scid_}}, b));
  EXPECT_NE(with(foreign), "");
  json renamed = Witnessed({{3, &a}});
  renamed.push_back({{"versionId", "9-" + scid_}, {"proof", json::array({Proof({{"versionId", "9-" + scid_}}, b)})}});
  EXPECT_NE(with(renamed), "");
  // Lists that are none.
  const auto refused = [&](json witness) {
    Start({{"witness", std::move(witness)}});
    witness_ = base::DumpJson(Witnessed({{1, &a}, {1, &b}}));
    EXPECT_NE(Verdict(), "");
  };
  refused(list(0, {&a}));
  refused(list(2, {&a}));
  refused(list(2, {&a, &a}));
  refused(list(1, {}));
  refused({{"threshold", 1}});
  refused({{"threshold", "1"}, {"witnesses", list(1, {&a})["witnesses"]}});
  refused({{"threshold", 1}, {"witnesses", {{{"id", "did:web:example.com"}}}}});
  refused(json::array());
}

TEST_F(WebvhLogs, DeactivatedAndBroken) {
  Start();
  Add({{"deactivated", true}, {"updateKeys", json::array()}}, key_);
  auto result = Read(did_, Text(), {});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->deactivated);
  EXPECT_TRUE(DocumentJson(*result).is_null());
  EXPECT_TRUE(result->document->methods.empty());
  result = Read(did_, Text(), {}, {.version_id = Version(1)});
  EXPECT_TRUE(result->deactivated);
  EXPECT_EQ(DocumentJson(*result).at("id"), did_);
  // A later entry that is broken hides the newest version, not an older one that is named.
  Start();
  Add(json::object(), key_);
  Add(json::object(), other_);
  Refused("entry 3");
  EXPECT_EQ(Verdict({.version_id = Version(2)}), "");
  EXPECT_EQ(Verdict({.version_time = 1'767'225'600}), "");
  EXPECT_NE(Verdict({.version_time = 1'790'000'000}), "") << "the broken entry may have stood then";
  EXPECT_NE(Verdict({.version_id = Version(3)}), "");
  const auto large = Read(did_, std::string(kMaxWebvhLog + 1, '\n'), {});
  EXPECT_EQ(large.error().code, Code::kTooLarge);
}

TEST_F(WebvhLogs, FetchesLogAndWitnesses) {
  fakes::TestAuthority authority;
  auto dir = base::TempDir::Create();
  const std::string ca_file = *dir / "ca.pem";
  ASSERT_TRUE(base::WriteFileAtomic(ca_file, authority.RootPem()));
  const Key witness = NewKey();
  bool with_file = true;
  const fakes::TlsServer server(authority.Issue("DNS:host.test"), [&](const std::string& request) {
    if (request.starts_with("GET /a/did.jsonl ")) return fakes::HttpAnswer(200, Text());
    if (with_file && request.starts_with("GET /a/did-witness.json ")) return fakes::HttpAnswer(200, *witness_);
    return fakes::HttpAnswer(404, "");
  });
  place_ = "host.test%3A" + std::to_string(server.port()) + ":a";
  Start({{"witness", {{"threshold", 1}, {"witnesses", {{{"id", "did:key:" + witness.multikey}}}}}}});
  witness_ = base::DumpJson(Witnessed({{1, &witness}}));
  WebMethod::Options options;
  options.ca_file = ca_file;
  options.permit_loopback_for_tests = true;
  options.lookup = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"127.0.0.1"};
  };
  WebvhMethod method(options);
  const auto result = method.Resolve(did_);
  ASSERT_TRUE(result.has_value()) << result.error().Text();
  EXPECT_EQ(result->document->id, did_);
  EXPECT_EQ(server.connections(), 2);
  with_file = false;
  EXPECT_EQ(method.Resolve(did_).error().code, Code::kInvalidDid) << "witnesses wanted, none there";
  options.permit_loopback_for_tests = false;
  EXPECT_EQ(WebvhMethod(options).Resolve(did_).error().code, Code::kRefused);
  EXPECT_EQ(method.Resolve(did_.substr(0, did_.size() - 1) + "b").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace keel::did
