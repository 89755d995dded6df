// SPDX-License-Identifier: Apache-2.0
#include "vc/batch.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/json_reader.h"
#include "crypto/hash.h"
#include "ledger/batch.h"

namespace keel::vc {
namespace {

using nlohmann::json;

Result<ledger::BatchProof> ToProof(const BatchMember& member) {
  ledger::BatchProof proof;
  if (member.leaves > ledger::kMaxBatchLeaves || member.leaf >= member.leaves ||
      member.path.size() > proof.path.size()) {
    return Fail(Code::kBadProof, "issuer batch", "a leaf number, size or path out of range");
  }
  proof.salt = member.salt;
  proof.i = static_cast<uint32_t>(member.leaf);
  proof.n = static_cast<uint32_t>(member.leaves);
  proof.index = member.log_index;
  proof.path_count = static_cast<uint8_t>(member.path.size());
  for (size_t i = 0; i < member.path.size(); ++i) proof.path[i] = member.path[i];
  return proof;
}

}  // namespace

json BatchMember::ToJson() const {
  base::ByteVec octets;
  for (const Bytes32& node : path) octets.insert(octets.end(), node.begin(), node.end());
  return {{"salt", base::Base64Url(salt)},
          {"i", leaf},
          {"n", leaves},
          {"path", base::Base64Url(octets)},
          {"index", log_index}};
}

Result<BatchMember> BatchMember::FromJson(const json& value) {
  const std::string text = base::DumpJson(value);
  KEEL_TRY(const JsonView view, JsonView::Parse(text));
  KEEL_TRY(const ledger::BatchProof proof, ledger::ParseBatchProof(view));
  BatchMember member;
  member.salt = proof.salt;
  member.leaf = proof.i;
  member.leaves = proof.n;
  member.log_index = proof.index;
  member.path.assign(proof.path.begin(), proof.path.begin() + proof.path_count);
  return member;
}

Result<Bytes32> BatchMember::Root(std::string_view credential_octets) const {
  KEEL_TRY(const ledger::BatchProof proof, ToProof(*this));
  return ledger::BatchRootOf(crypto::Sha256::Of(credential_octets), proof);
}

Result<Batch> MakeBatch(std::span<const std::string> credentials, Random& random) {
  if (credentials.empty() || credentials.size() > ledger::kMaxBatchLeaves)
    return Fail(Code::kInvalidArgument, "issuer batch", "number of credentials");
  Batch batch;
  batch.members.resize(credentials.size());
  // All levels at once: a last node without a sibling moves up as it is, which gives RFC 9162's tree, and every path in
  // one pass.
  std::vector<Bytes32> level;
  level.reserve(credentials.size());
  for (size_t i = 0; i < credentials.size(); ++i) {
    BatchMember& member = batch.members[i];
    KEEL_TRY_VOID(random.Fill(member.salt));
    member.leaf = i;
    member.leaves = credentials.size();
    level.push_back(ledger::BatchLeaf(member.salt, AsBytes(credentials[i])));
  }
  for (size_t height = 0; level.size() > 1; ++height) {
    for (BatchMember& member : batch.members) {
      const size_t sibling = (member.leaf >> height) ^ 1;
      if (sibling < level.size()) member.path.push_back(level[sibling]);
    }
    std::vector<Bytes32> above;
    above.reserve(level.size() / 2 + 1);
    for (size_t i = 0; i < level.size(); i += 2) {
      above.push_back(i + 1 < level.size() ? ledger::NodeHash(level[i], level[i + 1]) : level[i]);
    }
    level = std::move(above);
  }
  batch.root = level[0];
  return batch;
}

}  // namespace keel::vc
