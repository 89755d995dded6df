// SPDX-License-Identifier: Apache-2.0
#include "vc/rdf/internal/terms.h"

namespace keel::rdf::internal {
namespace {

// The code point at `at`, which moves behind it; the text is valid UTF-8.
uint32_t NextPoint(std::string_view text, size_t& at) {
  const auto byte = static_cast<uint8_t>(text[at]);
  const size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  uint32_t point = length == 1 ? byte : byte & (0x7Fu >> length);
  for (size_t k = 1; k < length && at + k < text.size(); ++k)
    point = (point << 6) | (static_cast<uint8_t>(text[at + k]) & 0x3Fu);
  at += length;
  return point;
}

struct Range {
  uint32_t first, last;
};

// PN_CHARS_BASE beyond ASCII (N-Quads section 4).
constexpr Range kBase[] = {{0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x2FF},    {0x370, 0x37D},
                           {0x37F, 0x1FFF},  {0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF},
                           {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF}};

bool IsPnCharsU(uint32_t point) {
  if (point < 0x80) return IsAlpha(static_cast<char>(point)) || point == '_' || point == ':';
  for (const Range& range : kBase) {
    if (point >= range.first && point <= range.last) return true;
  }
  return false;
}

bool IsDigit(uint32_t point) { return point >= '0' && point <= '9'; }

bool IsPnChars(uint32_t point) {
  return IsPnCharsU(point) || IsDigit(point) || point == '-' || point == 0xB7 || (point >= 0x300 && point <= 0x36F) ||
         point == 0x203F || point == 0x2040;
}

// IRIREF's characters: none of U+0000-0020 < > " { } | ^ ` and backslash.
constexpr auto kIriCharacters = [] {
  struct {
    bool allowed[256];
  } table{};
  for (int c = 0; c < 256; ++c) table.allowed[c] = c > 0x20;
  for (const char c : {'<', '>', '"', '{', '}', '|', '^', '`', '\\'}) table.allowed[static_cast<uint8_t>(c)] = false;
  return table;
}();

// Canonical N-Quads (RDFC-1.0 section 5) escapes these, and only these.
constexpr auto kEscaped = [] {
  struct {
    bool needed[256];
  } table{};
  for (int c = 0; c < 0x20; ++c) table.needed[c] = true;
  for (const char c : {'"', '\\', '\x7F'}) table.needed[static_cast<uint8_t>(c)] = true;
  return table;
}();

void AppendEscaped(std::string& out, std::string_view text) {
  size_t plain = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (!kEscaped.needed[byte]) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (text[i]) {
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      default:
        out += "\\u00";
        out += "0123456789ABCDEF"[byte >> 4];
        out += "0123456789ABCDEF"[byte & 15];
    }
  }
  out.append(text, plain);
}

}  // namespace

bool IsAbsoluteIri(std::string_view iri) {
  size_t colon = 0;
  while (colon < iri.size() &&
         (IsAlphanumeric(iri[colon]) || iri[colon] == '+' || iri[colon] == '-' || iri[colon] == '.'))
    ++colon;
  if (colon == 0 || colon == iri.size() || iri[colon] != ':' || !IsAlpha(iri[0])) return false;
  for (const char c : iri.substr(colon)) {
    if (!kIriCharacters.allowed[static_cast<uint8_t>(c)]) return false;
  }
  return true;
}

bool IsBlankLabel(std::string_view label) {
  if (label.empty() || label.back() == '.') return false;
  size_t at = 0;
  const uint32_t first = NextPoint(label, at);
  if (!IsPnCharsU(first) && !IsDigit(first)) return false;
  while (at < label.size()) {
    const uint32_t point = NextPoint(label, at);
    if (!IsPnChars(point) && point != '.') return false;
  }
  return true;
}

bool IsLanguageTag(std::string_view tag) {
  size_t part = 0;  // characters of this subtag
  bool first = true;
  for (const char c : tag) {
    if (c == '-') {
      if (part == 0) return false;
      part = 0;
      first = false;
    } else if (IsAlpha(c) || (!first && IsAlphanumeric(c))) {
      ++part;
    } else {
      return false;
    }
  }
  return part > 0;
}

const char* WrongIn(const Quad& quad) {
  const auto node = [](const Term& term) {
    return (term.kind == TermKind::kIri && IsAbsoluteIri(term.value)) ||
           (term.kind == TermKind::kBlank && IsBlankLabel(term.value));
  };
  if (!node(quad.subject)) return "the subject is neither an absolute IRI nor a blank node";
  if (quad.predicate.kind != TermKind::kIri || !IsAbsoluteIri(quad.predicate.value))
    return "the predicate is no absolute IRI";
  if (quad.object.kind == TermKind::kLiteral) {
    if (!quad.object.language.empty() && !IsLanguageTag(quad.object.language)) return "a language tag is ill-formed";
    if (!quad.object.language.empty() && !quad.object.datatype.empty() && quad.object.datatype != kRdfLangString)
      return "a literal has a language and a datatype";
    if (!quad.object.datatype.empty() && !IsAbsoluteIri(quad.object.datatype)) return "a datatype is no absolute IRI";
  } else if (!node(quad.object)) {
    return "the object is neither an absolute IRI nor a blank node nor a literal";
  }
  if (quad.graph.kind != TermKind::kDefaultGraph && !node(quad.graph))
    return "the graph is neither an absolute IRI nor a blank node";
  return nullptr;
}

void AppendTerm(std::string& out, const Term& term) {
  switch (term.kind) {
    case TermKind::kDefaultGraph: return;
    case TermKind::kIri:
      out += '<';
      out += term.value;
      out += '>';
      return;
    case TermKind::kBlank:
      out += "_:";
      out += term.value;
      return;
    case TermKind::kLiteral:
      out += '"';
      AppendEscaped(out, term.value);
      out += '"';
      if (!term.language.empty()) {
        out += '@';
        out += term.language;
      } else if (!term.datatype.empty() && term.datatype != kXsdString) {
        out += "^^<";
        out += term.datatype;
        out += '>';
      }
      return;
  }
}

void AppendUtf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (point & 0x3F));
}

}  // namespace keel::rdf::internal
