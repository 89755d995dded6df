// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/proof.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "vc/credential.h"
#include "vc/data_integrity/internal/context_rules.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/data_integrity/internal/proof_config.h"
#include "vc/data_integrity/internal/sd_transform.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "add proof";
constexpr std::string_view kDataIntegrityContext = "https://w3id.org/security/data-integrity/v2";

constexpr std::array<std::pair<Cryptosuite, std::string_view>, 6> kNames = {{
    {Cryptosuite::kEddsaJcs2022, "eddsa-jcs-2022"},
    {Cryptosuite::kEddsaRdfc2022, "eddsa-rdfc-2022"},
    {Cryptosuite::kEcdsaJcs2019, "ecdsa-jcs-2019"},
    {Cryptosuite::kEcdsaRdfc2019, "ecdsa-rdfc-2019"},
    {Cryptosuite::kEcdsaSd2023, "ecdsa-sd-2023"},
    {Cryptosuite::kEd25519Signature2020, "Ed25519Signature2020"},
}};

std::unexpected<Error> Wrong(std::string detail) { return Fail(Code::kInvalidArgument, kWhere, std::move(detail)); }

Result<> CheckOptions(const ProofOptions& options) {
  if (options.cryptosuite == Cryptosuite::kEd25519Signature2020)
    return Fail(Code::kUnsupported, kWhere, "Ed25519Signature2020 is verified, never made: take eddsa-rdfc-2022");
  if (!internal::IsAbsoluteUrl(options.verification_method))
    return Wrong("verificationMethod must be the key's URL, not '" + options.verification_method + "'");
  if (!internal::RelationshipOf(options.proof_purpose))
    return Wrong("no proof purpose of ours: '" + options.proof_purpose + "'");
  if (options.id && !internal::IsAbsoluteUrl(*options.id))
    return Wrong("the proof's id is no URL: '" + *options.id + "'");
  if (options.created && options.expires && *options.expires <= *options.created)
    return Wrong("the proof would expire before it is made");
  if (options.domain.size() > kMaxProofs || options.previous_proof.size() > kMaxProofs)
    return Fail(Code::kTooLarge, kWhere, "more than " + std::to_string(kMaxProofs) + " domains or previous proofs");
  const auto empty = [](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), "") != list.end();
  };
  if (empty(options.domain) || empty(options.previous_proof) || (options.challenge && options.challenge->empty()) ||
      (options.nonce && options.nonce->empty()))
    return Wrong("a domain, challenge, nonce or previous proof is empty");
  if (!options.mandatory_pointers.empty() && options.cryptosuite != Cryptosuite::kEcdsaSd2023)
    return Wrong("mandatory pointers go with ecdsa-sd-2023 alone");
  if (!options.previous_proof.empty() && options.cryptosuite == Cryptosuite::kEcdsaSd2023)
    return Wrong("an ecdsa-sd-2023 proof can't follow another: what it covers is left out later");
  return {};
}

json OneOrMany(const std::vector<std::string>& values) { return values.size() == 1 ? json(values[0]) : json(values); }

json Config(const ProofOptions& options) {
  json config = {{"type", "DataIntegrityProof"},
                 {"cryptosuite", CryptosuiteName(options.cryptosuite)},
                 {"verificationMethod", options.verification_method},
                 {"proofPurpose", options.proof_purpose}};
  if (options.id) config["id"] = *options.id;
  if (options.created) config["created"] = base::Rfc3339(*options.created);
  if (options.expires) config["expires"] = base::Rfc3339(*options.expires);
  if (!options.domain.empty()) config["domain"] = OneOrMany(options.domain);
  if (options.challenge) config["challenge"] = *options.challenge;
  if (options.nonce) config["nonce"] = *options.nonce;
  if (!options.previous_proof.empty()) config["previousProof"] = OneOrMany(options.previous_proof);
  return config;
}

// Section 2.4.2: the terms of the proof must have a meaning.
void InjectContext(json& document, Cryptosuite suite, const json_ld::ContextStore& contexts) {
  auto it = document.find("@context");
  if (it == document.end()) {
    if (!internal::IsJcs(suite)) document["@context"] = kDataIntegrityContext;
    return;
  }
  if (!it->is_array()) *it = json::array({*it});
  for (const json& item : *it) {
    if (!item.is_string()) continue;
    if (item == kContextV2 || item == kDataIntegrityContext) return;
    const json_ld::ContextDocument* known = contexts.Find(item.get_ref<const std::string&>());
    if (known != nullptr && known->text.find("\"DataIntegrityProof\"") != std::string::npos) return;
  }
  it->push_back(kDataIntegrityContext);
}

