// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/envelope.h"

#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "device-wallet/core/front.h"
#include "device-wallet/core/jwk.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;

constexpr std::string_view kTyp = "application/didcomm-encrypted+json";
constexpr std::string_view kAlgAuth = "ECDH-1PU+A256KW", kAlgAnon = "ECDH-ES+A256KW";
constexpr std::string_view kEncCbc = "A256CBC-HS512", kEncXc20p = "XC20P";
constexpr size_t kMaxCek = crypto::kCbcHmacKey, kMaxWrapped = kMaxCek + 8, kMaxIv = crypto::kXc20pNonce,
                 kMaxTag = crypto::kCbcHmacTag;
// JSON with the longest key ids: 208 as they are, 278 as apu, 210 of epk and the rest.
constexpr size_t kMaxProtected = 960;

struct Lengths {
  size_t cek, iv, tag;
};
constexpr Lengths LengthsOf(ContentEncryption enc) {
  return enc == ContentEncryption::kXc20p ? Lengths{crypto::kXc20pKey, crypto::kXc20pNonce, crypto::kXc20pTag}
                                          : Lengths{crypto::kCbcHmacKey, crypto::kCbcHmacIv, crypto::kCbcHmacTag};
}

// KEK of RFC 7518 section 4.6.2 and, with `fixed`, of draft-madden-jose-ecdh-1pu-04 section 2.3: Z = Ze || Zs, and the
// tag follows SuppPubInfo with its length.
Result<> DeriveKek(const crypto::SharedSecret& ephemeral, const crypto::SharedSecret* fixed, ByteView apu, ByteView apv,
                   ByteView tag, ByteSpan kek) {
  ByteArray<64> z;
  ScopedWipe wipe(z);
  std::memcpy(z.data(), ephemeral.ExposeSecret().data(), 32);
  if (fixed != nullptr) std::memcpy(z.data() + 32, fixed->ExposeSecret().data(), 32);
  const std::string_view alg = fixed != nullptr ? kAlgAuth : kAlgAnon;
  ByteArray<4 * 5 + kAlgAuth.size() + kMaxPeerKid + 32 + kMaxTag> info;
  ByteWriter w(info);
  w.U32(static_cast<uint32_t>(alg.size())).Put(alg);
  w.U32(static_cast<uint32_t>(apu.size())).Put(apu);
  w.U32(static_cast<uint32_t>(apv.size())).Put(apv);
  w.U32(256);
  if (fixed != nullptr) w.U32(static_cast<uint32_t>(tag.size())).Put(tag);
  if (!w.ok()) return Fail(Code::kTooLarge, "envelope kdf");
  return crypto::ConcatKdfSha256(ByteView(z).first(fixed != nullptr ? 64 : 32), w.written(), kek);
}

bool IsBase64UrlOf(std::string_view text, ByteView octets) {
  char expected[Base64UrlLength(kMaxPeerKid)];
  const auto n = Base64UrlEncode(octets, expected);
  return n && text == std::string_view(expected, *n);
}

