// SPDX-License-Identifier: Apache-2.0
#include "ledger/operation.h"

#include "core/encoding.h"
#include "core/json_reader.h"
#include "crypto/hash.h"
#include "ledger/jws.h"

namespace keel::ledger {
namespace {

// base64url of {"alg":"EdDSA"} and {"alg":"ES256"}: the only protected headers there are, so that one operation has one
// form.
constexpr std::string_view kHeaderEdDsa = "eyJhbGciOiJFZERTQSJ9";
constexpr std::string_view kHeaderEs256 = "eyJhbGciOiJFUzI1NiJ9";

struct UseBit {
  Uses bit;
  std::string_view name;
};
constexpr UseBit kUseBits[] = {{kUseAuthentication, "authentication"},
                               {kUseAssertion, "assertionMethod"},
                               {kUseAgreement, "keyAgreement"},
                               {kUseInvocation, "capabilityInvocation"},
                               {kUseDelegation, "capabilityDelegation"}};

// Takes octets off the front of a text; used for general JSON, whose every octet but the values is fixed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool Expect(std::string_view literal) {
    if (text_.size() < literal.size() || std::memcmp(text_.data(), literal.data(), literal.size()) != 0) return false;
    Skip(literal.size());
    return true;
  }
  // Up to the next quote, which stays.
  std::string_view Value() {
    size_t n = 0;
    while (n < text_.size() && text_[n] != '"') ++n;
    const std::string_view value(text_.data(), n);
    Skip(n);
    return value;
  }
  bool done() const { return text_.empty(); }

 private:
  void Skip(size_t n) { text_ = {text_.data() + n, text_.size() - n}; }
  std::string_view text_;
};

Result<> SplitGeneral(std::string_view text, Operation& op) {
  Scanner scan(text);
  if (!scan.Expect("{\"payload\":\"")) return Fail(Code::kMalformed, "operation JWS");
  op.payload_text = scan.Value();
  if (!scan.Expect("\",\"signatures\":[")) return Fail(Code::kMalformed, "operation JWS");
  do {
    if (op.signature_count == kMaxNext) return Fail(Code::kTooLarge, "operation signatures");
    if (!scan.Expect("{\"protected\":\"")) return Fail(Code::kMalformed, "operation JWS");
    op.protected_headers[op.signature_count] = scan.Value();
    if (!scan.Expect("\",\"signature\":\"")) return Fail(Code::kMalformed, "operation JWS");
    op.signatures[op.signature_count] = scan.Value();
    if (!scan.Expect("\"}")) return Fail(Code::kMalformed, "operation JWS");
    ++op.signature_count;
  } while (scan.Expect(","));
  if (!scan.Expect("]}") || !scan.done()) return Fail(Code::kMalformed, "operation JWS");
  // One signature has one form only, the compact one.
  if (op.signature_count < 2) return Fail(Code::kNotCanonical, "operation JWS with one signature is compact");
  return {};
}

Result<> SplitJws(ByteView jws, Operation& op) {
  const std::string_view text = AsText(jws);
  if (!text.empty() && text[0] == '{') return SplitGeneral(text, op);
  KEEL_TRY(const CompactParts parts, SplitCompact(text));
  op.signature_count = 1;
  op.protected_headers[0] = parts.header;
  op.payload_text = parts.payload;
  op.signatures[0] = parts.signature;
  return {};
}

Result<> ReadKeys(const JsonView& list, Operation& op) {
  if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "operation keys");
  JsonView item;
  for (auto it = list.items(); it.Next(item);) {
    if (op.key_count == kMaxKeys) return Fail(Code::kTooLarge, "operation keys");
    OperationKey key;
    KEEL_TRY(key.id, item.GetPlain("id"));
    KEEL_TRY(key.multikey, item.GetPlain("key"));
    KEEL_TRY(const JsonView uses, item.Get("use"));
    if (item.count() != 3) return Fail(Code::kUnsupported, "operation key: unknown member");
    if (!IsKeyId(key.id)) return Fail(Code::kMalformed, "operation key id");
    if (uses.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "operation key use");
    JsonView use;
    for (auto each = uses.items(); each.Next(use);) {
      KEEL_TRY(const std::string_view name, use.AsPlain());
      const Uses bit = UseFromName(name);
      if (bit == 0) return Fail(Code::kUnsupported, "operation key use");
      if ((key.uses & bit) != 0) return Fail(Code::kDuplicate, "operation key use");
      key.uses = static_cast<Uses>(key.uses | bit);
    }
    if (key.uses == 0) return Fail(Code::kMissing, "operation key use");
    KEEL_TRY(const crypto::PublicKey parsed, crypto::PublicKey::FromMultikey(key.multikey));
    const bool agrees = parsed.type() == crypto::KeyType::kX25519;
    if (agrees && key.uses != kUseAgreement) return Fail(Code::kBadKey, "operation key: X25519 only agrees");
    if (parsed.type() == crypto::KeyType::kEd25519 && (key.uses & kUseAgreement) != 0) {
      return Fail(Code::kBadKey, "operation key: Ed25519 does not agree");
    }
    for (size_t i = 0; i < op.key_count; ++i) {
      if (op.keys[i].id == key.id || op.keys[i].multikey == key.multikey)
        return Fail(Code::kDuplicate, "operation keys");
    }
    op.keys[op.key_count++] = key;
  }
  if (op.key_count == 0) return Fail(Code::kMissing, "operation keys");
  return {};
}

