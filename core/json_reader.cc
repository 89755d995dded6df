// SPDX-License-Identifier: Apache-2.0
#include "core/json_reader.h"

#include "core/encoding.h"

namespace keel {
namespace {

constexpr char kWhere[] = "json";
constexpr uint64_t kMaxInteger = (uint64_t{1} << 53) - 1;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// Value of four hexadecimal digits at `at`, or -1.
int32_t Hex4(std::string_view text, size_t at) {
  if (text.size() < 4 || at > text.size() - 4) return -1;
  int32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const char c = text[at + i];
    int32_t digit = 0;
    if (IsDigit(c)) {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value << 4 | digit;
  }
  return value;
}

// Decodes a string's inside into UTF-8 octets, one at a time. The text is known to be well-formed.
class Unescape {
 public:
  explicit Unescape(std::string_view inside) : in_(inside) {}

  // The next octet, or -1 at the end.
  int Next() {
    if (held_ != 0) {
      const uint8_t octet = pending_[count_ - held_];
      --held_;
      return octet;
    }
    if (at_ == in_.size()) return -1;
    const char c = in_[at_++];
    if (c != '\\') return static_cast<uint8_t>(c);
    const char kind = in_[at_++];
    switch (kind) {
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'u': break;
      default: return static_cast<uint8_t>(kind);  // " \ /
    }
    auto point = static_cast<uint32_t>(Hex4(in_, at_));
    at_ += 4;
    if (point >= 0xd800 && point <= 0xdbff) {
      const auto low = static_cast<uint32_t>(Hex4(in_, at_ + 2));
      at_ += 6;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    if (point < 0x80) return static_cast<int>(point);
    count_ = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = count_; i-- > 1;) {
      pending_[i] = static_cast<uint8_t>(0x80 | (point & 0x3f));
      point >>= 6;
    }
    constexpr uint8_t kLead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    pending_[0] = static_cast<uint8_t>(kLead[count_] | point);
    held_ = count_ - 1;
    return pending_[0];
  }

 private:
  std::string_view in_;
  size_t at_ = 0, count_ = 0, held_ = 0;
  uint8_t pending_[4] = {};
};

bool SameString(std::string_view a, std::string_view b) {
  Unescape left(a), right(b);
  for (;;) {
    const int x = left.Next(), y = right.Next();
    if (x != y) return false;
    if (x < 0) return true;
  }
}

bool SamePlain(std::string_view escaped, std::string_view plain) {
  if (escaped == plain && escaped.find('\\') == std::string_view::npos) return true;
  Unescape left(escaped);
  for (const char c : plain) {
    if (left.Next() != static_cast<uint8_t>(c)) return false;
  }
  return left.Next() < 0;
}

// Of well-formed text: the position after the string whose opening quote is at `at`.
size_t SkipString(std::string_view text, size_t at) {
  ++at;
  while (at < text.size()) {
    const char* from = text.data() + at;
    const auto* quote = static_cast<const char*>(std::memchr(from, '"', text.size() - at));
    if (quote == nullptr) return text.size() + 1;
    const auto before = static_cast<size_t>(quote - from);
    const auto* escape = static_cast<const char*>(std::memchr(from, '\\', before));
    if (escape == nullptr) return at + before + 1;
    at += static_cast<size_t>(escape - from) + 2;  // an escape's second character closes no string
  }
  return at + 1;
}

// Of well-formed text: the position after the value that starts at `at`.
size_t SkipValue(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      ++at;
      --depth;
    } else if (IsSpace(c) || c == ',' || c == ':') {
      ++at;
      continue;
    } else {
      while (at < text.size() && text[at] != ',' && text[at] != ']' && text[at] != '}' && !IsSpace(text[at])) ++at;
    }
    if (depth == 0) return at;
  }
  return at;
}

