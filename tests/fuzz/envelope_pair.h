// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "crypto/hosted/software_key_store.h"
#include "device-wallet/core/envelope.h"
#include "did/key_finder.h"
#include "didcomm/jwe.h"
#include "tests/fakes/memory_keys.h"

// Two fixed parties, each with the host's and the wallet's way to pack and open. Seeds and target must mean the same.
namespace keel::fuzz {

struct Party {
  explicit Party(const std::string& seed) {
    fakes::SeededRandom random(seed);
    (void)random.Fill(secret.MutableSecret()).value();
    did = wallet::MakePeerDid(crypto::PublicFromPrivate(crypto::KeyType::kX25519, secret.ExposeSecret()).value(), {})
              .value();
    key = {store.get(), store->Import(crypto::KeyType::kX25519, secret.ExposeSecret()).value()};
  }
  std::string Kid() const { return std::string(wallet::AgreementKid(did).view()); }

  SecretBytes<32> secret;
  wallet::PeerDid did;
  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyRef key;
};

struct Pair {
  Party from{"sender"}, to{"recipient"};
  crypto::SharedSecret shared =
      crypto::AgreeRaw(crypto::KeyType::kX25519, from.secret.ExposeSecret(), to.did.agreement).value();

  Result<std::string> WalletPack(std::string_view plaintext) const {
    std::vector<uint8_t> buffer(8192);
    if (plaintext.size() > buffer.size()) return Fail(Code::kTooLarge, "fuzz");
    std::copy(plaintext.begin(), plaintext.end(), buffer.begin());
    fakes::SeededRandom random("wallet");
    KEEL_TRY(const size_t n, wallet::PackAuthcrypt({&from.did, &to.did, from.secret.ExposeSecret(), &shared}, random,
                                                   buffer, plaintext.size()));
    return std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n));
  }
  Result<std::string> WalletOpen(std::string_view envelope) const {
    std::vector<uint8_t> buffer(envelope.begin(), envelope.end());
    KEEL_TRY(const ByteSpan plain,
             wallet::UnpackAuthcrypt({&to.did, &from.did, to.secret.ExposeSecret(), &shared}, buffer));
    return std::string(plain.begin(), plain.end());
  }
  Result<std::string> HostPack(std::string_view plaintext) const {
    fakes::SeededRandom random("host");
    const didcomm::Recipient recipient{to.Kid(), to.did.agreement};
    return didcomm::SealAuthcrypt(plaintext, from.Kid(), from.key, {&recipient, 1}, random);
  }
  // With the addressing that a wallet always asks for: this sender, this one recipient, this algorithm.
  Result<std::string> HostOpen(std::string_view text) const {
    KEEL_TRY(const didcomm::Envelope envelope, didcomm::Envelope::Parse(text));
    if (!envelope.authcrypt || envelope.enc != didcomm::ContentEncryption::kA256CbcHs512)
      return Fail(Code::kAlgorithmNotAllowed, "fuzz");
    if (envelope.skid != from.Kid()) return Fail(Code::kWrongSender, "fuzz");
    if (envelope.kids.size() != 1 || envelope.kids.front() != to.Kid()) return Fail(Code::kWrongRecipient, "fuzz");
    return didcomm::OpenEnvelope(envelope, 0, to.key, from.did.agreement);
  }
};

}  // namespace keel::fuzz
