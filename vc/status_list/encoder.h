// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"
#include "vc/status_list/bitstring.h"

namespace keel::vc {

// A status list that is published again and again: keeps it compressed block by block, so that a change costs one
// block's compression and not the list's. The encodedList is one gzip member (RFC 1952) whose deflate blocks depend on
// nothing before their 32 KiB; every reader takes it. The same bits give the same text, whatever came before.
// Not thread-safe.
class StatusListEncoder {
 public:
  explicit StatusListEncoder(Bitstring list);

  const Bitstring& list() const { return list_; }
  // As Bitstring's.
  Result<> Set(uint64_t index, bool value) { return SetValue(index, 1, value ? 1 : 0); }
  Result<> SetValue(uint64_t index, uint32_t size, uint64_t value);

  // The multibase text of the present bits. kInternalError: zlib failed.
  Result<std::string> Encode();

 private:
  struct Block {
    std::vector<uint8_t> deflated;  // ends at an octet's boundary, isn't the last
    uint32_t crc = 0;
    bool current = false;
  };
  Bitstring list_;
  std::vector<Block> blocks_;
};

}  // namespace keel::vc
