// SPDX-License-Identifier: Apache-2.0
#include "registry-node/registrar_request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "did/document.h"
#include "ledger/limits.h"

namespace keel::registry {
namespace {

using nlohmann::json;

// Stands for the DID that a create doesn't have yet.
constexpr const char* kNobody = "did:keel:to-be:made";
constexpr std::array kRelationships = {"authentication", "assertionMethod", "keyAgreement", "capabilityInvocation",
                                       "capabilityDelegation"};
constexpr int kMaxDepth = 32;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidArgument, "registrar", std::move(detail)); }

// A private key must not go on into jobs or logs, nor be answered as if nothing had happened.
bool HoldsPrivateKey(const json& value, int depth) {
  if (depth > kMaxDepth) return false;
  if (value.is_object()) {
    if (value.contains("kty") && value.contains("d")) return true;
    for (const auto& [name, member] : value.items()) {
      if (name.starts_with("privateKey") || name.starts_with("secretKey") || name == "seed") return true;
      if (HoldsPrivateKey(member, depth + 1)) return true;
    }
  } else if (value.is_array()) {
    return std::any_of(value.begin(), value.end(), [&](const json& item) { return HoldsPrivateKey(item, depth + 1); });
  }
  return false;
}

bool IsPresent(const json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && !it->is_null();
}

Result<json> ObjectOr(const json& body, const char* name) {
  if (!IsPresent(body, name)) return json::object();
  if (!body[name].is_object()) return Bad(std::string(name) + " is no object");
  return body[name];
}

json Methods(const json& secret) {
  const auto it = secret.find("verificationMethod");
  return it != secret.end() && it->is_array() ? *it : json::array();
}

std::string Absolute(const std::string& did, const std::string& id) { return id.starts_with('#') ? did + id : id; }

std::string IdOf(const json& item, const std::string& did) {
  if (item.is_string()) return Absolute(did, item.get<std::string>());
  return item.is_object() ? Absolute(did, base::GetString(item, "id").value_or("")) : std::string();
}

Result<> AddTo(json& document, const json& added, const std::string& did) {
  for (const auto& [name, value] : added.items()) {
    if (name == "id" || name == "@context") continue;
    if (!value.is_array()) return Bad("addToDidDocument: " + name + " is no array");
    json& list = document[name];
    if (list.is_null()) list = json::array();
    for (const json& item : value) {
      const std::string id = IdOf(item, did);
      const bool known = std::any_of(list.begin(), list.end(), [&](const json& old) { return IdOf(old, did) == id; });
      if (known) return Bad("addToDidDocument: " + name + " has " + id + " already");
      list.push_back(item);
    }
  }
  return {};
}

Result<> RemoveFrom(json& document, const json& removed, const std::string& did) {
  for (const auto& [name, value] : removed.items()) {
    if (name == "id" || name == "@context") continue;
    if (!value.is_array()) return Bad("removeFromDidDocument: " + name + " is no array");
    for (const json& item : value) {
      const std::string id = IdOf(item, did);
      const auto matches = [&](const json& old) { return IdOf(old, did) == id; };
      json& list = document[name];
      json kept = json::array();
      for (const json& old : list.is_array() ? list : json::array()) {
        if (!matches(old)) kept.push_back(old);
      }
      if (!list.is_array() || kept.size() == list.size())
        return Bad("removeFromDidDocument: " + name + " has no " + id);
      list = std::move(kept);
      if (name != "verificationMethod") continue;
      for (const char* relationship : kRelationships) {
        json rest = json::array();
        for (const json& old : document.value(relationship, json::array())) {
          if (!matches(old)) rest.push_back(old);
        }
        document[relationship] = std::move(rest);
      }
    }
  }
  return {};
}

}  // namespace

