// SPDX-License-Identifier: Apache-2.0
#include "did/representation.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr std::string_view kTypeBase = "https://www.w3.org/ns/did#";
// Two errors of DID URL dereferencing come from Controlled Identifiers.
constexpr std::string_view kCidBase = "https://w3id.org/security#";
constexpr const char* kResolutionContext = "https://w3id.org/did-resolution/v1";

// What a document's objects call themselves by; `controller` and others hold DIDs, which are never relative.
constexpr std::array kReferenceLists = {"authentication", "assertionMethod", "keyAgreement", "capabilityInvocation",
                                        "capabilityDelegation"};

bool IsRelative(const json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  return text.starts_with('#') || text.starts_with('?') || text.starts_with('/');
}

void ExpandIds(json& value, const std::string& did, int depth) {
  if (depth > 32) return;  // no deeper than strict JSON goes
  if (value.is_array()) {
    for (json& item : value) ExpandIds(item, did, depth + 1);
  } else if (value.is_object()) {
    if (const auto id = value.find("id"); id != value.end() && IsRelative(*id)) *id = did + id->get<std::string>();
    for (auto& [name, member] : value.items()) ExpandIds(member, did, depth + 1);
  }
}

bool HasText(const json& context, std::string_view text) {
  return std::any_of(context.begin(), context.end(), [text](const json& item) {
    return item.is_string() && item.get_ref<const std::string&>() == text;
  });
}

}  // namespace

bool IsDocumentMedia(std::string_view media_type) {
  return media_type == kMediaDid || media_type == kMediaDidLdJson || media_type == kMediaDidJson ||
         media_type == kMediaJson || media_type == kMediaLdJson;
}

ErrorKind KindOf(Code code) {
  switch (code) {
    case Code::kInvalidDid: return {"INVALID_DID", "Invalid DID", "invalidDid", 400};
    case Code::kInvalidDidUrl: return {"INVALID_DID_URL", "Invalid DID URL", "invalidDidUrl", 400};
    case Code::kInvalidArgument: return {"INVALID_OPTIONS", "Invalid options", "invalidOptions", 400};
    case Code::kNotFound: return {"NOT_FOUND", "Not found", "notFound", 404};
    case Code::kRepresentationNotSupported:
      return {"REPRESENTATION_NOT_SUPPORTED", "Representation not supported", "representationNotSupported", 406};
    case Code::kMethodNotSupported:
      return {"METHOD_NOT_SUPPORTED", "DID method not supported", "methodNotSupported", 501};
    case Code::kUnsupported: return {"FEATURE_NOT_SUPPORTED", "Feature not supported", "featureNotSupported", 501};
    case Code::kInvalidDidDocument: return {"INVALID_DID_DOCUMENT", "Invalid DID document", "invalidDidDocument", 500};
    case Code::kUntrusted:
      return {"INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD", "The verification method may not be used for this",
              "invalidRelationshipForVerificationMethod", 500};
    case Code::kBadKey:
      return {"INVALID_VERIFICATION_METHOD", "Not a verification method", "invalidVerificationMethod", 500};
    case Code::kDeactivated: return {"DEACTIVATED", "Gone", "deactivated", 410};
    default: return {"INTERNAL_ERROR", "Internal error", "internalError", 500};
  }
}

json ProblemDetails(const Error& error) {
  const ErrorKind kind = KindOf(error.code);
  if (error.code == Code::kDeactivated)
    return {{"type", "about:blank"}, {"title", kind.title}, {"status", kind.http_status}, {"detail", error.Text()}};
  const bool cid = error.code == Code::kUntrusted || error.code == Code::kBadKey;
  return {{"type", std::string(cid ? kCidBase : kTypeBase) + kind.type},
          {"title", kind.title},
          {"status", kind.http_status},
          {"detail", error.Text()}};
}

json MetadataJson(const DocumentMetadata& metadata, bool deactivated) {
  json out = json::object();
  const auto parsed = [](const std::string& text) {
    return text.empty() ? json() : base::ParseJson(text).value_or(json());
  };
  // The method's own members come first, so that they can't replace those that DID Resolution defines.
  if (json own = parsed(metadata.method); own.is_object()) out = std::move(own);
  const auto time = [&out](const char* name, const std::optional<UnixSeconds>& value) {
    if (value) out[name] = base::Rfc3339(*value);
  };
  const auto text = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  time("created", metadata.created);
  time("updated", metadata.updated);
  time("nextUpdate", metadata.next_update);
  text("versionId", metadata.version_id);
  text("nextVersionId", metadata.next_version_id);
  text("canonicalId", metadata.canonical_id);
  if (!metadata.equivalent_ids.empty()) out["equivalentId"] = metadata.equivalent_ids;
  if (json proof = parsed(metadata.proof); proof.is_array()) out["proof"] = std::move(proof);
  if (deactivated) out["deactivated"] = true;
  return out;
}

json DocumentJson(const ResolutionResult& result, std::string_view media_type) {
  if (result.deactivated && result.metadata.next_version_id.empty()) return nullptr;
  json document;
  if (!result.source.empty()) {
    if (auto parsed = base::ParseJson(result.source); parsed && parsed->is_object()) document = std::move(*parsed);
  }
  if (document.is_null()) document = result.document->ToJson();
  if (media_type == kMediaDidJson) {
    document.erase("@context");
    return document;
  }
  // DID Core 1.0 section 6.3.1, 1.1 section 6.1: the DID context comes first. Publishers of plain JSON leave it out.
  json& context = document["@context"];
  if (context.is_null()) {
    context = kDidContext;
  } else {
    json list = context.is_array() ? context : json::array({context});
    if (!HasText(list, kDidContext) && !HasText(list, "https://www.w3.org/ns/did/v1.1")) {
      list.insert(list.begin(), kDidContext);
      context = std::move(list);
    }
  }
  return document;
}

void ExpandRelativeUrls(json& document) {
  if (!document.is_object()) return;
  const auto id = document.find("id");
  if (id == document.end() || !id->is_string()) return;
  const std::string did = id->get<std::string>();
  for (const char* name : kReferenceLists) {
    const auto list = document.find(name);
    if (list == document.end() || !list->is_array()) continue;
    for (json& item : *list) {
      if (IsRelative(item)) item = did + item.get<std::string>();
    }
  }
  ExpandIds(document, did, 0);
}

json ResultJson(const Result<ResolutionResult>& result, ResultForm form) {
  const bool old = form == ResultForm::kOld;
  json metadata = json::object();
  json document = nullptr;
  json about = json::object();
  if (!result) {
    if (old) {
      metadata["error"] = KindOf(result.error().code).old_name;
      metadata["errorMessage"] = result.error().Text();
      // DID Core 1.0 wants an empty value; the did:key suite reads it as an object.
      document = json::object();
    } else {
      metadata["error"] = ProblemDetails(result.error());
    }
  } else {
    metadata["contentType"] = old ? std::string(kMediaDidLdJson) : result->content_type;
    if (result->proved_at) metadata["provedAt"] = base::Rfc3339(*result->proved_at);
    document = DocumentJson(*result);
    about = MetadataJson(result->metadata, result->deactivated);
  }
  json out = {{"didDocument", std::move(document)},
              {"didResolutionMetadata", std::move(metadata)},
              {"didDocumentMetadata", std::move(about)}};
  if (old) out["@context"] = kResolutionContext;
  return out;
}

}  // namespace keel::did
