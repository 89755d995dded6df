// SPDX-License-Identifier: Apache-2.0
#include "did/methods/web.h"

#include <algorithm>
#include <charconv>

#include "base/net/http.h"
#include "did/did.h"
#include "did/internal/web_client.h"

namespace keel::did {
namespace {

constexpr size_t kMaxHost = 253;
constexpr size_t kMaxLabel = 63;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidDid, "did:web", std::move(detail)); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 1123 host name. One whose last label begins with a digit could be read as an IPv4 address in one of its many
// spellings ("127.1", "0x7f000001"); the method's text allows no addresses, and no top-level domain looks so.
bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  std::string_view rest = host, label;
  for (bool more = true; more;) {
    const size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    more = dot != std::string_view::npos;
    if (more) rest = rest.substr(dot + 1);
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return IsAlphanumeric(c) || c == '-'; })) return false;
  }
  return !IsDigit(label.front());
}

bool IsPort(std::string_view text) {
  uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && text.size() <= 5 && text.front() != '0' &&
         port <= 65535;
}

// Some servers take a dot or slash for itself and its escape alike; then two DIDs would name one document, or a segment
// climb out of its folder.
bool IsSegment(std::string_view segment) {
  const auto decoded = base::UrlDecode(segment);
  if (!decoded || decoded->empty() || *decoded == "." || *decoded == "..") return false;
  return std::none_of(decoded->begin(), decoded->end(),
                      [](char c) { return c == '/' || c == '\\' || static_cast<uint8_t>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Result<std::string> WebUrl(std::string_view did) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "web") return Fail(Code::kMethodNotSupported, "did:web", "did:" + parsed.method);
  const std::string_view id = parsed.id;
  const size_t colon = id.find(':');
  std::string_view host = id.substr(0, colon);
  std::string_view port;
  if (const size_t percent = host.find('%'); percent != std::string_view::npos) {
    const std::string_view escape = host.substr(percent, 3);
    if (escape != "%3A" && escape != "%3a") return Bad("only a port's colon may be percent-encoded in the host");
    port = host.substr(percent + 3);
    host = host.substr(0, percent);
    if (port.empty() || !IsPort(port)) return Bad("the port is not a number from 1 to 65535");
  }
  if (!IsHostName(host)) return Bad("'" + std::string(host.substr(0, 100)) + "' is not a host name");
  std::string url = "https://" + std::string(host);
  if (!port.empty()) url += ":" + std::string(port);
  if (colon == std::string_view::npos) return url + "/.well-known/did.json";
  for (std::string_view rest = id.substr(colon + 1);;) {
    const size_t end = rest.find(':');
    const std::string_view segment = rest.substr(0, end);
    if (!IsSegment(segment)) return Bad("'" + std::string(segment.substr(0, 100)) + "' is not a path segment");
    url += "/" + std::string(segment);
    if (end == std::string_view::npos) return url + "/did.json";
    rest = rest.substr(end + 1);
  }
}

Result<DidDocument> ReadWebDocument(std::string_view did, std::string_view body) {
  auto document = DidDocument::Parse(body);
  if (!document) return Fail(Code::kInvalidDidDocument, "did:web", document.error().Text());
  if (document->id != did)
    return Fail(Code::kInvalidDidDocument, "did:web",
                "the document is that of " + document->id.substr(0, 200) + ", not of " + std::string(did));
  return document;
}

WebMethod::WebMethod() : WebMethod(Options{}) {}
WebMethod::WebMethod(Options options)
    : deadline_(options.deadline), client_(std::make_unique<internal::WebClient>(options)) {}
WebMethod::~WebMethod() = default;

Result<ResolutionResult> WebMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY_VOID(RefuseVersions(options, "did:web"));
  KEEL_TRY(const std::string url, WebUrl(did));
  KEEL_TRY(std::string body,
           client_->Get(url, "application/did, application/did+json, application/did+ld+json, application/json",
                        kMaxDocument, deadline_, "did:web"));
  KEEL_TRY(DidDocument document, ReadWebDocument(did, body));
  ResolutionResult result;
  result.source = std::move(body);
  result.document = std::make_shared<const DidDocument>(std::move(document));
  return result;
}

}  // namespace keel::did
