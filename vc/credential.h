// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "crypto/key_store.h"

// Verifiable Credentials Data Model 2.0, secured as vc+jwt (VC-JOSE-COSE 1.0).
namespace keel::vc {

inline constexpr size_t kMaxCredential = 256 << 10;  // octets of a vc+jwt
inline constexpr std::string_view kContextV2 = "https://www.w3.org/ns/credentials/v2";

// One credentialStatus entry (Bitstring Status List 1.0, section 2.1); read by vc/status_list/entry.h.
struct StatusEntry {
  std::string id, type, purpose;
  uint64_t index = 0;
  std::string list_url;  // statusListCredential
  uint32_t size = 1;     // statusSize: bits a status
  struct Message {
    uint64_t status = 0;
    std::string message;
  };
  std::vector<Message> messages;        // statusMessage: one for each value of `size` bits, or none
  std::vector<std::string> references;  // statusReference
};

enum class ModelVersion : uint8_t { kV1 = 1, kV2 = 2 };

// What Keel reads of a credential; `json` is the whole.
struct Credential {
  ModelVersion version = ModelVersion::kV2;
  std::string json;  // payload octets
  std::string id;    // empty: absent
  std::vector<std::string> types;
  std::string issuer;
  std::vector<std::string> subjects;  // ids of the subjects that have one
  std::string subject_json;           // the (first) credentialSubject object as JSON text
  std::optional<UnixSeconds> valid_from, valid_until;
  std::vector<StatusEntry> status;
  std::vector<std::string> schemas;  // credentialSchema ids

  bool Is(std::string_view type) const;
  Result<nlohmann::json> Subject() const;

  // The payload of a token (vc+jwt): strict JSON, Read, TakeClaims. 2.0 only (kUnsupported).
  static Result<Credential> Parse(std::string_view payload, size_t max_size = kMaxCredential);
  // What Keel uses of a credential, 2.0 or 1.1 (valid_from, valid_until are then issuanceDate, expirationDate). Errors:
  // those of CheckCredentialModel (vc/data_model/model.h) and of ReadStatusEntry. Leaves `json` empty.
  static Result<Credential> Read(const nlohmann::json& credential);
  // Registered claims beside the credential's members in a token's payload (VC-JOSE-COSE 1.0, section 3.1.1): iss, jti
  // and sub must say what issuer, id and the subject's id say, exp and nbf narrow the validity; a `vc` or `vp` claim
  // must not be there. kMalformed.
  Result<> TakeClaims(const nlohmann::json& payload);
};

// Signs a credential (a JSON object; @context, type, issuer, credentialSubject required) as vc+jwt: header {alg, kid,
// typ "vc+jwt", cty "vc"}, payload the object without white space, members sorted. The issuer must be kid's DID
// (kInvalidArgument). EdDSA, ES256, ES256K by the key's type.
Result<std::string> IssueCredential(const nlohmann::json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                    const std::string& kid);

// A random credential id, "urn:uuid:..." (version 4).
std::string NewCredentialId();

}  // namespace keel::vc
