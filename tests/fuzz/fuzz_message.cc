// SPDX-License-Identifier: Apache-2.0
// DIDComm plaintext messages: what was read is written and read again as the same.
#include "didcomm/message.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  const auto message = keel::didcomm::Message::Parse(text);
  if (!message) return 0;
  FUZZ_CHECK(!message->id.empty() && !message->type.empty());
  FUZZ_CHECK(message->to.size() <= keel::didcomm::kMaxRecipients);
  FUZZ_CHECK(message->ParseBody().has_value());
  const auto again = message->Serialize();
  FUZZ_CHECK(again.has_value());
  const auto back = keel::didcomm::Message::Parse(*again);
  FUZZ_CHECK(back.has_value());
  FUZZ_CHECK(back->Serialize().value_or("") == *again);
  FUZZ_CHECK(back->from == message->from && back->to == message->to && back->Thread() == message->Thread());
  return 0;
}
