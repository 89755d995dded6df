// SPDX-License-Identifier: Apache-2.0
#include "verifier/policy.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "base/json_strict.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

constexpr size_t kMaxRules = 256;
constexpr size_t kMaxTrusted = 256;

constexpr std::array<std::pair<std::string_view, Comparison>, 11> kComparisons{{
    {"eq", Comparison::kEquals},
    {"ne", Comparison::kDiffers},
    {"in", Comparison::kOneOf},
    {"not_in", Comparison::kNoneOf},
    {"exists", Comparison::kExists},
    {"absent", Comparison::kAbsent},
    {"ge", Comparison::kAtLeast},
    {"le", Comparison::kAtMost},
    {"version_ge", Comparison::kVersionAtLeast},
    {"version_lt", Comparison::kVersionBelow},
    {"prefix", Comparison::kPrefix},
}};

std::string_view NameOf(Comparison comparison) {
  for (const auto& [name, value] : kComparisons) {
    if (value == comparison) return name;
  }
  return "";
}

bool TakesArray(Comparison c) { return c == Comparison::kOneOf || c == Comparison::kNoneOf; }
bool TakesNothing(Comparison c) { return c == Comparison::kExists || c == Comparison::kAbsent; }
bool TakesNumber(Comparison c) { return c == Comparison::kAtLeast || c == Comparison::kAtMost; }
bool TakesText(Comparison c) {
  return c == Comparison::kVersionAtLeast || c == Comparison::kVersionBelow || c == Comparison::kPrefix;
}

