// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "vc/json_ld/context_store.h"

// Selective disclosure with ecdsa-sd-2023: what a holder makes of a credential for a verifier.
namespace keel::vc {

// From a credential with a base proof (AddProof with kEcdsaSd2023), which the holder keeps, makes one that discloses
// what the JSON pointers name, besides what the issuer demands, with a derived proof ("Add Derived Proof", section
// 3.6.7 of the suite). Proofs of other suites are left out: they cover what isn't there any more.
//
// Nothing is verified: what the holder was given should have been (VerifyDataIntegrity refuses base proofs; derive all
// of it, or a part, and verify that). Derived credentials of one base credential can be linked to each other: the proof
// has the same signatures and labels in each, so this hides claims and not whose they are.
//
// Errors: kMissing (no base proof), kDuplicate (several), kMalformed and those of CBOR (its value), kInvalidArgument (a
// pointer to nothing; nothing to disclose at all), kConflict (the proof doesn't fit the document), what ToRdf and
// Canonicalize say of the document.
Result<nlohmann::json> Derive(const nlohmann::json& credential, const std::vector<std::string>& pointers,
                              const json_ld::ContextStore* contexts = nullptr);

}  // namespace keel::vc
