// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/internal/json_begin.h"
#include "base/internal/json_number.h"
#include "base/internal/json_plain.h"
#include "core/encoding.h"

namespace keel::base {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kManyNames = 16;  // from here on an object's names are kept in a set

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hex digits at `at`, or -1.
int Hex4(std::string_view text, size_t at) {
  if (text.size() - at < 4) return -1;
  int value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int digit = HexDigit(text[at + i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

void AppendUtf8(std::string& out, uint32_t code) {
  const auto put = [&out](uint32_t octet) { out += static_cast<char>(octet); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// The octets between a string's quotes; its escapes have been checked.
std::string Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t slash = text.find('\\', i);
    out.append(text.substr(i, slash - i));
    if (slash == std::string_view::npos) break;
    const char c = text[slash + 1];
    i = slash + 2;
    switch (c) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        auto code = static_cast<uint32_t>(Hex4(text, i));
        i += 4;
        if (code >= 0xd800 && code < 0xdc00) {
          code = 0x10000 + ((code - 0xd800) << 10) + (static_cast<uint32_t>(Hex4(text, i + 2)) - 0xdc00);
          i += 6;
        }
        AppendUtf8(out, code);
        break;
      }
      default: out += c;  // '"', '\', '/'
    }
  }
  return out;
}

}  // namespace

// One pass over the text without recursion; refuses at the same token as ParseJson, for the same reason.
class JsonScanner {
 public:
  using Kind = JsonText::Kind;

  JsonScanner(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) { nodes_.reserve(48); }

  bool Run() {
    if (!Value()) return false;
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      SkipSpace();
      if (frame.object ? !Member(frame) : !Element(frame)) return false;
    }
    SkipSpace();
    return at_ == text_.size() || Malformed();
  }

  bool compact() const { return compact_; }
  std::vector<JsonText::Node> TakeNodes() { return std::move(nodes_); }
  Error TakeError() {
    error_.detail += " at octet " + std::to_string(at_);
    return std::move(error_);
  }

 private:
  struct Frame {
    uint32_t node = 0;
    bool object = false;
    bool first = true;
    uint32_t first_name = kNone;  // node
    size_t names = 0;
    std::unique_ptr<std::unordered_set<std::string>> many;
  };

  bool Refuse(Code code, const char* detail) {
    error_.code = code;
    error_.where = "json";
    error_.detail = detail;
    return false;
  }
  bool Malformed() { return Refuse(Code::kMalformed, "not valid JSON"); }