// The value at an RFC 6901 pointer, or null. Written by hand because the library's own throws on what isn't there.
const json* At(const json& root, std::string_view pointer) {
  const json* at = &root;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const size_t slash = pointer.find('/');
    std::string token(pointer.substr(0, slash));
    pointer = slash == std::string_view::npos ? std::string_view{} : pointer.substr(slash);
    for (size_t i = 0; (i = token.find('~', i)) != std::string::npos; ++i) {
      if (i + 1 >= token.size()) return nullptr;
      token.replace(i, 2, token[i + 1] == '1' ? "/" : "~");
    }
    if (at->is_object()) {
      const auto found = at->find(token);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      const bool digits = !token.empty() && token.size() < 7 &&
                          std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) return nullptr;
      const size_t index = std::stoul(token);
      if (index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

bool Contains(const json& array, const json& value) {
  return std::any_of(array.begin(), array.end(), [&](const json& item) { return item == value; });
}

// Whether the rule's comparison holds. `seen` is null when the field is missing.
bool Holds(Comparison comparison, const json* seen, const json& wanted) {
  switch (comparison) {
    case Comparison::kExists: return seen != nullptr && !seen->is_null();
    case Comparison::kAbsent: return seen == nullptr || seen->is_null();
    case Comparison::kDiffers: return seen == nullptr || *seen != wanted;
    case Comparison::kNoneOf: return seen == nullptr || !Contains(wanted, *seen);
    case Comparison::kEquals: return seen != nullptr && *seen == wanted;
    case Comparison::kOneOf: return seen != nullptr && Contains(wanted, *seen);
    case Comparison::kAtLeast:
      return seen != nullptr && seen->is_number() && seen->get<double>() >= wanted.get<double>();
    case Comparison::kAtMost:
      return seen != nullptr && seen->is_number() && seen->get<double>() <= wanted.get<double>();
    case Comparison::kVersionAtLeast:
      return seen != nullptr && seen->is_string() &&
             CompareVersions(seen->get<std::string>(), wanted.get<std::string>()) >= 0;
    case Comparison::kVersionBelow:
      return seen != nullptr && seen->is_string() &&
             CompareVersions(seen->get<std::string>(), wanted.get<std::string>()) < 0;
    case Comparison::kPrefix:
      return seen != nullptr && seen->is_string() && seen->get<std::string>().starts_with(wanted.get<std::string>());
  }
  return false;
}

std::unexpected<Error> Bad(const std::string& what) { return Fail(Code::kMalformed, "policy", what); }

Result<Rule> ParseRule(const json& item, size_t number) {
  const std::string where = "rule " + std::to_string(number) + ": ";
  if (!item.is_object()) return Bad(where + "is no object");
  for (const auto& member : item.items()) {
    static const std::set<std::string> kKnown{"field", "op", "value", "why"};
    if (!kKnown.contains(member.key())) {
      return Bad(where + "unknown member \"" + member.key() + "\"; known are field, op, value, why");
    }
  }
  Rule rule;
  if (!item.contains("field") || !item["field"].is_string())
    return Bad(where + "needs \"field\", a JSON pointer such as /hardware/microcontroller");
  rule.field = item["field"].get<std::string>();
  if (rule.field.empty() || rule.field[0] != '/') return Bad(where + "field \"" + rule.field + "\" must begin with /");
  if (!item.contains("op") || !item["op"].is_string()) return Bad(where + "needs \"op\"");
  const std::string op = item["op"].get<std::string>();
  const auto* const found =
      std::find_if(kComparisons.begin(), kComparisons.end(), [&](const auto& c) { return c.first == op; });
  if (found == kComparisons.end()) {
    return Bad(where + "unknown op \"" + op +
               "\"; known are eq, ne, in, not_in, exists, absent, ge, le, version_ge, version_lt, prefix");
  }
  rule.comparison = found->second;
  const json value = item.contains("value") ? item["value"] : json();
  if (TakesArray(rule.comparison) && !value.is_array()) return Bad(where + "op \"" + op + "\" needs an array as value");
  if (TakesNumber(rule.comparison) && !value.is_number())
    return Bad(where + "op \"" + op + "\" needs a number as value");
  if (TakesText(rule.comparison) && !value.is_string()) return Bad(where + "op \"" + op + "\" needs a string as value");
  if (!TakesNothing(rule.comparison) && !item.contains("value")) return Bad(where + "op \"" + op + "\" needs a value");
  rule.wanted = value.dump();
  if (item.contains("why")) {
    if (!item["why"].is_string()) return Bad(where + "why must be a string");
    rule.why = item["why"].get<std::string>();
  }
  return rule;
}

}  // namespace

int CompareVersions(const std::string& a, const std::string& b) {
  size_t i = 0;
  size_t j = 0;
  const auto part = [](const std::string& text, size_t& at) {
    const size_t end = std::min(text.find('.', at), text.size());
    std::string piece = at < text.size() ? text.substr(at, end - at) : std::string();
    at = end + 1;
    return piece;
  };
  const auto is_number = [](const std::string& s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  while (i < a.size() || j < b.size()) {
    std::string x = part(a, i);
    std::string y = part(b, j);
    const bool x_number = is_number(x);
    const bool y_number = is_number(y);
    if (x_number != y_number) return x_number ? -1 : 1;
    if (x_number) {
      x.erase(0, std::min(x.find_first_not_of('0'), x.size()));
      y.erase(0, std::min(y.find_first_not_of('0'), y.size()));
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
    }
    if (const int order = x.compare(y); order != 0) return order < 0 ? -1 : 1;
  }
  return 0;
}

Result<Policy> Policy::Parse(const std::string& json_text) {
  KEEL_TRY(const json document, base::ParseJson(json_text));
  if (!document.is_object()) return Bad("is no JSON object");
  for (const auto& member : document.items()) {
    static const std::set<std::string> kKnown{"v", "trustedManufacturers", "rules"};
    if (!kKnown.contains(member.key())) {
      return Bad("unknown member \"" + member.key() + "\"; known are v, trustedManufacturers, rules");
    }
  }
  if (!document.contains("v") || document["v"] != 1) return Bad("needs \"v\": 1");
  Policy policy;
  if (document.contains("trustedManufacturers")) {
    const json& list = document["trustedManufacturers"];
    if (!list.is_array() || list.size() > kMaxTrusted)
      return Bad("trustedManufacturers must be an array of at most 256 DIDs");
    for (const json& did : list) {
      if (!did.is_string() || !did.get<std::string>().starts_with("did:"))
        return Bad("trustedManufacturers: " + did.dump() + " is no DID");
      policy.trusted_.push_back(did.get<std::string>());
    }
  }
  if (document.contains("rules")) {
    const json& list = document["rules"];
    if (!list.is_array() || list.size() > kMaxRules) return Bad("rules must be an array of at most 256");
    for (const json& item : list) {
      KEEL_TRY(Rule rule, ParseRule(item, policy.rules_.size() + 1));
      policy.rules_.push_back(std::move(rule));
    }
  }
  return policy;
}

Policy Policy::Default() { return {}; }

Judgement Policy::Judge(const json& facts) const {
  Judgement judgement;
  judgement.accepted = true;
  const auto add = [&](RuleOutcome outcome) {
    judgement.accepted = judgement.accepted && outcome.ok;
    judgement.outcomes.push_back(std::move(outcome));
  };
  if (!trusted_.empty()) {
    RuleOutcome outcome;
    const std::string maker = facts.value("manufacturer", std::string());
    outcome.rule = "/manufacturer is trusted";
    outcome.seen = maker.empty() ? "nothing" : json(maker).dump();
    outcome.wanted = json(trusted_).dump();
    outcome.why = "the hardware credential's issuer is on the list of trusted manufacturers";
    outcome.ok = std::find(trusted_.begin(), trusted_.end(), maker) != trusted_.end();
    add(std::move(outcome));
  }
  for (const Rule& rule : rules_) {
    const json* seen = At(facts, rule.field);
    const json wanted = base::ParseJson(rule.wanted).value_or(json());
    RuleOutcome outcome;
    outcome.rule = rule.field + " " + std::string(NameOf(rule.comparison)) +
                   (TakesNothing(rule.comparison) ? "" : " " + rule.wanted);
    outcome.seen = seen == nullptr ? "nothing" : seen->dump();
    outcome.wanted = rule.comparison == Comparison::kExists   ? "anything"
                     : rule.comparison == Comparison::kAbsent ? "nothing"
                                                              : rule.wanted;
    outcome.why = rule.why;
    outcome.ok = Holds(rule.comparison, seen, wanted);
    add(std::move(outcome));
  }
  return judgement;
}

std::string Judgement::Sentence() const {
  for (const RuleOutcome& outcome : outcomes) {
    if (outcome.ok) continue;
    return "refused: " + outcome.rule + " is not met, seen " + outcome.seen +
           (outcome.why.empty() ? "" : " (" + outcome.why + ")");
  }
  return outcomes.empty() ? "accepted: no rule was asked for"
                          : "accepted: all " + std::to_string(outcomes.size()) + " rules are met";
}

json Judgement::ToJson() const {
  json list = json::array();
  for (const RuleOutcome& outcome : outcomes) {
    list.push_back({{"rule", outcome.rule},
                    {"seen", outcome.seen},
                    {"wanted", outcome.wanted},
                    {"why", outcome.why},
                    {"ok", outcome.ok}});
  }
  return {{"accepted", accepted}, {"sentence", Sentence()}, {"rules", std::move(list)}};
}

std::string Policy::ToText() const {
  json list = json::array();
  for (const Rule& rule : rules_) {
    json item = {{"field", rule.field}, {"op", NameOf(rule.comparison)}};
    if (!TakesNothing(rule.comparison)) item["value"] = base::ParseJson(rule.wanted).value_or(json());
    if (!rule.why.empty()) item["why"] = rule.why;
    list.push_back(std::move(item));
  }
  return json{{"v", 1}, {"trustedManufacturers", trusted_}, {"rules", std::move(list)}}.dump(2);
}

}  // namespace keel::verifier
