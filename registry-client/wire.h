// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/time.h"

// What the registry's HTTP API carries (docs/formats/registry-api.md), encoded and decoded once for node and client.
// Pure functions.
namespace keel::registry_client {

inline constexpr const char* kOctetStream = "application/octet-stream";

// A bundle is a row of items: u8 tag || u32 length || body.
enum class ItemTag : uint8_t {
  kCheckpoint = 0x01,  // body of a pack's CKPT
  kState = 0x02,       // body of a pack's STATE
  kOperation = 0x06,   // u64 index || JWS octets
  kHead = 0x07,        // map proof of K(1, DID)
  kKey = 0x20,         // key 32 || u16 value length || value || map proof
  kDid = 0x21,         // ASCII DID: the following HEAD and OPs are its
  kContent = 0x22,     // octets whose hash a map value holds
  kEpoch = 0x23,       // EPOCH octets, in order
  kEntry = 0x24,       // u64 index || log entry
};
inline constexpr size_t kMaxItems = 70'000;

void PutItem(std::string& out, ItemTag tag, ByteView body);
struct Item {
  ItemTag tag{};
  ByteView body;  // into the bundle
};
// kMalformed, kTooLarge. Unknown tags are kept for the caller to refuse.
Result<std::vector<Item>> ParseBundle(std::string_view octets);

// Body of POST /v1/transactions: a transaction of ledger/entry.h; at most this many entries in one request.
inline constexpr size_t kMaxEntries = 2048;

// Body of POST /v1/proofs: u16 count || count x key 32 || u16 count || count x (u16 length || DID).
inline constexpr size_t kMaxProofKeys = 1024, kMaxProofDids = 64;
std::string EncodeProofQuery(std::span<const Bytes32> keys, std::span<const std::string> dids);
struct ProofQuery {
  std::vector<Bytes32> keys;
  std::vector<std::string> dids;
};
Result<ProofQuery> ParseProofQuery(ByteView octets);

// Body of POST /v1/rendezvous: count x (index 32 || value); at most this many.
inline constexpr size_t kMaxRendezvousEntries = 64;

// What an account signs for a request (headers Keel-Account, Keel-Time, Keel-Signature):
// "keel-request/1\n" || net || method || " " || target || "\n" || H(body) || u64 time.
std::vector<uint8_t> RequestToSign(const Bytes32& net, std::string_view method, std::string_view target, ByteView body,
                                   UnixSeconds time);
inline constexpr const char* kAccountHeader = "Keel-Account";
inline constexpr const char* kTimeHeader = "Keel-Time";
inline constexpr const char* kSignatureHeader = "Keel-Signature";
// The receiver refuses times further off than this.
inline constexpr uint64_t kRequestSkew = 60;

}  // namespace keel::registry_client
