// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/jwt.h"

#include "core/encoding.h"
#include "core/json_writer.h"
#include "device-wallet/core/jwk.h"
#include "device-wallet/core/text.h"

namespace keel::wallet {
Result<Jwt> ParseJwt(std::string_view text, std::string_view typ) {
  size_t dots[2];
  size_t found = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.') continue;
    if (found == 2) return Fail(Code::kMalformed, "jwt parts");
    dots[found++] = i;
  }
  if (found != 2) return Fail(Code::kMalformed, "jwt parts");
  Jwt jwt;
  jwt.text = text;
  jwt.signing_input = Part(text, 0, dots[1]);
  jwt.payload = Part(text, dots[0] + 1, dots[1] - dots[0] - 1);
  KEEL_TRY(const size_t signature, Base64UrlDecode(Part(text, dots[1] + 1), jwt.signature));
  if (signature != jwt.signature.size()) return Fail(Code::kBadSignature, "jwt signature length");

  ByteArray<kMaxJwtHeader> octets;
  KEEL_TRY(const size_t n, Base64UrlDecode(Part(text, 0, dots[0]), octets));
  KEEL_TRY(const JsonView header, JsonView::Parse(AsText(ByteView(octets).first(n))));
  KEEL_TRY(const std::string_view alg, header.GetPlain("alg"));
  KEEL_TRY(jwt.algorithm, crypto::AlgorithmFromJose(alg));
  if (jwt.algorithm != crypto::SignatureAlgorithm::kEdDsa && jwt.algorithm != crypto::SignatureAlgorithm::kEs256) {
    return Fail(Code::kAlgorithmNotAllowed, "jwt alg");
  }
  KEEL_TRY(const std::string_view got_typ, header.GetPlain("typ"));
  if (got_typ != typ) return Fail(Code::kMalformed, "jwt typ");
  if (header.Has("crit") || header.Has("b64")) return Fail(Code::kUnsupported, "jwt crit");
  if (header.Has("jwk")) {
    KEEL_TRY(const JsonView jwk, header.Get("jwk"));
    KEEL_TRY(jwt.jwk, ReadSigningJwk(jwk));
  }
  return jwt;
}

Result<> VerifyJwt(const Jwt& jwt, const crypto::PublicKey& key) {
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  if (algorithm != jwt.algorithm) return Fail(Code::kAlgorithmNotAllowed, "jwt key");
  KEEL_TRY(const bool good, crypto::Verify(key, AsBytes(jwt.signing_input), jwt.signature));
  if (!good) return Fail(Code::kBadSignature, "jwt");
  return {};
}

Result<JsonView> DecodeJwtPayload(const Jwt& jwt, ByteSpan out) {
  KEEL_TRY(const size_t n, Base64UrlDecode(jwt.payload, out));
  KEEL_TRY(const JsonView json, JsonView::Parse(AsText(ByteView(out).first(n))));
  if (json.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "jwt payload");
  return json;
}

Result<size_t> SignJwt(std::string_view typ, std::string_view payload, crypto::KeyStore& keys, crypto::KeyHandle key,
                       std::span<char> out, KeptSignature* kept) {
  KEEL_TRY(const crypto::PublicKey public_key, keys.Public(key));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(public_key.type()));
  char header[256];
  JsonWriter w(header);
  w.BeginObject().Name("alg").String(crypto::JoseName(algorithm)).Name("typ").String(typ).Name("jwk");
  KEEL_TRY_VOID(WriteJwk(w, public_key));
  w.EndObject();
  if (!w.ok()) return Fail(Code::kTooLarge, "jwt header");
  KEEL_TRY(size_t n, Base64UrlEncode(AsBytes(w.text()), out));
  if (n == out.size()) return Fail(Code::kBufferTooSmall, "jwt");
  out[n++] = '.';
  KEEL_TRY(const size_t body, Base64UrlEncode(AsBytes(payload), out.subspan(n)));
  n += body;
  Bytes64 signature;
  if (kept != nullptr && kept->present) {
    signature = kept->signature;
  } else {
    KEEL_TRY(const size_t length, keys.Sign(key, {reinterpret_cast<const uint8_t*>(out.data()), n}, signature));
    if (length != signature.size()) return Fail(Code::kInternalError, "jwt signature");
    if (kept != nullptr) *kept = {signature, true};
  }
  if (n == out.size()) return Fail(Code::kBufferTooSmall, "jwt");
  out[n++] = '.';
  KEEL_TRY(const size_t tail, Base64UrlEncode(signature, out.subspan(n)));
  return n + tail;
}

}  // namespace keel::wallet
