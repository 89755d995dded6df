// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/time.h"

namespace keel::registry_client {

// A checkpoint that this process has verified: quorum of the current epoch, freshness, never smaller than one accepted
// before. `ckpt` and `state` are the bodies of a pack's CKPT and STATE items (protocol.md, annex), ready to be packed.
struct VerifiedCheckpoint {
  uint32_t epoch = 0;
  uint64_t size = 0;  // leaves of the log
  Bytes32 log_root{};
  uint64_t height = 0;  // number of commits
  Bytes32 map_root{};
  UnixSeconds time = 0;  // smallest of the cosignature times used
  std::vector<uint8_t> ckpt;
  std::vector<uint8_t> state;
};

// One anchored DID operation: its log index and its JWS octets (body of a pack's OP item: u64 index || jws).
struct AnchoredOperation {
  uint64_t index = 0;
  std::vector<uint8_t> jws;
};

// A did:keel's whole operation history, checked: every operation's signatures, scid, commitments, rising indices, and
// the head against the map at `checkpoint`. Replay with ledger::DidHistory to read keys and services.
struct VerifiedHistory {
  std::string did;
  std::vector<AnchoredOperation> operations;  // create first; never empty
  Bytes32 head{};
  bool deactivated = false;
  std::vector<uint8_t> head_proof;  // map proof of K(1, did): body of a pack's HEAD item
  VerifiedCheckpoint checkpoint;
};

// Seam: where verified did:keel histories come from. Implementations: RegistryClient; tests' fakes. Thread-safe.
class HistorySource {
 public:
  virtual ~HistorySource() = default;
  // kNotFound: proved absent. kBadProof, kNoQuorum, kStale, kUntrusted: the registry's answer is refused. kUnreachable,
  // kTimeout.
  virtual Result<VerifiedHistory> ResolveDid(const std::string& did) = 0;
};

}  // namespace keel::registry_client
