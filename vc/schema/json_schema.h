// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

namespace keel::vc {

inline constexpr size_t kMaxSchema = 64 << 10;  // octets of a schema's text

// A JSON Schema 2020-12 within the allow-list of vc/schema/keywords.h, ready to judge. Immutable: const methods are
// safe concurrently.
class JsonSchema {
 public:
  // kUnsupported: a keyword, pattern or dialect that is not taken, by its name; kMalformed, kTooLarge.
  static Result<JsonSchema> Compile(std::string_view text);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  // Empty: the instance is valid. Else what is wrong and where, in a sentence. kTooLarge: the instance is beyond what
  // is judged (vc/schema/keywords.h).
  Result<std::string> Validate(const nlohmann::json& instance) const;
  const std::string& id() const { return id_; }  // $id, or empty

 private:
  struct Impl;
  JsonSchema();
  std::unique_ptr<Impl> impl_;
  std::string id_;
};

}  // namespace keel::vc
