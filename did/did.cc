// SPDX-License-Identifier: Apache-2.0
#include "did/did.h"

namespace keel::did {
namespace {

bool IsMethodChar(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }
bool IsIdChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}
// pchar, '/', '?' of RFC 3986: what may stand in a path, query or fragment.
bool IsUrlChar(char c) { return IsIdChar(c) || std::string_view("~!$&'()*+,;=:@/?").find(c) != std::string_view::npos; }

bool UrlTextOk(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !IsHex(text[i + 1]) || !IsHex(text[i + 2])) return false;
      i += 2;
    } else if (!IsUrlChar(text[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<Did> Did::Parse(std::string_view text) {
  if (text.size() > kMaxDid)
    return Fail(Code::kInvalidDid, "did", "longer than " + std::to_string(kMaxDid) + " characters");
  if (!text.starts_with("did:")) return Fail(Code::kInvalidDid, "did", "does not begin with 'did:'");
  const size_t colon = text.find(':', 4);
  if (colon == std::string_view::npos || colon == 4) return Fail(Code::kInvalidDid, "did", "no method name");
  const std::string_view method = text.substr(4, colon - 4);
  for (const char c : method) {
    if (!IsMethodChar(c)) return Fail(Code::kInvalidDid, "did", "method name has a character other than a-z, 0-9");
  }
  const std::string_view id = text.substr(colon + 1);
  if (id.empty() || id.back() == ':') return Fail(Code::kInvalidDid, "did", "empty method-specific identifier");
  for (size_t i = 0; i < id.size(); ++i) {
    if (id[i] == '%') {
      if (i + 2 >= id.size() || !IsHex(id[i + 1]) || !IsHex(id[i + 2]))
        return Fail(Code::kInvalidDid, "did", "bad percent-encoding");
      i += 2;
    } else if (!IsIdChar(id[i]) && id[i] != ':') {
      return Fail(Code::kInvalidDid, "did",
                  "character at " + std::to_string(colon + 1 + i) + " is not allowed in a DID");
    }
  }
  return Did{std::string(text), std::string(method), std::string(id)};
}

Result<DidUrl> DidUrl::Parse(std::string_view text) {
  if (text.size() > kMaxDidUrl) return Fail(Code::kInvalidDidUrl, "did url", "too long");
  const size_t end = text.find_first_of("/?#");
  const std::string_view did = text.substr(0, end);
  if (auto parsed = Did::Parse(did); !parsed) return Fail(Code::kInvalidDidUrl, "did url", parsed.error().detail);
  DidUrl url;
  url.did = did;
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  if (const size_t hash = rest.find('#'); hash != std::string_view::npos) {
    url.fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
  }
  if (const size_t mark = rest.find('?'); mark != std::string_view::npos) {
    url.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  url.path = rest;
  if (!UrlTextOk(url.path) || !UrlTextOk(url.query) || !UrlTextOk(url.fragment)) {
    return Fail(Code::kInvalidDidUrl, "did url", "a character that must be percent-encoded");
  }
  return url;
}

bool IsDid(std::string_view text) { return Did::Parse(text).has_value(); }

std::string_view DidOf(std::string_view url) {
  // Controlled identifiers that are no DIDs (https://...) keep their path: only the fragment goes.
  return url.substr(0, url.find_first_of(url.starts_with("did:") ? "/?#" : "#"));
}

std::string_view FragmentOf(std::string_view url) {
  const size_t hash = url.find('#');
  return hash == std::string_view::npos ? std::string_view() : url.substr(hash + 1);
}

}  // namespace keel::did
