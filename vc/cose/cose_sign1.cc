// SPDX-License-Identifier: Apache-2.0
#include "vc/cose/cose_sign1.h"

#include "vc/cbor/cbor.h"

namespace keel::vc {
namespace {

using Major = CborReader::Major;

// Header parameters (RFC 9052 section 3.1, RFC 9596, RFC 9597) and CWT claims (RFC 8392; nonce: RFC 9711).
constexpr int64_t kAlg = 1, kCrit = 2, kContentType = 3, kKid = 4, kCwtClaims = 15, kTyp = 16;
constexpr int64_t kIss = 1, kSub = 2, kAud = 3, kExp = 4, kNbf = 5, kIat = 6, kNonce = 10;

std::unexpected<Error> Bad(Code code, std::string detail) { return Fail(code, "cose_sign1", std::move(detail)); }

// RFC 9053, RFC 8812, and the fully specified ones of RFC 9864.
Result<crypto::SignatureAlgorithm> AlgorithmOf(int64_t number) {
  using enum crypto::SignatureAlgorithm;
  switch (number) {
    case -8:
    case -19: return kEdDsa;
    case -7:
    case -9: return kEs256;
    case -35:
    case -51: return kEs384;
    case -47: return kEs256k;
    default: return Bad(Code::kAlgorithmNotAllowed, "alg " + std::to_string(number));
  }
}

int64_t NumberOf(crypto::SignatureAlgorithm algorithm) {
  using enum crypto::SignatureAlgorithm;
  switch (algorithm) {
    case kEdDsa: return -8;
    case kEs256: return -7;
    case kEs384: return -35;
    case kEs256k: return -47;
  }
  return 0;
}

Result<UnixSeconds> Date(CborReader& in) {
  KEEL_TRY(const uint64_t value, in.Uint());
  return value;
}

Result<> ReadClaims(CborReader& in, CwtClaims& out) {
  KEEL_TRY(size_t pairs, in.Map(kMaxCoseHeaders));
  CborKeys keys;
  for (; pairs > 0; --pairs) {
    CborReader at = in;
    KEEL_TRY(const ByteView key, in.Item());
    KEEL_TRY_VOID(keys.Add(key));
    KEEL_TRY(const Major kind, at.Peek());
    int64_t label = 0;
    if (kind == Major::kUint || kind == Major::kNint) {
      KEEL_TRY(label, at.Int());
    }
    const auto text = [&](std::optional<std::string>& to) -> Result<> {
      KEEL_TRY(to.emplace(), in.Text());
      return {};
    };
    const auto date = [&](std::optional<UnixSeconds>& to) -> Result<> {
      KEEL_TRY(to.emplace(), Date(in));
      return {};
    };
    switch (label) {
      case kIss: KEEL_TRY_VOID(text(out.issuer)); break;
      case kSub: KEEL_TRY_VOID(text(out.subject)); break;
      case kAud: KEEL_TRY_VOID(text(out.audience)); break;
      case kNonce: KEEL_TRY_VOID(text(out.nonce)); break;
      case kExp: KEEL_TRY_VOID(date(out.expires)); break;
      case kNbf: KEEL_TRY_VOID(date(out.not_before)); break;
      case kIat: KEEL_TRY_VOID(date(out.issued_at)); break;
      default: KEEL_TRY_VOID(in.Skip()); break;
    }
  }
  return {};
}

// A text; a number (a CoAP content format) becomes a text that is no type of ours.
Result<std::string> TextOrNumber(CborReader& in) {
  KEEL_TRY(const Major kind, in.Peek());
  if (kind == Major::kUint) {
    KEEL_TRY_VOID(in.Skip());
    return "a number";
  }
  KEEL_TRY(const std::string_view text, in.Text());
  return std::string(text);
}

class HeaderReader {
 public:
  explicit HeaderReader(CoseSign1& out) : out_(out) {}

