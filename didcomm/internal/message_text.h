// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json_text.h"
#include "didcomm/message.h"

// Private to didcomm: messages of a text that has been scanned already.
namespace keel::didcomm {

// Whether a message may lack its body (docs/decisions/0030-didcomm-reading-rules.md).
enum class Body : uint8_t { kRequired, kOptional };
Result<Message> ReadMessage(const base::JsonText::Value& root, Body body);

}  // namespace keel::didcomm
