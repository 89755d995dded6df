// SPDX-License-Identifier: Apache-2.0
// A verifier that mediates for its members (mediator.admit = "members"): a real device, which it has onboarded, as the
// account, and nobody else.
#include <gtest/gtest.h>

#include "didcomm/mediator/mediator.h"
#include "tests/fakes/mediator_world.h"
#include "tests/unit/verifier/service_world.h"

namespace keel::verifier {
namespace {

using fakes::Ask;
using fakes::json;
using fakes::MemoryDevice;
using std::chrono::seconds;

class MembersMediation : public ServiceWorld {
 protected:
  void Prepare(size_t count) {
    owner_folder_ = world_ / "owner";
    maker_ = std::make_unique<fakes::Role>(world_, world_ / "maker");
    {
      fakes::Role owner(world_, owner_folder_);
      devices_ = fakes::MakeDevices(world_, *maker_, count);
      fakes::Pass(*maker_, owner, count);
    }
    const auto config = base::Config::FromText("[mediator]\nenabled = true\nadmit = \"members\"\n", "verifier.toml",
                                               didcomm::MediatorConfigKeys());
    ASSERT_TRUE(config) << config.error().Text();
    ServiceOptions options;
    options.data_dir = owner_folder_;
    options.registry = {world_.url()};
    options.mediator = *config;
    auto service = Service::Start(options);
    ASSERT_TRUE(service) << service.error().Text();
    service_ = std::move(*service);
    ASSERT_TRUE(fakes::ClaimAll(*service_));
    const auto info = http_->Get(service_->url() + std::string(didcomm::kMediatorPath));
    ASSERT_TRUE(info && info->ok());
    mediator_ = *base::GetString(*base::ParseJson(info->body), "did");
  }
  // The pairwise agreement key of a device with software keys lies in its records: those 32 octets that give the public
  // key of its DID. People's finder gets it, as if the device itself spoke.
  std::string SpeakAs(const MemoryDevice& device) {
    const std::string did = device.Info().pairwise;
    const auto document = people_.resolver.Resolve(did);
    EXPECT_TRUE(document) << did;
    const auto* method = document->document->All(did::Relationship::kKeyAgreement).at(0);
    for (const auto& [id, record] : device.records) {
      for (size_t at = 0; at + 32 <= record.size(); ++at) {
        Bytes32 secret;
        std::copy_n(record.begin() + static_cast<std::ptrdiff_t>(at), secret.size(), secret.begin());
        const auto key = crypto::PublicFromPrivate(crypto::KeyType::kX25519, secret);
        if (!key || !(*key == method->key)) continue;
        people_.finder.Add(method->id, {keys_.get(), *keys_->Import(crypto::KeyType::kX25519, secret)});
        return did;
      }
    }
    ADD_FAILURE() << "no record has the key of " << did;
    return did;
  }

  fakes::MediationPeople people_;
  std::unique_ptr<crypto::SoftwareKeyStore> keys_ = crypto::SoftwareKeyStore::CreateInMemory();
  std::string mediator_;
};

TEST_F(MembersMediation, IsGrantedToOnboardedDevicesAlone) {
  Prepare(2);
  MemoryDevice &member = *devices_[0], &waiting = *devices_[1];
  ASSERT_TRUE(member.Onboard(Http())) << member.Log();
  ASSERT_TRUE(member.Run(Http(), [&] { return member.Info().step == KEEL_STEP_DORMANT; })) << member.Log();
  EXPECT_FALSE(waiting.Onboarded());

  // Anybody, and the owner itself, are no members.
  EXPECT_EQ(people_.ClientOf(people_.MakeDid(), mediator_)->RequestMediation().error().code, Code::kRefused);

  const std::string account = SpeakAs(member);
  auto inbox = people_.ClientOf(account, mediator_);
  const auto routing = inbox->RequestMediation();
  ASSERT_TRUE(routing) << routing.error().Text();
  EXPECT_EQ(*routing, mediator_);
  const std::string given_out = people_.MakeDid(*routing), alice = people_.MakeDid();
  ASSERT_TRUE(inbox->AddRecipients({given_out}));

  // A stranger reaches it over HTTP, fetched; and over WebSocket, live.
  const std::string path = service_->url() + std::string(didcomm::kMediatorPath);
  ASSERT_TRUE(people_.http.Send(path, people_.Onion(alice, given_out, R"({"n":1})"), {}));
  auto got = inbox->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(people_.BodyOf(got->front().envelope), R"({"n":1})");
  ASSERT_TRUE(inbox->Acknowledge({got->front().id}));
  ASSERT_TRUE(inbox->GoLive());
  ASSERT_TRUE(people_.websocket.Send("ws" + path.substr(4), people_.Onion(alice, given_out, R"({"n":2})"), {}));
  got = inbox->WaitLive(seconds(20));
  ASSERT_TRUE(got) << got.error().Text();
  EXPECT_EQ(people_.BodyOf(got->front().envelope), R"({"n":2})");

  // Revoked: no member any more, so it is served no longer, and nothing is taken for it.
  const auto revoked = Ask(*service_, "revoke", {{"device", "SN-1"}});
  ASSERT_TRUE(revoked) << revoked.error().Text();
  EXPECT_FALSE(people_.ClientOf(account, mediator_)->Fetch());
  EXPECT_FALSE(people_.http.Send(path, people_.Onion(alice, given_out), {}));
}

}  // namespace
}  // namespace keel::verifier
