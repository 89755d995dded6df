// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/secret.h"
#include "crypto/hosted/software_key_store.h"

// Private to crypto/hosted: one sealed file, replaced atomically (docs/formats/key-store.md).
namespace keel::crypto::internal {

inline constexpr size_t kMaxKeyFile = size_t{4} << 20;

// A vector of secret octets that is wiped when it goes; reserve first, so that growing leaves no copies.
struct SecretVector {
  SecretVector() = default;
  ~SecretVector() { Wipe(octets); }
  SecretVector(const SecretVector&) = delete;
  SecretVector& operator=(const SecretVector&) = delete;
  std::vector<uint8_t> octets;
};

// Needs external synchronisation.
class KeyFile {
 public:
  KeyFile() = default;
  ~KeyFile();
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  // Locks and reads the file; plaintext stays empty and *existed false when there is none yet.
  Result<> Open(const std::string& path, Protection protection, std::string_view passphrase, PassphraseCost cost,
                SecretVector& plaintext, bool& existed);
  // Before Open: the file must exist (kNotFound), isn't locked and is never written.
  void ReadOnly() { read_only_ = true; }
  // Seals and replaces; when this fails the old file is untouched. kWrongState when opened read-only.
  Result<> Save(ByteView plaintext);

 private:
  Result<> Derive(ByteView root);
  Result<SecretBytes<32>> Stretch(std::string_view passphrase) const;
  Result<SecretBytes<32>> KeyBeside(bool make) const;

  std::string path_;
  int lock_ = -1;
  bool read_only_ = false;
  Protection protection_ = Protection::kNone;
  ByteArray<16> salt_{};
  uint32_t operations_ = 0;
  uint64_t memory_ = 0;
  ByteArray<16> check_{};
  SecretBytes<32> key_;
};

}  // namespace keel::crypto::internal
