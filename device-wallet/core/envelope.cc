// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/envelope.h"

#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace keel::wallet {
namespace {

constexpr std::string_view kTyp = "application/didcomm-encrypted+json";
constexpr std::string_view kAlg = "ECDH-1PU+A256KW";
constexpr std::string_view kEnc = "A256CBC-HS512";
constexpr size_t kCek = crypto::kCbcHmacKey, kWrapped = kCek + 8, kIv = crypto::kCbcHmacIv, kTag = crypto::kCbcHmacTag;
constexpr size_t kMaxProtected = 720;  // JSON, with the longest key ids

// KEK of draft-madden-jose-ecdh-1pu-04 section 2.3 in key-wrapping mode: the tag follows SuppPubInfo with its length.
Result<> DeriveKek(const crypto::SharedSecret& ephemeral, const crypto::SharedSecret& fixed, std::string_view apu,
                   const Bytes32& apv, ByteView tag, ByteSpan kek) {
  ByteArray<64> z;
  ScopedWipe wipe(z);
  std::memcpy(z.data(), ephemeral.ExposeSecret().data(), 32);
  std::memcpy(z.data() + 32, fixed.ExposeSecret().data(), 32);
  ByteArray<4 * 5 + kAlg.size() + kMaxPeerKid + 32 + kTag> info;
  ByteWriter w(info);
  w.U32(static_cast<uint32_t>(kAlg.size())).Put(kAlg);
  w.U32(static_cast<uint32_t>(apu.size())).Put(apu);
  w.U32(static_cast<uint32_t>(apv.size())).Put(ByteView(apv));
  w.U32(256);
  w.U32(static_cast<uint32_t>(tag.size())).Put(tag);
  if (!w.ok()) return Fail(Code::kTooLarge, "envelope kdf");
  return crypto::ConcatKdfSha256(z, w.written(), kek);
}

// Puts text and base64url at the front of a buffer whose tail still holds the ciphertext.
class Front {
 public:
  explicit Front(ByteSpan out) : out_(out) {}
  void Put(std::string_view text) {
    if (text.size() > out_.size() - at_) {
      ok_ = false;
      return;
    }
    if (!text.empty()) std::memcpy(out_.data() + at_, text.data(), text.size());
    at_ += text.size();
  }
  void Base64(ByteView bytes) {
    // 48 octets at a time through a copy, so that the input may lie further up in the same buffer.
    ByteArray<48> chunk;
    char text[64];
    while (!bytes.empty()) {
      const size_t n = bytes.size() < chunk.size() ? bytes.size() : chunk.size();
      std::memcpy(chunk.data(), bytes.data(), n);
      bytes = bytes.subspan(n);
      const auto length = Base64UrlEncode(ByteView(chunk).first(n), text);
      if (!length) {
        ok_ = false;
        return;
      }
      Put({text, *length});
    }
  }
  bool ok() const { return ok_; }
  size_t at() const { return at_; }

 private:
  ByteSpan out_;
  size_t at_ = 0;
  bool ok_ = true;
};

// The octets of a view into `buffer`, writable.
ByteSpan Within(ByteSpan buffer, std::string_view part) {
  const auto offset = static_cast<size_t>(reinterpret_cast<const uint8_t*>(part.data()) - buffer.data());
  return buffer.subspan(offset, part.size());
}

bool IsBase64UrlOf(std::string_view text, ByteView octets) {
  char expected[Base64UrlLength(kMaxPeerKid)];
  const auto n = Base64UrlEncode(octets, expected);
  return n && text == std::string_view(expected, *n);
}

}  // namespace

