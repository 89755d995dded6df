// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "didcomm/internal/checks.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kMalformed, "didcomm signed message", std::move(detail));
}

}  // namespace

Result<std::string> OpenSigned(const json& value, did::DidResolver& resolver, Metadata& metadata) {
  KEEL_TRY(const std::string payload, base::GetString(value, "payload"));
  json signature = value;
  if (value.contains("signatures")) {
    KEEL_TRY(const json* list, base::GetArray(value, "signatures"));
    // DIDComm has one `from`, so a second signature could only be somebody else's.
    if (list->size() != 1 || value.contains("signature")) return Bad("expected exactly one signature");
    signature = (*list)[0];
  }
  KEEL_TRY(const std::string protected_b64, base::GetString(signature, "protected"));
  KEEL_TRY(const std::string signature_b64, base::GetString(signature, "signature"));
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(protected_b64 + "." + payload + "." + signature_b64));
  if (!jws.typ.empty() && jws.typ != kTypSigned && jws.typ != "didcomm-signed+json")
    return Bad("typ '" + jws.typ + "'");
  std::string kid = jws.kid;
  if (const auto header = signature.find("header"); header != signature.end()) {
    if (!header->is_object()) return Bad("the signature's header is no object");
    for (const auto& [name, ignored] : header->items()) {
      if (name != "kid") return Bad("the unprotected header has '" + name + "'; only kid may stand there");
    }
    KEEL_TRY(std::string outer, base::GetString(*header, "kid"));
    if (!kid.empty() && kid != outer) return Bad("two different kids");
    kid = std::move(outer);
  }
  if (kid.empty()) return Bad("no kid");
  KEEL_TRY(const crypto::PublicKey key, did::ResolveKey(resolver, kid, did::Relationship::kAuthentication));
  KEEL_TRY(const bool good, did::VerifyJws(jws, key));
  if (!good) return Fail(Code::kBadSignature, "didcomm signed message", "the signature of " + kid + " is wrong");
  metadata.sign_from = kid;
  metadata.sign_alg = jws.alg;
  metadata.non_repudiation = true;
  metadata.authenticated = true;
  return jws.payload;
}

Result<> CheckAddressing(const Message& message, const Metadata& metadata, const std::string& outer_kid) {
  for (const std::string* sender : {&metadata.encrypted_from, &metadata.sign_from}) {
    if (!sender->empty() && did::DidOf(*sender) != message.from) {
      return Fail(Code::kWrongSender, "didcomm addressing",
                  "the message says it is from '" + message.from + "', the key is " + *sender);
    }
  }
  for (const std::string* kid : {&metadata.recipient_kid, &outer_kid}) {
    if (kid->empty()) continue;
    const std::string_view ours = did::DidOf(*kid);
    if (std::find(message.to.begin(), message.to.end(), ours) == message.to.end()) {
      return Fail(Code::kWrongRecipient, "didcomm addressing",
                  "the message was encrypted to " + *kid + " but its 'to' doesn't name that DID");
    }
  }
  return {};
}

Result<> CheckFromPrior(const Message& message, did::DidResolver& resolver, Metadata& metadata) {
  if (message.from_prior.empty()) return {};
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(message.from_prior));
  KEEL_TRY(const json claims, base::ParseJson(jws.payload, {.max_size = 64 << 10}));
  KEEL_TRY(const std::string issuer, base::GetString(claims, "iss"));
  KEEL_TRY(const std::string subject, base::GetString(claims, "sub"));
  if (subject != message.from)
    return Fail(Code::kWrongSender, "didcomm from_prior",
                "its sub is '" + subject + "', the message is from '" + message.from + "'");
  if (issuer == subject) return Fail(Code::kMalformed, "didcomm from_prior", "iss and sub are the same");
  if (jws.kid.empty() || did::DidOf(jws.kid) != issuer)
    return Fail(Code::kWrongSender, "didcomm from_prior", "it isn't signed by a key of its iss");
  KEEL_TRY(const crypto::PublicKey key, did::ResolveKey(resolver, jws.kid, did::Relationship::kAuthentication));
  KEEL_TRY(const bool good, did::VerifyJws(jws, key));
  if (!good) return Fail(Code::kBadSignature, "didcomm from_prior", "the signature of " + jws.kid + " is wrong");
  metadata.from_prior_issuer_kid = jws.kid;
  metadata.from_prior_jwt = message.from_prior;
  return {};
}

}  // namespace keel::didcomm
