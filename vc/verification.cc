// SPDX-License-Identifier: Apache-2.0
#include "vc/verification.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "did/did.h"
#include "did/jose.h"
#include "did/methods/keel.h"

namespace keel::vc {
namespace {

using nlohmann::json;

void Note(Verification& verification, std::string_view name, bool ok, std::string detail) {
  verification.checks.push_back({std::string(name), ok, std::move(detail)});
}

// Errors that say something about what the sender sent; all others mean that it could not be checked.
bool IsSendersFault(Code code) {
  return code == Code::kNotFound || code == Code::kInvalidDid || code == Code::kInvalidDidUrl ||
         code == Code::kInvalidDidDocument || code == Code::kWrongNetwork;
}

struct KeyChoice {
  bool ok = false;
  std::string detail;
  std::vector<crypto::PublicKey> keys;  // any of them may have signed
};

// A key that is current under assertionMethod.
Result<KeyChoice> CurrentKey(const std::string& issuer, const std::string& kid, did::DidResolver& resolver) {
  KeyChoice choice;
  auto result = resolver.Resolve(issuer);
  if (!result) {
    if (!IsSendersFault(result.error().code)) return std::unexpected<Error>(result.error());
    choice.detail = "issuer " + issuer + ": " + result.error().Text();
    return choice;
  }
  if (result->deactivated) {
    choice.detail = "issuer " + issuer + " is deactivated";
    return choice;
  }
  const did::VerificationMethod* method = result->document->FindFor(did::Relationship::kAssertionMethod, kid);
  if (method == nullptr) {
    choice.detail = kid + " is not a current assertion key of " + issuer;
    return choice;
  }
  if (!method->key.valid())
    return Fail(Code::kUnsupported, "verify credential",
                kid + " has a key of type " + method->type + " that is not supported");
  choice.ok = true;
  choice.keys.push_back(method->key);
  choice.detail = kid + " is a current assertion key of " + issuer;
  return choice;
}

// A key that was good when the batch was anchored (protocol.md sections 1 and 7).
Result<KeyChoice> KeyAt(const std::string& issuer, const std::string& kid, uint64_t log_index,
                        registry_client::HistorySource& histories) {
  KeyChoice choice;
  auto history = histories.ResolveDid(issuer);
  if (!history) {
    if (!IsSendersFault(history.error().code)) return std::unexpected<Error>(history.error());
    choice.detail = "issuer " + issuer + ": " + history.error().Text();
    return choice;
  }
  KEEL_TRY(const std::vector<crypto::PublicKey> keys, did::KeysOfId(*history, did::FragmentOf(kid)));
  for (const crypto::PublicKey& key : keys) {
    KEEL_TRY(const bool good, did::KeyGoodAt(*history, key, did::Relationship::kAssertionMethod, log_index));
    if (good) choice.keys.push_back(key);
  }
  choice.ok = !choice.keys.empty();
  choice.detail = kid + (choice.ok ? " was" : " was not") + " a good assertion key of " + issuer + " at log index " +
                  std::to_string(log_index);
  return choice;
}

Result<> CheckBatch(Verification& verification, std::string_view jwt, const VerifyOptions& options) {
  if (options.batch == nullptr) {
    if (options.require_batch)
      Note(verification, kCheckBatch, false, "no batch membership came with the credential; a ledger time is required");
    return {};
  }
  auto root = options.batch->Root(jwt);
  if (!root) {
    Note(verification, kCheckBatch, false, "the path doesn't fit the credential: " + root.error().Text());
    return {};
  }
  if (!options.ledger.batch_index)
    return Fail(Code::kUnavailable, "verify credential", "a batch came along, but no registry to ask about it");
  auto index = options.ledger.batch_index(verification.credential.issuer, *root);
  if (!index) {
    if (!IsSendersFault(index.error().code)) return std::unexpected<Error>(index.error());
    Note(verification, kCheckBatch, false,
         "the issuer has anchored no batch with root " + base::Hex(*root).substr(0, 16) + "...");
    return {};
  }
  verification.log_index = *index;
  Note(verification, kCheckBatch, true, "issued at log index " + std::to_string(*index));
  return {};
}

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
    if (entry.type != "BitstringStatusListEntry") {
      ok = false;
      detail += "status type '" + entry.type + "' is not known here";
      continue;
    }
    if (options.status == nullptr)
      return Fail(Code::kUnavailable, "verify credential",
                  "the credential has a status, and nothing to check it with was given");
    if (!options.now) return Fail(Code::kInvalidArgument, "verify credential", "a status check needs the time");
    KEEL_TRY(const StatusChecker::Status status, options.status->Check(entry, credential.issuer, *options.now));
    if (status.set) {
      // Other purposes ("message", "refresh") inform and invalidate nothing (Bitstring Status List 1.0, section 2.2).
      if (entry.purpose == "revocation" || entry.purpose == "suspension") ok = false;
      verification.statuses.push_back(entry.purpose);
    }
    if (!status.fresh) ok = false;
    detail += entry.purpose + (status.set ? ": set" : ": not set") + " (list version " +
              std::to_string(status.version) + (status.fresh ? ")" : ", outdated)");
    if (!status.detail.empty()) detail += " " + status.detail;
  }
  Note(verification, kCheckStatus, ok, std::move(detail));
  return {};
}

}  // namespace

