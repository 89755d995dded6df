// SPDX-License-Identifier: Apache-2.0
// Messages to a mediator: forwards, and the bodies of coordinate-mediation and messagepickup from a proven account. The
// first octet picks the message. What it answers is a message that can be read; whatever is said to it, messages that
// nobody acknowledged are still there.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "didcomm/mediator/coordinate_mediation.h"
#include "didcomm/mediator/forwarding.h"
#include "didcomm/mediator/message_pickup.h"
#include "didcomm/routing.h"
#include "tests/fuzz/fuzz.h"

namespace keel::didcomm {
namespace {

constexpr UnixSeconds kNow = 1'800'000'000;
const std::string kAccount = "did:example:account";
const std::string kRecipient = "did:example:recipient";
const std::string kEnvelope = R"({"ciphertext":"AA","protected":"e30","recipients":[{}]})";

constexpr auto kAnybody = [](const std::string&) { return true; };
constexpr const char* kTypes[] = {
    "https://didcomm.org/coordinate-mediation/2.0/mediate-request",
    "https://didcomm.org/coordinate-mediation/2.0/keylist-update",
    "https://didcomm.org/coordinate-mediation/2.0/keylist-query",
    "https://didcomm.org/coordinate-mediation/3.0/mediate-request",
    "https://didcomm.org/coordinate-mediation/3.0/recipient-update",
    "https://didcomm.org/coordinate-mediation/3.0/recipient-query",
    "https://didcomm.org/messagepickup/3.0/status-request",
    "https://didcomm.org/messagepickup/3.0/delivery-request",
    "https://didcomm.org/messagepickup/3.0/messages-received",
    "https://didcomm.org/messagepickup/3.0/live-delivery-change",
};

class Sink final : public Channel {
 public:
  bool Send(std::string) override { return true; }
};

void Run(uint8_t which, std::string_view text) {
  auto store = base::MakeMemoryStore();
  auto accounts = MediationAccounts::Open(*store);
  auto queue = MessageQueue::Open(*store);
  FUZZ_CHECK(accounts && queue);
  FUZZ_CHECK((*accounts)->Grant(kAccount, kNow));
  const MediationAccounts::Update add{kRecipient, true};
  FUZZ_CHECK((*accounts)->Apply(kAccount, {&add, 1}));
  const auto id = (*queue)->Put(kAccount, kRecipient, kEnvelope, kNow);
  FUZZ_CHECK(id && !id->empty());

  CoordinateMediation coordinate({.accounts = **accounts,
                                  .routing_did = [] { return std::string("did:example:mediator"); },
                                  .admit = kAnybody,
                                  .granted = {}});
  MessagePickup pickup(
      {.accounts = **accounts, .queue = **queue, .admit = kAnybody, .pack = [](const Message& message) {
         return message.Serialize();
       }});
  Forwarding forwarding(
      {.accounts = **accounts,
       .queue = **queue,
       .admit = kAnybody,
       .rewrap = {},
       .arrived = [&](const std::string& account, const QueuedMessage& message) { pickup.Arrived(account, message); }});
  Unpacked unpacked;
  Protocol* protocol = &forwarding;
  const size_t kinds = std::size(kTypes) + 1;
  if (which % kinds == 0) {
    // A whole plaintext forward.
    auto message = Message::Parse(text);
    if (!message) return;
    const auto forward = UnwrapForward(*message);
    if (forward) {
      FUZZ_CHECK(!forward->payloads.empty() && forward->payloads.size() <= kMaxForwardPayloads);
      for (const std::string& payload : forward->payloads) FUZZ_CHECK(LooksEncrypted(payload));
    }
    unpacked.message = std::move(*message);
  } else {
    unpacked.message.type = kTypes[which % kinds - 1];
    unpacked.message.id = "1";
    unpacked.message.from = kAccount;
    unpacked.message.return_route = "all";
    unpacked.message.body = text;
    unpacked.metadata.authenticated = true;
    protocol =
        unpacked.message.type.find("pickup") != std::string::npos ? static_cast<Protocol*>(&pickup) : &coordinate;
  }
  const Incoming incoming{.unpacked = unpacked,
                          .ours = "did:example:mediator",
                          .now = kNow,
                          .channel = which >= 128 ? std::make_shared<Sink>() : nullptr};
  const auto out = protocol->Receive(incoming);
  if (out) {
    for (const Outgoing& item : *out) {
      Message answer = item.message;
      answer.id = "2";
      const auto written = answer.Serialize();
      FUZZ_CHECK(written.has_value());
      FUZZ_CHECK(Message::Parse(*written).has_value());
      FUZZ_CHECK(answer.to == std::vector<std::string>{kAccount});
    }
  }
  // Only a messages-received that names it takes the message away.
  bool named = false;
  if (unpacked.message.type.ends_with("messages-received")) {
    const auto body = base::ParseJson(text);
    const auto ids = body ? base::GetStrings(*body, "message_id_list") : Result<std::vector<std::string>>();
    named = body && ids && std::find(ids->begin(), ids->end(), *id) != ids->end();
  }
  FUZZ_CHECK(((*queue)->Status(kAccount, kRecipient, kNow).count > 0) != named);
  FUZZ_CHECK((*accounts)->Has(kAccount));
}

}  // namespace
}  // namespace keel::didcomm

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  keel::didcomm::Run(data[0], keel::fuzz::Text(data + 1, size - 1));
  return 0;
}