Result<RegistrarRequest> ParseRegistrarRequest(RegistrarVerb verb, std::string_view text, const std::string& method,
                                               const std::string& label) {
  auto body = base::ParseJson(text, {.max_size = kMaxRegistrarRequest, .max_members = 1000});
  if (!body || !body->is_object()) return Bad("the body is no JSON object" + (body ? "" : ": " + body.error().Text()));
  if (HoldsPrivateKey(*body, 0)) {
    return Fail(Code::kRefused, "registrar",
                "the request has a private key in it. This node takes none and keeps nothing of it, but the key has "
                "travelled: throw it away, and send public keys (publicKeyMultibase, publicKeyJwk)");
  }
  if (auto ok = base::OnlyMembers(
          *body, {"jobId", "method", "did", "options", "secret", "didDocumentOperation", "didDocument"});
      !ok)
    return Bad(ok.error().detail);
  RegistrarRequest request;
  if (IsPresent(*body, "jobId")) {
    const auto id = base::GetString(*body, "jobId");
    if (!id) return Bad("jobId is no string");
    request.job_id = *id;
  }
  if (IsPresent(*body, "did")) {
    const auto did = base::GetString(*body, "did");
    if (!did) return Bad("did is no string");
    request.did = *did;
  }
  KEEL_TRY(const json options, ObjectOr(*body, "options"));
  KEEL_TRY(const json secret, ObjectOr(*body, "secret"));
  request.secret = base::DumpJson(secret);
  if (IsPresent(options, "clientSecretMode") && options["clientSecretMode"] != true)
    return Bad("options.clientSecretMode: keys stay with the client here (true)");
  for (const char* name : {"storeSecrets", "returnSecrets"}) {
    if (IsPresent(options, name) && options[name] != false)
      return Bad(std::string("options.") + name + ": this node makes, keeps and sees no private keys");
  }
  if (IsPresent(options, "network") && options["network"] != label)
    return Bad("options.network: this node's is '" + label + "'");
  std::string named = method;
  if (IsPresent(*body, "method")) named = base::GetString(*body, "method").value_or("?");
  if (!named.empty() && named != "keel")
    return Bad("method '" + named.substr(0, 32) + "': only keel is registered here");
  if (!request.job_id.empty()) return request;  // a job goes on: the rest is known

  if (verb == RegistrarVerb::kCreate) {
    if (!request.did.empty()) return Bad("did: a did:keel follows from its first operation and can't be chosen");
    if (named.empty()) return Bad("method is missing: \"keel\"");
  } else if (request.did.empty()) {
    return Bad("did is missing");
  }
  request.operations = {"setDidDocument"};
  if (IsPresent(*body, "didDocumentOperation")) {
    const auto list = base::GetStrings(*body, "didDocumentOperation");
    if (verb != RegistrarVerb::kUpdate || !list)
      return Bad("didDocumentOperation: an array of strings, for update alone");
    request.operations = *list;
  }
  if (IsPresent(*body, "didDocument")) {
    const json& document = (*body)["didDocument"];
    if (verb == RegistrarVerb::kDeactivate) return Bad("didDocument: a deactivation has none");
    if (!document.is_object() && !document.is_array()) return Bad("didDocument is no object");
    for (const json& item : document.is_array() ? document : json::array({document})) {
      if (!item.is_object()) return Bad("didDocument has something that is no object");
      request.documents.push_back(base::DumpJson(item));
    }
  }
  if (request.documents.empty()) {
    request.operations.clear();
  } else if (request.documents.size() != request.operations.size() ||
             (verb == RegistrarVerb::kCreate && request.documents.size() != 1)) {
    return Bad("didDocument: one for each operation");
  }
  return request;
}

