// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "core/bytes.h"
#include "onboarding/cbor.h"

// CBOR (RFC 8949) as credentials need it (COSE_Sign1, the proof values of ecdsa-sd-2023): a strict, bounded pull reader
// and a writer of the deterministic encoding (section 4.2.1). No floats, no indefinite lengths, nothing recursive.
namespace keel::vc {

// Reads item by item; every length is checked against what is left before anything is allocated. Views point into the
// input. Errors: kMalformed (another kind, or the end), kNotCanonical (a number in more octets than it needs),
// kUnsupported (indefinite lengths, floats), kOutOfRange, kTooLarge (an array or map over the caller's limit; Skip over
// kMaxCborSkipItems), after which the reader stands nowhere. Copy the reader to look ahead. Not thread-safe.
class CborReader : public onboarding::CborReader {
 public:
  explicit CborReader(ByteView in) : onboarding::CborReader(in) {}

  // A text string, which must be UTF-8 (section 3.1).
  Result<std::string_view> Text();
  // The number of elements, or of pairs, that follow: at most `limit` (kTooLarge).
  Result<size_t> Array(size_t limit);
  Result<size_t> Map(size_t limit);
  // Exactly this tag (kMalformed for another).
  Result<> ExpectTag(uint64_t tag);
  // One whole item as it is written, passed over.
  Result<ByteView> Item();
  // kMalformed when octets follow.
  Result<> End() const;
};

// A map's keys as they are read, to refuse the second of two that are the same (section 5.6). Keys need not be sorted
// on the wire.
class CborKeys {
 public:
  // The key's octets (of CborReader::Item, or what CborWriter makes of its value). kDuplicate.
  Result<> Add(ByteView key);

 private:
  std::vector<base::ByteVec> seen_;  // sorted
};

// Writes the deterministic encoding. The caller answers for writing as many items as Array and Map announce; for map
// keys in order use SortedMap. Not thread-safe.
class CborWriter {
 public:
  CborWriter& Uint(uint64_t value);
  CborWriter& Int(int64_t value);
  CborWriter& Bytes(ByteView value);
  CborWriter& Text(std::string_view value);  // should be UTF-8
  CborWriter& Array(size_t count);
  CborWriter& Map(size_t count);
  CborWriter& Tag(uint64_t tag);
  CborWriter& Null();
  // One item (or several) that is encoded already.
  CborWriter& Encoded(ByteView item);
  // A map of encoded keys and values, written in the bytewise order of the keys. kDuplicate.
  Result<> SortedMap(std::vector<std::pair<base::ByteVec, base::ByteVec>> pairs);

  const base::ByteVec& bytes() const { return out_; }
  base::ByteVec Take() { return std::move(out_); }

 private:
  void Head(uint8_t major, uint64_t value);
  base::ByteVec out_;
};

// One encoded item.
base::ByteVec CborUint(uint64_t value);
base::ByteVec CborInt(int64_t value);
base::ByteVec CborBytes(ByteView value);
base::ByteVec CborText(std::string_view value);

}  // namespace keel::vc
