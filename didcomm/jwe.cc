// SPDX-License-Identifier: Apache-2.0
#include "didcomm/jwe.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hosted/aes_gcm.h"
#include "crypto/hosted/jwk.h"
#include "didcomm/internal/jwe_parts.h"
#include "didcomm/message.h"

namespace keel::didcomm {

std::string_view EncName(ContentEncryption enc) {
  switch (enc) {
    case ContentEncryption::kXc20p: return "XC20P";
    case ContentEncryption::kA256CbcHs512: return "A256CBC-HS512";
    case ContentEncryption::kA256Gcm: return "A256GCM";
  }
  return "";
}

size_t CekLength(ContentEncryption enc) {
  return enc == ContentEncryption::kA256CbcHs512 ? crypto::kCbcHmacKey : crypto::kXc20pKey;
}

size_t IvLength(ContentEncryption enc) {
  switch (enc) {
    case ContentEncryption::kXc20p: return crypto::kXc20pNonce;
    case ContentEncryption::kA256CbcHs512: return crypto::kCbcHmacIv;
    case ContentEncryption::kA256Gcm: return crypto::kGcmIv;
  }
  return 0;
}

size_t TagLength(ContentEncryption enc) {
  return enc == ContentEncryption::kA256CbcHs512 ? crypto::kCbcHmacTag : crypto::kXc20pTag;
}

bool CanAgree(crypto::KeyType type) {
  switch (type) {
    case crypto::KeyType::kX25519:
    case crypto::KeyType::kP256:
    case crypto::KeyType::kP384:
    case crypto::KeyType::kP521: return true;
    case crypto::KeyType::kEd25519:
    case crypto::KeyType::kSecp256k1: break;
  }
  return false;
}

Bytes32 ApvOf(std::span<const std::string> kids) {
  if (kids.size() == 1) return crypto::Sha256::Of(kids[0]);
  std::vector<std::string_view> sorted(kids.begin(), kids.end());
  std::sort(sorted.begin(), sorted.end());
  crypto::Sha256 hash;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i != 0) hash.Update(".");
    hash.Update(sorted[i]);
  }
  return hash.Final();
}

Result<> DeriveKek(ByteView z, std::string_view alg, ByteView apu, ByteView apv, ByteView tag, ByteSpan out) {
  // OtherInfo of RFC 7518 section 4.6.2; SuppPubInfo is the key's bits, and for ECDH-1PU the tag with its own length
  // (draft 04, section 2.3).
  base::ByteVec info(4 + alg.size() + 4 + apu.size() + 4 + apv.size() + 4 + (tag.empty() ? 0 : 4 + tag.size()));
  ByteWriter writer(info);
  writer.U32(static_cast<uint32_t>(alg.size())).Put(alg);
  writer.U32(static_cast<uint32_t>(apu.size())).Put(apu);
  writer.U32(static_cast<uint32_t>(apv.size())).Put(apv);
  writer.U32(static_cast<uint32_t>(out.size() * 8));
  if (!tag.empty()) writer.U32(static_cast<uint32_t>(tag.size())).Put(tag);
  return crypto::ConcatKdfSha256(z, writer.written(), out);
}

Result<> DeriveWrappingKey(const KeyAgreement& agreement, ByteView ephemeral, ByteView fixed,
                           std::span<uint8_t, 32> out) {
  SecretBytes<2 * crypto::kMaxSharedSecret> z_storage;
  const ByteSpan z = z_storage.MutableSecret();
  std::copy(ephemeral.begin(), ephemeral.end(), z.begin());
  if (agreement.authcrypt)
    std::copy(fixed.begin(), fixed.end(), z.begin() + static_cast<std::ptrdiff_t>(ephemeral.size()));
  const size_t length = ephemeral.size() + (agreement.authcrypt ? fixed.size() : 0);
  return DeriveKek(z.first(length), agreement.authcrypt ? kAlgAuth : kAlgAnon, agreement.apu, agreement.apv,
                   agreement.authcrypt ? agreement.tag : ByteView(), out);
}

