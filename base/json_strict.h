// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "core/result.h"

// The one way from octets to nlohmann::json. A lint test finds any other json::parse.
namespace keel::base {

struct JsonLimits {
  size_t max_size = 1 << 20;    // octets of text
  size_t max_depth = 32;        // nested arrays and objects
  size_t max_members = 10'000;  // object members and array elements, all together
};

// Parses one JSON text (RFC 8259, I-JSON of RFC 7493), strictly: valid UTF-8, no byte-order mark, nothing after the
// value, no duplicate names (compared unescaped), no unpaired surrogates, integers within +-(2^53-1), other numbers
// with at most 17 significant digits, whole ones only when the double is exactly what is written (9007199254740993.0
// and 1e400 are refused; -0.0 becomes 0.0). Errors: kTooLarge (a limit), kDuplicate, kOutOfRange (a number),
// kMalformed; each names the octet offset.
Result<nlohmann::json> ParseJson(std::string_view text, JsonLimits limits = {});

// The compact text of a value; invalid UTF-8 in strings of our own making is replaced by U+FFFD, so it never throws.
std::string DumpJson(const nlohmann::json& value);
std::string DumpJsonPretty(const nlohmann::json& value);

// Typed reads of an object's member. kMissing when absent, kMalformed when it is of another type (or `object` is no
// object).
Result<std::string> GetString(const nlohmann::json& object, const char* name);
Result<uint64_t> GetUint(const nlohmann::json& object, const char* name);
Result<int64_t> GetInt(const nlohmann::json& object, const char* name);
Result<bool> GetBool(const nlohmann::json& object, const char* name);
// Pointers into `object`, never null; valid as long as it is.
Result<const nlohmann::json*> GetObject(const nlohmann::json& object, const char* name);
Result<const nlohmann::json*> GetArray(const nlohmann::json& object, const char* name);
Result<std::vector<std::string>> GetStrings(const nlohmann::json& object, const char* name);
// base64url without padding.
Result<ByteVec> GetBytes(const nlohmann::json& object, const char* name);
template <size_t N>
Result<ByteArray<N>> GetFixed(const nlohmann::json& object, const char* name) {
  KEEL_TRY(const std::string text, GetString(object, name));
  auto out = FixedFromBase64Url<N>(text);
  if (!out) out.error().detail = std::string("member '") + name + "': " + out.error().detail;
  return out;
}
// RFC 3339 text.
Result<UnixSeconds> GetTime(const nlohmann::json& object, const char* name);

// The same for members that may be absent; null counts as another type.
Result<std::optional<std::string>> GetOptionalString(const nlohmann::json& object, const char* name);
Result<std::optional<uint64_t>> GetOptionalUint(const nlohmann::json& object, const char* name);
Result<std::optional<bool>> GetOptionalBool(const nlohmann::json& object, const char* name);
Result<std::optional<UnixSeconds>> GetOptionalTime(const nlohmann::json& object, const char* name);

// kMalformed when the object has a member that isn't in `allowed`.
Result<> OnlyMembers(const nlohmann::json& object, std::initializer_list<std::string_view> allowed);

}  // namespace keel::base
