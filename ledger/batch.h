// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "ledger/entry.h"
#include "ledger/merkle.h"

// Issuer batches: when a credential was issued, provable (docs/formats/ledger.md). A credential travels with a `batch`
// member {salt, i, n, path, index}: path is base64url of n x 32 octets in one string.
namespace keel::ledger {

struct BatchProof {
  Bytes32 salt{};
  uint32_t i = 0;      // leaf number
  uint32_t n = 0;      // leaves
  uint64_t index = 0;  // log index of the batch entry
  uint8_t path_count = 0;
  std::array<Bytes32, kMaxBatchPath> path{};
};

// Leaf: H(0x00 || "keel-batch/1\n" || salt 32 || H(credential octets)).
Bytes32 BatchLeaf(const Bytes32& salt, ByteView credential);
Bytes32 BatchLeafOfHash(const Bytes32& salt, const Bytes32& credential_hash);

Result<BatchProof> ParseBatchProof(const JsonView& batch);
Result<size_t> WriteBatchProof(const BatchProof& proof, std::span<char> out);

// The batch root that the credential belongs to; the holder then looks up map[BatchKey(issuer, root)] = index.
// kBadProof.
Result<Bytes32> BatchRootOf(const Bytes32& credential_hash, const BatchProof& proof);
// The whole for who holds the map proof: the issuer anchored this credential at proof.index.
Result<> VerifyBatch(const Bytes32& credential_hash, const BatchProof& proof, std::string_view issuer_did,
                     ByteView map_proof, const Bytes32& map_root);

}  // namespace keel::ledger