  // One bucket's map. Labels of both are seen together: none may be in both (section 3).
  Result<> Read(CborReader& in, bool is_protected) {
    KEEL_TRY(size_t pairs, in.Map(kMaxCoseHeaders));
    for (; pairs > 0; --pairs) {
      CborReader at = in;
      KEEL_TRY(const ByteView label, in.Item());
      KEEL_TRY_VOID(labels_.Add(label));
      KEEL_TRY(const Major kind, at.Peek());
      if (kind == Major::kText) {
        KEEL_TRY_VOID(in.Skip());
        continue;
      }
      if (kind != Major::kUint && kind != Major::kNint)
        return Bad(Code::kMalformed, "a header's label is neither a number nor a text");
      KEEL_TRY(const int64_t number, at.Int());
      KEEL_TRY_VOID(Parameter(in, number, is_protected));
    }
    return {};
  }

  Result<> Done() const {
    if (!algorithm_) return Bad(Code::kAlgorithmNotAllowed, "no alg");
    return {};
  }

 private:
  Result<> Parameter(CborReader& in, int64_t label, bool is_protected) {
    switch (label) {
      case kAlg: {
        KEEL_TRY(const Major kind, in.Peek());
        if (kind == Major::kText) return Bad(Code::kAlgorithmNotAllowed, "alg is a text");
        KEEL_TRY(const int64_t number, in.Int());
        KEEL_TRY(out_.algorithm, AlgorithmOf(number));
        out_.protected_algorithm = is_protected;
        algorithm_ = true;
        return {};
      }
      case kCrit: return is_protected ? Critical(in) : Bad(Code::kMalformed, "crit outside of the protected header");
      case kKid: {
        KEEL_TRY(const ByteView kid, in.Bytes());
        out_.headers.kid = base::ToString(kid);
        return {};
      }
      default: break;
    }
    // What nobody signed says nothing of what the payload is.
    if (!is_protected) return in.Skip();
    switch (label) {
      case kContentType: {
        KEEL_TRY(out_.headers.content_type, TextOrNumber(in));
        return {};
      }
      case kTyp: {
        KEEL_TRY(out_.headers.typ, TextOrNumber(in));
        return {};
      }
      case kCwtClaims: return ReadClaims(in, out_.headers.claims);
      default: return in.Skip();
    }
  }

  // Section 3.1: each label listed must be understood.
  static Result<> Critical(CborReader& in) {
    KEEL_TRY(size_t count, in.Array(kMaxCoseHeaders));
    if (count == 0) return Bad(Code::kMalformed, "crit is empty");
    for (; count > 0; --count) {
      KEEL_TRY(const Major kind, in.Peek());
      if (kind == Major::kText) return Bad(Code::kUnsupported, "crit names a text label, and none is known here");
      KEEL_TRY(const int64_t label, in.Int());
      if (label != kAlg && label != kContentType && label != kKid && label != kTyp && label != kCwtClaims)
        return Bad(Code::kUnsupported, "crit names " + std::to_string(label) + ", which isn't known here");
    }
    return {};
  }

