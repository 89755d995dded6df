// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/terms.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "vc/data_model/model.h"
#include "vc/json_ld/to_rdf.h"

namespace keel::vc {
namespace {

using nlohmann::json;

// The document without anything but contexts, types and the way to them; nothing where there is no type. Credentials in
// a presentation are left out: each is judged by itself.
std::optional<json> Skeleton(const json& value, bool top) {
  if (value.is_array()) {
    json out = json::array();
    for (const json& item : value) {
      if (auto kept = Skeleton(item, false)) out.push_back(std::move(*kept));
    }
    return out.empty() ? std::nullopt : std::optional<json>(std::move(out));
  }
  if (!value.is_object()) return std::nullopt;
  json out = json::object();
  for (const auto& [name, member] : value.items()) {
    if (name == "@context" || name == "type" || name == "@type") {
      out[name] = member;
    } else if (member.is_structured() && !(top && (name == "verifiableCredential" || name == "proof"))) {
      if (auto kept = Skeleton(member, false)) out[name] = std::move(*kept);
    }
  }
  const bool says_nothing = out.empty() || (out.size() == 1 && out.contains("@context"));
  return says_nothing ? std::nullopt : std::optional<json>(std::move(out));
}

// The first type in an expanded document that led to no IRI; empty: none.
std::string Undefined(const json& expanded) {
  if (expanded.is_array()) {
    for (const json& item : expanded) {
      if (std::string found = Undefined(item); !found.empty()) return found;
    }
    return {};
  }
  if (!expanded.is_object() || expanded.contains("@value")) return {};
  for (const auto& [name, member] : expanded.items()) {
    if (name != "@type") {
      if (std::string found = Undefined(member); !found.empty()) return found;
      continue;
    }
    for (const json& type : member.is_array() ? member : json::array({member})) {
      if (type.is_string() && !IsUrl(type.get_ref<const std::string&>())) return type.get<std::string>();
    }
  }
  return {};
}

}  // namespace

Result<> CheckTerms(const json& document, const json_ld::ContextStore* contexts) {
  const auto skeleton = Skeleton(document, true);
  if (!skeleton) return {};
  const auto expanded =
      json_ld::Expand(*skeleton, contexts != nullptr ? *contexts : json_ld::BundledContexts(), json_ld::ToRdfOptions{});
  if (!expanded) return std::unexpected<Error>(expanded.error());
  if (const std::string type = Undefined(*expanded); !type.empty())
    return Fail(Code::kMalformed, "data model", "the type '" + type + "' is no URL, and no context defines it");
  return {};
}

}  // namespace keel::vc
