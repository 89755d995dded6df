// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "custody/store.h"
#include "custody/verbs.h"

// The first of a custodian's three verbs: the seals of whoever is to receive devices (protocol.md section 4;
// docs/formats/custody.md).
namespace keel::custody {

inline constexpr uint64_t kMaxRequestSeals = 10'000;

struct OwnershipRequest {
  std::string id;              // 16 random octets, base64url
  std::string did;             // the receiver's
  std::string create;          // its create operation, for a giver who anchors it
  std::vector<Bytes32> seals;  // one a device, in order
  UnixSeconds created = 0;
  registry_client::VerifiedHistory history;  // the receiver's: as the registry proves it, or the create operation alone
  bool anchored = false;                     // the registry knows the DID
};

// Makes `count` seals from one batch seed, keeps the seed (sealed) and gives the signed request: what goes into the
// file.
Result<std::string> MakeRequest(CustodyContext& context, uint64_t count);

// Checks a request: form, network, the DID is the hash of its create operation, the signature by a key that is current
// (or, when the DID isn't anchored yet or `offline`, that the create operation names). kMalformed, kWrongNetwork,
// kInvalidDid, kBadSignature, kUntrusted; registry errors.
Result<OwnershipRequest> ReadRequest(CustodyContext& context, std::string_view text, bool offline);

// The history that a create operation alone gives (log index 1 for want of a known one): for documents of DIDs not
// anchored yet. kInvalidDid, kBadSignature.
Result<registry_client::VerifiedHistory> HistoryOfOperations(const std::string& did,
                                                             const std::vector<std::string>& operations);

// --- our own requests, by id
struct OwnRequest {
  uint64_t count = 0;
  std::vector<uint64_t> used;  // positions whose seals came back in links
};
Result<OwnRequest> FindOwnRequest(CustodyStore& store, const std::string& id);
// The seal and its Ed25519 seed at that position. kOutOfRange.
struct RequestSeal {
  Bytes32 seal{};
  SecretBytes<32> seed;
};
Result<std::vector<RequestSeal>> RequestSeals(CustodyStore& store, const std::string& id);
// Notes positions as used and, when every one is, destroys the seed: added to the batch that stores the devices.
Result<> MarkUsed(CustodyStore& store, const std::string& id, const std::vector<uint64_t>& positions,
                  base::WriteBatch& batch);

}  // namespace keel::custody