Result<> ReadNext(const JsonView& next, Operation& op) {
  KEEL_TRY(const uint64_t threshold, next.GetUint("t"));
  KEEL_TRY(const JsonView hashes, next.Get("h"));
  if (next.count() != 2 || hashes.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "operation next");
  JsonView item;
  for (auto it = hashes.items(); it.Next(item);) {
    if (op.next_count == kMaxNext) return Fail(Code::kTooLarge, "operation next");
    KEEL_TRY(const std::string_view text, item.AsPlain());
    Bytes32 hash{};
    KEEL_TRY(const size_t n, Base64UrlDecode(text, hash));
    if (n != hash.size()) return Fail(Code::kMalformed, "operation next hash");
    for (size_t i = 0; i < op.next_count; ++i) {
      if (op.next[i] == hash) return Fail(Code::kDuplicate, "operation next hash");
    }
    op.next[op.next_count++] = hash;
  }
  if (threshold < 1 || threshold > op.next_count) return Fail(Code::kOutOfRange, "operation next threshold");
  op.next_threshold = static_cast<uint8_t>(threshold);
  return {};
}

Result<> ReadBy(const JsonView& by, Operation& op) {
  if (by.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "operation by");
  JsonView item;
  for (auto it = by.items(); it.Next(item);) {
    if (op.by_count == kMaxNext) return Fail(Code::kTooLarge, "operation by");
    KEEL_TRY(const std::string_view key, item.AsPlain());
    for (size_t i = 0; i < op.by_count; ++i) {
      if (op.by[i] == key) return Fail(Code::kDuplicate, "operation by");
    }
    op.by[op.by_count++] = key;
  }
  if (op.by_count == 0) return Fail(Code::kMissing, "operation by");
  return {};
}

// Members of update and deactivate alone; adds to `expected` how many it knew.
Result<> ReadLater(const JsonView& json, Operation& op, size_t& expected) {
  KEEL_TRY(op.prev, json.GetFixed<32>("prev"));
  KEEL_TRY(op.seq, json.GetUint("seq"));
  if (op.seq == 0) return Fail(Code::kOutOfRange, "operation seq");
  KEEL_TRY(const JsonView by, json.Get("by"));
  KEEL_TRY_VOID(ReadBy(by, op));
  KEEL_TRY(const std::string_view reason, json.GetPlain("reason"));
  expected += 4;
  if (reason == "compromise") {
    op.reason = Reason::kCompromise;
    KEEL_TRY(op.since, json.GetUint("since"));
    ++expected;
  } else if (reason != "routine") {
    return Fail(Code::kUnsupported, "operation reason");
  }
  return {};
}

Result<> ReadServices(const JsonView& json, Operation& op, size_t& expected) {
  if (!json.Has("svc")) return {};
  KEEL_TRY(const JsonView services, json.Get("svc"));
  if (services.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "operation svc");
  if (services.raw().size() > kMaxServices) return Fail(Code::kTooLarge, "operation svc");
  op.services = services.raw();
  ++expected;
  return {};
}

