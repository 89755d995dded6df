// SPDX-License-Identifier: Apache-2.0
#include "didcomm/pack.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/json_text.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "did/jose.h"
#include "didcomm/internal/jwe_parts.h"

namespace keel::didcomm {
namespace {

using did::Relationship;
using nlohmann::json;

struct Target {
  std::string to;                     // as the caller named it
  std::vector<Recipient> recipients;  // usable keys, of any curve
};

Result<did::ResolutionResult> ResolveLiving(did::DidResolver& resolver, const std::string& did_text) {
  KEEL_TRY(did::ResolutionResult result, resolver.Resolve(did_text));
  if (result.deactivated) return Fail(Code::kDeactivated, "didcomm pack", did_text + " is deactivated");
  return result;
}

Result<Target> FindTarget(const std::string& to, did::DidResolver& resolver, std::vector<std::string>& endpoints) {
  const std::string did_text(did::DidOf(to));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  Target target;
  target.to = to;
  if (did_text != to) {
    const did::VerificationMethod* method = result.document->FindFor(Relationship::kKeyAgreement, to);
    if (method == nullptr) return Fail(Code::kUntrusted, "didcomm pack", to + " is not listed under keyAgreement");
    if (!method->key.valid() || !CanAgree(method->key.type()))
      return Fail(Code::kUnsupported, "didcomm pack", to + ": only X25519, P-256, P-384 and P-521 keys can receive");
    target.recipients.push_back({method->id, method->key});
  } else {
    for (const did::VerificationMethod* method : result.document->All(Relationship::kKeyAgreement)) {
      if (CanAgree(method->key.type())) target.recipients.push_back({method->id, method->key});
    }
    if (target.recipients.empty())
      return Fail(Code::kUnsupported, "didcomm pack",
                  to + " has no X25519, P-256, P-384 or P-521 key for key agreement");
  }
  for (const did::Service& service : result.document->services) {
    if (std::find(service.types.begin(), service.types.end(), "DIDCommMessaging") == service.types.end()) continue;
    endpoints.insert(endpoints.end(), service.uris.begin(), service.uris.end());
  }
  return target;
}

bool Has(const Target& target, crypto::KeyType type) {
  return std::any_of(target.recipients.begin(), target.recipients.end(),
                     [type](const Recipient& recipient) { return recipient.key.type() == type; });
}

// The target that has no key of this type; null when all have one.
const Target* Lacking(const std::vector<Target>& targets, crypto::KeyType type) {
  for (const Target& target : targets) {
    if (!Has(target, type)) return &target;
  }
  return nullptr;
}

std::vector<Recipient> OfType(std::vector<Target>& targets, crypto::KeyType type) {
  std::vector<Recipient> out;
  for (Target& target : targets) {
    for (Recipient& recipient : target.recipients) {
      if (recipient.key.type() == type) out.push_back(std::move(recipient));
    }
  }
  return out;
}

struct Sender {
  std::string kid;
  did::KeyRef key;
  crypto::KeyType type = crypto::KeyType::kX25519;
};

Result<Sender> FindSender(const std::string& from, const std::vector<Target>& targets, did::KeyFinder& keys,
                          did::DidResolver& resolver) {
  const std::string did_text(did::DidOf(from));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  std::string lacking;
  for (const did::VerificationMethod* method : result.document->All(Relationship::kKeyAgreement)) {
    if (did_text != from && method->id != from) continue;
    if (!CanAgree(method->key.type())) continue;
    if (const Target* target = Lacking(targets, method->key.type()); target != nullptr) {
      lacking = target->to;
      continue;
    }
    auto key = keys.Find(method->id);
    if (key) return Sender{method->id, *key, method->key.type()};
    if (key.error().code != Code::kNoSuchKey) return std::unexpected<Error>(key.error());
  }
  return Fail(Code::kNoSuchKey, "didcomm pack",
              "no private key of " + from + " for key agreement on a curve that " +
                  (lacking.empty() ? "the recipient" : lacking) + " has");
}

// The first curve of the first recipient that all the others have too.
Result<crypto::KeyType> CommonType(const std::vector<Target>& targets) {
  std::string lacking;
  for (const Recipient& recipient : targets[0].recipients) {
    const Target* target = Lacking(targets, recipient.key.type());
    if (target == nullptr) return recipient.key.type();
    lacking = target->to;
  }
  return Fail(Code::kUnsupported, "didcomm pack",
              lacking + " has no key of a curve that the others have: pack for it separately");
}

Result<> CheckTo(const Message& message, const std::string& to) {
  const std::string_view recipient = did::DidOf(to);
  for (const std::string& each : message.to) {
    if (did::DidOf(each) == recipient) return {};
  }
  return Fail(Code::kWrongRecipient, "didcomm pack", "the message's 'to' doesn't name " + std::string(recipient));
}

Result<> CheckFrom(const Message& message, const std::string& from) {
  if (message.from.empty() || did::DidOf(message.from) != did::DidOf(from)) {
    return Fail(Code::kWrongSender, "didcomm pack",
                "the message is from '" + message.from + "', the key belongs to " + std::string(did::DidOf(from)));
  }
  return {};
}

Result<> CheckSize(const std::string& text, uint64_t max_receive_bytes) {
  if (max_receive_bytes == 0 || text.size() <= max_receive_bytes) return {};
  return Fail(Code::kTooLarge, "didcomm pack",
              "the envelope has " + std::to_string(text.size()) + " octets, the recipient takes at most " +
                  std::to_string(max_receive_bytes) + " (max_receive_bytes): send less, or by attachment link");
}

struct Signer {
  std::string kid;
  did::KeyRef key;
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::kEdDsa;
};

// `sign_by`: a kid, or a DID.
Result<Signer> FindSigner(const std::string& sign_by, did::KeyFinder& keys, did::DidResolver& resolver) {
  const std::string did_text(did::DidOf(sign_by));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  for (const did::VerificationMethod* method : result.document->All(Relationship::kAuthentication)) {
    if (did_text != sign_by && method->id != sign_by) continue;
    auto key = keys.Find(method->id);
    if (!key) {
      if (key.error().code == Code::kNoSuchKey) continue;
      return std::unexpected<Error>(key.error());
    }
    KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(method->key.type()));
    return Signer{method->id, *key, algorithm};
  }
  return Fail(Code::kNoSuchKey, "didcomm pack", "no private key of " + sign_by + " for authentication");
}

struct Signed {
  std::string text;
  std::string kid;  // the first signer's
};

// JWS JSON, general serialization; every signature has a protected header of its own and its kid beside it. The payload
// is encoded once, where it stays: each header is put before it for its signature, then the text's beginning.
Result<Signed> Sign(std::string_view plaintext, std::span<const std::string> sign_by, did::KeyFinder& keys,
                    did::DidResolver& resolver) {
  if (sign_by.empty() || sign_by.size() > kMaxSignatures)
    return Fail(Code::kInvalidArgument, "didcomm pack", "number of signatures");
  constexpr std::string_view kBegin = "{\"payload\":\"";
  constexpr size_t kPayloadAt = 128;  // a header's text and the '.' stand before it
  const size_t payload_length = Base64UrlLength(plaintext.size());
  Signed result;
  std::string& text = result.text;
  text.reserve(kPayloadAt + payload_length + sign_by.size() * 512 + 32);
  text.resize(kPayloadAt + payload_length);
  KEEL_TRY_VOID(Base64UrlEncode(AsBytes(plaintext), std::span<char>(text).subspan(kPayloadAt)));
  std::vector<std::string> kids;
  std::string signatures;
  for (const std::string& each : sign_by) {
    KEEL_TRY(const Signer signer, FindSigner(each, keys, resolver));
    if (std::find(kids.begin(), kids.end(), signer.kid) != kids.end())
      return Fail(Code::kDuplicate, "didcomm pack", signer.kid + " would sign twice");
    std::string header = "{\"alg\":\"";
    header.append(crypto::JoseName(signer.algorithm)).append("\",\"typ\":\"").append(kTypSigned).append("\"}");
    const std::string protected_b64 = base::Base64Url(AsBytes(header));
    KEEL_ASSERT(protected_b64.size() < kPayloadAt);
    const size_t begin = kPayloadAt - 1 - protected_b64.size();
    text.replace(begin, protected_b64.size(), protected_b64);
    text[kPayloadAt - 1] = '.';
    ByteArray<crypto::kMaxSignature> octets;
    KEEL_TRY(const size_t length,
             signer.key.store->Sign(signer.key.handle, AsBytes(std::string_view(text).substr(begin)), octets));
    signatures.append(kids.empty() ? "" : ",").append("{\"protected\":\"").append(protected_b64);
    signatures.append("\",\"signature\":\"").append(base::Base64Url(ByteView(octets).first(length)));
    signatures.append("\",\"header\":{\"kid\":");
    base::AppendJsonString(signatures, signer.kid);
    signatures.append("}}");
    kids.push_back(signer.kid);
  }
  text.replace(0, kPayloadAt, kBegin);
  text.append("\",\"signatures\":[").append(signatures).append("]}");
  result.kid = std::move(kids.front());
  return result;
}

// In the text of a message: as Serialize wrote it, or ready-made.
Result<Packed> PackEncrypted(const Message& message, std::string plaintext, const std::string& from,
                             std::span<const std::string> to, did::KeyFinder& keys, did::DidResolver& resolver,
                             const PackOptions& options) {
  if (to.empty()) return Fail(Code::kInvalidArgument, "didcomm pack", "no recipient");
  if (options.protect_sender && !options.sign_by.empty()) {
    return Fail(Code::kInvalidArgument, "didcomm pack",
                "anoncrypt(authcrypt(sign(plaintext))) must not be used (DIDComm v2.1, section \"IANA Media Types\"): "
                "leave out the signature, or anoncrypt what is signed");
  }
  if (options.sign_by.empty() && !options.cosign_by.empty())
    return Fail(Code::kInvalidArgument, "didcomm pack", "cosign_by without sign_by");
  for (const std::string& each : to) KEEL_TRY_VOID(CheckTo(message, each));
  if (!from.empty()) KEEL_TRY_VOID(CheckFrom(message, from));
  Random& random = options.random != nullptr ? *options.random : crypto::SystemRandom();
  Packed packed;
  std::vector<Target> targets;
  for (const std::string& each : to) {
    KEEL_TRY(targets.emplace_back(), FindTarget(each, resolver, packed.endpoints));
  }
  std::string signed_text;
  if (!options.sign_by.empty()) {
    std::vector<std::string> signers = {options.sign_by};
    signers.insert(signers.end(), options.cosign_by.begin(), options.cosign_by.end());
    for (const std::string& each : signers) KEEL_TRY_VOID(CheckFrom(message, each));
    KEEL_TRY(Signed made, Sign(plaintext, signers, keys, resolver));
    signed_text = std::move(made.text);
    packed.sign_kid = std::move(made.kid);
  }
  const std::string& inner = options.sign_by.empty() ? plaintext : signed_text;
  std::vector<Recipient> recipients;
  if (!from.empty()) {
    KEEL_TRY(const Sender sender, FindSender(from, targets, keys, resolver));
    recipients = OfType(targets, sender.type);
    KEEL_TRY(packed.text, SealAuthcrypt(inner, sender.kid, sender.key, recipients, random, options.agreements));
    packed.from_kid = sender.kid;
    if (options.protect_sender) {
      KEEL_TRY(packed.text, SealAnoncrypt(packed.text, recipients, options.anoncrypt, random));
    }
  } else {
    KEEL_TRY(const crypto::KeyType type, CommonType(targets));
    recipients = OfType(targets, type);
    KEEL_TRY(packed.text, SealAnoncrypt(inner, recipients, options.anoncrypt, random));
  }
  KEEL_TRY_VOID(CheckSize(packed.text, options.max_receive_bytes));
  for (Recipient& recipient : recipients) packed.to_kids.push_back(std::move(recipient.kid));
  packed.plaintext = std::move(plaintext);
  return packed;
}

}  // namespace

