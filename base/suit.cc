// SPDX-License-Identifier: Apache-2.0
#include "base/suit.h"

#include <openssl/evp.h>

#include <optional>
#include <vector>

#include "crypto/hash.h"
#include "crypto/signature.h"

namespace keel::base {
namespace {

constexpr const char* kWhere = "suit";
// Map keys and numbers of the draft's CDDL.
constexpr uint64_t kAuthentication = 2, kManifest = 3;
constexpr uint64_t kVersion = 1, kSequence = 2, kCommon = 3, kValidate = 7, kInstall = 20, kText = 23;
constexpr uint64_t kComponents = 2, kSharedSequence = 4;
constexpr uint64_t kConditionVendor = 1, kConditionClass = 2, kConditionImage = 3, kOverride = 20, kFetch = 21;
constexpr uint64_t kParameterVendor = 1, kParameterClass = 2, kParameterDigest = 3, kParameterSize = 14,
                   kParameterUri = 21;
constexpr uint64_t kTextModel = 2, kTextVersion = 6;
constexpr uint64_t kEnvelopeTag = 107, kSign1Tag = 18;
constexpr uint64_t kReportAll = 15, kReportOnFailure = 2;
constexpr int kMaxDepth = 12;

class Cbor {
 public:
  Cbor& Head(uint8_t major, uint64_t value) {
    const auto top = static_cast<uint8_t>(major << 5);
    if (value < 24) {
      out_.push_back(static_cast<uint8_t>(top | value));
    } else {
      const int octets = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
      out_.push_back(static_cast<uint8_t>(top | (octets == 1 ? 24 : octets == 2 ? 25 : octets == 4 ? 26 : 27)));
      for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8) out_.push_back(static_cast<uint8_t>(value >> shift));
    }
    return *this;
  }
  Cbor& Uint(uint64_t value) { return Head(0, value); }
  Cbor& Negative(int64_t value) { return Head(1, static_cast<uint64_t>(-1 - value)); }
  Cbor& Bytes(ByteView bytes) {
    Head(2, bytes.size());
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Cbor& Text(std::string_view text) {
    Head(3, text.size());
    out_.insert(out_.end(), text.begin(), text.end());
    return *this;
  }
  Cbor& Array(uint64_t n) { return Head(4, n); }
  Cbor& Map(uint64_t n) { return Head(5, n); }
  Cbor& Tag(uint64_t n) { return Head(6, n); }
  Cbor& Null() {
    out_.push_back(0xf6);
    return *this;
  }
  const ByteVec& out() const { return out_; }

 private:
  ByteVec out_;
};

// Definite lengths and shortest heads only; every read can fail and then gives kMalformed.
class CborReader {
 public:
  explicit CborReader(ByteView in) : in_(in) {}
  bool done() const { return at_ == in_.size(); }
  size_t at() const { return at_; }
  ByteView Since(size_t from) const { return in_.subspan(from, at_ - from); }
  int PeekMajor() const { return at_ < in_.size() ? in_[at_] >> 5 : -1; }