namespace {

// Everything about one envelope being made.
struct Making {
  ContentEncryption enc = ContentEncryption::kXc20p;
  std::string out;
  std::vector<size_t> keys_at;  // where each recipient's encrypted_key goes
  size_t ciphertext_at = 0, ciphertext_length = 0;
  size_t tag_at = 0;
};

// base64url of `octets` at a place that has the room.
void PutBase64(std::string& out, size_t at, ByteView octets) {
  const auto written = Base64UrlEncode(octets, std::span<char>(out).subspan(at));
  KEEL_ASSERT(written.has_value());
}

std::string ProtectedHeader(const std::string& skid, bool authcrypt, ContentEncryption enc, const Bytes32& apv,
                            const crypto::PublicKey& epk) {
  std::string header;
  header.reserve(512 + 3 * skid.size());
  header.append("{\"typ\":\"").append(kTypEncrypted).append("\",\"alg\":\"");
  header.append(authcrypt ? kAlgAuth : kAlgAnon).append("\",\"enc\":\"").append(EncName(enc)).append("\"");
  if (authcrypt) {
    header.append(",\"skid\":");
    base::AppendJsonString(header, skid);
    header.append(",\"apu\":\"").append(base::Base64Url(AsBytes(skid))).append("\"");
  }
  header.append(",\"apv\":\"").append(base::Base64Url(apv)).append("\",\"epk\":");
  crypto::AppendJwk(header, epk);
  header.append("}");
  return header;
}

// The whole text but for the encrypted keys, the ciphertext and the tag, for which room is left.
Making Frame(std::string_view protected_b64, std::span<const Recipient> recipients, ContentEncryption enc, ByteView iv,
             size_t content) {
  Making making;
  making.enc = enc;
  const size_t wrapped = Base64UrlLength(CekLength(enc) + 8);
  size_t kids = 0;
  for (const Recipient& recipient : recipients) kids += recipient.kid.size();
  making.ciphertext_length = Base64UrlLength(content);
  std::string& out = making.out;
  out.reserve(protected_b64.size() + kids + recipients.size() * (wrapped + 48) + making.ciphertext_length + 192);
  out.append("{\"protected\":\"").append(protected_b64).append("\",\"recipients\":[");
  for (const Recipient& recipient : recipients) {
    if (!making.keys_at.empty()) out += ',';
    out.append("{\"header\":{\"kid\":");
    base::AppendJsonString(out, recipient.kid);
    out.append("},\"encrypted_key\":\"");
    making.keys_at.push_back(out.size());
    out.append(wrapped, ' ').append("\"}");
  }
  out.append("],\"iv\":\"").append(base::Base64Url(iv)).append("\",\"ciphertext\":\"");
  making.ciphertext_at = out.size();
  out.append(making.ciphertext_length, ' ').append("\",\"tag\":\"");
  making.tag_at = out.size();
  out.append(Base64UrlLength(TagLength(enc)), ' ').append("\"}");
  return making;
}

size_t ContentLength(ContentEncryption enc, size_t plaintext) {
  return enc == ContentEncryption::kA256CbcHs512 ? crypto::CbcHmacCiphertextLength(plaintext) : plaintext;
}

// Encrypts into the end of the ciphertext's room, then spreads it out as base64url: reading stays ahead of writing,
// since octet 3i of the content lies at or behind character 4i of its text.
Result<> EncryptContent(Making& making, ByteView cek, ByteView iv, std::string_view protected_b64,
                        std::string_view plaintext, ByteSpan tag) {
  const size_t length = ContentLength(making.enc, plaintext.size());
  const ByteSpan room = ByteSpan(reinterpret_cast<uint8_t*>(making.out.data()), making.out.size())
                            .subspan(making.ciphertext_at, making.ciphertext_length + TagLength(making.enc));
  const ByteSpan content = room.subspan(making.ciphertext_length - length);
  const ByteView aad = AsBytes(protected_b64);
  switch (making.enc) {
    case ContentEncryption::kXc20p: {
      // libsodium puts the tag behind the ciphertext, where the frame's closing characters are: kept aside meanwhile.
      const ByteSpan behind = content.subspan(length, crypto::kXc20pTag);
      ByteArray<crypto::kXc20pTag> kept;
      std::copy(behind.begin(), behind.end(), kept.begin());
      KEEL_TRY_VOID(crypto::Xc20pEncrypt(cek, iv, aad, AsBytes(plaintext), content));
      std::copy(behind.begin(), behind.end(), tag.begin());
      std::copy(kept.begin(), kept.end(), behind.begin());
      break;
    }
    case ContentEncryption::kA256CbcHs512:
      KEEL_TRY_VOID(crypto::CbcHmacEncrypt(crypto::kOpenSslAes, cek, iv, aad, AsBytes(plaintext), content.first(length),
                                           tag.first<crypto::kCbcHmacTag>()));
      break;
    case ContentEncryption::kA256Gcm:
      KEEL_TRY_VOID(crypto::Aes256GcmEncrypt(cek, iv, aad, AsBytes(plaintext), content.first(length),
                                             tag.first<crypto::kGcmTag>()));
      break;
  }
  PutBase64(making.out, making.ciphertext_at, content.first(length));
  PutBase64(making.out, making.tag_at, tag);
  return {};
}

Result<> CheckRecipients(std::span<const Recipient> recipients) {
  if (recipients.empty() || recipients.size() > kMaxRecipients)
    return Fail(Code::kInvalidArgument, "didcomm seal", "number of recipients");
  const crypto::KeyType type = recipients[0].key.type();
  if (!CanAgree(type))
    return Fail(Code::kUnsupported, "didcomm seal", "only X25519, P-256, P-384 and P-521 keys can receive");
  for (size_t i = 0; i < recipients.size(); ++i) {
    if (!recipients[i].key.valid() || recipients[i].key.type() != type)
      return Fail(Code::kInvalidArgument, "didcomm seal", "recipients' keys of different types");
    for (size_t j = 0; j < i; ++j) {
      if (recipients[i].kid == recipients[j].kid)
        return Fail(Code::kDuplicate, "didcomm seal", recipients[i].kid + " twice");
    }
  }
  return {};
}

// The whole of both kinds. `sender` null: anoncrypt.
Result<std::string> Seal(std::string_view plaintext, const std::string& skid, const did::KeyRef* sender,
                         std::span<const Recipient> recipients, ContentEncryption enc, Random& random,
                         AgreementCache* agreements) {
  KEEL_TRY_VOID(CheckRecipients(recipients));
  // An envelope around an envelope may be as long as the longest of those.
  if (plaintext.size() > 2 * kMaxMessage)
    return Fail(Code::kTooLarge, "didcomm seal", "plaintext over " + std::to_string(2 * kMaxMessage) + " octets");
  const crypto::KeyType type = recipients[0].key.type();
  KEEL_TRY(const crypto::WideEphemeralKey ephemeral, crypto::GenerateWideEphemeral(type, random));
  std::vector<std::string> kids;
  kids.reserve(recipients.size());
  for (const Recipient& recipient : recipients) kids.push_back(recipient.kid);
  const Bytes32 apv = ApvOf(kids);
  const std::string protected_b64 =
      base::Base64Url(AsBytes(ProtectedHeader(skid, sender != nullptr, enc, apv, ephemeral.public_key)));

  SecretBytes<crypto::kCbcHmacKey> cek_storage;
  const ByteSpan cek = ByteSpan(cek_storage.MutableSecret()).first(CekLength(enc));
  KEEL_TRY_VOID(random.Fill(cek));
  ByteArray<crypto::kXc20pNonce> iv_storage;
  const ByteSpan iv = ByteSpan(iv_storage).first(IvLength(enc));
  KEEL_TRY_VOID(random.Fill(iv));
  ByteArray<crypto::kCbcHmacTag> tag_storage;
  const ByteSpan tag = ByteSpan(tag_storage).first(TagLength(enc));

  Making making = Frame(protected_b64, recipients, enc, iv, ContentLength(enc, plaintext.size()));
  // The content first: ECDH-1PU's key derivation takes its tag (draft 04, section 2.3).
  KEEL_TRY_VOID(EncryptContent(making, cek, iv, protected_b64, plaintext, tag));

  const KeyAgreement agreement{sender != nullptr, AsBytes(skid), apv, tag};
  for (size_t i = 0; i < recipients.size(); ++i) {
    crypto::WideSecret ze, zs;
    KEEL_TRY(ze.length,
             crypto::AgreeRawWide(type, ephemeral.ExposePrivate(), recipients[i].key, ze.octets.MutableSecret()));
    if (sender != nullptr) {
      if (agreements != nullptr) {
        KEEL_TRY(zs, agreements->Agree(*sender, recipients[i].key));
      } else {
        KEEL_TRY(zs.length, sender->store->AgreeWide(sender->handle, recipients[i].key, zs.octets.MutableSecret()));
      }
    }
    SecretBytes<32> kek;
    KEEL_TRY_VOID(DeriveWrappingKey(agreement, ze.ExposeSecret(), zs.ExposeSecret(), kek.MutableSecret()));
    ByteArray<crypto::kCbcHmacKey + 8> wrapped;
    KEEL_TRY(const size_t length, crypto::AesKwWrap(crypto::kOpenSslAes, kek.ExposeSecret(), cek, wrapped));
    PutBase64(making.out, making.keys_at[i], ByteView(wrapped).first(length));
  }
  return std::move(making.out);
}

}  // namespace

Result<std::string> SealAuthcrypt(std::string_view plaintext, const std::string& skid, const did::KeyRef& sender,
                                  std::span<const Recipient> recipients, Random& random, AgreementCache* agreements) {
  return Seal(plaintext, skid, &sender, recipients, ContentEncryption::kA256CbcHs512, random, agreements);
}

Result<std::string> SealAnoncrypt(std::string_view plaintext, std::span<const Recipient> recipients,
                                  ContentEncryption enc, Random& random) {
  return Seal(plaintext, {}, nullptr, recipients, enc, random, nullptr);
}

}  // namespace keel::didcomm
