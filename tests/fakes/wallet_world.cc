// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/wallet_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

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

constexpr UnixSeconds kStart = 1'790'000'000;

std::string B64(ByteView bytes) {
  std::string out(Base64UrlLength(bytes.size()) + 4, '\0');
  out.resize(Base64UrlEncode(bytes, out).value());
  return out;
}
Octets UnB64(const std::string& text) {
  Octets out(text.size() + 3);
  out.resize(Base64UrlDecode(text, out).value());
  return out;
}
Bytes32 Fixed32(const std::string& text) {
  const Octets octets = UnB64(text);
  Bytes32 out{};
  std::copy_n(octets.begin(), std::min<size_t>(32, octets.size()), out.begin());
  return out;
}
std::string Text(const Octets& octets) { return {octets.begin(), octets.end()}; }
json JwtPayload(const std::string& jwt) {
  const size_t a = jwt.find('.'), b = jwt.rfind('.');
  return json::parse(Text(UnB64(jwt.substr(a + 1, b - a - 1))));
}

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

// --- verifier ------------------------------------------------------------------------------------------------------

FakeVerifier::FakeVerifier(WalletWorld& w) : world(w) {
  (void)world.random.Fill(self_private.MutableSecret()).value();
  self =
      wallet::MakePeerDid(crypto::PublicFromPrivate(crypto::KeyType::kX25519, self_private.ExposeSecret()).value(), {})
          .value();
  ByteArray<16> id;
  (void)world.random.Fill(id).value();
  inv_id = B64(id);
  (void)world.random.Fill(contact_).value();
  (void)world.random.Fill(transfer_key.MutableSecret()).value();
}

std::string FakeVerifier::Invitation() {
  return json{{"v", 1},
              {"id", inv_id},
              {"pv", std::string(self.did.view())},
              {"url", {"http://verifier"}},
              {"exp", kStart + 30 * 86400}}
      .dump();
}

Octets FakeVerifier::Encrypt(const wallet::PeerDid& to, const std::string& plaintext) {
  Octets buffer(9000);
  std::copy(plaintext.begin(), plaintext.end(), buffer.begin());
  const auto shared = crypto::AgreeRaw(crypto::KeyType::kX25519, self_private.ExposeSecret(), to.agreement).value();
  const wallet::EnvelopePeers peers{&self, &to, self_private.ExposeSecret(), &shared};
  const size_t n = wallet::PackAuthcrypt(peers, world.random, buffer, plaintext.size()).value();
  buffer.resize(n);
  return buffer;
}

std::string FakeVerifier::Wrap(const std::string& thid, Message type, const wallet::PeerDid& to, json body) {
  body["v"] = 1;
  std::string plaintext = json{
      {"id", "v-" + std::to_string(world.requests)},
      {"typ", "application/didcomm-plain+json"},
      {"type", std::string(onboarding::TypeOf(type))},
      {"from", std::string(self.did.view())},
      {"to", {std::string(to.did.view())}},
      {"thid", thid},
      {"body", body}}.dump();
  if (bend_plaintext) bend_plaintext(plaintext);
  return plaintext;
}

