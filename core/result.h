// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

#if defined(__linux__)
#define KEEL_HOSTED 1
#include <string>
#else
#define KEEL_HOSTED 0
#endif

namespace keel {

// What went wrong, numbered by area so that a code keeps its meaning across releases and the C ABI can carry it.
// Names follow the specifications' own where there are any.
enum class Code : uint16_t {
  kOk = 0,
  // 1..: input and encoding
  kInvalidArgument = 1,  // the caller's own argument is out of its documented range
  kMalformed = 2,        // octets are not in the form that was asked for
  kNotCanonical = 3,     // readable, but not in the one canonical form
  kTooLarge = 4,         // over a stated limit
  kBufferTooSmall = 5,   // the output does not fit the caller's buffer
  kUnsupported = 6,      // known form, but not one that is taken part in
  kDuplicate = 7,        // appears twice where once is allowed
  kMissing = 8,          // a required member is absent
  kOutOfRange = 9,       // a number outside its range
  // 40..: cryptography
  kBadSignature = 40,
  kBadKey = 41,  // not a valid key of its type (off curve, low order, wrong length)
  kDecryptFailed = 42,
  kNoSuchKey = 43,
  kNoEntropy = 44,
  kWrongPassphrase = 45,
  kKeyStoreFailed = 46,
  kAlgorithmNotAllowed = 47,
  // 80..: DIDs (DID Resolution's names)
  kInvalidDid = 80,
  kInvalidDidUrl = 81,
  kNotFound = 82,
  kRepresentationNotSupported = 83,
  kMethodNotSupported = 84,
  kInvalidDidDocument = 85,
  kDeactivated = 86,
  kInternalError = 87,
  // 120..: ledger
  kBadProof = 120,  // a Merkle or map proof that does not lead to the root
  kNoQuorum = 121,  // too few valid signatures of distinct members
  kStale = 122,     // older than the freshness limit, or than one already seen
  kWrongEpoch = 123,
  kSealSpent = 124,  // the seal is spent on another link
  kBadChain = 125,   // links do not follow each other
  kHistoryTooLong = 126,
  kConflict = 127,  // contradicts what the ledger already holds
  kNotSponsored = 128,
  kQuotaExceeded = 129,
  kWrongNetwork = 130,
  // 160..: DIDComm, credentials, onboarding
  kWrongRecipient = 160,
  kWrongSender = 161,
  kReplayed = 162,
  kExpired = 163,
  kNotYetValid = 164,
  kWrongAudience = 165,
  kWrongNonce = 166,
  kWrongTranscript = 167,
  kUntrusted = 168,
  kRevoked = 169,
  kRefused = 170,     // the peer refused, or policy does
  kWrongState = 171,  // not now: the message or verb does not fit the state
  kUnknownVersion = 172,
  kBusy = 173,
  kRollback = 174,  // older than the rollback counter allows
  kLocked = 175,    // factory mode is over
  // 200..: the world outside
  kIo = 200,
  kCorrupt = 201,
  kNoSpace = 202,
  kTimeout = 203,
  kUnreachable = 204,
  kHttpStatus = 205,
  kClosed = 206,
  kExists = 207,
  kUnavailable = 208,
  kUsage = 209,
};

// The code's name in lower_snake_case, e.g. "bad_signature"; never null.
const char* CodeName(Code code);

// An error: a code, a static string that says where (never owned, never null), and on hosts a sentence for people.
struct Error {
  Code code = Code::kInternalError;
  const char* where = "";
#if KEEL_HOSTED
  std::string detail;
  // "where: detail (code)"; one line.
  std::string Text() const;
#endif
};

template <typename T = void>
using Result = std::expected<T, Error>;

// Makes the error side of a Result: `return Fail(Code::kMalformed, "base64url");`
inline std::unexpected<Error> Fail(Code code, const char* where) {
  Error error;
  error.code = code;
  error.where = where;
  return std::unexpected<Error>(std::move(error));
}

#if KEEL_HOSTED
inline std::unexpected<Error> Fail(Code code, const char* where, std::string detail) {
  Error error;
  error.code = code;
  error.where = where;
  error.detail = std::move(detail);
  return std::unexpected<Error>(std::move(error));
}
#endif

// Stops the program: a bug in ours, never something that input can cause.
[[noreturn]] void AssertFailed(const char* expression, const char* file, int line);

}  // namespace keel

#define KEEL_CONCAT_INNER(a, b) a##b
#define KEEL_CONCAT(a, b) KEEL_CONCAT_INNER(a, b)

// `KEEL_TRY(auto x, F());` declares x from F()'s value, or returns F()'s error. `KEEL_TRY_VOID(F());` for Result<void>.
#define KEEL_TRY_IMPL(tmp, var, ...)                               \
  auto tmp = (__VA_ARGS__);                                        \
  if (!tmp) [[unlikely]]                                           \
    return std::unexpected<::keel::Error>(std::move(tmp.error())); \
  var = std::move(*tmp)
#define KEEL_TRY(var, ...) KEEL_TRY_IMPL(KEEL_CONCAT(keel_try_, __COUNTER__), var, __VA_ARGS__)
#define KEEL_TRY_VOID_IMPL(tmp, ...)                                 \
  do {                                                               \
    auto tmp = (__VA_ARGS__);                                        \
    if (!tmp) [[unlikely]]                                           \
      return std::unexpected<::keel::Error>(std::move(tmp.error())); \
  } while (false)
#define KEEL_TRY_VOID(...) KEEL_TRY_VOID_IMPL(KEEL_CONCAT(keel_try_, __COUNTER__), __VA_ARGS__)

#define KEEL_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::keel::AssertFailed(#expression, __FILE__, __LINE__))
