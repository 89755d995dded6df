// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "did/resolver.h"

// did:peer, numalgo 0, 2 and 4 (DIF Peer DID Method 1.0; 4 is made in peer4.h). The DID carries its document. Ids are
// relative in the method's text ("#key-1"); ours are made absolute.
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

// The document of a did:peer:0 or 2, or of the long form of a 4. kInvalidDid; kUnsupported for other numalgos;
// kNotFound for the short form of a 4. Services in the new encoding (each its own object) and in the old one (an array;
// string endpoints with "r" and "a" beside) are both read.
Result<DidDocument> ResolvePeer(std::string_view did);

// Remembers the long forms of did:peer:4 that it has resolved, the max_seen used last, and resolves the short forms of
// those (kNotFound for others); they are gone with the object. Thread-safe.
class PeerMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  explicit PeerMethod(size_t max_seen = 1024);
  ~PeerMethod() override;
  // A long form that the caller kept from an earlier run. kInvalidDid.
  Result<> Remember(const std::string& long_form);
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::did
