// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "vc/verification.h"

namespace keel::json_ld {
class ContextStore;
}

namespace keel::vc {

// Integrity of related resources (data model 2.0, section 5.3) for those that are at hand: contexts of the store (null:
// the bundled ones) and `given`, by URL. Nothing is fetched: what is not at hand passes and is named in the detail, for
// whoever reads it to compare. ok is true when there are none.
//
// https://www.w3.org/ns/credentials/v2 passes with the digest of the text that W3C published until February 2025 too
// (docs/decisions/0076): credentials of that time carry it, and the terms they can use have kept their meaning.
Check CheckRelatedResources(const nlohmann::json& credential, const json_ld::ContextStore* contexts,
                            const std::map<std::string, std::string>& given);

}  // namespace keel::vc