// What the holder of a credential must not be able to leave out, besides what the caller wants.
std::vector<std::string> MandatoryPointers(const json& document, std::vector<std::string> pointers) {
  for (const char* name : {"issuer", "validFrom", "validUntil", "issuanceDate", "expirationDate", "credentialStatus",
                           "credentialSchema", "termsOfUse", "holder"}) {
    const std::string pointer = std::string("/") + name;
    if (document.contains(name) && std::find(pointers.begin(), pointers.end(), pointer) == pointers.end())
      pointers.push_back(pointer);
  }
  return pointers;
}

}  // namespace

std::string_view CryptosuiteName(Cryptosuite suite) {
  for (const auto& [known, name] : kNames) {
    if (known == suite) return name;
  }
  return "";
}

Result<Cryptosuite> CryptosuiteFromName(std::string_view name) {
  std::string known;
  for (const auto& [suite, text] : kNames) {
    if (text == name) return suite;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return Fail(Code::kUnsupported, "cryptosuite",
              "the cryptosuite '" + std::string(name) + "' is not one of those known here: " + known);
}

bool SuiteTakes(Cryptosuite suite, crypto::KeyType type) {
  switch (suite) {
    case Cryptosuite::kEddsaJcs2022:
    case Cryptosuite::kEddsaRdfc2022:
    case Cryptosuite::kEd25519Signature2020: return type == crypto::KeyType::kEd25519;
    case Cryptosuite::kEcdsaJcs2019:
    case Cryptosuite::kEcdsaRdfc2019: return type == crypto::KeyType::kP256 || type == crypto::KeyType::kP384;
    case Cryptosuite::kEcdsaSd2023: return type == crypto::KeyType::kP256;
  }
  return false;
}

Result<json> AddProof(const json& document, const ProofOptions& options, crypto::KeyStore& store, crypto::KeyHandle key,
                      const json_ld::ContextStore* contexts) {
  if (!document.is_object()) return Wrong("the document is no JSON object");
  KEEL_TRY_VOID(CheckOptions(options));
  const json_ld::ContextStore& known = contexts != nullptr ? *contexts : json_ld::BundledContexts();
  KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
  if (!SuiteTakes(options.cryptosuite, public_key.type()))
    return Wrong("a key of this type doesn't sign with " + std::string(CryptosuiteName(options.cryptosuite)));

  json secured = document;
  json all = json::array();
  json matching = json::array();
  if (secured.contains("proof")) {
    KEEL_TRY(const std::vector<const json*> proofs, internal::ProofsOf(secured));
    if (proofs.size() == kMaxProofs) return Fail(Code::kTooLarge, kWhere, "the document has as many proofs as it may");
    KEEL_TRY(matching, internal::MatchingProofs(proofs, options.previous_proof));
    for (const json* proof : proofs) all.push_back(*proof);
    secured.erase("proof");
  } else if (!options.previous_proof.empty()) {
    return Fail(Code::kNotFound, kWhere, "the document has no proof that this one could follow");
  }
  InjectContext(secured, options.cryptosuite, known);
  json proof = Config(options);
  const bool jcs = internal::IsJcs(options.cryptosuite);
  if (const auto context = secured.find("@context"); jcs && context != secured.end()) proof["@context"] = *context;
  // What we would refuse to read we refuse to sign.
  KEEL_TRY_VOID(internal::CheckContexts(secured, {&proof}, options.cryptosuite, known));

  if (options.cryptosuite == Cryptosuite::kEcdsaSd2023) {
    KEEL_TRY(proof["proofValue"],
             internal::CreateBaseProof(secured, proof, MandatoryPointers(secured, options.mandatory_pointers), store,
                                       key, known));
  } else {
    // Proofs that this one follows stand in the document while it is hashed.
    const bool follows = !matching.empty();
    if (follows) secured["proof"] = std::move(matching);
    KEEL_TRY(const base::ByteVec data,
             internal::HashData(secured, proof, options.cryptosuite, public_key.type(), known));
    if (follows) secured.erase("proof");
    ByteArray<crypto::kMaxSignature> signature;
    KEEL_TRY(const size_t length, store.Sign(key, data, signature));
    KEEL_TRY(proof["proofValue"], base::MultibaseBase58(ByteView(signature).first(length)));
  }
  if (all.empty()) {
    secured["proof"] = std::move(proof);
  } else {
    all.push_back(std::move(proof));
    secured["proof"] = std::move(all);
  }
  return secured;
}

}  // namespace keel::vc
