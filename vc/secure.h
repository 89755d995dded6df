// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key_store.h"
#include "vc/verification.h"

// Credentials and presentations secured in any form, by one call.
namespace keel::vc {

// The forms' names, as in Verification::form: "vc+jwt", "vc+sd-jwt", "dc+sd-jwt", "vc+cose", "eddsa-jcs-2022",
// "eddsa-rdfc-2022", "ecdsa-jcs-2019", "ecdsa-rdfc-2019", "ecdsa-sd-2023"; for presentations vp+jwt and vp+cose in
// place of vc+... ("sd-jwt" is short for vc+sd-jwt).
const std::vector<std::string_view>& CredentialForms();
const std::vector<std::string_view>& PresentationForms();

struct SecureOptions {
  std::string form = "vc+jwt";
  std::string kid;  // the verification method, a DID URL
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
  const json_ld::ContextStore* contexts = nullptr;  // null: the bundled ones
  std::map<std::string, std::string> resources;     // related resources at hand, by URL
  // Data Integrity: when the proof was made and until when it is good; ids of the proof and of those that it follows.
  std::optional<UnixSeconds> created, expires;
  std::optional<std::string> proof_id;
  std::vector<std::string> previous_proof;
  // Presentations: what they are bound to. Tokens write challenge or nonce as nonce, domain or audience as aud, iat and
  // exp from created and expires; Data Integrity proofs challenge or nonce as challenge, domain or audience as domain.
  std::optional<std::string> challenge, domain, nonce, audience;
  // JSON pointers: in SD-JWT to the claims that a holder can leave out, in ecdsa-sd-2023 to those that no holder can,
  // besides what a verifier judges by (issuer, validity, status, schema, terms of use).
  std::vector<std::string> pointers;
  crypto::PublicKey holder;  // SD-JWT: whose key binding is demanded (cnf); !valid(): nobody's
};

struct Secured {
  std::string octets;      // JSON text for Data Integrity, a token, or CBOR
  std::string media_type;  // "application/vc+jwt", ...; "application/vc" for Data Integrity ("application/vp")
  std::string form;
};

// Secures a credential or, when its type says so, a presentation. What VerifyAny would refuse for its contents isn't
// secured: the data model's rules, contexts and types (vc/data_model), digests of related resources; an issuer or
// holder other than the key's controller. A `proof` that is there already stays (a proof set) with Data Integrity, and
// is refused with the other forms.
//
// Errors: kUnsupported (a form of that name, or not for this key), kInvalidArgument (the rest above; its detail says
// which rule), those of the forms.
Result<Secured> Secure(const nlohmann::json& document, const SecureOptions& options);

// A secured credential as it stands in a presentation: a Data Integrity one as it is, any other in an envelope.
// kUnsupported: it is recognized as none.
Result<nlohmann::json> AsPresented(std::string_view octets);

}  // namespace keel::vc
