// SPDX-License-Identifier: Apache-2.0
#include "onboarding/token.h"

#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "crypto/signature.h"
#include "ledger/jws.h"

namespace keel::onboarding {
namespace {

constexpr std::string_view kTyp = "keel-token+jwt";
constexpr size_t kMaxHeader = 700;
constexpr size_t kMaxPayload = 800;

// What stands before '#'.
Result<std::string_view> IssOf(std::string_view kid) {
  const size_t hash = kid.find('#');
  if (hash == std::string_view::npos || hash == 0 || hash + 1 == kid.size()) {
    return Fail(Code::kInvalidArgument, "token kid");
  }
  return std::string_view(kid.data(), hash);
}

}  // namespace

Result<size_t> SignToken(const TokenFields& fields, crypto::KeyStore& store, crypto::KeyHandle key,
                         std::span<char> out) {
  KEEL_TRY(const std::string_view iss, IssOf(fields.kid));
  if (fields.exp <= fields.iat || fields.exp - fields.iat > kTokenLifeSeconds) {
    return Fail(Code::kInvalidArgument, "token lifetime");
  }
  KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
  KEEL_TRY(const std::string_view algorithm, ledger::SigningName(public_key));
  std::array<char, kMaxPayload> buffer;
  const ByteSpan octets(reinterpret_cast<uint8_t*>(out.data()), out.size());
  size_t used = 0;
  JsonWriter header(buffer);
  header.BeginObject()
      .Name("alg")
      .String(algorithm)
      .Name("kid")
      .String(fields.kid)
      .Name("typ")
      .String(kTyp)
      .EndObject();
  if (!header.ok() || header.size() > kMaxHeader) return Fail(Code::kTooLarge, "token header");
  KEEL_TRY_VOID(ledger::AppendBase64Url(AsBytes(header.text()), octets, used));
  KEEL_TRY_VOID(ledger::AppendText(".", octets, used));
  JsonWriter payload(buffer);
  payload.BeginObject().Name("iss").String(iss).Name("aud").String(fields.aud);
  payload.Name("iat").Uint(fields.iat).Name("exp").Uint(fields.exp).EndObject();
  if (!payload.ok()) return Fail(Code::kTooLarge, "token payload");
  KEEL_TRY_VOID(ledger::AppendBase64Url(AsBytes(payload.text()), octets, used));
  KEEL_TRY_VOID(ledger::AppendSignature(store, key, octets, used));
  if (used > kMaxToken) return Fail(Code::kTooLarge, "token");
  return used;
}

Result<Token> ParseToken(std::string_view token, ByteSpan scratch) {
  if (token.size() > kMaxToken) return Fail(Code::kTooLarge, "token");
  KEEL_TRY(const ledger::CompactParts parts, ledger::SplitCompact(token));
  KEEL_TRY(const size_t header_length, Base64UrlDecode(parts.header, scratch));
  KEEL_TRY(const JsonView header, JsonView::Parse(AsText(ByteView(scratch.data(), header_length))));
  KEEL_TRY(const std::string_view algorithm, header.GetPlain("alg"));
  KEEL_TRY(const std::string_view typ, header.GetPlain("typ"));
  if (typ != kTyp || header.count() != 3) return Fail(Code::kMalformed, "token header");
  if (algorithm != "EdDSA" && algorithm != "ES256") return Fail(Code::kAlgorithmNotAllowed, "token alg");
  Token out;
  KEEL_TRY(out.kid, header.GetPlain("kid"));
  KEEL_TRY(const size_t n, Base64UrlDecode(parts.payload, scratch.subspan(header_length)));
  KEEL_TRY(const JsonView payload, JsonView::Parse(AsText(ByteView(scratch.data() + header_length, n))));
  KEEL_TRY(out.iss, payload.GetPlain("iss"));
  KEEL_TRY(out.aud, payload.GetPlain("aud"));
  KEEL_TRY(out.iat, payload.GetUint("iat"));
  KEEL_TRY(out.exp, payload.GetUint("exp"));
  const auto iss = IssOf(out.kid);
  if (!iss || *iss != out.iss) return Fail(Code::kMalformed, "token kid is not the issuer's");
  if (out.exp <= out.iat || out.exp - out.iat > kTokenLifeSeconds) return Fail(Code::kOutOfRange, "token lifetime");
  out.signing_input = parts.signing_input;
  KEEL_TRY(out.signature, ledger::DecodeSignature(parts.signature));
  return out;
}

Result<> VerifyToken(const Token& token, const crypto::PublicKey& key, std::string_view aud, UnixSeconds now) {
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  KEEL_TRY_VOID(ledger::VerifyJwsSignature(algorithm, key, token.signing_input, token.signature));
  if (token.aud != aud) return Fail(Code::kWrongAudience, "token");
  if (!NotBeforeOk(token.iat, now)) return Fail(Code::kNotYetValid, "token");
  if (!NotAfterOk(token.exp, now)) return Fail(Code::kExpired, "token");
  return {};
}

}  // namespace keel::onboarding
