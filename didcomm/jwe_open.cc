// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/aead.h"
#include "crypto/hosted/aes_gcm.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "didcomm/internal/jwe_parts.h"
#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

using base::JsonText;

constexpr size_t kMaxProtected = 64 << 10;
constexpr size_t kMaxEnvelope = 2 * kMaxMessage;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "didcomm envelope", std::move(detail)); }

std::string Named(std::string_view name, const char* what) { return "member '" + std::string(name) + "' " + what; }

// A member that must be a string; kMissing, kMalformed.
Result<std::string> Text(const JsonText::Value& object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member) return Fail(Code::kMissing, "didcomm envelope", Named(name, "is missing"));
  if (!member->is_string()) return Bad(Named(name, "must be a string"));
  return member->String();
}

Result<std::optional<std::string>> OptionalText(const JsonText::Value& object, std::string_view name) {
  if (!object.Find(name)) return std::optional<std::string>();
  KEEL_TRY(std::string text, Text(object, name));
  return std::optional<std::string>(std::move(text));
}

// A member in base64url, decoded into the container. kNotCanonical and kMalformed as the decoder says.
template <typename Octets>
Result<> Decode(std::string_view name, std::string_view text, Octets& out, size_t spare = 0) {
  out.reserve(text.size() / 4 * 3 + 3 + spare);
  out.resize(text.size() / 4 * 3 + 3);
  const ByteSpan room(reinterpret_cast<uint8_t*>(out.data()), out.size());
  auto length = Base64UrlDecode(text, room);
  if (!length) return Fail(length.error().code, "didcomm envelope", Named(name, "is not canonical base64url"));
  out.resize(*length);
  return {};
}

template <typename Octets>
Result<> Octet(const JsonText::Value& object, std::string_view name, Octets& out, size_t spare = 0) {
  const auto member = object.Find(name);
  if (!member) return Fail(Code::kMissing, "didcomm envelope", Named(name, "is missing"));
  // base64url has nothing to escape; but an escaped 'A' is still an 'A'.
  if (const auto view = member->View()) return Decode(name, *view, out, spare);
  if (!member->is_string()) return Bad(Named(name, "must be a string"));
  return Decode(name, member->String(), out, spare);
}

Result<crypto::PublicKey> ReadEpk(const JsonText::Value& header) {
  const auto epk = header.Find("epk");
  if (!epk) return Fail(Code::kMissing, "didcomm envelope", "no epk in the protected header");
  if (!epk->is_object()) return Bad("epk is no object");
  if (epk->Find("d")) return Fail(Code::kUsage, "didcomm envelope", "epk holds a private key");
  KEEL_TRY(const std::string kty, Text(*epk, "kty"));
  KEEL_TRY(const std::string crv, Text(*epk, "crv"));
  KEEL_TRY(const std::string x, Text(*epk, "x"));
  KEEL_TRY(const std::optional<std::string> y, OptionalText(*epk, "y"));
  KEEL_TRY(crypto::PublicKey key, crypto::PublicKeyFromJwkMembers(kty, crv, x, y));
  if (!CanAgree(key.type())) return Fail(Code::kUnsupported, "didcomm envelope", "the ephemeral key's curve " + crv);
  return key;
}

Result<> ReadAlgorithms(const JsonText::Value& header, Envelope& envelope) {
  if (header.Find("crit"))
    return Fail(Code::kUnsupported, "didcomm envelope", "'crit' names extensions, and none is known here");
  if (header.Find("zip")) return Fail(Code::kUnsupported, "didcomm envelope", "compressed envelopes are refused");
  KEEL_TRY(const std::optional<std::string> typ, OptionalText(header, "typ"));
  if (typ && *typ != kTypEncrypted && *typ != "didcomm-encrypted+json") return Bad("typ '" + *typ + "'");
  KEEL_TRY(const std::string alg, Text(header, "alg"));
  KEEL_TRY(const std::string enc, Text(header, "enc"));
  envelope.authcrypt = alg == kAlgAuth;
  if (!envelope.authcrypt && alg != kAlgAnon)
    return Fail(Code::kAlgorithmNotAllowed, "didcomm envelope", "alg '" + alg + "'");
  bool known = false;
  for (const ContentEncryption each :
       {ContentEncryption::kXc20p, ContentEncryption::kA256CbcHs512, ContentEncryption::kA256Gcm}) {
    if (enc != EncName(each)) continue;
    envelope.enc = each;
    known = true;
  }
  if (!known) return Fail(Code::kAlgorithmNotAllowed, "didcomm envelope", "enc '" + enc + "'");
  // Only an AEAD that is a commitment to its key keeps 1PU's sender authentication among several recipients (draft 04,
  // section 2.1).
  if (envelope.authcrypt && envelope.enc != ContentEncryption::kA256CbcHs512)
    return Fail(Code::kAlgorithmNotAllowed, "didcomm envelope", "ECDH-1PU+A256KW needs A256CBC-HS512");
  return {};
}

