// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "crypto/key_store.h"
#include "ledger/limits.h"
#include "ledger/network.h"

// Operations of did:keel: create, update, deactivate; JWS octets in and out (docs/formats/did-keel.md). An operation's
// meaning depends on the history before it: ledger/history.h checks that. Everything here is a pure function.
namespace keel::ledger {

enum class OperationKind : uint8_t { kCreate = 0, kUpdate = 1, kDeactivate = 2 };
enum class Reason : uint8_t { kRoutine = 0, kCompromise = 1 };

// Verification relationships as bits.
using Uses = uint8_t;
inline constexpr Uses kUseAuthentication = 1, kUseAssertion = 2, kUseAgreement = 4, kUseInvocation = 8,
                      kUseDelegation = 16;
// DID Core's name of one bit ("assertionMethod"); empty for anything else. The other way: 0 when unknown.
std::string_view UseName(Uses one_bit);
Uses UseFromName(std::string_view name);

struct OperationKey {
  std::string_view id;        // fragment without '#'
  Uses uses = 0;              // at least one
  std::string_view multikey;  // 'z...'
};

// A parsed operation. Views point into the JWS octets and the scratch buffer that ParseOperation got.
struct Operation {
  OperationKind kind = OperationKind::kCreate;
  ByteView jws;      // the whole, as received
  ByteView payload;  // decoded JSON
  uint64_t seq = 0;  // 0 for create
  Bytes32 prev{};    // H(JWS octets of the operation before); zero for create

  uint8_t key_count = 0;  // 0 for deactivate
  std::array<OperationKey, kMaxKeys> keys{};
  uint8_t next_threshold = 0;
  uint8_t next_count = 0;
  std::array<Bytes32, kMaxNext> next{};
  uint8_t by_count = 0;  // 0 for create
  std::array<std::string_view, kMaxNext> by{};
  Reason reason = Reason::kRoutine;
  uint64_t since = 0;         // with kCompromise
  std::string_view services;  // JSON array text, empty when absent
  Bytes32 net{};              // create: the network that it was made for; zero for others
  bool has_seal0 = false;
  Bytes32 seal0{};

  // Signatures in the order of `by`; for create one, by keys[0]. Parts as they stand, base64url.
  uint8_t signature_count = 0;
  std::array<std::string_view, kMaxNext> protected_headers{};
  std::array<std::string_view, kMaxNext> signatures{};
  std::string_view payload_text;
};

// H(JWS octets): the operation's name in `prev` and in heads.
Bytes32 OperationHash(ByteView jws);

// Reads compact JWS (one signature) or general JSON without white space (two or more). Protected headers are exactly
// {"alg":"EdDSA"} or {"alg":"ES256"}; unknown members are refused (a new version says v 2). Signatures are not
// verified. `scratch` (kMaxOperationPayload suffices) must live as long as the result. kTooLarge, kMalformed,
// kUnknownVersion, kDuplicate, kBadKey, kMissing, kBufferTooSmall.
Result<Operation> ParseOperation(ByteView jws, ByteSpan scratch);

// Verifies every signature: create by keys[0], others by `by` in order. ES256 must be low-S. kBadSignature.
// `work`: kOperationWork octets for operations with several signatures; smaller or none: they are on the stack.
inline constexpr size_t kOperationWork = kMaxOperation + 32;
Result<> VerifyOperationSignatures(const Operation& operation, ByteSpan work = {});

// Payload writers. Views in the structs need live only during the call. All check what ParseOperation would (counts,
// thresholds, ids) and return the JSON's length; kInvalidArgument, kBufferTooSmall.
struct CreateFields {
  Bytes32 net{};                       // H(genesis descriptor): a DID belongs to one network
  std::span<const OperationKey> keys;  // keys[0] signs
  uint8_t next_threshold = 1;
  std::span<const Bytes32> next;   // KeyHash of each next key
  std::string_view services;       // JSON array, or empty
  const Bytes32* seal0 = nullptr;  // devices only
  ByteArray<kOperationNonce> nonce{};
};
struct UpdateFields {
  Bytes32 prev{};
  uint64_t seq = 0;
  std::span<const std::string_view> by;  // Multikeys of the next keys that sign, as many as the threshold
  std::span<const OperationKey> keys;
  uint8_t next_threshold = 1;
  std::span<const Bytes32> next;
  std::string_view services;
  Reason reason = Reason::kRoutine;
  uint64_t since = 0;
};
struct DeactivateFields {
  Bytes32 prev{};
  uint64_t seq = 0;
  std::span<const std::string_view> by;
  Reason reason = Reason::kRoutine;
  uint64_t since = 0;
};
Result<size_t> BuildCreate(const CreateFields& fields, std::span<char> out);
Result<size_t> BuildUpdate(const UpdateFields& fields, std::span<char> out);
Result<size_t> BuildDeactivate(const DeactivateFields& fields, std::span<char> out);

struct Signer {
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
};
// Signs a payload: one signer gives compact JWS, several give general JSON with signatures in the signers' order (which
// must be that of `by`). Returns the JWS's length. kTooLarge over kMaxOperation.
Result<size_t> SignOperation(std::string_view payload, std::span<const Signer> signers, ByteSpan out);

}  // namespace keel::ledger
