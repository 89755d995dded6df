// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/encoding.h"
#include "crypto/keys.h"
#include "vc/data_integrity/proof.h"
#include "vc/json_ld/context_store.h"

// Private to vc/data_integrity: what the suites (all but ecdsa-sd-2023) sign. Pure functions, thread-safe.
namespace keel::vc::internal {

// The suite canonicalizes JSON (RFC 8785); the others canonicalize RDF.
bool IsJcs(Cryptosuite suite);

// SHA-384 for P-384, SHA-256 for the others.
base::ByteVec SuiteHash(crypto::KeyType type, std::string_view text);

// Some write an inline context as a context document, {"@context": {...}} in the list: what jsonld.js and W3C's suites
// for these cryptosuites have, though JSON-LD 1.1 knows it of remote documents alone. The document's contexts (and
// those of embedded credentials) without that; `storage` holds the copy where one is needed.
const nlohmann::json& WithPlainContexts(const nlohmann::json& document, nlohmann::json& storage);

// The document, or a proof configuration that has the document's @context, in the suite's canonical form (sections
// "Transformation" and "Proof Configuration" of the suites). Errors: base::Jcs's, json_ld::ToRdf's,
// rdf::Canonicalize's.
Result<std::string> CanonicalForm(const nlohmann::json& value, Cryptosuite suite, crypto::KeyType type,
                                  const json_ld::ContextStore& contexts);

// hash of the proof configuration: the proof without its value, which borrows the document's @context for RDF.
Result<base::ByteVec> ConfigHash(const nlohmann::json& document, const nlohmann::json& config, Cryptosuite suite,
                                 crypto::KeyType type, const json_ld::ContextStore& contexts);

// hash of the document, which has no proof, or those that this one follows. For JCS the document's @context is first
// replaced by the proof's, when that has one: the caller has seen that the document's begins with it.
Result<base::ByteVec> DocumentHash(nlohmann::json& document, const nlohmann::json& config, Cryptosuite suite,
                                   crypto::KeyType type, const json_ld::ContextStore& contexts);

// What is signed: ConfigHash || DocumentHash.
Result<base::ByteVec> HashData(nlohmann::json& document, const nlohmann::json& config, Cryptosuite suite,
                               crypto::KeyType type, const json_ld::ContextStore& contexts);

}  // namespace keel::vc::internal
