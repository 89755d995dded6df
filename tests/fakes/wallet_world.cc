// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/wallet_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/encoding.h"
#include "base/suit.h"
#include "core/encoding.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "ledger/batch.h"
#include "ledger/pack.h"
#include "ledger/quorum_time.h"
#include "ledger/r0.h"
#include "ledger/rendezvous.h"
#include "onboarding/messages.h"
#include "tests/fakes/heap_count.h"

namespace keel::fakes {
namespace {

using onboarding::Message;

std::string Text(const Octets& octets) { return {octets.begin(), octets.end()}; }

struct CountHeap {
  explicit CountHeap(size_t& sum) : sum_(sum), before_(HeapAllocations()) {}
  ~CountHeap() { sum_ += HeapAllocations() - before_; }
  size_t& sum_;
  size_t before_;
};

}  // namespace

void FakeSlots::Boot() {
  if (trial) {  // ran unconfirmed until now: given up
    image = previous;
    version = previous_version;
    sequence = previous_sequence;
    trial = false;
  }
  if (pending) {
    previous = image;
    previous_version = version;
    previous_sequence = sequence;
    image = spare;
    version = spare_version;
    sequence = spare_sequence;
    trial = true;
    pending = false;
  }
}

// --- world ---------------------------------------------------------------------------------------------------------

WalletWorld::WalletWorld(size_t members, std::string seed, size_t sales, DeviceKind device)
    : kind(device), element(seed + " element"), ledger(members, seed), random(seed) {
  ledger.Fill(3);
  manufacturer = ledger.CreateIdentity();
  author_did = ledger.CreateIdentity();
  owner = ledger.CreateIdentity();
  ledger.Rotate(owner);
  root_seal = ledger.MakeSeal();
  seals.push_back(root_seal);
  end = ledger::ChainBase::Root(root_seal.seal);
  slots.image.assign(5000, 0x11);
  message_.resize(8192);
  ports_.size = sizeof ports_;
  ports_.context = this;
  ports_.random = Random_;
  ports_.store_read = [](void* c, uint16_t id, uint8_t* out, size_t capacity, size_t* length) {
    auto& w = *static_cast<WalletWorld*>(c);
    const CountHeap own(w.heap_in_ports);
    if (w.flash.dead) return KEEL_PORT_FAILED;
    const auto found = w.flash.records.find(id);
    if (found == w.flash.records.end()) return KEEL_PORT_NOT_FOUND;
    if (found->second.size() > capacity) return KEEL_PORT_FAILED;
    std::copy(found->second.begin(), found->second.end(), out);
    *length = found->second.size();
    return KEEL_PORT_OK;
  };
  ports_.store_write = [](void* c, uint16_t id, const uint8_t* data, size_t length) {
    auto& w = *static_cast<WalletWorld*>(c);
    const CountHeap own(w.heap_in_ports);
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    if (length > KEEL_WALLET_RECORD_MAX) std::abort();
    w.flash.records[id].assign(data, data + length);
    return KEEL_PORT_OK;
  };
  ports_.store_erase = [](void* c, uint16_t id) {
    auto& w = *static_cast<WalletWorld*>(c);
    const CountHeap own(w.heap_in_ports);
    if (w.flash.records.count(id) == 0) return w.flash.dead ? KEEL_PORT_FAILED : KEEL_PORT_OK;
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    w.flash.records.erase(id);
    return KEEL_PORT_OK;
  };
  ports_.firmware_current = [](void* c, keel_wallet_firmware* out) {
    const auto& w = *static_cast<WalletWorld*>(c);
    std::snprintf(out->version, sizeof out->version, "%s", w.slots.version.c_str());
    out->sequence = w.slots.sequence;
    const Bytes32 digest = crypto::Sha256::Of(ByteView(w.slots.image));
    std::copy(digest.begin(), digest.end(), out->digest);
    out->trial = w.slots.trial ? 1 : 0;
    return KEEL_PORT_OK;
  };
  ports_.firmware_begin = [](void* c, uint64_t size) {
    auto& w = *static_cast<WalletWorld*>(c);
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    const CountHeap own(w.heap_in_ports);
    w.slots.spare.assign(size, 0xff);
    return KEEL_PORT_OK;
  };
  ports_.firmware_write = [](void* c, uint64_t offset, const uint8_t* data, size_t length) {
    auto& w = *static_cast<WalletWorld*>(c);
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    if (offset + length > w.slots.spare.size()) return KEEL_PORT_FAILED;
    std::copy(data, data + length, w.slots.spare.begin() + static_cast<ptrdiff_t>(offset));
    return KEEL_PORT_OK;
  };
  ports_.firmware_read = [](void* c, uint64_t offset, uint8_t* out, size_t length) {
    auto& w = *static_cast<WalletWorld*>(c);
    if (offset + length > w.slots.spare.size()) return KEEL_PORT_FAILED;
    std::copy_n(w.slots.spare.begin() + static_cast<ptrdiff_t>(offset), length, out);
    return KEEL_PORT_OK;
  };
  ports_.firmware_finish = [](void* c, uint64_t size, uint64_t sequence, const char* version) {
    auto& w = *static_cast<WalletWorld*>(c);
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    if (size != w.slots.spare.size()) std::abort();
    const CountHeap own(w.heap_in_ports);
    w.slots.spare_sequence = sequence;
    w.slots.spare_version = version;
    w.slots.pending = true;
    return KEEL_PORT_OK;
  };
  ports_.firmware_confirm = [](void* c) {
    auto& w = *static_cast<WalletWorld*>(c);
    if (!w.flash.Spend()) return KEEL_PORT_FAILED;
    w.slots.trial = false;
    return KEEL_PORT_OK;
  };
  ports_.evidence = [](void*, const uint8_t*, uint8_t* out, size_t, size_t* length) {
    std::fill_n(out, 4, 0xee);
    *length = 4;
    return KEEL_PORT_OK;
  };
  if (kind.hardware) {
    ports_.key_make = [](void* c, uint8_t slot, uint8_t* point) {
      auto& w = *static_cast<WalletWorld*>(c);
      const CountHeap own(w.heap_in_ports);
      return w.flash.Spend() && w.element.Make(slot, point) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
    };
    ports_.key_public = [](void* c, uint8_t slot, uint8_t* point) {
      auto& w = *static_cast<WalletWorld*>(c);
      return w.element.Public(slot, point) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
    };
    ports_.key_sign = [](void* c, uint8_t slot, const uint8_t* digest, uint8_t* signature) {
      auto& w = *static_cast<WalletWorld*>(c);
      const CountHeap own(w.heap_in_ports);
      return w.element.Sign(slot, digest, signature) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
    };
    ports_.key_agree = [](void* c, uint8_t slot, const uint8_t* peer, uint8_t* x) {
      auto& w = *static_cast<WalletWorld*>(c);
      return w.element.Agree(slot, peer, x) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
    };
    ports_.key_erase = [](void* c, uint8_t slot) {
      auto& w = *static_cast<WalletWorld*>(c);
      if (!w.flash.Spend()) return KEEL_PORT_FAILED;
      w.element.Erase(slot);
      return KEEL_PORT_OK;
    };
  }
  ports_.event = [](void* c, keel_wallet_event event, int code, const char* text) {
    auto& w = *static_cast<WalletWorld*>(c);
    const CountHeap own(w.heap_in_ports);
    w.log.push_back(std::to_string(event) + " " + std::to_string(code) + " " + text);
  };
  Manufacture();
  for (size_t i = 0; i < sales; ++i) Sell(owner);
  verifier = std::make_unique<FakeVerifier>(*this);
  invitations = {verifier->Invitation()};
}

WalletWorld::~WalletWorld() { PowerOff(); }

int WalletWorld::Random_(void* c, uint8_t* out, size_t length) {
  return static_cast<WalletWorld*>(c)->random.Fill({out, length}) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
}

std::string WalletWorld::SignJwt(const std::string& typ, const json& payload, crypto::KeyHandle key, bool jwk,
                                 const std::string& kid) {
  json header = {{"alg", "EdDSA"}, {"typ", typ}};
  const auto public_key = ledger.keys.Public(key).value();
  if (jwk) header["jwk"] = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base::Base64Url(public_key.bytes())}};
  if (!kid.empty()) header["kid"] = kid;
  std::string text = base::Base64Url(AsBytes(header.dump())) + "." + base::Base64Url(AsBytes(payload.dump()));
  Bytes64 signature;
  (void)ledger.keys.Sign(key, AsBytes(text), signature).value();
  return text + "." + base::Base64Url(signature);
}