  void SkipSpace() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') break;
      compact_ = false;
      ++at_;
    }
  }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // What comes after the frame's opening bracket, or after one of its members.
  bool Member(Frame& frame) {
    if (Take('}')) return Close();
    if (!frame.first) {
      if (!Take(',')) return Malformed();
      SkipSpace();
    }
    frame.first = false;
    const auto name = static_cast<uint32_t>(nodes_.size());
    if (at_ >= text_.size() || text_[at_] != '"' || !String()) return Malformed();
    nodes_[name].next = name + 1;
    if (!NewName(frame, name)) return Refuse(Code::kDuplicate, "a name appears twice in one object");
    SkipSpace();
    if (!Take(':')) return Malformed();
    return Value();
  }
  bool Element(Frame& frame) {
    if (frame.first) {
      frame.first = false;
      if (Take(']')) return Close();
      return Value();
    }
    if (Take(']')) return Close();
    if (!Take(',')) return Malformed();
    return Value();
  }
  bool Close() {
    JsonText::Node& node = nodes_[stack_.back().node];
    node.end = static_cast<uint32_t>(at_);
    node.next = static_cast<uint32_t>(nodes_.size());
    stack_.pop_back();
    return true;
  }

  std::string_view Inner(uint32_t node) const {
    return text_.substr(nodes_[node].begin + 1, nodes_[node].end - nodes_[node].begin - 2);
  }
  std::string Name(uint32_t node) const {
    return nodes_[node].escaped ? Unescape(Inner(node)) : std::string(Inner(node));
  }
  bool NewName(Frame& frame, uint32_t name) {
    if (frame.first_name == kNone) frame.first_name = name;
    if (++frame.names > kManyNames) {
      if (!frame.many) {
        frame.many = std::make_unique<std::unordered_set<std::string>>();
        for (uint32_t i = frame.first_name; i != name; i = nodes_[i + 1].next) frame.many->insert(Name(i));
      }
      return frame.many->insert(Name(name)).second;
    }
    for (uint32_t i = frame.first_name; i != name; i = nodes_[i + 1].next) {
      if (nodes_[i].escaped || nodes_[name].escaped ? Name(i) == Name(name) : Inner(i) == Inner(name)) return false;
    }
    return true;
  }

  bool Count() {
    if (!stack_.empty() && ++members_ > limits_.max_members) return Refuse(Code::kTooLarge, "too many members");
    return true;
  }

  // A value up to its end, or a container's opening bracket.
  bool Value() {
    SkipSpace();
    if (at_ >= text_.size()) return Malformed();
    switch (text_[at_]) {
      case '{': return Open(Kind::kObject);
      case '[': return Open(Kind::kArray);
      case '"': return (String() || Malformed()) && Done();
      case 't': return Literal("true", Kind::kBool);
      case 'f': return Literal("false", Kind::kBool);
      case 'n': return Literal("null", Kind::kNull);
      default: return Number();
    }
  }
  bool Done() {
    if (!Count()) return false;
    nodes_.back().next = static_cast<uint32_t>(nodes_.size());
    return true;
  }
  bool Open(Kind kind) {
    if (stack_.size() >= limits_.max_depth) return Refuse(Code::kTooLarge, "nested too deep");
    if (!Count()) return false;
    const auto node = static_cast<uint32_t>(nodes_.size());
    nodes_.push_back({static_cast<uint32_t>(at_), 0, 0, kind, false});
    ++at_;
    stack_.emplace_back();
    stack_.back().node = node;
    stack_.back().object = kind == Kind::kObject;
    return true;
  }
  bool Literal(std::string_view word, Kind kind) {
    if (text_.substr(at_, word.size()) != word) return Malformed();
    Push(kind, at_ + word.size());
    return Done();
  }
  void Push(Kind kind, size_t end) {
    nodes_.push_back({static_cast<uint32_t>(at_), static_cast<uint32_t>(end), 0, kind, false});
    at_ = end;
  }

  // False: not a string, or an escape that isn't one.
  bool String() {
    const size_t begin = at_;
    size_t i = at_ + 1;
    bool escaped = false;
    while (true) {
      i = internal::SkipPlain(text_, i);
      if (i >= text_.size()) return false;
      const char c = text_[i];
      if (c == '"') break;
      if (c != '\\') return false;
      escaped = true;
      if (!Escape(i)) return false;
    }
    nodes_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(i + 1), 0, Kind::kString, escaped});
    at_ = i + 1;
    return true;
  }
  // i: at the backslash; moved behind the escape.
  bool Escape(size_t& i) const {
    if (text_.size() - i < 2) return false;
    if (text_[i + 1] != 'u') {
      if (std::string_view("\"\\/bfnrt").find(text_[i + 1]) == std::string_view::npos) return false;
      i += 2;
      return true;
    }
    const int code = Hex4(text_, i + 2);
    if (code < 0 || (code >= 0xdc00 && code < 0xe000)) return false;
    i += 6;
    if (code < 0xd800 || code > 0xdbff) return true;
    // The other half of a pair must follow.
    if (text_.size() - i < 6 || text_[i] != '\\' || text_[i + 1] != 'u') return false;
    const int low = Hex4(text_, i + 2);
    if (low < 0xdc00 || low > 0xdfff) return false;
    i += 6;
    return true;
  }

  bool Digits(size_t& i) const {
    const size_t before = i;
    while (i < text_.size() && text_[i] >= '0' && text_[i] <= '9') ++i;
    return i != before;
  }
  bool Number() {
    size_t i = at_;
    const bool negative = text_[i] == '-';
    if (negative) ++i;
    const size_t digits = i;
    if (i < text_.size() && text_[i] == '0') {
      ++i;
    } else if (!Digits(i)) {
      return Malformed();
    }
    bool whole = true;
    if (i < text_.size() && text_[i] == '.') {
      whole = false;
      ++i;
      if (!Digits(i)) return Malformed();
    }
    if (i < text_.size() && (text_[i] == 'e' || text_[i] == 'E')) {
      whole = false;
      ++i;
      if (i < text_.size() && (text_[i] == '+' || text_[i] == '-')) ++i;
      if (!Digits(i)) return Malformed();
    }
    const std::string_view number = text_.substr(at_, i - at_);
    if (whole) {
      uint64_t value = 0;
      const auto [end, error] = std::from_chars(text_.data() + digits, text_.data() + i, value);
      if (error != std::errc{} || value > static_cast<uint64_t>(internal::kMaxExactInteger))
        return Refuse(Code::kOutOfRange, "an integer is beyond 2^53-1");
    } else {
      double value = 0;
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
      if (error != std::errc{} || number.size() > 64 || !internal::Survives(value, number))
        return Refuse(Code::kOutOfRange, "a number can't be kept exactly");
    }
    Push(whole ? Kind::kInteger : Kind::kDouble, i);
    return Done();
  }

  const std::string_view text_;
  const JsonLimits limits_;
  size_t at_ = 0;
  size_t members_ = 0;
  bool compact_ = true;
  std::vector<Frame> stack_;
  std::vector<JsonText::Node> nodes_;
  Error error_;
};