Result<size_t> PackAuthcrypt(const EnvelopePeers& peers, Random& random, ByteSpan buffer, size_t plaintext) {
  const auto skid = AgreementKid(*peers.self);
  const auto kid = AgreementKid(*peers.peer);
  const Bytes32 apv = crypto::Sha256::Of(kid.view());
  KEEL_TRY(crypto::EphemeralKey ephemeral, crypto::GenerateEphemeral(crypto::KeyType::kX25519, random));

  ByteArray<kCek> cek;
  ScopedWipe wipe_cek(cek);
  ByteArray<kIv> iv;
  KEEL_TRY_VOID(random.Fill(cek));
  KEEL_TRY_VOID(random.Fill(iv));

  const size_t length = crypto::CbcHmacCiphertextLength(plaintext);
  if (plaintext > buffer.size() || length > buffer.size()) return Fail(Code::kBufferTooSmall, "envelope");
  ByteSpan tail = buffer.last(length);
  std::memmove(tail.data(), buffer.data(), plaintext);

  Front front(buffer.first(buffer.size() - length));
  front.Put("{\"protected\":\"");
  const size_t protected_at = front.at();
  {
    char text[kMaxProtected];
    JsonWriter w(text);
    w.BeginObject().Name("typ").String(kTyp).Name("alg").String(kAlg).Name("enc").String(kEnc);
    w.Name("skid").String(skid.view()).Name("apu").Base64Url(AsBytes(skid.view())).Name("apv").Base64Url(apv);
    w.Name("epk").BeginObject().Name("kty").String("OKP").Name("crv").String("X25519");
    w.Name("x").Base64Url(ephemeral.public_key.bytes()).EndObject().EndObject();
    if (!w.ok()) return Fail(Code::kTooLarge, "envelope header");
    front.Base64(AsBytes(w.text()));
  }
  if (!front.ok()) return Fail(Code::kBufferTooSmall, "envelope");
  const ByteView aad = buffer.subspan(protected_at, front.at() - protected_at);

  ByteArray<kTag> tag;
  KEEL_TRY(const size_t encrypted,
           crypto::CbcHmacEncrypt(crypto::kBearSslAes, cek, iv, aad, tail.first(plaintext), tail, tag));
  if (encrypted != length) return Fail(Code::kInternalError, "envelope");

  ByteArray<kWrapped> wrapped;
  {
    ByteArray<32> kek;
    ScopedWipe wipe(kek);
    KEEL_TRY(crypto::SharedSecret ze,
             crypto::AgreeRaw(crypto::KeyType::kX25519, ephemeral.private_key.ExposeSecret(), peers.peer->agreement));
    KEEL_TRY_VOID(DeriveKek(ze, *peers.static_shared, skid.view(), apv, tag, kek));
    KEEL_TRY(const size_t n, crypto::AesKwWrap(crypto::kBearSslAes, kek, cek, wrapped));
    if (n != kWrapped) return Fail(Code::kInternalError, "envelope wrap");
  }

  front.Put("\",\"recipients\":[{\"header\":{\"kid\":\"");
  front.Put(kid.view());
  front.Put("\"},\"encrypted_key\":\"");
  front.Base64(wrapped);
  front.Put("\"}],\"iv\":\"");
  front.Base64(iv);
  front.Put("\",\"ciphertext\":\"");
  if (!front.ok()) return Fail(Code::kBufferTooSmall, "envelope");

  // The text overtakes the ciphertext only if the whole does not fit; then nothing was promised about the buffer.
  constexpr size_t kEnd = 11 + 43;  // ","tag":"..."}
  if (front.at() + Base64UrlLength(length) + kEnd > buffer.size()) return Fail(Code::kBufferTooSmall, "envelope");
  Front whole(buffer.subspan(front.at()));
  whole.Base64(tail);
  whole.Put("\",\"tag\":\"");
  whole.Base64(tag);
  whole.Put("\"}");
  if (!whole.ok()) return Fail(Code::kBufferTooSmall, "envelope");
  return front.at() + whole.at();
}