std::string FakeVerifier::MakeM2(Session& s) {
  world.ledger.Commit(world.Now());
  std::vector<ChainLink> links(world.links.begin() + static_cast<ptrdiff_t>(s.k), world.links.end());
  std::vector<Octets> items = world.ledger.PackItems(links, world.end.seal, world.owner);
  if (bend_pack_items) bend_pack_items(items);
  Octets plain;
  for (const Octets& item : items) plain.insert(plain.end(), item.begin(), item.end());
  SecretBytes<32> key;
  (void)world.random.Fill(key.MutableSecret()).value();
  s.sealed.assign(ledger::SealedPackSize(plain.size()), 0);
  const auto info = ledger::SealPack(plain, key, s.sealed).value();
  s.sealed.resize(info.octets);
  (void)world.random.Fill(s.nv).value();
  json payload = {{"iss", world.owner.did},
                  {"aud", std::string(s.peer.did.view())},
                  {"nonce", B64(s.nd)},
                  {"iat", world.Now()},
                  {"exp", world.Now() + 600},
                  {"pv", std::string(self.did.view())},
                  {"th", B64(s.th1)},
                  {"vcs", {B64(crypto::Sha256::Of(world.credential))}},
                  {"pack", {{"len", info.length}, {"sha256", B64(info.sha256)}, {"key", B64(key.ExposeSecret())}}},
                  {"want", {{"evidence", true}, {"fw", true}}}};
  if (bend_m2_payload) bend_m2_payload(payload);
  json body = {{"suite", 1},
               {"nv", B64(s.nv)},
               {"vp", world.SignJwt("vp+jwt", payload, world.owner.auth)},
               {"vc", world.credential}};
  if (bend_m2_body) bend_m2_body(body);
  return Wrap(json::parse(s.m1)["thid"], Message::kOwnerProof, s.peer, body);
}

bool FakeVerifier::AcceptM3(Session& s, const json& body) {
  const std::string vp = body["vp"], vc = body["vc"];
  const json p = JwtPayload(vp);
  const json create = json::parse(Text(UnB64([&] {
    const std::string jws(reinterpret_cast<const char*>(world.factory.create), world.factory.create_length);
    const size_t a = jws.find('.'), b = jws.rfind('.');
    return jws.substr(a + 1, b - a - 1);
  }())));
  const auto key = crypto::PublicKey::FromMultikey(create["keys"][0]["key"].get<std::string>()).value();
  const size_t dot = vp.rfind('.');
  if (!crypto::Verify(key, AsBytes(std::string_view(vp).substr(0, dot)), UnB64(vp.substr(dot + 1))).value())
    return false;
  if (p["iss"] != world.device() || p["aud"] != world.owner.did || p["nonce"] != B64(s.nv)) return false;
  if (p["pd"] != std::string(s.peer.did.view()) || p["th"] != B64(s.th2)) return false;
  if (p["vcs"][0] != B64(crypto::Sha256::Of(vc)) || vc != world.hardware) return false;
  if (!body.contains("batch") || !body["batch"].is_object()) return false;
  if (!body.contains("fw") || body["fw"]["sequence"] != world.slots.sequence) return false;
  if (p["exp"].get<uint64_t>() + 60 <= world.Now()) return false;
  return UnB64(body["ev"]) == Octets(4, 0xee);
}

json FakeVerifier::Provision(const std::string& pd, uint64_t g) {
  json fleet = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
                {"type", {"VerifiableCredential", "FleetCredential"}},
                {"issuer", world.owner.did},
                {"validFrom", "2026-09-01T00:00:00Z"},
                {"validUntil", "2027-09-01T00:00:00Z"},
                {"credentialSubject", {{"id", pd}}}};
  json body = provision_config;
  body["g"] = g;
  body["stage"] = "full";
  body["fc"] = world.SignJwt("vc+jwt", fleet, world.owner.auth, false, world.owner.did + "#key-1");
  body["fck"] = world.owner.auth_multikey;
  return body;
}

