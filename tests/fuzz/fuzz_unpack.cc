// SPDX-License-Identifier: Apache-2.0
// DIDComm messages of every kind for one recipient with a key on each curve: u8 kind, u8 edits % 4, edits x (u16 place
// || u8 value), then a plaintext that is packed and bent; or, when it begins with '{' or '[', a message as it is. What
// is taken must be consistent, and a message bent inside its envelope is never taken for authentic.
#include <nlohmann/json.hpp>

#include "crypto/signature.h"
#include "did/methods/peer.h"
#include "didcomm/attachment.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"
#include "tests/fakes/memory_keys.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace keel::didcomm;  // NOLINT(google-build-using-namespace)
using keel::crypto::KeyType;

struct Person {
  explicit Person(const std::string& name) {
    keel::fakes::SeededRandom random(name);
    std::vector<keel::did::PeerKey> keys;
    int number = 0;
    for (const KeyType type : {KeyType::kX25519, KeyType::kP256, KeyType::kP384, KeyType::kEd25519}) {
      std::vector<uint8_t> secret(keel::crypto::PrivateKeyLength(type));
      FUZZ_CHECK(random.Fill(secret).has_value());
      const auto handle = store->Import(type, secret);
      FUZZ_CHECK(handle.has_value());
      keys.push_back({type == KeyType::kEd25519 ? keel::did::Relationship::kAuthentication
                                                : keel::did::Relationship::kKeyAgreement,
                      *store->Public(*handle)});
      handles.push_back(*handle);
    }
    did = *keel::did::CreatePeer2(keys);
    for (const auto handle : handles) finder.Add(did + "#key-" + std::to_string(++number), {store.get(), handle});
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  std::vector<keel::crypto::KeyHandle> handles;
  std::string did;
  keel::did::MapKeyFinder finder;
};

struct World {
  World() : alice("alice"), bob("bob") {
    keel::did::PeerMethod method;
    for (const Person* each : {&alice, &bob}) resolver.Add(*method.Resolve(each->did)->document);
  }
  Person alice, bob;
  keel::did::StaticResolver resolver;
};

// True when it was taken.
bool Read(World& world, std::string_view text, std::string* plaintext) {
  const auto unpacked = Unpack(text, world.bob.finder, world.resolver, {.now = 1'000'000});
  if (!unpacked) return false;
  const Metadata& m = unpacked->metadata;
  FUZZ_CHECK(m.authenticated == (!m.encrypted_from.empty() || !m.signers.empty()));
  FUZZ_CHECK(m.non_repudiation == !m.signers.empty());
  FUZZ_CHECK(m.encrypted == !m.encrypted_to.empty());
  for (const std::string& kid : m.signers) FUZZ_CHECK(kid.starts_with(unpacked->message.from));
  FUZZ_CHECK(m.encrypted_from.starts_with(m.encrypted_from.empty() ? "" : unpacked->message.from));
  static_cast<void>(MetadataJson(m));
  for (const Attachment& attachment : unpacked->message.attachments)
    static_cast<void>(OpenAttachment(attachment, {.max_octets = 4096, .resolver = &world.resolver}));
  // Written again it says the same.
  if (const auto again = unpacked->message.Serialize()) {
    const auto back = Message::Parse(*again);
    FUZZ_CHECK(back.has_value());
    FUZZ_CHECK(back->id == unpacked->message.id && back->to == unpacked->message.to);
    FUZZ_CHECK(*back->Serialize() == *again);
  }
  *plaintext = unpacked->plaintext;
  return true;
}

keel::Result<std::string> Pack(World& world, uint8_t kind, std::string_view body) {
  Message message;
  message.id = "1";
  message.type = "https://example.org/fuzz/1.0/x";
  message.from = world.alice.did;
  message.to = {world.bob.did};
  message.headers["x"] = "\"" + std::to_string(kind) + "\"";
  message.body = std::string(body);
  keel::fakes::SeededRandom random("pack");
  PackOptions options{.random = &random, .protect_sender = kind % 8 == 3};
  options.anoncrypt = static_cast<ContentEncryption>(kind / 8 % 3);
  const std::string curve = "#key-" + std::to_string(1 + kind / 24 % 3);
  keel::Result<Packed> packed;
  switch (kind % 8) {
    case 0: packed = PackPlaintext(message); break;
    case 1: packed = PackSigned(message, world.alice.did, world.alice.finder, world.resolver); break;
    case 4: options.sign_by = world.alice.did; [[fallthrough]];
    case 2: packed = PackAnoncrypt(message, world.bob.did + curve, world.alice.finder, world.resolver, options); break;
    case 5: options.sign_by = world.alice.did; [[fallthrough]];
    default:
      packed = PackAuthcrypt(message, world.alice.did + curve, world.bob.did + curve, world.alice.finder,
                             world.resolver, options);
  }
  if (!packed) return std::unexpected<keel::Error>(packed.error());
  return std::move(packed->text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  std::string plaintext;
  if (size == 0) return 0;
  if (data[0] == '{' || data[0] == '[') {
    Read(world, keel::fuzz::Text(data, size), &plaintext);
    return 0;
  }
  if (size < 2) return 0;
  const size_t edits = data[1] % 4;
  if (size < 2 + 3 * edits) return 0;
  const auto good = Pack(world, data[0], keel::fuzz::Text(data, size).substr(2 + 3 * edits));
  if (!good) return 0;  // the body is no JSON object
  std::string whole;
  FUZZ_CHECK(Read(world, *good, &whole));
  std::string bent = *good;
  for (size_t i = 0; i < edits; ++i) {
    const uint8_t* edit = data + 2 + 3 * i;
    bent[static_cast<size_t>(edit[0] << 8 | edit[1]) % bent.size()] = static_cast<char>(edit[2]);
  }
  // Only a plaintext message may say something else now.
  if (Read(world, bent, &plaintext)) FUZZ_CHECK(plaintext == whole || data[0] % 8 == 0);
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 1500; }
