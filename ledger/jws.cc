// SPDX-License-Identifier: Apache-2.0
#include "ledger/jws.h"

#include "core/encoding.h"

namespace keel::ledger {

Result<CompactParts> SplitCompact(std::string_view jws) {
  const size_t first = jws.find('.');
  const size_t second = first == std::string_view::npos ? first : jws.find('.', first + 1);
  if (second == std::string_view::npos || jws.find('.', second + 1) != std::string_view::npos) {
    return Fail(Code::kMalformed, "compact JWS");
  }
  CompactParts parts;
  parts.header = {jws.data(), first};
  parts.payload = {jws.data() + first + 1, second - first - 1};
  parts.signature = {jws.data() + second + 1, jws.size() - second - 1};
  parts.signing_input = {jws.data(), second};
  if (parts.header.empty() || parts.payload.empty() || parts.signature.empty()) {
    return Fail(Code::kMalformed, "compact JWS");
  }
  return parts;
}

Result<Bytes64> DecodeSignature(std::string_view base64url) {
  Bytes64 signature{};
  const auto n = Base64UrlDecode(base64url, signature);
  if (!n || *n != signature.size()) return Fail(Code::kMalformed, "JWS signature");
  return signature;
}

Result<> VerifyJwsSignature(crypto::SignatureAlgorithm algorithm, const crypto::PublicKey& key,
                            std::string_view signing_input, ByteView signature) {
  if (key.type() != crypto::KeyType::kEd25519 && key.type() != crypto::KeyType::kP256) {
    return Fail(Code::kAlgorithmNotAllowed, "JWS key type");
  }
  KEEL_TRY(const crypto::SignatureAlgorithm wanted, crypto::AlgorithmFor(key.type()));
  if (wanted != algorithm) return Fail(Code::kBadSignature, "JWS alg is not the key's");
  KEEL_TRY(const bool good, crypto::Verify(key, AsBytes(signing_input), signature, /*require_low_s=*/true));
  if (!good) return Fail(Code::kBadSignature, "JWS signature");
  return {};
}

Result<> AppendBase64Url(ByteView bytes, ByteSpan out, size_t& used) {
  const ByteSpan rest = out.subspan(used);
  const auto n = Base64UrlEncode(bytes, std::span<char>(reinterpret_cast<char*>(rest.data()), rest.size()));
  if (!n) return Fail(Code::kBufferTooSmall, "JWS");
  used += *n;
  return {};
}

Result<> AppendText(std::string_view text, ByteSpan out, size_t& used) {
  if (text.size() > out.size() - used) return Fail(Code::kBufferTooSmall, "JWS");
  if (!text.empty()) std::memcpy(out.data() + used, text.data(), text.size());
  used += text.size();
  return {};
}

Result<> AppendSignature(crypto::KeyStore& store, crypto::KeyHandle key, ByteSpan out, size_t& used) {
  Bytes64 signature{};
  KEEL_TRY(const size_t n, store.Sign(key, out.first(used), signature));
  if (n != signature.size()) return Fail(Code::kUnsupported, "JWS signature length");
  KEEL_TRY_VOID(AppendText(".", out, used));
  return AppendBase64Url(signature, out, used);
}

Result<std::string_view> SigningName(const crypto::PublicKey& key) {
  if (key.type() == crypto::KeyType::kEd25519) return std::string_view("EdDSA");
  if (key.type() == crypto::KeyType::kP256) return std::string_view("ES256");
  return Fail(Code::kUnsupported, "only Ed25519 and P-256 keys sign for the ledger");
}

}  // namespace keel::ledger
