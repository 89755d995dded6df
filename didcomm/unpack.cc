// SPDX-License-Identifier: Apache-2.0
#include "didcomm/unpack.h"

#include <algorithm>

#include "base/json_text.h"
#include "did/did.h"
#include "didcomm/internal/checks.h"
#include "didcomm/internal/jwe_parts.h"
#include "didcomm/internal/message_text.h"

namespace keel::didcomm {
namespace {

// Layers come outermost first and may only go up.
enum class Layer : uint8_t { kNone, kAnoncrypt, kAuthcrypt, kSigned };

// As the SICPA libraries name it: "A256CBC_HS512_ECDH_1PU_A256KW".
std::string EncryptionName(const Envelope& envelope) {
  std::string name(EncName(envelope.enc));
  std::replace(name.begin(), name.end(), '-', '_');
  return name + (envelope.authcrypt ? "_ECDH_1PU_A256KW" : "_ECDH_ES_A256KW");
}

// A key on a NIST curve could be one for signatures; ours for this envelope must be one for agreement.
Result<> CheckOwnKey(const Envelope& envelope, const std::string& kid, did::DidResolver& resolver) {
  if (envelope.epk.type() == crypto::KeyType::kX25519) return {};
  KEEL_TRY_VOID(did::ResolveKey(resolver, kid, did::Relationship::kKeyAgreement));
  return {};
}

Result<std::string> Open(Envelope& envelope, did::KeyFinder& keys, did::DidResolver& resolver,
                         AgreementCache* agreements, std::string& our_kid) {
  crypto::PublicKey sender;
  bool sender_resolved = false;
  bool found = false;
  for (size_t i = 0; i < envelope.kids.size(); ++i) {
    auto key = keys.Find(envelope.kids[i]);
    if (!key) {
      if (key.error().code == Code::kNoSuchKey) continue;
      return std::unexpected<Error>(key.error());
    }
    found = true;
    // Only for a message that is for us: a stranger must not make us resolve anything.
    if (envelope.authcrypt && !sender_resolved) {
      KEEL_TRY(sender, did::ResolveKey(resolver, envelope.skid, did::Relationship::kKeyAgreement));
      sender_resolved = true;
    }
    KEEL_TRY_VOID(CheckOwnKey(envelope, envelope.kids[i], resolver));
    auto plaintext = OpenEnvelopeInPlace(envelope, i, *key, sender, agreements);
    if (plaintext) {
      our_kid = envelope.kids[i];
      return plaintext;
    }
    if (plaintext.error().code != Code::kDecryptFailed) return plaintext;
  }
  if (!found)
    return Fail(Code::kNoSuchKey, "didcomm unpack",
                "none of the recipients' keys is here; the first is " + envelope.kids[0]);
  return Fail(Code::kDecryptFailed, "didcomm unpack", "the envelope can't be decrypted");
}

std::unexpected<Error> WrongOrder() {
  return Fail(Code::kMalformed, "didcomm unpack", "layers in an order that DIDComm doesn't allow");
}

}  // namespace

Result<Unpacked> Unpack(std::string_view text, did::KeyFinder& keys, did::DidResolver& resolver,
                        const UnpackOptions& options) {
  if (text.size() > options.max_size * 2)
    return Fail(Code::kTooLarge, "didcomm unpack", "envelope over " + std::to_string(options.max_size * 2) + " octets");
  if (options.replay != nullptr && !options.now)
    return Fail(Code::kInvalidArgument, "didcomm unpack", "a replay check needs the time");
  Unpacked result;
  Metadata& metadata = result.metadata;
  std::string outer_kid;  // of an anoncrypt layer around another envelope
  std::string current;    // what the last layer held; the first layer is the caller's text
  std::string_view view = text;
  Layer last = Layer::kNone;
  while (true) {
    KEEL_TRY(const base::JsonText parsed, base::JsonText::Parse(view, {.max_size = options.max_size * 2}));
    const base::JsonText::Value root = parsed.root();
    if (!root.is_object()) return Fail(Code::kMalformed, "didcomm unpack", "no JSON object");
    Layer layer = Layer::kNone;
    if (root.Find("ciphertext")) {
      KEEL_TRY(Envelope envelope, ReadEnvelope(root));
      layer = envelope.authcrypt ? Layer::kAuthcrypt : Layer::kAnoncrypt;
      if (layer <= last) return WrongOrder();
      outer_kid = metadata.recipient_kid;
      KEEL_TRY(std::string opened, Open(envelope, keys, resolver, options.agreements, metadata.recipient_kid));
      current = std::move(opened);
      metadata.encrypted = true;
      if (envelope.authcrypt) {
        metadata.authenticated = true;
        metadata.encrypted_from = envelope.skid;
        metadata.enc_alg_auth = EncryptionName(envelope);
      } else {
        metadata.anonymous_sender = true;
        metadata.enc_alg_anon = EncryptionName(envelope);
      }
      metadata.encrypted_to = std::move(envelope.kids);
    } else if (root.Find("payload") && (root.Find("signatures") || root.Find("signature"))) {
      layer = Layer::kSigned;
      if (layer <= last) return WrongOrder();
      KEEL_TRY(std::string opened, OpenSigned(root, resolver, metadata));
      metadata.signed_message = view.data() == current.data() ? std::move(current) : std::string(view);
      current = std::move(opened);
    } else {
      if (view.size() > options.max_size) {
        return Fail(Code::kTooLarge, "didcomm unpack",
                    "plaintext over " + std::to_string(options.max_size) + " octets");
      }
      KEEL_TRY(result.message, ReadMessage(root, last == Layer::kNone ? Body::kRequired : Body::kOptional));
      break;
    }
    last = layer;
    view = current;
  }
  result.plaintext = view.data() == current.data() ? std::move(current) : std::string(view);
  if (options.require_encrypted && !metadata.encrypted)
    return Fail(Code::kRefused, "didcomm unpack", "the message isn't encrypted");
  if (options.require_authenticated && !metadata.authenticated)
    return Fail(Code::kRefused, "didcomm unpack", "the message names no sender that it proves");
  KEEL_TRY_VOID(CheckAddressing(result.message, metadata, outer_kid));
  KEEL_TRY_VOID(CheckFromPrior(result.message, resolver, metadata));
  if (options.now) KEEL_TRY_VOID(CheckTimes(result.message, *options.now));
  if (options.replay != nullptr) {
    // An unproved `from` must not be able to use up another sender's ids.
    const std::string sender = metadata.authenticated ? result.message.from : "?" + result.message.from;
    KEEL_TRY(const UnixSeconds until, RememberUntil(result.message, *options.now, options.replay_seconds));
    KEEL_TRY(const bool fresh, options.replay->Remember(sender, result.message.id, *options.now, until));
    if (!fresh) return Fail(Code::kReplayed, "didcomm unpack", "message " + result.message.id + " came before");
  }
  return result;
}

}  // namespace keel::didcomm
