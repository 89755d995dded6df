// SPDX-License-Identifier: Apache-2.0
#include "didcomm/jwe.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/secret.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kAlgAuth = "ECDH-1PU+A256KW";
constexpr std::string_view kAlgAnon = "ECDH-ES+A256KW";
constexpr std::string_view kEncCbc = "A256CBC-HS512";
constexpr std::string_view kEncXc20p = "XC20P";

constexpr size_t kMaxProtected = 64 << 10;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "didcomm envelope", std::move(detail)); }

// apv: H of the recipients' kids, sorted and joined with '.' (DIDComm v2.1, section "ECDH-1PU key wrapping").
Bytes32 ApvOf(std::vector<std::string> kids) {
  std::sort(kids.begin(), kids.end());
  std::string joined;
  for (const std::string& kid : kids) {
    if (!joined.empty()) joined += '.';
    joined += kid;
  }
  return crypto::Sha256::Of(joined);
}

size_t CekLength(ContentEncryption enc) {
  return enc == ContentEncryption::kXc20p ? crypto::kXc20pKey : crypto::kCbcHmacKey;
}
size_t IvLength(ContentEncryption enc) {
  return enc == ContentEncryption::kXc20p ? crypto::kXc20pNonce : crypto::kCbcHmacIv;
}
size_t TagLength(ContentEncryption enc) {
  return enc == ContentEncryption::kXc20p ? crypto::kXc20pTag : crypto::kCbcHmacTag;
}

struct Sealed {
  base::ByteVec iv, ciphertext, tag;
};

Result<Sealed> EncryptContent(ContentEncryption enc, ByteView cek, std::string_view protected_b64,
                              std::string_view plaintext, Random& random) {
  Sealed sealed;
  sealed.iv.resize(IvLength(enc));
  KEEL_TRY_VOID(random.Fill(sealed.iv));
  if (enc == ContentEncryption::kXc20p) {
    sealed.ciphertext.resize(plaintext.size() + crypto::kXc20pTag);
    KEEL_TRY(const size_t length,
             crypto::Xc20pEncrypt(cek, sealed.iv, AsBytes(protected_b64), AsBytes(plaintext), sealed.ciphertext));
    const auto at = sealed.ciphertext.begin() + static_cast<std::ptrdiff_t>(length - crypto::kXc20pTag);
    sealed.tag.assign(at, sealed.ciphertext.begin() + static_cast<std::ptrdiff_t>(length));
    sealed.ciphertext.erase(at, sealed.ciphertext.end());
  } else {
    sealed.ciphertext.resize(crypto::CbcHmacCiphertextLength(plaintext.size()));
    sealed.tag.resize(crypto::kCbcHmacTag);
    KEEL_TRY(const size_t length,
             crypto::CbcHmacEncrypt(crypto::kOpenSslAes, cek, sealed.iv, AsBytes(protected_b64), AsBytes(plaintext),
                                    sealed.ciphertext, std::span<uint8_t, 32>(sealed.tag)));
    sealed.ciphertext.resize(length);
  }
  return sealed;
}

Result<std::string> DecryptContent(const Envelope& envelope, ByteView cek) {
  std::string plaintext(envelope.ciphertext.size() + crypto::kXc20pTag, '\0');
  const ByteSpan out(reinterpret_cast<uint8_t*>(plaintext.data()), plaintext.size());
  size_t length = 0;
  if (envelope.enc == ContentEncryption::kXc20p) {
    base::ByteVec joined = envelope.ciphertext;
    joined.insert(joined.end(), envelope.tag.begin(), envelope.tag.end());
    KEEL_TRY(length, crypto::Xc20pDecrypt(cek, envelope.iv, AsBytes(envelope.protected_b64), joined, out));
  } else {
    KEEL_TRY(length, crypto::CbcHmacDecrypt(crypto::kOpenSslAes, cek, envelope.iv, AsBytes(envelope.protected_b64),
                                            envelope.ciphertext, envelope.tag, out));
  }
  plaintext.resize(length);
  return plaintext;
}

