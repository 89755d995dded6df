// SPDX-License-Identifier: Apache-2.0
// What a device may say after the owner has proved itself, each part of it gone bad: M3 and the contacts of later, made
// by hand with the keys of a real wallet's records and sent to a real verifier service.
#include <gtest/gtest.h>

#include "core/encoding.h"
#include "device-wallet/core/envelope.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/keys.h"
#include "did/jose.h"
#include "onboarding/messages.h"
#include "tests/fakes/memory_device.h"

namespace keel::verifier {
namespace {

using fakes::Ask;
using fakes::json;
using fakes::MemoryDevice;

// Speaks for a device whose records it reads.
class Speaker {
 public:
  Speaker(MemoryDevice& device, base::HttpClient& http, std::string url) : http_(http), url_(std::move(url)) {
    records_ = device.records;
    ports_.size = sizeof ports_;
    ports_.context = this;
    ports_.store_read = [](void* context, uint16_t id, uint8_t* out, size_t capacity, size_t* length) {
      const auto& kept = static_cast<Speaker*>(context)->records_;
      const auto found = kept.find(id);
      if (found == kept.end()) return KEEL_PORT_NOT_FOUND;
      if (found->second.size() > capacity) return KEEL_PORT_FAILED;
      std::copy(found->second.begin(), found->second.end(), out);
      *length = found->second.size();
      return KEEL_PORT_OK;
    };
    EXPECT_TRUE(store_.Load(wallet::RecordId::kState, state));
    static_cast<void>(store_.Load(wallet::RecordId::kSession, session));
  }
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  std::string Raw(wallet::RecordId id) const {
    const auto& octets = records_.at(static_cast<uint16_t>(id));
    return {octets.begin(), octets.end()};
  }
  std::string Sign(const json& payload, crypto::KeyHandle key = wallet::WalletKeys::kAuthentication) {
    wallet::WalletKeys keys = Keys();
    std::string out(4096, '\0');
    const auto n = wallet::SignJwt("vp+jwt", base::DumpJson(payload), keys, key, out);
    EXPECT_TRUE(n);
    out.resize(n.value_or(0));
    return out;
  }
  // The reply's plaintext; null when there was none.
  json Say(onboarding::Message type, const std::string& thid, json body) {
    const bool before = session.stage != 0;
    body["v"] = 1;
    const auto self = wallet::ParsePeerDid(before ? session.pd.view() : state.pd.view());
    const auto peer = wallet::ParsePeerDid(before ? session.pv.view() : state.pv.view());
    EXPECT_TRUE(self && peer);
    const json message = {{"id", "id-" + std::to_string(++number_)},
                          {"typ", "application/didcomm-plain+json"},
                          {"type", std::string(onboarding::TypeOf(type))},
                          {"from", std::string(self->did.view())},
                          {"to", {std::string(peer->did.view())}},
                          {"thid", thid},
                          {"body", std::move(body)}};
    const auto self_kid = wallet::AgreementKid(*self), peer_kid = wallet::AgreementKid(*peer);
    wallet::WalletKeys keys = Keys();
    auto shared = keys.Agree(wallet::WalletKeys::kPairwise, peer->agreement);
    EXPECT_TRUE(shared);
    const wallet::EnvelopePeers peers{{self_kid.view(), crypto::KeyType::kX25519, &keys, wallet::WalletKeys::kPairwise},
                                      {peer_kid.view(), peer->agreement},
                                      &*shared};
    std::vector<uint8_t> buffer(16384);
    const std::string text = base::DumpJson(message);
    std::copy(text.begin(), text.end(), buffer.begin());
    const auto n = wallet::PackAuthcrypt(peers, crypto::SystemRandom(), buffer, text.size());
    EXPECT_TRUE(n);
    auto answer = http_.Post(url_ + "/didcomm", std::string(onboarding::header::kMediaType),
                             std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n.value_or(0))));
    if (!answer || answer->status != 200) return {};
    std::vector<uint8_t> reply(answer->body.begin(), answer->body.end());
    const auto plain = wallet::UnpackAuthcrypt(peers, reply);
    EXPECT_TRUE(plain);
    return plain ? *base::ParseJson(std::string(AsText(*plain))) : json();
  }

