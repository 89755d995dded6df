// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "core/secret.h"
#include "onboarding/limits.h"

// Firmware blocks: raw ciphertext under a transfer key that a DIDComm message delivered. Block b holds the image's
// octets from b * block_size on, all but the last one full. XChaCha20-Poly1305 with nonce 16 zero octets || u64 b and
// additional data "keel-fw/1\n" || H(manifest octets) || u64 offset || u64 image size. A transfer key serves one
// (manifest, image, block size) only.
namespace keel::onboarding {

using TransferKey = SecretBytes<32>;

struct FirmwareTransfer {
  Bytes32 manifest_digest{};
  uint64_t image_size = 0;
  uint32_t block_size = kFirmwareBlock;

  uint64_t blocks() const { return block_size == 0 ? 0 : (image_size + block_size - 1) / block_size; }
  // Plaintext octets of block b; 0 beyond the end.
  size_t BlockLength(uint64_t b) const;
};

// kInvalidArgument unless block_size is a power of two between kMinFirmwareBlock and kFirmwareBlock and 0 < image_size
// <= kMaxFirmware.
Result<> CheckTransfer(const FirmwareTransfer& transfer);
// Writes ciphertext and tag: BlockLength + kFirmwareTag octets. May work in place.
Result<size_t> SealBlock(const TransferKey& key, const FirmwareTransfer& transfer, uint64_t b, ByteView plaintext,
                         ByteSpan out);
// kDecryptFailed for another block, key, manifest or size. May work in place.
Result<size_t> OpenBlock(const TransferKey& key, const FirmwareTransfer& transfer, uint64_t b, ByteView sealed,
                         ByteSpan out);

}  // namespace keel::onboarding
