// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ledger/limits.h"

// Every maximum of the onboarding protocol (docs/protocols/device-onboarding.md). Octets, seconds or counts as named.
namespace keel::onboarding {

inline constexpr size_t kMaxPlaintext = 5300;  // of M1..M6
inline constexpr size_t kMaxEnvelope = 8192;
inline constexpr size_t kMaxEvidence = 1500;      // longer: a second pack from device to verifier
inline constexpr size_t kMaxCredential = 2048;    // one vc+jwt that a device holds or checks
inline constexpr size_t kMaxPresentation = 1600;  // one vp+jwt
inline constexpr size_t kMaxMessageId = 64;       // id, thid, pthid
inline constexpr size_t kMaxPeerDid = 512;        // did:peer:2 of a session
inline constexpr size_t kMaxUrl = 200;
inline constexpr size_t kMaxInvitationUrls = 4;
inline constexpr size_t kNonce = 32;  // N_D, N_V
inline constexpr size_t kInvitationId = 16;
inline constexpr size_t kContactSecret = 32;
inline constexpr uint64_t kProofLifeSeconds = 600;  // exp <= iat + this
inline constexpr uint64_t kRepeatOwnerProofSeconds =
    120;  // a repeated M1 gets the same M2 while its pack's checkpoint is younger
inline constexpr size_t kRememberedOwnerProofs = 2;  // M3 is accepted for the last two M2
inline constexpr size_t kMaxUnprovenSessions = 4;    // per claim
inline constexpr size_t kRememberedRefusals = 16;    // H(invitation)
inline constexpr size_t kMaxTriesPerPoll = 8;        // values tried of one answer
inline constexpr uint64_t kAnswerTimeoutMs = 30'000;
inline constexpr uint64_t kBackoffMinMs = 60'000;
inline constexpr uint64_t kBackoffMaxMs = 3'600'000;
inline constexpr size_t kMaxConfiguration = 2048;  // the configuration's JSON text in M4
inline constexpr size_t kMaxNetworkCredentials = 1024;

// Messages between devices: an envelope inside a forward; with what is around it, it fits a delivery.
inline constexpr size_t kMaxForwardPayload = 3600;

// Firmware
inline constexpr size_t kFirmwareBlock = 16384;  // plaintext; the device may ask for less, a power of two
inline constexpr size_t kMinFirmwareBlock = 512;
inline constexpr size_t kFirmwareTag = 16;
inline constexpr size_t kMaxManifest = 2048;  // SUIT envelope
inline constexpr uint64_t kMaxFirmware = 1ull << 32;

// Broker token
inline constexpr uint64_t kTokenLifeSeconds = 300;
inline constexpr size_t kMaxToken = 1200;

}  // namespace keel::onboarding
