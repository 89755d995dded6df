// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/key_store.h"

namespace keel::crypto {

// The random source of the operating system (libsodium); fails closed. Shared, thread-safe.
Random& SystemRandom();

// How a software key store's file is protected at rest (design.md 2.10).
enum class Protection : uint8_t {
  kNone,        // memory only, or a 0600 file under a random key in a second 0600 file ("unprotected software key")
  kPassphrase,  // Argon2id (libsodium MODERATE) over a person's passphrase
};

// What Argon2id costs when a passphrase file is made (later opens use what the file says). kLight is for tests: 64 MiB,
// 0.1 s.
enum class PassphraseCost : uint8_t { kModerate, kLight };

// Private keys in one file, sealed with XChaCha20-Poly1305, replaced atomically (write, fsync, rename, fsync folder).
// Knows every KeyType. Ed25519, X25519 by libsodium; NIST curves by OpenSSL; secp256k1 by libsecp256k1. Thread-safe
// (one mutex).
class SoftwareKeyStore final : public KeyStore {
 public:
  // In memory, nothing kept.
  static std::unique_ptr<SoftwareKeyStore> CreateInMemory();
  // Opens or makes the file. passphrase: empty for Protection::kNone. kWrongPassphrase, kCorrupt, kIo, kUsage (file
  // readable by others). The file is locked while the object lives: kBusy when another process (or object) has it.
  static Result<std::unique_ptr<SoftwareKeyStore>> Open(const std::string& path, Protection protection,
                                                        std::string_view passphrase,
                                                        PassphraseCost cost = PassphraseCost::kModerate);
  // Opens a file for somebody who only uses its keys: it must exist (kNotFound), isn't locked (others may use or change
  // it meanwhile; this object keeps what it read), and what would change it is kWrongState. Otherwise as Open.
  static Result<std::unique_ptr<SoftwareKeyStore>> OpenToRead(const std::string& path, Protection protection,
                                                              std::string_view passphrase);
  ~SoftwareKeyStore();

  Result<KeyHandle> Generate(KeyType type) override;
  Result<PublicKey> Public(KeyHandle key) override;
  Result<size_t> Sign(KeyHandle key, ByteView message, ByteSpan signature) override;
  // kUnsupported for P-384 and P-521: AgreeWide takes those.
  Result<SharedSecret> Agree(KeyHandle key, const PublicKey& peer) override;
  Result<size_t> AgreeWide(KeyHandle key, const PublicKey& peer, ByteSpan out) override;
  Result<> Erase(KeyHandle key) override;

  // Host only: brings a key in from outside (JWK, seed). The caller wipes its copy.
  Result<KeyHandle> Import(KeyType type, ByteView private_key);
  // The handle of a public key that lives here; kNoSuchKey.
  Result<KeyHandle> Find(const PublicKey& key);
  // A label for a key ("assertion", "next-0", a kid); unique: it moves here if another key had it; survives restarts.
  Result<> SetLabel(KeyHandle key, const std::string& label);
  Result<KeyHandle> FindLabel(const std::string& label);
  std::vector<std::pair<std::string, KeyHandle>> Labels();
  Protection protection() const;

 private:
  struct Impl;
  explicit SoftwareKeyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::crypto