bool Verification::valid() const {
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.ok; });
}

const Check* Verification::Find(std::string_view name) const {
  for (const Check& check : checks) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

std::string Verification::Reason() const {
  for (const Check& check : checks) {
    if (!check.ok) return check.name + ": " + check.detail;
  }
  return {};
}

json Verification::ToJson() const {
  json list = json::array();
  for (const Check& check : checks) list.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  json out = {{"valid", valid()}, {"checks", std::move(list)}};
  if (!credential.issuer.empty()) out["issuer"] = credential.issuer;
  if (!credential.subjects.empty()) out["subject"] = credential.subjects[0];
  if (!credential.types.empty()) out["type"] = credential.types;
  if (log_index) out["logIndex"] = *log_index;
  return out;
}

Result<Verification> VerifyCredential(std::string_view jwt, did::DidResolver& resolver, const VerifyOptions& options) {
  Verification verification;
  auto jws = did::Jws::Parse(jwt, options.max_size);
  if (!jws) {
    Note(verification, kCheckEnvelope, false, jws.error().Text());
    return verification;
  }
  if (jws->typ != "vc+jwt" && jws->typ != "application/vc+jwt") {
    Note(verification, kCheckEnvelope, false, "typ is '" + jws->typ + "', not vc+jwt");
    return verification;
  }
  Note(verification, kCheckEnvelope, true, "vc+jwt, " + jws->alg);
  verification.kid = jws->kid;
  auto credential = Credential::Parse(jws->payload, options.max_size);
  if (!credential) {
    Note(verification, kCheckModel, false, credential.error().Text());
    return verification;
  }
  verification.credential = std::move(*credential);
  const std::string& issuer = verification.credential.issuer;
  Note(verification, kCheckModel, true, "issuer " + issuer);

  KEEL_TRY_VOID(CheckBatch(verification, jwt, options));
  if (options.batch == nullptr && options.anchored_at) verification.log_index = options.anchored_at;
  KeyChoice choice;
  if (jws->kid.empty()) {
    choice.detail = "the header names no key (kid)";
  } else if (jws->kid.find('#') != std::string::npos && !jws->kid.starts_with('#') && did::DidOf(jws->kid) != issuer) {
    choice.detail = "the key " + jws->kid + " is not the issuer's, which is " + issuer;
  } else if (verification.log_index && options.ledger.histories != nullptr) {
    KEEL_TRY(choice, KeyAt(issuer, jws->kid, *verification.log_index, *options.ledger.histories));
  } else {
    KEEL_TRY(choice, CurrentKey(issuer, jws->kid, resolver));
  }
  Note(verification, kCheckIssuer, choice.ok, choice.detail);
  if (!choice.ok) {
    Note(verification, kCheckSignature, false, "no key to check it with");
  } else {
    bool good = false;
    std::string detail = "made by " + jws->kid;
    for (const crypto::PublicKey& key : choice.keys) {
      auto verdict = did::VerifyJws(*jws, key);
      if (!verdict && verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
        return std::unexpected<Error>(verdict.error());
      if (verdict && *verdict) good = true;
      if (!verdict) detail = verdict.error().Text();
    }
    Note(verification, kCheckSignature, good, good ? "made by " + jws->kid : "wrong: " + detail);
  }
  if (options.now) CheckValidity(verification, *options.now);
  if (options.subject) {
    const bool same =
        !verification.credential.subjects.empty() && verification.credential.subjects[0] == *options.subject;
    Note(verification, kCheckSubject, same, same ? *options.subject : "wanted " + *options.subject);
  }
  if (!options.trusted_issuers.empty()) {
    const bool trusted = std::find(options.trusted_issuers.begin(), options.trusted_issuers.end(), issuer) !=
                         options.trusted_issuers.end();
    Note(verification, kCheckTrust, trusted, issuer + (trusted ? " is trusted" : " is not among the trusted issuers"));
  }
  // Neither a forged credential nor one of an issuer that is not trusted may make us fetch anything: both choose the
  // URL.
  const auto holds = [&](std::string_view name) {
    const Check* check = verification.Find(name);
    return check != nullptr && check->ok;
  };
  if (holds(kCheckSignature) && (options.trusted_issuers.empty() || holds(kCheckTrust)))
    KEEL_TRY_VOID(CheckStatus(verification, options));
  return verification;
}

}  // namespace keel::vc
