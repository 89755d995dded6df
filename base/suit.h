// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/encoding.h"
#include "core/bytes.h"

// SUIT manifests (draft-ietf-suit-manifest-37) as hosts write them: one component, whole image. Everybody reads them
// with onboarding/suit.h; docs/formats/firmware-release.md has the octets. All functions are pure and thread-safe.
namespace keel::base {

inline constexpr size_t kMaxSuitEnvelope = 2048;  // what a device takes
inline constexpr size_t kMaxSuitText = 64;

struct SuitManifest {
  uint64_t sequence = 0;      // suit-manifest-sequence-number: what the rollback counter compares
  ByteArray<16> vendor_id{};  // RFC 9562 UUIDs
  ByteArray<16> class_id{};
  Bytes32 image_digest{};   // SHA-256
  uint64_t image_size = 0;  // octets
  std::string version;      // suit-text-component-version; <= kMaxSuitText
  std::string model;        // suit-text-model-name; <= kMaxSuitText
};

// Signs Sig_structure octets with the author's Ed25519 key; 64 octets.
using SuitSigner = std::function<Result<ByteVec>(ByteView)>;

// The whole tagged envelope: authentication wrapper (digest, COSE_Sign1 EdDSA, detached payload) and manifest.
// Deterministic but for the signature. kTooLarge, kInvalidArgument (a text), and the signer's errors.
Result<ByteVec> WriteSuitEnvelope(const SuitManifest& manifest, const SuitSigner& sign);

// RFC 9562 UUIDs of version 5: vendor from the author's domain name (namespace DNS), class from vendor and model as the
// SUIT draft recommends.
ByteArray<16> SuitVendorId(std::string_view vendor_domain);
ByteArray<16> SuitClassId(const ByteArray<16>& vendor_id, std::string_view model);

}  // namespace keel::base
