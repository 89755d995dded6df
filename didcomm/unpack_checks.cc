// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "didcomm/internal/checks.h"
#include "didcomm/internal/signatures.h"

namespace keel::didcomm {
namespace {

using base::JsonText;
using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kMalformed, "didcomm signed message", std::move(detail));
}

}  // namespace

Result<std::string> OpenSigned(const JsonText::Value& root, did::DidResolver& resolver, Metadata& metadata) {
  if (root.Find("ciphertext")) return Bad("signed and encrypted at once");
  const auto payload_member = root.Find("payload");
  if (!payload_member || !payload_member->is_string()) return Bad("no payload");
  // In the text itself, unless it has escapes, which base64url needs none of.
  const std::string unescaped = payload_member->View() ? std::string() : payload_member->String();
  const std::string_view payload_b64 = payload_member->View().value_or(unescaped);
  std::string payload(payload_b64.size() / 4 * 3 + 3, '\0');
  auto length = Base64UrlDecode(payload_b64, ByteSpan(reinterpret_cast<uint8_t*>(payload.data()), payload.size()));
  if (!length) return Fail(length.error().code, "didcomm signed message", "payload is not canonical base64url");
  payload.resize(*length);
  static constexpr did::Relationship kUses[] = {did::Relationship::kAuthentication};
  KEEL_TRY(std::vector<CheckedSignature> checked,
           CheckSignatures(root, payload_b64, resolver, {.uses = kUses, .message = true}));
  metadata.sign_alg = checked.front().alg;
  for (CheckedSignature& each : checked) metadata.signers.push_back(std::move(each.kid));
  metadata.sign_from = metadata.signers.front();
  metadata.non_repudiation = true;
  metadata.authenticated = true;
  return payload;
}

Result<> CheckAddressing(const Message& message, const Metadata& metadata, const std::string& outer_kid) {
  const std::string_view from = did::DidOf(message.from);
  const auto check_sender = [&](const std::string& kid) -> Result<> {
    if (!from.empty() && did::DidOf(kid) == from) return {};
    return Fail(Code::kWrongSender, "didcomm addressing",
                "the message says it is from '" + message.from + "', the key is " + kid);
  };
  if (!metadata.encrypted_from.empty()) KEEL_TRY_VOID(check_sender(metadata.encrypted_from));
  for (const std::string& kid : metadata.signers) KEEL_TRY_VOID(check_sender(kid));
  // Without `to` a recipient may take itself for the only one (section "Message Headers"), unless the message is
  // signed: then it could have been written to somebody else (section "DIDComm Signed Messages").
  if (message.to.empty() && metadata.encrypted && metadata.signers.empty()) return {};
  for (const std::string* kid : {&metadata.recipient_kid, &outer_kid}) {
    if (kid->empty()) continue;
    const std::string_view ours = did::DidOf(*kid);
    if (std::none_of(message.to.begin(), message.to.end(),
                     [ours](const std::string& to) { return did::DidOf(to) == ours; })) {
      return Fail(Code::kWrongRecipient, "didcomm addressing",
                  "the message was encrypted to " + *kid + " but its 'to' doesn't name that DID");
    }
  }
  return {};
}

Result<> CheckTimes(const Message& message, UnixSeconds now) {
  if (message.created_time && *message.created_time > now + kMaxAhead) {
    return Fail(Code::kNotYetValid, "didcomm times",
                "created_time " + std::to_string(*message.created_time) +
                    " lies ahead: a clock is wrong, or it is in milliseconds instead of seconds since 1970");
  }
  if (message.expires_time && !NotAfterOk(*message.expires_time, now))
    return Fail(Code::kExpired, "didcomm times", "the message expired at " + base::Rfc3339(*message.expires_time));
  return {};
}

Result<UnixSeconds> RememberUntil(const Message& message, UnixSeconds now, uint64_t replay_seconds) {
  if (message.expires_time) return *message.expires_time + kTimeSkew;
  if (!message.created_time) return now + replay_seconds;
  if (*message.created_time + replay_seconds < now) {
    return Fail(Code::kExpired, "didcomm times",
                "the message was made at " + base::Rfc3339(*message.created_time) +
                    ", has no expires_time, and what came " + std::to_string(replay_seconds) +
                    " s ago is not remembered: it may have come before");
  }
  return *message.created_time + replay_seconds;
}

Result<> CheckFromPrior(const Message& message, did::DidResolver& resolver, Metadata& metadata) {
  if (message.from_prior.empty()) return {};
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(message.from_prior));
  KEEL_TRY(const json claims, base::ParseJson(jws.payload, {.max_size = 64 << 10}));
  KEEL_TRY(const std::string issuer, base::GetString(claims, "iss"));
  KEEL_TRY(const std::optional<std::string> subject, base::GetOptionalString(claims, "sub"));
  // No sub and no from: the sender ends the relationship (section "Ending a Relationship").
  if (subject.value_or("") != message.from)
    return Fail(Code::kWrongSender, "didcomm from_prior",
                "its sub is '" + subject.value_or("") + "', the message is from '" + message.from + "'");
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
