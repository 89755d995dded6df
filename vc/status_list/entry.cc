// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/entry.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json_strict.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxStatusSize = 16;  // bits: 65,536 messages are more than any credential holds
constexpr size_t kMaxReferences = 16;

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kMalformed, "credential status", std::string(kStatusMalformedValueError) + ": " + detail);
}

bool IsUrl(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.find_first_of(" \t\r\n<>\"") == std::string_view::npos;
}

// Members that are strings, with this specification's error.
Result<std::string> Text(const json& value, const char* name) {
  const auto member = value.find(name);
  if (member == value.end()) return Bad(std::string("no ") + name);
  if (!member->is_string()) return Bad(std::string(name) + " is no string");
  return member->get<std::string>();
}

Result<uint64_t> Index(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return Bad("statusListIndex is no decimal number in a string");
  if (text.size() > 1 && text[0] == '0') return Bad("statusListIndex has leading zeros");
  uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  // "Arbitrary size": it is a number, but no list has such a place.
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  return index;
}

Result<StatusEntry::Message> Message(const json& value) {
  if (!value.is_object()) return Bad("an element of statusMessage is no object");
  StatusEntry::Message out;
  KEEL_TRY(const std::string status, Text(value, "status"));
  KEEL_TRY(out.message, Text(value, "message"));
  if (!status.starts_with("0x") || status.size() < 3 || status.size() > 10)
    return Bad("a statusMessage's status is no hexadecimal number after 0x");
  const auto [end, error] = std::from_chars(status.data() + 2, status.data() + status.size(), out.status, 16);
  if (error != std::errc() || end != status.data() + status.size())
    return Bad("a statusMessage's status is no hexadecimal number after 0x");
  return out;
}

Result<> ReadMessages(const json& value, StatusEntry& entry) {
  const auto messages = value.find("statusMessage");
  if (messages == value.end()) {
    if (entry.size > 1) return Bad("statusSize is over 1, and there is no statusMessage");
    return {};
  }
  if (!messages->is_array()) return Bad("statusMessage is no array");
  const uint64_t values = uint64_t{1} << entry.size;
  if (messages->size() != values)
    return Bad("statusMessage has " + std::to_string(messages->size()) + " elements; " + std::to_string(entry.size) +
               " bits have " + std::to_string(values) + " values");
  std::vector<bool> seen(values);
  for (const json& item : *messages) {
    KEEL_TRY(StatusEntry::Message message, Message(item));
    if (message.status >= values) return Bad("a statusMessage's status has more bits than statusSize");
    if (seen[message.status]) return Bad("two statusMessage for one status");
    seen[message.status] = true;
    entry.messages.push_back(std::move(message));
  }
  return {};
}

Result<> ReadReferences(const json& value, StatusEntry& entry) {
  const auto references = value.find("statusReference");
  if (references == value.end()) return {};
  const json one = references->is_array() ? *references : json::array({*references});
  if (one.empty() || one.size() > kMaxReferences) return Bad("statusReference has none or too many URLs");
  for (const json& item : one) {
    if (!item.is_string() || !IsUrl(item.get_ref<const std::string&>())) return Bad("a statusReference is no URL");
    entry.references.push_back(item.get<std::string>());
  }
  return {};
}

}  // namespace

Result<StatusEntry> ReadStatusEntry(const json& value) {
  if (!value.is_object()) return Bad("a credentialStatus is no object");
  StatusEntry entry;
  KEEL_TRY(entry.type, Text(value, "type"));
  if (value.contains("id")) {
    KEEL_TRY(entry.id, Text(value, "id"));
    if (!IsUrl(entry.id)) return Bad("the id is no URL");
  }
  if (entry.type != kStatusEntryType) return entry;
  KEEL_TRY(entry.purpose, Text(value, "statusPurpose"));
  if (entry.purpose.empty()) return Bad("statusPurpose is empty");
  KEEL_TRY(entry.list_url, Text(value, "statusListCredential"));
  if (!IsUrl(entry.list_url)) return Bad("statusListCredential is no URL");
  if (entry.id == entry.list_url) return Bad("the id is the status list's URL");
  KEEL_TRY(const std::string index, Text(value, "statusListIndex"));
  KEEL_TRY(entry.index, Index(index));
  if (const auto size = value.find("statusSize"); size != value.end()) {
    if (!size->is_number_integer() || *size <= 0) return Bad("statusSize is no integer over 0");
    if (*size > kMaxStatusSize)
      return Fail(Code::kUnsupported, "credential status", "a statusSize over " + std::to_string(kMaxStatusSize));
    entry.size = size->get<uint32_t>();
  }
  KEEL_TRY_VOID(ReadMessages(value, entry));
  KEEL_TRY_VOID(ReadReferences(value, entry));
  return entry;
}

bool Invalidates(std::string_view purpose) { return purpose != "refresh" && purpose != "message"; }

std::string_view MessageOf(const StatusEntry& entry, uint64_t value) {
  const auto found = std::find_if(entry.messages.begin(), entry.messages.end(),
                                  [value](const StatusEntry::Message& message) { return message.status == value; });
  if (found != entry.messages.end()) return found->message;
  return value != 0 ? "set" : "unset";
}

}  // namespace keel::vc
