// SPDX-License-Identifier: Apache-2.0
#include "ledger/history.h"

#include <gtest/gtest.h>

#include "tests/fakes/heap_count.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::Identity;
using fakes::LedgerWorld;
using fakes::Octets;

Code Replay(const Identity& id, DidHistory& history) {
  for (size_t i = 0; i < id.jws.size(); ++i) {
    const auto applied = history.Apply(id.indices[i], id.jws[i]);
    if (!applied) return applied.error().code;
  }
  return Code::kOk;
}

TEST(History, HeadFlagsAndKeysFollow) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  const Bytes32 first = id.auth_hash;
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  EXPECT_EQ(history.count(), 0u);
  ASSERT_EQ(Replay(id, history), Code::kOk);
  EXPECT_EQ(history.head(), NextHead(Bytes32{}, id.indices[0], OperationHash(id.jws[0])));
  EXPECT_TRUE(history.IsCurrent(first, kUseAuthentication | kUseAssertion));
  EXPECT_FALSE(history.IsCurrent(first, kUseInvocation));
  world.Fill(3);
  world.Rotate(id);
  ASSERT_TRUE(history.Apply(id.indices[1], id.jws[1]));
  EXPECT_FALSE(history.IsCurrent(first, kUseAuthentication));
  EXPECT_TRUE(history.IsCurrent(id.auth_hash, kUseAuthentication));
  EXPECT_EQ(history.seq(), 1u);
  world.Deactivate(id);
  ASSERT_TRUE(history.Apply(id.indices[2], id.jws[2]));
  EXPECT_TRUE(history.deactivated());
  EXPECT_EQ(history.MapValue()[32], kFlagDeactivated);
  EXPECT_FALSE(history.IsCurrent(id.auth_hash, kUseAuthentication));
  EXPECT_EQ(history.Apply(id.indices[2] + 1, id.jws[2]).error().code, Code::kDeactivated);
}

TEST(History, WrongNextOperationsAreRefusedAndChangeNothing) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  Identity other = world.CreateIdentity();
  world.Rotate(id);
  world.Rotate(id);
  world.Rotate(other);
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  EXPECT_EQ(history.Apply(1, other.jws[0]).error().code, Code::kInvalidDid);
  EXPECT_EQ(history.Apply(1, id.jws[1]).error().code, Code::kConflict);  // not a create
  ASSERT_TRUE(history.Apply(id.indices[0], id.jws[0]));
  const Bytes32 head = history.head();
  EXPECT_EQ(history.Apply(99, id.jws[0]).error().code, Code::kConflict);             // a second create
  EXPECT_EQ(history.Apply(99, id.jws[2]).error().code, Code::kConflict);             // seq 2 now
  EXPECT_EQ(history.Apply(99, other.jws[1]).error().code, Code::kConflict);          // prev
  EXPECT_EQ(history.Apply(id.indices[0], id.jws[1]).error().code, Code::kConflict);  // index does not rise
  EXPECT_EQ(history.head(), head);
  EXPECT_TRUE(history.Apply(id.indices[1], id.jws[1]));
}

TEST(History, OnlyCommittedKeysMaySign) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  // A thief of the current key signs an update with it.
  Identity thief = id;
  thief.next = id.auth;
  std::array<char, kMaxOperationPayload> payload{};
  const std::string by_text = id.auth_multikey;
  const std::string_view by = by_text;
  const OperationKey key{"key-1", kUseAuthentication, id.auth_multikey};
  const Bytes32 next = id.auth_hash;
  UpdateFields fields;
  fields.prev = OperationHash(id.jws[0]);
  fields.seq = 1;
  fields.by = {&by, 1};
  fields.keys = {&key, 1};
  fields.next = {&next, 1};
  const size_t n = BuildUpdate(fields, payload).value();
  ByteArray<kMaxOperation> jws;
  const Signer signer{&world.keys, id.auth};
  const size_t length = SignOperation({payload.data(), n}, {&signer, 1}, jws).value();
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_TRUE(history.Apply(id.indices[0], id.jws[0]));
  EXPECT_EQ(history.Apply(50, ByteView(jws).first(length)).error().code, Code::kConflict);
  // The right key named, another one signing.
  const std::string right = fakes::MultikeyOf(world.keys.Public(id.next).value());
  const std::string_view right_view = right;
  fields.by = {&right_view, 1};
  const size_t m = BuildUpdate(fields, payload).value();
  const size_t length2 = SignOperation({payload.data(), m}, {&signer, 1}, jws).value();
  EXPECT_EQ(history.Apply(50, ByteView(jws).first(length2)).error().code, Code::kBadSignature);
}

