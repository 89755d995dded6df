// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "did/resolver.h"
#include "registry-client/history_source.h"
#include "vc/batch.h"
#include "vc/credential.h"

// Two levels: an error means "could not be checked" (unreachable registry, unknown algorithm of ours); a Verification
// is a verdict with its reasons.
namespace keel::json_ld {
class ContextStore;
}

namespace keel::vc {

struct Check {
  std::string name;  // one of kCheck...
  bool ok = false;
  std::string detail;  // what was seen, and when !ok what was wanted
};

inline constexpr std::string_view kCheckEnvelope = "envelope";  // JWT's form, typ, algorithm
inline constexpr std::string_view kCheckModel = "data_model";
inline constexpr std::string_view kCheckIssuer = "issuer";  // kid belongs to the issuer, key listed for assertionMethod
inline constexpr std::string_view kCheckSignature = "signature";
inline constexpr std::string_view kCheckValidity = "validity";
inline constexpr std::string_view kCheckBatch = "batch";
inline constexpr std::string_view kCheckStatus = "status";
inline constexpr std::string_view kCheckSubject = "subject";
inline constexpr std::string_view kCheckTrust = "trust";
inline constexpr std::string_view kCheckNonce = "nonce";
inline constexpr std::string_view kCheckAudience = "audience";
inline constexpr std::string_view kCheckHolder = "holder";
inline constexpr std::string_view kCheckCredentials = "credentials";
inline constexpr std::string_view kCheckContext = "context";        // every context known, no term with two meanings
inline constexpr std::string_view kCheckProof = "proof";            // a Data Integrity proof's form and configuration
inline constexpr std::string_view kCheckPurpose = "proof_purpose";  // what the proof is for, and the key allowed for it
inline constexpr std::string_view kCheckChallenge = "challenge";
inline constexpr std::string_view kCheckDomain = "domain";
inline constexpr std::string_view kCheckDisclosures = "disclosures";  // SD-JWT: each digested once
inline constexpr std::string_view kCheckKeyBinding = "key_binding";   // SD-JWT: the holder's token
inline constexpr std::string_view kCheckSchema = "schema";
inline constexpr std::string_view kCheckDefinition = "definition";  // the issuer's credential definition on the ledger
inline constexpr std::string_view kCheckRelatedResource = "related_resource";

struct Verification {
  std::vector<Check> checks;  // in the order made; checking stops early only where nothing further can be said
  Credential credential;      // parsed when the envelope could be read
  std::string kid;
  std::optional<uint64_t> log_index;  // ledger time of the batch, proved
  std::vector<std::string> statuses;  // purposes whose bit is set ("revocation", "suspension")
  std::string form;                   // "vc+jwt", "eddsa-rdfc-2022", "dc+sd-jwt", "vc+cose", ...: how it was secured
  // A presentation: `credential.json` is then the presentation's octets, and each credential in it has its own verdict.
  bool presentation = false;
  std::string holder;  // who presented it (or bound it to their key), proved
  std::vector<Verification> credentials;

  bool valid() const;
  const Check* Find(std::string_view name) const;
  // The first failed check in a sentence; empty when valid.
  std::string Reason() const;
  nlohmann::json ToJson() const;
};

// Asks whether a status entry's bit is set. status_list/checker.h has the real one.
class StatusChecker {
 public:
  virtual ~StatusChecker() = default;
  struct Status {
    bool set = false;   // the value isn't 0
    bool fresh = true;  // false: the list is older than it may be (the verdict is then invalid unless policy forgives)
    uint64_t version = 0;
    // The list's own times (its validFrom, validUntil), and when it was got; absent where the list or checker has none.
    std::optional<UnixSeconds> issued_at, valid_until, fetched_at;
    std::string detail;
    uint64_t value = 0;   // the entry's bits, most significant first
    std::string message;  // what the credential says that this value means (statusMessage); else "set" or "unset"
    // Not empty: entry and list contradict each other, and the status check fails; the name that Bitstring Status List
    // 1.0 (section 3.5) gives it, STATUS_VERIFICATION_ERROR, STATUS_LIST_LENGTH_ERROR, RANGE_ERROR, ...
    std::string problem;
  };
  // An error: could not be checked (unreachable, forged, of an issuer who has no say).
  virtual Result<Status> Check(const StatusEntry& entry, const std::string& issuer, UnixSeconds now) = 0;
};

// Asks whether a credential meets the schemas that it names (vc/schema has the real one).
class SchemaChecker {
 public:
  virtual ~SchemaChecker() = default;
  struct Verdict {
    bool ok = false;
    std::string detail;
  };
  // The whole credential as JSON. An error: could not be checked (a schema that can't be got).
  virtual Result<Verdict> Check(const nlohmann::json& credential, const std::string& issuer) = 0;
};

// What of the ledger a verification needs. Null members: that question can't be asked.
struct LedgerView {
  registry_client::HistorySource* histories = nullptr;
  // The log index at which the issuer anchored the root, proved; kNotFound.
  std::function<Result<uint64_t>(const std::string& issuer, const Bytes32& root)> batch_index;
};

struct VerifyOptions {
  std::optional<UnixSeconds> now;      // absent: validity isn't checked (no check is recorded)
  StatusChecker* status = nullptr;     // null: credentials with a status get a failed status check unless ignore_status
  bool ignore_status = false;          // records no status check
  const BatchMember* batch = nullptr;  // the credential's membership, if it came with one
  bool require_batch = false;          // kCheckBatch fails without
  LedgerView ledger;
  // Where something that commits to this credential's octets stands in the ledger, proved by the caller (a link's
  // spend): the issuer's key is judged there, as with a batch. Not with `batch`.
  std::optional<uint64_t> anchored_at;
  std::optional<std::string> subject;        // must be this one
  std::vector<std::string> trusted_issuers;  // empty: kCheckTrust isn't made
  size_t max_size = kMaxCredential;          // octets; larger fails kCheckEnvelope
  // Contexts known besides the bundled ones; null: the bundled ones only. None is ever fetched.
  const json_ld::ContextStore* contexts = nullptr;
  // Related resources at hand, by URL; contexts needn't be among them. Null: none.
  const std::map<std::string, std::string>* resources = nullptr;
  SchemaChecker* schemas = nullptr;  // null: no schema check is recorded
  // The caller's own keys, for an issuer whose identifier leads to none (`--key`): tried where it doesn't resolve.
  std::vector<crypto::PublicKey> given_keys;
  // Data Integrity: an issuer that is a URL and no DID isn't held against the key of the proof (kCheckIssuer says so),
  // which then proves that a key has signed and not whose it is. For endpoints that others' test suites drive.
  bool unproved_url_issuers = false;
  // What a presentation or key-binding token must be bound to, by either name: challenge or nonce, domain or audience.
  // Absent: not demanded. What is demanded and isn't there fails: a credential by itself is bound to nothing.
  std::optional<std::string> challenge, domain, audience, nonce;
};

// Verifies a vc+jwt. With a batch whose root is anchored, the issuer's key is judged at that log index (a key rotated
// since still counts; one that was compromised then doesn't); without, only a key that is current counts. The status is
// asked for (fetched from where the credential says) only when the signature holds and the issuer is trusted. Errors:
// the resolver's, ledger's and status checker's (could not be checked). Whatever the sender can cause is a verdict.
Result<Verification> VerifyCredential(std::string_view jwt, did::DidResolver& resolver, const VerifyOptions& options);

}  // namespace keel::vc
