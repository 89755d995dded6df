// SPDX-License-Identifier: Apache-2.0
#include "did/jose.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/jwk.h"

namespace keel::did {

using nlohmann::json;

Result<Jws> Jws::Parse(std::string_view compact, size_t max_size) {
  if (compact.size() > max_size) return Fail(Code::kTooLarge, "jws", "over " + std::to_string(max_size) + " octets");
  const size_t first = compact.find('.');
  const size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) {
    return Fail(Code::kMalformed, "jws", "expected three parts separated by dots");
  }
  Jws jws;
  KEEL_TRY(const base::ByteVec header, base::FromBase64Url(compact.substr(0, first)));
  KEEL_TRY(const base::ByteVec payload, base::FromBase64Url(compact.substr(first + 1, second - first - 1)));
  KEEL_TRY(jws.signature, base::FromBase64Url(compact.substr(second + 1)));
  jws.header = base::ToString(header);
  jws.payload = base::ToString(payload);
  jws.signing_input = compact.substr(0, second);
  KEEL_TRY(const json parsed, base::ParseJson(jws.header, {.max_size = 16 << 10}));
  if (!parsed.is_object()) return Fail(Code::kMalformed, "jws header", "no object");
  if (parsed.contains("crit"))
    return Fail(Code::kUnsupported, "jws header", "'crit' names extensions, and none is known here");
  if (parsed.contains("b64")) return Fail(Code::kUnsupported, "jws header", "'b64' is not supported");
  KEEL_TRY(jws.alg, base::GetString(parsed, "alg"));
  KEEL_TRY_VOID(crypto::AlgorithmFromJose(jws.alg));
  KEEL_TRY(std::optional<std::string> typ, base::GetOptionalString(parsed, "typ"));
  KEEL_TRY(std::optional<std::string> kid, base::GetOptionalString(parsed, "kid"));
  jws.typ = typ.value_or("");
  jws.kid = kid.value_or("");
  if (const auto jwk = parsed.find("jwk"); jwk != parsed.end()) {
    KEEL_TRY(jws.jwk, crypto::PublicKeyFromJwk(*jwk, crypto::JwkUse::kVerify));
  }
  return jws;
}

Result<bool> VerifyJws(const Jws& jws, const crypto::PublicKey& key) {
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  if (crypto::JoseName(algorithm) != jws.alg) {
    return Fail(Code::kAlgorithmNotAllowed, "jws",
                "the header says " + jws.alg + ", the key is for " + std::string(crypto::JoseName(algorithm)));
  }
  return crypto::VerifyEitherS(key, AsBytes(jws.signing_input), jws.signature);
}

Result<std::string> SignJws(const json& header, std::string_view payload, crypto::KeyStore& store,
                            crypto::KeyHandle key) {
  KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(public_key.type()));
  nlohmann::ordered_json ordered = nlohmann::ordered_json::object();
  ordered["alg"] = crypto::JoseName(algorithm);
  for (const char* name : {"kid", "typ", "cty"}) {
    if (const auto it = header.find(name); it != header.end()) ordered[name] = it->get<std::string>();
  }
  for (const auto& [name, value] : header.items()) {
    if (!ordered.contains(name)) ordered[name] = nlohmann::ordered_json(value);
  }
  std::string text =
      base::Base64Url(AsBytes(ordered.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
  text += '.';
  text += base::Base64Url(AsBytes(payload));
  ByteArray<crypto::kMaxSignature> signature;
  KEEL_TRY(const size_t length, store.Sign(key, AsBytes(text), signature));
  text += '.';
  text += base::Base64Url(ByteView(signature).first(length));
  return text;
}

Result<std::string> JwkThumbprint(const crypto::PublicKey& key) {
  const json jwk = crypto::PublicKeyToJwk(key);
  if (!jwk.is_object()) return Fail(Code::kBadKey, "jwk thumbprint");
  return base::Base64Url(crypto::Sha256::Of(base::DumpJson(jwk)));  // members sorted, no white space: RFC 7638's form
}

}  // namespace keel::did