TEST(History, PrevBindsToTheOperationBefore) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_EQ(Replay(id, history), Code::kOk);
  const std::string by_text = fakes::MultikeyOf(world.keys.Public(id.next).value());
  const std::string_view by = by_text;
  DeactivateFields fields;
  fields.seq = 1;
  fields.by = {&by, 1};
  const Signer signer{&world.keys, id.next};
  for (const bool right : {false, true}) {  // all else is as it must be
    fields.prev = right ? history.last_operation() : Bytes32{1};
    std::array<char, kMaxOperationPayload> payload{};
    const size_t n = BuildDeactivate(fields, payload).value();
    ByteArray<kMaxOperation> jws;
    const size_t length = SignOperation({payload.data(), n}, {&signer, 1}, jws).value();
    EXPECT_EQ(history.Apply(100, ByteView(jws).first(length)).has_value(), right);
  }
}

TEST(History, CreateSignatureIsLeftOutOnlyWhenAsked) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  Octets bad = id.jws[0];
  bad[bad.size() - 5] = bad[bad.size() - 5] == 'A' ? 'B' : 'A';
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  EXPECT_EQ(history.Apply(1, bad).error().code, Code::kBadSignature);
  DidHistory::Options options;
  options.verify_create_signature = false;
  EXPECT_TRUE(history.Apply(1, bad, options));
}

TEST(History, RotationKeepsWhatWasAnchoredBefore) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  const Bytes32 first = id.auth_hash;
  world.Fill(10);
  world.Rotate(id);
  const uint64_t rotated = id.indices[1];
  std::array<KeyRecord, 4> records;
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did, records));
  ASSERT_EQ(Replay(id, history), Code::kOk);
  EXPECT_TRUE(history.KeyGoodAt(first, kUseAssertion, id.indices[0]));
  EXPECT_TRUE(history.KeyGoodAt(first, kUseAssertion, rotated - 1));
  EXPECT_FALSE(history.KeyGoodAt(first, kUseAssertion, rotated));  // a backdated credential comes later
  EXPECT_FALSE(history.KeyGoodAt(first, kUseAgreement, rotated - 1));
  EXPECT_FALSE(history.KeyGoodAt(id.auth_hash, kUseAssertion, rotated - 1));
  EXPECT_TRUE(history.KeyGoodAt(id.auth_hash, kUseAssertion, rotated + 100));
}

TEST(History, CompromiseSincePCutsAtP) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  const Bytes32 first = id.auth_hash;
  world.Fill(10);
  world.Rotate(id);
  const Bytes32 second = id.auth_hash;
  world.Fill(10);
  const uint64_t since = 5;  // before the rotation
  world.Rotate(id, Reason::kCompromise, since);
  std::array<KeyRecord, 4> records;
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did, records));
  ASSERT_EQ(Replay(id, history), Code::kOk);
  EXPECT_TRUE(history.KeyGoodAt(first, kUseAssertion, since - 1));
  EXPECT_FALSE(history.KeyGoodAt(first, kUseAssertion, since));
  EXPECT_FALSE(history.KeyGoodAt(second, kUseAssertion, id.indices[1] + 1));
  EXPECT_TRUE(history.KeyGoodAt(id.auth_hash, kUseAssertion, id.indices[2]));
}