// `peers` null: anoncrypt.
Result<size_t> Pack(const EnvelopePeers* peers, const PeerEnd& to, ContentEncryption enc, Random& random,
                    ByteSpan buffer, size_t plaintext) {
  const std::string_view skid = peers != nullptr ? peers->self.kid : std::string_view{};
  if (skid.size() > kMaxPeerKid || to.kid.size() > kMaxPeerKid) return Fail(Code::kTooLarge, "envelope kid");
  if (!to.key.valid() || (to.key.type() != KeyType::kX25519 && to.key.type() != KeyType::kP256) ||
      (peers != nullptr && peers->self.type != to.key.type())) {
    return Fail(Code::kBadKey, "envelope recipient key");
  }
  const Lengths sizes = LengthsOf(enc);
  const Bytes32 apv = crypto::Sha256::Of(to.kid);
  KEEL_TRY(const crypto::EphemeralKey ephemeral, crypto::GenerateEphemeral(to.key.type(), random));

  ByteArray<kMaxCek> cek_octets;
  ScopedWipe wipe_cek(cek_octets);
  const ByteSpan cek = ByteSpan(cek_octets).first(sizes.cek);
  ByteArray<kMaxIv> iv_octets;
  const ByteSpan iv = ByteSpan(iv_octets).first(sizes.iv);
  KEEL_TRY_VOID(random.Fill(cek));
  KEEL_TRY_VOID(random.Fill(iv));

  const bool xc20p = enc == ContentEncryption::kXc20p;
  if (plaintext > buffer.size()) return Fail(Code::kBufferTooSmall, "envelope");
  const size_t length = xc20p ? plaintext : crypto::CbcHmacCiphertextLength(plaintext);
  const size_t reserved = length + (xc20p ? sizes.tag : 0);  // XC20P puts its tag behind
  if (reserved > buffer.size()) return Fail(Code::kBufferTooSmall, "envelope");
  ByteSpan tail = buffer.last(reserved);
  std::memmove(tail.data(), buffer.data(), plaintext);

  Front front(buffer.first(buffer.size() - reserved));
  front.Put("{\"protected\":\"");
  const size_t protected_at = front.at();
  {
    char text[kMaxProtected];
    JsonWriter w(text);
    w.BeginObject().Name("typ").String(kTyp).Name("alg").String(peers != nullptr ? kAlgAuth : kAlgAnon);
    w.Name("enc").String(xc20p ? kEncXc20p : kEncCbc);
    if (peers != nullptr) w.Name("skid").String(skid).Name("apu").Base64Url(AsBytes(skid));
    w.Name("apv").Base64Url(apv).Name("epk");
    KEEL_TRY_VOID(WriteJwk(w, ephemeral.public_key));
    w.EndObject();
    if (!w.ok()) return Fail(Code::kTooLarge, "envelope header");
    front.Base64(AsBytes(w.text()));
  }
  if (!front.ok()) return Fail(Code::kBufferTooSmall, "envelope");
  const ByteView aad = buffer.subspan(protected_at, front.at() - protected_at);

  ByteArray<kMaxTag> tag_octets;
  const ByteSpan tag = ByteSpan(tag_octets).first(sizes.tag);
  if (xc20p) {
    KEEL_TRY(const size_t encrypted, crypto::Xc20pEncrypt(cek, iv, aad, tail.first(plaintext), tail));
    if (encrypted != reserved) return Fail(Code::kInternalError, "envelope");
    std::memcpy(tag.data(), tail.data() + length, tag.size());
  } else {
    KEEL_TRY(const size_t encrypted, crypto::CbcHmacEncrypt(crypto::kBearSslAes, cek, iv, aad, tail.first(plaintext),
                                                            tail, std::span<uint8_t, kMaxTag>(tag_octets)));
    if (encrypted != length) return Fail(Code::kInternalError, "envelope");
  }
  tail = tail.first(length);

  ByteArray<kMaxWrapped> wrapped;
  size_t wrapped_length = 0;
  {
    ByteArray<32> kek;
    ScopedWipe wipe(kek);
    KEEL_TRY(const crypto::SharedSecret ze,
             crypto::AgreeRaw(to.key.type(), ephemeral.private_key.ExposeSecret(), to.key));
    KEEL_TRY_VOID(DeriveKek(ze, peers != nullptr ? peers->static_shared : nullptr, AsBytes(skid), apv, tag, kek));
    KEEL_TRY(wrapped_length, crypto::AesKwWrap(crypto::kBearSslAes, kek, cek, wrapped));
  }

  front.Put("\",\"recipients\":[{\"header\":{\"kid\":\"");
  front.Put(to.kid);
  front.Put("\"},\"encrypted_key\":\"");
  front.Base64(ByteView(wrapped).first(wrapped_length));
  front.Put("\"}],\"iv\":\"");
  front.Base64(iv);
  front.Put("\",\"ciphertext\":\"");
  if (!front.ok()) return Fail(Code::kBufferTooSmall, "envelope");

  // The text overtakes the ciphertext only if the whole does not fit; then nothing was promised about the buffer.
  const size_t end = 11 + Base64UrlLength(tag.size());  // ","tag":"..."}
  if (front.at() + Base64UrlLength(length) + end > buffer.size()) return Fail(Code::kBufferTooSmall, "envelope");
  Front whole(buffer.subspan(front.at()));
  whole.Base64(tail);
  whole.Put("\",\"tag\":\"");
  whole.Base64(tag);
  whole.Put("\"}");
  if (!whole.ok()) return Fail(Code::kBufferTooSmall, "envelope");
  return front.at() + whole.at();
}

