// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "device-wallet/core/envelope.h"
#include "device-wallet/core/peer_did.h"
#include "keel_wallet.h"
#include "onboarding/firmware.h"
#include "onboarding/messages.h"
#include "onboarding/transcript.h"
#include "tests/fakes/ledger_world.h"
#include "tests/fakes/secure_element.h"

// A device's whole surroundings in memory: record store and firmware slots that lose power when told, registry answers,
// an owner's verifier written on the embedded libraries, a clock. Deterministic; for tests. Everything may be bent by
// the hooks.
namespace keel::fakes {

inline constexpr UnixSeconds kStart = 1'790'000'000;  // when the world begins

using nlohmann::json;

// Records on a flash that power can leave: `cut` writes succeed, then nothing does until Restore.
struct FakeFlash {
  std::map<uint16_t, Octets> records;
  size_t writes = 0;            // made since construction
  size_t cut_after = SIZE_MAX;  // writes that still succeed
  bool dead = false;

  bool Spend() {
    if (dead || cut_after == 0) {
      dead = true;
      return false;
    }
    --cut_after;
    ++writes;
    return true;
  }
  void Restore() {
    dead = false;
    cut_after = SIZE_MAX;
  }
};

// Two slots. What is in `spare` survives; `boot` says what the boot loader does at the next restart.
struct FakeSlots {
  Octets image, spare;
  std::string version = "1.0.0", spare_version;
  uint64_t sequence = 1, spare_sequence = 0;
  bool trial = false, pending = false;
  Octets previous;
  std::string previous_version;
  uint64_t previous_sequence = 0;

  void Boot();  // a restart: trial image starts, or an unconfirmed one is given up
};

class WalletWorld;

// What an owner's service keeps for the devices of its fleet, by pairwise DID: (id, envelope), oldest first. Only those
// who have an entry can receive.
using PostOffice = std::map<std::string, std::vector<std::pair<std::string, std::string>>>;

// An owner's verifier with one claim.
class FakeVerifier {
 public:
  explicit FakeVerifier(WalletWorld& world);

  std::string Invitation();  // as in a rendezvous value
  // POST /didcomm: the reply's envelope; empty with status != 200.
  int Receive(const Octets& envelope, Octets& reply);
  int Pack(const std::string& thid, uint32_t from, Octets& reply);
  int Blocks(uint64_t from, Octets& reply);
  json Provision(const std::string& pd, uint64_t g);  // body of an M4 but for th and contact

  // Messages between devices; shared by the verifiers of one owner. `member`: this device may use it.
  std::shared_ptr<PostOffice> post = std::make_shared<PostOffice>();
  bool member = true;
  size_t deliveries = 0, receipts = 0;

  // Bends what is sent, before it is encrypted or signed.
  std::function<void(json&)> bend_m2_payload, bend_m2_body, bend_m4_body, bend_m6_body;
  std::function<void(std::string& plaintext)> bend_plaintext;
  std::function<void(std::vector<Octets>&)> bend_pack_items;
  std::function<int(const std::string& type)> answer_instead;  // 0: nothing; else an HTTP status
  bool refuse_others = false;  // says `refused` to hellos of invitations that are not its own, as their sender would
  json provision_config = {{"config", {{"rate", 5}}}, {"net", {{"mqtt", {{"host", "broker"}}}}}};
  json offer;          // firmware offer in M4 or contact replies; null: none
  json contact_extra;  // merged into the next contact replies
  bool offer_in_m4 = false;

  // What was seen.
  size_t hellos = 0, proofs_accepted = 0, done = 0, contacts = 0, reports = 0;
  std::vector<std::string> hello_ids;  // the invitation that each hello named
  std::vector<std::string> bound;      // distinct P_D with a good M3
  std::string last_report_state;
  uint64_t last_seq = 0;
  std::vector<std::string> m3_plaintexts;
  std::string device_pd;

  WalletWorld& world;
  wallet::PeerDid self;
  std::string inv_id;
  crypto::KeyHandle agreement;  // in world.ledger.keys

  // Firmware that it serves.
  Octets image;
  Octets manifest;
  SecretBytes<32> transfer_key;
  uint32_t block = 0;
  uint64_t serve_limit = UINT64_MAX;  // octets in one answer
  bool flip_block = false;

