// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/result.h"
#include "vc/data_integrity/proof.h"
#include "vc/json_ld/context_store.h"

// Private to vc/data_integrity: context validation (Data Integrity 1.0, section 4.6; docs/decisions/0072). A proof over
// RDF covers what the names in a document lead to, not the names: whoever passes it on may write the same RDF with
// other names and another @context, and a program that reads JSON by names would miss an end of validity or a status,
// or read a claim that nobody made. So the names are held to one meaning before anything is believed. Pure functions,
// thread-safe.
namespace keel::vc::internal {

// How the detail begins when JSON-LD's safe mode refused the document (the suite's own step, not these rules).
inline constexpr std::string_view kDataLoss = "data would be lost: ";

// `document` without its proof, and the configurations of all its proofs. kNotFound: a context that
// isn't known. kMalformed: a rule broken, with what and where. kTooLarge: nested over 64 deep.
//
// For every suite: each context is known by its URL or is an object. For JCS suites: the document's @context begins
// with the proof's, and what comes after that (unsigned) is known by its URL. For suites over RDF: the document and the
// proofs are written in terms alone (no IRIs or keywords as names), contexts stand at the top only (and in embedded
// credentials), and an inline context gives new terms only, each with an IRI that ends in the term's own name.
Result<> CheckContexts(const nlohmann::json& document, const std::vector<const nlohmann::json*>& proofs,
                       Cryptosuite suite, const json_ld::ContextStore& contexts);

}  // namespace keel::vc::internal