void WalletWorld::Sell(const Identity& to, bool anchor) {
  json vc = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
             {"type", {"VerifiableCredential", "OwnershipCredential"}},
             {"id", "urn:uuid:" + std::to_string(links.size())},
             {"issuer", manufacturer.did},
             {"credentialSubject", {{"id", device()}, {"owner", to.did}}}};
  credential = SignJwt("vc+jwt", vc, manufacturer.auth, false, manufacturer.did + "#key-1");
  const SealKeyPair next = ledger.MakeSeal();
  ChainLink link = ledger.MakeLink(device(), end, seals.back(), next, credential);
  if (anchor) ledger.AnchorSpend(link);
  end = LedgerWorld::After(end, link);
  links.push_back(link);
  seals.push_back(next);
}

Octets WalletWorld::Manifest(const Octets& image, uint64_t sequence, const std::string& version,
                             crypto::KeyHandle author, std::array<uint8_t, 16> vendor,
                             std::array<uint8_t, 16> device_class) {
  base::SuitManifest m;
  m.sequence = sequence;
  m.vendor_id = vendor;
  m.class_id = device_class;
  m.image_digest = crypto::Sha256::Of(ByteView(image));
  m.image_size = image.size();
  m.version = version;
  m.model = "model";
  return base::WriteSuitEnvelope(m,
                                 [&](ByteView message) -> Result<base::ByteVec> {
                                   Bytes64 signature;
                                   KEEL_TRY(const size_t n, ledger.keys.Sign(author, message, signature));
                                   return base::ByteVec(signature.begin(),
                                                        signature.begin() + static_cast<ptrdiff_t>(n));
                                 })
      .value();
}

