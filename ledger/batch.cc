// SPDX-License-Identifier: Apache-2.0
#include "ledger/batch.h"

#include "core/encoding.h"
#include "crypto/hash.h"

namespace keel::ledger {

Bytes32 BatchLeafOfHash(const Bytes32& salt, const Bytes32& credential_hash) {
  const uint8_t tag = 0x00;
  return crypto::Sha256()
      .Update(ByteView(&tag, 1))
      .Update("keel-batch/1\n")
      .Update(salt)
      .Update(credential_hash)
      .Final();
}

Bytes32 BatchLeaf(const Bytes32& salt, ByteView credential) {
  return BatchLeafOfHash(salt, crypto::Sha256::Of(credential));
}

Result<BatchProof> ParseBatchProof(const JsonView& batch) {
  BatchProof proof;
  KEEL_TRY(proof.salt, batch.GetFixed<32>("salt"));
  KEEL_TRY(const uint64_t i, batch.GetUint("i"));
  KEEL_TRY(const uint64_t n, batch.GetUint("n"));
  KEEL_TRY(proof.index, batch.GetUint("index"));
  if (n == 0 || n > kMaxBatchLeaves || i >= n) return Fail(Code::kOutOfRange, "batch i or n");
  proof.i = static_cast<uint32_t>(i);
  proof.n = static_cast<uint32_t>(n);
  ByteArray<kMaxBatchPath * 32> path;
  KEEL_TRY(const size_t length, batch.GetBase64Url("path", path));
  if (length % 32 != 0) return Fail(Code::kMalformed, "batch path");
  proof.path_count = static_cast<uint8_t>(length / 32);
  for (size_t at = 0; at < proof.path_count; ++at) std::memcpy(proof.path[at].data(), path.data() + 32 * at, 32);
  return proof;
}

Result<size_t> WriteBatchProof(const BatchProof& proof, std::span<char> out) {
  if (proof.path_count > kMaxBatchPath || proof.i >= proof.n) return Fail(Code::kInvalidArgument, "batch proof");
  JsonWriter w(out);
  w.BeginObject().Name("salt").Base64Url(proof.salt).Name("i").Uint(proof.i).Name("n").Uint(proof.n);
  w.Name("path").Base64Url(ByteView(proof.path[0].data(), size_t{32} * proof.path_count));
  w.Name("index").Uint(proof.index).EndObject();
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "batch proof");
  return w.size();
}

Result<Bytes32> BatchRootOf(const Bytes32& credential_hash, const BatchProof& proof) {
  return RootFromPath(BatchLeafOfHash(proof.salt, credential_hash), proof.i, proof.n,
                      ByteView(proof.path[0].data(), size_t{32} * proof.path_count));
}

Result<> VerifyBatch(const Bytes32& credential_hash, const BatchProof& proof, std::string_view issuer_did,
                     ByteView map_proof, const Bytes32& map_root) {
  KEEL_TRY(const Bytes32 root, BatchRootOf(credential_hash, proof));
  return VerifyPresent(map_proof, map_root, BatchKey(issuer_did, root), BatchMapValue(proof.index));
}

}  // namespace keel::ledger
