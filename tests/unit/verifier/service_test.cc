// SPDX-License-Identifier: Apache-2.0
// The verifier's side of device-onboarding/1.0 against the real wallet core: a real registry node, a maker, a
// distributor and the verifier service on 127.0.0.1; the devices' records lie in memory.
#include "verifier/service.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/fakes/members_file.h"
#include "tests/fakes/memory_device.h"
#include "tests/unit/verifier/service_world.h"
#include "verifier/members.h"

namespace keel::verifier {
namespace {

using fakes::Ask;
using fakes::json;
using fakes::MemoryDevice;

class VerifierService : public ServiceWorld {
 protected:
  // Devices made, sold to a distributor and on to the owner; the verifier runs and has claimed them.
  void Prepare(size_t count) {
    owner_folder_ = world_ / "owner";
    maker_ = std::make_unique<fakes::Role>(world_, world_ / "maker");
    fakes::Role distributor(world_, world_ / "distributor");
    {
      fakes::Role owner(world_, owner_folder_);
      devices_ = fakes::MakeDevices(world_, *maker_, count, "SN-", /*p256=*/true);
      fakes::Pass(*maker_, distributor, count);
      fakes::Pass(distributor, owner, count);
      owner_did_ = owner.did();
    }
    Start(0);
    for (const char* model : {"gateway", "sensor"}) {
      ASSERT_TRUE(Ask(*service_, "profile-set",
                      {{"model", model}, {"configuration", json{{"kind", model}}.dump()}, {"firmware", ""}}));
    }
    ASSERT_TRUE(Ask(*service_, "broker-set", {{"host", "broker.example"}, {"port", 1883}}));
    ASSERT_TRUE(fakes::ClaimAll(*service_));
  }
  json Device(size_t i) { return (*Ask(*service_, "devices"))["devices"][Order(i)]; }
  json Why(size_t i) {
    const auto answer = Ask(*service_, "why", {{"device", std::string(devices_[i]->Info().did)}});
    EXPECT_TRUE(answer) << answer.error().Text();
    return answer.value_or(json::object());
  }
  json Members() { return fakes::ReadMembersFile(owner_folder_ + "/members.jsonl"); }
  static json Provision(MemoryDevice& device) {
    std::vector<uint8_t> out(KEEL_WALLET_RECORD_MAX);
    size_t n = out.size();
    EXPECT_EQ(keel_wallet_read_document(device.wallet(), KEEL_DOCUMENT_PROVISION, out.data(), &n), KEEL_WALLET_OK);
    return *base::ParseJson(std::string(out.begin(), out.begin() + static_cast<ptrdiff_t>(n)));
  }

  std::string owner_did_;

