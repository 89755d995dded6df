// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/files.h"

namespace keel::base {
namespace {

constexpr size_t kMaxFile = 1 << 20;

std::string VariableOf(std::string_view key) {
  std::string out = "KEEL_";
  for (const char c : key) out += c == '.' || c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) out.emplace_back(item);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

bool IsUint(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

const char* TypeName(Config::Type type) {
  switch (type) {
    case Config::Type::kString: return "a string";
    case Config::Type::kUint: return "a whole number, 0 or more";
    case Config::Type::kBool: return "true or false";
    case Config::Type::kStrings: return "a list of strings";
  }
  return "";
}

std::string QuoteToml(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += "\\u00";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string ValueAsToml(const Config::Key& key, const std::string& text) {
  if (key.type == Config::Type::kUint) return text.empty() ? "0" : text;
  if (key.type == Config::Type::kBool) return text.empty() ? "false" : text;
  if (key.type == Config::Type::kString) return QuoteToml(text);
  std::string out = "[";
  for (const std::string& item : SplitList(text == "[]" ? "" : text))
    out += (out.size() > 1 ? ", " : "") + QuoteToml(item);
  return out + "]";
}

struct Leaf {
  std::string key, text;
  std::vector<std::string> list;
  Config::Type type = Config::Type::kString;
  bool known_type = true;
  uint32_t line = 0;
};

// Tables are flattened to dotted keys. The parser bounds nesting.
void Flatten(const toml::table& table, const std::string& prefix, std::vector<Leaf>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table()) {
      Flatten(*inner, key + ".", out);
      continue;
    }
    Leaf leaf;
    leaf.key = key;
    leaf.line = name.source().begin.line;
    if (const auto* text = node.as_string()) {
      leaf.text = text->get();
    } else if (const auto* number = node.as_integer()) {
      leaf.type = Config::Type::kUint;
      leaf.text = std::to_string(number->get());
      leaf.known_type = number->get() >= 0;
    } else if (const auto* boolean = node.as_boolean()) {
      leaf.type = Config::Type::kBool;
      leaf.text = boolean->get() ? "true" : "false";
    } else if (const toml::array* array = node.as_array()) {
      leaf.type = Config::Type::kStrings;
      for (const toml::node& item : *array) {
        const auto* word = item.as_string();
        leaf.known_type = leaf.known_type && word != nullptr;
        if (word != nullptr) leaf.list.push_back(word->get());
      }
    } else {
      leaf.known_type = false;
    }
    out.push_back(std::move(leaf));
  }
}

}  // namespace

Result<Config> Config::FromText(std::string_view text, const std::string& name, std::vector<Key> keys) {
  Config config;
  config.keys_ = std::move(keys);
  const toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& error = parsed.error();
    return Fail(Code::kUsage, "configuration",
                name + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
  std::vector<Leaf> leaves;
  Flatten(parsed.table(), "", leaves);
  for (Leaf& leaf : leaves) {
    const std::string where = name + ":" + std::to_string(leaf.line);
    const auto key =
        std::find_if(config.keys_.begin(), config.keys_.end(), [&](const Key& k) { return k.name == leaf.key; });
    if (key == config.keys_.end())
      return Fail(Code::kUsage, "configuration",
                  where + ": unknown key '" + leaf.key + "'; remove it or correct its spelling");
    if (!leaf.known_type || leaf.type != key->type)
      return Fail(Code::kUsage, "configuration", where + ": '" + leaf.key + "' must be " + TypeName(key->type));
    config.values_[leaf.key] = Value{std::move(leaf.text), std::move(leaf.list), where};
  }
  KEEL_TRY_VOID(config.ReadEnvironment());
  return config;
}

Result<Config> Config::Load(const std::string& path, std::vector<Key> keys, bool must_exist) {
  auto text = ReadFile(path, kMaxFile);
  if (!text && text.error().code == Code::kNotFound && !must_exist) return FromText("", path, std::move(keys));
  if (!text) return std::unexpected<Error>(std::move(text.error()));
  return FromText(*text, path, std::move(keys));
}

Result<> Config::ReadEnvironment() {
  for (const Key& key : keys_) {
    const std::string variable = VariableOf(key.name);
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr) KEEL_TRY_VOID(Put(key, value, variable));
  }
  return {};
}

Result<> Config::Put(const Key& key, std::string text, std::string origin) {
  Value value{std::move(text), {}, std::move(origin)};
  const bool wrong = (key.type == Type::kUint && !IsUint(value.text)) ||
                     (key.type == Type::kBool && value.text != "true" && value.text != "false");
  if (wrong)
    return Fail(Code::kUsage, "configuration",
                value.origin + ": '" + key.name + "' must be " + TypeName(key.type) + ", not '" +
                    value.text.substr(0, 100) + "'");
  if (key.type == Type::kStrings) value.list = SplitList(value.text);
  values_[key.name] = std::move(value);
  return {};
}

Result<> Config::SetFlag(std::string_view name, std::string text) {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == name; });
  if (key == keys_.end()) return Fail(Code::kUsage, "configuration", "unknown key '" + std::string(name) + "'");
  return Put(*key, std::move(text), "flag");
}

const Config::Key& Config::Find(std::string_view name, Type type) const {
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == name; });
  KEEL_ASSERT(key != keys_.end() && key->type == type);
  return *key;
}

std::string Config::GetString(std::string_view name) const {
  const Key& key = Find(name, Type::kString);
  const auto it = values_.find(name);
  return it != values_.end() ? it->second.text : key.fallback;
}

uint64_t Config::GetUint(std::string_view name) const {
  const Key& key = Find(name, Type::kUint);
  const auto it = values_.find(name);
  const std::string& text = it != values_.end() ? it->second.text : key.fallback;
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool Config::GetBool(std::string_view name) const {
  const Key& key = Find(name, Type::kBool);
  const auto it = values_.find(name);
  return (it != values_.end() ? it->second.text : key.fallback) == "true";
}

std::vector<std::string> Config::GetList(std::string_view name) const {
  const Key& key = Find(name, Type::kStrings);
  const auto it = values_.find(name);
  return it != values_.end() ? it->second.list : SplitList(key.fallback == "[]" ? "" : key.fallback);
}

bool Config::IsSet(std::string_view name) const { return values_.find(name) != values_.end(); }

std::string Config::Origin(std::string_view name) const {
  const auto it = values_.find(name);
  return it != values_.end() ? it->second.origin : "default";
}

std::string Config::Template(const std::vector<Key>& keys, const std::map<std::string, std::string>& values) {
  // TOML wants top-level keys before the first table.
  std::map<std::string, std::string> tables;
  std::vector<std::string> order;
  for (const Key& key : keys) {
    const size_t dot = key.name.find_last_of('.');
    const std::string table = dot == std::string::npos ? "" : key.name.substr(0, dot);
    const std::string leaf = dot == std::string::npos ? key.name : key.name.substr(dot + 1);
    const auto given = values.find(key.name);
    if (!tables.contains(table) && !table.empty()) order.push_back(table);
    std::string& text = tables[table];
    text += "# " + key.help + "\n";
    text += given != values.end() ? leaf + " = " + ValueAsToml(key, given->second) + "\n"
                                  : "#" + leaf + " = " + ValueAsToml(key, key.fallback) + "\n";
  }
  std::string out = tables[""];
  for (const std::string& table : order) out += "\n[" + table + "]\n" + tables[table];
  return out;
}

}  // namespace keel::base