  wallet::State state;
  wallet::Session session;

 private:
  wallet::WalletKeys Keys() { return {ports_, crypto::SystemRandom(), store_, state, session}; }

  std::map<uint16_t, std::vector<uint8_t>> records_;
  keel_wallet_ports ports_{};
  wallet::Records store_{ports_};
  base::HttpClient& http_;
  std::string url_;
  int number_ = 0;
};

class DeviceProofTest : public testing::Test {
 protected:
  DeviceProofTest() {
    const std::string folder = world_ / "owner";
    fakes::Role maker(world_, world_ / "maker");
    {
      fakes::Role owner(world_, folder);
      devices_ = fakes::MakeDevices(world_, maker, 2);
      fakes::Pass(maker, owner, 2);
    }
    service_ = fakes::StartVerifier(world_, folder);
    EXPECT_TRUE(fakes::ClaimAll(*service_));
  }
  // Runs the device until its proof is due, which is not sent.
  std::unique_ptr<Speaker> Proving(size_t i) {
    bool due = false;
    size_t posts = 0;
    const auto over = MemoryDevice::Over(*http_);
    devices_[i]->Run(
        [&](const keel_wallet_request& request, std::string& reply) {
          if (request.kind == KEEL_REQUEST_DIDCOMM && ++posts == 2) {
            due = true;
            return 0;
          }
          return over(request, reply);
        },
        [&] { return due; });
    EXPECT_TRUE(due) << devices_[i]->Log();
    auto speaker = std::make_unique<Speaker>(*devices_[i], *http_, service_->url());
    EXPECT_EQ(speaker->session.stage, 2);
    return speaker;
  }
  json Proof(Speaker& s, const std::string& vc) {
    return {{"iss", std::string(s.state.did.view())}, {"aud", std::string(s.session.owner.did.view())},
            {"nonce", base::Base64Url(s.session.nv)}, {"iat", s.session.proof_iat},
            {"exp", s.session.proof_iat + 600},       {"pd", std::string(s.session.pd.view())},
            {"th", base::Base64Url(s.session.th2)},   {"vcs", {base::Base64Url(crypto::Sha256::Of(vc))}}};
  }
  std::string Thread(const Speaker& s) { return base::Base64Url(s.session.thid); }
  json Device(const MemoryDevice& device) {
    return *Ask(*service_, "why", {{"device", std::string(device.Info().did)}});
  }

  fakes::World world_;
  std::unique_ptr<base::HttpClient> http_ = base::MakeBeastClient(8);
  std::vector<std::unique_ptr<MemoryDevice>> devices_;
  std::unique_ptr<Service> service_;
};

