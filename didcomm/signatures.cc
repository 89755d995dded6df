// SPDX-License-Identifier: Apache-2.0
#include "didcomm/internal/signatures.h"

#include "base/encoding.h"
#include "crypto/signature.h"
#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

using base::JsonText;

constexpr size_t kMaxProtected = 16 << 10;

std::unexpected<Error> Bad(std::string detail) {
  return Fail(Code::kMalformed, "didcomm signature", std::move(detail));
}

Result<std::string> Text(const JsonText::Value& object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member) return Fail(Code::kMissing, "didcomm signature", "member '" + std::string(name) + "' is missing");
  if (!member->is_string()) return Bad("member '" + std::string(name) + "' must be a string");
  return member->String();
}

// What a protected header says.
struct Header {
  std::string alg, kid;
};

Result<Header> ReadProtected(const std::string& protected_b64, const SignatureRules& rules) {
  if (protected_b64.size() > kMaxProtected) return Fail(Code::kTooLarge, "didcomm signature", "protected header");
  KEEL_TRY(const base::ByteVec octets, base::FromBase64Url(protected_b64));
  KEEL_TRY(const JsonText parsed, JsonText::Parse(AsText(octets), {.max_size = kMaxProtected}));
  const JsonText::Value root = parsed.root();
  if (!root.is_object()) return Bad("the protected header is no object");
  for (const char* name : {"crit", "b64"}) {
    if (root.Find(name))
      return Fail(Code::kUnsupported, "didcomm signature",
                  std::string("'") + name + "' asks for an extension, and none is known here");
  }
  Header header;
  KEEL_TRY(header.alg, Text(root, "alg"));
  KEEL_TRY_VOID(crypto::AlgorithmFromJose(header.alg));
  if (root.Find("typ")) {
    KEEL_TRY(const std::string typ, Text(root, "typ"));
    // "JWM" is what the specification's own example has (section "Message Signing").
    if (rules.message && typ != kTypSigned && typ != "didcomm-signed+json" && typ != "JWM")
      return Bad("typ '" + typ + "'");
  }
  if (root.Find("kid")) {
    KEEL_TRY(header.kid, Text(root, "kid"));
  }
  return header;
}

Result<crypto::PublicKey> SignersKey(const std::string& kid, did::DidResolver& resolver,
                                     std::span<const did::Relationship> uses) {
  Result<crypto::PublicKey> key = Fail(Code::kInvalidArgument, "didcomm signature", "no use asked for");
  for (const did::Relationship use : uses) {
    key = did::ResolveKey(resolver, kid, use);
    if (key || key.error().code != Code::kUntrusted) break;  // there, but listed under another relationship
  }
  return key;
}

Result<> CheckSignature(const JsonText::Value& signature, std::string_view payload_b64, did::DidResolver& resolver,
                        const SignatureRules& rules, std::vector<CheckedSignature>& checked) {
  if (!signature.is_object()) return Bad("a signature is no object");
  KEEL_TRY(const std::string protected_b64, Text(signature, "protected"));
  KEEL_TRY(const std::string signature_b64, Text(signature, "signature"));
  KEEL_TRY(Header header, ReadProtected(protected_b64, rules));
  if (const auto outer = signature.Find("header")) {
    if (!outer->is_object()) return Bad("the signature's header is no object");
    for (auto it = outer->begin(); !(it == outer->end()); ++it) {
      if (!it.name().Equals("kid"))
        return Bad("the unprotected header has '" + it.name().String() + "'; only kid may stand there");
    }
    KEEL_TRY(std::string kid, Text(*outer, "kid"));
    if (!header.kid.empty() && header.kid != kid) return Bad("two different kids");
    header.kid = std::move(kid);
  }
  if (header.kid.empty()) return Fail(Code::kMissing, "didcomm signature", "a signature without kid");
  for (const CheckedSignature& other : checked) {
    if (other.kid == header.kid) return Fail(Code::kDuplicate, "didcomm signature", header.kid + " signs twice");
  }
  KEEL_TRY(const base::ByteVec octets, base::FromBase64Url(signature_b64));
  KEEL_TRY(const crypto::PublicKey key, SignersKey(header.kid, resolver, rules.uses));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  if (crypto::JoseName(algorithm) != header.alg) {
    return Fail(Code::kAlgorithmNotAllowed, "didcomm signature",
                "the header says " + header.alg + ", the key is for " + std::string(crypto::JoseName(algorithm)));
  }
  std::string input;
  input.reserve(protected_b64.size() + 1 + payload_b64.size());
  input.append(protected_b64).append(".").append(payload_b64);
  KEEL_TRY(const bool good, crypto::VerifyEitherS(key, AsBytes(input), octets));
  if (!good) return Fail(Code::kBadSignature, "didcomm signature", "the signature of " + header.kid + " is wrong");
  checked.push_back({std::move(header.kid), std::move(header.alg)});
  return {};
}

}  // namespace

Result<std::vector<CheckedSignature>> CheckSignatures(const JsonText::Value& root, std::string_view payload_b64,
                                                      did::DidResolver& resolver, const SignatureRules& rules) {
  std::vector<CheckedSignature> checked;
  const auto list = root.Find("signatures");
  if (!list) {
    KEEL_TRY_VOID(CheckSignature(root, payload_b64, resolver, rules, checked));
    return checked;
  }
  if (root.Find("signature") || root.Find("protected") || root.Find("header"))
    return Bad("general and flattened serialization at once");
  if (!list->is_array() || list->size() == 0) return Bad("no signatures");
  if (list->size() > kMaxSignatures)
    return Fail(Code::kTooLarge, "didcomm signature", "more than " + std::to_string(kMaxSignatures) + " signatures");
  for (const JsonText::Value each : *list) KEEL_TRY_VOID(CheckSignature(each, payload_b64, resolver, rules, checked));
  return checked;
}

}  // namespace keel::didcomm
