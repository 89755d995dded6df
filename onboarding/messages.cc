// SPDX-License-Identifier: Apache-2.0
#include "onboarding/messages.h"

namespace keel::onboarding {
namespace {

struct Row {
  Message message;
  std::string_view type;
};
#define KEEL_ONBOARDING(name) KEEL_PROTOCOL_BASE "device-onboarding/1.0/" name
#define KEEL_LIFECYCLE(name) KEEL_PROTOCOL_BASE "device-lifecycle/1.0/" name
constexpr Row kRows[] = {
    {Message::kHello, KEEL_ONBOARDING("hello")},
    {Message::kOwnerProof, KEEL_ONBOARDING("owner-proof")},
    {Message::kDeviceProof, KEEL_ONBOARDING("device-proof")},
    {Message::kProvision, KEEL_ONBOARDING("provision")},
    {Message::kDone, KEEL_ONBOARDING("done")},
    {Message::kAck, KEEL_ONBOARDING("ack")},
    {Message::kRefused, KEEL_ONBOARDING("refused")},
    {Message::kBusy, KEEL_ONBOARDING("busy")},
    {Message::kProblem, KEEL_ONBOARDING("problem")},
    {Message::kContact, KEEL_LIFECYCLE("contact")},
    {Message::kContactReply, KEEL_LIFECYCLE("contact-reply")},
    {Message::kFirmwareOffer, KEEL_LIFECYCLE("firmware-offer")},
    {Message::kFirmwareAccept, KEEL_LIFECYCLE("firmware-accept")},
    {Message::kFirmwareKey, KEEL_LIFECYCLE("firmware-key")},
    {Message::kFirmwareReport, KEEL_LIFECYCLE("firmware-report")},
    {Message::kFirmwareAck, KEEL_LIFECYCLE("firmware-ack")},
    {Message::kRenew, KEEL_LIFECYCLE("renew")},
    {Message::kRenewed, KEEL_LIFECYCLE("renewed")},
    {Message::kConfigure, KEEL_LIFECYCLE("configure")},
    {Message::kConfigured, KEEL_LIFECYCLE("configured")},
    {Message::kTransfer, KEEL_LIFECYCLE("transfer")},
    {Message::kWipe, KEEL_LIFECYCLE("wipe")},
    {Message::kRetire, KEEL_LIFECYCLE("retire")},
    {Message::kAttest, KEEL_LIFECYCLE("attest")},
    {Message::kEvidence, KEEL_LIFECYCLE("evidence")},
    {Message::kLifecycleAck, KEEL_LIFECYCLE("ack")},
};
#undef KEEL_ONBOARDING
#undef KEEL_LIFECYCLE

bool Begins(std::string_view text, std::string_view with) { return text.compare(0, with.size(), with) == 0; }

}  // namespace

std::string_view TypeOf(Message message) {
  for (const Row& row : kRows) {
    if (row.message == message) return row.type;
  }
  return {};
}

Message MessageFromType(std::string_view type) {
  for (const Row& row : kRows) {
    if (row.type == type) return row.message;
  }
  return Message::kUnknown;
}

bool IsOtherVersion(std::string_view type) {
  constexpr std::string_view kFamilies[] = {KEEL_PROTOCOL_BASE "device-onboarding/",
                                            KEEL_PROTOCOL_BASE "device-lifecycle/"};
  for (const std::string_view family : kFamilies) {
    if (!Begins(type, family)) continue;
    const std::string_view rest(type.data() + family.size(), type.size() - family.size());
    return !Begins(rest, "1.0/");
  }
  return false;
}

}  // namespace keel::onboarding