TEST_F(DeviceProofTest, EachFieldGoneBad) {
  const auto speaker = Proving(0);
  Speaker& s = *speaker;
  const std::string vc = s.Raw(wallet::RecordId::kCredential);
  const json batch = *base::ParseJson(s.Raw(wallet::RecordId::kBatch));
  const std::string zero(43, 'A'), other(devices_[1]->Info().did);
  struct Case {
    const char* name;
    std::function<void(json&)> bend;
    const char* code;  // told to the device, which has not proved itself
    const char* why;   // told to the owner
  };
  const std::vector<Case> cases = {
      {"iss", [&](json& p) { p["iss"] = other; }, "bad-proof", "iss is not the device of this claim"},
      {"aud", [&](json& p) { p["aud"] = other; }, "bad-proof", "wrong_audience"},
      {"nonce", [&](json& p) { p["nonce"] = zero; }, "bad-proof", "wrong_nonce"},
      {"pd", [&](json& p) { p["pd"] = "did:peer:2.Ez6LSother"; }, "bad-proof", "a relayed proof"},
      {"th", [&](json& p) { p["th"] = zero; }, "bad-proof", "a spliced or stale handshake"},
      {"vcs", [&](json& p) { p["vcs"] = {zero}; }, "bad-proof", "not the hash of the credential"},
      {"two vcs", [&](json& p) { p["vcs"].push_back(zero); }, "bad-proof", "not the hash of the credential"},
      {"old", [&](json& p) { p["iat"] = base::NowSeconds() - 3600; }, "expired", "expired"},
      {"future", [&](json& p) { p["iat"] = base::NowSeconds() + 3600; }, "expired", "expired"},
      {"no nonce", [&](json& p) { p.erase("nonce"); }, "bad-proof", "nonce"},
  };
  const auto send = [&](const std::string& vp) {
    return s.Say(onboarding::Message::kDeviceProof, Thread(s), {{"vp", vp}, {"vc", vc}, {"batch", batch}});
  };
  const auto refused = [&](const json& answer, const char* code, const char* why) {
    EXPECT_EQ(answer["type"], std::string(onboarding::TypeOf(onboarding::Message::kProblem))) << answer;
    EXPECT_EQ(answer["body"]["code"], code) << answer;
    EXPECT_EQ(answer["body"]["comment"], "") << "nothing is told to whoever has proved nothing";
    const json seen = Device(*devices_[0]);
    EXPECT_EQ(seen["state"], "claimed");
    EXPECT_NE(seen["why"].get<std::string>().find(why), std::string::npos) << seen["why"];
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json proof = Proof(s, vc);
    c.bend(proof);
    refused(send(s.Sign(proof)), c.code, c.why);
  }
  {
    SCOPED_TRACE("another key");
    refused(send(s.Sign(Proof(s, vc), wallet::WalletKeys::kNext)), "bad-proof", "no current authentication key");
  }
  {
    SCOPED_TRACE("a signature that is wrong");
    std::string vp = s.Sign(Proof(s, vc));
    char& letter = vp[vp.size() - 10];
    letter = letter == 'A' ? 'B' : 'A';
    refused(send(vp), "bad-proof", "bad_signature");
  }
  {
    SCOPED_TRACE("another session's thread");
    const json answer = s.Say(onboarding::Message::kDeviceProof, "AAAAAAAAAAAAAAAAAAAAAA",
                              {{"vp", s.Sign(Proof(s, vc))}, {"vc", vc}, {"batch", batch}});
    refused(answer, "expired", "no such session");
  }
  const json answer = send(s.Sign(Proof(s, vc)));
  EXPECT_EQ(answer["type"], std::string(onboarding::TypeOf(onboarding::Message::kProvision))) << answer;
  EXPECT_EQ(Device(*devices_[0])["state"], "bound");
}

TEST_F(DeviceProofTest, DoneOfAnotherTranscriptOrGeneration) {
  ASSERT_TRUE(devices_[0]->Run(MemoryDevice::Over(*http_), [&] { return devices_[0]->Info().step == KEEL_STEP_DONE; }));
  Speaker s(*devices_[0], *http_, service_->url());
  ASSERT_EQ(s.session.stage, 0);
  const std::string thread = base::Base64Url(s.state.thid);
  const auto key = *crypto::PublicFromPrivate(crypto::KeyType::kX25519, s.state.rendezvous[1].rp);
  const json good = {{"th", base::Base64Url(s.state.th)},
                     {"g", s.state.generation},
                     {"rs", base::Base64Url(s.state.rendezvous[1].rs)},
                     {"rp", base::Multikey(key)},
                     {"report", json::object()}};
  for (const auto& [name, value] : std::vector<std::pair<const char*, json>>{
           {"th", std::string(43, 'A')}, {"g", 7}, {"rs", "AAAA"}, {"rp", "z6Mk"}, {"rp", nullptr}}) {
    json bad = good;
    bad[name] = value;
    const json answer = s.Say(onboarding::Message::kDone, thread, bad);
    EXPECT_EQ(answer["type"], std::string(onboarding::TypeOf(onboarding::Message::kRefused))) << name << answer;
    EXPECT_EQ(Device(*devices_[0])["state"], "bound") << name;
  }
  EXPECT_EQ(s.Say(onboarding::Message::kDone, thread, good)["type"],
            std::string(onboarding::TypeOf(onboarding::Message::kAck)));
  EXPECT_EQ(Device(*devices_[0])["state"], "onboarded");
}

