// SPDX-License-Identifier: Apache-2.0
// Log entries, descriptors, epoch bundles, checkpoints, state proofs, policies, links: no crash, and what was read is
// written again as the same octets.
#include <array>

#include "core/json_reader.h"
#include "ledger/batch.h"
#include "ledger/checkpoint.h"
#include "ledger/descriptor.h"
#include "ledger/entry.h"
#include "ledger/link.h"
#include "ledger/quorum_time.h"
#include "ledger/seal.h"
#include "ledger/statement.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace keel::ledger;

bool Same(keel::ByteView a, keel::ByteView b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

void Entry(keel::ByteView entry) {
  const auto type = TypeOfEntry(entry);
  if (!type) return;
  std::vector<uint8_t> out(entry.size() + 64);
  switch (*type) {
    case EntryType::kSpend:
      if (const auto spend = ParseSpendEntry(entry)) {
        const auto n = WriteSpendEntry(*spend, out);
        FUZZ_CHECK(n && Same(keel::ByteView(out).first(*n), entry));
      }
      break;
    case EntryType::kBatch:
      if (const auto batch = ParseBatchEntry(entry)) {
        const auto n = WriteBatchEntry(batch->root, batch->statement, out);
        FUZZ_CHECK(n && Same(keel::ByteView(out).first(*n), entry));
      }
      break;
    case EntryType::kSponsor:
    case EntryType::kMember:
      if (const auto payload = ParseSignedPayloadEntry(entry)) {
        const auto n = WriteSignedPayloadEntry(*type, payload->payload, payload->sigs, out);
        FUZZ_CHECK(n && Same(keel::ByteView(out).first(*n), entry));
        (void)ParseSponsorPayload(keel::AsText(payload->payload));
        (void)ParseMemberPayload(keel::AsText(payload->payload));
      }
      break;
    default: break;
  }
  const std::string_view body = keel::AsText(BodyOfEntry(entry));
  (void)ParseBatchPayload(body);
  (void)ParseSchemaPayload(body, false);
  (void)ParseSchemaPayload(body, true);
  (void)ParseStatusPayload(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const keel::ByteView octets(data, size);
  Entry(octets);
  if (const auto descriptor = ParseDescriptor(octets)) {
    FUZZ_CHECK(descriptor->member_count >= 1 && descriptor->member_count <= kMaxMembers);
    FUZZ_CHECK(descriptor->quorum >= QuorumOf(descriptor->member_count) &&
               descriptor->quorum <= descriptor->member_count);
    (void)MemberSetOf(*descriptor, DescriptorHash(octets));
    std::array<char, kMaxDescriptor> out{};
    if (const auto n = BuildDescriptor(*descriptor, out))
      FUZZ_CHECK(ParseDescriptor(keel::AsBytes(std::string_view(out.data(), *n))).has_value());
  }
  (void)ParseEpochBundle(octets);
  if (const auto checkpoint = ParseCheckpoint(octets)) {
    std::vector<Cosignature> list;
    for (size_t i = 0; i < checkpoint->count; ++i) list.push_back(checkpoint->at(i));
    std::vector<uint8_t> out(size + 64);
    const auto n = WriteCheckpoint(checkpoint->epoch, checkpoint->size, checkpoint->root, list, out);
    FUZZ_CHECK(n && Same(keel::ByteView(out).first(*n), octets));
  }
  if (const auto state = ParseStateProof(octets)) {
    FUZZ_CHECK(state->path.size() % 32 == 0);
    (void)VerifyStateProof(*state, 5, keel::Bytes32{});
  }
  (void)ParseStateLeaf(octets);
  if (const auto link = ParseLink(octets)) FUZZ_CHECK(Same(WriteLink(*link), octets));
  (void)ParseTimeAnswer(octets);
  if (const auto view = keel::JsonView::Parse(keel::AsText(octets))) {
    if (const auto proof = ParseBatchProof(*view)) (void)BatchRootOf(keel::Bytes32{}, *proof);
  }
  return 0;
}
