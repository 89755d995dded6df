// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "crypto/hosted/software_key_store.h"
#include "device-wallet/core/envelope.h"
#include "did/key_finder.h"
#include "didcomm/jwe.h"
#include "tests/fakes/memory_keys.h"

// Two fixed parties of one curve, each with the host's and the wallet's way to pack and open. Seeds and target must
// mean the same.
namespace keel::fuzz {

enum class Layer : uint8_t { kAuthcrypt = 0, kAnoncryptXc20p = 1, kAnoncryptCbc = 2 };

struct Party {
  Party(const std::string& seed, crypto::KeyType type) {
    fakes::SeededRandom random(seed);
    Bytes32 secret{};
    (void)random.Fill(secret).value();
    wallet_key = keys.Import(type, secret).value();
    did = wallet::MakePeerDid(keys.Public(wallet_key).value(), {}).value();
    kid = wallet::AgreementKid(did).view();
    key = {store.get(), store->Import(type, secret).value()};
  }
  wallet::OwnEnd Own() const { return {kid, did.agreement.type(), &keys, wallet_key}; }
  wallet::PeerEnd Peer() const { return {kid, did.agreement}; }
  const std::string& Kid() const { return kid; }

  mutable fakes::MemoryKeys keys;
  crypto::KeyHandle wallet_key;
  wallet::PeerDid did;
  std::string kid;
  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyRef key;
};

struct Pair {
  explicit Pair(crypto::KeyType type = crypto::KeyType::kX25519) : from("sender", type), to("recipient", type) {}
  Party from, to;
  crypto::SharedSecret shared = from.keys.Agree(from.wallet_key, to.did.agreement).value();

  static wallet::ContentEncryption WalletEnc(Layer layer) {
    return layer == Layer::kAnoncryptXc20p ? wallet::ContentEncryption::kXc20p
                                           : wallet::ContentEncryption::kA256CbcHs512;
  }
  static didcomm::ContentEncryption HostEnc(Layer layer) {
    return layer == Layer::kAnoncryptXc20p ? didcomm::ContentEncryption::kXc20p
                                           : didcomm::ContentEncryption::kA256CbcHs512;
  }

  Result<std::string> WalletPack(std::string_view plaintext, Layer layer = Layer::kAuthcrypt) const {
    std::vector<uint8_t> buffer(8192);
    if (plaintext.size() > buffer.size()) return Fail(Code::kTooLarge, "fuzz");
    std::copy(plaintext.begin(), plaintext.end(), buffer.begin());
    fakes::SeededRandom random("wallet");
    const auto packed = layer == Layer::kAuthcrypt
                            ? wallet::PackAuthcrypt({from.Own(), to.Peer(), &shared}, random, buffer, plaintext.size())
                            : wallet::PackAnoncrypt(to.Peer(), WalletEnc(layer), random, buffer, plaintext.size());
    KEEL_TRY(const size_t n, packed);
    return std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n));
  }
  Result<std::string> WalletOpen(std::string_view envelope, Layer layer = Layer::kAuthcrypt) const {
    std::vector<uint8_t> buffer(envelope.begin(), envelope.end());
    const auto opened = layer == Layer::kAuthcrypt ? wallet::UnpackAuthcrypt({to.Own(), from.Peer(), &shared}, buffer)
                                                   : wallet::UnpackAnoncrypt(to.Own(), buffer, 1);
    KEEL_TRY(const ByteSpan plain, opened);
    return std::string(plain.begin(), plain.end());
  }
  Result<std::string> HostPack(std::string_view plaintext, Layer layer = Layer::kAuthcrypt) const {
    fakes::SeededRandom random("host");
    const didcomm::Recipient recipient{to.Kid(), to.did.agreement};
    if (layer == Layer::kAuthcrypt)
      return didcomm::SealAuthcrypt(plaintext, from.Kid(), from.key, {&recipient, 1}, random);
    return didcomm::SealAnoncrypt(plaintext, {&recipient, 1}, HostEnc(layer), random);
  }
  // With the addressing that a wallet always asks for: this sender, this one recipient, this algorithm.
  Result<std::string> HostOpen(std::string_view text, Layer layer = Layer::kAuthcrypt) const {
    KEEL_TRY(const didcomm::Envelope envelope, didcomm::Envelope::Parse(text));
    if (envelope.authcrypt != (layer == Layer::kAuthcrypt)) return Fail(Code::kAlgorithmNotAllowed, "fuzz");
    if (envelope.authcrypt && envelope.skid != from.Kid()) return Fail(Code::kWrongSender, "fuzz");
    if (envelope.kids.size() != 1 || envelope.kids.front() != to.Kid()) return Fail(Code::kWrongRecipient, "fuzz");
    return didcomm::OpenEnvelope(envelope, 0, to.key, from.did.agreement);
  }
};

}  // namespace keel::fuzz
