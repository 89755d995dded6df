// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/key_store.h"
#include "ledger/limits.h"

namespace keel::ledger {

// SIGS: u8 count || count x (u8 key number || u16 length || signature); key numbers rising (docs/formats/seals.md).
struct SigsEntry {
  uint8_t key_number = 0;
  ByteView signature;
};

// Walks a SIGS block. Check error() or use ParseSigs first.
class SigsReader {
 public:
  explicit SigsReader(ByteView octets) : reader_(octets), left_(reader_.U8()) {}
  uint8_t left() const { return left_; }
  // False at the end or at the first malformed entry.
  bool Next(SigsEntry& entry);
  // Everything read, in order and nothing left over.
  bool done() const { return left_ == 0 && reader_.done() && rising_; }

 private:
  ByteReader reader_;
  uint8_t left_ = 0;
  int last_ = -1;
  bool rising_ = true;
};

Result<size_t> WriteSigs(std::span<const SigsEntry> entries, ByteSpan out);  // kInvalidArgument when not rising

// Verifies `threshold` or more (exactly so many if `exact`) signatures by these keys over the message. kMalformed,
// kNoQuorum (too few), kBadSignature.
Result<> VerifySigs(ByteView sigs, std::span<const crypto::PublicKey> keys, size_t threshold, bool exact,
                    ByteView message);

}  // namespace keel::ledger
