// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace keel::base {

// A program's settings: flag > KEEL_* environment > TOML file > default. Keys are dotted ("listen", "limits.max_body");
// the variable of "limits.max_body" is KEEL_LIMITS_MAX_BODY. Immutable after loading but for SetFlag; const methods are
// safe concurrently.
class Config {
 public:
  enum class Type : uint8_t { kString, kUint, kBool, kStrings };
  struct Key {
    std::string name;
    Type type = Type::kString;
    std::string fallback;  // as text; "" is "not set" ("[]" for a list). Lists: comma-separated.
    std::string help;      // one line, for the configuration that init writes
  };

  // Reads the file if it exists (with `must_exist`: kNotFound otherwise) and the environment. kUsage, naming file and
  // line, for a key that isn't in `keys`, a value of the wrong type or bad TOML; KEEL_* variables that no key claims
  // are left alone (other programs' own).
  static Result<Config> Load(const std::string& path, std::vector<Key> keys, bool must_exist = false);
  // Parses `text` instead of a file; `name` stands in for the path in errors.
  static Result<Config> FromText(std::string_view text, const std::string& name, std::vector<Key> keys);

  // Sets what the command line said. kUsage for an unknown key or a wrong type.
  Result<> SetFlag(std::string_view key, std::string value);

  // Asking for a key that isn't declared, or by the wrong type, is a bug (KEEL_ASSERT). An unset string is "", number
  // 0, bool false, list empty.
  std::string GetString(std::string_view key) const;
  uint64_t GetUint(std::string_view key) const;
  bool GetBool(std::string_view key) const;
  std::vector<std::string> GetList(std::string_view key) const;
  bool IsSet(std::string_view key) const;
  // Where the value came from: "flag", "KEEL_LISTEN", "/etc/keel/issuer.toml:3", "default".
  std::string Origin(std::string_view key) const;

  // A TOML file with every key, its help as a comment, the defaults commented out, and `values` set.
  static std::string Template(const std::vector<Key>& keys, const std::map<std::string, std::string>& values = {});

 private:
  struct Value {
    std::string text;
    std::vector<std::string> list;
    std::string origin;
  };
  Result<> Put(const Key& key, std::string text, std::string origin);
  Result<> ReadEnvironment();
  const Key& Find(std::string_view key, Type type) const;
  std::vector<Key> keys_;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace keel::base
