// SPDX-License-Identifier: Apache-2.0
#include "onboarding/suit.h"

#include "crypto/hash.h"
#include "crypto/signature.h"
#include "onboarding/cbor.h"

namespace keel::onboarding {
namespace {

using crypto::PublicKey;
using crypto::Sha256;

// Numbers of draft-ietf-suit-manifest and RFC 9052/9053.
constexpr uint64_t kTagSuit = 107, kTagSign1 = 18;
constexpr int64_t kKeyAuthentication = 2, kKeyManifest = 3;
constexpr int64_t kVersion = 1, kSequence = 2, kCommon = 3, kValidate = 7, kInstall = 20, kText = 23;
constexpr uint64_t kTextVersion = 6;
constexpr int64_t kComponents = 2, kSharedSequence = 4;
constexpr int64_t kParamVendor = 1, kParamClass = 2, kParamDigest = 3, kParamSize = 14;
constexpr int64_t kConditionVendor = 1, kConditionClass = 2, kConditionImage = 3, kOverride = 20;
constexpr int64_t kAlgSha256 = -16;
constexpr int64_t kCoseEdDsa = -8, kCoseEs256 = -7, kCoseEs256Full = -9, kCoseEd25519 = -19;
constexpr size_t kMaxAuthenticationBlocks = 4, kMaxSignatureInput = 96;

class CborWriter {
 public:
  explicit CborWriter(ByteSpan out) : w_(out) {}
  CborWriter& Head(uint8_t major, uint64_t value) {
    const auto top = static_cast<uint8_t>(major << 5);
    if (value < 24) {
      w_.U8(static_cast<uint8_t>(top | value));
    } else if (value < 256) {
      w_.U8(top | 24).U8(static_cast<uint8_t>(value));
    } else if (value < 65536) {
      w_.U8(top | 25).U16(static_cast<uint16_t>(value));
    } else if (value <= UINT32_MAX) {
      w_.U8(top | 26).U32(static_cast<uint32_t>(value));
    } else {
      w_.U8(top | 27).U64(value);
    }
    return *this;
  }
  CborWriter& Int(int64_t value) {
    return value >= 0 ? Head(0, static_cast<uint64_t>(value)) : Head(1, static_cast<uint64_t>(-1 - value));
  }
  CborWriter& Uint(uint64_t value) { return Head(0, value); }
  CborWriter& Bytes(ByteView bytes) {
    Head(2, bytes.size());
    w_.Put(bytes);
    return *this;
  }
  CborWriter& Text(std::string_view text) {
    Head(3, text.size());
    w_.Put(text);
    return *this;
  }
  CborWriter& Array(size_t n) { return Head(4, n); }
  CborWriter& Map(size_t n) { return Head(5, n); }
  CborWriter& Tag(uint64_t tag) { return Head(6, tag); }
  CborWriter& Null() { return Head(7, 22); }
  bool ok() const { return w_.ok(); }
  ByteView written() const { return w_.written(); }

