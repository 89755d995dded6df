// SPDX-License-Identifier: Apache-2.0
#include "ledger/sigs.h"

#include "crypto/signature.h"

namespace keel::ledger {

bool SigsReader::Next(SigsEntry& entry) {
  if (left_ == 0) return false;
  entry.key_number = reader_.U8();
  entry.signature = reader_.Take(reader_.U16());
  if (!reader_.ok()) return false;
  if (static_cast<int>(entry.key_number) <= last_) {
    rising_ = false;
    return false;
  }
  last_ = entry.key_number;
  --left_;
  return true;
}

Result<size_t> WriteSigs(std::span<const SigsEntry> entries, ByteSpan out) {
  if (entries.size() > 255) return Fail(Code::kInvalidArgument, "signatures");
  ByteWriter w(out);
  w.U8(static_cast<uint8_t>(entries.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i].key_number <= entries[i - 1].key_number)
      return Fail(Code::kInvalidArgument, "signatures' order");
    if (entries[i].signature.size() > crypto::kMaxSignature) return Fail(Code::kInvalidArgument, "signature length");
    w.U8(entries[i].key_number).U16(static_cast<uint16_t>(entries[i].signature.size())).Put(entries[i].signature);
  }
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "signatures");
  return w.size();
}

Result<> VerifySigs(ByteView sigs, std::span<const crypto::PublicKey> keys, size_t threshold, bool exact,
                    ByteView message) {
  SigsReader shape(sigs);
  const size_t count = shape.left();
  SigsEntry entry;
  while (shape.Next(entry)) {
  }
  if (!shape.done()) return Fail(Code::kMalformed, "signatures");
  if (count < threshold) return Fail(Code::kNoQuorum, "signatures: too few");
  if (count > keys.size() || (exact && count != threshold)) return Fail(Code::kMalformed, "signatures: too many");
  SigsReader reader(sigs);
  while (reader.Next(entry)) {
    if (entry.key_number >= keys.size()) return Fail(Code::kMalformed, "signatures: no such key");
    KEEL_TRY(const bool good, crypto::Verify(keys[entry.key_number], message, entry.signature, /*require_low_s=*/true));
    if (!good) return Fail(Code::kBadSignature, "signatures");
  }
  return {};
}

}  // namespace keel::ledger