Result<ByteSpan> UnpackAuthcrypt(const EnvelopePeers& peers, ByteSpan envelope) {
  KEEL_TRY(const JsonView jwe, JsonView::Parse(AsText(envelope)));
  KEEL_TRY(const std::string_view protected_text, jwe.GetPlain("protected"));
  const auto self_kid = AgreementKid(*peers.self);
  const auto peer_kid = AgreementKid(*peers.peer);
  const Bytes32 apv = crypto::Sha256::Of(self_kid.view());
  if (jwe.Has("unprotected") || jwe.Has("aad")) return Fail(Code::kMalformed, "envelope members");

  crypto::PublicKey epk;
  {
    ByteArray<kMaxProtected> octets;
    KEEL_TRY(const size_t n, Base64UrlDecode(protected_text, octets));
    KEEL_TRY(const JsonView header, JsonView::Parse(AsText(ByteView(octets).first(n))));
    KEEL_TRY(const std::string_view alg, header.GetPlain("alg"));
    KEEL_TRY(const std::string_view enc, header.GetPlain("enc"));
    if (alg != kAlg || enc != kEnc) return Fail(Code::kAlgorithmNotAllowed, "envelope");
    if (header.Has("crit") || header.Has("zip")) return Fail(Code::kUnsupported, "envelope crit");
    if (header.Has("typ")) {
      // DIDComm's long form may leave "application/" out (RFC 7515 section 4.1.9).
      KEEL_TRY(const std::string_view typ, header.GetPlain("typ"));
      if (typ != kTyp && typ != Part(kTyp, 12)) return Fail(Code::kMalformed, "envelope typ");
    }
    KEEL_TRY(const std::string_view skid, header.GetPlain("skid"));
    if (skid != peer_kid.view()) return Fail(Code::kWrongSender, "envelope skid");
    KEEL_TRY(const std::string_view apu, header.GetPlain("apu"));
    if (!IsBase64UrlOf(apu, AsBytes(peer_kid.view()))) return Fail(Code::kWrongSender, "envelope apu");
    KEEL_TRY(const Bytes32 got_apv, header.GetFixed<32>("apv"));
    if (got_apv != apv) return Fail(Code::kWrongRecipient, "envelope apv");
    KEEL_TRY(const JsonView jwk, header.Get("epk"));
    KEEL_TRY(const std::string_view kty, jwk.GetPlain("kty"));
    KEEL_TRY(const std::string_view crv, jwk.GetPlain("crv"));
    if (kty != "OKP" || crv != "X25519") return Fail(Code::kAlgorithmNotAllowed, "envelope epk");
    KEEL_TRY(const Bytes32 x, jwk.GetFixed<32>("x"));
    KEEL_TRY(epk, crypto::PublicKey::Create(crypto::KeyType::kX25519, x));
  }

  KEEL_TRY(const JsonView recipients, jwe.Get("recipients"));
  if (recipients.kind() != JsonView::Kind::kArray || recipients.count() != 1)
    return Fail(Code::kMalformed, "envelope recipients");
  JsonView recipient;
  auto items = recipients.items();
  items.Next(recipient);
  KEEL_TRY(const JsonView unprotected, recipient.Get("header"));
  KEEL_TRY(const std::string_view kid, unprotected.GetPlain("kid"));
  if (kid != self_kid.view() || unprotected.count() != 1) return Fail(Code::kWrongRecipient, "envelope kid");

  KEEL_TRY(const ByteArray<kWrapped> wrapped, recipient.GetFixed<kWrapped>("encrypted_key"));
  KEEL_TRY(const ByteArray<kIv> iv, jwe.GetFixed<kIv>("iv"));
  KEEL_TRY(const ByteArray<kTag> tag, jwe.GetFixed<kTag>("tag"));
  KEEL_TRY(const std::string_view ciphertext, jwe.GetPlain("ciphertext"));
  if (ciphertext.empty()) return Fail(Code::kMalformed, "envelope ciphertext");

  ByteArray<kCek> cek;
  ScopedWipe wipe_cek(cek);
  {
    ByteArray<32> kek;
    ScopedWipe wipe(kek);
    KEEL_TRY(crypto::SharedSecret ze, crypto::AgreeRaw(crypto::KeyType::kX25519, peers.self_private, epk));
    KEEL_TRY_VOID(DeriveKek(ze, *peers.static_shared, peer_kid.view(), apv, tag, kek));
    const auto n = crypto::AesKwUnwrap(crypto::kBearSslAes, kek, wrapped, cek);
    if (!n || *n != kCek) return Fail(Code::kDecryptFailed, "envelope");
  }
  // In place: octets are fewer than characters, and the protected text (the AAD) lies outside.
  ByteSpan body = Within(envelope, ciphertext);
  KEEL_TRY(const size_t octets, Base64UrlDecode(ciphertext, body));
  const auto plain =
      crypto::CbcHmacDecrypt(crypto::kBearSslAes, cek, iv, AsBytes(protected_text), body.first(octets), tag, body);
  if (!plain) return Fail(Code::kDecryptFailed, "envelope");
  return body.first(*plain);
}

}  // namespace keel::wallet
