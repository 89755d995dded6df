// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/verify.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "vc/common_checks.h"
#include "vc/data_integrity/internal/context_rules.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/data_integrity/internal/proof_config.h"
#include "vc/data_integrity/internal/sd_transform.h"

namespace keel::vc {
namespace {

using internal::Proof;
using nlohmann::json;

// One check over all proofs: it holds when it does for each.
struct Outcome {
  bool ok = true;
  std::string detail;
  void Add(bool good, const std::string& text) {
    if (ok && !good) {
      ok = false;
      detail.clear();
    }
    if (good == ok && !text.empty() && detail.find(text) == std::string::npos)
      detail += (detail.empty() ? "" : "; ") + text;
  }
};

// An error of ours in words: the check's name says where.
std::string Why(const Error& error) { return error.detail.empty() ? error.Text() : error.detail; }

class Verifier {
 public:
  Verifier(did::DidResolver& resolver, const VerifyOptions& options)
      : resolver_(resolver),
        options_(options),
        contexts_(options.contexts != nullptr ? *options.contexts : json_ld::BundledContexts()) {}

  Result<Verification> Run(std::string_view octets) {
    verdict_.form = "DataIntegrityProof";
    if (!Open(octets)) return std::move(verdict_);
    const bool readable = ReadProofs();
    CheckContextsOfAll();
    if (readable) CheckBindings();
    verdict_.log_index = options_.anchored_at;
    json storage;
    const json& plain = internal::WithPlainContexts(document_, storage);
    if (AddModelCheck(verdict_, plain, options_)) {
      if (readable) {
        KEEL_TRY_VOID(CheckSignatures());
      } else {
        Note(verdict_, kCheckSignature, false, "not checked: a proof can't be read");
      }
    }
    KEEL_TRY_VOID(AddCommonChecks(verdict_, plain, options_));
    return std::move(verdict_);
  }

 private:
  bool Open(std::string_view octets) {
    auto document = base::ParseJson(octets, {.max_size = options_.max_size});
    if (!document) {
      Note(verdict_, kCheckEnvelope, false, document.error().Text());
      return false;
    }
    document_ = std::move(*document);
    if (auto proofs = internal::ProofsOf(document_); !proofs) {
      Note(verdict_, kCheckEnvelope, false, Why(proofs.error()));
      return false;
    }
    const auto proof = document_.find("proof");
    json taken = std::move(*proof);
    document_.erase(proof);
    raw_proofs_ = taken.is_array() ? std::move(taken) : json::array({std::move(taken)});
    const auto type = document_.find("type");
    const auto is = [](const json& item) { return item == "VerifiablePresentation"; };
    presentation_ =
        type != document_.end() && (is(*type) || (type->is_array() && std::any_of(type->begin(), type->end(), is)));
    verdict_.credential.json = octets;
    Note(verdict_, kCheckEnvelope, true, std::to_string(raw_proofs_.size()) + " embedded proof(s)");
    return true;
  }

  bool ReadProofs() {
    Outcome outcome;
    for (const json& raw : raw_proofs_) pointers_.push_back(&raw);
    const bool alone = raw_proofs_.size() == 1;  // then nobody asks for it again
    for (json& raw : raw_proofs_) {
      auto proof = alone ? internal::ReadProof(std::move(raw)) : internal::ReadProof(raw);
      if (!proof) {
        outcome.Add(false, Why(proof.error()));
        continue;
      }
      const std::string name(CryptosuiteName(proof->suite));
      const std::string problem = ProblemOfProof(*proof);
      outcome.Add(problem.empty(), problem.empty() ? name : problem);
      proofs_.push_back(std::move(*proof));
    }
    if (proofs_.size() == raw_proofs_.size() && HasCycle()) outcome.Add(false, "proofs follow each other in a circle");
    if (!proofs_.empty()) verdict_.form = CryptosuiteName(proofs_[0].suite);
    if (!proofs_.empty()) verdict_.kid = proofs_[0].method;
    Note(verdict_, kCheckProof, outcome.ok, outcome.detail);
    return proofs_.size() == raw_proofs_.size();
  }