// The whole of both kinds. `sender` null: anoncrypt.
Result<std::string> Seal(std::string_view plaintext, const std::string& skid, const did::KeyRef* sender,
                         std::span<const Recipient> recipients, ContentEncryption enc, Random& random,
                         AgreementCache* agreements) {
  if (recipients.empty() || recipients.size() > kMaxRecipients)
    return Fail(Code::kInvalidArgument, "didcomm seal", "number of recipients");
  if (plaintext.size() > kMaxMessage)
    return Fail(Code::kTooLarge, "didcomm seal", "plaintext over " + std::to_string(kMaxMessage) + " octets");
  const crypto::KeyType type = recipients[0].key.type();
  if (type != crypto::KeyType::kX25519 && type != crypto::KeyType::kP256) {
    return Fail(Code::kUnsupported, "didcomm seal", "only X25519 and P-256 keys can receive");
  }
  std::vector<std::string> kids;
  for (const Recipient& recipient : recipients) {
    if (!recipient.key.valid() || recipient.key.type() != type)
      return Fail(Code::kInvalidArgument, "didcomm seal", "recipients' keys of different types");
    if (std::find(kids.begin(), kids.end(), recipient.kid) != kids.end())
      return Fail(Code::kDuplicate, "didcomm seal", recipient.kid + " twice");
    kids.push_back(recipient.kid);
  }
  KEEL_TRY(const crypto::EphemeralKey ephemeral, crypto::GenerateEphemeral(type, random));

  const Bytes32 apv = ApvOf(kids);
  ordered_json header = ordered_json::object();
  header["typ"] = kTypEncrypted;
  header["alg"] = sender != nullptr ? kAlgAuth : kAlgAnon;
  header["enc"] = enc == ContentEncryption::kXc20p ? kEncXc20p : kEncCbc;
  if (sender != nullptr) {
    header["skid"] = skid;
    header["apu"] = base::Base64Url(AsBytes(skid));
  }
  header["apv"] = base::Base64Url(apv);
  header["epk"] = ordered_json(crypto::PublicKeyToJwk(ephemeral.public_key));
  const std::string protected_b64 =
      base::Base64Url(AsBytes(header.dump(-1, ' ', false, ordered_json::error_handler_t::replace)));

  SecretBytes<crypto::kCbcHmacKey> cek_storage;
  const ByteSpan cek = ByteSpan(cek_storage.MutableSecret()).first(CekLength(enc));
  KEEL_TRY_VOID(random.Fill(cek));
  // The content first: ECDH-1PU's key derivation takes its tag (draft 04, section 2.3).
  KEEL_TRY(const Sealed sealed, EncryptContent(enc, cek, protected_b64, plaintext, random));

  ordered_json list = ordered_json::array();
  for (const Recipient& recipient : recipients) {
    SecretBytes<64> z_storage;
    const ByteSpan z_all = z_storage.MutableSecret();
    KEEL_TRY(const crypto::SharedSecret ze,
             crypto::AgreeRaw(type, ephemeral.private_key.ExposeSecret(), recipient.key));
    std::copy(ze.ExposeSecret().begin(), ze.ExposeSecret().end(), z_all.begin());
    ByteView z = z_all.first(32);
    if (sender != nullptr) {
      KEEL_TRY(const crypto::SharedSecret zs, agreements != nullptr
                                                  ? agreements->Agree(*sender, recipient.key)
                                                  : sender->store->Agree(sender->handle, recipient.key));
      std::copy(zs.ExposeSecret().begin(), zs.ExposeSecret().end(), z_all.begin() + 32);
      z = z_all;
    }
    SecretBytes<32> kek;
    KEEL_TRY_VOID(DeriveKek(z, sender != nullptr ? kAlgAuth : kAlgAnon, sender != nullptr ? AsBytes(skid) : ByteView(),
                            apv, sender != nullptr ? ByteView(sealed.tag) : ByteView(), kek.MutableSecret()));
    ByteArray<crypto::kCbcHmacKey + 8> wrapped;
    KEEL_TRY(const size_t length, crypto::AesKwWrap(crypto::kOpenSslAes, kek.ExposeSecret(), cek, wrapped));
    list.push_back(
        {{"header", {{"kid", recipient.kid}}}, {"encrypted_key", base::Base64Url(ByteView(wrapped).first(length))}});
  }
  ordered_json out = ordered_json::object();
  out["protected"] = protected_b64;
  out["recipients"] = std::move(list);
  out["iv"] = base::Base64Url(sealed.iv);
  out["ciphertext"] = base::Base64Url(sealed.ciphertext);
  out["tag"] = base::Base64Url(sealed.tag);
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

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

Result<std::string> SealAuthcrypt(std::string_view plaintext, const std::string& skid, const did::KeyRef& sender,
                                  std::span<const Recipient> recipients, Random& random, AgreementCache* agreements) {
  return Seal(plaintext, skid, &sender, recipients, ContentEncryption::kA256CbcHs512, random, agreements);
}

Result<std::string> SealAnoncrypt(std::string_view plaintext, std::span<const Recipient> recipients,
                                  ContentEncryption enc, Random& random) {
  return Seal(plaintext, {}, nullptr, recipients, enc, random, nullptr);
}

Result<Envelope> Envelope::Parse(std::string_view text) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = 2 * kMaxMessage}));
  return FromJson(value);
}

