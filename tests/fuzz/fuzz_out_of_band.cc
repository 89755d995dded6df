// SPDX-License-Identifier: Apache-2.0
// Out-of-band invitations, as URL or as text: what was read is written and read again as the same.
#include "didcomm/protocols/out_of_band.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  (void)keel::didcomm::ShortInvitationId(text);
  const auto invitation = keel::didcomm::Invitation::FromText(text, std::nullopt);
  if (!invitation) return 0;
  FUZZ_CHECK(!invitation->id.empty() && invitation->from.starts_with("did:"));
  FUZZ_CHECK(invitation->goal.size() <= keel::didcomm::kMaxInvitationText);
  for (const auto& message : invitation->Messages()) FUZZ_CHECK(message.from == invitation->from);
  const auto url = invitation->ToUrl("https://example.com/i");
  if (!url) {
    FUZZ_CHECK(url.error().code == keel::Code::kTooLarge);
    return 0;
  }
  const auto again = keel::didcomm::Invitation::FromUrl(*url, std::nullopt);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->id == invitation->id && again->from == invitation->from && again->goal == invitation->goal);
  FUZZ_CHECK(again->accept == invitation->accept && again->goal_code == invitation->goal_code);
  FUZZ_CHECK(again->attachments.size() == invitation->attachments.size());
  FUZZ_CHECK(again->ToUrl("https://example.com/i").value_or("") == *url);
  return 0;
}
