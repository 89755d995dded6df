// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cmake/test_paths.h"
#include "ledger/batch.h"
#include "ledger/rendezvous.h"
#include "onboarding/firmware.h"
#include "onboarding/transcript.h"
#include "tests/fakes/ledger_world.h"

// Writes tests/vectors/keel/*.json from fixed inputs and compares with what is checked in. After a wanted change of a
// format: KEEL_UPDATE_VECTORS=1 keel_ledger_test --gtest_filter='Vectors.*', then tests/vectors/keel/check.py, which
// shares no code with us.
namespace keel::ledger {
namespace {

using fakes::Identity;
using fakes::LedgerWorld;
using fakes::Octets;
using fakes::SealKeyPair;

std::string Hex(ByteView octets) {
  std::string out(octets.size() * 2, '\0');
  (void)HexEncode(octets, out).value();
  return out;
}

// Members in order, one a line, so that differences are readable.
class Json {
 public:
  Json& Text(const std::string& name, std::string_view text) {
    std::string escaped;
    for (const char c : text) {
      if (c == '"' || c == '\\') escaped += '\\';
      if (c == '\n') {
        escaped += "\\n";
      } else {
        escaped += c;
      }
    }
    return Raw(name, "\"" + escaped + "\"");
  }
  Json& Hex(const std::string& name, ByteView octets) { return Raw(name, "\"" + ledger::Hex(octets) + "\""); }
  Json& Number(const std::string& name, uint64_t value) { return Raw(name, std::to_string(value)); }
  Json& Raw(const std::string& name, const std::string& json) {
    out_ += (out_.empty() ? "" : ",\n") + std::string("\"") + name + "\": " + json;
    return *this;
  }
  std::string Object() const { return "{\n" + out_ + "\n}"; }

