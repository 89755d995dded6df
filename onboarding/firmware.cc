// SPDX-License-Identifier: Apache-2.0
#include "onboarding/firmware.h"

#include "crypto/aead.h"

namespace keel::onboarding {
namespace {

ByteArray<24> Nonce(uint64_t b) {
  ByteArray<24> nonce{};
  ByteWriter(ByteSpan(nonce).subspan(16)).U64(b);
  return nonce;
}

ByteArray<10 + 32 + 16> Aad(const FirmwareTransfer& transfer, uint64_t b) {
  ByteArray<10 + 32 + 16> aad{};
  ByteWriter(aad)
      .Put("keel-fw/1\n")
      .Put(transfer.manifest_digest)
      .U64(b * transfer.block_size)
      .U64(transfer.image_size);
  return aad;
}

}  // namespace

size_t FirmwareTransfer::BlockLength(uint64_t b) const {
  if (b >= blocks()) return 0;
  const uint64_t left = image_size - b * block_size;
  return static_cast<size_t>(left < block_size ? left : block_size);
}

Result<> CheckTransfer(const FirmwareTransfer& transfer) {
  const bool power = transfer.block_size != 0 && (transfer.block_size & (transfer.block_size - 1)) == 0;
  if (!power || transfer.block_size < kMinFirmwareBlock || transfer.block_size > kFirmwareBlock) {
    return Fail(Code::kInvalidArgument, "firmware block size");
  }
  if (transfer.image_size == 0 || transfer.image_size > kMaxFirmware)
    return Fail(Code::kInvalidArgument, "firmware size");
  return {};
}

Result<size_t> SealBlock(const TransferKey& key, const FirmwareTransfer& transfer, uint64_t b, ByteView plaintext,
                         ByteSpan out) {
  KEEL_TRY_VOID(CheckTransfer(transfer));
  if (plaintext.empty() || plaintext.size() != transfer.BlockLength(b)) {
    return Fail(Code::kInvalidArgument, "firmware block length");
  }
  return crypto::Xc20pEncrypt(key.ExposeSecret(), Nonce(b), Aad(transfer, b), plaintext, out);
}

Result<size_t> OpenBlock(const TransferKey& key, const FirmwareTransfer& transfer, uint64_t b, ByteView sealed,
                         ByteSpan out) {
  KEEL_TRY_VOID(CheckTransfer(transfer));
  const size_t length = transfer.BlockLength(b);
  if (length == 0 || sealed.size() != length + kFirmwareTag) return Fail(Code::kDecryptFailed, "firmware block length");
  return crypto::Xc20pDecrypt(key.ExposeSecret(), Nonce(b), Aad(transfer, b), sealed, out);
}

}  // namespace keel::onboarding