// The protected header, read; views point into the octets that it was decoded to.
struct Header {
  bool authcrypt = false;
  ContentEncryption enc = ContentEncryption::kA256CbcHs512;
  std::string_view skid, apu;  // empty when absent; apu in base64url
  Bytes32 apv{};
  crypto::PublicKey epk;
};

Result<Header> ReadHeader(ByteView octets) {
  KEEL_TRY(const JsonView json, JsonView::Parse(AsText(octets)));
  if (json.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "envelope header");
  Header header;
  KEEL_TRY(const std::string_view alg, json.GetPlain("alg"));
  KEEL_TRY(const std::string_view enc, json.GetPlain("enc"));
  header.authcrypt = alg == kAlgAuth;
  if (!header.authcrypt && alg != kAlgAnon) return Fail(Code::kAlgorithmNotAllowed, "envelope alg");
  if (enc == "A256GCM") return Fail(Code::kUnsupported, "envelope A256GCM");
  if (enc == kEncXc20p) {
    header.enc = ContentEncryption::kXc20p;
  } else if (enc != kEncCbc) {
    return Fail(Code::kAlgorithmNotAllowed, "envelope enc");
  }
  // Only an AEAD that commits to its key keeps the sender's authentication (draft 04, section 2.1).
  if (header.authcrypt && header.enc != ContentEncryption::kA256CbcHs512)
    return Fail(Code::kAlgorithmNotAllowed, "envelope enc");
  if (json.Has("crit") || json.Has("zip")) return Fail(Code::kUnsupported, "envelope crit");
  if (json.Has("typ")) {
    // DIDComm's long form may leave "application/" out (RFC 7515 section 4.1.9).
    KEEL_TRY(const std::string_view typ, json.GetPlain("typ"));
    if (typ != kTyp && typ != Part(kTyp, 12)) return Fail(Code::kMalformed, "envelope typ");
  }
  if (json.Has("skid")) {
    KEEL_TRY(header.skid, json.GetPlain("skid"));
  }
  if (json.Has("apu")) {
    KEEL_TRY(header.apu, json.GetPlain("apu"));
  }
  KEEL_TRY(header.apv, json.GetFixed<32>("apv"));
  KEEL_TRY(const JsonView jwk, json.Get("epk"));
  KEEL_TRY(header.epk, ReadAgreementJwk(jwk));
  return header;
}

// Some peers name the sender in apu alone; nobody does so in an anonymous envelope.
Result<> CheckSender(const Header& header) {
  if (header.authcrypt) {
    if (header.apu.empty()) return Fail(Code::kWrongSender, "envelope apu");
  } else if (!header.skid.empty() || !header.apu.empty()) {
    return Fail(Code::kMalformed, "anoncrypt with a sender");
  }
  return {};
}

// The list of recipients, with what belongs to `kid`.
struct Recipients {
  Bytes32 apv{};                   // as the kids make it
  std::string_view encrypted_key;  // ours; empty when `kid` is not among them
};