  std::string ProblemOfProof(const Proof& proof) const {
    if (options_.now) {
      if (proof.created && !NotBeforeOk(*proof.created, *options_.now))
        return "the proof is made at " + base::Rfc3339(*proof.created) + ", and it is " + base::Rfc3339(*options_.now);
      if (proof.expires && !NotAfterOk(*proof.expires, *options_.now))
        return "the proof expired at " + base::Rfc3339(*proof.expires) + ", and it is " + base::Rfc3339(*options_.now);
    }
    if (proof.created && proof.expires && *proof.expires < *proof.created) return "the proof expires before it is made";
    if (!proof.previous.empty()) {
      if (proof.suite == Cryptosuite::kEcdsaSd2023) return "an ecdsa-sd-2023 proof can't follow another";
      if (auto matching = internal::MatchingProofs(pointers_, proof.previous); !matching) return Why(matching.error());
    }
    return {};
  }

  // Takes away, again and again, the proofs whose predecessors are all gone.
  bool HasCycle() const {
    std::vector<bool> gone(proofs_.size(), false);
    for (size_t round = 0; round < proofs_.size(); ++round) {
      for (size_t i = 0; i < proofs_.size(); ++i) gone[i] = gone[i] || FollowsOnly(proofs_[i], gone);
    }
    return std::find(gone.begin(), gone.end(), false) != gone.end();
  }

  bool FollowsOnly(const Proof& proof, const std::vector<bool>& gone) const {
    for (size_t i = 0; i < proofs_.size(); ++i) {
      const bool named = std::find(proof.previous.begin(), proof.previous.end(), proofs_[i].id) != proof.previous.end();
      if (named && !gone[i]) return false;
    }
    return true;
  }

  void CheckContextsOfAll() {
    std::vector<const json*> rdf, jcs;
    Cryptosuite rdf_suite = Cryptosuite::kEddsaRdfc2022;
    for (const Proof& proof : proofs_) {
      (internal::IsJcs(proof.suite) ? jcs : rdf).push_back(&proof.config);
      if (!internal::IsJcs(proof.suite)) rdf_suite = proof.suite;
    }
    Outcome outcome;
    const auto check = [&](const std::vector<const json*>& proofs, Cryptosuite suite) {
      if (proofs.empty()) return;
      const auto result = internal::CheckContexts(document_, proofs, suite, contexts_);
      outcome.Add(result.has_value(), result ? "all contexts are known" : Why(result.error()));
    };
    check(jcs, Cryptosuite::kEddsaJcs2022);
    check(rdf, rdf_suite);
    if (!proofs_.empty()) Note(verdict_, kCheckContext, outcome.ok, outcome.detail);
  }

  void CheckBindings() {
    const std::string_view wanted = presentation_ ? "authentication" : "assertionMethod";
    Outcome purpose, domain, challenge, audience, nonce;
    for (const Proof& proof : proofs_) {
      const bool fits = proof.purpose == wanted;
      purpose.Add(
          fits, fits ? proof.purpose : "the proof is made for '" + proof.purpose + "', not for " + std::string(wanted));
      if (options_.domain) {
        const bool same = proof.domain.size() == 1 && proof.domain[0] == *options_.domain;
        std::string seen;
        for (const std::string& item : proof.domain) seen += (seen.empty() ? "" : ", ") + item;
        domain.Add(same,
                   same ? seen : "wanted " + *options_.domain + ", the proof has " + (seen.empty() ? "none" : seen));
      }
      // What tokens call audience and nonce is the domain and the challenge here.
      if (options_.audience) {
        const bool same = proof.domain.size() == 1 && proof.domain[0] == *options_.audience;
        audience.Add(same, same ? *options_.audience : "wanted " + *options_.audience + " as the proof's domain");
      }
      if (options_.nonce) {
        const bool same = proof.challenge == options_.nonce;
        nonce.Add(same, same ? *options_.nonce : "wanted " + *options_.nonce + " as the proof's challenge");
      }
      if (options_.challenge) {
        const bool same = proof.challenge == options_.challenge;
        challenge.Add(same,
                      same ? *proof.challenge
                           : "wanted " + *options_.challenge + ", the proof has " + proof.challenge.value_or("none"));
      }
    }
    Note(verdict_, kCheckPurpose, purpose.ok, purpose.detail);
    if (options_.domain) Note(verdict_, kCheckDomain, domain.ok, domain.detail);
    if (options_.challenge) Note(verdict_, kCheckChallenge, challenge.ok, challenge.detail);
    if (options_.audience) Note(verdict_, kCheckAudience, audience.ok, audience.detail);
    if (options_.nonce) Note(verdict_, kCheckNonce, nonce.ok, nonce.detail);
  }

