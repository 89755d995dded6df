// SPDX-License-Identifier: Apache-2.0
#include "did/document.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr std::array kRelationships = {Relationship::kAuthentication, Relationship::kAssertionMethod,
                                       Relationship::kKeyAgreement, Relationship::kCapabilityInvocation,
                                       Relationship::kCapabilityDelegation};

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kInvalidDidDocument, "did document", std::move(detail));
}

std::string Absolute(const std::string& base, std::string id) { return id.starts_with('#') ? base + id : id; }

const json* Member(const json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

// A key that isn't one of ours is kept unusable; one that claims to be ours and is broken spoils the document.
Result<crypto::PublicKey> Tolerate(Result<crypto::PublicKey> key, const std::string& id) {
  if (key) return key;
  if (key.error().code == Code::kUnsupported) return crypto::PublicKey();
  return Bad("verification method " + id + ": " + key.error().Text());
}

Result<crypto::PublicKey> ReadKey(const json& method, const std::string& type, const std::string& id) {
  using crypto::KeyType;
  KeyType expected = KeyType::kEd25519;
  bool fixed = true;
  if (type.starts_with("Ed25519VerificationKey20")) {
    expected = KeyType::kEd25519;
  } else if (type.starts_with("X25519KeyAgreementKey20")) {
    expected = KeyType::kX25519;
  } else if (type.starts_with("EcdsaSecp256k1VerificationKey20")) {
    expected = KeyType::kSecp256k1;
  } else if (type == "P256Key2021" || type.starts_with("EcdsaSecp256r1VerificationKey20")) {
    expected = KeyType::kP256;
  } else {
    fixed = false;
    if (type != "Multikey" && type != "JsonWebKey" && type != "JsonWebKey2020") return crypto::PublicKey();
  }
  crypto::PublicKey key;
  if (const json* value = Member(method, "publicKeyMultibase")) {
    if (!value->is_string()) return Bad("verification method " + id + ": publicKeyMultibase is no string");
    KEEL_TRY(key, Tolerate(crypto::PublicKey::FromMultikey(value->get_ref<const std::string&>()), id));
  } else if (const json* jwk = Member(method, "publicKeyJwk")) {
    KEEL_TRY(key, Tolerate(crypto::PublicKeyFromJwk(*jwk), id));
  } else if (const json* base58 = Member(method, "publicKeyBase58")) {
    if (!fixed || !base58->is_string())
      return Bad("verification method " + id + ": publicKeyBase58 without a type that fixes the key's");
    auto octets = base::FromBase58(base58->get_ref<const std::string&>());
    if (!octets) return Bad("verification method " + id + ": " + octets.error().Text());
    KEEL_TRY(key, Tolerate(crypto::PublicKey::Create(expected, *octets), id));
  } else {
    return crypto::PublicKey();
  }
  if (fixed && key.valid() && key.type() != expected)
    return Bad("verification method " + id + ": the key is not of type " + type);
  return key;
}

Result<VerificationMethod> ReadMethod(const json& value, const std::string& did) {
  if (!value.is_object()) return Bad("a verification method is no object");
  VerificationMethod method;
  const json* id = Member(value, "id");
  const json* type = Member(value, "type");
  if (id == nullptr || !id->is_string() || type == nullptr || !type->is_string())
    return Bad("a verification method without id or type");
  method.id = Absolute(did, id->get<std::string>());
  method.type = type->get<std::string>();
  if (const json* controller = Member(value, "controller"); controller != nullptr && controller->is_string()) {
    method.controller = controller->get<std::string>();
  } else {
    method.controller = did;  // peers leave it out; DID Core says it must be there
  }
  KEEL_TRY(method.key, ReadKey(value, method.type, method.id));
  if (const json* jwk = Member(value, "publicKeyJwk"); jwk != nullptr && jwk->is_object()) {
    if (const json* kid = Member(*jwk, "kid"); kid != nullptr && kid->is_string())
      method.jwk_kid = kid->get<std::string>();
  }
  return method;
}

void ReadStrings(const json& value, std::vector<std::string>& out) {
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_array()) {
    for (const json& item : value) {
      if (item.is_string()) out.push_back(item.get<std::string>());
    }
  }
}