// DIDComm v2.1, section "ECDH-1PU key wrapping": apv is the hash of the kids, sorted and joined with '.'.
Result<Recipients> ReadRecipients(const JsonView& jwe, std::string_view kid, size_t max) {
  KEEL_TRY(const JsonView list, jwe.Get("recipients"));
  if (list.kind() != JsonView::Kind::kArray || list.count() == 0 || list.count() > max ||
      list.count() > kMaxEnvelopeRecipients) {
    return Fail(Code::kMalformed, "envelope recipients");
  }
  std::string_view kids[kMaxEnvelopeRecipients];
  size_t count = 0;
  Recipients found;
  JsonView item;
  for (auto items = list.items(); items.Next(item);) {
    KEEL_TRY(const JsonView header, item.Get("header"));
    KEEL_TRY(const std::string_view name, header.GetPlain("kid"));
    if (header.count() != 1) return Fail(Code::kMalformed, "envelope recipient header");
    KEEL_TRY(const std::string_view encrypted, item.GetPlain("encrypted_key"));
    if (name == kid) found.encrypted_key = encrypted;
    size_t at = count++;
    for (; at > 0 && name < kids[at - 1]; --at) kids[at] = kids[at - 1];
    if (at > 0 && kids[at - 1] == name) return Fail(Code::kDuplicate, "envelope recipient");
    kids[at] = name;
  }
  crypto::Sha256 hash;
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) hash.Update(".");
    hash.Update(kids[i]);
  }
  found.apv = hash.Final();
  return found;
}

Result<JsonView> ParseJwe(ByteView envelope) {
  KEEL_TRY(const JsonView jwe, JsonView::Parse(AsText(envelope)));
  for (const std::string_view name : {"unprotected", "aad", "encrypted_key", "header"}) {
    if (jwe.Has(name)) return Fail(Code::kMalformed, "envelope members");
  }
  return jwe;
}

// `peers` null: anoncrypt.
Result<ByteSpan> Unpack(const OwnEnd& self, const EnvelopePeers* peers, ByteSpan envelope, size_t max_recipients) {
  KEEL_TRY(const JsonView jwe, ParseJwe(envelope));
  KEEL_TRY(const std::string_view protected_text, jwe.GetPlain("protected"));
  KEEL_TRY(const Recipients recipients, ReadRecipients(jwe, self.kid, max_recipients));
  if (recipients.encrypted_key.empty()) return Fail(Code::kWrongRecipient, "envelope kid");

  Header header;
  {
    ByteArray<kMaxProtected> octets;
    if (protected_text.size() > Base64UrlLength(octets.size())) return Fail(Code::kTooLarge, "envelope header");
    KEEL_TRY(const size_t n, Base64UrlDecode(protected_text, octets));
    KEEL_TRY(header, ReadHeader(ByteView(octets).first(n)));
    if (header.authcrypt != (peers != nullptr)) return Fail(Code::kAlgorithmNotAllowed, "envelope alg");
    KEEL_TRY_VOID(CheckSender(header));
    if (peers != nullptr) {
      const std::string_view kid = peers->peer.kid;
      if (!header.skid.empty() && header.skid != kid) return Fail(Code::kWrongSender, "envelope skid");
      if (!IsBase64UrlOf(header.apu, AsBytes(kid))) return Fail(Code::kWrongSender, "envelope apu");
    }
    header.skid = header.apu = {};  // they pointed into `octets`
  }
  if (header.apv != recipients.apv) return Fail(Code::kWrongRecipient, "envelope apv");
  if (header.epk.type() != self.type) return Fail(Code::kAlgorithmNotAllowed, "envelope epk");

  const Lengths sizes = LengthsOf(header.enc);
  ByteArray<kMaxWrapped> wrapped;
  ByteArray<kMaxIv> iv;
  ByteArray<kMaxTag> tag;
  KEEL_TRY(const size_t wrapped_length, Base64UrlDecode(recipients.encrypted_key, wrapped));
  KEEL_TRY(const size_t iv_length, jwe.GetBase64Url("iv", iv));
  KEEL_TRY(const size_t tag_length, jwe.GetBase64Url("tag", tag));
  if (wrapped_length != sizes.cek + 8 || iv_length != sizes.iv || tag_length != sizes.tag)
    return Fail(Code::kMalformed, "envelope lengths");
  const ByteView tag_view = ByteView(tag).first(tag_length);
  KEEL_TRY(const std::string_view ciphertext, jwe.GetPlain("ciphertext"));

  ByteArray<kMaxCek> cek_octets;
  ScopedWipe wipe_cek(cek_octets);
  const ByteSpan cek = ByteSpan(cek_octets).first(sizes.cek);
  {
    ByteArray<32> kek;
    ScopedWipe wipe(kek);
    KEEL_TRY(const crypto::SharedSecret ze, self.store->Agree(self.key, header.epk));
    KEEL_TRY_VOID(DeriveKek(ze, peers != nullptr ? peers->static_shared : nullptr,
                            peers != nullptr ? AsBytes(peers->peer.kid) : ByteView(), header.apv, tag_view, kek));
    const auto n = crypto::AesKwUnwrap(crypto::kBearSslAes, kek, ByteView(wrapped).first(wrapped_length), cek);
    if (!n || *n != cek.size()) return Fail(Code::kDecryptFailed, "envelope");
  }
  // In place: octets are fewer than characters, and the protected text (the AAD) lies outside.
  ByteSpan body = Within(envelope, ciphertext);
  KEEL_TRY(const size_t octets, Base64UrlDecode(ciphertext, body));
  const ByteView aad = AsBytes(protected_text), iv_view = ByteView(iv).first(iv_length);
  if (header.enc == ContentEncryption::kXc20p) {
    const auto plain = crypto::Xc20pDecryptDetached(cek, iv_view, aad, body.first(octets), tag_view, body);
    if (!plain) return Fail(Code::kDecryptFailed, "envelope");
    return body.first(*plain);
  }
  const auto plain = crypto::CbcHmacDecrypt(crypto::kBearSslAes, cek, iv_view, aad, body.first(octets), tag_view, body);
  if (!plain) return Fail(Code::kDecryptFailed, "envelope");
  return body.first(*plain);
}

}  // namespace

