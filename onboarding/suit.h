// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/bytes.h"
#include "crypto/keys.h"

// SUIT manifests (draft-ietf-suit-manifest) as Keel releases them: one component, SHA-256, COSE_Sign1 by the firmware
// author's key, detached payload (the digest). The bounded reader of device and verifier; hosts write with base/suit.h.
// Format: docs/formats/firmware-release.md.
namespace keel::onboarding {

inline constexpr size_t kMaxSuitEnvelope = 2048;  // octets
inline constexpr size_t kMaxSuitVersion = 64;     // characters of the version text
inline constexpr size_t kSuitUuid = 16;

// What a manifest says, all of it signed.
struct SuitManifest {
  uint64_t sequence = 0;
  ByteArray<kSuitUuid> vendor{};
  ByteArray<kSuitUuid> device_class{};
  Bytes32 digest{};           // SHA-256 of the image
  uint64_t size = 0;          // octets of the image
  std::string_view version;   // views into the envelope; may be empty
  Bytes32 manifest_digest{};  // SHA-256 over the bstr-wrapped manifest: names the release, binds the blocks
};

// The author's key that signed, and the manifest, after the signature was checked. Checked before parsing: digest and
// signature by one of `authors`; then the shape. Not checked here: vendor, class, sequence (the device's own facts).
// Algorithms: EdDSA (-8), ES256 (-7, -9). kMalformed, kNotCanonical, kTooLarge, kUnsupported, kUntrusted (no author's
// signature), kBadSignature.
Result<SuitManifest> VerifySuitEnvelope(ByteView envelope, std::span<const crypto::PublicKey> authors,
                                        size_t* author = nullptr);

// Reads without believing: what an offer says, for a host that has judged the author otherwise (or will). The digest is
// checked, no signature.
Result<SuitManifest> ReadSuitEnvelope(ByteView envelope);

}  // namespace keel::onboarding