 private:
  // `devices` is sorted by DID.
  size_t Order(size_t i) {
    size_t before = 0;
    for (const auto& device : devices_) before += std::string(device->Info().did) < devices_[i]->Info().did ? 1 : 0;
    return before;
  }
};

TEST_F(VerifierService, DevicesOnboardAllAtOnce) {
  Prepare(8);
  std::vector<std::thread> threads;
  for (const auto& device : devices_) {
    threads.emplace_back([this, &device] { EXPECT_TRUE(device->Onboard(Http())) << device->Log(); });
  }
  for (auto& thread : threads) thread.join();
  const json members = Members();
  EXPECT_EQ(members["members"].size(), devices_.size());
  for (size_t i = 0; i < devices_.size(); ++i) {
    MemoryDevice& device = *devices_[i];
    const auto info = device.Info();
    EXPECT_EQ(std::string(info.owner), owner_did_);
    EXPECT_EQ(info.round_trips, 5u) << device.Log();
    EXPECT_LE(info.bytes_sent, 10u << 10);
    EXPECT_LE(info.bytes_received, 17u << 10);
    const json provision = Provision(device);
    EXPECT_EQ(provision["config"]["kind"], i % 2 == 0 ? "gateway" : "sensor");
    const std::string id = MemberId(info.pairwise);
    EXPECT_EQ(provision["net"]["mqtt"]["username"], id);
    EXPECT_EQ(provision["net"]["mqtt"]["audience"], members["audience"]);
    EXPECT_EQ(members["members"][id]["did"], std::string(info.pairwise));
    const json listed = Device(i);
    EXPECT_EQ(listed["state"], "onboarded") << listed;
    EXPECT_EQ(listed["generation"], 1);
    EXPECT_EQ(Why(i)["why"], "is onboarded");
  }
}

TEST_F(VerifierService, EveryMessageTwiceAndEveryAnswerLostOnce) {
  Prepare(6);
  // Each request is sent twice; the second answer counts.
  const auto twice = [send = Http()](const keel_wallet_request& request, std::string& reply) {
    std::string first;
    const int status = send(request, first);
    EXPECT_EQ(status, 200);
    return send(request, reply);
  };
  EXPECT_TRUE(devices_[0]->Onboard(twice)) << devices_[0]->Log();
  EXPECT_EQ(Device(0)["generation"], 1);
  // The n-th answer is lost: the request has been acted on.
  for (size_t lost = 0; lost < 5; ++lost) {
    MemoryDevice& device = *devices_[lost + 1];
    size_t n = 0;
    const auto lossy = [&, send = Http()](const keel_wallet_request& request, std::string& reply) {
      const int status = send(request, reply);
      return n++ == lost ? 0 : status;
    };
    EXPECT_TRUE(device.Onboard(lossy)) << lost << "\n" << device.Log();
    EXPECT_EQ(Device(lost + 1)["state"], "onboarded") << lost;
    EXPECT_EQ(Device(lost + 1)["generation"], 1) << lost;
  }
  EXPECT_EQ(Members()["members"].size(), 6u);
}

TEST_F(VerifierService, TheVerifierMayRestartBeforeEachMessage) {
  Prepare(1);
  const auto restarting = [&, send = Http()](const keel_wallet_request& request, std::string& reply) {
    if (request.kind != KEEL_REQUEST_REGISTRY) Restart();
    int status = send(request, reply);
    // An idle connection of before the restart is noticed once.
    if (status == 0) status = send(request, reply);
    return status;
  };
  ASSERT_TRUE(devices_[0]->Onboard(restarting)) << devices_[0]->Log();
  EXPECT_EQ(Device(0)["state"], "onboarded");
  EXPECT_EQ(Device(0)["generation"], 1);
  EXPECT_EQ(Members()["members"].size(), 1u);
  Restart();
  EXPECT_EQ(Members()["members"].size(), 1u) << "the broker's file is made anew at each start";
}

TEST_F(VerifierService, ThePowerMayGoBeforeEachAnswer) {
  Prepare(5);
  for (size_t cut = 0; cut < 5; ++cut) {
    MemoryDevice& device = *devices_[cut];
    size_t n = 0;
    const auto send = Http();
    // Up to the cut, then a new start from the records.
    device.Run(
        [&](const keel_wallet_request& request, std::string& reply) { return n++ == cut ? 0 : send(request, reply); },
        [&] { return n > cut; });
    device.Boot();
    EXPECT_TRUE(device.Onboard(send)) << cut << "\n" << device.Log();
    EXPECT_EQ(Device(cut)["state"], "onboarded") << cut;
    EXPECT_EQ(Device(cut)["generation"], 1) << cut;
  }
}

TEST_F(VerifierService, PolicyRefusesAndExplainsItself) {
  Prepare(1);
  const auto refuse = [&](const std::string& policy, const std::string& why) {
    ASSERT_TRUE(Ask(*service_, "policy-set", {{"policy", policy}}));
    EXPECT_FALSE(devices_[0]->Onboard(Http(), 25));
    const json answer = Why(0);
    EXPECT_NE(answer["why"].get<std::string>().find(why), std::string::npos) << answer.dump(1);
    EXPECT_FALSE(answer["judgement"]["accepted"].get<bool>());
    EXPECT_TRUE(Members()["members"].empty());
    EXPECT_EQ(Device(0)["state"], "claimed");
  };
  refuse(R"({"v":1,"rules":[{"field":"/hardware/microcontroller","op":"eq","value":"esp32","why":"only esp32"}]})",
         "only esp32");
  refuse(R"({"v":1,"trustedManufacturers":["did:keel:demo:zOther"],"rules":[]})", maker_->did());
  // What was seen and wanted is listed for rules that were met too.
  ASSERT_TRUE(Ask(*service_, "policy-set",
                  {{"policy", R"({"v":1,"rules":[{"field":"/hardware/microcontroller","op":"prefix","value":"stm32"},
                                  {"field":"/assuranceLevel","op":"in","value":["unprotected-software-key"]}]})"}}));
  ASSERT_TRUE(devices_[0]->Onboard(Http())) << devices_[0]->Log();
  const json judged = Why(0)["judgement"];
  EXPECT_TRUE(judged["accepted"].get<bool>());
  EXPECT_NE(judged.dump().find("stm32u585"), std::string::npos);
}

TEST_F(VerifierService, ACopyOfADeviceIsHeldUntilTheOwnerDecides) {
  Prepare(2);
  MemoryDevice copy;
  copy.records = devices_[0]->records;
  copy.Boot();
  ASSERT_TRUE(devices_[0]->Onboard(Http())) << devices_[0]->Log();
  EXPECT_EQ(Members()["members"].size(), 1u);
  // The invitation for a device that was reset has to be at the node before the copy finds it.
  ASSERT_TRUE(fakes::ClaimAll(*service_));
  EXPECT_FALSE(copy.Onboard(Http(), 25));
  // The copy has the old rendezvous secret only: it finds the invitation of before, whose session is over.
  const std::string state = Device(0)["state"];
  EXPECT_TRUE(state == "onboarded" || state == "held") << state;
  EXPECT_LE(Members()["members"].size(), 1u);

  // Both copies in the middle of a first onboarding: the second proof is the alarm.
  MemoryDevice twin;
  twin.records = devices_[1]->records;
  twin.Boot();
  const auto until_proof = [](MemoryDevice& device, const MemoryDevice::Send& send) {
    bool proven = false;
    size_t posts = 0;
    device.Run(
        [&](const keel_wallet_request& request, std::string& reply) {
          const int status = send(request, reply);
          if (request.kind == KEEL_REQUEST_DIDCOMM && ++posts == 2) proven = true;
          return status;
        },
        [&] { return proven; });
    return proven;
  };
  ASSERT_TRUE(until_proof(*devices_[1], Http()));
  EXPECT_EQ(Device(1)["state"], "bound");
  ASSERT_TRUE(until_proof(twin, Http()));
  EXPECT_EQ(Device(1)["state"], "held");
  EXPECT_NE(Why(1)["why"].get<std::string>().find("clone or reset"), std::string::npos);
  devices_[1]->Onboard(Http(), 10);
  const json listed = Members();
  for (const auto& [id, member] : listed["members"].items())
    EXPECT_NE(member["did"], std::string(devices_[1]->Info().pairwise)) << "a held device is out of the fleet";
  const auto decided =
      Ask(*service_, "decide", {{"device", std::string(devices_[1]->Info().did)}, {"verdict", "clone"}});
  ASSERT_TRUE(decided) << decided.error().Text();
  EXPECT_EQ(Device(1)["state"], "revoked");
}

TEST_F(VerifierService, ARevokedDeviceStaysOut) {
  Prepare(2);
  const auto revoke = [&](size_t i) {
    const auto revoked = Ask(*service_, "revoke", {{"device", std::string(devices_[i]->Info().did)}});
    ASSERT_TRUE(revoked) << revoked.error().Text();
  };
  revoke(0);
  // One hello; afterwards it would only wait at the registry for another invitation.
  const auto said_hello = [&] { return devices_[0]->traffic[KEEL_REQUEST_DIDCOMM].requests == 1; };
  ASSERT_TRUE(devices_[0]->Run(Http(), said_hello)) << devices_[0]->Log();
  EXPECT_FALSE(devices_[0]->Onboarded());
  EXPECT_EQ(devices_[0]->traffic[KEEL_REQUEST_PACK].requests, 0u);
  EXPECT_EQ(Device(0)["state"], "revoked");
  ASSERT_TRUE(devices_[1]->Onboard(Http())) << devices_[1]->Log();
  EXPECT_EQ(Members()["members"].size(), 1u);
  revoke(1);
  EXPECT_TRUE(Members()["members"].empty());
  Restart();
  EXPECT_TRUE(Members()["members"].empty());
}

TEST_F(VerifierService, WhoSoldTheDeviceOnCanNotOnboardIt) {
  Prepare(1);
  service_.reset();
  {
    fakes::Role owner(world_, owner_folder_, false);
    fakes::Role next(world_, world_ / "next");
    fakes::Pass(owner, next, 1);
  }
  Start(0);
  EXPECT_EQ(Device(0)["state"], "released") << "sold while nobody served";
  EXPECT_FALSE(devices_[0]->Onboard(Http(), 25));
  EXPECT_NE(Device(0)["state"], "onboarded");
  EXPECT_EQ(std::string(devices_[0]->Info().owner), "");
}

TEST_F(VerifierService, ADeviceThatWasSoldOnIsToldAndGoesToItsNextOwner) {
  Prepare(2);
  // The device's clock is moved on to its next contact: an order is good for ten minutes.
  ASSERT_TRUE(Ask(*service_, "profile-set",
                  {{"model", "gateway"}, {"configuration", "{}"}, {"firmware", ""}, {"contact_seconds", 5}}));
  ASSERT_TRUE(devices_[0]->Onboard(Http())) << devices_[0]->Log();
  ASSERT_EQ(Members()["members"].size(), 1u);
  const std::string next_folder = world_ / "next", package = world_ / "package";
  std::string request, next_did;
  {
    fakes::Role next(world_, next_folder);
    request = next.Request(2);
    next_did = next.did();
  }
  const auto sold =
      Ask(*service_, "ownership", {{"verb", "transfer"}, {"request", request}, {"out", package}, {"all", true}});
  ASSERT_TRUE(sold) << sold.error().Text();
  ASSERT_EQ((*sold)["given"].size(), 2u) << *sold;
  // Out of the fleet at once; what is still to be said survives a restart.
  EXPECT_TRUE(Members()["members"].empty());
  Restart();
  EXPECT_TRUE(Members()["members"].empty());
  EXPECT_EQ(Device(0)["state"], "released");
  EXPECT_EQ(Why(0)["why"], "passed on to " + next_did + "; the device is told at its next contact");
  EXPECT_EQ(Why(1)["why"], "passed on to " + next_did);
  EXPECT_EQ(Ask(*service_, "order", {{"device", "SN-1"}, {"op", "wipe"}}).error().code, Code::kWrongState);
  EXPECT_EQ(Ask(*service_, "revoke", {{"device", "SN-1"}}).error().code, Code::kWrongState) << "it is not ours";
  EXPECT_EQ(Device(0)["state"], "released");
  const auto seeks = [&] { return devices_[0]->Info().phase == KEEL_PHASE_SEEKING; };
  ASSERT_TRUE(devices_[0]->Run(Http(), seeks)) << devices_[0]->Log();
  EXPECT_NE(devices_[0]->Log().find("transfer"), std::string::npos) << devices_[0]->Log();
  EXPECT_EQ(std::string(devices_[0]->Info().owner), "");
  EXPECT_EQ(Device(0)["state"], "released");
  EXPECT_FALSE(devices_[0]->Onboard(Http(), 25)) << "to whom it was sold away from, it does not come back";

  {
    fakes::Role next(world_, next_folder, false);
    EXPECT_EQ(next.Do({{"verb", "import"}, {"file", package}})["imported"].size(), 2u);
  }
  const auto second = fakes::StartVerifier(world_, next_folder);
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(fakes::ClaimAll(*second));
  for (const auto& device : devices_) {
    ASSERT_TRUE(device->Onboard(Http())) << device->Log();
    EXPECT_EQ(std::string(device->Info().owner), next_did);
  }
}

// Whoever holds a revoked device can have it carry out an order: that must not bring it back.
TEST_F(VerifierService, ARevokedDeviceThatObeysStaysOut) {
  Prepare(2);
  ASSERT_TRUE(Ask(*service_, "profile-set",
                  {{"model", "gateway"}, {"configuration", "{}"}, {"firmware", ""}, {"contact_seconds", 5}}));
  ASSERT_TRUE(devices_[0]->Onboard(Http())) << devices_[0]->Log();
  const json device = {{"device", std::string(devices_[0]->Info().did)}};
  ASSERT_TRUE(Ask(*service_, "revoke", device));
  json order = device;
  order["op"] = "wipe";
  ASSERT_TRUE(Ask(*service_, "order", order));
  const auto seeks = [&] { return devices_[0]->Info().phase == KEEL_PHASE_SEEKING; };
  ASSERT_TRUE(devices_[0]->Run(Http(), seeks)) << devices_[0]->Log();
  EXPECT_EQ(Device(0)["state"], "revoked");
  EXPECT_FALSE(devices_[0]->Onboard(Http(), 25));
  EXPECT_EQ(Device(0)["state"], "revoked");
  EXPECT_TRUE(Members()["members"].empty());
  // The owner's word lets it in again.
  json verdict = device;
  verdict["verdict"] = "reset";
  ASSERT_TRUE(Ask(*service_, "decide", verdict));
  ASSERT_TRUE(fakes::ClaimAll(*service_));
  EXPECT_TRUE(devices_[0]->Onboard(Http(), 120)) << devices_[0]->Log();
  EXPECT_EQ(Device(0)["state"], "onboarded");
}

TEST_F(VerifierService, VerbsExplainWhatIsWrong) {
  Prepare(2);
  const auto fails = [&](const char* verb, const json& args, Code code) {
    const auto answer = Ask(*service_, verb, args);
    ASSERT_FALSE(answer) << verb << args;
    EXPECT_EQ(answer.error().code, code) << verb << args << answer.error().Text();
  };
  fails("claim", json::object(), Code::kUsage);
  fails("claim", {{"all", true}, {"serials", {"SN-1"}}}, Code::kUsage);
  fails("claim", {{"serials", {"SN-9"}}}, Code::kNotFound);
  fails("why", {{"device", "SN-9"}}, Code::kNotFound);
  fails("why", {{"device", "SN-"}}, Code::kNotFound);
  fails("why", {{"device", "did:keel"}}, Code::kUsage);
  fails("broker-set", {{"host", ""}, {"port", 1}}, Code::kUsage);
  fails("broker-set", {{"host", "h"}, {"port", 65536}}, Code::kUsage);
  fails("profile-set", {{"model", "m"}, {"configuration", "[]"}, {"firmware", ""}}, Code::kMalformed);
  fails("profile-set", {{"model", "m"}, {"configuration", "{}"}, {"firmware", "9.9.9"}}, Code::kNotFound);
  fails("decide", {{"device", "SN-1"}, {"verdict", "clone"}}, Code::kWrongState);
  fails("order", {{"device", "SN-1"}, {"op", "wipe"}}, Code::kWrongState);
  const auto again = Ask(*service_, "claim", {{"all", true}});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["already"].size(), 2u);
  EXPECT_EQ((*Ask(*service_, "why", {{"device", "SN-2"}}))["why"], "waits: the device has not said hello");
}

TEST_F(VerifierService, GarbageIsRefusedAndSaysNothing) {
  Prepare(1);
  for (const char* body : {"", "{}", "not json",
                           "{\"protected\":\"AAAA\",\"recipients\":[],\"iv\":\"\",\"ciphertext\":\"\",\"tag\":\"\"}"}) {
    const auto answer = http_->Post(service_->url() + "/didcomm", "application/didcomm-encrypted+json", body);
    ASSERT_TRUE(answer);
    EXPECT_GE(answer->status, 400);
    EXPECT_EQ(answer->body.find("thread"), std::string::npos);
  }
  for (const char* path :
       {"/pack/unknown?from=0", "/pack/x?from=abc", "/pack/x?from=99999999999", "/fw/unknown?from=0"}) {
    const auto answer = http_->Get(service_->url() + path);
    ASSERT_TRUE(answer);
    EXPECT_GE(answer->status, 400) << path;
  }
  EXPECT_EQ(http_->Get(service_->url() + "/livez")->status, 200);
  EXPECT_EQ(http_->Get(service_->url() + "/readyz")->status, 200);
  EXPECT_TRUE(devices_[0]->Onboard(Http())) << devices_[0]->Log();
}

}  // namespace
}  // namespace keel::verifier