Result<JsonText> JsonText::Parse(std::string_view text, JsonLimits limits) {
  limits.max_size = std::min<size_t>(limits.max_size, UINT32_MAX - 1);  // what a Node can count
  KEEL_TRY_VOID(internal::CheckJsonText(text, limits));
  JsonScanner scanner(text, limits);
  if (!scanner.Run()) return std::unexpected<Error>(scanner.TakeError());
  JsonText result;
  result.text_ = text;
  result.nodes_ = scanner.TakeNodes();
  result.compact_ = scanner.compact();
  return result;
}

std::string_view JsonText::Value::raw() const { return text_->text_.substr(node().begin, node().end - node().begin); }

std::optional<std::string_view> JsonText::Value::View() const {
  if (!is_string() || node().escaped) return std::nullopt;
  const std::string_view quoted = raw();
  return quoted.substr(1, quoted.size() - 2);
}

std::string JsonText::Value::String() const {
  if (!is_string()) return {};
  if (const auto view = View()) return std::string(*view);
  const std::string_view quoted = raw();
  return Unescape(quoted.substr(1, quoted.size() - 2));
}

bool JsonText::Value::Equals(std::string_view text) const {
  if (!is_string()) return false;
  if (const auto view = View()) return *view == text;
  return String() == text;
}

std::optional<uint64_t> JsonText::Value::Uint() const {
  if (kind() != Kind::kInteger) return std::nullopt;
  const std::string_view digits = raw();
  if (digits == "-0") return 0;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

JsonText::Value::Iterator JsonText::Value::begin() const {
  Iterator it;
  it.text_ = text_;
  it.object_ = is_object();
  it.at_ = is_object() || is_array() ? index_ + 1 : node().next;
  return it;
}

JsonText::Value::Iterator JsonText::Value::end() const {
  Iterator it = begin();
  it.at_ = node().next;
  return it;
}

JsonText::Value JsonText::Value::Iterator::operator*() const { return {text_, object_ ? at_ + 1 : at_}; }
JsonText::Value JsonText::Value::Iterator::name() const { return {text_, at_}; }
JsonText::Value::Iterator& JsonText::Value::Iterator::operator++() {
  at_ = text_->nodes_[object_ ? at_ + 1 : at_].next;
  return *this;
}

size_t JsonText::Value::size() const {
  size_t count = 0;
  for (auto it = begin(); !(it == end()); ++it) ++count;
  return count;
}

std::optional<JsonText::Value> JsonText::Value::Find(std::string_view name) const {
  if (!is_object()) return std::nullopt;
  for (auto it = begin(); !(it == end()); ++it) {
    if (it.name().Equals(name)) return *it;
  }
  return std::nullopt;
}

void AppendJsonString(std::string& out, std::string_view text) {
  const bool plain = internal::SkipPlain(text, 0) == text.size() && IsUtf8(AsBytes(text));
  if (!plain) {
    // DumpJson itself comes here.
    out += nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

}  // namespace keel::base