TEST(History, SinceInTheFutureIsRefused) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_EQ(Replay(id, history), Code::kOk);
  const std::string by_text = fakes::MultikeyOf(world.keys.Public(id.next).value());
  const std::string_view by = by_text;
  DeactivateFields fields;
  fields.prev = history.last_operation();
  fields.seq = 1;
  fields.by = {&by, 1};
  fields.reason = Reason::kCompromise;
  fields.since = 101;
  std::array<char, kMaxOperationPayload> payload{};
  const size_t n = BuildDeactivate(fields, payload).value();
  ByteArray<kMaxOperation> jws;
  const Signer signer{&world.keys, id.next};
  const size_t length = SignOperation({payload.data(), n}, {&signer, 1}, jws).value();
  EXPECT_EQ(history.Apply(100, ByteView(jws).first(length)).error().code, Code::kOutOfRange);
  EXPECT_TRUE(history.Apply(101, ByteView(jws).first(length)));
}

TEST(History, WatchingNeedsRoomForOneKeyOnly) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  for (int i = 0; i < 6; ++i) world.Rotate(id);
  std::array<KeyRecord, 1> records;
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did, records));
  EXPECT_EQ(Replay(id, history), Code::kHistoryTooLong);
  ASSERT_TRUE(history.Start(id.did, records));
  history.Watch(id.auth_hash);
  EXPECT_EQ(Replay(id, history), Code::kOk);
  EXPECT_TRUE(history.KeyGoodAt(id.auth_hash, kUseAssertion, id.indices.back()));
  EXPECT_FALSE(history.KeyGoodAt(id.auth_hash, kUseAssertion, id.indices.back() - 1));
}

TEST(History, SixtyFiveOperationsAreRefusedByName) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_TRUE(history.Apply(id.indices[0], id.jws[0]));
  // LedgerWorld replays for each rotation, so use the cheap way: sign by hand against the same object.
  crypto::KeyHandle next = id.next;
  for (uint64_t seq = 1; seq <= kMaxOperations; ++seq) {
    const std::string by_text = fakes::MultikeyOf(world.keys.Public(next).value());
    const std::string_view by = by_text;
    const crypto::KeyHandle after = world.keys.Generate(crypto::KeyType::kEd25519).value();
    const Bytes32 hash = KeyHash(world.keys.Public(after).value()).value();
    const OperationKey key{"key-1", kUseAuthentication, id.auth_multikey};
    UpdateFields fields;
    fields.prev = history.last_operation();
    fields.seq = seq;
    fields.by = {&by, 1};
    fields.keys = {&key, 1};
    fields.next = {&hash, 1};
    std::array<char, kMaxOperationPayload> payload{};
    const size_t n = BuildUpdate(fields, payload).value();
    ByteArray<kMaxOperation> jws;
    const Signer signer{&world.keys, next};
    const size_t length = SignOperation({payload.data(), n}, {&signer, 1}, jws).value();
    const auto applied = history.Apply(100 + seq, ByteView(jws).first(length));
    if (seq < kMaxOperations) {
      ASSERT_TRUE(applied) << seq;
    } else {
      EXPECT_EQ(applied.error().code, Code::kHistoryTooLong);
    }
    next = after;
  }
}

TEST(History, SavedStateGoesOn) {
  LedgerWorld world;
  Identity id = world.CreateIdentity();
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  ASSERT_EQ(Replay(id, history), Code::kOk);
  world.Rotate(id);
  ByteArray<DidHistory::kSavedSize> saved;
  history.Save(saved);
  auto restored = DidHistory::Restore(saved);
  ASSERT_TRUE(restored);
  ASSERT_TRUE(restored->Apply(id.indices[1], id.jws[1]));
  EXPECT_EQ(restored->MapValue(), LedgerWorld::HistoryOf(id).MapValue());
  EXPECT_FALSE(DidHistory::Restore(ByteView(saved).first(saved.size() - 1)));
  saved[3] = 65;
  EXPECT_EQ(DidHistory::Restore(saved).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace keel::ledger