 private:
  friend class WalletWorld;
  struct Session {
    wallet::PeerDid peer;
    Bytes32 th1{}, th2{}, th3{}, th4{};
    Bytes32 nd{}, nv{};
    uint64_t k = 0;
    std::string m1, m2, m3, m4;
    Octets sealed;
  };
  std::string MakeM2(Session& s);
  std::string Wrap(const std::string& thid, onboarding::Message type, const wallet::PeerDid& to, json body);
  Octets Encrypt(const wallet::PeerDid& to, const std::string& plaintext);
  // For as long as the strings in `kids` live.
  wallet::EnvelopePeers Peers(const wallet::PeerDid& to, std::string (&kids)[2], crypto::SharedSecret& shared);
  bool AcceptM3(Session& s, const json& body);
  int Mail(const wallet::PeerDid& peer, const json& message, Octets& reply);
  std::map<std::string, Session> sessions_;
  Bytes32 contact_{}, next_contact_{};
  uint64_t seq_out_ = 0;
};

// What kind of device: its suite, and where its keys lie.
struct DeviceKind {
  keel_wallet_suite suite = KEEL_SUITE_OKP;
  bool hardware = false;
};
inline constexpr DeviceKind kOkp{}, kP256{KEEL_SUITE_P256, false}, kP256Hardware{KEEL_SUITE_P256, true};
std::string NameOf(DeviceKind kind);  // for parametrized tests

class WalletWorld {
 public:
  explicit WalletWorld(size_t members = 4, std::string seed = "wallet world", size_t sales = 2, DeviceKind device = {});
  explicit WalletWorld(DeviceKind device) : WalletWorld(4, "wallet world", 2, device) {}
  ~WalletWorld();

  // --- the device
  void Manufacture();
  int Boot();  // (re)starts the wallet from flash
  void PowerOff();
  // Polls and answers until `done` says so, or `actions` were done. False when it gave up.
  bool Run(const std::function<bool()>& done, size_t actions = 200);
  bool RunUntilOnboarded(size_t actions = 200);
  keel_wallet_info Info() const;
  keel_wallet_phase Phase() const { return Info().phase; }

  UnixSeconds Now() const { return 1'790'000'000 + now_ms / 1000; }
  uint64_t now_ms = 1000;

  const DeviceKind kind;  // of the device
  SecureElement element;
  LedgerWorld ledger;
  SeededRandom random;
  FakeFlash flash;
  FakeSlots slots;
  Identity manufacturer, owner, author_did;
  SealKeyPair root_seal;
  std::vector<SealKeyPair> seals;
  std::vector<ChainLink> links;
  ledger::ChainBase end;
  std::string credential;  // OwnershipCredential_k
  std::string hardware;    // HardwareCredential
  std::unique_ptr<FakeVerifier> verifier;
  std::vector<std::string> invitations;  // what the registry has for the device's index, newest first
  std::vector<Octets> foreign_values;    // values that are not for the device, put before
  keel_wallet_factory_output factory{};
  keel_wallet* wallet = nullptr;
  std::string device() const { return factory.did; }

  // Sells the device on: a new link from the last holder to `to`, anchored, with its OwnershipCredential.
  void Sell(const Identity& to, bool anchor = true);
  std::string SignJwt(const std::string& typ, const json& payload, crypto::KeyHandle key, bool jwk = true,
                      const std::string& kid = "");
  void UseBackoff(uint32_t ms) { backoff_ms = ms; }
  Octets Manifest(const Octets& image, uint64_t sequence, const std::string& version, crypto::KeyHandle author,
                  std::array<uint8_t, 16> vendor = {}, std::array<uint8_t, 16> device_class = {});

  // --- the network; requests counted, each may be lost before it arrives, or its answer be lost
  std::vector<Octets> epochs;  // bundle number i leads from epoch i to the next
  std::function<bool(size_t n)> lose_request, lose_answer;
  std::function<void(const std::string& url, int& status, Octets& reply)> bend_answer;
  bool registry_down = false;
  bool lie_time = false;
  uint64_t old_time = 0;  // seconds that the members' clocks are behind
  size_t requests = 0;
  size_t restarts = 0;
  size_t chunk = 700;
  std::vector<std::string> log;
  std::vector<std::string> wire;  // every DIDComm envelope, either way, as it stood on the wire
  size_t max_message = 0;
  size_t heap_in_calls = 0;  // allocations seen inside wallet calls
  size_t heap_in_ports = 0;  // of these, the fakes' own
  size_t WalletHeap() const { return heap_in_calls - heap_in_ports; }
  uint32_t backoff_ms = 1000;

 private:
  friend class FakeVerifier;
  int R0(const Octets& query, Octets& reply);
  int Answer(const keel_wallet_request& request, Octets& reply);
  static int Random_(void*, uint8_t*, size_t);
  std::vector<uint64_t> memory_;
  std::vector<uint8_t> message_;
  keel_wallet_ports ports_{};
};

// What the device noted, a line each; and whether a line has this text in it.
std::string Log(const WalletWorld& world);
bool Logged(const WalletWorld& world, const std::string& text);

}  // namespace keel::fakes
