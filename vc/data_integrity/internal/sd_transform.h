// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "crypto/key_store.h"
#include "vc/data_integrity/internal/sd_proof.h"
#include "vc/json_ld/context_store.h"
#include "vc/rdf/dataset.h"

// Private to vc/data_integrity: ecdsa-sd-2023's transformations (Data Integrity ECDSA Cryptosuites 1.0, sections 3.4 to
// 3.6). Pure functions but for signing; thread-safe as the key stores are.
namespace keel::vc::internal {

// The parts of a document that JSON pointers (RFC 6901) name, with the ids and types on the way there, arrays made
// dense; keeps @context (section 3.4.13, selectJsonLd). Null for no pointers. kInvalidArgument: a pointer that is none,
// or leads nowhere; kTooLarge: over kMaxPointers.
Result<nlohmann::json> Select(const nlohmann::json& document, const std::vector<std::string>& pointers);

// A document as statements with the labels that an HMAC gives its blank nodes, sorted; and of each group of pointers
// the statements that it selects (section 3.4.16, canonicalizeAndGroup).
struct Statements {
  std::vector<std::string> quads;
  std::map<std::string, std::string> labels;  // of the skolemized document's blank nodes -> signed label
  std::vector<std::vector<size_t>> groups;    // indexes into quads, ascending
  std::vector<rdf::Dataset> selections;       // each group's own RDF, with the skolemized document's labels
};
Result<Statements> CanonicalizeAndGroup(const nlohmann::json& document, const Bytes32& hmac_key,
                                        const std::vector<std::vector<std::string>>& groups,
                                        const json_ld::ContextStore& contexts);

// "u" + base64url, as labels are signed.
std::string LabelText(const Bytes32& digest);

// What the base signature covers: hash of the proof configuration || the proof's key || hash of the mandatory
// statements.
Result<base::ByteVec> SignedData(const nlohmann::json& document, const nlohmann::json& config,
                                 const crypto::PublicKey& proof_key, const std::vector<std::string>& mandatory,
                                 const json_ld::ContextStore& contexts);

// proofValue of a base proof. Makes the proof's own key and HMAC key and forgets them.
Result<std::string> CreateBaseProof(const nlohmann::json& document, const nlohmann::json& config,
                                    const std::vector<std::string>& mandatory_pointers, crypto::KeyStore& store,
                                    crypto::KeyHandle key, const json_ld::ContextStore& contexts);
// The same with keys given, for published vectors.
Result<BaseProofValue> CreateBase(const nlohmann::json& document, const nlohmann::json& config,
                                  const std::vector<std::string>& mandatory_pointers, const Bytes32& hmac_key,
                                  crypto::KeyStore& proof_store, crypto::KeyHandle proof_key, crypto::KeyStore& store,
                                  crypto::KeyHandle key, const json_ld::ContextStore& contexts);

// A verdict on a derived proof; !ok: why.
struct SdVerdict {
  bool ok = false;
  std::string detail;
};
// `document` without its proof, `key` the issuer's. Errors: what ToRdf says of the document or proof configuration.
Result<SdVerdict> VerifyDerived(const nlohmann::json& document, const nlohmann::json& config, ByteView proof_value,
                                const crypto::PublicKey& key, const json_ld::ContextStore& contexts);

}  // namespace keel::vc::internal
