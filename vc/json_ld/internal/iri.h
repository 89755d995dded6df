// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// IRIs as JSON-LD sees them, before they become RDF terms (vc/rdf/internal/terms.h has the stricter view).
namespace keel::json_ld::internal {

// One of JSON-LD's own (JSON-LD 1.1 section 1.7); "@default" and the like belong to framing and are none.
bool IsKeyword(std::string_view text);
// "@" and letters alone: reserved, whether or not it is a keyword.
bool LooksLikeKeyword(std::string_view text);
// Begins with a scheme and ':'.
bool HasScheme(std::string_view text);
inline bool IsBlank(std::string_view text) { return text.starts_with("_:"); }
// RFC 3986 section 5.2, on IRIs. An empty base gives the reference back.
std::string Resolve(std::string_view base, std::string_view reference);

}  // namespace keel::json_ld::internal
