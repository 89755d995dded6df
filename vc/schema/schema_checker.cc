// SPDX-License-Identifier: Apache-2.0
#include "vc/schema/schema_checker.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/sha384.h"
#include "vc/schema/bundled.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxSchemas = 8;  // that one credential names

Result<std::shared_ptr<const SchemaStore::Loaded>> Load(std::string text) {
  KEEL_TRY(JsonSchema schema, JsonSchema::Compile(text));
  return std::make_shared<const SchemaStore::Loaded>(std::move(text), std::move(schema));
}

// A schema of ours that can't be compiled would be a bug: tests compile them all.
SchemaStore& OwnSchemas() {
  static SchemaStore store;
  return store;
}

// Whether the trouble lies in what the credential names and not in our reaching it.
bool IsSchemasFault(Code code) {
  return code == Code::kNotFound || code == Code::kUnsupported || code == Code::kMalformed || code == Code::kTooLarge ||
         code == Code::kDuplicate || code == Code::kOutOfRange || code == Code::kInvalidDid ||
         code == Code::kWrongNetwork;
}

}  // namespace

bool IsLedgerId(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

std::string LedgerName::Url() const { return author + (definition ? "/definitions/" : "/schemas/") + id; }

std::optional<LedgerName> LedgerName::Parse(std::string_view url) {
  const size_t slash = url.find('/');
  if (!url.starts_with("did:") || slash == std::string_view::npos) return std::nullopt;
  LedgerName name;
  name.author = url.substr(0, slash);
  std::string_view path = url.substr(slash);
  for (const bool definition : {false, true}) {
    const std::string_view prefix = definition ? "/definitions/" : "/schemas/";
    if (!path.starts_with(prefix) || !IsLedgerId(path.substr(prefix.size()))) continue;
    name.definition = definition;
    name.id = path.substr(prefix.size());
    return name;
  }
  return std::nullopt;
}

std::string DigestSri(std::string_view octets) { return "sha256-" + base::Base64(crypto::Sha256::Of(octets)); }

Result<bool> MatchesSri(std::string_view octets, std::string_view sri) {
  size_t best = 0;  // 1: sha256, 2: sha384, 3: sha512
  bool matches = false;
  while (!sri.empty()) {
    const size_t space = std::min(sri.find(' '), sri.size());
    const std::string_view one = sri.substr(0, space);
    sri.remove_prefix(std::min(space + 1, sri.size()));
    if (one.empty()) continue;
    const size_t dash = one.find('-');
    if (dash == std::string_view::npos) return Fail(Code::kMalformed, "digestSRI", std::string(one));
    const std::string_view kind = one.substr(0, dash);
    const size_t rank = kind == "sha256" ? 1 : kind == "sha384" ? 2 : kind == "sha512" ? 3 : 0;
    if (rank == 0 || rank < best) continue;
    std::string wanted;
    if (rank == 1) wanted = base::Base64(crypto::Sha256::Of(octets));
    if (rank == 2) wanted = base::Base64(crypto::Sha384(AsBytes(octets)));
    if (rank == 3) wanted = base::Base64(crypto::Sha512(AsBytes(octets)));
    const bool same = one.substr(dash + 1) == wanted;
    matches = rank > best ? same : matches || same;
    best = rank;
  }
  if (best == 0) return Fail(Code::kUnsupported, "digestSRI", "no digest of a kind that is known here");
  return matches;
}

Result<std::shared_ptr<const SchemaStore::Loaded>> SchemaStore::Get(const std::string& url) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = kept_.find(url); it != kept_.end()) return it->second;
  }
  std::string text;
  if (const BundledSchema* own = url.starts_with(kKeelSchemas) ? FindBundledSchema(url) : nullptr) {
    text = own->text;
  } else if (const auto given = options_.given.find(url); given != options_.given.end()) {
    text = given->second;
  } else if (const auto name = LedgerName::Parse(url); name && !name->definition && options_.from_ledger) {
    KEEL_TRY(text, options_.from_ledger(name->author, name->id));
  } else {
    return Fail(Code::kNotFound, "schema",
                url +
                    " is none of Keel's, none that was given and none on a ledger that can be asked here; schemas are "
                    "never fetched from the web");
  }
  KEEL_TRY(auto loaded, Load(std::move(text)));
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= options_.max_kept) kept_.erase(kept_.begin());
  kept_[url] = loaded;
  return loaded;
}

Result<SchemaChecker::Verdict> StoreSchemaChecker::Check(const json& credential, const std::string&) {
  Verdict verdict{true, {}};
  const auto note = [&](bool ok, const std::string& what) {
    verdict.ok = verdict.ok && ok;
    verdict.detail += (verdict.detail.empty() ? "" : "; ") + what;
  };
  const auto member = credential.find("credentialSchema");
  if (member == credential.end()) return verdict;
  const json list = member->is_array() ? *member : json::array({*member});
  if (list.size() > kMaxSchemas) return Verdict{false, "more than " + std::to_string(kMaxSchemas) + " schemas"};
  for (const json& item : list) {
    const auto id = base::GetString(item, "id");
    const auto type = base::GetString(item, "type");
    if (!id || !type) {
      note(false, "a credentialSchema without id or type");
      continue;
    }
    if (*type == kDefinitionType) continue;  // judged by vc/definition
    if (*type != kJsonSchemaType) {
      note(unknown_ == Unknown::kPassOver, *id + " is of type " + *type + ", which is not known here");
      continue;
    }
    const auto loaded = store_.Get(*id);
    if (!loaded) {
      if (!IsSchemasFault(loaded.error().code)) return std::unexpected<Error>(loaded.error());
      const bool passed = unknown_ == Unknown::kPassOver && loaded.error().code == Code::kNotFound;
      note(passed, (passed ? "not checked: " : *id + ": ") + loaded.error().detail);
      continue;
    }
    if (item.contains("digestSRI")) {
      const auto sri = base::GetString(item, "digestSRI");
      const auto same = sri ? MatchesSri((*loaded)->text, *sri) : std::unexpected<Error>(sri.error());
      if (!same || !*same) {
        note(false, *id + " isn't what its digestSRI says" + (same ? "" : ": " + same.error().Text()));
        continue;
      }
    }
    const auto wrong = (*loaded)->schema.Validate(credential);
    if (!wrong && wrong.error().code == Code::kInternalError) return std::unexpected<Error>(wrong.error());
    if (!wrong) {
      note(false, *id + ": " + wrong.error().Text());
    } else {
      note(wrong->empty(), *id + ": " + (wrong->empty() ? "met" : *wrong));
    }
  }
  return verdict;
}

Result<> CheckOwnSchemas(const json& credential) {
  const auto types = credential.find("type");
  if (types == credential.end() || !types->is_array()) return {};
  for (const json& type : *types) {
    if (!type.is_string() || FindBundledSchema(type.get_ref<const std::string&>()) == nullptr) continue;
    const std::string& name = type.get_ref<const std::string&>();
    if (name.starts_with(kKeelSchemas)) continue;
    KEEL_TRY(const auto loaded, OwnSchemas().Get(std::string(kKeelSchemas) + name + ".json"));
    KEEL_TRY(const std::string wrong, loaded->schema.Validate(credential));
    if (!wrong.empty()) return Fail(Code::kMalformed, "credential", "it is no " + name + ": " + wrong);
  }
  return {};
}

}  // namespace keel::vc
