// SPDX-License-Identifier: Apache-2.0
#include "vc/definition/definition.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc/common_checks.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Presence = CredentialDefinition::Presence;

constexpr size_t kMaxTypes = 8, kMaxNames = 16, kMaxKept = 1024;

std::unexpected<Error> Bad(std::string what) { return Fail(Code::kMalformed, "definition", std::move(what)); }

Result<std::vector<std::string>> Names(const json& object, const char* name, size_t most) {
  KEEL_TRY(std::vector<std::string> names, base::GetStrings(object, name));
  if (names.empty() || names.size() > most)
    return Bad(std::string(name) + ": 1 to " + std::to_string(most) + " are wanted");
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty() || std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) !=
                                names.begin() + static_cast<ptrdiff_t>(i))
      return Bad(std::string(name) + " has an empty element, or one twice");
  }
  return names;
}

constexpr std::pair<std::string_view, Presence> kPresences[] = {
    {"optional", Presence::kOptional}, {"required", Presence::kRequired}, {"forbidden", Presence::kForbidden}};

std::string_view NameOf(Presence presence) {
  for (const auto& [name, value] : kPresences) {
    if (value == presence) return name;
  }
  return "optional";
}

Result<Presence> ReadPresence(const json& object, const char* member) {
  KEEL_TRY(const std::optional<std::string> text, base::GetOptionalString(object, member));
  if (!text) return Presence::kOptional;
  for (const auto& [name, value] : kPresences) {
    if (name == *text) return value;
  }
  return Bad(std::string("validity.") + member + " is optional, required or forbidden");
}

// The members that content and an author's file have in common.
Result<> ReadRules(const json& object, CredentialDefinition& out) {
  KEEL_TRY(out.types, Names(object, "types", kMaxTypes));
  KEEL_TRY(out.formats, Names(object, "formats", kMaxNames));
  KEEL_TRY(out.algorithms, Names(object, "algorithms", kMaxNames));
  KEEL_TRY(const std::optional<std::string> base, base::GetOptionalString(object, "statusList"));
  out.status_base = base.value_or("");
  if (base && out.status_base.find(':') == std::string::npos) return Bad("statusList is no URL");
  if (object.contains("validity")) {
    KEEL_TRY(const json* validity, base::GetObject(object, "validity"));
    KEEL_TRY_VOID(base::OnlyMembers(*validity, {"from", "until", "maxSeconds"}));
    KEEL_TRY(out.valid_from, ReadPresence(*validity, "from"));
    KEEL_TRY(out.valid_until, ReadPresence(*validity, "until"));
    KEEL_TRY(const std::optional<uint64_t> most, base::GetOptionalUint(*validity, "maxSeconds"));
    out.max_seconds = most.value_or(0);
    if (out.max_seconds != 0 && (out.valid_from != Presence::kRequired || out.valid_until != Presence::kRequired))
      return Bad("validity.maxSeconds needs from and until to be required");
  }
  return {};
}

std::string IssuerOf(const json& credential) {
  const auto issuer = credential.find("issuer");
  if (issuer == credential.end()) return {};
  if (issuer->is_string()) return issuer->get<std::string>();
  return base::GetString(*issuer, "id").value_or("");
}

std::vector<const json*> Each(const json& object, const char* name) {
  std::vector<const json*> out;
  const auto member = object.find(name);
  if (member == object.end()) return out;
  if (!member->is_array()) return {&*member};
  for (const json& item : *member) out.push_back(&item);
  return out;
}

bool Has(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string Joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) out += (out.empty() ? "" : "; ") + one;
  return out;
}

// Codes of "input and encoding": what was read is not what it should be.
bool IsOfContent(Code code) { return code >= Code::kMalformed && code < Code::kBadSignature; }

// Text that names something, compared as it stands: a base without '/' at its end would take a longer host name for
// its own.
bool Under(std::string_view url, std::string_view base) {
  return url.starts_with(base) && (base.ends_with('/') || url.size() == base.size() || url[base.size()] == '/');
}

}  // namespace

