// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json_text.h"
#include "didcomm/jwe.h"

// Private to didcomm: what sealing and opening an envelope share.
namespace keel::didcomm {

inline constexpr std::string_view kAlgAuth = "ECDH-1PU+A256KW";
inline constexpr std::string_view kAlgAnon = "ECDH-ES+A256KW";

// "A256CBC-HS512", "XC20P", "A256GCM".
std::string_view EncName(ContentEncryption enc);
size_t CekLength(ContentEncryption enc);
size_t IvLength(ContentEncryption enc);
size_t TagLength(ContentEncryption enc);

// X25519, P-256, P-384, P-521.
bool CanAgree(crypto::KeyType type);

// apv: H of the recipients' kids, sorted and joined with '.' (DIDComm v2.1, section "ECDH-1PU key wrapping").
Bytes32 ApvOf(std::span<const std::string> kids);

// Ze || Zs (sender null: Ze alone) from an ephemeral-static and a static-static agreement, then the key that wraps the
// content's key. `tag` is used for authcrypt only.
struct KeyAgreement {
  bool authcrypt = false;
  ByteView apu, apv, tag;
};
Result<> DeriveWrappingKey(const KeyAgreement& agreement, ByteView ephemeral, ByteView fixed,
                           std::span<uint8_t, 32> out);

// An envelope of a text taken apart already.
Result<Envelope> ReadEnvelope(const base::JsonText::Value& root);

// As OpenEnvelope, but the plaintext takes the ciphertext's place; after a success the envelope's ciphertext is gone.
Result<std::string> OpenEnvelopeInPlace(Envelope& envelope, size_t index, const did::KeyRef& recipient,
                                        const crypto::PublicKey& sender, AgreementCache* agreements);

}  // namespace keel::didcomm
