// SPDX-License-Identifier: Apache-2.0
#include "core/result.h"

namespace keel {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kMalformed: return "malformed";
    case Code::kNotCanonical: return "not_canonical";
    case Code::kTooLarge: return "too_large";
    case Code::kBufferTooSmall: return "buffer_too_small";
    case Code::kUnsupported: return "unsupported";
    case Code::kDuplicate: return "duplicate";
    case Code::kMissing: return "missing";
    case Code::kOutOfRange: return "out_of_range";
    case Code::kBadSignature: return "bad_signature";
    case Code::kBadKey: return "bad_key";
    case Code::kDecryptFailed: return "decrypt_failed";
    case Code::kNoSuchKey: return "no_such_key";
    case Code::kNoEntropy: return "no_entropy";
    case Code::kWrongPassphrase: return "wrong_passphrase";
    case Code::kKeyStoreFailed: return "key_store_failed";
    case Code::kAlgorithmNotAllowed: return "algorithm_not_allowed";
    case Code::kInvalidDid: return "invalid_did";
    case Code::kInvalidDidUrl: return "invalid_did_url";
    case Code::kNotFound: return "not_found";
    case Code::kRepresentationNotSupported: return "representation_not_supported";
    case Code::kMethodNotSupported: return "method_not_supported";
    case Code::kInvalidDidDocument: return "invalid_did_document";
    case Code::kDeactivated: return "deactivated";
    case Code::kInternalError: return "internal_error";
    case Code::kBadProof: return "bad_proof";
    case Code::kNoQuorum: return "no_quorum";
    case Code::kStale: return "stale";
    case Code::kWrongEpoch: return "wrong_epoch";
    case Code::kSealSpent: return "seal_spent";
    case Code::kBadChain: return "bad_chain";
    case Code::kHistoryTooLong: return "history_too_long";
    case Code::kConflict: return "conflict";
    case Code::kNotSponsored: return "not_sponsored";
    case Code::kQuotaExceeded: return "quota_exceeded";
    case Code::kWrongNetwork: return "wrong_network";
    case Code::kWrongRecipient: return "wrong_recipient";
    case Code::kWrongSender: return "wrong_sender";
    case Code::kReplayed: return "replayed";
    case Code::kExpired: return "expired";
    case Code::kNotYetValid: return "not_yet_valid";
    case Code::kWrongAudience: return "wrong_audience";
    case Code::kWrongNonce: return "wrong_nonce";
    case Code::kWrongTranscript: return "wrong_transcript";
    case Code::kUntrusted: return "untrusted";
    case Code::kRevoked: return "revoked";
    case Code::kRefused: return "refused";
    case Code::kWrongState: return "wrong_state";
    case Code::kUnknownVersion: return "unknown_version";
    case Code::kBusy: return "busy";
    case Code::kRollback: return "rollback";
    case Code::kLocked: return "locked";
    case Code::kIo: return "io";
    case Code::kCorrupt: return "corrupt";
    case Code::kNoSpace: return "no_space";
    case Code::kTimeout: return "timeout";
    case Code::kUnreachable: return "unreachable";
    case Code::kHttpStatus: return "http_status";
    case Code::kClosed: return "closed";
    case Code::kExists: return "exists";
    case Code::kUnavailable: return "unavailable";
    case Code::kUsage: return "usage";
  }
  return "unknown";
}

}  // namespace keel
