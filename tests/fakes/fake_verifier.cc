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
#include "device-wallet/core/messages.h"
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

}  // namespace

FakeVerifier::FakeVerifier(WalletWorld& w) : world(w) {
  agreement = world.ledger.keys
                  .Generate(world.kind.suite == KEEL_SUITE_P256 ? crypto::KeyType::kP256 : crypto::KeyType::kX25519)
                  .value();
  self = wallet::MakePeerDid(world.ledger.keys.Public(agreement).value(), {}).value();
  ByteArray<16> id;
  (void)world.random.Fill(id).value();
  inv_id = base::Base64Url(id);
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

wallet::EnvelopePeers FakeVerifier::Peers(const wallet::PeerDid& to, std::string (&kids)[2],
                                          crypto::SharedSecret& shared) {
  kids[0] = wallet::AgreementKid(self).view();
  kids[1] = wallet::AgreementKid(to).view();
  shared = world.ledger.keys.Agree(agreement, to.agreement).value();
  return {{kids[0], self.agreement.type(), &world.ledger.keys, agreement}, {kids[1], to.agreement}, &shared};
}

Octets FakeVerifier::Encrypt(const wallet::PeerDid& to, const std::string& plaintext) {
  Octets buffer(9000);
  std::copy(plaintext.begin(), plaintext.end(), buffer.begin());
  std::string kids[2];
  crypto::SharedSecret shared;
  const auto peers = Peers(to, kids, shared);
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
  json payload = {
      {"iss", world.owner.did},
      {"aud", std::string(s.peer.did.view())},
      {"nonce", base::Base64Url(s.nd)},
      {"iat", world.Now()},
      {"exp", world.Now() + 600},
      {"pv", std::string(self.did.view())},
      {"th", base::Base64Url(s.th1)},
      {"vcs", {base::Base64Url(crypto::Sha256::Of(world.credential))}},
      {"pack",
       {{"len", info.length}, {"sha256", base::Base64Url(info.sha256)}, {"key", base::Base64Url(key.ExposeSecret())}}},
      {"want", {{"evidence", true}, {"fw", true}}}};
  if (bend_m2_payload) bend_m2_payload(payload);
  json body = {{"suite", static_cast<int>(world.kind.suite)},
               {"nv", base::Base64Url(s.nv)},
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
  if (p["iss"] != world.device() || p["aud"] != world.owner.did || p["nonce"] != base::Base64Url(s.nv)) return false;
  if (p["pd"] != std::string(s.peer.did.view()) || p["th"] != base::Base64Url(s.th2)) return false;
  if (p["vcs"][0] != base::Base64Url(crypto::Sha256::Of(vc)) || vc != world.hardware) return false;
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
  if (peer->agreement.type() != self.agreement.type()) return 400;
  Octets copy = envelope;
  std::string kids[2];
  crypto::SharedSecret shared;
  const auto peers = Peers(*peer, kids, shared);
  const auto opened = wallet::UnpackAuthcrypt(peers, copy);
  if (!opened) return 400;
  const std::string plaintext = Text(Octets(opened->begin(), opened->end()));
  const json m = json::parse(plaintext);
  const json& body = m["body"];
  const std::string thid = m.value("thid", ""), type = m["type"];
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
  if (onboarding::MessageFromType(type) == Message::kUnknown) return Mail(*peer, m, reply);
  Session& s = sessions_[thid];
  device_pd = peer->did.view();
  switch (onboarding::MessageFromType(type)) {
    case Message::kHello: {
      hello_ids.push_back(m["pthid"]);
      if (m["pthid"] != inv_id) {
        if (!refuse_others) return 404;
        reply = Encrypt(*peer, Wrap(thid, Message::kRefused, *peer, json::object()));
        return 200;
      }
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
        m4["th"] = base::Base64Url(s.th3);
        m4["contact"] = base::Base64Url(contact_);
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
      if (body["th"] != base::Base64Url(s.th4)) return 400;
      ++done;
      // The next holder would get these.
      const Bytes32 rs = Fixed32(body["rs"]);
      std::copy(rs.begin(), rs.end(), world.factory.rendezvous_secret);
      world.factory.rendezvous_key_length = crypto::PublicKey::FromMultikey(body["rp"].get<std::string>())
                                                .value()
                                                .ToMultikeyOctets(world.factory.rendezvous_key)
                                                .value();
      onboarding::Transcript t = onboarding::Transcript::At(4, s.th4);
      t.AddHash(hash);
      json m6 = {{"th", base::Base64Url(t.value())}};
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
      json answer = {{"seq", ++seq_out_}, {"next", base::Base64Url(next_contact_)}};
      Message kind = Message::kContactReply;
      if (onboarding::MessageFromType(type) == Message::kContact) {
        ++contacts;
        if (!offer.is_null()) answer["fw"] = offer;
        if (const auto waiting = post->find(std::string(peer->did.view())); waiting != post->end())
          answer["mail"] = waiting->second.size();
        if (!contact_extra.is_null()) answer.update(contact_extra);
      } else if (onboarding::MessageFromType(type) == Message::kFirmwareAccept) {
        kind = Message::kFirmwareKey;
        block = body["block"].get<uint32_t>();
        answer.update({{"id", body["id"]},
                       {"manifest", base::Base64Url(manifest)},
                       {"key", base::Base64Url(transfer_key.ExposeSecret())},
                       {"url", "http://verifier/fw/t1"},
                       {"block", block}});
      } else {
        kind = Message::kFirmwareAck;
        ++reports;
        last_report_state = body["state"];
        if (body.contains("code")) last_report_state += ":" + body["code"].get<std::string>();
      }
      reply = Encrypt(*peer, Wrap(thid, kind, *peer, answer));
      return 200;
    }
    case Message::kLifecycleAck: return 204;
    default: return 400;
  }
}

int FakeVerifier::Mail(const wallet::PeerDid& peer, const json& message, Octets& reply) {
  using wallet::Didcomm;
  const std::string theirs(peer.did.view());
  const auto answer = [&](Didcomm type, const json& body, const json& attachments = nullptr) {
    json out = {{"id", "v-" + std::to_string(world.requests)},
                {"typ", "application/didcomm-plain+json"},
                {"type", std::string(wallet::TypeOf(type))},
                {"from", std::string(self.did.view())},
                {"to", {theirs}},
                {"thid", message["id"]},
                {"body", body}};
    if (!attachments.is_null()) out["attachments"] = attachments;
    reply = Encrypt(peer, out.dump());
    return 200;
  };
  if (!member) return answer(Didcomm::kProblemReport, {{"code", "e.p.trust.no-member"}});
  const json body = message.contains("body") ? message["body"] : json::object();
  switch (wallet::DidcommFromType(message["type"].get<std::string>())) {
    case Didcomm::kPing: return answer(Didcomm::kPingResponse, json::object());
    case Didcomm::kForward: {
      const auto found = post->find(body["next"]);
      if (found == post->end()) return answer(Didcomm::kProblemReport, {{"code", "e.p.xfer.no-such-recipient"}});
      found->second.emplace_back("m" + std::to_string(world.requests) + "-" + std::to_string(found->second.size()),
                                 message["attachments"][0]["data"]["json"].dump());
      return 202;
    }
    case Didcomm::kDeliveryRequest: {
      const auto& waiting = (*post)[theirs];
      if (waiting.empty()) return answer(Didcomm::kStatus, {{"message_count", 0}});
      ++deliveries;
      // As a service would that wants to save octets.
      const bool plain = waiting[0].second.size() > 2500;
      const json data = plain ? json{{"json", json::parse(waiting[0].second)}}
                              : json{{"base64", base::Base64Url(AsBytes(waiting[0].second))}};
      return answer(Didcomm::kDelivery, {{"recipient_did", theirs}}, {{{"id", waiting[0].first}, {"data", data}}});
    }
    case Didcomm::kMessagesReceived: {
      auto& waiting = (*post)[theirs];
      for (const json& id : body["message_id_list"]) {
        std::erase_if(waiting, [&](const auto& kept) { return kept.first == id; });
        ++receipts;
      }
      return answer(Didcomm::kStatus, {{"message_count", waiting.size()}});
    }
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

}  // namespace keel::fakes
