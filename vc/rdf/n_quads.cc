// SPDX-License-Identifier: Apache-2.0
#include "vc/rdf/n_quads.h"

#include <cstdint>

#include "core/encoding.h"
#include "vc/rdf/internal/terms.h"

namespace keel::rdf {
namespace {

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

uint32_t HexDigit(char c) { return static_cast<uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

// Reads one line. Every method leaves at_ behind what it read, or says why not.
class LineReader {
 public:
  LineReader(std::string_view line, size_t number) : line_(line), number_(number) {}

  // False: nothing but white space and a comment.
  Result<bool> Read(Quad& quad) {
    SkipSpace();
    if (Done()) return false;
    KEEL_TRY(quad.subject, ReadNode());
    SkipSpace();
    if (Peek() != '<') return Bad("the predicate must be an IRI");
    KEEL_TRY(quad.predicate, ReadIri());
    SkipSpace();
    if (Peek() == '"') {
      KEEL_TRY(quad.object, ReadLiteral());
    } else {
      KEEL_TRY(quad.object, ReadNode());
    }
    SkipSpace();
    quad.graph = {};
    if (Peek() == '<' || Peek() == '_') {
      KEEL_TRY(quad.graph, ReadNode());
      SkipSpace();
    }
    if (Peek() != '.') return Bad("' .' must end the statement");
    ++at_;
    SkipSpace();
    if (!Done()) return Bad("something stands behind the '.'");
    return true;
  }

 private:
  std::unexpected<Error> Bad(std::string_view why) const {
    return Fail(Code::kMalformed, "n-quads",
                "line " + std::to_string(number_) + ", octet " + std::to_string(at_ + 1) + ": " + std::string(why));
  }
  char Peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
  bool Done() const { return at_ == line_.size() || line_[at_] == '#'; }
  void SkipSpace() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }

  Result<Term> ReadNode() {
    if (Peek() == '<') return ReadIri();
    if (Peek() == '_') return ReadBlank();
    return Bad("an IRI in <> or a blank node is expected");
  }

  // \uXXXX or \UXXXXXXXX at at_ (behind the backslash).
  Result<> ReadCodePoint(std::string& out) {
    const size_t digits = line_[at_] == 'u' ? 4 : 8;
    if (line_.size() - at_ <= digits) return Bad("a \\u escape is cut short");
    uint32_t point = 0;
    for (size_t i = 1; i <= digits; ++i) {
      if (!IsHex(line_[at_ + i])) return Bad("a \\u escape has something else than hexadecimal digits");
      point = (point << 4) | HexDigit(line_[at_ + i]);
    }
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return Bad("a \\u escape is no Unicode scalar value");
    internal::AppendUtf8(out, point);
    at_ += digits + 1;
    return {};
  }

  Result<Term> ReadIri() {
    std::string iri;
    ++at_;
    while (true) {
      if (at_ == line_.size()) return Bad("an IRI has no '>'");
      const char c = line_[at_++];
      if (c == '>') break;
      if (c != '\\') {
        iri += c;
        continue;
      }
      if (Peek() != 'u' && Peek() != 'U') return Bad("an IRI may have \\u and \\U escapes only");
      KEEL_TRY_VOID(ReadCodePoint(iri));
    }
    if (!internal::IsAbsoluteIri(iri)) return Bad("not an absolute IRI");
    return Term::Iri(std::move(iri));
  }

  Result<Term> ReadBlank() {
    if (line_.substr(at_, 2) != "_:") return Bad("a blank node begins with '_:'");
    at_ += 2;
    const size_t begin = at_;
    while (at_ < line_.size() && !std::string_view(" \t<>\"#").contains(line_[at_])) ++at_;
    // A label doesn't end with a point: that is the statement's own.
    while (at_ > begin && line_[at_ - 1] == '.') --at_;
    const std::string_view label = line_.substr(begin, at_ - begin);
    if (!internal::IsBlankLabel(label)) return Bad("not a blank node's label");
    return Term::Blank(std::string(label));
  }

  Result<Term> ReadLiteral() {
    std::string text;
    ++at_;
    while (true) {
      if (at_ == line_.size()) return Bad("a literal has no closing quote");
      const char c = line_[at_++];
      if (c == '"') break;
      if (c != '\\') {
        text += c;
        continue;
      }
      switch (Peek()) {
        case 't': text += '\t'; break;
        case 'b': text += '\b'; break;
        case 'n': text += '\n'; break;
        case 'r': text += '\r'; break;
        case 'f': text += '\f'; break;
        case '"': text += '"'; break;
        case '\'': text += '\''; break;
        case '\\': text += '\\'; break;
        case 'u':
        case 'U': KEEL_TRY_VOID(ReadCodePoint(text)); continue;
        default: return Bad("an unknown escape");
      }
      ++at_;
    }
    if (Peek() == '@') {
      const size_t begin = ++at_;
      while (at_ < line_.size() && (internal::IsAlphanumeric(line_[at_]) || line_[at_] == '-')) ++at_;
      std::string language(line_.substr(begin, at_ - begin));
      if (!internal::IsLanguageTag(language)) return Bad("not a language tag");
      return Term::Literal(std::move(text), {}, std::move(language));
    }
    if (line_.substr(at_, 2) == "^^") {
      at_ += 2;
      if (Peek() != '<') return Bad("a datatype must be an IRI");
      KEEL_TRY(Term datatype, ReadIri());
      if (datatype.value == kXsdString) datatype.value.clear();
      return Term::Literal(std::move(text), std::move(datatype.value));
    }
    return Term::Literal(std::move(text));
  }

  std::string_view line_;
  size_t number_;
  size_t at_ = 0;
};

}  // namespace

Result<Dataset> ParseNQuads(std::string_view text, NQuadsLimits limits) {
  if (text.size() > limits.max_size)
    return Fail(Code::kTooLarge, "n-quads", "more than " + std::to_string(limits.max_size) + " octets");
  if (!IsUtf8(AsBytes(text))) return Fail(Code::kMalformed, "n-quads", "not valid UTF-8");
  Dataset dataset;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find_first_of("\r\n");
    Quad quad;
    KEEL_TRY(const bool found, LineReader(text.substr(0, end), number).Read(quad));
    if (found) {
      if (dataset.quads.size() == limits.max_quads)
        return Fail(Code::kTooLarge, "n-quads", "more than " + std::to_string(limits.max_quads) + " quads");
      dataset.quads.push_back(std::move(quad));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(text.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
  return dataset;
}

void AppendQuad(std::string& out, const Quad& quad) {
  internal::AppendTerm(out, quad.subject);
  out += ' ';
  internal::AppendTerm(out, quad.predicate);
  out += ' ';
  internal::AppendTerm(out, quad.object);
  if (quad.graph.kind != TermKind::kDefaultGraph) {
    out += ' ';
    internal::AppendTerm(out, quad.graph);
  }
  out += " .\n";
}

std::string ToNQuad(const Quad& quad) {
  std::string out;
  AppendQuad(out, quad);
  return out;
}

std::string ToNQuads(const Dataset& dataset) {
  std::string out;
  for (const Quad& quad : dataset.quads) AppendQuad(out, quad);
  return out;
}

}  // namespace keel::rdf
