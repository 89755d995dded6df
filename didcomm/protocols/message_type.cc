// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/message_type.h"

#include <charconv>

namespace keel::didcomm {
namespace {

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kMalformed, "didcomm message type", std::move(detail));
}

bool IsIdentifier(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!good) return false;
  }
  return true;
}

// One decimal number without sign or leading zeroes.
bool Number(std::string_view text, uint32_t& out) {
  if (text.empty() || text.size() > 6 || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// major[.minor[.patch]]; a patch is read over (it has no place in these URIs).
bool Version(std::string_view text, uint32_t& major, uint32_t& minor) {
  const size_t dot = text.find('.');
  if (!Number(text.substr(0, dot), major)) return false;
  if (dot == std::string_view::npos) return true;
  text.remove_prefix(dot + 1);
  const size_t second = text.find('.');
  if (!Number(text.substr(0, second), minor)) return false;
  uint32_t patch = 0;
  return second == std::string_view::npos || Number(text.substr(second + 1), patch);
}

// Compares without case and punctuation, as the specification wants names compared.
bool SameName(std::string_view a, std::string_view b) {
  auto next = [](std::string_view& text) -> int {
    while (!text.empty()) {
      const char c = text.front();
      text.remove_prefix(1);
      if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
      if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return c;
    }
    return -1;
  };
  while (true) {
    const int x = next(a), y = next(b);
    if (x != y) return false;
    if (x < 0) return true;
  }
}

Result<MessageType> ParseFrom(std::string_view text, std::string message) {
  MessageType type;
  type.message = std::move(message);
  const size_t version_at = text.rfind('/');
  if (version_at == std::string_view::npos || !Version(text.substr(version_at + 1), type.major, type.minor))
    return Bad("'" + std::string(text) + "' ends in no version");
  text = text.substr(0, version_at);
  const size_t delimiter = text.find_last_of("?/&:;=");
  if (delimiter == std::string_view::npos || delimiter == 0) return Bad("no URI before the protocol's name");
  type.doc_uri = std::string(text.substr(0, delimiter + 1));
  type.protocol = std::string(text.substr(delimiter + 1));
  if (!IsIdentifier(type.protocol)) return Bad("'" + type.protocol + "' is no protocol name");
  return type;
}

}  // namespace

Result<MessageType> MessageType::Parse(std::string_view mturi) {
  if (mturi.size() > kMaxTypeUri) return Fail(Code::kTooLarge, "didcomm message type", "over 512 octets");
  const size_t slash = mturi.rfind('/');
  if (slash == std::string_view::npos) return Bad("'" + std::string(mturi) + "' is no message type URI");
  const std::string_view name = mturi.substr(slash + 1);
  if (!IsIdentifier(name)) return Bad("'" + std::string(mturi) + "' ends in no message name");
  return ParseFrom(mturi.substr(0, slash), std::string(name));
}

Result<MessageType> MessageType::ParseProtocol(std::string_view piuri) {
  if (piuri.size() > kMaxTypeUri) return Fail(Code::kTooLarge, "didcomm message type", "over 512 octets");
  if (piuri.ends_with('/')) piuri.remove_suffix(1);
  return ParseFrom(piuri, {});
}

bool MessageType::SameProtocol(const MessageType& other) const {
  return doc_uri == other.doc_uri && SameName(protocol, other.protocol);
}

bool MessageType::Is(std::string_view message_name) const { return SameName(message, message_name); }

std::string MessageType::Piuri() const {
  return doc_uri + protocol + "/" + std::to_string(major) + "." + std::to_string(minor);
}

}  // namespace keel::didcomm
