// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "crypto/agreement.h"
#include "crypto/keys.h"
#include "crypto/signature.h"

namespace keel::crypto {

// Names a key inside one key store; meaningless elsewhere. 0 is no key.
struct KeyHandle {
  uint32_t id = 0;
  friend bool operator==(KeyHandle, KeyHandle) = default;
};

// Seam: where private keys live. The code asks it to sign or agree and never sees a key. Implementations: the wallet's
// own (device-wallet/core), the hosts' software stores (crypto/hosted), later TPM 2.0 and PKCS#11. Thread safety: each
// says; callers of this interface assume external synchronisation.
class KeyStore {
 public:
  // Makes a key inside the store, kept durably before the handle is returned. kNoEntropy, kKeyStoreFailed, kUnsupported
  // (type).
  virtual Result<KeyHandle> Generate(KeyType type) = 0;
  // kNoSuchKey when the handle names none.
  virtual Result<PublicKey> Public(KeyHandle key) = 0;
  // Signs the message's octets (hashing inside); ECDSA low-S. Returns the signature's length.
  virtual Result<size_t> Sign(KeyHandle key, ByteView message, ByteSpan signature) = 0;
  // ECDH with the peer's public key of the same type.
  virtual Result<SharedSecret> Agree(KeyHandle key, const PublicKey& peer) = 0;
#if KEEL_HOSTED
  // The same for curves with longer secrets too: writes PrivateKeyLength(type) octets (P-384: 48, P-521: 66) and
  // returns how many. A store that knows only 32-octet secrets need not override it.
  virtual Result<size_t> AgreeWide(KeyHandle key, const PublicKey& peer, ByteSpan out) {
    KEEL_TRY(const SharedSecret secret, Agree(key, peer));
    if (out.size() < secret.ExposeSecret().size()) return Fail(Code::kBufferTooSmall, "key agreement");
    std::memcpy(out.data(), secret.ExposeSecret().data(), secret.ExposeSecret().size());
    return secret.ExposeSecret().size();
  }
#endif
  // Destroys the key for good; afterwards kNoSuchKey.
  virtual Result<> Erase(KeyHandle key) = 0;

 protected:
  ~KeyStore() = default;
};

}  // namespace keel::crypto
