// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "did/resolver.h"

// How results of DID Resolution are written: media types, error names, result objects (DID Resolution sections 8 to
// 10; DID Core 1.0 section 7 for the older forms). Pure functions, thread-safe.
namespace keel::did {

inline constexpr std::string_view kDidContext = "https://www.w3.org/ns/did/v1";
inline constexpr std::string_view kMediaDid = "application/did";
inline constexpr std::string_view kMediaDidLdJson = "application/did+ld+json";  // DID Core 1.0
inline constexpr std::string_view kMediaDidJson = "application/did+json";       // DID Core 1.0
inline constexpr std::string_view kMediaJson = "application/json";
inline constexpr std::string_view kMediaLdJson = "application/ld+json";
inline constexpr std::string_view kMediaUriList = "text/uri-list";
inline constexpr std::string_view kMediaResolution = "application/did-resolution";
inline constexpr std::string_view kMediaDereferencing = "application/did-url-dereferencing";
inline constexpr std::string_view kMediaOldResolution =
    "application/ld+json;profile=\"https://w3id.org/did-resolution\"";
inline constexpr std::string_view kMediaProblem = "application/problem+json";  // RFC 9457

// The media types of one DID document that are written here; all are JSON.
bool IsDocumentMedia(std::string_view media_type);

// One kind of error: DID Resolution section 9 ("INVALID_DID"), the name it had in DID Core 1.0 ("invalidDid"), and its
// status in the HTTP binding (section 10.1).
struct ErrorKind {
  const char* type;
  const char* title;
  const char* old_name;
  int http_status;
};
ErrorKind KindOf(Code code);
// {"type": URL, "title", "detail"} (RFC 9457). kDeactivated has no type of its own: about:blank, Gone.
nlohmann::json ProblemDetails(const Error& error);

// The current result object, or the older one with error names as strings and a JSON-LD context.
enum class ResultForm : uint8_t { kCurrent, kOld };
nlohmann::json ResultJson(const Result<ResolutionResult>& result, ResultForm form);

// didDocumentMetadata (contentMetadata when a DID URL gives a document).
nlohmann::json MetadataJson(const DocumentMetadata& metadata, bool deactivated);

// The document as its source published it, or as it follows from what we hold: with "@context" unless `media_type` is
// application/did+json, which has none. Null when there is none to show (the newest document of a deactivated DID).
nlohmann::json DocumentJson(const ResolutionResult& result, std::string_view media_type = kMediaDid);

// DID Resolution's expandRelativeUrls: relative DID URLs ("#key-1") of verification methods, relationships, services
// and other objects' ids become absolute. Base: the document's id.
void ExpandRelativeUrls(nlohmann::json& document);

}  // namespace keel::did