json CredentialDefinition::Content() const {
  json out = {{"v", 1}, {"types", types}, {"digest", digest}, {"formats", formats}, {"algorithms", algorithms}};
  if (!status_base.empty()) out["statusList"] = status_base;
  json validity = json::object();
  if (valid_from != Presence::kOptional) validity["from"] = NameOf(valid_from);
  if (valid_until != Presence::kOptional) validity["until"] = NameOf(valid_until);
  if (max_seconds != 0) validity["maxSeconds"] = max_seconds;
  if (!validity.empty()) out["validity"] = std::move(validity);
  return out;
}

Result<CredentialDefinition> CredentialDefinition::FromContent(const std::string& author, const std::string& id,
                                                               const std::string& schema, std::string_view content) {
  KEEL_TRY(const json object, base::ParseJson(content));
  KEEL_TRY(const uint64_t version, base::GetUint(object, "v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "definition", "v is " + std::to_string(version));
  KEEL_TRY_VOID(base::OnlyMembers(object, {"v", "types", "digest", "formats", "algorithms", "statusList", "validity"}));
  CredentialDefinition out;
  out.author = author;
  out.id = id;
  out.schema = schema;
  KEEL_TRY(out.digest, base::GetString(object, "digest"));
  KEEL_TRY_VOID(MatchesSri("", out.digest));
  KEEL_TRY_VOID(ReadRules(object, out));
  return out;
}

Result<CredentialDefinition> CredentialDefinition::FromJson(const json& object) {
  if (!object.is_object()) return Bad("no object");
  KEEL_TRY_VOID(
      base::OnlyMembers(object, {"types", "schema", "digest", "formats", "algorithms", "statusList", "validity"}));
  CredentialDefinition out;
  KEEL_TRY(out.schema, base::GetString(object, "schema"));
  KEEL_TRY(const std::optional<std::string> digest, base::GetOptionalString(object, "digest"));
  if (digest) KEEL_TRY_VOID(MatchesSri("", *digest));
  out.digest = digest.value_or("");
  KEEL_TRY_VOID(ReadRules(object, out));
  return out;
}

std::vector<std::string> CredentialDefinition::Breaches(const json& credential, const Securing& securing) const {
  std::vector<std::string> out;
  const auto breach = [&](std::string what) { out.push_back(std::move(what)); };
  if (IssuerOf(credential) != author) breach("the issuer is " + IssuerOf(credential) + ", not " + author);
  const auto given = base::GetStrings(credential, "type").value_or(std::vector<std::string>());
  for (const std::string& type : types) {
    if (!Has(given, type)) breach("the type " + type + " is missing");
  }
  for (const std::string& type : given) {
    if (type != "VerifiableCredential" && !Has(types, type)) breach("the type " + type + " isn't in it");
  }
  if (!Has(formats, securing.format)) breach("it isn't secured as " + securing.format + ", but as " + Joined(formats));
  if (!Has(algorithms, securing.algorithm))
    breach("the algorithm " + securing.algorithm + " isn't allowed, " + Joined(algorithms) + " is");
  if (!status_base.empty()) {
    bool revocable = false;
    for (const json* status : Each(credential, "credentialStatus")) {
      const std::string list = base::GetString(*status, "statusListCredential").value_or("");
      if (!Under(list, status_base)) breach("the status list " + list + " isn't under " + status_base);
      revocable = revocable || base::GetString(*status, "statusPurpose").value_or("") == "revocation";
    }
    if (!revocable) breach("it has no status for revocation");
  }
  const auto hold = [&](const char* name, Presence presence) {
    const bool there = credential.contains(name);
    if (presence == Presence::kRequired && !there) breach(std::string(name) + " is missing");
    if (presence == Presence::kForbidden && there) breach(std::string(name) + " must not be there");
  };
  hold("validFrom", valid_from);
  hold("validUntil", valid_until);
  if (max_seconds != 0) {
    const auto from = base::GetTime(credential, "validFrom"), until = base::GetTime(credential, "validUntil");
    if (!from || !until || *until < *from || *until - *from > max_seconds)
      breach("it is valid for more than " + std::to_string(max_seconds) + " seconds");
  }
  if (NamedDefinition(credential) != Url()) breach("it names another definition, or none");
  return out;
}

void CredentialDefinition::Name(json& credential) const {
  const json own = {{"id", Url()}, {"type", kDefinitionType}};
  json& schemas = credential["credentialSchema"];
  if (schemas.is_null()) {
    schemas = own;
    return;
  }
  json list = json::array({own});
  if (schemas.is_array()) {
    for (const json& item : schemas) list.push_back(item);
  } else {
    list.push_back(schemas);
  }
  schemas = std::move(list);
}

std::string NamedDefinition(const json& credential) {
  if (!credential.is_object()) return {};
  for (const json* schema : Each(credential, "credentialSchema")) {
    if (base::GetString(*schema, "type").value_or("") == kDefinitionType)
      return base::GetString(*schema, "id").value_or("");
  }
  return {};
}

Result<CredentialDefinition> DefinitionBook::Get(const std::string& author, const std::string& id) {
  const std::string url = LedgerName{true, author, id}.Url();
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = kept_.find(url); it != kept_.end()) return it->second;
  }
  if (!from_ledger_) return Fail(Code::kNotFound, "definition", "no ledger can be asked here about " + url);
  KEEL_TRY(const Anchored anchored, from_ledger_(author, id));
  KEEL_TRY(CredentialDefinition definition,
           CredentialDefinition::FromContent(author, id, anchored.schema, anchored.content));
  const std::lock_guard lock(mutex_);
  if (kept_.size() >= kMaxKept) kept_.clear();
  kept_[url] = definition;
  return definition;
}