  struct HeadValue {
    int major = 0;
    uint64_t value = 0;
  };
  Result<HeadValue> Head() {
    if (at_ >= in_.size()) return Bad("ends early");
    const uint8_t first = in_[at_++];
    HeadValue head{first >> 5, static_cast<uint64_t>(first & 31)};
    if (head.value < 24) return head;
    if (head.value > 27)
      return Fail(Code::kNotCanonical, kWhere,
                  "indefinite length or reserved head at octet " + std::to_string(at_ - 1));
    const size_t octets = size_t{1} << (head.value - 24);
    if (octets > in_.size() - at_) return Bad("ends early");
    uint64_t value = 0;
    for (size_t i = 0; i < octets; ++i) value = (value << 8) | in_[at_++];
    const uint64_t least = octets == 1 ? 24 : octets == 2 ? 0x100 : octets == 4 ? 0x10000 : 0x100000000;
    if (value < least && head.major != 7)
      return Fail(Code::kNotCanonical, kWhere, "a longer integer than needed at octet " + std::to_string(at_));
    head.value = value;
    return head;
  }
  Result<uint64_t> Expect(int major, const char* what) {
    KEEL_TRY(const HeadValue head, Head());
    if (head.major != major) return Bad(std::string("expected ") + what);
    return head.value;
  }
  Result<uint64_t> Uint() { return Expect(0, "an unsigned integer"); }
  Result<int64_t> Int() {
    KEEL_TRY(const HeadValue head, Head());
    if (head.major > 1 || head.value > INT64_MAX) return Bad("expected an integer");
    return head.major == 0 ? static_cast<int64_t>(head.value) : -1 - static_cast<int64_t>(head.value);
  }
  Result<ByteView> Bytes() {
    KEEL_TRY(const uint64_t n, Expect(2, "a byte string"));
    return Take(n);
  }
  Result<std::string> Text() {
    KEEL_TRY(const uint64_t n, Expect(3, "a text string"));
    KEEL_TRY(const ByteView bytes, Take(n));
    if (!IsUtf8(bytes)) return Bad("text is not UTF-8");
    return ToString(bytes);
  }
  Result<uint64_t> Array() { return Expect(4, "an array"); }
  Result<uint64_t> Map() { return Expect(5, "a map"); }
  Result<> Skip(int depth = 0) {
    if (depth > kMaxDepth) return Fail(Code::kTooLarge, kWhere, "nested too deeply");
    KEEL_TRY(const HeadValue head, Head());
    switch (head.major) {
      case 2:
      case 3: {
        KEEL_TRY([[maybe_unused]] const ByteView bytes, Take(head.value));
        return {};
      }
      case 4:
      case 5: {
        if (head.value > in_.size()) return Bad("a count larger than the input");
        const uint64_t n = head.major == 4 ? head.value : head.value * 2;
        for (uint64_t i = 0; i < n; ++i) KEEL_TRY_VOID(Skip(depth + 1));
        return {};
      }
      case 6: return Skip(depth + 1);
      default: return {};
    }
  }
  static std::unexpected<Error> Bad(std::string why) { return Fail(Code::kMalformed, kWhere, std::move(why)); }

