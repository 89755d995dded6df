// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/result.h"

namespace keel::json_ld {
class ContextStore;
}

namespace keel::vc {

// Contexts and types (data model 2.0, sections 4.3, 4.5, 5.2.1) of a document that has passed CheckCredentialModel or
// CheckPresentationModel: each context is known (to the store; null: the bundled ones) and can be processed, none gives
// a protected term a second meaning, and each type, wherever in the document it stands, is an absolute URL or a term
// that the contexts define. What other members are called is the JSON-LD cryptosuites' business. Nothing is fetched.
//
// kNotFound: a context that isn't known. kMalformed, kRefused, kTooLarge: JSON-LD's errors (vc/json_ld/to_rdf.h). Pure,
// thread-safe.
Result<> CheckTerms(const nlohmann::json& document, const json_ld::ContextStore* contexts);

}  // namespace keel::vc
