// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "did/resolver.h"

// did:jwk (github.com/quartzjer/did-jwk). The identifier is the base64url of a public JWK; nothing is asked of anybody.
namespace keel::did {

inline constexpr size_t kMaxJwk = 2048;  // octets of the JWK's JSON

// A JWK's `use` (RFC 7517 section 4.2), which decides the relationships of its one key.
enum class JwkUse : uint8_t { kAny, kSignature, kEncryption };

// "did:jwk:eyJ..." of the key's required members and `use`. kUnsupported: no key, or one that can't serve for that use.
Result<std::string> DidJwk(const crypto::PublicKey& key, JwkUse use = JwkUse::kAny);

// The document of a did:jwk: its one method is "#0". `use` "sig": every relationship but keyAgreement; "enc": that one
// alone; absent: all. A key that can't serve for one (Ed25519, X25519) is not listed under it. kInvalidDid: no
// canonical base64url, no strict JSON, a private member, another `use`, a key type that is not held, or one that `use`
// contradicts.
Result<DidDocument> ResolveJwk(std::string_view did);

// Thread-safe.
class JwkMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;
};

}  // namespace keel::did
