// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "crypto/keys.h"

// What clients of the registrar send (DIF DID Registration 1.0, sections "Input Fields" and "Data Structures"), and
// what of it a did:keel can hold. Pure functions.
namespace keel::registry {

enum class RegistrarVerb : uint8_t { kCreate, kUpdate, kDeactivate };

// The largest request, in octets.
inline constexpr size_t kMaxRegistrarRequest = 32 << 10;

// A request's body, checked for form. kInvalidArgument, with what is wrong; kRefused: it holds a private key, which
// must be thrown away now.
struct RegistrarRequest {
  std::string job_id;
  std::string did;
  std::string secret = "{}";            // JSON text of an object
  std::vector<std::string> operations;  // didDocumentOperation, or its default; none without documents
  std::vector<std::string> documents;   // JSON texts of objects, one for each operation
};
// `method`: the query's, for create; did:keel is the only one here.
Result<RegistrarRequest> ParseRegistrarRequest(RegistrarVerb verb, std::string_view body, const std::string& method,
                                               const std::string& label);

// A verification method that a did:keel can hold.
struct ContentKey {
  std::string id;  // fragment
  uint8_t uses = 0;
  crypto::PublicKey key;
};
struct KeelContent {
  std::vector<ContentKey> keys;       // the first one can sign
  std::vector<std::string> services;  // JSON objects
};
// The document's keys and services, together with the secret's verification methods that have an id. `did`: empty for a
// create, whose ids are relative. kInvalidArgument: something that did:keel doesn't keep (controllers, other names,
// methods of other DIDs or without a use), nothing that can sign.
Result<KeelContent> ContentOf(const nlohmann::json& document, const nlohmann::json& secret, const std::string& did);

// Public keys among the secret's verification methods (those without id) with this purpose: "update" signs now,
// "nextUpdate" is committed to. kInvalidArgument.
Result<std::vector<crypto::PublicKey>> SecretKeys(const nlohmann::json& secret, std::string_view purpose);

// The document after the request's operations: setDidDocument, addToDidDocument, removeFromDidDocument, in order.
// kInvalidArgument: another operation, something added twice, something removed that isn't there.
Result<nlohmann::json> ApplyOperations(nlohmann::json document, const RegistrarRequest& request);

}  // namespace keel::registry
