// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/terms.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_set>

#include "base/json_strict.h"
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

// The same as text, made without copying the document: what CheckTerms looks at and nothing else. False when it is too
// long to be remembered.
constexpr size_t kMaxKey = 1024;
bool AppendKey(const json& value, bool top, std::string& key) {
  if (key.size() > kMaxKey) return false;
  if (value.is_array()) {
    key += '[';
    for (const json& item : value) {
      if (!AppendKey(item, false, key)) return false;
    }
    key += ']';
    return true;
  }
  if (!value.is_object()) return true;
  key += '{';
  for (const auto& [name, member] : value.items()) {
    if (name == "@context" || name == "type" || name == "@type") {
      // Unmistakable: a text's length stands before it.
      const auto text = [&](const json& one) {
        if (!one.is_string()) {
          key += '=' + base::DumpJson(one);
        } else {
          const std::string& written = one.get_ref<const std::string&>();
          key += std::to_string(written.size()) + ':' + written;
        }
      };
      key += name + '(';
      if (member.is_array()) {
        for (const json& one : member) text(one);
      } else {
        key += '!';
        text(member);
      }
      key += ')';
    } else if (member.is_structured() && !(top && (name == "verifiableCredential" || name == "proof"))) {
      const size_t before = key.size();
      key += std::to_string(name.size()) + '.' + name;
      const size_t named = key.size();
      if (!AppendKey(member, false, key)) return false;
      if (key.size() == named + 2) key.resize(before);  // nothing in it
    }
  }
  key += '}';
  return key.size() <= kMaxKey;
}

// Documents that were found good with the bundled contexts, which never change: of a maker's thousand credentials one
// is expanded. When it is full it is emptied, whoever filled it.
class Known {
 public:
  bool Has(const std::string& key) {
    const std::shared_lock lock(mutex_);
    return keys_.contains(key);
  }
  void Add(std::string key) {
    const std::lock_guard lock(mutex_);
    if (keys_.size() >= kMax) keys_.clear();
    keys_.insert(std::move(key));
  }

 private:
  static constexpr size_t kMax = 512;
  std::shared_mutex mutex_;
  std::unordered_set<std::string> keys_;
};

Result<> Check(const json& document, const json_ld::ContextStore& contexts) {
  const auto skeleton = Skeleton(document, true);
  if (!skeleton) return {};
  const auto expanded = json_ld::Expand(*skeleton, contexts, json_ld::ToRdfOptions{});
  if (!expanded) return std::unexpected<Error>(expanded.error());
  if (const std::string type = Undefined(*expanded); !type.empty())
    return Fail(Code::kMalformed, "data model", "the type '" + type + "' is no URL, and no context defines it");
  return {};
}

}  // namespace

Result<> CheckTerms(const json& document, const json_ld::ContextStore* contexts) {
  if (contexts != nullptr && contexts != &json_ld::BundledContexts()) return Check(document, *contexts);
  static Known known;
  std::string key;
  const bool short_enough = AppendKey(document, true, key);
  if (short_enough && known.Has(key)) return {};
  KEEL_TRY_VOID(Check(document, json_ld::BundledContexts()));
  if (short_enough) known.Add(std::move(key));
  return {};
}

}  // namespace keel::vc
