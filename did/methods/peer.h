// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "did/resolver.h"

// did:peer, numalgo 0 and 2 (DIF Peer DID Method 1.0). The DID carries its document. Ids are relative in the method's
// text ("#key-1"); ours are made absolute.
namespace keel::did {

inline constexpr size_t kMaxPeerElements = 32;

struct PeerKey {
  Relationship use = Relationship::kKeyAgreement;
  crypto::PublicKey key;
};

// did:peer:2 of these keys, in order (they become #key-1, #key-2, ...), and services given as JSON objects in the
// method's or in full spelling. kUnsupported, kMalformed (service JSON), kTooLarge.
Result<std::string> CreatePeer2(std::span<const PeerKey> keys, std::span<const std::string> services = {});

// The service element of a DIDComm endpoint: {"t":"dm","s":{"uri":uri,"a":["didcomm/v2"]}}.
std::string PeerServiceDidcomm(const std::string& uri);

// The document of a did:peer:0 or 2. kInvalidDid; kUnsupported for other numalgos. Services in the new encoding (each
// its own object) and in the old one (an array; string endpoints with "r" and "a" beside) are both read.
Result<DidDocument> ResolvePeer(std::string_view did);

class PeerMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;
};

}  // namespace keel::did