Result<size_t> PackAuthcrypt(const EnvelopePeers& peers, Random& random, ByteSpan buffer, size_t plaintext) {
  return Pack(&peers, peers.peer, ContentEncryption::kA256CbcHs512, random, buffer, plaintext);
}

Result<size_t> PackAnoncrypt(const PeerEnd& peer, ContentEncryption enc, Random& random, ByteSpan buffer,
                             size_t plaintext) {
  return Pack(nullptr, peer, enc, random, buffer, plaintext);
}

Result<EnvelopeHead> ReadEnvelopeHead(ByteView envelope, std::string_view kid) {
  KEEL_TRY(const JsonView jwe, ParseJwe(envelope));
  KEEL_TRY(const std::string_view protected_text, jwe.GetPlain("protected"));
  KEEL_TRY(const Recipients recipients, ReadRecipients(jwe, kid, kMaxEnvelopeRecipients));
  ByteArray<kMaxProtected> octets;
  if (protected_text.size() > Base64UrlLength(octets.size())) return Fail(Code::kTooLarge, "envelope header");
  KEEL_TRY(const size_t n, Base64UrlDecode(protected_text, octets));
  KEEL_TRY(const Header header, ReadHeader(ByteView(octets).first(n)));
  KEEL_TRY_VOID(CheckSender(header));
  EnvelopeHead head;
  head.authcrypt = header.authcrypt;
  head.enc = header.enc;
  head.for_us = !recipients.encrypted_key.empty();
  if (header.authcrypt) {
    KEEL_TRY(const size_t length,
             Base64UrlDecode(header.apu, {reinterpret_cast<uint8_t*>(head.sender.room().data()), kMaxPeerKid}));
    head.sender.SetSize(length);
    if (!header.skid.empty() && header.skid != head.sender.view()) return Fail(Code::kWrongSender, "envelope skid");
  }
  return head;
}

Result<ByteSpan> UnpackAuthcrypt(const EnvelopePeers& peers, ByteSpan envelope, size_t max_recipients) {
  return Unpack(peers.self, &peers, envelope, max_recipients);
}

Result<ByteSpan> UnpackAnoncrypt(const OwnEnd& self, ByteSpan envelope, size_t max_recipients) {
  return Unpack(self, nullptr, envelope, max_recipients);
}

}  // namespace keel::wallet
