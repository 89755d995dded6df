// SPDX-License-Identifier: Apache-2.0
// Writes the seeds that are octets, not text: keel-fuzz-seeds tests/fuzz/corpus (README.md).
#include <cstdio>
#include <filesystem>

#include "base/files.h"
#include "base/suit.h"
#include "ledger/r0.h"
#include "tests/fakes/naive_map.h"
#include "tests/fuzz/envelope_pair.h"
#include "tests/fuzz/pack_world.h"
#include "tests/fuzz/sealed_world.h"

namespace {

using keel::AsBytes;
using keel::ByteView;
using Octets = std::vector<uint8_t>;

std::string root;

void Save(const std::string& target, const std::string& name, ByteView octets) {
  std::filesystem::create_directories(root + "/" + target);
  if (const auto saved = keel::base::WriteFileAtomic(root + "/" + target + "/" + name, octets); !saved) {
    std::fprintf(stderr, "%s\n", saved.error().Text().c_str());
    std::exit(1);
  }
}

Octets Joined(const std::vector<Octets>& items) {
  Octets all;
  for (const Octets& item : items) all.insert(all.end(), item.begin(), item.end());
  return all;
}

void Ledger() {
  const keel::fuzz::PackWorld pack;
  Save("pack", "whole", Joined(pack.items));
  auto items = pack.items;
  std::swap(items[2], items[4]);
  Save("pack", "swapped-links", Joined(items));
  items = pack.items;
  items.pop_back();
  Save("pack", "no-head", Joined(items));
  Save("ledger", "checkpoint", pack.world.checkpoint);
  Save("ledger", "state", pack.world.StateItem());
  Save("ledger", "descriptor", pack.world.descriptor_octets);
  Save("ledger", "link", pack.links[0].record);
  keel::ByteArray<1024> entry{};
  const auto& link = pack.links[0];
  const size_t n = *keel::ledger::WriteSpendEntry({link.spent_seal, link.hash, link.policy, link.sigs}, entry);
  Save("ledger", "spend", ByteView(entry).first(n));

  keel::fakes::LedgerWorld world(1, "fuzz");
  keel::fakes::Identity identity = world.CreateIdentity();
  Save("operation", "create", identity.jws[0]);
  keel::fakes::Identity other = identity;
  world.Rotate(identity);
  Save("operation", "update", identity.jws[1]);
  world.Deactivate(other);
  Save("operation", "deactivate", other.jws[1]);

  keel::fakes::NaiveMap map;
  std::vector<keel::Bytes32> keys;
  for (uint8_t i = 0; i < 60; ++i) {
    keys.push_back(keel::crypto::Sha256::Of(std::string("key ") + std::to_string(i)));
    if (i < 40) map.Put(keys[i], ByteView(&i, 1));
  }
  for (const uint8_t i : std::initializer_list<uint8_t>{3, 17, 41, 50, 55, 59}) {
    Octets seed = map.Prove(keys[i]);
    seed.insert(seed.begin(), i);
    Save("map_proof", "key-" + std::to_string(i), seed);
  }

  keel::ledger::R0Query query;
  query.count = 2;
  query.epoch = 1;
  query.size = 77;
  keel::ByteArray<keel::ledger::kMaxR0Query> out{};
  Save("r0", "query", ByteView(out).first(*keel::ledger::WriteR0Query(query, out)));
  Octets answer;
  keel::ByteArray<keel::ledger::kMaxItem> item{};
  const auto add = [&](uint8_t tag, ByteView body) {
    const size_t length = *keel::ledger::WriteItem(tag, body, item);
    answer.insert(answer.end(), item.begin(), item.begin() + static_cast<ptrdiff_t>(length));
  };
  keel::ByteArray<2048> body{};
  const std::vector<keel::ledger::TimeStatement> statements(3);
  std::vector<keel::ledger::TimeStatement> rising = statements;
  for (uint8_t i = 0; i < 3; ++i) rising[i].member = i;
  add(0x11, ByteView(body).first(*keel::ledger::WriteTimeAnswer(rising, 0, 1, {}, body)));
  add(0x12, Octets(1073, 0x42));
  Save("r0", "answer", answer);
}

void Suit() {
  keel::fakes::MemoryKeys keys("author");
  const auto author = *keys.Generate(keel::crypto::KeyType::kEd25519);
  keel::base::SuitManifest manifest;
  manifest.sequence = 7;
  manifest.image_size = 123'456;
  manifest.version = "2.0.0";
  manifest.model = "gateway";
  const auto envelope =
      keel::base::WriteSuitEnvelope(manifest, [&](ByteView message) -> keel::Result<keel::base::ByteVec> {
        keel::base::ByteVec signature(64);
        KEEL_TRY(const size_t n, keys.Sign(author, message, signature));
        signature.resize(n);
        return signature;
      });
  Save("suit", "release", *envelope);
}

void Envelopes() {
  using keel::fuzz::Layer;
  const std::string plaintext =
      R"({"id":"1","type":"https://keel-protocol.org/device-onboarding/1.0/hello","body":{}})";
  for (const bool p256 : {false, true}) {
    const keel::fuzz::Pair pair(p256 ? keel::crypto::KeyType::kP256 : keel::crypto::KeyType::kX25519);
    const std::string curve = p256 ? "-p256" : "";
    for (const auto& [layer, name] :
         {std::pair(Layer::kAuthcrypt, ""), std::pair(Layer::kAnoncryptXc20p, "-anon-xc20p"),
          std::pair(Layer::kAnoncryptCbc, "-anon-cbc")}) {
      Save("envelope", "by-wallet" + std::string(name) + curve, AsBytes(*pair.WalletPack(plaintext, layer)));
      Save("envelope", "by-host" + std::string(name) + curve, AsBytes(*pair.HostPack(plaintext, layer)));
      const auto head = static_cast<char>(static_cast<int>(layer) << 2 | (p256 ? 0x10 : 0));
      Save("envelope", "plain" + std::string(name) + curve, AsBytes(std::string(1, head) + plaintext));
    }
  }
  Save("envelope", "bent", AsBytes(std::string("\1\0\x20X", 4) + plaintext));
  Save("envelope", "bent-twice", AsBytes(std::string("\2\0\x20X\1\0Y", 7) + plaintext));
}

void Credentials() {
  keel::fuzz::SealedWorld world;
  Save("cose", "issued", world.Cose());
  Save("sd_jwt", "issued", AsBytes(world.SdJwt()));
  Save("sd_jwt", "presented", AsBytes(world.Presented()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: keel-fuzz-seeds FOLDER\n");
    return 2;
  }
  root = argv[1];
  Ledger();
  Suit();
  Envelopes();
  Credentials();
  return 0;
}
