// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "crypto/key_store.h"
#include "vc/json_ld/context_store.h"

// Verifiable Credential Data Integrity 1.0: proofs in the JSON object that they secure
// (docs/formats/data-integrity.md).
namespace keel::vc {

// The cryptosuites of "Data Integrity EdDSA Cryptosuites 1.0" and "Data Integrity ECDSA Cryptosuites 1.0".
enum class Cryptosuite : uint8_t {
  kEddsaJcs2022 = 1,      // Ed25519 over the JSON (RFC 8785)
  kEddsaRdfc2022,         // Ed25519 over the RDF (RDFC-1.0)
  kEcdsaJcs2019,          // P-256 or P-384
  kEcdsaRdfc2019,         // P-256 or P-384
  kEcdsaSd2023,           // P-256; claims can be left out afterwards (derive.h)
  kEd25519Signature2020,  // verified, never made: the proof type of VC 1.1's days
};
// "eddsa-jcs-2022", ...
std::string_view CryptosuiteName(Cryptosuite suite);
// kUnsupported with the names that are known.
Result<Cryptosuite> CryptosuiteFromName(std::string_view name);
// Whether a key of this type signs with this suite.
bool SuiteTakes(Cryptosuite suite, crypto::KeyType type);

inline constexpr size_t kMaxProofs = 16;  // in one document

struct ProofOptions {
  Cryptosuite cryptosuite = Cryptosuite::kEddsaJcs2022;
  std::string verification_method;  // required: the key's URL, "did:example:maker#assert"
  std::string proof_purpose = "assertionMethod";
  std::optional<std::string> id;  // a URL, so that another proof can follow this one
  std::optional<UnixSeconds> created, expires;
  std::vector<std::string> domain;
  std::optional<std::string> challenge, nonce;
  // Ids of proofs in the document that this one follows: it covers them too (a proof chain).
  std::vector<std::string> previous_proof;
  // ecdsa-sd-2023: JSON pointers of what every derived proof must disclose. Those of issuer, validFrom, validUntil,
  // credentialStatus, credentialSchema, termsOfUse (and 1.1's issuanceDate, expirationDate) are added where the
  // document has them: no holder may leave out that a credential has expired.
  std::vector<std::string> mandatory_pointers;
};

// Adds a proof to the document (sections 4.2 and 4.3; to those that are there already: a proof set) and returns it.
// The JSON-LD suites refuse whatever would not be signed: terms that no context defines, relative IRIs. Contexts are
// those bundled when `contexts` is null; none is fetched. A document whose contexts don't define Data Integrity's terms
// gets https://w3id.org/security/data-integrity/v2 appended (section 2.4.2). ECDSA signatures have a low S.
//
// Does not check that the document is a credential, or that the key belongs to its issuer.
//
// Errors (their processing error names: problems.h): kInvalidArgument (options that contradict each other or the
// specification, a key of the wrong type, a pointer to nothing), kUnsupported (Ed25519Signature2020), kNotFound (a
// previous proof; a context), kTooLarge, what ToRdf and Canonicalize say of the document, the key store's.
Result<nlohmann::json> AddProof(const nlohmann::json& document, const ProofOptions& options, crypto::KeyStore& store,
                                crypto::KeyHandle key, const json_ld::ContextStore* contexts = nullptr);

}  // namespace keel::vc