 private:
  ByteWriter w_;
};

// Sig_structure of RFC 9052 section 4.4 with the SUIT_Digest as the detached payload.
Result<size_t> SignatureInput(ByteView protected_header, ByteView digest, ByteSpan out) {
  CborWriter w(out);
  w.Array(4).Text("Signature1").Bytes(protected_header).Bytes({}).Bytes(digest);
  if (!w.ok()) return Fail(Code::kTooLarge, "cose");
  return w.written().size();
}

// Digest of the manifest as it stands in the envelope: over its byte string with the head.
Bytes32 DigestOfWrapped(ByteView manifest) {
  ByteArray<9> head;
  CborWriter w(head);
  w.Head(2, manifest.size());
  return Sha256().Update(w.written()).Update(manifest).Final();
}

Result<ByteView> ReadDigest(ByteView octets) {
  CborReader r(octets);
  KEEL_TRY(const size_t n, r.Array());
  KEEL_TRY(const int64_t algorithm, r.Int());
  if (n != 2 || algorithm != kAlgSha256) return Fail(Code::kUnsupported, "suit digest");
  KEEL_TRY(const ByteView digest, r.Bytes());
  if (digest.size() != 32 || !r.done()) return Fail(Code::kMalformed, "suit digest");
  return digest;
}

struct Envelope {
  ByteView authentication;
  ByteView manifest;
};

Result<Envelope> ReadEnvelope(ByteView octets) {
  if (octets.size() > kMaxSuitEnvelope) return Fail(Code::kTooLarge, "suit envelope");
  CborReader r(octets);
  KEEL_TRY(const CborReader::Major first, r.Peek());
  if (first == CborReader::Major::kTag) {
    KEEL_TRY(const uint64_t tag, r.Tag());
    if (tag != kTagSuit) return Fail(Code::kMalformed, "suit tag");
  }
  KEEL_TRY(const size_t pairs, r.Map());
  Envelope envelope;
  int64_t last = INT64_MIN;
  for (size_t i = 0; i < pairs; ++i) {
    KEEL_TRY(const int64_t key, r.Int());
    if (key <= last) return Fail(Code::kNotCanonical, "suit envelope");
    last = key;
    if (key == kKeyAuthentication) {
      KEEL_TRY(envelope.authentication, r.Bytes());
    } else if (key == kKeyManifest) {
      KEEL_TRY(envelope.manifest, r.Bytes());
    } else {
      return Fail(Code::kUnsupported, "suit envelope member");
    }
  }
  if (!r.done() || envelope.manifest.empty() || envelope.authentication.empty())
    return Fail(Code::kMalformed, "suit envelope");
  return envelope;
}

bool AlgorithmFits(int64_t cose, crypto::KeyType type) {
  if (type == crypto::KeyType::kEd25519) return cose == kCoseEdDsa || cose == kCoseEd25519;
  return type == crypto::KeyType::kP256 && (cose == kCoseEs256 || cose == kCoseEs256Full);
}

// One COSE_Sign1; true when it is a signature over `digest` by one of the authors.
Result<bool> CheckSignature(ByteView block, ByteView digest, std::span<const PublicKey> authors, size_t* author) {
  CborReader r(block);
  KEEL_TRY(const uint64_t tag, r.Tag());
  KEEL_TRY(const size_t n, r.Array());
  if (tag != kTagSign1 || n != 4) return Fail(Code::kUnsupported, "cose");
  KEEL_TRY(const ByteView protected_header, r.Bytes());
  KEEL_TRY_VOID(r.Skip());
  KEEL_TRY_VOID(r.Null());
  KEEL_TRY(const ByteView signature, r.Bytes());
  if (!r.done()) return Fail(Code::kMalformed, "cose");

  CborReader header(protected_header);
  KEEL_TRY(const size_t pairs, header.Map());
  if (pairs != 1) return Fail(Code::kUnsupported, "cose header");
  KEEL_TRY(const int64_t label, header.Int());
  KEEL_TRY(const int64_t algorithm, header.Int());
  if (label != 1 || !header.done()) return Fail(Code::kUnsupported, "cose header");

  ByteArray<kMaxSignatureInput> input;
  KEEL_TRY(const size_t length, SignatureInput(protected_header, digest, input));
  for (size_t i = 0; i < authors.size(); ++i) {
    if (!AlgorithmFits(algorithm, authors[i].type())) continue;
    const auto good = crypto::Verify(authors[i], ByteView(input).first(length), signature);
    if (good && *good) {
      if (author != nullptr) *author = i;
      return true;
    }
  }
  return false;
}

Result<> ReadParameters(CborReader& r, SuitManifest& out, unsigned& seen) {
  KEEL_TRY(const size_t pairs, r.Map());
  for (size_t i = 0; i < pairs; ++i) {
    KEEL_TRY(const int64_t key, r.Int());
    if (key == kParamVendor || key == kParamClass) {
      KEEL_TRY(const ByteView uuid, r.Bytes());
      if (uuid.size() != kSuitUuid) return Fail(Code::kMalformed, "suit uuid");
      std::memcpy(key == kParamVendor ? out.vendor.data() : out.device_class.data(), uuid.data(), kSuitUuid);
      seen |= key == kParamVendor ? 1U : 2U;
    } else if (key == kParamDigest) {
      KEEL_TRY(const ByteView wrapped, r.Bytes());
      KEEL_TRY(const ByteView digest, ReadDigest(wrapped));
      std::memcpy(out.digest.data(), digest.data(), digest.size());
      seen |= 4U;
    } else if (key == kParamSize) {
      KEEL_TRY(out.size, r.Uint());
      seen |= 8U;
    } else {
      return Fail(Code::kUnsupported, "suit parameter");
    }
  }
  return {};
}

// The shared sequence must set each parameter once and demand vendor and class; other commands are refused.
Result<> ReadShared(ByteView octets, SuitManifest& out) {
  CborReader r(octets);
  KEEL_TRY(const size_t items, r.Array());
  unsigned seen = 0, demanded = 0;
  if (items % 2 != 0) return Fail(Code::kMalformed, "suit sequence");
  for (size_t i = 0; i < items; i += 2) {
    KEEL_TRY(const int64_t command, r.Int());
    if (command == kOverride) {
      if (seen != 0) return Fail(Code::kUnsupported, "suit parameters twice");
      KEEL_TRY_VOID(ReadParameters(r, out, seen));
    } else if (command == kConditionVendor || command == kConditionClass) {
      KEEL_TRY_VOID(r.Skip());
      demanded |= command == kConditionVendor ? 1U : 2U;
    } else {
      return Fail(Code::kUnsupported, "suit command");
    }
  }
  if (!r.done() || seen != 15 || demanded != 3) return Fail(Code::kMissing, "suit common");
  return {};
}

Result<> ReadCommon(ByteView octets, SuitManifest& out) {
  CborReader r(octets);
  KEEL_TRY(const size_t pairs, r.Map());
  bool shared = false;
  for (size_t i = 0; i < pairs; ++i) {
    KEEL_TRY(const int64_t key, r.Int());
    if (key == kComponents) {
      KEEL_TRY(const size_t components, r.Array());
      if (components != 1) return Fail(Code::kUnsupported, "suit components");
      KEEL_TRY_VOID(r.Skip());
    } else if (key == kSharedSequence && !shared) {
      KEEL_TRY(const ByteView sequence, r.Bytes());
      KEEL_TRY_VOID(ReadShared(sequence, out));
      shared = true;
    } else {
      return Fail(Code::kUnsupported, "suit common member");
    }
  }
  if (!r.done() || !shared) return Fail(Code::kMissing, "suit common");
  return {};
}

// Text for people: the component version of the first language and component is taken, the rest passed over.
Result<> ReadText(ByteView octets, SuitManifest& out) {
  CborReader r(octets);
  KEEL_TRY(const size_t languages, r.Map());
  for (size_t l = 0; l < languages; ++l) {
    KEEL_TRY_VOID(r.Skip());
    KEEL_TRY(const size_t members, r.Map());
    for (size_t m = 0; m < members; ++m) {
      KEEL_TRY(const CborReader::Major major, r.Peek());
      KEEL_TRY_VOID(r.Skip());
      if (major != CborReader::Major::kArray) {
        KEEL_TRY_VOID(r.Skip());
        continue;
      }
      KEEL_TRY(const size_t pairs, r.Map());
      for (size_t i = 0; i < pairs; ++i) {
        KEEL_TRY(const uint64_t key, r.Uint());
        if (key == kTextVersion && out.version.empty()) {
          KEEL_TRY(out.version, r.Text());
          if (out.version.size() > kMaxSuitVersion) return Fail(Code::kTooLarge, "suit version");
        } else {
          KEEL_TRY_VOID(r.Skip());
        }
      }
    }
  }
  if (!r.done()) return Fail(Code::kMalformed, "suit text");
  return {};
}

Result<SuitManifest> ReadManifest(ByteView octets) {
  SuitManifest out;
  out.manifest_digest = DigestOfWrapped(octets);
  CborReader r(octets);
  KEEL_TRY(const size_t pairs, r.Map());
  unsigned seen = 0;
  int64_t last = INT64_MIN;
  for (size_t i = 0; i < pairs; ++i) {
    KEEL_TRY(const int64_t key, r.Int());
    if (key <= last) return Fail(Code::kNotCanonical, "suit manifest");
    last = key;
    if (key == kVersion) {
      KEEL_TRY(const uint64_t version, r.Uint());
      if (version != 1) return Fail(Code::kUnknownVersion, "suit manifest");
      seen |= 1U;
    } else if (key == kSequence) {
      KEEL_TRY(out.sequence, r.Uint());
      seen |= 2U;
    } else if (key == kCommon) {
      KEEL_TRY(const ByteView common, r.Bytes());
      KEEL_TRY_VOID(ReadCommon(common, out));
      seen |= 4U;
    } else if (key == kText) {
      KEEL_TRY(const ByteView text, r.Bytes());
      KEEL_TRY_VOID(ReadText(text, out));
    } else if (key == kValidate || key == kInstall) {
      // What they would command is what the wallet does anyway: fetch, match the digest.
      KEEL_TRY_VOID(r.Skip());
    } else {
      return Fail(Code::kUnsupported, "suit manifest member");
    }
  }
  if (!r.done() || seen != 7) return Fail(Code::kMissing, "suit manifest");
  return out;
}

}  // namespace

Result<SuitManifest> VerifySuitEnvelope(ByteView octets, std::span<const PublicKey> authors, size_t* author) {
  KEEL_TRY(const Envelope envelope, ReadEnvelope(octets));
  CborReader r(envelope.authentication);
  KEEL_TRY(const size_t items, r.Array());
  if (items < 2 || items > 1 + kMaxAuthenticationBlocks) return Fail(Code::kUntrusted, "suit authentication");
  KEEL_TRY(const ByteView digest_octets, r.Bytes());
  KEEL_TRY(const ByteView digest, ReadDigest(digest_octets));
  if (!Equal(digest, DigestOfWrapped(envelope.manifest))) return Fail(Code::kBadSignature, "suit manifest digest");
  bool signed_by_author = false;
  for (size_t i = 1; i < items; ++i) {
    KEEL_TRY(const ByteView block, r.Bytes());
    if (signed_by_author) continue;
    KEEL_TRY(signed_by_author, CheckSignature(block, digest_octets, authors, author));
  }
  if (!r.done()) return Fail(Code::kMalformed, "suit authentication");
  if (!signed_by_author) return Fail(Code::kUntrusted, "suit author");
  return ReadManifest(envelope.manifest);
}

Result<SuitManifest> ReadSuitEnvelope(ByteView octets) {
  KEEL_TRY(const Envelope envelope, ReadEnvelope(octets));
  CborReader r(envelope.authentication);
  KEEL_TRY_VOID(r.Array());
  KEEL_TRY(const ByteView digest_octets, r.Bytes());
  KEEL_TRY(const ByteView digest, ReadDigest(digest_octets));
  if (!Equal(digest, DigestOfWrapped(envelope.manifest))) return Fail(Code::kBadSignature, "suit manifest digest");
  return ReadManifest(envelope.manifest);
}

}  // namespace keel::onboarding
