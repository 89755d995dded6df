// SPDX-License-Identifier: Apache-2.0
#include "did/document.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "did/internal/key_material.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr std::array kRelationships = {Relationship::kAuthentication, Relationship::kAssertionMethod,
                                       Relationship::kKeyAgreement, Relationship::kCapabilityInvocation,
                                       Relationship::kCapabilityDelegation};

constexpr size_t kMaxIdentifiers = 256;  // of alsoKnownAs, and of controller

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kInvalidDidDocument, "did document", std::move(detail));
}

std::string Absolute(const std::string& base, std::string id) { return id.starts_with('#') ? base + id : id; }

// A DID, or (Controlled Identifiers, which credentials name their issuers by) another URL.
bool IsIdentifier(const std::string& text) {
  if (text.starts_with("did:")) return IsDid(text);
  return text.find("://") != std::string::npos || text.starts_with("urn:");
}

// DID Core section 3.2, after a relative one was completed. Other identifiers' methods are theirs to judge.
bool IsMethodId(const std::string& id) { return !id.starts_with("did:") || DidUrl::Parse(id).has_value(); }

const json* Member(const json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<VerificationMethod> ReadMethod(const json& value, const std::string& did) {
  if (!value.is_object()) return Bad("a verification method is no object");
  VerificationMethod method;
  const json* id = Member(value, "id");
  const json* type = Member(value, "type");
  if (id == nullptr || !id->is_string() || type == nullptr || !type->is_string())
    return Bad("a verification method without id or type");
  method.id = Absolute(did, id->get<std::string>());
  if (!IsMethodId(method.id)) return Bad("verification method id \"" + method.id.substr(0, 200) + "\" is no DID URL");
  method.type = type->get<std::string>();
  if (const json* controller = Member(value, "controller"); controller != nullptr) {
    if (!controller->is_string() || !IsIdentifier(controller->get_ref<const std::string&>()))
      return Bad("verification method " + method.id + " has a controller that is no DID");
    method.controller = controller->get<std::string>();
  } else {
    method.controller = did;  // peers leave it out; DID Core says it must be there
  }
  KEEL_TRY(method.key, internal::ReadKeyMaterial(value, method.type, method.id));
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

// A string, or an array of strings (DID Core sections 5.1.2, 5.1.3).
Result<> ReadIdentifiers(const json& document, const char* name, std::vector<std::string>& out) {
  const json* value = Member(document, name);
  if (value == nullptr) return {};
  const bool strings =
      value->is_array() && std::all_of(value->begin(), value->end(), [](const json& item) { return item.is_string(); });
  if (!value->is_string() && !strings) return Bad(std::string(name) + " is neither a string nor an array of strings");
  if (value->size() > kMaxIdentifiers) return Bad(std::string(name) + " is too long");
  ReadStrings(*value, out);
  return {};
}

// What a service, or an endpoint object of it, says beside its uri.
ServiceEndpoint ReadAside(const json& object, const ServiceEndpoint& outer) {
  ServiceEndpoint aside = outer;
  if (const json* accept = Member(object, "accept")) {
    aside.accept.clear();
    ReadStrings(*accept, aside.accept);
  }
  if (const json* keys = Member(object, "routingKeys")) {
    aside.routing_keys.clear();
    ReadStrings(*keys, aside.routing_keys);
  }
  return aside;
}

Result<> ReadEndpoint(const json& value, const ServiceEndpoint& outer, bool nested, Service& service) {
  std::vector<std::string> uris;
  ServiceEndpoint endpoint = outer;
  if (value.is_string()) {
    uris.push_back(value.get<std::string>());
  } else if (value.is_object()) {
    endpoint = ReadAside(value, outer);
    if (const json* uri = Member(value, "uri")) ReadStrings(*uri, uris);
  } else if (value.is_array() && !nested) {
    for (const json& item : value) KEEL_TRY_VOID(ReadEndpoint(item, outer, true, service));
  }
  for (std::string& uri : uris) {
    if (service.endpoints.size() == kMaxEndpoints)
      return Bad("service " + service.id + " has more than " + std::to_string(kMaxEndpoints) + " endpoints");
    endpoint.uri = std::move(uri);
    service.endpoints.push_back(endpoint);
  }
  return {};
}

void AddNew(const std::vector<std::string>& from, std::vector<std::string>& to) {
  for (const std::string& item : from) {
    if (std::find(to.begin(), to.end(), item) == to.end()) to.push_back(item);
  }
}

Result<Service> ReadService(const json& value, const std::string& did) {
  if (!value.is_object()) return Bad("a service is no object");
  const json* id = Member(value, "id");
  const json* type = Member(value, "type");
  const json* endpoint = Member(value, "serviceEndpoint");
  if (id == nullptr || !id->is_string() || type == nullptr || endpoint == nullptr)
    return Bad("a service without id, type or serviceEndpoint");
  if (!endpoint->is_string() && !endpoint->is_object() && !endpoint->is_array())
    return Bad("a serviceEndpoint that is no string, object or array");
  Service service;
  service.id = Absolute(did, id->get<std::string>());
  ReadStrings(*type, service.types);
  // DIDComm v1 and old did:peer have accept and routingKeys beside the endpoint; they hold where it says nothing.
  KEEL_TRY_VOID(ReadEndpoint(*endpoint, ReadAside(value, {}), false, service));
  for (const ServiceEndpoint& item : service.endpoints) {
    service.uris.push_back(item.uri);
    AddNew(item.accept, service.accept);
    AddNew(item.routing_keys, service.routing_keys);
  }
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

bool CanServe(crypto::KeyType type, Relationship use) {
  return use == Relationship::kKeyAgreement ? type != crypto::KeyType::kEd25519 : type != crypto::KeyType::kX25519;
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
  if (method == nullptr || !method->Has(relationship) || DidOf(method->id) != id) return nullptr;
  return !method->key.valid() || CanServe(method->key.type(), relationship) ? method : nullptr;
}

std::vector<const VerificationMethod*> DidDocument::All(Relationship relationship) const {
  std::vector<const VerificationMethod*> found;
  for (const VerificationMethod& method : methods) {
    if (method.key.valid() && method.Has(relationship) && CanServe(method.key.type(), relationship) &&
        DidOf(method.id) == id)
      found.push_back(&method);
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
  if (!IsIdentifier(document.id)) return Bad("id \"" + document.id.substr(0, 200) + "\" is no DID");
  KEEL_TRY_VOID(ReadIdentifiers(value, "alsoKnownAs", document.also_known_as));
  KEEL_TRY_VOID(ReadIdentifiers(value, "controller", document.controllers));
  for (const std::string& controller : document.controllers) {
    if (!IsIdentifier(controller)) return Bad("controller \"" + controller.substr(0, 200) + "\" is no DID");
  }

  auto add = [&document](VerificationMethod method) -> Result<> {
    for (const VerificationMethod& known : document.methods) {
      if (known.id == method.id) return Bad("verification method " + method.id + " appears twice");
    }
    if (document.methods.size() == kMaxMethods)
      return Bad("more than " + std::to_string(kMaxMethods) + " verification methods");
    document.methods.push_back(std::move(method));
    return {};
  };
  // `publicKey` is what DID Core's drafts of 2018 to 2020 called it; peers still write it.
  for (const char* name : {"verificationMethod", "publicKey"}) {
    const json* methods = Member(value, name);
    if (methods == nullptr) continue;
    if (!methods->is_array()) return Bad(std::string(name) + " is no array");
    for (const json& item : *methods) {
      KEEL_TRY(VerificationMethod method, ReadMethod(item, document.id));
      // Some write the same keys under both names.
      const VerificationMethod* known = document.Find(method.id);
      const bool again = std::string_view(name) == "publicKey" && known != nullptr && known->id == method.id;
      if (again && known->key.valid() && known->key == method.key) continue;
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
      // DID Core section 5.4: otherwise a DID URL would name two.
      if (std::any_of(document.services.begin(), document.services.end(),
                      [&](const Service& known) { return known.id == service.id; }))
        return Bad("service " + service.id.substr(0, 200) + " appears twice");
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