Result<> ReadRecipients(const JsonText::Value& root, Envelope& envelope) {
  const auto recipients = root.Find("recipients");
  if (!recipients) return Fail(Code::kMissing, "didcomm envelope", Named("recipients", "is missing"));
  if (!recipients->is_array()) return Bad(Named("recipients", "must be an array"));
  const size_t count = recipients->size();
  if (count == 0) return Bad("no recipients");
  if (count > kMaxRecipients)
    return Fail(Code::kTooLarge, "didcomm envelope", "more than " + std::to_string(kMaxRecipients) + " recipients");
  envelope.kids.reserve(count);
  envelope.encrypted_keys.reserve(count);
  for (const JsonText::Value item : *recipients) {
    if (!item.is_object()) return Bad("a recipient is no object");
    const auto header = item.Find("header");
    if (!header) return Fail(Code::kMissing, "didcomm envelope", "a recipient without a header");
    if (!header->is_object()) return Bad("a recipient's header is no object");
    for (auto it = header->begin(); !(it == header->end()); ++it) {
      if (!it.name().Equals("kid"))
        return Bad("a recipient's header has '" + it.name().String() + "'; only kid may stand there");
    }
    KEEL_TRY(std::string kid, Text(*header, "kid"));
    if (std::find(envelope.kids.begin(), envelope.kids.end(), kid) != envelope.kids.end())
      return Fail(Code::kDuplicate, "didcomm envelope", "recipient " + kid);
    envelope.kids.push_back(std::move(kid));
    KEEL_TRY_VOID(Octet(item, "encrypted_key", envelope.encrypted_keys.emplace_back()));
    if (envelope.encrypted_keys.back().size() != CekLength(envelope.enc) + 8)
      return Bad("an encrypted_key of the wrong length");
  }
  return {};
}

Result<> ReadParties(const JsonText::Value& header, Envelope& envelope) {
  KEEL_TRY_VOID(Octet(header, "apv", envelope.apv));
  if (!Equal(envelope.apv, ApvOf(envelope.kids))) return Bad("apv is not the hash of the recipients' kids");
  KEEL_TRY(const std::optional<std::string> apu, OptionalText(header, "apu"));
  KEEL_TRY(std::optional<std::string> skid, OptionalText(header, "skid"));
  if (!envelope.authcrypt) {
    if (skid || (apu && !apu->empty())) return Bad("anoncrypt with a sender's name");
    return {};
  }
  if (!apu) return Fail(Code::kMissing, "didcomm envelope", "authcrypt without apu");
  KEEL_TRY_VOID(Decode("apu", *apu, envelope.apu));
  // Some peers name the sender in apu alone; when both are there they must agree.
  envelope.skid = base::ToString(envelope.apu);
  if (skid && *skid != envelope.skid)
    return Fail(Code::kWrongSender, "didcomm envelope", "apu and skid name different senders");
  if (const auto url = did::DidUrl::Parse(envelope.skid); !url || url->fragment.empty())
    return Bad("the sender's key id is no DID URL with a fragment");
  return {};
}

}  // namespace

Result<Envelope> ReadEnvelope(const JsonText::Value& root) {
  if (!root.is_object()) return Bad("no JSON object");
  for (const char* name : {"unprotected", "aad", "encrypted_key", "header"}) {
    if (root.Find(name)) return Bad(Named(name, "is not part of DIDComm's envelopes"));
  }
  Envelope envelope;
  KEEL_TRY(envelope.protected_b64, Text(root, "protected"));
  if (envelope.protected_b64.size() > kMaxProtected)
    return Fail(Code::kTooLarge, "didcomm envelope", "protected header");
  std::string header_text;
  KEEL_TRY_VOID(Decode("protected", envelope.protected_b64, header_text));
  KEEL_TRY(const JsonText parsed, JsonText::Parse(header_text, {.max_size = kMaxProtected}));
  const JsonText::Value header = parsed.root();
  if (!header.is_object()) return Bad("the protected header is no object");
  KEEL_TRY_VOID(ReadAlgorithms(header, envelope));
  KEEL_TRY(envelope.epk, ReadEpk(header));
  KEEL_TRY_VOID(ReadRecipients(root, envelope));
  KEEL_TRY_VOID(Octet(root, "iv", envelope.iv));
  KEEL_TRY_VOID(Octet(root, "tag", envelope.tag));
  if (envelope.iv.size() != IvLength(envelope.enc)) return Bad("an iv of the wrong length");
  if (envelope.tag.size() != TagLength(envelope.enc)) return Bad("a tag of the wrong length");
  KEEL_TRY_VOID(ReadParties(header, envelope));
  KEEL_TRY_VOID(Octet(root, "ciphertext", envelope.ciphertext, crypto::kXc20pTag));
  return envelope;
}

