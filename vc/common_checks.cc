// SPDX-License-Identifier: Apache-2.0
#include "vc/common_checks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "did/methods/keel.h"
#include "vc/data_model/model.h"
#include "vc/data_model/related_resource.h"
#include "vc/data_model/terms.h"
#include "vc/status_list/entry.h"

namespace keel::vc {
namespace {

using nlohmann::json;

void CheckValidity(Verification& verification, UnixSeconds now) {
  const Credential& credential = verification.credential;
  if (credential.valid_from && !NotBeforeOk(*credential.valid_from, now)) {
    Note(verification, kCheckValidity, false,
         "valid from " + base::Rfc3339(*credential.valid_from) + ", now is " + base::Rfc3339(now));
  } else if (credential.valid_until && !NotAfterOk(*credential.valid_until, now)) {
    Note(verification, kCheckValidity, false,
         "expired at " + base::Rfc3339(*credential.valid_until) + ", now is " + base::Rfc3339(now));
  } else {
    Note(verification, kCheckValidity, true,
         credential.valid_until ? "until " + base::Rfc3339(*credential.valid_until) : "no end");
  }
}

Result<> CheckStatus(Verification& verification, const VerifyOptions& options) {
  const Credential& credential = verification.credential;
  if (options.ignore_status || credential.status.empty()) return {};
  bool ok = true;
  std::string detail;
  for (const StatusEntry& entry : credential.status) {
    if (!detail.empty()) detail += "; ";
    if (entry.type != kStatusEntryType) {
      ok = false;
      detail += "status type '" + entry.type + "' is not known here";
      continue;
    }
    if (options.status == nullptr)
      return Fail(Code::kUnavailable, "verify credential",
                  "the credential has a status, and nothing to check it with was given");
    if (!options.now) return Fail(Code::kInvalidArgument, "verify credential", "a status check needs the time");
    KEEL_TRY(const StatusChecker::Status status, options.status->Check(entry, credential.issuer, *options.now));
    if (!status.problem.empty()) {
      ok = false;
      detail += entry.purpose + ": " + status.problem + ": " + status.detail;
      continue;
    }
    if (status.set) {
      if (Invalidates(entry.purpose)) ok = false;
      verification.statuses.push_back(entry.purpose);
    }
    if (!status.fresh) ok = false;
    detail += entry.purpose + (status.set ? ": set" : ": not set");
    if (!entry.messages.empty()) detail += ", '" + status.message + "'";
    detail += " (list version " + std::to_string(status.version) + (status.fresh ? ")" : ", outdated)");
    if (!status.detail.empty()) detail += " " + status.detail;
  }
  Note(verification, kCheckStatus, ok, std::move(detail));
  return {};
}

std::string UseName(did::Relationship use) {
  return use == did::Relationship::kAssertionMethod ? "assertion" : std::string(did::RelationshipName(use));
}

// A key that is current under the relationship.
Result<KeyChoice> CurrentKey(const std::string& controller, const std::string& key_id, did::Relationship use,
                             did::DidResolver& resolver, const VerifyOptions& options) {
  KeyChoice choice;
  auto result = resolver.Resolve(controller);
  if (!result) {
    if (!options.given_keys.empty()) {
      choice.ok = true;
      choice.keys = options.given_keys;
      choice.detail =
          "a key that was given for " + controller + ", which doesn't resolve (" + result.error().Text() + ")";
      return choice;
    }
    if (!IsSendersFault(result.error().code)) return std::unexpected<Error>(result.error());
    choice.detail = controller + ": " + result.error().Text();
    return choice;
  }
  if (result->deactivated) {
    choice.detail = controller + " is deactivated";
    return choice;
  }
  if (key_id.empty()) {
    choice.detail = "no key is named";
    return choice;
  }
  const did::VerificationMethod* method = result->document->FindFor(use, key_id);
  if (method == nullptr) {
    choice.detail = key_id + " is not a current " + UseName(use) + " key of " + controller;
    return choice;
  }
  if (!method->controller.empty() && method->controller != result->document->id && method->controller != controller) {
    choice.detail = key_id + " is controlled by " + method->controller + ", not by " + controller;
    return choice;
  }
  if (!method->key.valid()) {
    return Fail(Code::kUnsupported, "verify credential",
                key_id + " has a key of type " + method->type + " that is not supported");
  }
  choice.ok = true;
  choice.keys.push_back(method->key);
  choice.detail = key_id + " is a current " + UseName(use) + " key of " + controller;
  return choice;
}

// Keys that were good at a place in the log (protocol.md sections 1 and 7).
Result<KeyChoice> KeysAt(const std::string& controller, const std::string& key_id, did::Relationship use,
                         uint64_t log_index, registry_client::HistorySource& histories) {
  KeyChoice choice;
  auto history = histories.ResolveDid(controller);
  if (!history) {
    if (!IsSendersFault(history.error().code)) return std::unexpected<Error>(history.error());
    choice.detail = controller + ": " + history.error().Text();
    return choice;
  }
  KEEL_TRY(const std::vector<crypto::PublicKey> keys, did::KeysOfId(*history, did::FragmentOf(key_id)));
  for (const crypto::PublicKey& key : keys) {
    KEEL_TRY(const bool good, did::KeyGoodAt(*history, key, use, log_index));
    if (good) choice.keys.push_back(key);
  }
  choice.ok = !choice.keys.empty();
  choice.detail = key_id + (choice.ok ? " was" : " was not") + " a good " + UseName(use) + " key of " + controller +
                  " at log index " + std::to_string(log_index);
  return choice;
}

Result<> CheckSchema(Verification& verification, const json& document, const VerifyOptions& options) {
  if (options.schemas == nullptr || !document.contains("credentialSchema")) return {};
  KEEL_TRY(SchemaChecker::Verdict verdict, options.schemas->Check(document, verification.credential.issuer));
  Note(verification, kCheckSchema, verdict.ok, std::move(verdict.detail));
  return {};
}

}  // namespace

void Note(Verification& verification, std::string_view name, bool ok, std::string detail) {
  verification.checks.push_back({std::string(name), ok, std::move(detail)});
}

bool IsSendersFault(Code code) {
  return code == Code::kNotFound || code == Code::kInvalidDid || code == Code::kInvalidDidUrl ||
         code == Code::kInvalidDidDocument || code == Code::kWrongNetwork;
}

bool Holds(const Verification& verification, std::string_view name) {
  const Check* check = verification.Find(name);
  return check != nullptr && check->ok;
}

Result<KeyChoice> ChooseKeys(const std::string& controller, const std::string& key_id, did::Relationship use,
                             did::DidResolver& resolver, const VerifyOptions& options,
                             std::optional<uint64_t> log_index) {
  KeyChoice choice;
  if (key_id.empty() && options.given_keys.empty()) {
    choice.detail = "no key is named";
    return choice;
  }
  const bool foreign =
      key_id.find('#') != std::string::npos && !key_id.starts_with('#') && did::DidOf(key_id) != controller;
  if (foreign && (options.given_keys.empty() || did::IsDid(controller))) {
    choice.detail = "the key " + key_id + " is not of " + controller;
    return choice;
  }
  if (log_index && options.ledger.histories != nullptr)
    return KeysAt(controller, key_id, use, *log_index, *options.ledger.histories);
  return CurrentKey(controller, key_id, use, resolver, options);
}

std::string ContentTypeOf(const did::Jws& jws) {
  const auto header = base::ParseJson(jws.header);
  if (!header || !header->contains("cty")) return {};
  std::string cty = (*header)["cty"].is_string() ? (*header)["cty"].get<std::string>() : "no string";
  return cty.starts_with("application/") ? cty.substr(12) : cty;
}

std::string HolderOf(const json& presentation) {
  if (!presentation.is_object()) return {};
  const auto holder = presentation.find("holder");
  if (holder == presentation.end()) return {};
  if (holder->is_string()) return holder->get<std::string>();
  if (!holder->is_object()) return {};
  const auto id = holder->find("id");
  return id != holder->end() && id->is_string() ? id->get<std::string>() : std::string();
}

bool AddModelCheck(Verification& verification, const json& document, const VerifyOptions& options) {
  std::string octets = std::move(verification.credential.json);
  if (octets.empty()) octets = base::DumpJson(document);
  if (HasType(document, "VerifiablePresentation")) {
    verification.presentation = true;
    verification.credential.json = std::move(octets);
    const auto version = CheckPresentationModel(document);
    const auto terms = version ? CheckTerms(document, options.contexts) : Result<>();
    const bool ok = version && terms;
    Note(verification, kCheckModel, ok,
         ok ? "VerifiablePresentation" : (version ? terms.error() : version.error()).Text());
    if (!ok) return false;
    verification.credential.version = *version;
    verification.credential.id = document.value("id", std::string());
    const json& type = document["type"];
    for (const json& item : type.is_array() ? type : json::array({type}))
      verification.credential.types.push_back(item.get<std::string>());
    return true;
  }
  auto credential = Credential::Read(document);
  const auto terms = credential ? CheckTerms(document, options.contexts) : Result<>();
  if (!credential || !terms) {
    verification.credential.json = std::move(octets);
    Note(verification, kCheckModel, false, (credential ? terms.error() : credential.error()).Text());
    return false;
  }
  verification.credential = std::move(*credential);
  verification.credential.json = std::move(octets);
  Note(verification, kCheckModel, true, "issuer " + verification.credential.issuer);
  return true;
}

Result<> AddCommonChecks(Verification& verification, const json& document, const VerifyOptions& options) {
  if (verification.Find(kCheckModel) == nullptr) AddModelCheck(verification, document, options);
  if (verification.presentation || !Holds(verification, kCheckModel)) return {};
  const bool genuine = verification.valid() && Holds(verification, kCheckSignature);
  const Credential& credential = verification.credential;
  if ((options.require_batch || options.batch != nullptr) && verification.Find(kCheckBatch) == nullptr)
    Note(verification, kCheckBatch, false, "a ledger time is required, and batches are of vc+jwt only");
  if (options.now) CheckValidity(verification, *options.now);
  if (options.subject) {
    const bool same = !credential.subjects.empty() && credential.subjects[0] == *options.subject;
    Note(verification, kCheckSubject, same, same ? *options.subject : "wanted " + *options.subject);
  }
  if (!options.trusted_issuers.empty()) {
    const bool trusted = std::find(options.trusted_issuers.begin(), options.trusted_issuers.end(), credential.issuer) !=
                         options.trusted_issuers.end();
    Note(verification, kCheckTrust, trusted,
         credential.issuer + (trusted ? " is trusted" : " is not among the trusted issuers"));
  }
  if (document.contains("relatedResource")) {
    static const std::map<std::string, std::string> kNone;
    verification.checks.push_back(
        CheckRelatedResources(document, options.contexts, options.resources != nullptr ? *options.resources : kNone));
  }
  // Neither a forged credential nor one of an issuer that is not trusted may make us ask anybody: both choose the URL.
  if (!genuine || (!options.trusted_issuers.empty() && !Holds(verification, kCheckTrust))) return {};
  KEEL_TRY_VOID(CheckSchema(verification, document, options));
  return CheckStatus(verification, options);
}

}  // namespace keel::vc
