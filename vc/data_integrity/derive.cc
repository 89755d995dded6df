// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/derive.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "vc/data_integrity/internal/proof_config.h"
#include "vc/data_integrity/internal/sd_transform.h"
#include "vc/rdf/canonicalize.h"

namespace keel::vc {
namespace {

using internal::Statements;
using nlohmann::json;

constexpr const char* kWhere = "derive";

bool Has(const std::vector<size_t>& sorted, size_t index) {
  return std::binary_search(sorted.begin(), sorted.end(), index);
}

// The one base proof among the document's proofs.
Result<internal::Proof> BaseProofOf(const json& credential) {
  KEEL_TRY(const std::vector<const json*> proofs, internal::ProofsOf(credential));
  std::optional<internal::Proof> found;
  for (const json* proof : proofs) {
    const auto suite = proof->find("cryptosuite");
    if (suite == proof->end() || *suite != CryptosuiteName(Cryptosuite::kEcdsaSd2023)) continue;
    KEEL_TRY(internal::Proof read, internal::ReadProof(*proof));
    if (!internal::IsBaseProof(read.value)) continue;
    if (found) return Fail(Code::kDuplicate, kWhere, "the credential has several base proofs of ecdsa-sd-2023");
    found = std::move(read);
  }
  if (!found) return Fail(Code::kMissing, kWhere, "the credential has no base proof of ecdsa-sd-2023");
  return std::move(*found);
}

// The 32 octets of a signed label.
Result<Bytes32> LabelOctets(const std::string& label) {
  if (!label.starts_with('u')) return Fail(Code::kConflict, kWhere, "a blank node has no signed label");
  return base::FixedFromBase64Url<32>(std::string_view(label).substr(1));
}

}  // namespace

Result<json> Derive(const json& credential, const std::vector<std::string>& pointers,
                    const json_ld::ContextStore* contexts) {
  const json_ld::ContextStore& known = contexts != nullptr ? *contexts : json_ld::BundledContexts();
  KEEL_TRY(const internal::Proof proof, BaseProofOf(credential));
  KEEL_TRY(const internal::BaseProofValue base_value, internal::ParseBase(proof.value));
  json document = credential;
  document.erase("proof");

  std::vector<std::string> combined = base_value.mandatory_pointers;
  combined.insert(combined.end(), pointers.begin(), pointers.end());
  if (combined.empty()) return Fail(Code::kInvalidArgument, kWhere, "there is nothing to disclose");
  KEEL_TRY(const Statements statements,
           internal::CanonicalizeAndGroup(document, base_value.hmac_key,
                                          {base_value.mandatory_pointers, pointers, combined}, known));
  const std::vector<size_t>&mandatory = statements.groups[0], &selective = statements.groups[1],
        &disclosed = statements.groups[2];
  if (base_value.signatures.size() != statements.quads.size() - mandatory.size()) {
    return Fail(Code::kConflict, kWhere,
                "the base proof has " + std::to_string(base_value.signatures.size()) + " signatures, the credential " +
                    std::to_string(statements.quads.size() - mandatory.size()) + " statements to sign");
  }

  internal::DerivedProofValue value;
  value.base_signature = base_value.base_signature;
  value.public_key = base_value.public_key;
  for (size_t i = 0; i < disclosed.size(); ++i) {
    if (Has(mandatory, disclosed[i])) value.mandatory_indexes.push_back(i);
  }
  size_t signature = 0;
  for (size_t i = 0; i < statements.quads.size(); ++i) {
    if (Has(mandatory, i)) continue;
    if (Has(selective, i)) value.signatures.push_back(base_value.signatures[signature]);
    ++signature;
  }
  // The labels that a verifier will find by itself, and what they stand for.
  KEEL_TRY(const rdf::Canonical canonical, rdf::Canonicalize(statements.selections[2]));
  for (const auto& [label, issued] : canonical.issued) {
    const auto it = statements.labels.find(label);
    if (it == statements.labels.end()) return Fail(Code::kConflict, kWhere, "a blank node without a signed label");
    KEEL_TRY(value.labels[std::stoull(issued.substr(std::string_view("c14n").size()))], LabelOctets(it->second));
  }

  KEEL_TRY(json out, internal::Select(document, combined));
  json derived = proof.config;
  KEEL_TRY(const base::ByteVec octets, internal::SerializeDerived(value));
  derived["proofValue"] = "u" + base::Base64Url(octets);
  out["proof"] = std::move(derived);
  return out;
}

}  // namespace keel::vc
