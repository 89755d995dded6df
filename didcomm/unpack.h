// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/key_value_store.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/jwe.h"
#include "didcomm/message.h"

namespace keel::didcomm {

// Remembers which messages came already, until they have expired. Thread-safe.
class ReplayCache {
 public:
  virtual ~ReplayCache() = default;
  // True when (sender, id) is new and is now remembered until `until`; false when it was seen. An error: could not be
  // recorded (don't process the message).
  virtual Result<bool> Remember(std::string_view sender, std::string_view id, UnixSeconds now, UnixSeconds until) = 0;
};
// Bounded; when full, entries that have expired go first, then kBusy (never a silent forgetting).
std::unique_ptr<ReplayCache> MakeMemoryReplayCache(size_t max_entries = 65536);
// Durable, keys under `prefix`. The store outlives it. Survives restarts.
std::unique_ptr<ReplayCache> MakeStoredReplayCache(base::KeyValueStore& store, std::string prefix = "didcomm-replay/");

// How far ahead of us a created_time may be: clocks differ, but a time in milliseconds is a mistake that is named.
inline constexpr uint64_t kMaxAhead = 3'600;
// How long a message without expires_time is remembered, by default: longer than mediators keep messages. With a replay
// cache, a message without expires_time whose created_time is further back is refused: it may have come before. One
// without either time can come again after this.
inline constexpr uint64_t kReplaySeconds = 8 * 86'400;

struct UnpackOptions {
  std::optional<UnixSeconds> now;  // absent: times aren't checked (and `replay` may not be given)
  ReplayCache* replay = nullptr;
  uint64_t replay_seconds = kReplaySeconds;
  AgreementCache* agreements = nullptr;
  bool require_encrypted = false;      // else kWrongState... of the envelope: kRefused
  bool require_authenticated = false;  // authcrypt or signed
  size_t max_size = kMaxMessage;
};

// What is known of the envelope; names as other implementations have them.
struct Metadata {
  bool encrypted = false;
  bool authenticated = false;     // authcrypt, or signed
  bool non_repudiation = false;   // signed
  bool anonymous_sender = false;  // an anoncrypt layer
  bool re_wrapped_in_forward = false;
  std::string encrypted_from;             // skid of the authcrypt layer
  std::vector<std::string> encrypted_to;  // kids of the innermost encryption
  std::string recipient_kid;              // which of them was ours
  std::string sign_from;                  // kid of the first signature
  std::vector<std::string> signers;       // kids of all of them, all keys of the message's `from`
  std::string sign_alg;                   // "EdDSA"
  std::string enc_alg_auth;               // "A256CBC_HS512_ECDH_1PU_A256KW"
  std::string enc_alg_anon;               // "XC20P_ECDH_ES_A256KW"
  std::string signed_message;             // the signed layer as it came
  std::string from_prior_issuer_kid;
  std::string from_prior_jwt;
};

// The metadata as an object, with the names that the SICPA libraries use: encrypted, authenticated, non_repudiation,
// anonymous_sender, re_wrapped_in_forward, encrypted_from_kid, encrypted_to_kids, sign_from_kid, from_prior_issuer_kid,
// enc_alg_auth, enc_alg_anon, sign_alg, signed_message (an object), from_prior (the JWT's claims); besides
// sign_from_kids, of every signature. Null where a message has no such thing.
nlohmann::json MetadataJson(const Metadata& metadata);

struct Unpacked {
  Message message;
  Metadata metadata;
  std::string plaintext;  // exact octets of the plaintext message as received
};

// Opens any DIDComm v2 message: layers in the orders that the specification allows, and
// anoncrypt(authcrypt(signed(plaintext))), which peers emit and its appendix shows. Enforced: the skid's DID is `from`,
// the signer's DID is `from`, our kid's DID is in `to`, keys are listed for their use (keyAgreement, authentication),
// apu = skid, apv = hash of the kids, from_prior is signed by an authentication key of its iss and its sub is `from`,
// expiry and replay by the options. Errors: kMalformed and the strict parser's, kTooLarge, kUnsupported,
// kAlgorithmNotAllowed, kNoSuchKey (none of the recipients is ours), kDecryptFailed, kBadSignature, kWrongSender,
// kWrongRecipient, kExpired, kReplayed, kUntrusted, resolver errors (could not be checked).
Result<Unpacked> Unpack(std::string_view text, did::KeyFinder& keys, did::DidResolver& resolver,
                        const UnpackOptions& options = {});

}  // namespace keel::didcomm
