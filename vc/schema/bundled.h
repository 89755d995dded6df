// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

// Keel's own schemas, compiled in (vc/schema/schemas). Its context beside them is one of vc/json_ld's.
namespace keel::vc {

inline constexpr std::string_view kKeelSchemas = "https://keel-protocol.org/schemas/v1/";

struct BundledSchema {
  std::string_view name;  // the credential type
  std::string_view text;
};
std::span<const BundledSchema> BundledSchemas();
// By id ("https://keel-protocol.org/schemas/v1/<type>.json") or type; null: none.
const BundledSchema* FindBundledSchema(std::string_view id_or_type);

}  // namespace keel::vc
