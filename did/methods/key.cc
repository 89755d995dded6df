// SPDX-License-Identifier: Apache-2.0
#include "did/methods/key.h"

#include "base/encoding.h"
#include "did/did.h"

namespace keel::did {
namespace {

constexpr std::string_view kPrefix = "did:key:";
constexpr uint8_t kSigning = 1 | 2 | 8 | 16;  // all but key agreement
constexpr uint8_t kAgreement = static_cast<uint8_t>(Relationship::kKeyAgreement);

}  // namespace

std::string DidKey(const crypto::PublicKey& key) {
  const std::string multikey = base::Multikey(key);
  return multikey.empty() ? std::string() : std::string(kPrefix) + multikey;
}

std::string DidKeyUrl(const crypto::PublicKey& key) {
  const std::string multikey = base::Multikey(key);
  return multikey.empty() ? std::string() : std::string(kPrefix) + multikey + "#" + multikey;
}

Result<ResolutionResult> KeyMethod::Resolve(const std::string& did, const ResolutionOptions&) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "key") return Fail(Code::kMethodNotSupported, "did:key", "did:" + parsed.method);
  auto key = crypto::PublicKey::FromMultikey(parsed.id);
  if (!key) return Fail(Code::kInvalidDid, "did:key", key.error().Text());
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