  CoseSign1& out_;
  CborKeys labels_;
  bool algorithm_ = false;
};

// Section 4.4: what the signature is over.
base::ByteVec ToBeSigned(ByteView protected_header, ByteView external_aad, ByteView payload) {
  constexpr uint8_t kEmptyMap = 0xa0;
  const bool empty = protected_header.size() == 1 && protected_header[0] == kEmptyMap;
  return CborWriter()
      .Array(4)
      .Text("Signature1")
      .Bytes(empty ? ByteView() : protected_header)
      .Bytes(external_aad)
      .Bytes(payload)
      .Take();
}

void AddClaims(const CwtClaims& claims, std::vector<std::pair<base::ByteVec, base::ByteVec>>& header) {
  std::vector<std::pair<base::ByteVec, base::ByteVec>> pairs;
  const auto text = [&](int64_t label, const std::optional<std::string>& value) {
    if (value) pairs.emplace_back(CborInt(label), CborText(*value));
  };
  const auto date = [&](int64_t label, const std::optional<UnixSeconds>& value) {
    if (value) pairs.emplace_back(CborInt(label), CborUint(*value));
  };
  text(kIss, claims.issuer);
  text(kSub, claims.subject);
  text(kAud, claims.audience);
  text(kNonce, claims.nonce);
  date(kExp, claims.expires);
  date(kNbf, claims.not_before);
  date(kIat, claims.issued_at);
  if (pairs.empty()) return;
  CborWriter map;
  KEEL_ASSERT(map.SortedMap(std::move(pairs)).has_value());
  header.emplace_back(CborInt(kCwtClaims), map.Take());
}

}  // namespace

Result<CoseSign1> CoseSign1::Parse(ByteView octets, size_t max_size) {
  if (octets.size() > max_size) return Bad(Code::kTooLarge, "over " + std::to_string(max_size) + " octets");
  CborReader in(octets);
  CoseSign1 out;
  KEEL_TRY(const Major first, in.Peek());
  if (first == Major::kTag) {
    KEEL_TRY_VOID(in.ExpectTag(kCoseSign1Tag));
    out.tagged = true;
  }
  KEEL_TRY(const size_t count, in.Array(4));
  if (count != 4) return Bad(Code::kMalformed, "not four elements");
  KEEL_TRY(const ByteView protected_header, in.Bytes());
  out.protected_header = base::ToBytes(protected_header);
  HeaderReader headers(out);
  if (!protected_header.empty()) {
    CborReader map(protected_header);
    KEEL_TRY_VOID(headers.Read(map, true));
    KEEL_TRY_VOID(map.End());
  }
  KEEL_TRY_VOID(headers.Read(in, false));
  KEEL_TRY_VOID(headers.Done());
  KEEL_TRY(const Major kind, in.Peek());
  if (kind == Major::kSimple) return Bad(Code::kUnsupported, "the payload is detached");
  KEEL_TRY(const ByteView payload, in.Bytes());
  out.payload = base::ToBytes(payload);
  KEEL_TRY(const ByteView signature, in.Bytes());
  out.signature = base::ToBytes(signature);
  KEEL_TRY_VOID(in.End());
  return out;
}

Result<bool> VerifyCoseSign1(const CoseSign1& message, const crypto::PublicKey& key, ByteView external_aad) {
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  if (algorithm != message.algorithm) {
    return Bad(Code::kAlgorithmNotAllowed, "the header says " + std::string(crypto::JoseName(message.algorithm)) +
                                               ", the key is for " + std::string(crypto::JoseName(algorithm)));
  }
  return crypto::VerifyEitherS(key, ToBeSigned(message.protected_header, external_aad, message.payload),
                               message.signature);
}

Result<base::ByteVec> SignCoseSign1(const CoseHeaders& headers, ByteView payload, crypto::KeyStore& store,
                                    crypto::KeyHandle key, ByteView external_aad) {
  KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(public_key.type()));
  std::vector<std::pair<base::ByteVec, base::ByteVec>> pairs;
  pairs.emplace_back(CborInt(kAlg), CborInt(NumberOf(algorithm)));
  if (!headers.content_type.empty()) pairs.emplace_back(CborInt(kContentType), CborText(headers.content_type));
  if (!headers.kid.empty()) pairs.emplace_back(CborInt(kKid), CborBytes(AsBytes(headers.kid)));
  if (!headers.typ.empty()) pairs.emplace_back(CborInt(kTyp), CborText(headers.typ));
  AddClaims(headers.claims, pairs);
  CborWriter protected_header;
  KEEL_TRY_VOID(protected_header.SortedMap(std::move(pairs)));
  ByteArray<crypto::kMaxSignature> signature;
  KEEL_TRY(const size_t length,
           store.Sign(key, ToBeSigned(protected_header.bytes(), external_aad, payload), signature));
  return CborWriter()
      .Tag(kCoseSign1Tag)
      .Array(4)
      .Bytes(protected_header.bytes())
      .Map(0)
      .Bytes(payload)
      .Bytes(ByteView(signature).first(length))
      .Take();
}

}  // namespace keel::vc