Result<Packed> PackPlaintext(const Message& message) {
  Packed packed;
  KEEL_TRY(packed.plaintext, message.Serialize());
  packed.text = packed.plaintext;
  return packed;
}

Result<Packed> PackSigned(const Message& message, const std::string& sign_by, did::KeyFinder& keys,
                          did::DidResolver& resolver) {
  return PackSigned(message, std::span<const std::string>(&sign_by, 1), keys, resolver);
}

Result<Packed> PackSigned(const Message& message, std::span<const std::string> sign_by, did::KeyFinder& keys,
                          did::DidResolver& resolver) {
  for (const std::string& each : sign_by) KEEL_TRY_VOID(CheckFrom(message, each));
  Packed packed;
  KEEL_TRY(packed.plaintext, message.Serialize());
  KEEL_TRY(Signed made, Sign(packed.plaintext, sign_by, keys, resolver));
  packed.text = std::move(made.text);
  packed.sign_kid = std::move(made.kid);
  return packed;
}

Result<Packed> PackAnoncrypt(const Message& message, const std::string& to, did::KeyFinder& keys,
                             did::DidResolver& resolver, const PackOptions& options) {
  return PackAnoncrypt(message, std::span<const std::string>(&to, 1), keys, resolver, options);
}

Result<Packed> PackAnoncrypt(const Message& message, std::span<const std::string> to, did::KeyFinder& keys,
                             did::DidResolver& resolver, const PackOptions& options) {
  KEEL_TRY(std::string plaintext, message.Serialize());
  return PackEncrypted(message, std::move(plaintext), {}, to, keys, resolver, options);
}