Result<Envelope> Envelope::FromJson(const json& value) {
  if (!value.is_object()) return Bad("no JSON object");
  for (const char* name : {"unprotected", "aad", "encrypted_key", "header"}) {
    if (value.contains(name)) return Bad(std::string("member '") + name + "' is not part of DIDComm's envelopes");
  }
  Envelope envelope;
  KEEL_TRY(envelope.protected_b64, base::GetString(value, "protected"));
  if (envelope.protected_b64.size() > kMaxProtected)
    return Fail(Code::kTooLarge, "didcomm envelope", "protected header");
  KEEL_TRY(const base::ByteVec header_octets, base::FromBase64Url(envelope.protected_b64));
  KEEL_TRY(const json header, base::ParseJson(AsText(header_octets), {.max_size = kMaxProtected}));
  if (!header.is_object()) return Bad("the protected header is no object");
  if (header.contains("crit"))
    return Fail(Code::kUnsupported, "didcomm envelope", "'crit' names extensions, and none is known here");
  if (header.contains("zip")) return Fail(Code::kUnsupported, "didcomm envelope", "compressed envelopes are refused");
  KEEL_TRY(const std::optional<std::string> typ, base::GetOptionalString(header, "typ"));
  if (typ && *typ != kTypEncrypted && *typ != "didcomm-encrypted+json") return Bad("typ '" + *typ + "'");
  KEEL_TRY(const std::string alg, base::GetString(header, "alg"));
  KEEL_TRY(const std::string enc, base::GetString(header, "enc"));
  if (alg == kAlgAuth) {
    envelope.authcrypt = true;
  } else if (alg != kAlgAnon) {
    return Fail(Code::kAlgorithmNotAllowed, "didcomm envelope", "alg '" + alg + "'");
  }
  if (enc == kEncXc20p) {
    envelope.enc = ContentEncryption::kXc20p;
  } else if (enc == kEncCbc) {
    envelope.enc = ContentEncryption::kA256CbcHs512;
  } else {
    return Fail(enc == "A256GCM" ? Code::kUnsupported : Code::kAlgorithmNotAllowed, "didcomm envelope",
                "enc '" + enc + "'");
  }
  // Only an AEAD that is a commitment to its key keeps 1PU's sender authentication among several recipients (draft 04,
  // section 2.1).
  if (envelope.authcrypt && envelope.enc != ContentEncryption::kA256CbcHs512) {
    return Fail(Code::kAlgorithmNotAllowed, "didcomm envelope", "ECDH-1PU+A256KW needs A256CBC-HS512");
  }
  const auto epk = header.find("epk");
  if (epk == header.end()) return Bad("no epk in the protected header");
  KEEL_TRY(envelope.epk, crypto::PublicKeyFromJwk(*epk));
  if (envelope.epk.type() != crypto::KeyType::kX25519 && envelope.epk.type() != crypto::KeyType::kP256) {
    return Fail(Code::kUnsupported, "didcomm envelope", "the ephemeral key's curve");
  }

  const auto recipients = value.find("recipients");
  if (recipients == value.end() || !recipients->is_array() || recipients->empty()) return Bad("no recipients");
  if (recipients->size() > kMaxRecipients)
    return Fail(Code::kTooLarge, "didcomm envelope", "more than " + std::to_string(kMaxRecipients) + " recipients");
  for (const json& item : *recipients) {
    KEEL_TRY(const json* item_header, base::GetObject(item, "header"));
    for (const auto& [name, ignored] : item_header->items()) {
      if (name != "kid") return Bad("a recipient's header has '" + name + "'; only kid may stand there");
    }
    KEEL_TRY(std::string kid, base::GetString(*item_header, "kid"));
    if (std::find(envelope.kids.begin(), envelope.kids.end(), kid) != envelope.kids.end())
      return Fail(Code::kDuplicate, "didcomm envelope", "recipient " + kid);
    envelope.kids.push_back(std::move(kid));
    KEEL_TRY(base::ByteVec wrapped, base::GetBytes(item, "encrypted_key"));
    if (wrapped.size() != CekLength(envelope.enc) + 8) return Bad("an encrypted_key of the wrong length");
    envelope.encrypted_keys.push_back(std::move(wrapped));
  }
  KEEL_TRY(envelope.iv, base::GetBytes(value, "iv"));
  KEEL_TRY(envelope.ciphertext, base::GetBytes(value, "ciphertext"));
  KEEL_TRY(envelope.tag, base::GetBytes(value, "tag"));
  if (envelope.iv.size() != IvLength(envelope.enc)) return Bad("an iv of the wrong length");
  if (envelope.tag.size() != TagLength(envelope.enc)) return Bad("a tag of the wrong length");

  KEEL_TRY(envelope.apv, base::GetBytes(header, "apv"));
  if (!Equal(envelope.apv, ApvOf(envelope.kids))) return Bad("apv is not the hash of the recipients' kids");
  KEEL_TRY(const std::optional<std::string> apu, base::GetOptionalString(header, "apu"));
  KEEL_TRY(const std::optional<std::string> skid, base::GetOptionalString(header, "skid"));
  if (envelope.authcrypt) {
    if (!apu) return Bad("authcrypt without apu");
    KEEL_TRY(envelope.apu, base::FromBase64Url(*apu));
    // Some peers name the sender in apu alone; when both are there they must agree.
    envelope.skid = base::ToString(envelope.apu);
    if (skid && *skid != envelope.skid)
      return Fail(Code::kWrongSender, "didcomm envelope", "apu and skid name different senders");
    if (auto url = did::DidUrl::Parse(envelope.skid); !url || url->fragment.empty())
      return Bad("the sender's key id is no DID URL with a fragment");
  } else if (skid || (apu && !apu->empty())) {
    return Bad("anoncrypt with a sender's name");
  }
  return envelope;
}