Result<> ReadPayload(const JsonView& json, Operation& op) {
  KEEL_TRY(const uint64_t version, json.GetUint("v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "operation v");
  KEEL_TRY(const std::string_view kind, json.GetPlain("op"));
  size_t expected = 2;
  if (kind == "create") {
    op.kind = OperationKind::kCreate;
    KEEL_TRY(op.net, json.GetFixed<32>("net"));
    ByteArray<kOperationNonce> nonce{};
    KEEL_TRY(const size_t n, json.GetBase64Url("nonce", nonce));
    if (n != nonce.size()) return Fail(Code::kMalformed, "operation nonce");
    expected += 2;
    if (json.Has("seal0")) {
      KEEL_TRY(op.seal0, json.GetFixed<32>("seal0"));
      op.has_seal0 = true;
      ++expected;
    }
  } else if (kind == "update" || kind == "deactivate") {
    op.kind = kind == "update" ? OperationKind::kUpdate : OperationKind::kDeactivate;
    KEEL_TRY_VOID(ReadLater(json, op, expected));
  } else {
    return Fail(Code::kUnsupported, "operation op");
  }
  if (op.kind != OperationKind::kDeactivate) {  // after deactivation nothing follows, so it carries no keys
    KEEL_TRY(const JsonView keys, json.Get("keys"));
    KEEL_TRY_VOID(ReadKeys(keys, op));
    KEEL_TRY(const JsonView next, json.Get("next"));
    KEEL_TRY_VOID(ReadNext(next, op));
    expected += 2;
    KEEL_TRY_VOID(ReadServices(json, op, expected));
  }
  if (json.count() != expected) return Fail(Code::kUnsupported, "operation: unknown member");
  return {};
}

// In the general form the parts of the signing input are not neighbours.
Result<> VerifyGeneralIn(ByteSpan buffer, const Operation& op, size_t i, crypto::SignatureAlgorithm algorithm,
                         const crypto::PublicKey& key, const Bytes64& signature) {
  ByteWriter input(buffer);
  input.Put(op.protected_headers[i]).Put(".").Put(op.payload_text);
  if (!input.ok()) return Fail(Code::kTooLarge, "operation");
  return VerifyJwsSignature(algorithm, key, AsText(input.written()), signature);
}

// A function of its own, so that its buffer is on the stack only when needed.
[[gnu::noinline]] Result<> VerifyGeneral(const Operation& op, size_t i, crypto::SignatureAlgorithm algorithm,
                                         const crypto::PublicKey& key, const Bytes64& signature) {
  ByteArray<kOperationWork> buffer;
  return VerifyGeneralIn(buffer, op, i, algorithm, key, signature);
}

}  // namespace

std::string_view UseName(Uses one_bit) {
  for (const UseBit& use : kUseBits) {
    if (use.bit == one_bit) return use.name;
  }
  return {};
}

Uses UseFromName(std::string_view name) {
  for (const UseBit& use : kUseBits) {
    if (use.name == name) return use.bit;
  }
  return 0;
}

Bytes32 OperationHash(ByteView jws) { return crypto::Sha256::Of(jws); }

Result<Operation> ParseOperation(ByteView jws, ByteSpan scratch) {
  if (jws.size() > kMaxOperation) return Fail(Code::kTooLarge, "operation");
  Operation op;
  op.jws = jws;
  KEEL_TRY_VOID(SplitJws(jws, op));
  for (size_t i = 0; i < op.signature_count; ++i) {
    if (op.protected_headers[i] != kHeaderEdDsa && op.protected_headers[i] != kHeaderEs256) {
      return Fail(Code::kAlgorithmNotAllowed, "operation protected header");
    }
  }
  KEEL_TRY(const size_t length, Base64UrlDecode(op.payload_text, scratch));
  op.payload = ByteView(scratch.data(), length);
  KEEL_TRY(const JsonView json, JsonView::Parse(AsText(op.payload)));
  if (json.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "operation payload");
  KEEL_TRY_VOID(ReadPayload(json, op));
  const size_t signers = op.kind == OperationKind::kCreate ? 1 : op.by_count;
  if (op.signature_count != signers)
    return Fail(Code::kMalformed, "operation: signatures are not those of its signers");
  return op;
}

Result<> VerifyOperationSignatures(const Operation& op, ByteSpan work) {
  for (size_t i = 0; i < op.signature_count; ++i) {
    const std::string_view signer = op.kind == OperationKind::kCreate ? op.keys[0].multikey : op.by[i];
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(signer));
    KEEL_TRY(const Bytes64 signature, DecodeSignature(op.signatures[i]));
    const auto algorithm = op.protected_headers[i] == kHeaderEdDsa ? crypto::SignatureAlgorithm::kEdDsa
                                                                   : crypto::SignatureAlgorithm::kEs256;
    if (op.signature_count > 1) {
      KEEL_TRY_VOID(work.size() >= kOperationWork ? VerifyGeneralIn(work, op, i, algorithm, key, signature)
                                                  : VerifyGeneral(op, i, algorithm, key, signature));
      continue;
    }
    // Compact: header "." payload stand side by side in the JWS.
    const std::string_view input(op.protected_headers[0].data(),
                                 op.protected_headers[0].size() + 1 + op.payload_text.size());
    KEEL_TRY_VOID(VerifyJwsSignature(algorithm, key, input, signature));
  }
  return {};
}

}  // namespace keel::ledger
