// SPDX-License-Identifier: Apache-2.0
#include "did/dereference.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_strict.h"
#include "base/net/http.h"
#include "core/time.h"
#include "did/did.h"
#include "did/representation.h"

namespace keel::did {
namespace {

using nlohmann::json;
using Parameters = std::map<std::string, std::string>;

constexpr int kMaxDecodings = 4;  // of a relativeRef that hides its dots
constexpr int kMaxDepth = 32;

std::unexpected<Error> BadUrl(std::string detail) { return Fail(Code::kInvalidDidUrl, "did url", std::move(detail)); }

const std::string* Find(const Parameters& parameters, const char* name) {
  const auto it = parameters.find(name);
  return it == parameters.end() ? nullptr : &it->second;
}

std::string Absolute(const std::string& did, const std::string& id) {
  return id.starts_with('#') || id.starts_with('?') || id.starts_with('/') ? did + id : id;
}

// The resolution options that the parameters ask for, with those given beside.
Result<ResolutionOptions> Options(const Parameters& parameters, const DereferenceOptions& given,
                                  const std::string& method) {
  ResolutionOptions options = given.resolution;
  const std::string* id = Find(parameters, "versionId");
  const std::string* time = Find(parameters, "versionTime");
  const std::string* number = method == "webvh" ? Find(parameters, "versionNumber") : nullptr;
  if (id != nullptr) {
    if (!options.version_id.empty() && options.version_id != *id)
      return Fail(Code::kInvalidArgument, "did url", "the versionId option is not that of the DID URL");
    if (id->empty()) return BadUrl("an empty versionId");
    options.version_id = *id;
  }
  if (number != nullptr) {
    if (!options.version_id.empty())
      return Fail(Code::kInvalidArgument, "did url", "give versionId or versionNumber, not both");
    if (number->empty()) return BadUrl("an empty versionNumber");
    options.version_id = *number + "-";  // WebvhMethod: any hash
  }
  if (time != nullptr) {
    const auto parsed = ParseRfc3339(*time);
    if (!parsed) return BadUrl("versionTime is no RFC 3339 time");
    if (options.version_time && *options.version_time != *parsed)
      return Fail(Code::kInvalidArgument, "did url", "the versionTime option is not that of the DID URL");
    options.version_time = *parsed;
  }
  return options;
}

bool HasType(const json& service, const std::string& wanted) {
  const auto type = service.find("type");
  if (type == service.end()) return false;
  if (type->is_string()) return type->get_ref<const std::string&>() == wanted;
  return type->is_array() && std::any_of(type->begin(), type->end(), [&](const json& item) { return item == wanted; });
}

json SelectServices(const json& document, const std::string& did, const std::string* service, const std::string* type) {
  json selected = json::array();
  const auto services = document.find("service");
  if (services == document.end() || !services->is_array()) return selected;
  for (const json& item : *services) {
    if (!item.is_object()) continue;
    if (service != nullptr) {
      const auto id = item.find("id");
      // "files" is "#files": DID Core's own example writes the parameter so.
      const std::string wanted = service->starts_with("did:") || service->starts_with('#') ? *service : "#" + *service;
      if (id == item.end() || !id->is_string() || Absolute(did, id->get<std::string>()) != Absolute(did, wanted))
        continue;
    }
    if (type != nullptr && !HasType(item, *type)) continue;
    selected.push_back(item);
  }
  return selected;
}

std::vector<std::string> StringEndpoints(const json& services) {
  std::vector<std::string> urls;
  for (const json& service : services) {
    const auto endpoint = service.find("serviceEndpoint");
    if (endpoint == service.end()) continue;
    for (const json& item : endpoint->is_array() ? *endpoint : json::array({*endpoint})) {
      if (item.is_string()) urls.push_back(item.get<std::string>());
    }
  }
  return urls;
}

Result<std::vector<std::string>> EndpointUrls(const json& services, const std::string* relative,
                                              const std::string& fragment) {
  std::vector<std::string> urls;
  for (std::string endpoint : StringEndpoints(services)) {
    if (relative != nullptr) {
      KEEL_TRY(endpoint, BelowEndpoint(endpoint, *relative));
    }
    if (!fragment.empty()) {
      if (endpoint.find('#') != std::string::npos)
        return BadUrl("the service's endpoint has a fragment, and so has the DID URL");
      endpoint += "#" + fragment;
    }
    // The document's author chose it, and it goes into headers and onto terminals.
    if (!std::all_of(endpoint.begin(), endpoint.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
      return Fail(Code::kInvalidDidDocument, "did url", "the service's endpoint has characters that no URL has");
    urls.push_back(std::move(endpoint));
  }
  if (urls.empty()) return Fail(Code::kNotFound, "did url", "the service has no endpoint that is a plain URL");
  return urls;
}

// The object whose id is `wanted`; JSON-LD's meaning of a fragment. A reference (a string) is not the object.
const json* FindById(const json& value, const std::string& did, const std::string& wanted, int depth) {
  if (depth > kMaxDepth) return nullptr;
  if (value.is_object()) {
    if (const auto id = value.find("id");
        id != value.end() && id->is_string() && Absolute(did, id->get<std::string>()) == wanted)
      return &value;
  }
  if (!value.is_object() && !value.is_array()) return nullptr;
  for (const json& member : value) {
    if (const json* found = FindById(member, did, wanted, depth + 1)) return found;
  }
  return nullptr;
}

Result<Relationship> RelationshipOf(const std::string& name) {
  for (const auto use : {Relationship::kAuthentication, Relationship::kAssertionMethod, Relationship::kKeyAgreement,
                         Relationship::kCapabilityInvocation, Relationship::kCapabilityDelegation}) {
    if (RelationshipName(use) == name) return use;
  }
  return Fail(Code::kInvalidArgument, "did url", "'" + name + "' is no verification relationship");
}

// Section 5.4.2: the fragment of a document.
Result<json> Fragment(const ResolutionResult& resolved, const json& document, const std::string& did,
                      const std::string& fragment, const std::string& relationship) {
  const std::string wanted = did + "#" + fragment;
  const json* found = FindById(document, did, wanted, 0);
  if (found == nullptr) return Fail(Code::kNotFound, "did url", "there is no " + wanted + " in the document");
  if (!relationship.empty()) {
    KEEL_TRY(const Relationship use, RelationshipOf(relationship));
    const VerificationMethod* method = resolved.document->Find(wanted);
    if (method == nullptr) return Fail(Code::kBadKey, "did url", wanted + " is no verification method");
    if (!method->Has(use)) return Fail(Code::kUntrusted, "did url", wanted + " is not listed under " + relationship);
  }
  json out = *found;
  if (const auto context = document.find("@context"); context != document.end() && !out.contains("@context"))
    out["@context"] = *context;
  return out;
}

}  // namespace

Result<Parameters> DidParameters(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const auto name = base::UrlDecode(part.substr(0, equals));
    const auto value = base::UrlDecode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    if (!name || !value) return BadUrl("a bad percent-encoding in the query");
    if (name->empty()) return BadUrl("a parameter without a name");
    if (!parameters.emplace(*name, *value).second) return BadUrl("parameter '" + *name + "' appears twice");
  }
  return parameters;
}

Result<std::string> BelowEndpoint(std::string_view endpoint, std::string_view relative) {
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://") && !endpoint.starts_with("did:"))
    return BadUrl("the service's endpoint is neither an http(s) URL nor a DID URL");
  if (endpoint.find_first_of("?#") != std::string_view::npos)
    return BadUrl("the service's endpoint has a query or fragment of its own: nothing can stand below it");
  const size_t end = relative.find_first_of("?#");
  std::string path(relative.substr(0, end));
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : relative.substr(end);
  for (const char c : relative) {
    if (static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7f || c == '\\' || c == '"' || c == '<' ||
        c == '>')
      return BadUrl("relativeRef has a character that no URL has");
  }
  if (path.starts_with("//")) return BadUrl("relativeRef names another host");
  if (path.substr(0, path.find('/')).find(':') != std::string::npos) return BadUrl("relativeRef has a scheme");
  // Servers decode once or more before they look at dots and slashes (section 11.7).
  std::string decoded = path;
  for (int i = 0;; ++i) {
    if (decoded.find('\\') != std::string::npos) return BadUrl("relativeRef has a backslash");
    for (size_t at = 0; at <= decoded.size();) {
      const size_t slash = std::min(decoded.find('/', at), decoded.size());
      const std::string_view segment = std::string_view(decoded).substr(at, slash - at);
      if (segment == "..") return BadUrl("relativeRef climbs out of the service's endpoint");
      if (segment == ".") return BadUrl("relativeRef has a segment '.'");
      at = slash + 1;
    }
    if (decoded.find('%') == std::string::npos) break;
    const auto again = base::UrlDecode(decoded);
    if (!again || i == kMaxDecodings) return BadUrl("relativeRef has a percent-encoding that doesn't end");
    if (*again == decoded) break;
    decoded = *again;
  }
  std::string out(endpoint);
  if (!path.empty()) {
    while (out.ends_with('/')) out.pop_back();
    if (!path.starts_with('/')) out += '/';
    out += path;
  }
  return out + std::string(rest);
}

Result<Dereferenced> Dereference(DidResolver& resolver, std::string_view did_url, const DereferenceOptions& given) {
  KEEL_TRY(const DidUrl url, DidUrl::Parse(did_url));
  KEEL_TRY(const Did did, Did::Parse(url.did));
  KEEL_TRY(const Parameters parameters, DidParameters(url.query));
  if (Find(parameters, "hl") != nullptr)
    return Fail(Code::kUnsupported, "did url", "'hl' is a hash of a resource that is not fetched here");
  KEEL_TRY(const ResolutionOptions options, Options(parameters, given, did.method));
  if (!given.verification_relationship.empty()) KEEL_TRY_VOID(RelationshipOf(given.verification_relationship));
  const std::string* service = Find(parameters, "service");
  const std::string* type = Find(parameters, "serviceType");
  const std::string* relative = Find(parameters, "relativeRef");
  if (relative != nullptr && service == nullptr && type == nullptr)
    return BadUrl("relativeRef without service or serviceType");
  if (!url.path.empty())
    return Fail(Code::kNotFound, "did url", "did:" + did.method + " says nothing about paths here: " + url.path);
  for (const auto& [name, value] : parameters) {
    static constexpr std::array kKnown = {"versionId", "versionTime", "service", "serviceType", "relativeRef"};
    const bool known = std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end();
    if (!known && !(name == "versionNumber" && did.method == "webvh"))
      return Fail(Code::kNotFound, "did url", "parameter '" + name + "' leads nowhere");
  }

  KEEL_TRY(const ResolutionResult resolved, resolver.Resolve(url.did, options));
  Dereferenced out;
  out.metadata = resolved.metadata;
  out.deactivated = resolved.deactivated;
  out.content_type = kMediaDid;
  json document = DocumentJson(resolved, given.accept == kMediaDidJson ? kMediaDidJson : kMediaDid);
  if (document.is_null()) return out;
  if (given.expand_relative_urls) ExpandRelativeUrls(document);

  if (service != nullptr || type != nullptr) {
    if (!given.verification_relationship.empty())
      return Fail(Code::kBadKey, "did url", "a service is no verification method");
    json selected = SelectServices(document, url.did, service, type);
    if (selected.empty()) return Fail(Code::kNotFound, "did url", "the document has no such service");
    const bool url_wanted = relative != nullptr || !url.fragment.empty();
    if (given.accept == kMediaUriList || (given.accept.empty() && url_wanted)) {
      KEEL_TRY(out.urls, EndpointUrls(selected, relative, url.fragment));
      for (const std::string& found : out.urls) out.content += found + "\r\n";
      out.content_type = kMediaUriList;
      out.metadata = {};
      return out;
    }
    document["service"] = std::move(selected);
  }
  if (!given.accept.empty() && !IsDocumentMedia(given.accept))
    return Fail(Code::kRepresentationNotSupported, "did url", "a DID document is not " + given.accept);
  if (url.fragment.empty()) {
    if (!given.verification_relationship.empty())
      return Fail(Code::kBadKey, "did url", "a DID document is no verification method: the DID URL has no fragment");
    out.content = base::DumpJson(document);
    return out;
  }
  KEEL_TRY(const json fragment, Fragment(resolved, document, url.did, url.fragment, given.verification_relationship));
  out.content = base::DumpJson(fragment);
  out.metadata = {};
  return out;
}

json DereferencingJson(const Result<Dereferenced>& result, bool old_form) {
  json content = nullptr, metadata = json::object(), about = json::object();
  if (!result) {
    if (old_form) {
      metadata["error"] = KindOf(result.error().code).old_name;
      metadata["errorMessage"] = result.error().Text();
      content = json::object();
    } else {
      metadata["error"] = ProblemDetails(result.error());
    }
  } else {
    metadata["contentType"] =
        old_form && result->content_type == kMediaDid ? std::string(kMediaDidLdJson) : result->content_type;
    about = MetadataJson(result->metadata, result->deactivated);
    if (result->content_type == kMediaUriList) {
      content = result->urls;
    } else if (!result->content.empty()) {
      if (auto parsed = base::ParseJson(result->content)) content = std::move(*parsed);
    }
  }
  if (old_form)
    return {{"@context", "https://w3id.org/did-resolution/v1"},
            {"didDocument", std::move(content)},
            {"didDereferencingMetadata", std::move(metadata)},
            {"didDocumentMetadata", std::move(about)}};
  return {{"content", content},
          {"contentStream", content},
          {"dereferencingMetadata", std::move(metadata)},
          {"contentMetadata", std::move(about)}};
}

}  // namespace keel::did
