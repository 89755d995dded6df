// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/agreement.h"
#include "crypto/key_store.h"
#include "crypto/signature.h"

// What every KeyStore must do. A new implementation adds an INSTANTIATE_TEST_SUITE_P with a factory and the types it
// knows.
namespace keel::crypto {

struct KeyStoreUnderTest {
  std::string name;
  // Gives the store and whatever keeps it alive.
  std::function<std::shared_ptr<KeyStore>()> make;
  std::vector<KeyType> signing, agreeing;
};

inline void PrintTo(const KeyStoreUnderTest& store, std::ostream* out) { *out << store.name; }

class KeyStoreContract : public testing::TestWithParam<KeyStoreUnderTest> {
 protected:
  void SetUp() override {
    store_ = GetParam().make();
    ASSERT_TRUE(store_);
  }
  std::shared_ptr<KeyStore> store_;
};

TEST_P(KeyStoreContract, SignaturesVerify) {
  const ByteView message = AsBytes("the message");
  for (const KeyType type : GetParam().signing) {
    auto handle = store_->Generate(type);
    ASSERT_TRUE(handle);
    EXPECT_NE(handle->id, 0u);
    auto key = store_->Public(*handle);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->type(), type);
    ByteArray<kMaxSignature> signature;
    for (int i = 0; i < 8; ++i) {  // ECDSA's s is high half the time unless made low
      auto n = store_->Sign(*handle, message, signature);
      ASSERT_TRUE(n);
      EXPECT_EQ(*n, SignatureLength(*AlgorithmFor(type)));
      EXPECT_EQ(Verify(*key, message, ByteView(signature).first(*n), true), true);
      EXPECT_EQ(Verify(*key, AsBytes("another"), ByteView(signature).first(*n)), false);
      EXPECT_EQ(store_->Sign(*handle, message, ByteSpan(signature).first(*n - 1)).error().code, Code::kBufferTooSmall);
    }
    EXPECT_TRUE(store_->Sign(*handle, {}, signature));
  }
}

TEST_P(KeyStoreContract, BothSidesAgree) {
  for (const KeyType type : GetParam().agreeing) {
    auto a = store_->Generate(type), b = store_->Generate(type);
    ASSERT_TRUE(a && b);
    EXPECT_NE(a->id, b->id);
    auto pa = store_->Public(*a), pb = store_->Public(*b);
    ASSERT_TRUE(pa && pb);
    EXPECT_FALSE(*pa == *pb);
    auto ab = store_->Agree(*a, *pb), ba = store_->Agree(*b, *pa);
    ASSERT_TRUE(ab && ba);
    EXPECT_TRUE(ab->SameAs(*ba));
    EXPECT_FALSE(store_->Agree(*a, PublicKey()));
    for (const KeyType other : GetParam().agreeing) {
      if (other == type) continue;
      auto key = store_->Public(*store_->Generate(other));
      ASSERT_TRUE(key);
      EXPECT_EQ(store_->Agree(*a, *key).error().code, Code::kBadKey);
    }
  }
}

TEST_P(KeyStoreContract, KeysServeTheirOwnPurposeOnly) {
  ByteArray<kMaxSignature> signature;
  for (const KeyType type : GetParam().agreeing) {
    if (AlgorithmFor(type)) continue;
    auto handle = store_->Generate(type);
    ASSERT_TRUE(handle);
    EXPECT_FALSE(store_->Sign(*handle, AsBytes("m"), signature));
  }
  auto ed = store_->Generate(KeyType::kEd25519);
  if (!ed) return;  // not every store knows it
  auto own = store_->Public(*ed);
  ASSERT_TRUE(own);
  EXPECT_FALSE(store_->Agree(*ed, *own));
}

TEST_P(KeyStoreContract, ErasedAndUnknownKeysAreGone) {
  auto kept = store_->Generate(GetParam().signing[0]), erased = store_->Generate(GetParam().signing[0]);
  ASSERT_TRUE(kept && erased);
  ASSERT_TRUE(store_->Erase(*erased));
  ByteArray<kMaxSignature> signature;
  for (const KeyHandle handle : {*erased, KeyHandle{0}, KeyHandle{0xffffffff}}) {
    EXPECT_EQ(store_->Public(handle).error().code, Code::kNoSuchKey);
    EXPECT_EQ(store_->Sign(handle, AsBytes("m"), signature).error().code, Code::kNoSuchKey);
    EXPECT_EQ(store_->Agree(handle, PublicKey()).error().code, Code::kNoSuchKey);
    EXPECT_EQ(store_->Erase(handle).error().code, Code::kNoSuchKey);
  }
  EXPECT_TRUE(store_->Sign(*kept, AsBytes("m"), signature));
  auto next = store_->Generate(GetParam().signing[0]);
  ASSERT_TRUE(next);
  EXPECT_NE(next->id, erased->id);  // a stale handle never names another key
}

TEST_P(KeyStoreContract, UnknownTypeIsRefused) { EXPECT_FALSE(store_->Generate(static_cast<KeyType>(99))); }

}  // namespace keel::crypto
