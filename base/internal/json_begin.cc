// SPDX-License-Identifier: Apache-2.0
#include "base/internal/json_begin.h"

#include "core/encoding.h"

namespace keel::base::internal {

Result<> CheckJsonText(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_size) {
    return Fail(Code::kTooLarge, "json",
                std::to_string(text.size()) + " octets, at most " + std::to_string(limits.max_size) + " are taken");
  }
  if (text.starts_with("\xEF\xBB\xBF"))
    return Fail(Code::kMalformed, "json", "begins with a byte-order mark at octet 0");
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    return Fail(Code::kMalformed, "json", "a NUL at octet " + std::to_string(nul));
  if (!IsUtf8(AsBytes(text))) return Fail(Code::kMalformed, "json", "not valid UTF-8");
  return {};
}

}  // namespace keel::base::internal
