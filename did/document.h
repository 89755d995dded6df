// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keys.h"

namespace keel::did {

inline constexpr size_t kMaxDocument = 256 << 10;  // octets of JSON
inline constexpr size_t kMaxMethods = 64;
inline constexpr size_t kMaxServices = 64;
inline constexpr size_t kMaxEndpoints = 64;  // of one service

// Verification relationships (DID Core section 5.3), as bits of VerificationMethod::uses.
enum class Relationship : uint8_t {
  kAuthentication = 1,
  kAssertionMethod = 2,
  kKeyAgreement = 4,
  kCapabilityInvocation = 8,
  kCapabilityDelegation = 16,
};
// "authentication", "assertionMethod", ...
std::string_view RelationshipName(Relationship relationship);
// X25519 keys agree and don't sign, Ed25519 keys sign and don't agree, the others do both.
bool CanServe(crypto::KeyType type, Relationship use);

// How a key is written in a document; reading takes all of them.
enum class KeyFormat : uint8_t { kMultikey, kJsonWebKey, kSuite2020 };

struct VerificationMethod {
  std::string id;    // absolute DID URL (relative ones are completed when read)
  std::string type;  // "Multikey", "JsonWebKey2020", ...
  std::string controller;
  crypto::PublicKey key;  // !valid(): a type or curve that we don't hold; the method is kept but can't be used
  std::string jwk_kid;    // publicKeyJwk.kid, when there is one
  uint8_t uses = 0;       // bits of Relationship

  bool Has(Relationship relationship) const { return (uses & static_cast<uint8_t>(relationship)) != 0; }
};

// One way to reach a service, with what holds for it alone.
struct ServiceEndpoint {
  std::string uri;                        // a URL, or a DID: that of a mediator
  std::vector<std::string> accept;        // media type profiles in order of preference
  std::vector<std::string> routing_keys;  // DID URLs or DIDs, first hop first
};

struct Service {
  std::string id;  // absolute
  std::vector<std::string> types;
  std::vector<ServiceEndpoint> endpoints;  // serviceEndpoint: a string, an object with `uri`, or an array of these
  // All endpoints' together, without repeats.
  std::vector<std::string> uris;
  std::vector<std::string> accept;
  std::vector<std::string> routing_keys;
  std::string json;  // the whole service object as JSON text
};

// A DID document (DID Core section 5): what Keel uses of it, plus services as they came. Value type; const methods are
// safe concurrently.
struct DidDocument {
  std::string id;
  std::vector<std::string> also_known_as;
  std::vector<std::string> controllers;
  std::vector<VerificationMethod> methods;
  std::vector<Service> services;

  // By absolute id, "#fragment", bare fragment, or a JWK's kid; null when absent.
  const VerificationMethod* Find(std::string_view id_or_fragment) const;
  // The same, only if the method is listed under the relationship, its key can serve for it, and its id is this
  // document's own (a method of another DID that is embedded here counts for nothing).
  const VerificationMethod* FindFor(Relationship relationship, std::string_view id_or_fragment) const;
  // All usable (key.valid()) methods of a relationship, in the document's order.
  std::vector<const VerificationMethod*> All(Relationship relationship) const;
  const Service* FindService(std::string_view id_or_type) const;

  // kInvalidDidDocument with what is wrong. Unknown members are dropped. A JSON-LD context is not needed and never
  // fetched.
  static Result<DidDocument> FromJson(const nlohmann::json& document);
  static Result<DidDocument> Parse(std::string_view json);  // strict JSON first
  nlohmann::json ToJson(KeyFormat format = KeyFormat::kMultikey) const;
  std::string ToText(KeyFormat format = KeyFormat::kMultikey) const;
};

}  // namespace keel::did
