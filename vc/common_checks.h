// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vc/verification.h"

namespace keel::did {
struct Jws;
}

// The checks that all securing forms have in common, made in one place. Pure but for what the options' seams do.
namespace keel::vc {

// Appends a check.
void Note(Verification& verification, std::string_view name, bool ok, std::string detail);
// Whether a resolver's or registry's error says something about what the sender sent (a DID that is none, that doesn't
// exist, that is of another network): then it is a failed check. All other errors mean "could not be checked".
bool IsSendersFault(Code code);
// Whether that check was made and holds.
bool Holds(const Verification& verification, std::string_view name);

// Keys that may have made a signature; !ok: none, and why.
struct KeyChoice {
  bool ok = false;
  std::string detail;
  std::vector<crypto::PublicKey> keys;
};
// The keys of `controller` (an issuer, for assertionMethod; a holder, for authentication) that `key_id` names and that
// are good for that use: current ones, or with `log_index` and options.ledger.histories those that were good there.
// key_id is a DID URL of the controller's own, a fragment or bare fragment of it, or may be empty where
// options.given_keys has what is needed. Where the controller is no DID or doesn't resolve, options.given_keys are the
// choice. Errors: the resolver's (could not be checked), kUnsupported for a key type that we don't hold.
Result<KeyChoice> ChooseKeys(const std::string& controller, const std::string& key_id, did::Relationship use,
                             did::DidResolver& resolver, const VerifyOptions& options,
                             std::optional<uint64_t> log_index = std::nullopt);

// kCheckModel: `document` against the data model (vc/data_model/model.h). A credential fills verification.credential
// (its `json` too, unless it is set already: to keep the octets as they came), a presentation sets
// verification.presentation and credential.json, .id and .types. Returns whether the check holds: forms that need the
// issuer for their own checks call this first and stop where it doesn't.
bool AddModelCheck(Verification& verification, const nlohmann::json& document, const VerifyOptions& options);

// What follows a form's own checks (envelope or proof, key, signature), in this order: kCheckModel (unless recorded
// already, by AddModelCheck or by a form whose document is no W3C credential and that has filled
// verification.credential itself, as SD-JWT VC), then for credentials kCheckBatch (which fails where one is demanded
// and the form has recorded none), kCheckValidity (with options.now), kCheckSubject and kCheckTrust (where demanded),
// kCheckRelatedResource, kCheckSchema and kCheckStatus. Schema and status only if everything that the form checked and
// kCheckTrust hold, kCheckSignature among it: neither a forged credential nor one of an issuer that is not trusted may
// make us ask anybody. `document` is the credential or presentation without its envelope; an embedded `proof` may be in
// it. Errors: the schema and status checkers' (could not be checked).
//
// The credentials inside a presentation are nobody's business here and in the forms: VerifyAny (vc/verify_any.h) reads
// them from credential.json once the form's verdict is there, in whatever form each is.
Result<> AddCommonChecks(Verification& verification, const nlohmann::json& document, const VerifyOptions& options);

// A token header's `cty` without "application/"; empty when absent.
std::string ContentTypeOf(const did::Jws& jws);

// The holder a presentation names: `holder`, a string or an object with an id. Empty: none.
std::string HolderOf(const nlohmann::json& presentation);

}  // namespace keel::vc