void WalletWorld::Manufacture() {
  if (Boot() != KEEL_WALLET_OK) std::abort();
  keel_wallet_factory_input in{};
  in.size = sizeof in;
  in.network_label = "demo";
  std::copy(ledger.net.begin(), ledger.net.end(), in.net);
  std::copy(root_seal.seal.begin(), root_seal.seal.end(), in.root_seal);
  in.suite = static_cast<uint8_t>(kind.suite);
  factory.size = sizeof factory;
  const auto must = [](int status) {
    if (status != KEEL_WALLET_OK) {
      std::fprintf(stderr, "manufacture: %s\n", keel_wallet_status_name(status));
      std::abort();
    }
  };
  must(keel_wallet_manufacture_begin(wallet, &in, &factory));
  const std::string config = json{{"v", 1},
                                  {"manufacturer", manufacturer.did},
                                  {"endpoints", {"http://registry-a/", "http://registry-b"}},
                                  {"authors", {author_did.auth_multikey}},
                                  {"vendor", base::Base64Url(ByteArray<16>{})},
                                  {"class", base::Base64Url(ByteArray<16>{})},
                                  {"stale", 300}}
                                 .dump();
  const auto stamp = [&](keel_wallet_stamp_item item, ByteView data) {
    must(keel_wallet_manufacture_stamp(wallet, item, data.data(), data.size()));
  };
  stamp(KEEL_STAMP_CONFIG, AsBytes(config));
  stamp(KEEL_STAMP_DESCRIPTOR, ledger.descriptor_octets);
  hardware = SignJwt("vc+jwt",
                     {{"type", {"VerifiableCredential", "HardwareCredential"}},
                      {"issuer", manufacturer.did},
                      {"credentialSubject", {{"id", device()}, {"serial", "SN-1"}, {"model", "gw"}}}},
                     manufacturer.auth, false, manufacturer.did + "#key-1");
  stamp(KEEL_STAMP_CREDENTIAL, AsBytes(hardware));
  ledger::BatchProof proof;
  proof.n = 1;
  proof.index = 9;
  char batch[512];
  const size_t n = ledger::WriteBatchProof(proof, batch).value();
  stamp(KEEL_STAMP_BATCH, AsBytes(std::string_view(batch, n)));
  must(keel_wallet_manufacture_finalize(wallet));
  PowerOff();
}

