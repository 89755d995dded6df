// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/seams.h"

// Issuer batches (protocol.md section 7 and annex BATCH): the credentials issued together are leaves of an RFC 9162
// tree whose root is anchored, so each has a provable ledger time.
namespace keel::vc {

// Where one credential stands in its batch; travels as the member `batch` {salt, i, n, path, index} beside the
// credential.
struct BatchMember {
  Bytes32 salt{};
  uint64_t leaf = 0;    // i
  uint64_t leaves = 0;  // n
  std::vector<Bytes32> path;
  uint64_t log_index = 0;  // where the root was anchored: a hint until proved

  nlohmann::json ToJson() const;
  static Result<BatchMember> FromJson(const nlohmann::json& json);
  // The batch root that this membership leads to for the credential's octets; kBadProof.
  Result<Bytes32> Root(std::string_view credential_octets) const;
};

struct Batch {
  Bytes32 root{};
  std::vector<BatchMember> members;  // log_index still 0: set it when the root is anchored
};
// At most 2^20 credentials. kNoEntropy, kInvalidArgument (none).
Result<Batch> MakeBatch(std::span<const std::string> credentials, Random& random);

}  // namespace keel::vc