  // The keys that may have made a proof. `own`: they are the issuer's or holder's.
  Result<KeyChoice> KeysFor(const Proof& proof, const std::string& party, bool& own) const {
    const did::Relationship use =
        presentation_ ? did::Relationship::kAuthentication : did::Relationship::kAssertionMethod;
    const std::string controller(did::DidOf(proof.method));
    // A method without a DID is taken for the key that the caller gives.
    own = controller == party ||
          (!party.empty() && !did::IsDid(party) && !did::IsDid(controller) && !options_.given_keys.empty());
    const auto choose = [&]() -> Result<KeyChoice> {
      if (own) return ChooseKeys(party, proof.method, use, resolver_, options_, options_.anchored_at);
      VerifyOptions others;
      others.ledger = options_.ledger;
      return ChooseKeys(controller, proof.method, use, resolver_, others, options_.anchored_at);
    };
    auto choice = choose();
    if (!choice) {
      // No suite of ours takes a key of a type that we don't hold.
      if (choice.error().code != Code::kUnsupported) return std::unexpected<Error>(choice.error());
      return KeyChoice{false, choice.error().Text(), {}};
    }
    if (choice->ok && !(own && !did::IsDid(party))) KEEL_TRY_VOID(CheckController(*choice, controller, proof.method));
    // A key that the caller vouches for is the issuer's, wherever else it is published.
    if (choice->ok && !own && !presentation_ && IsGiven(choice->keys)) {
      own = true;
      choice->detail += ", given for " + party;
    }
    return choice;
  }

  bool IsGiven(const std::vector<crypto::PublicKey>& keys) const {
    return std::any_of(keys.begin(), keys.end(), [&](const crypto::PublicKey& key) {
      return std::find(options_.given_keys.begin(), options_.given_keys.end(), key) != options_.given_keys.end();
    });
  }

  // A method may stand in a document and be another's (Controlled Identifiers 1.0, section 2.2).
  Result<> CheckController(KeyChoice& choice, const std::string& controller, const std::string& method) const {
    if (controller.starts_with("did:key:") || controller.starts_with("did:jwk:")) return {};
    const auto result = resolver_.Resolve(controller);
    if (!result) return {};  // it has been resolved by other means
    const did::VerificationMethod* found = result->document->Find(method);
    if (found == nullptr || found->controller.empty() || found->controller == controller) return {};
    choice = {false, method + " is controlled by " + found->controller + ", not by " + controller, {}};
    return {};
  }

  Result<> CheckSignatures() {
    const std::string party = presentation_ ? HolderOf(document_) : verdict_.credential.issuer;
    Outcome keys, signatures;
    bool by_party = false;
    for (const Proof& proof : proofs_) {
      bool own = false;
      KEEL_TRY(const KeyChoice choice, KeysFor(proof, party, own));
      keys.Add(choice.ok, choice.detail);
      if (!choice.ok) {
        signatures.Add(false, "no key to check it with");
        continue;
      }
      by_party = by_party || own;
      std::string detail;
      KEEL_TRY(const bool good, SignatureHolds(proof, choice.keys, detail));
      signatures.Add(good, detail);
    }
    if (!party.empty() && !by_party) {
      if (options_.unproved_url_issuers && !presentation_ && !did::IsDid(party)) {
        keys.Add(true, party + " is a URL: whether the key is the issuer's is not checked");
      } else {
        keys.Add(false, "no proof is made by a key of " + party + ", the " + (presentation_ ? "holder" : "issuer") +
                            ": verificationMethod is " + proofs_[0].method);
      }
    }
    if (presentation_) verdict_.holder = party.empty() ? std::string(did::DidOf(proofs_[0].method)) : party;
    Note(verdict_, presentation_ ? kCheckHolder : kCheckIssuer, keys.ok, keys.detail);
    Note(verdict_, kCheckSignature, signatures.ok, signatures.detail);
    return {};
  }