TEST_F(DeviceProofTest, ContactsOfTheDeviceThatWasLetInOnly) {
  ASSERT_TRUE(devices_[0]->Onboard(MemoryDevice::Over(*http_))) << devices_[0]->Log();
  Speaker s(*devices_[0], *http_, service_->url());
  uint64_t seq = 100;
  const auto contact = [&](uint64_t number, const Bytes32& secret) {
    return s.Say(onboarding::Message::kContact, "AAAAAAAAAAAAAAAAAAAAA" + std::to_string(number % 10),
                 {{"seq", number}, {"contact", base::Base64Url(secret)}, {"g", 1}});
  };
  const std::string reply(onboarding::TypeOf(onboarding::Message::kContactReply)),
      no(onboarding::TypeOf(onboarding::Message::kRefused));
  const auto next_of = [](const json& answer) {
    const auto text = base::FromBase64Url(answer["body"]["next"].get<std::string>());
    Bytes32 out{};
    std::copy(text->begin(), text->end(), out.begin());
    return out;
  };
  json answer = contact(seq, s.state.contact);
  ASSERT_EQ(answer["type"], reply) << answer;
  const Bytes32 first = next_of(answer);

  // The same number again, with the newest secret: a replay.
  EXPECT_EQ(contact(seq, first)["type"], no);
  EXPECT_NE(Device(*devices_[0])["why"].get<std::string>().find("is not above"), std::string::npos);
  // Our last answer may be lost: the secret before is good once more.
  answer = contact(++seq, s.state.contact);
  ASSERT_EQ(answer["type"], reply) << answer;
  answer = contact(++seq, next_of(answer));
  ASSERT_EQ(answer["type"], reply) << answer;
  // What a copy of the device's storage from before has.
  for (const Bytes32& old : {s.state.contact, first, Bytes32{}}) {
    EXPECT_EQ(contact(++seq, old)["type"], no);
    EXPECT_NE(Device(*devices_[0])["why"].get<std::string>().find("a copy of the device may be about"),
              std::string::npos);
  }
  EXPECT_EQ(contact(++seq, next_of(answer))["type"], reply) << "the device itself goes on";
}

TEST_F(DeviceProofTest, ARenewalWhoseReplyWasLostComesAgain) {
  ASSERT_TRUE(devices_[0]->Onboard(MemoryDevice::Over(*http_))) << devices_[0]->Log();
  Speaker s(*devices_[0], *http_, service_->url());
  uint64_t seq = 100;
  const auto contact = [&](uint64_t generation, const std::string& secret) {
    ++seq;
    return s.Say(onboarding::Message::kContact, base::Base64Url(ByteArray<16>{static_cast<uint8_t>(seq)}),
                 {{"seq", seq}, {"contact", secret}, {"g", generation}})["body"];
  };
  std::string secret = base::Base64Url(s.state.contact);
  const auto heard = [&](const json& body) { secret = body["next"]; };
  json body = contact(1, secret);
  heard(body);
  EXPECT_FALSE(body.contains("provision")) << "nothing is new";

  ASSERT_TRUE(Ask(*service_, "profile-set", {{"model", "*"}, {"configuration", R"({"rate":7})"}, {"firmware", ""}}));
  body = contact(1, secret);
  ASSERT_TRUE(body.contains("provision")) << body;
  EXPECT_EQ(body["provision"]["g"], 2);
  // The reply is lost; the device says so by what it has. Twice.
  for (int i = 0; i < 2; ++i) {
    body = contact(1, secret);
    ASSERT_TRUE(body.contains("provision")) << body;
    EXPECT_EQ(body["provision"]["g"], 2);
    EXPECT_EQ(body["provision"]["config"]["rate"], 7);
  }
  heard(body);
  body = contact(2, secret);
  EXPECT_FALSE(body.contains("provision")) << "it has arrived";
  heard(body);

  // An order is bound to what the device has, whatever is due besides.
  const std::string did(devices_[0]->Info().did);
  ASSERT_TRUE(Ask(*service_, "profile-set", {{"model", "*"}, {"configuration", R"({"rate":8})"}, {"firmware", ""}}));
  ASSERT_TRUE(Ask(*service_, "order", {{"device", did}, {"op", "wipe"}}));
  body = contact(2, secret);
  EXPECT_FALSE(body.contains("provision"));
  const auto jws = did::Jws::Parse(body["order"].get<std::string>());
  ASSERT_TRUE(jws);
  EXPECT_EQ((*base::ParseJson(jws->payload))["seq"], 2);
}

}  // namespace
}  // namespace keel::verifier