// The position of the next quote, backslash or control character, or the end. Eight octets at once: a string of some
// KiB is what most messages consist of.
size_t SkipPlain(std::string_view text, size_t at) {
  constexpr uint64_t kOnes = 0x0101010101010101, kTops = kOnes * 0x80;
  while (text.size() - at >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const uint64_t quote = word ^ (kOnes * '"'), escape = word ^ (kOnes * '\\');
    // A top bit for each octet that is zero after the exclusive or, or below 0x20; borrows can only add marks above a
    // true one, and the octets are looked at one by one then.
    const uint64_t marks = ((quote - kOnes) & ~quote) | ((escape - kOnes) & ~escape) | ((word - kOnes * 0x20) & ~word);
    if ((marks & kTops) != 0) break;
    at += sizeof word;
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' && static_cast<uint8_t>(text[at]) >= 0x20) ++at;
  return at;
}

// Checks the text's form in one pass; an explicit bit per open container instead of recursion.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  Result<> Run() {
    KEEL_TRY_VOID(Document());
    return Names();
  }

 private:
  std::unexpected<Error> Bad() const { return Fail(Code::kMalformed, kWhere); }
  bool End() const { return at_ >= text_.size(); }
  void Space() { at_ = SkipSpace(text_, at_); }
  bool Accept(char c) {
    if (End() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<> Document() {
    uint32_t objects = 0;  // bit d: the container at depth d is an object
    size_t depth = 0;
    for (;;) {
      // A value is due.
      Space();
      if (End()) return Bad();
      const char c = text_[at_];
      bool opened = false;
      if (c == '{' || c == '[') {
        if (depth == kMaxJsonDepth) return Fail(Code::kTooLarge, "json depth");
        const bool object = c == '{';
        objects = object ? objects | 1u << depth : objects & ~(1u << depth);
        ++depth;
        ++at_;
        Space();
        if (!End() && text_[at_] == (object ? '}' : ']')) {
          ++at_;
          --depth;
        } else {
          opened = true;
          if (object) KEEL_TRY_VOID(Member());
        }
      } else if (c == '"') {
        KEEL_TRY_VOID(String());
      } else if (c == '-' || IsDigit(c)) {
        KEEL_TRY_VOID(Number());
      } else {
        KEEL_TRY_VOID(Literal());
      }
      if (opened) continue;
      // A value has ended: close what ends with it, or go on to the next element.
      for (;;) {
        Space();
        if (depth == 0) {
          if (!End()) return Bad();
          return {};
        }
        const bool object = (objects >> (depth - 1) & 1u) != 0;
        if (Accept(',')) {
          if (object) {
            Space();
            KEEL_TRY_VOID(Member());
          }
          break;
        }
        if (!Accept(object ? '}' : ']')) return Bad();
        --depth;
      }
    }
  }

  // A member's name and colon.
  Result<> Member() {
    if (End() || text_[at_] != '"') return Bad();
    KEEL_TRY_VOID(String());
    Space();
    if (!Accept(':')) return Bad();
    return {};
  }

  Result<> String() {
    ++at_;
    for (;;) {
      at_ = SkipPlain(text_, at_);
      if (End()) return Bad();
      const char c = text_[at_++];
      if (c == '"') return {};
      if (static_cast<uint8_t>(c) < 0x20) return Bad();
      if (End()) return Bad();
      const char kind = text_[at_++];
      switch (kind) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't': break;
        case 'u': {
          const int32_t unit = Hex4(text_, at_);
          if (unit < 0) return Bad();
          at_ += 4;
          if (unit >= 0xdc00 && unit <= 0xdfff) return Bad();  // a lone low surrogate is no character
          if (unit >= 0xd800 && unit <= 0xdbff) {
            if (text_.size() - at_ < 6 || text_[at_] != '\\' || text_[at_ + 1] != 'u') return Bad();
            const int32_t low = Hex4(text_, at_ + 2);
            if (low < 0xdc00 || low > 0xdfff) return Bad();
            at_ += 6;
          }
          break;
        }
        default: return Bad();
      }
    }
  }

  Result<> Number() {
    const bool negative = Accept('-');
    if (End() || !IsDigit(text_[at_])) return Bad();
    const size_t first = at_;
    uint64_t value = 0;
    while (!End() && IsDigit(text_[at_])) {
      value = value * 10 + static_cast<uint64_t>(text_[at_] - '0');
      if (value > kMaxInteger) return Fail(Code::kOutOfRange, "json integer");
      ++at_;
    }
    if (text_[first] == '0' && (at_ - first > 1 || negative)) return Bad();  // 01, and -0, which would not survive
    if (!End() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E')) {
      return Fail(Code::kOutOfRange, "json number with fraction or exponent");
    }
    return {};
  }

  Result<> Literal() {
    for (const std::string_view word :
         {std::string_view("true"), std::string_view("false"), std::string_view("null")}) {
      if (text_.size() - at_ >= word.size() && std::memcmp(text_.data() + at_, word.data(), word.size()) == 0) {
        at_ += word.size();
        return {};
      }
    }
    return Bad();
  }

  // Duplicate names, object by object: where one object's names stand is kept (1 KiB of stack), each new one is
  // compared with all before. Linear to find the objects, at most 256*255/2 comparisons in each, by memcmp unless a
  // name has escapes.
  Result<> Names() const {
    for (size_t at = 0; at < text_.size();) {
      if (text_[at] == '"') {
        at = SkipString(text_, at);
        continue;
      }
      if (text_[at] == '{') KEEL_TRY_VOID(NamesOf(at));
      ++at;
    }
    return {};
  }

  Result<> NamesOf(size_t at) const {
    static_assert(kMaxJsonSize <= 65536);
    std::array<uint16_t, kMaxJsonMembers> starts;
    std::array<uint16_t, kMaxJsonMembers> lengths;
    std::array<uint8_t, kMaxJsonMembers / 8> escaped{};  // a bit for each name
    size_t count = 0;
    at = SkipSpace(text_, at + 1);
    while (text_[at] == '"') {
      if (count == starts.size()) return Fail(Code::kTooLarge, "json members");
      const std::string_view name = Inside(at);
      const bool has_escapes = name.find('\\') != std::string_view::npos;
      for (size_t i = 0; i < count; ++i) {
        const std::string_view other{text_.data() + starts[i] + 1, lengths[i]};
        const bool plain = !has_escapes && (escaped[i / 8] >> (i % 8) & 1) == 0;
        if (plain ? other == name : SameString(other, name)) return Fail(Code::kDuplicate, "json member");
      }
      starts[count] = static_cast<uint16_t>(at);
      lengths[count] = static_cast<uint16_t>(name.size());
      if (has_escapes) escaped[count / 8] = static_cast<uint8_t>(escaped[count / 8] | 1u << (count % 8));
      ++count;
      at = SkipSpace(text_, SkipString(text_, at));  // the colon
      at = SkipValue(text_, SkipSpace(text_, at + 1));
      at = SkipSpace(text_, at);
      if (text_[at] != ',') break;
      at = SkipSpace(text_, at + 1);
    }
    return {};
  }

  // The inside of the string whose opening quote is at `at`.
  std::string_view Inside(size_t at) const {
    const size_t end = SkipString(text_, at);
    return {text_.data() + at + 1, end - at - 2};
  }

  std::string_view text_;
  size_t at_ = 0;
};