Result<Packed> PackAuthcrypt(const Message& message, const std::string& from, const std::string& to,
                             did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options) {
  return PackAuthcrypt(message, from, std::span<const std::string>(&to, 1), keys, resolver, options);
}

Result<Packed> PackAuthcrypt(const Message& message, const std::string& from, std::span<const std::string> to,
                             did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options) {
  if (from.empty()) return Fail(Code::kInvalidArgument, "didcomm pack", "authcrypt needs a sender");
  KEEL_TRY(std::string plaintext, message.Serialize());
  return PackEncrypted(message, std::move(plaintext), from, to, keys, resolver, options);
}

Result<Packed> PackAuthcryptOctets(std::string_view plaintext, const std::string& from, const std::string& to,
                                   did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options) {
  if (from.empty()) return Fail(Code::kInvalidArgument, "didcomm pack", "authcrypt needs a sender");
  KEEL_TRY(const Message message, Message::Parse(plaintext));
  return PackEncrypted(message, std::string(plaintext), from, std::span<const std::string>(&to, 1), keys, resolver,
                       options);
}

Result<std::string> MakeFromPrior(const std::string& old_did, const std::string& new_did, UnixSeconds iat,
                                  const std::string& kid, did::KeyFinder& keys) {
  if (did::DidOf(kid) != old_did)
    return Fail(Code::kInvalidArgument, "didcomm from_prior", kid + " is not a key of " + old_did);
  if (old_did == new_did) return Fail(Code::kInvalidArgument, "didcomm from_prior", "old and new DID are the same");
  KEEL_TRY(const did::KeyRef key, keys.Find(kid));
  return did::SignJws(json{{"typ", "JWT"}, {"kid", kid}},
                      base::DumpJson(json{{"iss", old_did}, {"sub", new_did}, {"iat", iat}}), *key.store, key.handle);
}

}  // namespace keel::didcomm
