// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "did/resolver.h"

// did:key (W3C CCG, v0.9). The identifier is the Multikey; nothing is asked of anybody.
namespace keel::did {

// "did:key:z6Mk..."; empty for no key.
std::string DidKey(const crypto::PublicKey& key);
// "did:key:z6Mk...#z6Mk...".
std::string DidKeyUrl(const crypto::PublicKey& key);

// Why a did:key is refused for its key, by the names of the method's text: "invalidPublicKeyLength" (a known kind of
// key of the wrong length), "invalidPublicKey" (not a point of its curve), "unsupportedPublicKeyType" (another kind of
// key); empty for anything else, also when it isn't refused.
std::string_view KeyRefusal(std::string_view did_or_url);

// Ed25519, X25519, P-256, P-384, P-521, secp256k1; any other kind of key (RSA, BLS12-381, ...) is kInvalidDid with its
// name. An Ed25519 key also gives its X25519 form for key agreement, as the method's text says. Thread-safe.
class KeyMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;
};

}  // namespace keel::did
