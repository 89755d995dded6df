// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "vc/json_ld/internal/processor.h"
#include "vc/rdf/dataset.h"

namespace keel::json_ld::internal {

// Object to RDF Conversion of a value object (JSON-LD API section 8.2.2, steps 4 to 12), without its direction.
// Nothing: its datatype or language is ill-formed (kRefused in safe mode).
Result<std::optional<rdf::Term>> ToLiteral(const Processor& processor, const nlohmann::json& value_object);

// xsd:double's canonical form as JSON-LD has it (section 8.6): "5.5E0", at most 15 digits behind the point.
std::string CanonicalDouble(double value);

}  // namespace keel::json_ld::internal
