// SPDX-License-Identifier: Apache-2.0
#include "didcomm/pack.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"

namespace keel::didcomm {
namespace {

using did::Relationship;
using nlohmann::json;

struct Target {
  std::vector<Recipient> recipients;  // usable keys, of any curve
  std::vector<std::string> endpoints;
};

Result<did::ResolutionResult> ResolveLiving(did::DidResolver& resolver, const std::string& did_text) {
  KEEL_TRY(did::ResolutionResult result, resolver.Resolve(did_text));
  if (result.deactivated) return Fail(Code::kDeactivated, "didcomm pack", did_text + " is deactivated");
  return result;
}

bool CanAgree(crypto::KeyType type) { return type == crypto::KeyType::kX25519 || type == crypto::KeyType::kP256; }

Result<Target> FindTarget(const std::string& to, did::DidResolver& resolver) {
  const std::string did_text(did::DidOf(to));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  Target target;
  if (did_text != to) {
    const did::VerificationMethod* method = result.document->FindFor(Relationship::kKeyAgreement, to);
    if (method == nullptr) return Fail(Code::kUntrusted, "didcomm pack", to + " is not listed under keyAgreement");
    if (!method->key.valid() || !CanAgree(method->key.type()))
      return Fail(Code::kUnsupported, "didcomm pack", to + ": only X25519 and P-256 keys can receive");
    target.recipients.push_back({method->id, method->key});
  } else {
    for (const did::VerificationMethod* method : result.document->All(Relationship::kKeyAgreement)) {
      if (CanAgree(method->key.type())) target.recipients.push_back({method->id, method->key});
    }
    if (target.recipients.empty())
      return Fail(Code::kUnsupported, "didcomm pack", to + " has no X25519 or P-256 key for key agreement");
  }
  for (const did::Service& service : result.document->services) {
    if (std::find(service.types.begin(), service.types.end(), "DIDCommMessaging") == service.types.end()) continue;
    target.endpoints.insert(target.endpoints.end(), service.uris.begin(), service.uris.end());
  }
  return target;
}

void KeepType(std::vector<Recipient>& recipients, crypto::KeyType type) {
  std::erase_if(recipients, [type](const Recipient& recipient) { return recipient.key.type() != type; });
}

struct Sender {
  std::string kid;
  did::KeyRef key;
  crypto::KeyType type = crypto::KeyType::kX25519;
};

Result<Sender> FindSender(const std::string& from, const std::vector<Recipient>& recipients, did::KeyFinder& keys,
                          did::DidResolver& resolver) {
  const std::string did_text(did::DidOf(from));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  for (const did::VerificationMethod* method : result.document->All(Relationship::kKeyAgreement)) {
    if (did_text != from && method->id != from) continue;
    const bool shared = std::any_of(recipients.begin(), recipients.end(), [method](const Recipient& recipient) {
      return recipient.key.type() == method->key.type();
    });
    if (!shared) continue;
    auto key = keys.Find(method->id);
    if (key) return Sender{method->id, *key, method->key.type()};
    if (key.error().code != Code::kNoSuchKey) return std::unexpected<Error>(key.error());
  }
  return Fail(Code::kNoSuchKey, "didcomm pack",
              "no private key of " + from + " for key agreement on a curve that the recipient has");
}

Result<> CheckTo(const Message& message, const std::string& to) {
  const std::string_view recipient = did::DidOf(to);
  if (std::find(message.to.begin(), message.to.end(), recipient) == message.to.end()) {
    return Fail(Code::kWrongRecipient, "didcomm pack", "the message's 'to' doesn't name " + std::string(recipient));
  }
  return {};
}

Result<> CheckFrom(const Message& message, const std::string& from) {
  if (message.from != did::DidOf(from)) {
    return Fail(Code::kWrongSender, "didcomm pack",
                "the message is from '" + message.from + "', the key belongs to " + std::string(did::DidOf(from)));
  }
  return {};
}

struct Signature {
  std::string text;
  std::string kid;
};

Result<Signature> SignPlaintext(std::string_view plaintext, const std::string& sign_by, did::KeyFinder& keys,
                                did::DidResolver& resolver) {
  const std::string did_text(did::DidOf(sign_by));
  KEEL_TRY(const did::ResolutionResult result, ResolveLiving(resolver, did_text));
  for (const did::VerificationMethod* method : result.document->All(Relationship::kAuthentication)) {
    if (did_text != sign_by && method->id != sign_by) continue;
    auto key = keys.Find(method->id);
    if (!key) {
      if (key.error().code == Code::kNoSuchKey) continue;
      return std::unexpected<Error>(key.error());
    }
    KEEL_TRY(const std::string compact, did::SignJws(json{{"typ", kTypSigned}}, plaintext, *key->store, key->handle));
    const size_t first = compact.find('.');
    const size_t second = compact.find('.', first + 1);
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    out["payload"] = compact.substr(first + 1, second - first - 1);
    nlohmann::ordered_json entry = nlohmann::ordered_json::object();
    entry["protected"] = compact.substr(0, first);
    entry["signature"] = compact.substr(second + 1);
    entry["header"]["kid"] = method->id;
    out["signatures"].push_back(std::move(entry));
    return Signature{out.dump(), method->id};
  }
  return Fail(Code::kNoSuchKey, "didcomm pack", "no private key of " + sign_by + " for authentication");
}

Result<Packed> PackEncrypted(const Message& message, std::string plaintext, const std::string& from,
                             const std::string& to, did::KeyFinder& keys, did::DidResolver& resolver,
                             const PackOptions& options) {
  KEEL_TRY_VOID(CheckTo(message, to));
  if (!from.empty()) KEEL_TRY_VOID(CheckFrom(message, from));
  Random& random = options.random != nullptr ? *options.random : crypto::SystemRandom();
  KEEL_TRY(Target target, FindTarget(to, resolver));
  Packed packed;
  std::string inner = plaintext;
  if (!options.sign_by.empty()) {
    KEEL_TRY_VOID(CheckFrom(message, options.sign_by));
    KEEL_TRY(Signature signature, SignPlaintext(plaintext, options.sign_by, keys, resolver));
    inner = std::move(signature.text);
    packed.sign_kid = std::move(signature.kid);
  }
  if (!from.empty()) {
    KEEL_TRY(const Sender sender, FindSender(from, target.recipients, keys, resolver));
    KeepType(target.recipients, sender.type);
    KEEL_TRY(packed.text, SealAuthcrypt(inner, sender.kid, sender.key, target.recipients, random, options.agreements));
    packed.from_kid = sender.kid;
    if (options.protect_sender) {
      KEEL_TRY(packed.text, SealAnoncrypt(packed.text, target.recipients, options.anoncrypt, random));
    }
  } else {
    KeepType(target.recipients, target.recipients[0].key.type());
    KEEL_TRY(packed.text, SealAnoncrypt(inner, target.recipients, options.anoncrypt, random));
  }
  for (Recipient& recipient : target.recipients) packed.to_kids.push_back(std::move(recipient.kid));
  packed.endpoints = std::move(target.endpoints);
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
  KEEL_TRY_VOID(CheckFrom(message, sign_by));
  Packed packed;
  KEEL_TRY(packed.plaintext, message.Serialize());
  KEEL_TRY(Signature signature, SignPlaintext(packed.plaintext, sign_by, keys, resolver));
  packed.text = std::move(signature.text);
  packed.sign_kid = std::move(signature.kid);
  return packed;
}

Result<Packed> PackAnoncrypt(const Message& message, const std::string& to, did::KeyFinder& keys,
                             did::DidResolver& resolver, const PackOptions& options) {
  KEEL_TRY(std::string plaintext, message.Serialize());
  return PackEncrypted(message, std::move(plaintext), {}, to, keys, resolver, options);
}

Result<Packed> PackAuthcrypt(const Message& message, const std::string& from, const std::string& to,
                             did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options) {
  if (from.empty()) return Fail(Code::kInvalidArgument, "didcomm pack", "authcrypt needs a sender");
  KEEL_TRY(std::string plaintext, message.Serialize());
  return PackEncrypted(message, std::move(plaintext), from, to, keys, resolver, options);
}

Result<Packed> PackAuthcryptOctets(std::string_view plaintext, const std::string& from, const std::string& to,
                                   did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options) {
  if (from.empty()) return Fail(Code::kInvalidArgument, "didcomm pack", "authcrypt needs a sender");
  KEEL_TRY(const Message message, Message::Parse(plaintext));
  return PackEncrypted(message, std::string(plaintext), from, to, keys, resolver, options);
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
