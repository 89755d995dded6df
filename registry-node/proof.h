// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "registry-node/node.h"

namespace keel::registry {

// Bundles of registry-client/wire.h, made from one view. Thread-safe. kInvalidDid and kWrongNetwork for DIDs of other
// networks; kIo, kCorrupt.

// CKPT, STATE, DID, HEAD, OP...: no OP and a proof of absence when it is not anchored (`found` false).
struct DidAnswer {
  std::string bundle;
  bool found = false;
};
Result<DidAnswer> DidBundle(const View& view, std::string_view label, const std::string& did);
// CKPT, STATE, KEY..., then DID, HEAD, OP... of each DID.
Result<std::string> ProofsBundle(const View& view, std::string_view label, std::span<const Bytes32> keys,
                                 std::span<const std::string> dids);
// CKPT, STATE, KEY, CONTENT: the payload (schema, definition, status) whose hash or version the map's value holds; no
// CONTENT when the key is absent.
struct ContentAnswer {
  std::string bundle;
  bool found = false;
};
Result<ContentAnswer> ContentBundle(const View& view, const Bytes32& key);

// The anchored operations of a DID, in order; empty when there is none.
struct StoredOperation {
  uint64_t index = 0;
  std::vector<uint8_t> jws;
};
Result<std::vector<StoredOperation>> ReadOperations(const StoreReader& reader, std::string_view label,
                                                    const std::string& did);

}  // namespace keel::registry