void WalletWorld::PowerOff() {
  if (wallet != nullptr) keel_wallet_destroy(wallet);
  wallet = nullptr;
}

int WalletWorld::Boot() {
  PowerOff();
  memory_.assign(keel_wallet_size() / 8 + 1, 0);
  keel_wallet_config config{};
  config.size = sizeof config;
  config.abi = KEEL_WALLET_ABI;
  config.message = message_.data();
  config.message_size = message_.size();
  config.backoff_min_ms = backoff_ms;
  config.backoff_max_ms = backoff_ms * 8;
  config.build_time = kStart - 86400;
  CountHeap count(heap_in_calls);
  return keel_wallet_init(memory_.data(), memory_.size() * 8, &config, &ports_, &wallet);
}

keel_wallet_info WalletWorld::Info() const {
  keel_wallet_info info{};
  info.size = sizeof info;
  if (wallet != nullptr) keel_wallet_get_info(wallet, now_ms, &info);
  return info;
}

int WalletWorld::R0(const Octets& octets, Octets& reply) {
  const auto query = ledger::ParseR0Query(octets);
  if (!query) return 400;
  ByteArray<ledger::kMaxItem> out;
  // One nonce in the tick: the tree is its leaf.
  const Bytes32 rho = ledger::NonceLeaf(query->nonce);
  std::vector<ledger::TimeStatement> statements;
  for (uint8_t i = 0; i < ledger.members_set.quorum; ++i) {
    ledger::TimeStatement s;
    s.member = i;
    s.seconds = Now() - old_time;
    const auto message = ledger::TimeMessage(ledger.net, ledger.descriptor.epoch, rho, s.seconds);
    (void)ledger.keys.Sign(ledger.member_keys[i], message, s.signature).value();
    if (lie_time) s.seconds += 5;
    statements.push_back(s);
  }
  ByteArray<2048> body;
  const size_t n = ledger::WriteTimeAnswer(statements, 0, 1, {}, body).value();
  const auto add = [&](ledger::R0Tag tag, ByteView b) {
    const size_t length = ledger::WriteItem(static_cast<uint8_t>(tag), b, out).value();
    reply.insert(reply.end(), out.begin(), out.begin() + static_cast<ptrdiff_t>(length));
  };
  for (size_t e = query->epoch; e < epochs.size(); ++e) {
    const size_t parts = (epochs[e].size() + ledger::kMaxEpochPart - 1) / ledger::kMaxEpochPart;
    for (size_t i = 0; i < parts; ++i) {
      const ByteView all(epochs[e]);
      const size_t at = i * ledger::kMaxEpochPart;
      const ByteView piece = all.subspan(at, std::min(ledger::kMaxEpochPart, all.size() - at));
      const size_t length =
          ledger::WriteEpochPart(static_cast<uint8_t>(i), static_cast<uint8_t>(parts), piece, out).value();
      reply.insert(reply.end(), out.begin(), out.begin() + static_cast<ptrdiff_t>(length));
    }
  }
  add(ledger::R0Tag::kTime, ByteView(body).first(n));
  if (query->count == 0) return 200;
  for (const Octets& value : foreign_values) add(ledger::R0Tag::kValue, value);
  const auto rs = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(factory.rendezvous_secret));
  const Bytes32 index = ledger::RendezvousIndex(rs, ledger.net);
  if (query->indexes[0] != index && (query->count < 2 || query->indexes[1] != index)) return 200;
  const auto rp =
      crypto::PublicKey::FromMultikeyOctets({factory.rendezvous_key, factory.rendezvous_key_length}).value();
  for (const std::string& invitation : invitations) {
    ByteArray<ledger::kRendezvousValue> value;
    (void)ledger::SealInvitation(invitation, rs, ledger.net, rp, random, value).value();
    add(ledger::R0Tag::kValue, value);
  }
  return 200;
}

