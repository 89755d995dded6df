// SPDX-License-Identifier: Apache-2.0
#include "vc/json_ld/internal/iri.h"

#include <algorithm>

namespace keel::json_ld::internal {
namespace {

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Length of the scheme, 0 when there is none.
size_t SchemeLength(std::string_view text) {
  if (text.empty() || !IsAlpha(text[0])) return 0;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return i;
    if (!IsAlpha(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return 0;
  }
  return 0;
}

struct Parts {
  std::string_view scheme, authority, path, query, fragment;
  bool has_authority = false, has_query = false, has_fragment = false;
};

// RFC 3986 appendix B.
Parts Split(std::string_view text) {
  Parts parts;
  if (const size_t length = SchemeLength(text); length != 0) {
    parts.scheme = text.substr(0, length);
    text.remove_prefix(length + 1);
  }
  if (const size_t hash = text.find('#'); hash != std::string_view::npos) {
    parts.has_fragment = true;
    parts.fragment = text.substr(hash + 1);
    text = text.substr(0, hash);
  }
  if (const size_t mark = text.find('?'); mark != std::string_view::npos) {
    parts.has_query = true;
    parts.query = text.substr(mark + 1);
    text = text.substr(0, mark);
  }
  if (text.starts_with("//")) {
    parts.has_authority = true;
    const size_t end = std::min(text.find('/', 2), text.size());
    parts.authority = text.substr(2, end - 2);
    text.remove_prefix(end);
  }
  parts.path = text;
  return parts;
}

// RFC 3986 section 5.2.4.
std::string RemoveDots(std::string_view in) {
  std::string out;
  const auto up = [&out] { out.resize(std::min(out.rfind('/'), out.size()) == out.size() ? 0 : out.rfind('/')); };
  while (!in.empty()) {
    if (in.starts_with("../")) {
      in.remove_prefix(3);
    } else if (in.starts_with("./")) {
      in.remove_prefix(2);
    } else if (in.starts_with("/./")) {
      in.remove_prefix(2);
    } else if (in == "/.") {
      in = "/";
    } else if (in.starts_with("/../")) {
      in.remove_prefix(3);
      up();
    } else if (in == "/..") {
      in = "/";
      up();
    } else if (in == "." || in == "..") {
      in = {};
    } else {
      const size_t end = std::min(in.find('/', 1), in.size());
      out += in.substr(0, end);
      in.remove_prefix(end);
    }
  }
  return out;
}

}  // namespace

bool IsKeyword(std::string_view text) {
  static constexpr std::string_view kKeywords[] = {
      "@base",      "@container", "@context",  "@direction", "@graph", "@id",      "@import", "@included",
      "@index",     "@json",      "@language", "@list",      "@nest",  "@none",    "@prefix", "@propagate",
      "@protected", "@reverse",   "@set",      "@type",      "@value", "@version", "@vocab"};
  return text.starts_with('@') && std::ranges::binary_search(kKeywords, text);
}

bool LooksLikeKeyword(std::string_view text) {
  return text.size() > 1 && text[0] == '@' && std::ranges::all_of(text.substr(1), IsAlpha);
}

bool HasScheme(std::string_view text) { return SchemeLength(text) != 0; }

std::string Resolve(std::string_view base, std::string_view reference) {
  if (base.empty()) return std::string(reference);
  const Parts r = Split(reference), b = Split(base);
  std::string scheme(b.scheme), authority(b.authority), path, query;
  bool has_authority = b.has_authority, has_query = r.has_query;
  query = r.query;
  if (!r.scheme.empty()) {
    scheme = r.scheme;
    has_authority = r.has_authority;
    authority = r.authority;
    path = RemoveDots(r.path);
  } else if (r.has_authority) {
    has_authority = true;
    authority = r.authority;
    path = RemoveDots(r.path);
  } else if (r.path.empty()) {
    path = b.path;
    if (!r.has_query) {
      has_query = b.has_query;
      query = b.query;
    }
  } else if (r.path.starts_with('/')) {
    path = RemoveDots(r.path);
  } else {
    // Section 5.2.3.
    std::string merged;
    if (b.has_authority && b.path.empty()) {
      merged = "/";
    } else if (const size_t slash = b.path.rfind('/'); slash != std::string_view::npos) {
      merged = b.path.substr(0, slash + 1);
    }
    path = RemoveDots(merged + std::string(r.path));
  }
  std::string out = scheme + ":";
  if (has_authority) out += "//" + authority;
  out += path;
  if (has_query) out += "?" + query;
  if (r.has_fragment) out += "#" + std::string(r.fragment);
  return out;
}

}  // namespace keel::json_ld::internal
