// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

// Protocol and message type URIs (DIDComm v2.1, "Protocol Identifier URI", "Message Type URI", "Semver Rules").
namespace keel::didcomm {

inline constexpr size_t kMaxTypeUri = 512;  // octets

// A PIURI (message empty) or an MTURI taken apart. Value type.
struct MessageType {
  std::string doc_uri;   // up to and including the delimiter before the name: "https://didcomm.org/"
  std::string protocol;  // "trust-ping"
  uint32_t major = 0, minor = 0;
  std::string message;  // "ping"; empty for a PIURI

  // kMalformed, kTooLarge.
  static Result<MessageType> Parse(std::string_view mturi);
  static Result<MessageType> ParseProtocol(std::string_view piuri);

  // The same protocol whatever its version; names are compared without case and punctuation.
  bool SameProtocol(const MessageType& other) const;
  // Same protocol and major version: we can take part, as far as the older minor version goes.
  bool Compatible(const MessageType& other) const { return SameProtocol(other) && major == other.major; }
  // Names the message, without case and punctuation.
  bool Is(std::string_view message_name) const;
  // "https://didcomm.org/trust-ping/2.0"
  std::string Piuri() const;
};

}  // namespace keel::didcomm
