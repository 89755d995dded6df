// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Every maximum of the shared formats, for the key suites OKP and P-256 (docs/formats). Sizes are octets.
namespace keel::ledger {

// did:keel (docs/formats/did-keel.md)
inline constexpr size_t kMaxLabel = 32;
inline constexpr size_t kScidLength = 47;  // 'z' + 46 characters: 34 octets that begin 0x12 0x20
inline constexpr size_t kMaxDid = 9 + kMaxLabel + 1 + kScidLength;  // "did:keel:" label ":" scid
inline constexpr size_t kMaxKid = kMaxDid + 1 + 32;                 // DID "#" key id
inline constexpr size_t kMaxOperation = 1200;                       // as JWS octets
inline constexpr size_t kMaxOperationPayload = 900;                 // JSON octets
inline constexpr size_t kMaxOperations = 64;                        // of one DID
inline constexpr size_t kMaxKeys = 8;
inline constexpr size_t kMaxKeyId = 32;
inline constexpr size_t kMaxNext = 5;        // hashes of next keys
inline constexpr size_t kMaxServices = 512;  // the svc member's JSON text
inline constexpr size_t kOperationNonce = 16;

// Members (docs/formats/descriptor.md)
inline constexpr size_t kMaxMembers = 21;  // f = 6, q = 15: the largest whose CKPT and TIME fit one record
inline constexpr size_t kMaxRoots = 9;
inline constexpr size_t kMaxEndpoints = 16;
inline constexpr size_t kMaxEndpoint = 200;
inline constexpr size_t kMaxMemberId = 32;
inline constexpr size_t kMaxDescriptor = 4096;
inline constexpr size_t kMaxEndorsement = 4 + 69 + 132;

// Seals (docs/formats/seals.md)
inline constexpr size_t kMaxSealKeys = 3;
inline constexpr size_t kMaxPolicy = 2 + kMaxSealKeys * (2 + 69);
inline constexpr size_t kMaxSigs = 1 + 9 * (1 + 2 + 132);
inline constexpr size_t kLinkRecord = 176;
inline constexpr uint32_t kMaxLinks = 1'000'000;  // of one device: a limit of the number i, not of a pack
inline constexpr size_t kSealSalt = 16;

// Proofs (docs/formats/{ledger,map-proof}.md)
inline constexpr size_t kMaxPath = 64;       // nodes of an RFC 9162 path
inline constexpr size_t kMapValueDid = 33;   // head || flags
inline constexpr size_t kMapValueSeal = 40;  // H(link) || index
inline constexpr size_t kStateLeaf = 13 + 8 + 32 + 8;
inline constexpr size_t kMaxNote = 5 + 64 + 1 + 20 + 1 + 44 + 1;
inline constexpr size_t kMaxCosignMessage = 20 + 20 + 1 + kMaxNote;
inline constexpr uint32_t kMaxBatchLeaves = 1u << 20;
inline constexpr size_t kMaxBatchPath = 20;
inline constexpr size_t kBatchSalt = 32;

// Records and items (docs/formats/{pack,rendezvous}.md)
inline constexpr size_t kItemHeader = 3;  // u8 tag || u16 length
inline constexpr size_t kMaxItem = 1264;  // header and body
inline constexpr size_t kMaxItemBody = kMaxItem - kItemHeader;
inline constexpr size_t kMaxMapProof = kMaxItemBody - 8;
inline constexpr size_t kMaxRecordPlaintext = 1264;
inline constexpr size_t kMaxRecord = kMaxRecordPlaintext + 16;  // ciphertext, without its u16 length
inline constexpr size_t kMaxPack = 128 * 1024;                  // sum of plaintexts

// Rendezvous
inline constexpr size_t kMaxInvitation = 700;
inline constexpr size_t kPaddedInvitation = 1024;
inline constexpr size_t kRendezvousValue = 1 + 32 + kPaddedInvitation + 16;
inline constexpr size_t kMaxIndexes = 2;  // of one R0 query: old and new (RS, RP)
inline constexpr size_t kMaxValuesPerIndex = 4;
inline constexpr uint32_t kRendezvousDays = 30;
inline constexpr uint32_t kMaxPollSeconds = 20;

// Time
inline constexpr uint64_t kMaxCheckpointAge = 300;    // seconds; a stamp or configuration may say otherwise
inline constexpr uint64_t kMaxTimeAnswerMs = 30'000;  // waived offline
inline constexpr uint64_t kMaxOfflineMs = 24ull * 3600 * 1000;
inline constexpr uint64_t kTimeFloorSlack = 180;    // seconds below the last finished onboarding's T
inline constexpr uint64_t kMemberClockSpread = 60;  // seconds from the peers' median

// Log entries and statements (docs/formats/ledger.md)
inline constexpr size_t kMaxEntry = 65535;
inline constexpr size_t kMaxStatement = 32 * 1024;  // a JWS of an issuer or sponsor, content included
inline constexpr size_t kMaxStatementId = 256;      // ids of schemas, definitions, status lists
inline constexpr uint32_t kMaxTransactionEntries = 4096;
inline constexpr size_t kMaxTransaction = 4 * 1024 * 1024;

}  // namespace keel::ledger