int FakeVerifier::Receive(const Octets& envelope, Octets& reply) {
  // Who it is from stands in the protected header.
  const json jwe = json::parse(Text(envelope));
  const json header = json::parse(Text(UnB64(jwe["protected"])));
  const std::string skid = header["skid"];
  auto peer = wallet::ParsePeerDid(skid.substr(0, skid.find('#')));
  if (!peer) return 400;
  const auto shared = crypto::AgreeRaw(crypto::KeyType::kX25519, self_private.ExposeSecret(), peer->agreement).value();
  Octets copy = envelope;
  const wallet::EnvelopePeers peers{&self, &*peer, self_private.ExposeSecret(), &shared};
  const auto opened = wallet::UnpackAuthcrypt(peers, copy);
  if (!opened) return 400;
  const std::string plaintext = Text(Octets(opened->begin(), opened->end()));
  const json m = json::parse(plaintext);
  const json& body = m["body"];
  const std::string thid = m["thid"], type = m["type"];
  if (answer_instead) {
    const int status = answer_instead(type);
    if (status == 1) {  // refused
      reply = Encrypt(*peer, Wrap(thid, Message::kRefused, *peer, json::object()));
      return 200;
    }
    if (status == 2) {  // busy
      reply = Encrypt(*peer, Wrap(thid, Message::kBusy, *peer, {{"retry_after", 30}}));
      return 200;
    }
    if (status == 3) {
      reply = Encrypt(*peer, Wrap(thid, Message::kProblem, *peer, {{"code", "expired"}}));
      return 200;
    }
    if (status != 0) return status;
  }
  const auto hash = crypto::Sha256::Of(plaintext);
  Session& s = sessions_[thid];
  device_pd = peer->did.view();
  switch (onboarding::MessageFromType(type)) {
    case Message::kHello: {
      if (m["pthid"] != inv_id) return 404;
      ++hellos;
      {
        s.m1 = plaintext;
        s.peer = *peer;
        s.nd = Fixed32(body["nd"]);
        s.k = body["k"];
        onboarding::Transcript t(AsBytes(Invitation()));
        t.AddHash(hash);
        s.th1 = t.value();
        s.m2 = MakeM2(s);
        t.Add(AsBytes(s.m2));
        s.th2 = t.value();
      }
      reply = Encrypt(*peer, s.m2);
      return 200;
    }
    case Message::kDeviceProof: {
      if (s.m3 != plaintext) {
        if (s.th2 == Bytes32{} || !AcceptM3(s, body)) {
          reply = Encrypt(*peer, Wrap(thid, Message::kProblem, *peer, {{"code", "bad-proof"}}));
          return 200;
        }
        m3_plaintexts.push_back(plaintext);
        ++proofs_accepted;
        const std::string pd(peer->did.view());
        if (std::find(bound.begin(), bound.end(), pd) == bound.end()) bound.push_back(pd);
        s.m3 = plaintext;
        onboarding::Transcript t = onboarding::Transcript::At(2, s.th2);
        t.AddHash(hash);
        s.th3 = t.value();
        json m4 = Provision(pd, 1);
        m4["th"] = B64(s.th3);
        m4["contact"] = B64(contact_);
        next_contact_ = contact_;
        if (offer_in_m4 && !offer.is_null()) m4["fw"] = offer;
        if (bend_m4_body) bend_m4_body(m4);
        s.m4 = Wrap(thid, Message::kProvision, *peer, m4);
        t.Add(AsBytes(s.m4));
        s.th4 = t.value();
      }
      reply = Encrypt(*peer, s.m4);
      return 200;
    }
    case Message::kDone: {
      if (body["th"] != B64(s.th4)) return 400;
      ++done;
      // The next holder would get these.
      const Bytes32 rs = Fixed32(body["rs"]);
      std::copy(rs.begin(), rs.end(), world.factory.rendezvous_secret);
      (void)crypto::PublicKey::FromMultikey(body["rp"].get<std::string>())
          .value()
          .ToMultikeyOctets(world.factory.rendezvous_key)
          .value();
      onboarding::Transcript t = onboarding::Transcript::At(4, s.th4);
      t.AddHash(hash);
      json m6 = {{"th", B64(t.value())}};
      if (bend_m6_body) bend_m6_body(m6);
      reply = Encrypt(*peer, Wrap(thid, Message::kAck, *peer, m6));
      return 200;
    }
    case Message::kContact:
    case Message::kFirmwareAccept:
    case Message::kFirmwareReport: {
      if (bound.empty() || bound.back() != std::string(peer->did.view())) return 403;
      if (body["seq"].get<uint64_t>() <= last_seq) return 409;
      const Bytes32 shown = Fixed32(body["contact"]);
      if (shown != next_contact_ && shown != contact_) return 409;
      last_seq = body["seq"];
      contact_ = shown;
      (void)world.random.Fill(next_contact_).value();
      json answer = {{"seq", ++seq_out_}, {"next", B64(next_contact_)}};
      Message kind = Message::kContactReply;
      if (onboarding::MessageFromType(type) == Message::kContact) {
        ++contacts;
        if (!offer.is_null()) answer["fw"] = offer;
        if (!contact_extra.is_null()) answer.update(contact_extra);
      } else if (onboarding::MessageFromType(type) == Message::kFirmwareAccept) {
        kind = Message::kFirmwareKey;
        block = body["block"].get<uint32_t>();
        answer.update({{"id", body["id"]},
                       {"manifest", B64(manifest)},
                       {"key", B64(transfer_key.ExposeSecret())},
                       {"url", "http://verifier/fw/t1"},
                       {"block", block}});
      } else {
        kind = Message::kFirmwareAck;
        ++reports;
        last_report_state = body["state"];
        if (body.contains("code")) last_report_state += ":" + body["code"].get<std::string>();
      }
      if (bend_reply_body) bend_reply_body(answer);
      reply = Encrypt(*peer, Wrap(thid, kind, *peer, answer));
      return 200;
    }
    case Message::kLifecycleAck: return 204;
    default: return 400;
  }
}

