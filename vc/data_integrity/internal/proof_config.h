// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>  // lint-allow: heavy a member is JSON; three files of this folder include this
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "core/time.h"
#include "did/document.h"
#include "vc/data_integrity/proof.h"

// Private to vc/data_integrity: what a proof object may be. Pure functions, thread-safe.
namespace keel::vc::internal {

// A proof, read (Data Integrity 1.0, section 2.1).
struct Proof {
  Cryptosuite suite = Cryptosuite::kEddsaJcs2022;
  nlohmann::json config;   // the proof without proofValue
  base::ByteVec value;     // proofValue, decoded
  std::string id, method;  // method: verificationMethod
  std::string purpose;
  std::optional<UnixSeconds> created, expires;
  std::vector<std::string> domain;
  std::optional<std::string> challenge;
  std::vector<std::string> previous;
};

// kMalformed with the member's name (required ones: type, cryptosuite, verificationMethod, proofPurpose, proofValue),
// kUnsupported for a type or cryptosuite that isn't taken part in, kTooLarge (previousProof, domain: kMaxProofs).
// The length of the signature is not judged here: it depends on the key.
Result<Proof> ReadProof(nlohmann::json proof);

// XML Schema's dateTimeStamp; one without an offset counts as UTC, as section 2.1 allows. kMalformed, kOutOfRange.
Result<UnixSeconds> ParseDateTimeStamp(std::string_view text);

// "assertionMethod", "authentication", ...: the relationship of that name; nullopt for another purpose.
std::optional<did::Relationship> RelationshipOf(std::string_view purpose);

// An absolute URL as far as a proof needs it: a scheme, something after it, no white space.
bool IsAbsoluteUrl(std::string_view text);

// The proofs of a document: `proof`, an object or an array of them. kMalformed when it is neither or empty, kTooLarge
// over kMaxProofs.
Result<std::vector<const nlohmann::json*>> ProofsOf(const nlohmann::json& document);

// A string or an array of strings.
Result<std::vector<std::string>> StringSet(const nlohmann::json& value, const char* name);

// Of `proofs`, those that `previous` names, in the order of `proofs` (section 4.3, steps 3 to 5). kNotFound, kDuplicate
// (two proofs of one id).
Result<nlohmann::json> MatchingProofs(const std::vector<const nlohmann::json*>& proofs,
                                      const std::vector<std::string>& previous);

}  // namespace keel::vc::internal