 private:
  Result<ByteView> Take(uint64_t n) {
    if (n > in_.size() - at_) return Bad("ends early");
    const ByteView bytes = in_.subspan(at_, n);
    at_ += n;
    return bytes;
  }
  ByteView in_;
  size_t at_ = 0;
};

ByteVec DigestOctets(const Bytes32& digest) { return Cbor().Array(2).Negative(-16).Bytes(digest).out(); }

ByteVec SigStructure(ByteView protected_header, ByteView payload) {
  return Cbor().Array(4).Text("Signature1").Bytes(protected_header).Bytes({}).Bytes(payload).out();
}

Result<Bytes32> ReadDigest(ByteView octets) {
  CborReader reader(octets);
  KEEL_TRY(const uint64_t n, reader.Array());
  if (n != 2) return CborReader::Bad("a digest has two elements");
  KEEL_TRY(const int64_t algorithm, reader.Int());
  if (algorithm != -16) return Fail(Code::kUnsupported, kWhere, "digest algorithm " + std::to_string(algorithm));
  KEEL_TRY(const ByteView bytes, reader.Bytes());
  if (bytes.size() != 32 || !reader.done()) return CborReader::Bad("a SHA-256 digest has 32 octets");
  Bytes32 digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

struct Envelope {
  Bytes32 digest{};
  ByteVec digest_octets;  // SUIT_Digest, the detached payload
  struct Signature {
    int64_t algorithm = 0;
    ByteVec protected_header, value;
  };
  std::vector<Signature> signatures;
  ByteVec manifest;
};

Result<Envelope::Signature> ReadSign1(ByteView octets) {
  Envelope::Signature signature;
  CborReader reader(octets);
  if (reader.PeekMajor() == 6) {
    KEEL_TRY(const uint64_t tag, reader.Expect(6, "a tag"));
    if (tag != kSign1Tag)
      return Fail(Code::kUnsupported, kWhere, "authentication block with tag " + std::to_string(tag));
  }
  KEEL_TRY(const uint64_t n, reader.Array());
  if (n != 4) return CborReader::Bad("COSE_Sign1 has four elements");
  KEEL_TRY(const ByteView header, reader.Bytes());
  signature.protected_header = ToBytes(header);
  CborReader map(header);
  KEEL_TRY(const uint64_t members, map.Map());
  for (uint64_t i = 0; i < members; ++i) {
    KEEL_TRY(const int64_t label, map.Int());
    if (label == 1) {
      KEEL_TRY(signature.algorithm, map.Int());
    } else if (label == 2) {
      return Fail(Code::kUnsupported, kWhere, "critical headers");
    } else {
      KEEL_TRY_VOID(map.Skip());
    }
  }
  KEEL_TRY_VOID(reader.Skip());  // unprotected
  KEEL_TRY(const auto payload, reader.Head());
  if (payload.major != 7 || payload.value != 22)
    return Fail(Code::kUnsupported, kWhere, "the payload must be detached");
  KEEL_TRY(const ByteView value, reader.Bytes());
  if (!reader.done()) return CborReader::Bad("octets after COSE_Sign1");
  signature.value = ToBytes(value);
  return signature;
}

Result<Envelope> ReadEnvelope(ByteView octets) {
  if (octets.size() > kMaxSuitEnvelope)
    return Fail(Code::kTooLarge, kWhere, "envelope over " + std::to_string(kMaxSuitEnvelope) + " octets");
  Envelope envelope;
  CborReader reader(octets);
  if (reader.PeekMajor() == 6) {
    KEEL_TRY(const uint64_t tag, reader.Expect(6, "a tag"));
    if (tag != kEnvelopeTag)
      return Fail(Code::kUnsupported, kWhere, "tag " + std::to_string(tag) + " is not a SUIT envelope");
  }
  KEEL_TRY(const uint64_t members, reader.Map());
  ByteView authentication, manifest;
  for (uint64_t i = 0; i < members; ++i) {
    if (reader.PeekMajor() != 0) {  // integrated payloads have text keys
      KEEL_TRY_VOID(reader.Skip());
      KEEL_TRY_VOID(reader.Skip());
      continue;
    }
    KEEL_TRY(const uint64_t key, reader.Uint());
    if (key == kAuthentication || key == kManifest) {
      ByteView& target = key == kAuthentication ? authentication : manifest;
      if (!target.empty()) return Fail(Code::kDuplicate, kWhere, "envelope member " + std::to_string(key));
      KEEL_TRY(target, reader.Bytes());
    } else {
      KEEL_TRY_VOID(reader.Skip());
    }
  }
  if (!reader.done()) return CborReader::Bad("octets after the envelope");
  if (authentication.empty() || manifest.empty())
    return Fail(Code::kMissing, kWhere, "authentication wrapper or manifest");
  CborReader wrapper(authentication);
  KEEL_TRY(const uint64_t blocks, wrapper.Array());
  if (blocks < 1 || blocks > 4) return CborReader::Bad("authentication wrapper");
  KEEL_TRY(const ByteView digest, wrapper.Bytes());
  envelope.digest_octets = ToBytes(digest);
  KEEL_TRY(envelope.digest, ReadDigest(digest));
  for (uint64_t i = 1; i < blocks; ++i) {
    KEEL_TRY(const ByteView block, wrapper.Bytes());
    KEEL_TRY(auto signature, ReadSign1(block));
    envelope.signatures.push_back(std::move(signature));
  }
  if (!wrapper.done()) return CborReader::Bad("octets after the authentication wrapper");
  const ByteVec wrapped = Cbor().Bytes(manifest).out();
  if (crypto::Sha256::Of(ByteView(wrapped)) != envelope.digest)
    return Fail(Code::kBadProof, kWhere, "the manifest is not the one that was signed: its digest differs");
  envelope.manifest = ToBytes(manifest);
  return envelope;
}

Result<> ReadParameters(CborReader& reader, SuitManifest& out, unsigned& seen) {
  KEEL_TRY(const uint64_t n, reader.Map());
  for (uint64_t i = 0; i < n; ++i) {
    KEEL_TRY(const int64_t key, reader.Int());
    if (key == kParameterVendor || key == kParameterClass) {
      KEEL_TRY(const ByteView id, reader.Bytes());
      if (id.size() != 16) return CborReader::Bad("vendor and class identifiers have 16 octets");
      std::copy(id.begin(), id.end(), (key == kParameterVendor ? out.vendor_id : out.class_id).begin());
      seen |= key == kParameterVendor ? 1U : 2U;
    } else if (key == kParameterDigest) {
      KEEL_TRY(const ByteView digest, reader.Bytes());
      KEEL_TRY(out.image_digest, ReadDigest(digest));
      seen |= 4U;
    } else if (key == kParameterSize) {
      KEEL_TRY(out.image_size, reader.Uint());
      seen |= 8U;
    } else {
      KEEL_TRY_VOID(reader.Skip());
    }
  }
  return {};
}

Result<> ReadCommon(ByteView octets, SuitManifest& out, unsigned& seen) {
  CborReader reader(octets);
  KEEL_TRY(const uint64_t n, reader.Map());
  for (uint64_t i = 0; i < n; ++i) {
    KEEL_TRY(const uint64_t key, reader.Uint());
    if (key == kComponents) {
      KEEL_TRY(const uint64_t components, reader.Array());
      if (components != 1)
        return Fail(Code::kUnsupported, kWhere, "one component is taken, not " + std::to_string(components));
      KEEL_TRY_VOID(reader.Skip());
    } else if (key == kSharedSequence) {
      KEEL_TRY(const ByteView sequence, reader.Bytes());
      CborReader commands(sequence);
      KEEL_TRY(const uint64_t count, commands.Array());
      for (uint64_t c = 0; c + 1 < count; c += 2) {
        KEEL_TRY(const int64_t command, commands.Int());
        if (command == kOverride) {
          KEEL_TRY_VOID(ReadParameters(commands, out, seen));
        } else {
          KEEL_TRY_VOID(commands.Skip());
        }
      }
      if (!commands.done()) return CborReader::Bad("shared sequence");
    } else {
      KEEL_TRY_VOID(reader.Skip());
    }
  }
  return reader.done() ? Result<>() : CborReader::Bad("octets after common");
}

// Text is for people and policy: taken from the first language, the first component.
Result<> ReadText(ByteView octets, SuitManifest& out) {
  CborReader reader(octets);
  KEEL_TRY(const uint64_t languages, reader.Map());
  for (uint64_t l = 0; l < languages; ++l) {
    KEEL_TRY(const std::string language, reader.Text());
    KEEL_TRY(const uint64_t n, reader.Map());
    for (uint64_t i = 0; i < n; ++i) {
      if (reader.PeekMajor() != 4) {
        KEEL_TRY_VOID(reader.Skip());
        KEEL_TRY_VOID(reader.Skip());
        continue;
      }
      KEEL_TRY_VOID(reader.Skip());
      KEEL_TRY(const uint64_t pairs, reader.Map());
      for (uint64_t p = 0; p < pairs; ++p) {
        KEEL_TRY(const uint64_t key, reader.Uint());
        if (key == kTextVersion || key == kTextModel) {
          KEEL_TRY((key == kTextVersion ? out.version : out.model), reader.Text());
        } else {
          KEEL_TRY_VOID(reader.Skip());
        }
      }
    }
  }
  return reader.done() ? Result<>() : CborReader::Bad("octets after text");
}

Result<SuitManifest> ReadManifest(ByteView octets) {
  SuitManifest out;
  unsigned seen = 0;
  bool version = false, sequence = false, common = false;
  CborReader reader(octets);
  KEEL_TRY(const uint64_t n, reader.Map());
  for (uint64_t i = 0; i < n; ++i) {
    KEEL_TRY(const uint64_t key, reader.Uint());
    if (key == kVersion) {
      KEEL_TRY(const uint64_t value, reader.Uint());
      if (value != 1) return Fail(Code::kUnsupported, kWhere, "manifest version " + std::to_string(value));
      version = true;
    } else if (key == kSequence) {
      KEEL_TRY(out.sequence, reader.Uint());
      sequence = true;
    } else if (key == kCommon) {
      KEEL_TRY(const ByteView bytes, reader.Bytes());
      KEEL_TRY_VOID(ReadCommon(bytes, out, seen));
      common = true;
    } else if (key == kText && reader.PeekMajor() == 2) {
      KEEL_TRY(const ByteView bytes, reader.Bytes());
      KEEL_TRY_VOID(ReadText(bytes, out));
    } else {
      KEEL_TRY_VOID(reader.Skip());
    }
  }
  if (!reader.done()) return CborReader::Bad("octets after the manifest");
  if (!version || !sequence || !common)
    return Fail(Code::kMissing, kWhere, "manifest version, sequence number or common");
  if (seen != 15)
    return Fail(Code::kMissing, kWhere, "vendor, class, image digest or image size in the shared sequence");
  return out;
}

bool Printable(std::string_view text) { return !text.empty() && text.size() <= kMaxSuitText && IsUtf8(AsBytes(text)); }

ByteArray<16> UuidV5(ByteView name_space, std::string_view name) {
  // SHA-1 is what RFC 9562 section 5.5 says; it names things here and secures nothing.
  ByteVec input = ToBytes(name_space);
  input.insert(input.end(), name.begin(), name.end());
  uint8_t digest[EVP_MAX_MD_SIZE] = {};
  unsigned length = 0;
  EVP_Digest(input.data(), input.size(), digest, &length, EVP_sha1(), nullptr);
  ByteArray<16> uuid;
  std::copy(digest, digest + 16, uuid.begin());
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | 0x50);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

}  // namespace

Result<ByteVec> WriteSuitEnvelope(const SuitManifest& manifest, const SuitSigner& sign) {
  if (!Printable(manifest.version) || !Printable(manifest.model))
    return Fail(Code::kInvalidArgument, kWhere,
                "version and model are UTF-8 of 1 to " + std::to_string(kMaxSuitText) + " octets");
  const ByteVec parameters = Cbor()
                                 .Map(4)
                                 .Uint(kParameterVendor)
                                 .Bytes(manifest.vendor_id)
                                 .Uint(kParameterClass)
                                 .Bytes(manifest.class_id)
                                 .Uint(kParameterDigest)
                                 .Bytes(DigestOctets(manifest.image_digest))
                                 .Uint(kParameterSize)
                                 .Uint(manifest.image_size)
                                 .out();
  ByteVec shared = Cbor().Array(6).Uint(kOverride).out();
  shared.insert(shared.end(), parameters.begin(), parameters.end());
  const ByteVec conditions =
      Cbor().Uint(kConditionVendor).Uint(kReportAll).Uint(kConditionClass).Uint(kReportAll).out();
  shared.insert(shared.end(), conditions.begin(), conditions.end());
  const ByteVec component = Cbor().Array(1).Bytes(ByteArray<1>{0}).out();
  ByteVec common = Cbor().Map(2).Uint(kComponents).Array(1).out();
  common.insert(common.end(), component.begin(), component.end());
  const ByteVec shared_member = Cbor().Uint(kSharedSequence).Bytes(shared).out();
  common.insert(common.end(), shared_member.begin(), shared_member.end());
  const ByteVec validate = Cbor().Array(2).Uint(kConditionImage).Uint(kReportAll).out();
  const ByteVec install = Cbor()
                              .Array(6)
                              .Uint(kOverride)
                              .Map(1)
                              .Uint(kParameterUri)
                              .Text("keel:firmware")
                              .Uint(kFetch)
                              .Uint(kReportOnFailure)
                              .Uint(kConditionImage)
                              .Uint(kReportAll)
                              .out();
  ByteVec text = Cbor().Map(1).Text("en").Map(1).out();
  text.insert(text.end(), component.begin(), component.end());
  const ByteVec labels =
      Cbor().Map(2).Uint(kTextModel).Text(manifest.model).Uint(kTextVersion).Text(manifest.version).out();
  text.insert(text.end(), labels.begin(), labels.end());
  const ByteVec octets = Cbor()
                             .Map(6)
                             .Uint(kVersion)
                             .Uint(1)
                             .Uint(kSequence)
                             .Uint(manifest.sequence)
                             .Uint(kCommon)
                             .Bytes(common)
                             .Uint(kValidate)
                             .Bytes(validate)
                             .Uint(kInstall)
                             .Bytes(install)
                             .Uint(kText)
                             .Bytes(text)
                             .out();
  const ByteVec wrapped = Cbor().Bytes(octets).out();
  const ByteVec digest = DigestOctets(crypto::Sha256::Of(ByteView(wrapped)));
  const ByteVec header = Cbor().Map(1).Uint(1).Negative(-8).out();
  KEEL_TRY(const ByteVec signature, sign(SigStructure(header, digest)));
  if (signature.size() != 64) return Fail(Code::kInternalError, kWhere, "an Ed25519 signature has 64 octets");
  const ByteVec sign1 = Cbor().Tag(kSign1Tag).Array(4).Bytes(header).Map(0).Null().Bytes(signature).out();
  const ByteVec authentication = Cbor().Array(2).Bytes(digest).Bytes(sign1).out();
  ByteVec envelope =
      Cbor().Tag(kEnvelopeTag).Map(2).Uint(kAuthentication).Bytes(authentication).Uint(kManifest).Bytes(octets).out();
  if (envelope.size() > kMaxSuitEnvelope) return Fail(Code::kTooLarge, kWhere, "envelope");
  return envelope;
}

Result<SuitInfo> ReadSuitEnvelope(ByteView octets) {
  KEEL_TRY(const Envelope envelope, ReadEnvelope(octets));
  SuitInfo info;
  KEEL_TRY(info.manifest, ReadManifest(envelope.manifest));
  info.manifest_digest = envelope.digest;
  if (!envelope.signatures.empty()) info.algorithm = envelope.signatures.front().algorithm;
  return info;
}

Result<bool> VerifySuitEnvelope(ByteView octets, const crypto::PublicKey& author) {
  KEEL_TRY(const Envelope envelope, ReadEnvelope(octets));
  bool tried = false;
  for (const Envelope::Signature& signature : envelope.signatures) {
    const bool eddsa =
        (signature.algorithm == -8 || signature.algorithm == -19) && author.type() == crypto::KeyType::kEd25519;
    const bool es256 =
        (signature.algorithm == -7 || signature.algorithm == -9) && author.type() == crypto::KeyType::kP256;
    if (!eddsa && !es256) continue;
    tried = true;
    KEEL_TRY(const bool good,
             crypto::Verify(author, SigStructure(signature.protected_header, envelope.digest_octets), signature.value));
    if (good) return true;
  }
  if (!tried) return Fail(Code::kUnsupported, kWhere, "no signature of the author key's algorithm");
  return false;
}

ByteArray<16> SuitVendorId(std::string_view vendor_domain) {
  constexpr ByteArray<16> kDns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  return UuidV5(kDns, vendor_domain);
}

ByteArray<16> SuitClassId(const ByteArray<16>& vendor_id, std::string_view model) { return UuidV5(vendor_id, model); }

}  // namespace keel::base
