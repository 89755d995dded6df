// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "core/bytes.h"
#include "ledger/limits.h"

// The device's one registry call (docs/formats/rendezvous.md): query and answer items.
namespace keel::ledger {

// nonce 32 || u8 count || count x index 32 || u32 epoch || u64 size.
struct R0Query {
  Bytes32 nonce{};
  uint8_t count = 0;  // 0 (time only) .. kMaxIndexes
  std::array<Bytes32, kMaxIndexes> indexes{};
  uint32_t epoch = 0;  // the device's descriptor
  uint64_t size = 0;   // its largest accepted checkpoint
};
inline constexpr size_t kMaxR0Query = 32 + 1 + kMaxIndexes * 32 + 4 + 8;
Result<size_t> WriteR0Query(const R0Query& query, ByteSpan out);
Result<R0Query> ParseR0Query(ByteView octets);

enum class R0Tag : uint8_t { kEpoch = 0x10, kTime = 0x11, kValue = 0x12 };

// One item: u8 tag || u16 length || body. Returns the length written. kTooLarge over kMaxItem.
Result<size_t> WriteItem(uint8_t tag, ByteView body, ByteSpan out);

// EPOCH body: u8 part || u8 parts || octets of the bundle (ledger/descriptor.h); parts from 0.
struct EpochPart {
  uint8_t part = 0;
  uint8_t parts = 0;
  ByteView octets;
};
Result<EpochPart> ParseEpochPart(ByteView body);
inline constexpr size_t kMaxEpochPart = kMaxItemBody - 2;
Result<size_t> WriteEpochPart(uint8_t part, uint8_t parts, ByteView octets, ByteSpan out);  // the whole item

// Cuts a stream into items as octets arrive, in pieces of any size. The buffer (kMaxItem octets) is the caller's. Not
// thread-safe.
//   while (!chunk.empty()) { KEEL_TRY(bool whole, reader.Feed(chunk)); if (whole) use(reader.tag(), reader.body()); }
class ItemReader {
 public:
  explicit ItemReader(std::span<uint8_t, kMaxItem> buffer) : buffer_(buffer) {}
  // Takes octets off the front of `chunk`; true when an item is complete (valid until the next Feed). kTooLarge.
  Result<bool> Feed(ByteView& chunk);
  uint8_t tag() const { return buffer_[0]; }
  ByteView body() const { return ByteView(buffer_).subspan(kItemHeader, body_); }
  // True between items: a stream may end here.
  bool at_boundary() const { return used_ == 0 || whole_; }

 private:
  std::span<uint8_t, kMaxItem> buffer_;
  size_t used_ = 0;
  size_t body_ = 0;
  bool whole_ = false;
};

}  // namespace keel::ledger
