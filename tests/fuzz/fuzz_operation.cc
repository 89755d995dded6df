// SPDX-License-Identifier: Apache-2.0
// did:keel operations: parsed alone, and applied as the second operation of a history.
#include <array>

#include "core/json_reader.h"
#include "ledger/history.h"
#include "ledger/operation.h"
#include "tests/fakes/ledger_world.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Known {
  keel::fakes::LedgerWorld world{1, "fuzz"};
  keel::fakes::Identity identity = world.CreateIdentity();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keel::ledger;
  static const Known known;
  const keel::ByteView octets(data, size);
  keel::ByteArray<kMaxOperationPayload> scratch{};
  const auto operation = ParseOperation(octets, scratch);
  if (operation) {
    FUZZ_CHECK(operation->key_count <= kMaxKeys && operation->next_count <= kMaxNext &&
               operation->by_count <= kMaxNext);
    FUZZ_CHECK((operation->kind == OperationKind::kCreate) == (operation->seq == 0));
    FUZZ_CHECK(operation->next_threshold <= operation->next_count);
    FUZZ_CHECK(operation->services.empty() || keel::JsonView::Parse(operation->services).has_value());
    (void)VerifyOperationSignatures(*operation);
  }
  DidHistory history;
  FUZZ_CHECK(history.Start(known.identity.did).has_value());
  FUZZ_CHECK(history.Apply(known.identity.indices[0], known.identity.jws[0]).has_value());
  const auto before = history.MapValue();
  const auto applied = history.Apply(known.identity.indices[0] + 1, octets);
  if (applied) {
    FUZZ_CHECK(operation.has_value());
    FUZZ_CHECK(history.count() == 2 && history.MapValue() != before);
    std::array<uint8_t, DidHistory::kSavedSize> saved{};
    history.Save(saved);
    const auto restored = DidHistory::Restore(saved);
    FUZZ_CHECK(restored && restored->MapValue() == history.MapValue());
  } else {
    FUZZ_CHECK(history.count() == 1 && history.MapValue() == before);
  }
  if (size == DidHistory::kSavedSize) (void)DidHistory::Restore(octets);
  return 0;
}
