// SPDX-License-Identifier: Apache-2.0
#include "did/resolver.h"

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/representation.h"

namespace keel::did {

using nlohmann::json;

std::string_view ResolutionErrorName(Code code) { return KindOf(code).old_name; }

Result<> RefuseVersions(const ResolutionOptions& options, const char* method) {
  if (!options.AsksVersion()) return {};
  return Fail(Code::kUnsupported, method,
              "documents of this method have no versions: versionId and versionTime mean nothing");
}

json ResolutionJson(const Result<ResolutionResult>& result) { return ResultJson(result, ResultForm::kCurrent); }

Result<crypto::PublicKey> ResolveKey(DidResolver& resolver, const std::string& key_id, Relationship use) {
  const std::string did(DidOf(key_id));
  KEEL_TRY(const ResolutionResult result, resolver.Resolve(did));
  if (result.deactivated) return Fail(Code::kDeactivated, "resolve key", did + " is deactivated");
  const VerificationMethod* method = result.document->Find(key_id);
  if (method == nullptr) return Fail(Code::kNotFound, "resolve key", key_id + " is not in the DID document");
  if (method->key.valid() && !CanServe(method->key.type(), use)) {
    return Fail(Code::kUntrusted, "resolve key",
                key_id + " is a key of a type that can't serve for " + std::string(RelationshipName(use)));
  }
  if (result.document->FindFor(use, key_id) == nullptr) {
    return Fail(Code::kUntrusted, "resolve key", key_id + " is not listed under " + std::string(RelationshipName(use)));
  }
  if (!method->key.valid())
    return Fail(Code::kUnsupported, "resolve key",
                key_id + " has a key of type " + method->type + " that is not supported");
  return method->key;
}

MethodResolver& MethodResolver::Add(std::string method, DidResolver& resolver) {
  methods_[std::move(method)] = &resolver;
  return *this;
}

MethodResolver& MethodResolver::Add(std::string method, std::unique_ptr<DidResolver> resolver) {
  methods_[std::move(method)] = resolver.get();
  owned_.push_back(std::move(resolver));
  return *this;
}

Result<ResolutionResult> MethodResolver::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  const auto it = methods_.find(parsed.method);
  if (it == methods_.end()) {
    std::string known;
    for (const auto& [method, resolver] : methods_) known += (known.empty() ? "did:" : ", did:") + method;
    return Fail(Code::kMethodNotSupported, "resolve",
                "did:" + parsed.method + " is not one of the methods known here: " + known);
  }
  return it->second->Resolve(did, options);
}

void StaticResolver::Add(DidDocument document, std::string source) {
  std::string id = document.id;
  documents_[std::move(id)] = {std::make_shared<const DidDocument>(std::move(document)), std::move(source)};
}

Result<size_t> StaticResolver::AddJson(std::string_view text) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = 16 << 20, .max_members = 200'000}));
  const json list = value.is_array() ? value : json::array({value});
  size_t added = 0;
  for (const json& item : list) {
    KEEL_TRY(DidDocument document, DidDocument::FromJson(item));
    if (documents_.contains(document.id))
      return Fail(Code::kDuplicate, "did documents", document.id + " appears twice");
    Add(std::move(document), base::DumpJson(item));
    ++added;
  }
  return added;
}

Result<size_t> StaticResolver::AddFile(const std::string& path) {
  KEEL_TRY(const std::string text, base::ReadFile(path, 16 << 20));
  return AddJson(text);
}

Result<ResolutionResult> StaticResolver::Resolve(const std::string& did, const ResolutionOptions& options) {
  const auto it = documents_.find(did);
  if (it == documents_.end()) {
    if (fallback_ != nullptr) return fallback_->Resolve(did, options);
    return Fail(Code::kNotFound, "resolve", did + " is not among the given documents");
  }
  KEEL_TRY_VOID(RefuseVersions(options, "given documents"));
  ResolutionResult result;
  result.document = it->second.document;
  result.source = it->second.source;
  return result;
}

}  // namespace keel::did