Result<std::vector<std::string>> DefinitionBook::Judge(const CredentialDefinition& definition, const json& credential,
                                                       const Securing& securing) {
  std::vector<std::string> breaches = definition.Breaches(credential, securing);
  KEEL_TRY(const auto schema, schemas_.Get(definition.schema));
  KEEL_TRY(const bool same, MatchesSri(schema->text, definition.digest));
  if (!same) {
    breaches.push_back("the schema " + definition.schema + " isn't the one that the definition was made for");
    return breaches;
  }
  const auto wrong = schema->schema.Validate(credential);
  if (!wrong && wrong.error().code == Code::kInternalError) return std::unexpected<Error>(wrong.error());
  if (!wrong || !wrong->empty()) breaches.push_back("against its schema: " + (wrong ? *wrong : wrong.error().Text()));
  return breaches;
}

Result<> DefinitionBook::CheckIssue(const CredentialDefinition& definition, const json& credential,
                                    const Securing& securing) {
  KEEL_TRY(const std::vector<std::string> breaches, Judge(definition, credential, securing));
  if (breaches.empty()) return {};
  return Fail(Code::kRefused, "issue",
              "outside the credential definition " + definition.Url() + ": " + Joined(breaches));
}

Result<> DefinitionBook::AddCheck(Verification& verification, const json& credential, const Securing& securing,
                                  bool required) {
  if (!Holds(verification, kCheckSignature)) return {};
  if (verification.Find(kCheckTrust) != nullptr && !Holds(verification, kCheckTrust)) return {};
  const std::string url = NamedDefinition(credential);
  if (url.empty()) {
    if (required) Note(verification, kCheckDefinition, false, "the credential names no credential definition");
    return {};
  }
  const auto name = LedgerName::Parse(url);
  if (!name || !name->definition) {
    Note(verification, kCheckDefinition, false, url + " is no definition on a ledger");
    return {};
  }
  if (name->author != verification.credential.issuer) {
    Note(verification, kCheckDefinition, false, url + " is another's, the issuer is " + verification.credential.issuer);
    return {};
  }
  auto definition = Get(name->author, name->id);
  auto breaches = definition ? Judge(*definition, credential, securing)
                             : Result<std::vector<std::string>>(std::unexpected<Error>(definition.error()));
  if (!breaches) {
    // What the issuer anchored is the issuer's fault; what we can't reach isn't.
    const Code code = breaches.error().code;
    if (!IsSendersFault(code) && code != Code::kUnknownVersion && !IsOfContent(code))
      return std::unexpected<Error>(std::move(breaches.error()));
    Note(verification, kCheckDefinition, false, url + ": " + breaches.error().Text());
    return {};
  }
  Note(verification, kCheckDefinition, breaches->empty(), breaches->empty() ? url : url + ": " + Joined(*breaches));
  return {};
}

}  // namespace keel::vc