Result<Envelope> Envelope::Parse(std::string_view text) {
  KEEL_TRY(const JsonText parsed, JsonText::Parse(text, {.max_size = kMaxEnvelope}));
  return ReadEnvelope(parsed.root());
}

Result<Envelope> Envelope::FromJson(const nlohmann::json& value) {
  const std::string text = base::DumpJson(value);
  return Parse(text);
}

Result<std::string> OpenEnvelopeInPlace(Envelope& envelope, size_t index, const did::KeyRef& recipient,
                                        const crypto::PublicKey& sender, AgreementCache* agreements) {
  const auto refuse = [] { return Fail(Code::kDecryptFailed, "didcomm open", "the envelope can't be decrypted"); };
  if (index >= envelope.encrypted_keys.size()) return Fail(Code::kInvalidArgument, "didcomm open", "recipient number");
  crypto::WideSecret ze, zs;
  KEEL_TRY(ze.length, recipient.store->AgreeWide(recipient.handle, envelope.epk, ze.octets.MutableSecret()));
  if (envelope.authcrypt) {
    if (!sender.valid() || sender.type() != envelope.epk.type())
      return Fail(Code::kBadKey, "didcomm open", "the sender's key is of another curve");
    if (agreements != nullptr) {
      KEEL_TRY(zs, agreements->Agree(recipient, sender));
    } else {
      KEEL_TRY(zs.length, recipient.store->AgreeWide(recipient.handle, sender, zs.octets.MutableSecret()));
    }
  }
  SecretBytes<32> kek;
  KEEL_TRY_VOID(DeriveWrappingKey({envelope.authcrypt, envelope.apu, envelope.apv, envelope.tag}, ze.ExposeSecret(),
                                  zs.ExposeSecret(), kek.MutableSecret()));
  SecretBytes<crypto::kCbcHmacKey> cek_storage;
  const ByteSpan cek = ByteSpan(cek_storage.MutableSecret()).first(CekLength(envelope.enc));
  if (!crypto::AesKwUnwrap(crypto::kOpenSslAes, kek.ExposeSecret(), envelope.encrypted_keys[index], cek))
    return refuse();

  const ByteView aad = AsBytes(envelope.protected_b64);
  std::string& content = envelope.ciphertext;
  const size_t length = content.size();
  Result<size_t> plain;
  switch (envelope.enc) {
    case ContentEncryption::kXc20p: {
      content += AsText(envelope.tag);
      const ByteSpan octets(reinterpret_cast<uint8_t*>(content.data()), content.size());
      plain = crypto::Xc20pDecrypt(cek, envelope.iv, aad, octets, octets);
      break;
    }
    case ContentEncryption::kA256CbcHs512: {
      const ByteSpan octets(reinterpret_cast<uint8_t*>(content.data()), length);
      plain = crypto::CbcHmacDecrypt(crypto::kOpenSslAes, cek, envelope.iv, aad, octets, envelope.tag, octets);
      break;
    }
    case ContentEncryption::kA256Gcm: {
      const ByteSpan octets(reinterpret_cast<uint8_t*>(content.data()), length);
      plain = crypto::Aes256GcmDecrypt(cek, envelope.iv, aad, octets, envelope.tag, octets);
      break;
    }
  }
  if (!plain) {
    content.resize(length);
    return refuse();
  }
  content.resize(*plain);
  return std::move(content);
}

Result<std::string> OpenEnvelope(const Envelope& envelope, size_t index, const did::KeyRef& recipient,
                                 const crypto::PublicKey& sender, AgreementCache* agreements) {
  Envelope copy = envelope;
  return OpenEnvelopeInPlace(copy, index, recipient, sender, agreements);
}

}  // namespace keel::didcomm
