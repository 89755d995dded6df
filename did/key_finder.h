// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hosted/software_key_store.h"
#include "crypto/key_store.h"

namespace keel::did {

// A private key that somebody may use: the store and the handle in it. The store outlives the reference.
struct KeyRef {
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle handle;

  Result<crypto::PublicKey> Public() const { return store->Public(handle); }
};

// From a verification method's DID URL (kid) to the private key behind it, never to the key itself. Thread-safe.
class KeyFinder {
 public:
  virtual ~KeyFinder() = default;
  // kNoSuchKey: not ours.
  virtual Result<KeyRef> Find(const std::string& kid) = 0;
};

// Keys of a software key store whose labels are kids.
class LabelKeyFinder final : public KeyFinder {
 public:
  explicit LabelKeyFinder(crypto::SoftwareKeyStore& store) : store_(store) {}
  Result<KeyRef> Find(const std::string& kid) override;

 private:
  crypto::SoftwareKeyStore& store_;
};

// A table kid -> key, filled and emptied at run time (session keys), with an optional finder behind it. Thread-safe.
class MapKeyFinder final : public KeyFinder {
 public:
  explicit MapKeyFinder(KeyFinder* fallback = nullptr) : fallback_(fallback) {}
  void Add(std::string kid, KeyRef key);
  void Remove(const std::string& kid);
  size_t size() const;
  Result<KeyRef> Find(const std::string& kid) override;

 private:
  KeyFinder* fallback_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, KeyRef, std::less<>> keys_;
};

// A `--secrets` file: a JSON array of {id, type, privateKeyJwk | privateKeyMultibase | privateKeyBase58}, or of bare
// JWKs with `kid`. The keys live in a store of their own in memory. Entries of key types that we don't hold are skipped
// and listed.
class SecretsFile final : public KeyFinder {
 public:
  static Result<std::unique_ptr<SecretsFile>> Parse(std::string_view json);
  static Result<std::unique_ptr<SecretsFile>> Load(const std::string& path);
  Result<KeyRef> Find(const std::string& kid) override;
  const std::vector<std::string>& kids() const { return kids_; }
  const std::vector<std::string>& skipped() const { return skipped_; }
  crypto::SoftwareKeyStore& store() { return *store_; }

 private:
  SecretsFile() = default;
  std::unique_ptr<crypto::SoftwareKeyStore> store_;
  std::map<std::string, crypto::KeyHandle, std::less<>> keys_;
  std::vector<std::string> kids_;
  std::vector<std::string> skipped_;
};

}  // namespace keel::did
