// SPDX-License-Identifier: Apache-2.0
#include "ledger/statement.h"

#include "core/encoding.h"
#include "ledger/jws.h"

namespace keel::ledger {
namespace {

constexpr std::string_view kHeaderEdDsa = "{\"alg\":\"EdDSA\",\"kid\":\"";
constexpr std::string_view kHeaderEs256 = "{\"alg\":\"ES256\",\"kid\":\"";
constexpr std::string_view kHeaderEnd = "\"}";
constexpr size_t kMaxHeader = kHeaderEdDsa.size() + kMaxKid + kHeaderEnd.size();

bool Begins(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && std::memcmp(text.data(), with.data(), with.size()) == 0;
}

Result<> CheckKid(std::string_view kid) {
  KEEL_TRY(const KidParts parts, ParseKid(kid));
  KEEL_TRY_VOID(ParseDid(parts.did));
  if (!IsKeyId(parts.id)) return Fail(Code::kInvalidDidUrl, "statement kid");
  return {};
}

}  // namespace

KidParts Statement::kid_parts() const {
  const auto parts = ParseKid(kid.view());
  return parts ? *parts : KidParts{};
}

Result<Statement> ParseStatement(ByteView jws, ByteSpan scratch) {
  if (jws.size() > kMaxStatement) return Fail(Code::kTooLarge, "statement");
  Statement s;
  s.jws = jws;
  KEEL_TRY(const CompactParts parts, SplitCompact(AsText(jws)));
  ByteArray<kMaxHeader> header_octets{};
  const auto header_length = Base64UrlDecode(parts.header, header_octets);
  if (!header_length) return Fail(Code::kMalformed, "statement header");
  const std::string_view header = AsText(ByteView(header_octets).first(*header_length));
  if (Begins(header, kHeaderEdDsa)) {
    s.algorithm = crypto::SignatureAlgorithm::kEdDsa;
  } else if (Begins(header, kHeaderEs256)) {
    s.algorithm = crypto::SignatureAlgorithm::kEs256;
  } else {
    return Fail(Code::kAlgorithmNotAllowed, "statement header");
  }
  const size_t begin = kHeaderEdDsa.size();
  if (header.size() < begin + kHeaderEnd.size()) return Fail(Code::kMalformed, "statement header");
  const size_t end = header.size() - kHeaderEnd.size();
  if (std::string_view(header.data() + end, kHeaderEnd.size()) != kHeaderEnd) {
    return Fail(Code::kMalformed, "statement header");
  }
  const std::string_view kid(header.data() + begin, end - begin);
  KEEL_TRY_VOID(CheckKid(kid));  // leaves no room for quotes or escapes
  KEEL_TRY(s.kid, Kid::Create(kid));
  KEEL_TRY(const size_t n, Base64UrlDecode(parts.payload, scratch));
  s.payload = AsText(ByteView(scratch.data(), n));
  KEEL_TRY(const JsonView json, JsonView::Parse(s.payload));
  KEEL_TRY(const uint64_t version, json.GetUint("v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "statement v");
  KEEL_TRY(s.op, json.GetPlain("op"));
  KEEL_TRY(s.signature, DecodeSignature(parts.signature));
  s.signing_input = parts.signing_input;
  return s;
}

Result<> VerifyStatement(const Statement& statement, const crypto::PublicKey& key) {
  return VerifyJwsSignature(statement.algorithm, key, statement.signing_input, statement.signature);
}

Result<size_t> SignStatement(std::string_view payload, std::string_view kid, crypto::KeyStore& store,
                             crypto::KeyHandle key, ByteSpan out) {
  KEEL_TRY_VOID(CheckKid(kid));
  KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
  KEEL_TRY(const std::string_view name, SigningName(public_key));
  ByteArray<kMaxHeader> header{};
  ByteWriter w(header);
  w.Put(name == "EdDSA" ? kHeaderEdDsa : kHeaderEs256).Put(kid).Put(kHeaderEnd);
  if (!w.ok()) return Fail(Code::kTooLarge, "statement kid");
  size_t used = 0;
  KEEL_TRY_VOID(AppendBase64Url(w.written(), out, used));
  KEEL_TRY_VOID(AppendText(".", out, used));
  KEEL_TRY_VOID(AppendBase64Url(AsBytes(payload), out, used));
  KEEL_TRY_VOID(AppendSignature(store, key, out, used));
  if (used > kMaxStatement) return Fail(Code::kTooLarge, "statement");
  return used;
}

}  // namespace keel::ledger