Result<KeelContent> ContentOf(const json& given, const json& secret, const std::string& did) {
  const std::string self = did.empty() ? kNobody : did;
  json document = given;
  if (IsPresent(document, "id") && document["id"] != self)
    return Bad("didDocument.id is not the DID" +
               std::string(did.empty() ? ": leave it out, and write ids like \"#key-1\"" : ""));
  document["id"] = self;
  for (const auto& [name, value] : document.items()) {
    const bool kept = name == "id" || name == "@context" || name == "verificationMethod" || name == "service" ||
                      std::find(kRelationships.begin(), kRelationships.end(), name) != kRelationships.end();
    const bool own_controller = name == "controller" && value == self;
    if (!kept && !own_controller)
      return Bad("didDocument." + name.substr(0, 64) + ": did:keel keeps verification methods and services alone");
  }
  for (const json& method : Methods(secret)) {
    if (!method.is_object() || !IsPresent(method, "id")) continue;
    json copy = method;
    const auto purposes = base::GetStrings(method, "purpose");
    if (!purposes || purposes->empty())
      return Bad("secret.verificationMethod: one with an id has its relationships in purpose");
    copy.erase("purpose");
    copy["controller"] = self;
    document["verificationMethod"].push_back(copy);
    for (const std::string& purpose : *purposes) {
      if (std::find(kRelationships.begin(), kRelationships.end(), purpose) == kRelationships.end())
        return Bad("secret.verificationMethod: purpose '" + purpose.substr(0, 64) +
                   "' is no verification relationship");
      document[purpose].push_back(copy["id"]);
    }
  }
  const auto read = did::DidDocument::FromJson(document);
  if (!read) return Bad("didDocument: " + read.error().detail);
  KeelContent content;
  for (const did::VerificationMethod& method : read->methods) {
    if (did::DidOf(method.id) != self || method.controller != self)
      return Bad("verification method " + method.id.substr(0, 200) + " is another DID's");
    if (!method.key.valid()) return Bad("verification method " + method.id + " has a key of a kind that isn't known");
    if (method.uses == 0) return Bad("verification method " + method.id + " has no relationship");
    content.keys.push_back({std::string(did::FragmentOf(method.id)), method.uses, method.key});
  }
  // The first key signs a create.
  const auto signs = [](const ContentKey& key) {
    return key.key.type() == crypto::KeyType::kEd25519 || key.key.type() == crypto::KeyType::kP256;
  };
  std::stable_partition(content.keys.begin(), content.keys.end(), signs);
  for (const did::Service& service : read->services) {
    // Relative ids are shorter, and the operation's room is small.
    auto item = base::ParseJson(service.json);
    if (!item) return Bad("a service that can't be read");
    if (service.id.starts_with(self + "#")) (*item)["id"] = service.id.substr(self.size());
    content.services.push_back(base::DumpJson(*item));
  }
  return content;
}

Result<std::vector<crypto::PublicKey>> SecretKeys(const json& secret, std::string_view purpose) {
  std::vector<crypto::PublicKey> keys;
  for (const json& method : Methods(secret)) {
    if (!method.is_object()) return Bad("secret.verificationMethod has something that is no object");
    if (IsPresent(method, "id")) continue;
    const auto purposes = base::GetStrings(method, "purpose");
    if (!purposes || purposes->size() != 1 || (purposes->front() != "update" && purposes->front() != "nextUpdate"))
      return Bad("secret.verificationMethod: one without an id has the purpose [\"update\"] or [\"nextUpdate\"]");
    if (purposes->front() != purpose) continue;
    json copy = method;
    copy["id"] = "#key";
    copy["controller"] = kNobody;
    const auto read =
        did::DidDocument::FromJson({{"id", kNobody}, {"verificationMethod", json::array({std::move(copy)})}});
    if (!read || !read->methods.front().key.valid())
      return Bad("secret.verificationMethod: " + (read ? "a kind of key that isn't known" : read.error().detail));
    keys.push_back(read->methods.front().key);
  }
  if (keys.size() > ledger::kMaxNext) return Bad("secret.verificationMethod: at most 5 keys of one purpose");
  return keys;
}

Result<json> ApplyOperations(json document, const RegistrarRequest& request) {
  for (size_t i = 0; i < request.operations.size(); ++i) {
    KEEL_TRY(const json given, base::ParseJson(request.documents[i]));
    const std::string& operation = request.operations[i];
    if (operation == "setDidDocument") {
      document = given;
    } else if (operation == "addToDidDocument") {
      KEEL_TRY_VOID(AddTo(document, given, request.did));
    } else if (operation == "removeFromDidDocument") {
      KEEL_TRY_VOID(RemoveFrom(document, given, request.did));
    } else {
      return Bad("didDocumentOperation '" + operation.substr(0, 64) +
                 "': setDidDocument, addToDidDocument and removeFromDidDocument are known");
    }
  }
  return document;
}

}  // namespace keel::registry