Result<std::string> OpenEnvelope(const Envelope& envelope, size_t index, const did::KeyRef& recipient,
                                 const crypto::PublicKey& sender, AgreementCache* agreements) {
  if (index >= envelope.encrypted_keys.size()) return Fail(Code::kInvalidArgument, "didcomm open", "recipient number");
  SecretBytes<64> z_storage;
  const ByteSpan z_all = z_storage.MutableSecret();
  KEEL_TRY(const crypto::SharedSecret ze, recipient.store->Agree(recipient.handle, envelope.epk));
  std::copy(ze.ExposeSecret().begin(), ze.ExposeSecret().end(), z_all.begin());
  ByteView z = z_all.first(32);
  if (envelope.authcrypt) {
    if (!sender.valid() || sender.type() != envelope.epk.type())
      return Fail(Code::kBadKey, "didcomm open", "the sender's key is of another curve");
    KEEL_TRY(const crypto::SharedSecret zs, agreements != nullptr ? agreements->Agree(recipient, sender)
                                                                  : recipient.store->Agree(recipient.handle, sender));
    std::copy(zs.ExposeSecret().begin(), zs.ExposeSecret().end(), z_all.begin() + 32);
    z = z_all;
  }
  SecretBytes<32> kek;
  KEEL_TRY_VOID(DeriveKek(z, envelope.authcrypt ? kAlgAuth : kAlgAnon, envelope.apu, envelope.apv,
                          envelope.authcrypt ? ByteView(envelope.tag) : ByteView(), kek.MutableSecret()));
  SecretBytes<crypto::kCbcHmacKey> cek_storage;
  const ByteSpan cek = ByteSpan(cek_storage.MutableSecret()).first(CekLength(envelope.enc));
  auto unwrapped = crypto::AesKwUnwrap(crypto::kOpenSslAes, kek.ExposeSecret(), envelope.encrypted_keys[index], cek);
  if (!unwrapped) return Fail(Code::kDecryptFailed, "didcomm open", "the envelope can't be decrypted");
  auto plaintext = DecryptContent(envelope, cek);
  if (!plaintext) return Fail(Code::kDecryptFailed, "didcomm open", "the envelope can't be decrypted");
  return plaintext;
}

}  // namespace keel::didcomm