void ReadEndpoint(const json& value, Service& service) {
  if (value.is_string()) {
    service.uris.push_back(value.get<std::string>());
  } else if (value.is_object()) {
    if (const json* uri = Member(value, "uri")) ReadStrings(*uri, service.uris);
    if (const json* accept = Member(value, "accept")) ReadStrings(*accept, service.accept);
    if (const json* keys = Member(value, "routingKeys")) ReadStrings(*keys, service.routing_keys);
  } else if (value.is_array()) {
    for (const json& item : value) {
      if (!item.is_array()) ReadEndpoint(item, service);
    }
  }
}

Result<Service> ReadService(const json& value, const std::string& did) {
  if (!value.is_object()) return Bad("a service is no object");
  const json* id = Member(value, "id");
  const json* type = Member(value, "type");
  const json* endpoint = Member(value, "serviceEndpoint");
  if (id == nullptr || !id->is_string() || type == nullptr || endpoint == nullptr)
    return Bad("a service without id, type or serviceEndpoint");
  Service service;
  service.id = Absolute(did, id->get<std::string>());
  ReadStrings(*type, service.types);
  ReadEndpoint(*endpoint, service);
  // DIDComm v1's and old did:peer's place for these.
  if (const json* accept = Member(value, "accept")) ReadStrings(*accept, service.accept);
  if (const json* keys = Member(value, "routingKeys")) ReadStrings(*keys, service.routing_keys);
  service.json = base::DumpJson(value);
  return service;
}

bool SameId(std::string_view did, std::string_view id, std::string_view wanted) {
  if (id == wanted) return true;
  if (!id.starts_with(did) || id.size() <= did.size() || id[did.size()] != '#') return false;
  const std::string_view fragment = id.substr(did.size() + 1);
  return wanted == fragment || (wanted.starts_with('#') && wanted.substr(1) == fragment);
}

std::string_view SuiteName(crypto::KeyType type) {
  switch (type) {
    case crypto::KeyType::kEd25519: return "Ed25519VerificationKey2020";
    case crypto::KeyType::kX25519: return "X25519KeyAgreementKey2020";
    case crypto::KeyType::kP256:
    case crypto::KeyType::kSecp256k1:
    case crypto::KeyType::kP384:
    case crypto::KeyType::kP521: return "Multikey";
  }
  return "Multikey";
}

}  // namespace

std::string_view RelationshipName(Relationship relationship) {
  switch (relationship) {
    case Relationship::kAuthentication: return "authentication";
    case Relationship::kAssertionMethod: return "assertionMethod";
    case Relationship::kKeyAgreement: return "keyAgreement";
    case Relationship::kCapabilityInvocation: return "capabilityInvocation";
    case Relationship::kCapabilityDelegation: return "capabilityDelegation";
  }
  return "";
}

const VerificationMethod* DidDocument::Find(std::string_view wanted) const {
  for (const VerificationMethod& method : methods) {
    if (SameId(id, method.id, wanted)) return &method;
  }
  for (const VerificationMethod& method : methods) {
    if (!method.jwk_kid.empty() && method.jwk_kid == wanted) return &method;
  }
  return nullptr;
}

const VerificationMethod* DidDocument::FindFor(Relationship relationship, std::string_view wanted) const {
  const VerificationMethod* method = Find(wanted);
  return method != nullptr && method->Has(relationship) && DidOf(method->id) == id ? method : nullptr;
}

std::vector<const VerificationMethod*> DidDocument::All(Relationship relationship) const {
  std::vector<const VerificationMethod*> found;
  for (const VerificationMethod& method : methods) {
    if (method.key.valid() && method.Has(relationship) && DidOf(method.id) == id) found.push_back(&method);
  }
  return found;
}

const Service* DidDocument::FindService(std::string_view wanted) const {
  for (const Service& service : services) {
    if (SameId(id, service.id, wanted) ||
        std::find(service.types.begin(), service.types.end(), wanted) != service.types.end())
      return &service;
  }
  return nullptr;
}

Result<DidDocument> DidDocument::Parse(std::string_view text) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = kMaxDocument}));
  return FromJson(value);
}