  Result<bool> SignatureHolds(const Proof& proof, const std::vector<crypto::PublicKey>& keys, std::string& detail) {
    bool fits = false;
    for (const crypto::PublicKey& key : keys) {
      if (!SuiteTakes(proof.suite, key.type())) continue;
      fits = true;
      KEEL_TRY(const bool good, SignatureOf(proof, key, detail));
      if (good) return true;
    }
    if (!fits) {
      detail = proof.method + " is not a key of a type that " + std::string(CryptosuiteName(proof.suite)) + " takes";
    }
    return false;
  }

  Result<bool> SignatureOf(const Proof& proof, const crypto::PublicKey& key, std::string& detail) {
    if (proof.suite == Cryptosuite::kEcdsaSd2023) {
      auto verdict = internal::VerifyDerived(document_, proof.config, proof.value, key, contexts_);
      if (!verdict) return DocumentRefused(verdict.error(), detail);
      detail = "made by " + proof.method + ": " + verdict->detail;
      if (!verdict->ok) detail = "wrong: " + verdict->detail;
      return verdict->ok;
    }
    KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
    if (proof.value.size() != crypto::SignatureLength(algorithm)) {
      detail = "proofValue has " + std::to_string(proof.value.size()) + " octets, not " +
               std::to_string(crypto::SignatureLength(algorithm));
      return false;
    }
    json matching = json::array();
    if (!proof.previous.empty()) {
      auto found = internal::MatchingProofs(pointers_, proof.previous);
      if (!found) {
        detail = Why(found.error());
        return false;
      }
      matching = std::move(*found);
    }
    return SignatureOver(proof, key, matching, detail);
  }

  Result<bool> SignatureOver(const Proof& proof, const crypto::PublicKey& key, const json& matching,
                             std::string& detail) {
    const auto own_context = proof.config.find("@context");
    const auto whole_context = document_.find("@context");
    const bool other_context = internal::IsJcs(proof.suite) && own_context != proof.config.end() &&
                               (whole_context == document_.end() || *whole_context != *own_context);
    auto data = internal::ConfigHash(document_, proof.config, proof.suite, key.type(), contexts_);
    if (!data) return DocumentRefused(data.error(), detail);
    Result<base::ByteVec> hash;
    if (matching.empty() && !other_context) {
      hash = HashOfDocument(proof, key.type());
    } else {
      json input = document_;
      if (!matching.empty()) input["proof"] = matching;
      hash = internal::DocumentHash(input, proof.config, proof.suite, key.type(), contexts_);
    }
    if (!hash) return DocumentRefused(hash.error(), detail);
    data->insert(data->end(), hash->begin(), hash->end());
    KEEL_TRY(const bool good, crypto::VerifyEitherS(key, *data, proof.value));
    detail = good ? "made by " + proof.method : "wrong: not made by " + proof.method;
    return good;
  }

  // The document alone is hashed once for each canonical form and digest, however many proofs it has.
  Result<base::ByteVec> HashOfDocument(const Proof& proof, crypto::KeyType type) {
    const std::pair key(internal::IsJcs(proof.suite), type == crypto::KeyType::kP384);
    if (const auto it = hashes_.find(key); it != hashes_.end()) return it->second;
    KEEL_TRY(base::ByteVec hash, internal::DocumentHash(document_, proof.config, proof.suite, type, contexts_));
    return hashes_[key] = std::move(hash);
  }

  // What couldn't be canonicalized is the document's doing: a failed kCheckContext for JSON-LD, a wrong signature
  // besides.
  bool DocumentRefused(const Error& error, std::string& detail) {
    detail = "not checked: " + error.Text();
    for (Check& check : verdict_.checks) {
      if (check.name != kCheckContext || !check.ok) continue;
      check.ok = false;
      check.detail = (error.code == Code::kRefused ? std::string(internal::kDataLoss) : std::string()) + error.Text();
    }
    return false;
  }

  did::DidResolver& resolver_;
  const VerifyOptions& options_;
  const json_ld::ContextStore& contexts_;
  Verification verdict_;
  json document_;  // without its proofs
  json raw_proofs_;
  std::vector<const json*> pointers_;  // to them
  std::vector<Proof> proofs_;
  std::map<std::pair<bool, bool>, base::ByteVec> hashes_;  // of document_
  bool presentation_ = false;
};

}  // namespace

Result<Verification> VerifyDataIntegrity(std::string_view octets, did::DidResolver& resolver,
                                         const VerifyOptions& options) {
  return Verifier(resolver, options).Run(octets);
}

}  // namespace keel::vc