int WalletWorld::Answer(const keel_wallet_request& request, Octets& reply) {
  const std::string url = request.url;
  const Octets body(request.body, request.body + request.body_length);
  max_message = std::max(max_message, body.size());
  if (url.find("/v1/r0") != std::string::npos) {
    if (registry_down) return 503;
    return R0(body, reply);
  }
  const size_t from = url.find("?from=");
  const uint64_t number = from == std::string::npos ? 0 : std::stoull(url.substr(from + 6));
  if (const size_t at = url.find("/pack/"); at != std::string::npos) {
    return verifier->Pack(url.substr(at + 6, from - at - 6), static_cast<uint32_t>(number), reply);
  }
  if (url.find("/fw/") != std::string::npos) return verifier->Blocks(number, reply);
  if (url == "http://verifier/didcomm") {
    wire.push_back(Text(body));
    const int status = verifier->Receive(body, reply);
    if (!reply.empty()) wire.push_back(Text(reply));
    return status;
  }
  return 404;
}

bool WalletWorld::Run(const std::function<bool()>& done, size_t actions) {
  for (size_t i = 0; i < actions; ++i) {
    if (done()) return true;
    if (flash.dead) return false;
    keel_wallet_action action{};
    action.size = sizeof action;
    int status = 0;
    {
      CountHeap count(heap_in_calls);
      status = keel_wallet_poll(wallet, now_ms, &action);
    }
    if (flash.dead) return false;
    if (status != KEEL_WALLET_OK) {
      now_ms += 60'000;
      continue;
    }
    if (action.kind == KEEL_ACTION_WAIT) {
      if (action.wake_ms == UINT64_MAX) {
        if (Info().step != KEEL_STEP_TRIAL) return done();
        CountHeap count(heap_in_calls);
        keel_wallet_health(wallet, 1);
        continue;
      }
      now_ms = std::max(now_ms, action.wake_ms);
      continue;
    }
    if (action.kind == KEEL_ACTION_RESTART) {
      slots.Boot();
      ++restarts;
      if (Boot() != KEEL_WALLET_OK) return false;
      continue;
    }
    const size_t number = requests++;
    now_ms += 20;
    if (lose_request && lose_request(number)) {
      keel_wallet_failed(wallet, now_ms);
      continue;
    }
    const std::string url = action.request.url;
    Octets reply;
    int http = Answer(action.request, reply);
    if (bend_answer) bend_answer(url, http, reply);
    now_ms += 20;
    if (lose_answer && lose_answer(number)) {
      keel_wallet_failed(wallet, now_ms);
      continue;
    }
    CountHeap count(heap_in_calls);
    keel_wallet_response_begin(wallet, now_ms, http);
    int fed = KEEL_WALLET_OK;
    for (size_t at = 0; at < reply.size() && fed == KEEL_WALLET_OK; at += chunk) {
      fed = keel_wallet_response_chunk(wallet, reply.data() + at, std::min(chunk, reply.size() - at));
    }
    keel_wallet_response_end(wallet, now_ms);
  }
  return done();
}

bool WalletWorld::RunUntilOnboarded(size_t actions) {
  return Run([this] { return Phase() == KEEL_PHASE_ONBOARDED; }, actions);
}

std::string NameOf(DeviceKind kind) {
  return kind.suite == KEEL_SUITE_OKP ? "Okp" : kind.hardware ? "P256Hardware" : "P256";
}

std::string Log(const WalletWorld& world) {
  std::string all;
  for (const std::string& line : world.log) all += line + "\n";
  return all;
}

bool Logged(const WalletWorld& world, const std::string& text) {
  return std::any_of(world.log.begin(), world.log.end(),
                     [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace keel::fakes
