// SPDX-License-Identifier: Apache-2.0
// Alice writes to Bob: readable by him alone, proven to be hers. Their private keys never leave their key stores.
#include <cstdio>

#include "crypto/hosted/software_key_store.h"
#include "did/default_resolver.h"
#include "did/methods/peer.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"
using namespace keel;

struct Party {
  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  did::MapKeyFinder keys;
  std::string name;  // its did:peer:2

  Result<> Create() {
    KEEL_TRY(const crypto::KeyHandle key, store->Generate(crypto::KeyType::kX25519));
    KEEL_TRY(const crypto::PublicKey shown, store->Public(key));
    KEEL_TRY(name, did::CreatePeer2({{{did::Relationship::kKeyAgreement, shown}}}));
    keys.Add(name + "#key-1", {store.get(), key});
    return {};
  }
};

Result<didcomm::Unpacked> Send(Party& alice, Party& bob, did::DidResolver& resolver) {
  KEEL_TRY_VOID(alice.Create());
  KEEL_TRY_VOID(bob.Create());
  const didcomm::Message hello{"1", "https://example.com/greet/1.0/hello", alice.name, {bob.name}};
  KEEL_TRY(const auto packed, didcomm::PackAuthcrypt(hello, alice.name, bob.name, alice.keys, resolver));
  return didcomm::Unpack(packed.text, bob.keys, resolver);
}

int main() {
  Party alice, bob;
  const auto got = Send(alice, bob, *did::MakeDefaultResolver());
  if (!got) return std::fprintf(stderr, "%s\n", got.error().Text().c_str()), 1;
  return std::printf("%s, from %s\n", got->message.type.c_str(), got->message.from.c_str()) > 0 ? 0 : 1;
}
