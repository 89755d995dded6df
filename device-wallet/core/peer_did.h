// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "crypto/keys.h"
#include "device-wallet/core/text.h"

// did:peer:2 as onboarding uses it: one E key (X25519 or P-256, agreement), the only one that stands in envelope
// headers, and, for a device, one V key (Ed25519 or P-256) for broker tokens only (docs/decisions: the pairwise token
// key).
namespace keel::wallet {

inline constexpr size_t kMaxPeerDid = 200;  // characters
inline constexpr size_t kMaxPeerKid = 208;  // with "#key-N"

struct PeerDid {
  FixedText<kMaxPeerDid> did;
  crypto::PublicKey agreement;
  crypto::PublicKey token;       // valid() false when there is none
  uint8_t agreement_number = 1;  // N of the agreement key's "#key-N"
  uint8_t token_number = 2;
};

// "did:peer:2.E<agreement>[.V<token>]". kBadKey when a key can't serve for its purpose.
Result<PeerDid> MakePeerDid(const crypto::PublicKey& agreement, const crypto::PublicKey& token);

// Takes exactly one E key, at most one V key, nothing else (no services: the invitation has the URL).
// kInvalidDid, kMethodNotSupported, kBadKey.
Result<PeerDid> ParsePeerDid(std::string_view did);

// The agreement key's absolute id.
FixedText<kMaxPeerKid> AgreementKid(const PeerDid& peer);

}  // namespace keel::wallet