Result<DidDocument> DidDocument::FromJson(const json& value) {
  if (!value.is_object()) return Bad("no object");
  const json* id = Member(value, "id");
  if (id == nullptr || !id->is_string() || id->get_ref<const std::string&>().empty()) return Bad("no id");
  DidDocument document;
  document.id = id->get<std::string>();
  if (const json* known = Member(value, "alsoKnownAs")) ReadStrings(*known, document.also_known_as);
  if (const json* controller = Member(value, "controller")) ReadStrings(*controller, document.controllers);

  auto add = [&document](VerificationMethod method) -> Result<> {
    for (const VerificationMethod& known : document.methods) {
      if (known.id == method.id) return Bad("verification method " + method.id + " appears twice");
    }
    if (document.methods.size() == kMaxMethods)
      return Bad("more than " + std::to_string(kMaxMethods) + " verification methods");
    document.methods.push_back(std::move(method));
    return {};
  };
  if (const json* methods = Member(value, "verificationMethod")) {
    if (!methods->is_array()) return Bad("verificationMethod is no array");
    for (const json& item : *methods) {
      KEEL_TRY(VerificationMethod method, ReadMethod(item, document.id));
      KEEL_TRY_VOID(add(std::move(method)));
    }
  }
  for (const Relationship relationship : kRelationships) {
    const json* list = Member(value, std::string(RelationshipName(relationship)).c_str());
    if (list == nullptr) continue;
    if (!list->is_array() || list->size() > kMaxMethods)
      return Bad(std::string(RelationshipName(relationship)) + " is no array or too long");
    for (const json& item : *list) {
      std::string wanted;
      if (item.is_string()) {
        wanted = Absolute(document.id, item.get<std::string>());
      } else {
        KEEL_TRY(VerificationMethod method, ReadMethod(item, document.id));
        wanted = method.id;
        // The same method embedded under two relationships is seen in the wild; it must be the same key then.
        const VerificationMethod* known = document.Find(wanted);
        if (known == nullptr) {
          KEEL_TRY_VOID(add(std::move(method)));
        } else if (!(known->key == method.key)) {
          return Bad("verification method " + wanted + " appears twice with different keys");
        }
      }
      for (VerificationMethod& method : document.methods) {
        if (method.id == wanted) method.uses = static_cast<uint8_t>(method.uses | static_cast<uint8_t>(relationship));
      }
    }
  }
  if (const json* services = Member(value, "service")) {
    if (!services->is_array()) return Bad("service is no array");
    if (services->size() > kMaxServices) return Bad("more than " + std::to_string(kMaxServices) + " services");
    for (const json& item : *services) {
      KEEL_TRY(Service service, ReadService(item, document.id));
      document.services.push_back(std::move(service));
    }
  }
  return document;
}

json DidDocument::ToJson(KeyFormat format) const {
  json out = json::object();
  json context = json::array({"https://www.w3.org/ns/did/v1"});
  context.push_back(format == KeyFormat::kMultikey     ? "https://w3id.org/security/multikey/v1"
                    : format == KeyFormat::kJsonWebKey ? "https://w3id.org/security/suites/jws-2020/v1"
                                                       : "https://w3id.org/security/suites/ed25519-2020/v1");
  if (format == KeyFormat::kSuite2020) context.push_back("https://w3id.org/security/suites/x25519-2020/v1");
  out["@context"] = std::move(context);
  out["id"] = id;
  if (!also_known_as.empty()) out["alsoKnownAs"] = also_known_as;
  if (controllers.size() == 1) {
    out["controller"] = controllers[0];
  } else if (!controllers.empty()) {
    out["controller"] = controllers;
  }
  for (const VerificationMethod& method : methods) {
    json item = {{"id", method.id}, {"controller", method.controller}};
    if (!method.key.valid()) {
      item["type"] = method.type;  // not held here: its material is not known either
    } else if (format == KeyFormat::kJsonWebKey) {
      item["type"] = "JsonWebKey2020";
      item["publicKeyJwk"] = crypto::PublicKeyToJwk(method.key);
    } else {
      item["type"] = format == KeyFormat::kMultikey ? "Multikey" : SuiteName(method.key.type());
      item["publicKeyMultibase"] = base::Multikey(method.key);
    }
    out["verificationMethod"].push_back(std::move(item));
    for (const Relationship relationship : kRelationships) {
      if (method.Has(relationship)) out[std::string(RelationshipName(relationship))].push_back(method.id);
    }
  }
  for (const Service& service : services) {
    auto parsed = base::ParseJson(service.json);
    if (parsed) out["service"].push_back(std::move(*parsed));
  }
  return out;
}

std::string DidDocument::ToText(KeyFormat format) const { return base::DumpJson(ToJson(format)); }

}  // namespace keel::did
