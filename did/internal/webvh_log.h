// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "did/document.h"

// A did:webvh log, verified entry by entry (did:webvh 1.0, "Read (Resolve)").
namespace keel::did::internal {

struct WebvhWitnesses {
  std::vector<std::string> multikeys;  // of the did:keys, each once
  uint64_t threshold = 0;              // 0: none wanted
};

// What holds after an entry.
struct WebvhParameters {
  std::string scid;
  std::vector<std::string> update_keys, next_key_hashes, watchers;
  WebvhWitnesses witness;
  bool portable = false;
  bool deactivated = false;
  uint64_t ttl = 3600;
};

struct WebvhEntry {
  std::string version_id;
  UnixSeconds time = 0;
  std::string fraction;  // of the second, as digits
  std::string time_text;
  WebvhParameters parameters;
  WebvhWitnesses wanted;  // who has to witness this entry
  DidDocument document;
  std::string state;  // the document as JSON text
};

// The entries from the first on that are valid, and what is wrong with the one after them.
struct WebvhLog {
  std::vector<WebvhEntry> entries;
  std::optional<Error> broken;

  bool NeedsWitnesses() const;
};

// Verifies a log: the SCID, every entry's hash, number, time (not after now + 300 s), parameters, proofs by authorized
// keys, pre-rotation, the document's id and portability; not yet the witnesses. `scid`: the one of the DID that is
// resolved. Never an error: `broken` (kInvalidDid) says what stopped it, with the entry's number.
WebvhLog ReadWebvhLog(std::string_view text, std::string_view scid, UnixSeconds now);

// Cuts the log before the first entry whose witnesses don't suffice (did-witness.json: proofs for a later entry count
// for those before, proofs for entries that are not in the log for none).
void CheckWitnesses(WebvhLog& log, std::string_view witness_file);

}  // namespace keel::did::internal
