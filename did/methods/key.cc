// SPDX-License-Identifier: Apache-2.0
#include "did/methods/key.h"

#include "base/encoding.h"
#include "did/did.h"
#include "did/internal/long_base58.h"

namespace keel::did {
namespace {

constexpr std::string_view kPrefix = "did:key:";
constexpr uint8_t kSigning = 1 | 2 | 8 | 16;  // all but key agreement
constexpr uint8_t kAgreement = static_cast<uint8_t>(Relationship::kKeyAgreement);

// Kinds of key that others' did:key have and ours don't, for a refusal that says what it met.
constexpr std::pair<uint64_t, const char*> kNotHeld[] = {
    {0x1205, "RSA"},       {0xea, "BLS12-381 G1"}, {0xeb, "BLS12-381 G2"}, {0xee, "BLS12-381 G1 and G2"},
    {0x1203, "Ed448"},     {0x1204, "X448"},       {0x1206, "SM2"},        {0xef, "sr25519"},
    {0x1340, "BIP 340"},   {0x120b, "ML-KEM-512"}, {0x120c, "ML-KEM-768"}, {0x120d, "ML-KEM-1024"},
    {0x1210, "ML-DSA-44"}, {0x1211, "ML-DSA-65"},  {0x1212, "ML-DSA-87"},  {0xeb51, "JWK (jwk_jcs-pub)"},
};

// Multicodecs and lengths of the kinds that are held.
constexpr std::pair<uint64_t, size_t> kLengths[] = {{0xed, 32},   {0xec, 32},   {0xe7, 33},
                                                    {0x1200, 33}, {0x1201, 49}, {0x1202, 67}};

std::string WhyNot(const std::string& multikey, const Error& error) {
  if (error.code == Code::kUnsupported || error.code == Code::kTooLarge) {
    const auto octets = internal::FromLongBase58(std::string_view(multikey).substr(1));
    const auto codec = octets ? VarintDecode(*octets) : Result<Varint>(Fail(Code::kMalformed, "multikey"));
    if (codec) {
      for (const auto& [value, name] : kNotHeld) {
        if (codec->value == value)
          return std::string(name) + " keys are not supported; Ed25519, X25519, P-256, P-384, P-521 and secp256k1 are";
      }
      return "its multicodec 0x" + base::Hex(ByteView(*octets).first(codec->length)) + " (as a varint) is not known";
    }
  }
  return error.Text();
}

}  // namespace

std::string DidKey(const crypto::PublicKey& key) {
  const std::string multikey = base::Multikey(key);
  return multikey.empty() ? std::string() : std::string(kPrefix) + multikey;
}

std::string DidKeyUrl(const crypto::PublicKey& key) {
  const std::string multikey = base::Multikey(key);
  return multikey.empty() ? std::string() : std::string(kPrefix) + multikey + "#" + multikey;
}

std::string_view KeyRefusal(std::string_view did_or_url) {
  const std::string_view did = DidOf(did_or_url);
  if (!did.starts_with(kPrefix) || !did.substr(kPrefix.size()).starts_with('z')) return {};
  const std::string_view multikey = did.substr(kPrefix.size());
  const auto octets = internal::FromLongBase58(multikey.substr(1));
  const auto codec = octets ? VarintDecode(*octets) : Result<Varint>(Fail(Code::kMalformed, "multikey"));
  if (!codec || crypto::PublicKey::FromMultikey(multikey)) return {};
  for (const auto& [value, length] : kLengths) {
    if (codec->value == value)
      return octets->size() - codec->length == length ? "invalidPublicKey" : "invalidPublicKeyLength";
  }
  return "unsupportedPublicKeyType";
}

Result<ResolutionResult> KeyMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY_VOID(RefuseVersions(options, "did:key"));
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "key") return Fail(Code::kMethodNotSupported, "did:key", "did:" + parsed.method);
  auto key = crypto::PublicKey::FromMultikey(parsed.id);
  if (!key) return Fail(Code::kInvalidDid, "did:key", WhyNot(parsed.id, key.error()));
  auto document = std::make_shared<DidDocument>();
  document->id = did;
  const bool agreement_only = key->type() == crypto::KeyType::kX25519;
  const bool ed25519 = key->type() == crypto::KeyType::kEd25519;
  document->methods.push_back({did + "#" + parsed.id,
                               "Multikey",
                               did,
                               *key,
                               {},
                               static_cast<uint8_t>(agreement_only ? kAgreement
                                                    : ed25519      ? kSigning
                                                                   : kSigning | kAgreement)});
  if (ed25519) {
    KEEL_TRY(const crypto::PublicKey derived, crypto::X25519FromEd25519(*key));
    document->methods.push_back({did + "#" + base::Multikey(derived), "Multikey", did, derived, {}, kAgreement});
  }
  ResolutionResult result;
  result.document = std::move(document);
  return result;
}

}  // namespace keel::did