int FakeVerifier::Pack(const std::string& thid, uint32_t from, Octets& reply) {
  const auto found = sessions_.find(thid);
  if (found == sessions_.end()) return 404;
  const auto part = ledger::PackFrom(found->second.sealed, from);
  if (!part) return 400;
  reply = ToOctets(*part);
  return 200;
}

int FakeVerifier::Blocks(uint64_t from, Octets& reply) {
  const onboarding::FirmwareTransfer transfer{crypto::Sha256::Of(ByteView(manifest)), image.size(), block};
  for (uint64_t b = from; b < transfer.blocks() && reply.size() < serve_limit; ++b) {
    const size_t n = transfer.BlockLength(b);
    Octets sealed(n + onboarding::kFirmwareTag);
    const ByteView plain = ByteView(image).subspan(b * block, n);
    (void)onboarding::SealBlock(transfer_key, transfer, b, plain, sealed).value();
    if (flip_block && b == transfer.blocks() - 1) sealed[0] ^= 1;
    reply.insert(reply.end(), sealed.begin(), sealed.end());
  }
  if (reply.size() > serve_limit) reply.resize(serve_limit);
  return 200;
}

// --- world ---------------------------------------------------------------------------------------------------------

WalletWorld::WalletWorld(size_t members, std::string seed, size_t sales) : ledger(members, seed), random(seed) {
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
  if (jwk) header["jwk"] = {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", B64(public_key.bytes())}};
  if (!kid.empty()) header["kid"] = kid;
  std::string text = B64(AsBytes(header.dump())) + "." + B64(AsBytes(payload.dump()));
  Bytes64 signature;
  (void)ledger.keys.Sign(key, AsBytes(text), signature).value();
  return text + "." + B64(signature);
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
                                  {"vendor", B64(ByteArray<16>{})},
                                  {"class", B64(ByteArray<16>{})},
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
  add(ledger::R0Tag::kTime, ByteView(body).first(n));
  if (query->count == 0) return 200;
  for (const Octets& value : foreign_values) add(ledger::R0Tag::kValue, value);
  const auto rs = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(factory.rendezvous_secret));
  const Bytes32 index = ledger::RendezvousIndex(rs, ledger.net);
  if (query->indexes[0] != index && (query->count < 2 || query->indexes[1] != index)) return 200;
  const auto rp = crypto::PublicKey::FromMultikeyOctets(ByteView(factory.rendezvous_key)).value();
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
  if (url == "http://verifier/didcomm") return verifier->Receive(body, reply);
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

}  // namespace keel::fakes
