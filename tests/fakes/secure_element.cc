// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/fakes/secure_element.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include <memory>

#include "crypto/embedded/p256.h"

namespace keel::fakes {

bool SecureElement::Make(uint8_t slot, uint8_t* point) {
  const auto made_key = crypto::GenerateEphemeral(crypto::KeyType::kP256, random_);
  if (!made_key) return false;
  std::memcpy(keys[slot].data(), made_key->private_key.ExposeSecret().data(), 32);
  ++made;
  return Public(slot, point);
}

bool SecureElement::Public(uint8_t slot, uint8_t* point) const {
  const auto found = keys.find(slot);
  ByteArray<33> compressed;
  if (found == keys.end() || !crypto::embedded::P256Derive(found->second, compressed)) return false;
  return crypto::embedded::P256Uncompress(compressed, std::span<uint8_t, 65>(point, 65));
}

bool SecureElement::Sign(uint8_t slot, const uint8_t* digest, uint8_t* signature) const {
  const auto found = keys.find(slot);
  if (found == keys.end()) return false;
  ++signs;
  const std::unique_ptr<EC_KEY, decltype(&EC_KEY_free)> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1),
                                                            &EC_KEY_free);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> scalar(BN_bin2bn(found->second.data(), 32, nullptr), &BN_free);
  if (!key || !scalar || EC_KEY_set_private_key(key.get(), scalar.get()) != 1) return false;
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> made_signature(ECDSA_do_sign(digest, 32, key.get()),
                                                                             &ECDSA_SIG_free);
  if (!made_signature) return false;
  return BN_bn2binpad(ECDSA_SIG_get0_r(made_signature.get()), signature, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(made_signature.get()), signature + 32, 32) == 32;
}

bool SecureElement::Agree(uint8_t slot, const uint8_t* peer, uint8_t* x) const {
  const auto found = keys.find(slot);
  if (found == keys.end()) return false;
  ++agreements;
  ByteArray<33> compressed;
  compressed[0] = static_cast<uint8_t>(2 | (peer[64] & 1));
  std::memcpy(compressed.data() + 1, peer + 1, 32);
  return crypto::embedded::P256Agree(found->second, compressed, std::span<uint8_t, 32>(x, 32));
}

}  // namespace keel::fakes
