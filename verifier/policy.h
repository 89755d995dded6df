// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/result.h"

// The owner's policy: which devices it takes in. A policy is a list of rules over facts; judging lists every rule with
// what was seen and what was wanted, whether it passed or not, so that a refusal explains itself.
namespace keel::verifier {

// How a rule compares what it sees with what it wants.
enum class Comparison : uint8_t {
  kEquals,          // "eq"
  kDiffers,         // "ne"
  kOneOf,           // "in": value is an array
  kNoneOf,          // "not_in"
  kExists,          // "exists": value ignored
  kAbsent,          // "absent"
  kAtLeast,         // "ge": numbers
  kAtMost,          // "le": numbers
  kVersionAtLeast,  // "version_ge": dotted numbers, compared number by number ("1.10.0" is over "1.9")
  kVersionBelow,    // "version_lt"
  kPrefix,          // "prefix": strings
};

// One rule: `field` is a JSON pointer (RFC 6901) into the facts.
struct Rule {
  std::string field;
  Comparison comparison = Comparison::kExists;
  std::string wanted;  // JSON text of the value
  std::string why;     // a sentence for people; may be empty
};

// One line of a judgement.
struct RuleOutcome {
  std::string rule;    // "/hardware/microcontroller in [\"stm32u5\"]"
  std::string seen;    // JSON text, or "nothing"
  std::string wanted;  // JSON text, "anything", "nothing", or a sentence where a check wants no one value
  std::string why;
  bool ok = false;
};

struct Judgement {
  bool accepted = false;
  std::vector<RuleOutcome> outcomes;
  // The first refusal in a sentence, or that all rules were met.
  std::string Sentence() const;
  nlohmann::json ToJson() const;
};

// Immutable once parsed; const methods are safe concurrently.
class Policy {
 public:
  // Reads {"v":1,"trustedManufacturers":[DID...],"rules":[{"field","op","value","why"}...]}.
  // Unknown members, operators and malformed pointers are kMalformed, named in the detail. At most 256 rules.
  static Result<Policy> Parse(const std::string& json_text);
  // What holds when an owner has set none: no rule. The manufacturer whose HardwareCredential came with the sale is
  // trusted (HardwareCheck).
  static Policy Default();

  // Facts: {"manufacturer": DID, "hardware": credentialSubject, "assuranceLevel", "firmware": {"version","digest"},
  // "status": {"checked","ok","set","version","ageSeconds",...}, "evidence": {...}} (docs/formats/policy.md). A rule
  // whose field is missing fails, except "absent", "ne" and "not_in".
  Judgement Judge(const nlohmann::json& facts) const;

  const std::vector<std::string>& trusted_manufacturers() const { return trusted_; }
  const std::vector<Rule>& rules() const { return rules_; }
  std::string ToText() const;

 private:
  std::vector<std::string> trusted_;
  std::vector<Rule> rules_;
};

// Compares dotted versions number by number; missing parts count as 0; a part that is no number compares as text after
// numbers. Negative, zero or positive like strcmp.
int CompareVersions(const std::string& a, const std::string& b);

}  // namespace keel::verifier
