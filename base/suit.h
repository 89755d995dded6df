// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/encoding.h"
#include "core/bytes.h"
#include "crypto/keys.h"

// SUIT manifests (draft-ietf-suit-manifest-37) as hosts write and look at them: one component, whole image. The device
// has its own bounded reader; docs/formats/firmware-release.md has the octets. All functions are pure and thread-safe.
namespace keel::base {

inline constexpr size_t kMaxSuitEnvelope = 4096;
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

struct SuitInfo {
  SuitManifest manifest;
  Bytes32 manifest_digest{};  // SHA-256 over the bstr-wrapped manifest: names this release on the wire
  int64_t algorithm = 0;      // COSE: -8 or -19 EdDSA, -7 or -9 ES256; 0: not signed
};

// Reads an envelope, ours or another's with one component: checks the manifest's digest, not the signature. kMalformed,
// kNotCanonical (indefinite lengths, longer integers than needed), kUnsupported (another digest, version or severed
// text), kBadProof (digest differs), kTooLarge.
Result<SuitInfo> ReadSuitEnvelope(ByteView envelope);

// True when a COSE_Sign1 of the envelope verifies under the key, over the digest that ReadSuitEnvelope has checked.
// kUnsupported: no signature of the key's algorithm is there.
Result<bool> VerifySuitEnvelope(ByteView envelope, const crypto::PublicKey& author);

// RFC 9562 UUIDs of version 5: vendor from the author's domain name (namespace DNS), class from vendor and model as the
// SUIT draft recommends.
ByteArray<16> SuitVendorId(std::string_view vendor_domain);
ByteArray<16> SuitClassId(const ByteArray<16>& vendor_id, std::string_view model);

}  // namespace keel::base
