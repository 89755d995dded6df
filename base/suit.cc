// SPDX-License-Identifier: Apache-2.0
#include "base/suit.h"

#include <openssl/evp.h>

#include "crypto/hash.h"

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

ByteVec DigestOctets(const Bytes32& digest) { return Cbor().Array(2).Negative(-16).Bytes(digest).out(); }

ByteVec SigStructure(ByteView protected_header, ByteView payload) {
  return Cbor().Array(4).Text("Signature1").Bytes(protected_header).Bytes({}).Bytes(payload).out();
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

ByteArray<16> SuitVendorId(std::string_view vendor_domain) {
  constexpr ByteArray<16> kDns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  return UuidV5(kDns, vendor_domain);
}

ByteArray<16> SuitClassId(const ByteArray<16>& vendor_id, std::string_view model) { return UuidV5(vendor_id, model); }

}  // namespace keel::base