JsonView::Kind KindOf(char first) {
  switch (first) {
    case '{': return JsonView::Kind::kObject;
    case '[': return JsonView::Kind::kArray;
    case '"': return JsonView::Kind::kString;
    case 't':
    case 'f': return JsonView::Kind::kBool;
    case 'n': return JsonView::Kind::kNull;
    default: return JsonView::Kind::kNumber;
  }
}

}  // namespace

Result<JsonView> JsonView::Parse(std::string_view text) {
  if (text.size() > kMaxJsonSize) return Fail(Code::kTooLarge, kWhere);
  // A byte-order mark is well-formed UTF-8 and fails as what it is: no JSON value.
  if (!IsUtf8(AsBytes(text))) return Fail(Code::kMalformed, "json UTF-8");
  KEEL_TRY_VOID(Checker(text).Run());
  const size_t start = SkipSpace(text, 0);
  const size_t end = SkipValue(text, start);
  return JsonView(KindOf(text[start]), {text.data() + start, end - start});
}

bool JsonView::Items::Next(std::string_view& name, JsonView& item) {
  size_t at = 0;
  name = {};
  at = SkipSpace(rest_, at);
  if (at >= rest_.size() || rest_[at] == '}' || rest_[at] == ']') return false;
  if (rest_[at] == ',') at = SkipSpace(rest_, at + 1);
  if (object_) {
    const size_t end = SkipString(rest_, at);
    name = {rest_.data() + at + 1, end - at - 2};
    at = SkipSpace(rest_, end);  // the colon
    at = SkipSpace(rest_, at + 1);
  }
  const size_t end = SkipValue(rest_, at);
  item = JsonView(KindOf(rest_[at]), {rest_.data() + at, end - at});
  rest_.remove_prefix(end);
  return true;
}

