// SPDX-License-Identifier: Apache-2.0
// OpenSSL's SHA-256 uses the processor's instructions; SHA256_Init and its kin are deprecated and not slow, what took
// their place looks an algorithm up each time.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "vc/data_integrity/internal/hash_data.h"

#include <openssl/sha.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/jcs.h"
#include "crypto/hosted/sha384.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"

namespace keel::vc::internal {

using nlohmann::json;

namespace {

bool IsWrapper(const json& context) {
  return context.is_object() && context.size() == 1 && context.begin().key() == "@context" &&
         context.begin()->is_object();
}

bool HasWrapper(const json& document) {
  if (!document.is_object()) return false;
  if (const auto context = document.find("@context"); context != document.end()) {
    if (IsWrapper(*context)) return true;
    if (context->is_array() && std::any_of(context->begin(), context->end(), IsWrapper)) return true;
  }
  const auto embedded = document.find("verifiableCredential");
  if (embedded == document.end()) return false;
  return HasWrapper(*embedded) || (embedded->is_array() && std::any_of(embedded->begin(), embedded->end(), HasWrapper));
}

void Unwrap(json& context) {
  if (IsWrapper(context)) {
    json inner = std::move(*context.begin());
    context = std::move(inner);
  }
}

void UnwrapAll(json& document) {
  if (!document.is_object()) return;
  if (const auto context = document.find("@context"); context != document.end()) {
    Unwrap(*context);
    if (context->is_array()) std::for_each(context->begin(), context->end(), Unwrap);
  }
  const auto embedded = document.find("verifiableCredential");
  if (embedded == document.end()) return;
  UnwrapAll(*embedded);
  if (embedded->is_array()) std::for_each(embedded->begin(), embedded->end(), UnwrapAll);
}

}  // namespace

const json& WithPlainContexts(const json& document, json& storage) {
  if (!HasWrapper(document)) return document;
  storage = document;
  UnwrapAll(storage);
  return storage;
}

bool IsJcs(Cryptosuite suite) { return suite == Cryptosuite::kEddsaJcs2022 || suite == Cryptosuite::kEcdsaJcs2019; }

base::ByteVec SuiteHash(crypto::KeyType type, std::string_view text) {
  if (type == crypto::KeyType::kP384) return base::ToBytes(ByteView(crypto::Sha384(AsBytes(text))));
  base::ByteVec out(SHA256_DIGEST_LENGTH);
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(out.data(), &context);
  return out;
}

Result<std::string> CanonicalForm(const json& value, Cryptosuite suite, crypto::KeyType type,
                                  const json_ld::ContextStore& contexts) {
  if (IsJcs(suite)) return base::Jcs(value);
  json storage;
  KEEL_TRY(const rdf::Dataset dataset, json_ld::ToRdf(WithPlainContexts(value, storage), contexts));
  rdf::CanonicalizeOptions options;
  if (type == crypto::KeyType::kP384) options.hash = rdf::HashAlgorithm::kSha384;
  KEEL_TRY(const rdf::Canonical canonical, rdf::Canonicalize(dataset, options));
  return canonical.Text();
}

Result<base::ByteVec> ConfigHash(const json& document, const json& config, Cryptosuite suite, crypto::KeyType type,
                                 const json_ld::ContextStore& contexts) {
  if (IsJcs(suite)) {
    KEEL_TRY(const std::string canonical, CanonicalForm(config, suite, type, contexts));
    return SuiteHash(type, canonical);
  }
  json complete = config;
  if (const auto context = document.find("@context"); context != document.end()) {
    complete["@context"] = *context;
  } else {
    complete.erase("@context");
  }
  KEEL_TRY(const std::string canonical, CanonicalForm(complete, suite, type, contexts));
  return SuiteHash(type, canonical);
}

Result<base::ByteVec> DocumentHash(json& document, const json& config, Cryptosuite suite, crypto::KeyType type,
                                   const json_ld::ContextStore& contexts) {
  if (const auto context = config.find("@context"); IsJcs(suite) && context != config.end()) {
    json& own = document["@context"];
    if (own != *context) own = *context;
  }
  KEEL_TRY(const std::string canonical, CanonicalForm(document, suite, type, contexts));
  return SuiteHash(type, canonical);
}

Result<base::ByteVec> HashData(json& document, const json& config, Cryptosuite suite, crypto::KeyType type,
                               const json_ld::ContextStore& contexts) {
  KEEL_TRY(base::ByteVec out, ConfigHash(document, config, suite, type, contexts));
  KEEL_TRY(const base::ByteVec hash, DocumentHash(document, config, suite, type, contexts));
  out.insert(out.end(), hash.begin(), hash.end());
  return out;
}

}  // namespace keel::vc::internal
