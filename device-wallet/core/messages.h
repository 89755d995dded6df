// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/time.h"
#include "crypto/key_store.h"
#include "device-wallet/core/peer_did.h"

// What a wallet says and understands of DIDComm v2's own protocols, beside Keel's: trust-ping 2.0, discover-features
// 2.0, report-problem 2.0, forward (routing 2.0), message pickup 3.0 as a recipient, and from_prior. Pure functions
// over bounded text; a newer minor version is understood as ours (DIDComm v2.1, "Semver Rules").
// docs/protocols/device-messages.md.
namespace keel::wallet {

inline constexpr size_t kMaxMessageId = 64;  // id, thid, pthid that a wallet remembers or repeats
inline constexpr size_t kMaxFeatureQueries = 8;
inline constexpr size_t kMaxProblemCode = 64;

enum class Didcomm : uint8_t {
  kUnknown = 0,
  kOtherVersion,  // one of these protocols in another major version
  kPing,
  kPingResponse,
  kProblemReport,
  kQueries,
  kDisclose,
  kForward,
  kDeliveryRequest,
  kDelivery,
  kMessagesReceived,
  kStatus,
};
Didcomm DidcommFromType(std::string_view type);
std::string_view TypeOf(Didcomm type);  // empty for kUnknown and kOtherVersion

// The headers of a plaintext message; views into its text. kMalformed, kMissing, kTooLarge (id or thread too long),
// kUnsupported (an escape in a header), kExpired (only when `now` is known, not 0).
struct PlainMessage {
  std::string_view id, type, from, thid;  // thid: the id when there is none; from may be empty
  bool to_us = false;                     // `to` names us, or is absent
  JsonView json, body;                    // body may be null
};
Result<PlainMessage> ReadPlain(ByteView plaintext, std::string_view our_did, UnixSeconds now);

// Begins a message up to and with its body's '{'; EndMessage closes it. `thid` empty: none.
void BeginPlain(JsonWriter& w, Didcomm type, std::string_view id, std::string_view from, std::string_view to,
                std::string_view thid);

// A ping wants an answer unless it says otherwise ("Trust Ping Protocol 2.0"). kMalformed.
Result<bool> WantsResponse(const PlainMessage& ping);

// Which of our features a query asks for, as bits; '*' stands for any characters. kMalformed, kTooLarge (over
// kMaxFeatureQueries).
Result<uint8_t> MatchFeatures(const PlainMessage& queries);
// Writes the member "disclosures" of the answer's body. `receive_bytes`: what the constraint max_receive_bytes says.
void WriteDisclosures(JsonWriter& w, uint8_t features, uint64_t receive_bytes);

// A problem report's code, at most kMaxProblemCode characters; "e.p" for one that has none to show.
std::string_view ProblemCode(const PlainMessage& report);
inline constexpr std::string_view kProblemUnsupportedType = "e.m.msg.unsupported-type",
                                  kProblemUnsupportedVersion = "e.m.msg.unsupported-version";
// Writes the members of a problem report's body.
void WriteProblem(JsonWriter& w, std::string_view code);

// The one message inside a forward for us or in a delivery, decoded in place: a part of `plaintext`, whose other octets
// are garbage then. A forward's `next` must be our DID or a key id of it (kWrongRecipient). `attachment_id` takes the
// delivery's id of it. kNotFound (no attachment), kTooLarge (several), kUnsupported (by link), kMalformed.
Result<ByteSpan> TakeAttached(const PlainMessage& message, ByteSpan plaintext, std::string_view our_did,
                              FixedText<kMaxMessageId>* attachment_id);

// from_prior (DIDComm v2.1, "DID Rotation"). Makes the JWT by which `old_did` becomes `new_did`, signed by `key` of the
// old one, whose key id is `kid`. Returns the length.
Result<size_t> MakeFromPrior(std::string_view old_did, std::string_view new_did, UnixSeconds iat, std::string_view kid,
                             crypto::KeyStore& keys, crypto::KeyHandle key, std::span<char> out);
// The key id that one names, to find the key by; nothing is proved by it. `scratch` takes the header. kMalformed.
Result<> FromPriorKid(std::string_view jwt, ByteSpan scratch, FixedText<kMaxPeerKid>& kid);
// Verifies one: signed under `key`, which `kid` names, by the old DID that `kid` belongs to, for `from`. The old DID is
// a view into `scratch`, which takes the payload. kMalformed, kBadSignature, kWrongSender (sub is not `from`, iss is
// not the signer), kAlgorithmNotAllowed.
Result<std::string_view> ReadFromPrior(std::string_view jwt, std::string_view from, std::string_view kid,
                                       const crypto::PublicKey& key, ByteSpan scratch);

}  // namespace keel::wallet
