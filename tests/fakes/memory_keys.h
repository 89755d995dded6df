// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/encoding.h"
#include "crypto/agreement.h"
#include "crypto/hash.h"
#include "crypto/key_store.h"

// A random source that repeats and a key store in memory, for tests. Not thread-safe.
namespace keel::fakes {

// H(seed || counter) block by block: the same every run.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::string seed) : seed_(std::move(seed)) {}
  Result<> Fill(ByteSpan out) override {
    if (failing) return Fail(Code::kNoEntropy, "fake");
    for (size_t at = 0; at < out.size(); at += 32) {
      const Bytes32 block = crypto::Sha256::Of(seed_ + "/" + std::to_string(counter_++));
      std::memcpy(out.data() + at, block.data(), std::min<size_t>(32, out.size() - at));
    }
    return {};
  }
  bool failing = false;

 private:
  static std::unexpected<Error> Fail(Code code, const char* where) { return keel::Fail(code, where); }
  std::string seed_;
  uint64_t counter_ = 0;
};

class MemoryKeys final : public crypto::KeyStore {
 public:
  explicit MemoryKeys(std::string seed = "keys") : random_(std::move(seed)) {}

  Result<crypto::KeyHandle> Generate(crypto::KeyType type) override {
    Bytes32 secret{};
    KEEL_TRY_VOID(random_.Fill(secret));
    return Import(type, secret);
  }
  Result<crypto::KeyHandle> Import(crypto::KeyType type, const Bytes32& secret) {
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicFromPrivate(type, secret));
    keys_.push_back({type, secret, key, true});
    return crypto::KeyHandle{static_cast<uint32_t>(keys_.size())};
  }
  Result<crypto::PublicKey> Public(crypto::KeyHandle key) override {
    KEEL_TRY(Entry * entry, Find(key));
    return entry->key;
  }
  Result<size_t> Sign(crypto::KeyHandle key, ByteView message, ByteSpan signature) override {
    KEEL_TRY(Entry * entry, Find(key));
    return crypto::SignRaw(entry->type, entry->secret, message, signature);
  }
  Result<crypto::SharedSecret> Agree(crypto::KeyHandle key, const crypto::PublicKey& peer) override {
    KEEL_TRY(Entry * entry, Find(key));
    return crypto::AgreeRaw(entry->type, entry->secret, peer);
  }
  Result<> Erase(crypto::KeyHandle key) override {
    KEEL_TRY(Entry * entry, Find(key));
    entry->live = false;
    return {};
  }

 private:
  struct Entry {
    crypto::KeyType type;
    Bytes32 secret;
    crypto::PublicKey key;
    bool live;
  };
  Result<Entry*> Find(crypto::KeyHandle key) {
    if (key.id == 0 || key.id > keys_.size() || !keys_[key.id - 1].live) return Fail(Code::kNoSuchKey, "fake");
    return &keys_[key.id - 1];
  }
  SeededRandom random_;
  std::vector<Entry> keys_;
};

// Texts and octets of keys, for tests that do not care about lengths.
inline std::string MultikeyOf(const crypto::PublicKey& key) {
  std::array<char, crypto::kMaxMultikeyText> text{};
  const auto n = key.ToMultikey(text);
  return n ? std::string(text.data(), *n) : std::string();
}

}  // namespace keel::fakes