bool JsonView::Items::Next(JsonView& item) {
  std::string_view name;
  return Next(name, item);
}

JsonView::Items JsonView::items() const {
  Items walk;
  if (kind_ == Kind::kObject || kind_ == Kind::kArray) {
    walk.rest_ = text_;
    walk.rest_.remove_prefix(1);
    walk.object_ = kind_ == Kind::kObject;
  }
  return walk;
}

size_t JsonView::count() const {
  Items walk = items();
  JsonView item;
  size_t n = 0;
  while (walk.Next(item)) ++n;
  return n;
}

Result<JsonView> JsonView::Get(std::string_view name) const {
  if (kind_ != Kind::kObject) return Fail(Code::kMalformed, "json object");
  Items walk = items();
  std::string_view member;
  JsonView item;
  while (walk.Next(member, item)) {
    if (SamePlain(member, name)) return item;
  }
  return Fail(Code::kMissing, "json member");
}

bool JsonView::Has(std::string_view name) const { return Get(name).has_value(); }

Result<uint64_t> JsonView::GetUint(std::string_view name) const {
  KEEL_TRY(const JsonView item, Get(name));
  return item.AsUint();
}

Result<bool> JsonView::GetBool(std::string_view name) const {
  KEEL_TRY(const JsonView item, Get(name));
  return item.AsBool();
}

Result<std::string_view> JsonView::GetPlain(std::string_view name) const {
  KEEL_TRY(const JsonView item, Get(name));
  return item.AsPlain();
}

Result<size_t> JsonView::GetBase64Url(std::string_view name, ByteSpan out) const {
  KEEL_TRY(const std::string_view text, GetPlain(name));
  return Base64UrlDecode(text, out);
}

Result<uint64_t> JsonView::AsUint() const {
  if (kind_ != Kind::kNumber) return Fail(Code::kMalformed, "json number");
  if (text_[0] == '-') return Fail(Code::kOutOfRange, "json number");
  uint64_t value = 0;
  for (const char c : text_) value = value * 10 + static_cast<uint64_t>(c - '0');
  return value;
}

Result<int64_t> JsonView::AsInt() const {
  if (kind_ != Kind::kNumber) return Fail(Code::kMalformed, "json number");
  const bool negative = text_[0] == '-';
  int64_t value = 0;
  for (size_t i = negative ? 1 : 0; i < text_.size(); ++i) value = value * 10 + (text_[i] - '0');
  return negative ? -value : value;
}

Result<bool> JsonView::AsBool() const {
  if (kind_ != Kind::kBool) return Fail(Code::kMalformed, "json boolean");
  return text_[0] == 't';
}

Result<std::string_view> JsonView::AsPlain() const {
  if (kind_ != Kind::kString) return Fail(Code::kMalformed, "json string");
  const std::string_view inside{text_.data() + 1, text_.size() - 2};
  if (inside.find('\\') != std::string_view::npos) return Fail(Code::kUnsupported, "json string with escapes");
  return inside;
}

Result<size_t> JsonView::AsString(std::span<char> out) const {
  if (kind_ != Kind::kString) return Fail(Code::kMalformed, "json string");
  Unescape reader({text_.data() + 1, text_.size() - 2});
  size_t used = 0;
  for (int octet = reader.Next(); octet >= 0; octet = reader.Next()) {
    if (used == out.size()) return Fail(Code::kBufferTooSmall, "json string");
    out[used++] = static_cast<char>(octet);
  }
  return used;
}

}  // namespace keel