 private:
  std::string out_;
};
std::string List(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",\n") + item;
  return "[" + out + "]";
}

void Compare(const std::string& name, const std::string& text) {
  const std::string path = std::string(keel_test_source_dir()) + "/tests/vectors/keel/" + name;
  if (std::getenv("KEEL_UPDATE_VECTORS") != nullptr) {
    std::ofstream(path) << text << "\n";
    return;
  }
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  std::stringstream found;
  found << in.rdbuf();
  EXPECT_EQ(found.str(), text + "\n") << name << ": a format changed (or the file did)";
}

TEST(Vectors, Did) {
  LedgerWorld world(1, "vectors-did");
  Identity id = world.CreateIdentity();
  world.Fill(2);
  world.Rotate(id);
  world.Fill(1);
  world.Deactivate(id);
  std::vector<std::string> operations;
  DidHistory history;
  ASSERT_TRUE(history.Start(id.did));
  for (size_t i = 0; i < id.jws.size(); ++i) {
    ASSERT_TRUE(history.Apply(id.indices[i], id.jws[i]));
    operations.push_back(Json()
                             .Number("index", id.indices[i])
                             .Text("jws", AsText(id.jws[i]))
                             .Hex("hash", OperationHash(id.jws[i]))
                             .Hex("map_value", history.MapValue())
                             .Object());
  }
  Compare("did.json", Json()
                          .Text("label", "demo")
                          .Text("did", id.did)
                          .Hex("map_key", DidKey(id.did))
                          .Raw("operations", List(operations))
                          .Object());
}

TEST(Vectors, Map) {
  fakes::NaiveMap map;
  std::vector<std::string> leaves, proofs;
  for (uint64_t i = 0; i < 9; ++i) {
    const Bytes32 seal = crypto::Sha256::Of("seal " + std::to_string(i));
    const Octets value = fakes::ToOctets("value " + std::to_string(i));
    map.Put(SealKey(seal), value);
    leaves.push_back(Json().Number("type", 2).Hex("id", seal).Hex("key", SealKey(seal)).Hex("value", value).Object());
  }
  for (uint64_t i = 0; i < 48; ++i) {
    const Bytes32 seal = crypto::Sha256::Of("seal " + std::to_string(i));
    proofs.push_back(Json()
                         .Hex("key", SealKey(seal))
                         .Raw("present", i < 9 ? "true" : "false")
                         .Hex("proof", map.Prove(SealKey(seal)))
                         .Object());
  }
  Compare("map.json", Json().Raw("leaves", List(leaves)).Hex("root", map.Root()).Raw("proofs", List(proofs)).Object());
}

TEST(Vectors, LogAndCheckpoint) {
  LedgerWorld world(4, "vectors-log");
  world.Fill(6);
  world.Commit(1'790'000'000);
  ByteArray<kMaxNote> note;
  const size_t n = WriteNote(world.net, world.size, world.root, note).value();
  ByteArray<kMaxCosignMessage> message;
  const size_t m = WriteCosignMessage(world.net, world.size, world.root, 1'790'000'000, message).value();
  std::vector<std::string> entries;
  for (size_t i = 0; i < 6; ++i) entries.push_back("\"" + Hex(fakes::ToOctets("filler " + std::to_string(i))) + "\"");
  entries.push_back("\"" + Hex(WriteStateLeaf(world.state)) + "\"");
  std::vector<std::string> keys;
  for (const auto& handle : world.member_keys)
    keys.push_back("\"" + fakes::MultikeyOf(world.keys.Public(handle).value()) + "\"");
  Compare("checkpoint.json", Json()
                                 .Text("descriptor", AsText(world.descriptor_octets))
                                 .Hex("net", world.net)
                                 .Raw("members", List(keys))
                                 .Raw("entries", List(entries))
                                 .Hex("root", world.root)
                                 .Text("note", AsText(ByteView(note).first(n)))
                                 .Text("cosign_message", AsText(ByteView(message).first(m)))
                                 .Hex("ckpt", world.checkpoint)
                                 .Hex("state", world.StateItem())
                                 .Object());
}

TEST(Vectors, Seals) {
  LedgerWorld world(1, "vectors-seals");
  const SealKeyPair root = world.MakeSeal(), next = world.MakeSeal();
  const std::string device = "did:keel:demo:zQmDevice";
  const ByteArray<kSealSalt> salt{1, 2, 3};
  const auto link = world.MakeLink(device, ChainBase::Root(root.seal), root, next, "credential");
  SecretBytes<32> seed;
  seed.MutableSecret()[31] = 9;
  Compare("seals.json", Json()
                            .Hex("net", world.net)
                            .Hex("policy", root.policy)
                            .Hex("seal", root.seal)
                            .Hex("salt", salt)
                            .Hex("seal0", RootSealCommitment(salt, root.seal))
                            .Text("device", device)
                            .Text("credential", "credential")
                            .Hex("next_seal", next.seal)
                            .Hex("link", link.record)
                            .Hex("link_hash", link.hash)
                            .Hex("spend_message", SpendMessage(world.net, root.seal, link.hash))
                            .Hex("sigs", link.sigs)
                            .Hex("batch_seed", seed.ExposeSecret())
                            .Hex("seal_key_seed_1", SealKeySeed(seed, world.net, device, 1)->ExposeSecret())
                            .Hex("request_seed_5_1", SealKeySeedForRequest(seed, world.net, 5, 1)->ExposeSecret())
                            .Object());
}

TEST(Vectors, BatchTimeRendezvous) {
  std::vector<Bytes32> leaves;
  std::vector<std::string> credentials;
  for (int i = 0; i < 5; ++i) {
    const std::string credential = "credential " + std::to_string(i);
    const Bytes32 salt = crypto::Sha256::Of("salt " + std::to_string(i));
    leaves.push_back(BatchLeaf(salt, AsBytes(credential)));
    credentials.push_back(Json().Text("credential", credential).Hex("salt", salt).Object());
  }
  SecretBytes<32> rs;
  rs.MutableSecret()[0] = 1;
  const Net net = crypto::Sha256::Of(std::string_view("net"));
  const Bytes32 nonce = crypto::Sha256::Of(std::string_view("nonce"));
  const Bytes32 rho = TreeRoot(std::vector{NonceLeaf(nonce)});
  fakes::MemoryKeys keys("vectors-rendezvous");
  const auto rp = keys.Generate(crypto::KeyType::kX25519).value();
  fakes::SeededRandom random("vectors-random");
  ByteArray<kRendezvousValue> value{};
  ASSERT_TRUE(SealInvitation("{\"v\":1}", rs, net, keys.Public(rp).value(), random, value));
  Compare("misc.json", Json()
                           .Raw("batch", List(credentials))
                           .Hex("batch_root", TreeRoot(leaves))
                           .Hex("rs", rs.ExposeSecret())
                           .Hex("net", net)
                           .Hex("index", RendezvousIndex(rs, net))
                           .Hex("rp_public", keys.Public(rp)->bytes())
                           .Text("invitation", "{\"v\":1}")
                           .Hex("rendezvous_value", value)
                           .Hex("nonce", nonce)
                           .Hex("time_message", TimeMessage(net, 3, rho, 1'790'000'000))
                           .Object());
}

TEST(Vectors, Transcript) {
  const std::string invitation =
      R"({"v":1,"id":"AAAAAAAAAAAAAAAAAAAAAA","pv":"did:peer:2.Ez","url":["http://127.0.0.1:1"],"exp":1790000000})";
  onboarding::Transcript t(AsBytes(invitation));
  std::vector<std::string> steps = {"\"" + Hex(t.value()) + "\""};
  std::vector<std::string> messages;
  Bytes32 th2{};
  for (int i = 1; i <= 6; ++i) {
    const std::string message = "plaintext of M" + std::to_string(i);
    messages.push_back("\"" + message + "\"");
    t.Add(AsBytes(message));
    if (i == 2) th2 = t.value();
    steps.push_back("\"" + Hex(t.value()) + "\"");
  }
  Compare("transcript.json",
          Json()
              .Text("invitation", invitation)
              .Raw("messages", List(messages))
              .Raw("th", List(steps))
              .Text("device", "did:keel:demo:zQmDevice")
              .Text("attested", "z6Mkattested")
              .Hex("evidence", onboarding::EvidenceBinding(th2, "did:keel:demo:zQmDevice", "z6Mkattested"))
              .Object());
}

}  // namespace
}  // namespace keel::ledger
