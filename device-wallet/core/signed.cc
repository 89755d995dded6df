// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/signed.h"

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "device-wallet/core/front.h"

namespace keel::wallet {
namespace {

constexpr std::string_view kTyp = "application/didcomm-signed+json";
constexpr size_t kMaxHeader = 384;  // JSON octets of the protected header

// The message's parts; views into its text.
struct Parts {
  std::string_view payload, protected_header, signature, kid;
};

Result<Parts> Split(ByteView message) {
  KEEL_TRY(const JsonView jws, JsonView::Parse(AsText(message)));
  if (jws.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "signed message");
  // Of the flattened form, or of an encrypted message.
  for (const char* name : {"header", "protected", "signature", "ciphertext"}) {
    if (jws.Has(name)) return Fail(Code::kMalformed, "signed message");
  }
  Parts parts;
  KEEL_TRY(parts.payload, jws.GetPlain("payload"));
  KEEL_TRY(const JsonView list, jws.Get("signatures"));
  if (list.kind() != JsonView::Kind::kArray || list.count() == 0) return Fail(Code::kMalformed, "signatures");
  if (list.count() != 1) return Fail(Code::kUnsupported, "several signatures");
  JsonView item;
  auto items = list.items();
  items.Next(item);
  KEEL_TRY(parts.protected_header, item.GetPlain("protected"));
  KEEL_TRY(parts.signature, item.GetPlain("signature"));
  KEEL_TRY(const JsonView header, item.Get("header"));
  KEEL_TRY(parts.kid, header.GetPlain("kid"));
  // What nobody signed says nothing else.
  if (header.count() != 1) return Fail(Code::kMalformed, "signed header");
  return parts;
}

Result<crypto::SignatureAlgorithm> ReadHeader(std::string_view base64url, std::string_view kid) {
  ByteArray<kMaxHeader> octets;
  if (base64url.size() > Base64UrlLength(octets.size())) return Fail(Code::kTooLarge, "signed header");
  KEEL_TRY(const size_t n, Base64UrlDecode(base64url, octets));
  KEEL_TRY(const JsonView header, JsonView::Parse(AsText(ByteView(octets).first(n))));
  KEEL_TRY(const std::string_view alg, header.GetPlain("alg"));
  if (header.Has("crit") || header.Has("b64")) return Fail(Code::kUnsupported, "signed crit");
  if (header.Has("typ")) {
    KEEL_TRY(const std::string_view typ, header.GetPlain("typ"));
    if (typ != kTyp && typ != Part(kTyp, 12)) return Fail(Code::kMalformed, "signed typ");
  }
  if (header.Has("kid")) {
    KEEL_TRY(const std::string_view named, header.GetPlain("kid"));
    if (named != kid) return Fail(Code::kWrongSender, "signed kid");
  }
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFromJose(alg));
  if (algorithm != crypto::SignatureAlgorithm::kEdDsa && algorithm != crypto::SignatureAlgorithm::kEs256)
    return Fail(Code::kAlgorithmNotAllowed, "signed alg");
  return algorithm;
}

}  // namespace

Result<size_t> PackSigned(std::string_view kid, crypto::KeyStore& keys, crypto::KeyHandle key, ByteSpan buffer,
                          size_t plaintext) {
  if (kid.size() > kMaxPeerKid) return Fail(Code::kTooLarge, "signed kid");
  KEEL_TRY(const crypto::PublicKey public_key, keys.Public(key));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(public_key.type()));
  char header[96];
  JsonWriter w(header);
  w.BeginObject().Name("typ").String(kTyp).Name("alg").String(crypto::JoseName(algorithm)).EndObject();
  if (!w.ok()) return Fail(Code::kTooLarge, "signed header");
  if (plaintext > buffer.size()) return Fail(Code::kBufferTooSmall, "signed message");
  ByteSpan tail = buffer.last(plaintext);
  std::memmove(tail.data(), buffer.data(), plaintext);

  // First what is signed: header '.' payload, as one piece; the text overtakes the plaintext only if it does not fit.
  const size_t header_length = Base64UrlLength(w.size()), payload_length = Base64UrlLength(plaintext);
  if (header_length + 1 + payload_length > buffer.size()) return Fail(Code::kBufferTooSmall, "signed message");
  Front input(buffer);
  input.Base64(AsBytes(w.text()));
  input.Put(".");
  input.Base64(tail);
  if (!input.ok()) return Fail(Code::kBufferTooSmall, "signed message");
  Bytes64 signature;
  KEEL_TRY(const size_t n, keys.Sign(key, buffer.first(input.at()), signature));
  if (n != signature.size()) return Fail(Code::kUnsupported, "signed signature length");

  constexpr std::string_view kBegin = "{\"payload\":\"";
  static_assert(kBegin.size() < 60, "the payload moves to the left: the header's text is longer");
  std::memmove(buffer.data() + kBegin.size(), buffer.data() + header_length + 1, payload_length);
  Front begin(buffer);
  begin.Put(kBegin);
  const size_t at = kBegin.size() + payload_length;
  Front rest(buffer.subspan(at));
  rest.Put("\",\"signatures\":[{\"protected\":\"");
  rest.Base64(AsBytes(w.text()));
  rest.Put("\",\"signature\":\"");
  rest.Base64(signature);
  rest.Put("\",\"header\":{\"kid\":\"");
  rest.Put(kid);
  rest.Put("\"}}]}");
  if (!rest.ok()) return Fail(Code::kBufferTooSmall, "signed message");
  return at + rest.at();
}

Result<FixedText<kMaxPeerKid>> SignerOf(ByteView message) {
  KEEL_TRY(const Parts parts, Split(message));
  FixedText<kMaxPeerKid> kid;
  if (!kid.Set(parts.kid)) return Fail(Code::kTooLarge, "signed kid");
  return kid;
}

Result<ByteSpan> UnpackSigned(ByteSpan message, std::string_view kid, const crypto::PublicKey& key) {
  KEEL_TRY(const Parts parts, Split(message));
  if (parts.kid != kid) return Fail(Code::kWrongSender, "signed kid");
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, ReadHeader(parts.protected_header, kid));
  KEEL_TRY(const crypto::SignatureAlgorithm wanted, crypto::AlgorithmFor(key.type()));
  if (algorithm != wanted) return Fail(Code::kAlgorithmNotAllowed, "signed key");
  Bytes64 signature;
  KEEL_TRY(const size_t n, Base64UrlDecode(parts.signature, signature));
  if (n != signature.size()) return Fail(Code::kBadSignature, "signed message");

  // What is signed, as one piece at the front: the text around has room for it.
  char header[Base64UrlLength(kMaxHeader)];
  const size_t header_length = parts.protected_header.size(), payload_length = parts.payload.size();
  std::memcpy(header, parts.protected_header.data(), header_length);
  if (header_length + 1 + payload_length > message.size()) return Fail(Code::kMalformed, "signed message");
  std::memmove(message.data() + header_length + 1, parts.payload.data(), payload_length);
  std::memcpy(message.data(), header, header_length);
  message[header_length] = '.';
  KEEL_TRY(const bool good, crypto::Verify(key, message.first(header_length + 1 + payload_length), signature));
  if (!good) return Fail(Code::kBadSignature, "signed message");
  const ByteSpan payload = message.subspan(header_length + 1, payload_length);
  KEEL_TRY(const size_t octets, Base64UrlDecode(AsText(payload), payload));
  return payload.first(octets);
}

}  // namespace keel::wallet
