// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/internal/sd_transform.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

namespace keel::vc::internal {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "ecdsa-sd-2023";
constexpr const char* kSkolemPrefix = "urn:bnid:";

std::unexpected<Error> BadPointer(const std::string& pointer, const char* why) {
  return Fail(Code::kInvalidArgument, kWhere, "the JSON pointer '" + pointer + "' " + why);
}

// RFC 6901 section 3, without the empty pointer: all of a document is no selection.
Result<std::vector<std::string>> Split(const std::string& pointer) {
  if (pointer.empty() || pointer[0] != '/') return BadPointer(pointer, "doesn't begin with '/'");
  std::vector<std::string> out;
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      out.emplace_back();
    } else if (pointer[i] != '~') {
      out.back() += pointer[i];
    } else if (i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      out.back() += pointer[++i] == '0' ? '~' : '/';
    } else {
      return BadPointer(pointer, "has a '~' that is followed by neither 0 nor 1");
    }
  }
  return out;
}

std::optional<size_t> Index(const std::string& text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return std::stoul(text);
}

// What is selected of a value.
struct Selection {
  bool whole = false;
  std::map<std::string, Selection> members;
  std::map<size_t, Selection> items;
};

Result<> Add(Selection& root, const json& document, const std::string& pointer) {
  KEEL_TRY(const std::vector<std::string> path, Split(pointer));
  Selection* selection = &root;
  const json* value = &document;
  for (const std::string& step : path) {
    if (value->is_array()) {
      const std::optional<size_t> index = Index(step);
      if (!index || *index >= value->size()) return BadPointer(pointer, "leads nowhere in this document");
      selection = &selection->items[*index];
      value = &(*value)[*index];
      continue;
    }
    const auto it = value->is_object() ? value->find(step) : value->end();
    if (!value->is_object() || it == value->end()) return BadPointer(pointer, "leads nowhere in this document");
    selection = &selection->members[step];
    value = &*it;
  }
  selection->whole = true;
  return {};
}

// Depth is the document's, which its parser has bounded.
json Render(const Selection& selection, const json& source) {
  if (selection.whole) return source;
  if (source.is_array()) {
    json out = json::array();
    for (const auto& [index, item] : selection.items) out.push_back(Render(item, source[index]));
    return out;
  }
  json out = json::object();
  for (const char* name : {"id", "@id"}) {
    const auto it = source.find(name);
    if (it != source.end() && it->is_string() && !it->get_ref<const std::string&>().starts_with("_:")) out[name] = *it;
  }
  if (const auto it = source.find("type"); it != source.end()) out["type"] = *it;
  for (const auto& [name, member] : selection.members) out[name] = Render(member, source[name]);
  return out;
}

void Relabel(rdf::Term& term, const std::map<std::string, std::string>& labels) {
  if (!term.blank()) return;
  if (const auto it = labels.find(term.value); it != labels.end()) term.value = it->second;
}

Result<ByteArray<64>> Sign(crypto::KeyStore& store, crypto::KeyHandle key, ByteView message) {
  ByteArray<crypto::kMaxSignature> octets;
  KEEL_TRY(const size_t length, store.Sign(key, message, octets));
  if (length != 64) return Fail(Code::kInvalidArgument, kWhere, "the key doesn't sign with ES256");
  ByteArray<64> out;
  std::copy_n(octets.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

std::string LabelText(const Bytes32& digest) { return "u" + base::Base64Url(digest); }

Result<json> Select(const json& document, const std::vector<std::string>& pointers) {
  if (pointers.empty()) return json(nullptr);
  if (pointers.size() > kMaxPointers)
    return Fail(Code::kTooLarge, kWhere, "more than " + std::to_string(kMaxPointers) + " JSON pointers");
  Selection root;
  for (const std::string& pointer : pointers) KEEL_TRY_VOID(Add(root, document, pointer));
  json out = Render(root, document);
  if (const auto context = document.find("@context"); context != document.end()) out["@context"] = *context;
  return out;
}

Result<Statements> CanonicalizeAndGroup(const json& document, const Bytes32& hmac_key,
                                        const std::vector<std::vector<std::string>>& groups,
                                        const json_ld::ContextStore& contexts) {
  json_ld::ToRdfOptions to_rdf;
  to_rdf.skolem_prefix = kSkolemPrefix;
  json storage;
  KEEL_TRY(const json skolemized, json_ld::Skolemize(WithPlainContexts(document, storage), contexts, to_rdf));
  KEEL_TRY(const rdf::Dataset dataset, json_ld::ToRdf(skolemized, contexts, to_rdf));
  rdf::CanonicalizeOptions options;
  options.relabel = [&](std::string_view canonical) {
    return LabelText(crypto::HmacSha256(hmac_key, AsBytes(canonical)));
  };
  KEEL_TRY(rdf::Canonical canonical, rdf::Canonicalize(dataset, options));
  if (canonical.quads.size() > kMaxStatements)
    return Fail(Code::kTooLarge, kWhere, "more than " + std::to_string(kMaxStatements) + " statements");
  Statements out;
  out.quads = std::move(canonical.quads);
  out.labels = std::move(canonical.issued);
  for (const std::vector<std::string>& pointers : groups) {
    KEEL_TRY(const json selected, Select(skolemized, pointers));
    rdf::Dataset selection;
    if (!selected.is_null()) {
      KEEL_TRY(selection, json_ld::ToRdf(selected, contexts, to_rdf));
    }
    std::set<std::string> lines;
    for (rdf::Quad quad : selection.quads) {
      for (rdf::Term* term : {&quad.subject, &quad.object, &quad.graph}) Relabel(*term, out.labels);
      lines.insert(rdf::ToNQuad(quad));
    }
    std::vector<size_t>& indexes = out.groups.emplace_back();
    for (size_t i = 0; i < out.quads.size(); ++i) {
      if (lines.contains(out.quads[i])) indexes.push_back(i);
    }
    // Each statement of a part is one of the whole; what isn't could be neither signed nor disclosed.
    if (indexes.size() != lines.size())
      return Fail(Code::kUnsupported, kWhere, "a part of the document says something else than the whole");
    out.selections.push_back(std::move(selection));
  }
  return out;
}

Result<base::ByteVec> SignedData(const json& document, const json& config, const crypto::PublicKey& proof_key,
                                 const std::vector<std::string>& mandatory, const json_ld::ContextStore& contexts) {
  json complete = config;
  complete["@context"] = document.value("@context", json());
  KEEL_TRY(const std::string text,
           CanonicalForm(complete, Cryptosuite::kEcdsaSd2023, crypto::KeyType::kP256, contexts));
  crypto::Sha256 hash;
  for (const std::string& quad : mandatory) hash.Update(quad);
  const Bytes32 mandatory_hash = hash.Final();
  base::ByteVec out = base::ToBytes(ByteView(crypto::Sha256::Of(text)));
  KEEL_TRY(const base::ByteVec key, MultikeyOctets(proof_key));
  out.insert(out.end(), key.begin(), key.end());
  out.insert(out.end(), mandatory_hash.begin(), mandatory_hash.end());
  return out;
}

Result<BaseProofValue> CreateBase(const json& document, const json& config,
                                  const std::vector<std::string>& mandatory_pointers, const Bytes32& hmac_key,
                                  crypto::KeyStore& proof_store, crypto::KeyHandle proof_key, crypto::KeyStore& store,
                                  crypto::KeyHandle key, const json_ld::ContextStore& contexts) {
  KEEL_TRY(const Statements statements, CanonicalizeAndGroup(document, hmac_key, {mandatory_pointers}, contexts));
  BaseProofValue out;
  out.hmac_key = hmac_key;
  out.mandatory_pointers = mandatory_pointers;
  KEEL_TRY(out.public_key, proof_store.Public(proof_key));
  std::vector<std::string> mandatory;
  const std::vector<size_t>& selected = statements.groups[0];
  for (size_t i = 0; i < statements.quads.size(); ++i) {
    if (std::binary_search(selected.begin(), selected.end(), i)) {
      mandatory.push_back(statements.quads[i]);
    } else {
      KEEL_TRY(const ByteArray<64> signature, Sign(proof_store, proof_key, AsBytes(statements.quads[i])));
      out.signatures.push_back(signature);
    }
  }
  KEEL_TRY(const base::ByteVec data, SignedData(document, config, out.public_key, mandatory, contexts));
  KEEL_TRY(out.base_signature, Sign(store, key, data));
  return out;
}

Result<std::string> CreateBaseProof(const json& document, const json& config,
                                    const std::vector<std::string>& mandatory_pointers, crypto::KeyStore& store,
                                    crypto::KeyHandle key, const json_ld::ContextStore& contexts) {
  const auto proof_store = crypto::SoftwareKeyStore::CreateInMemory();
  KEEL_TRY(const crypto::KeyHandle proof_key, proof_store->Generate(crypto::KeyType::kP256));
  Bytes32 hmac_key;
  const ScopedWipe wipe(hmac_key);
  KEEL_TRY_VOID(crypto::SystemRandom().Fill(hmac_key));
  KEEL_TRY(const BaseProofValue value,
           CreateBase(document, config, mandatory_pointers, hmac_key, *proof_store, proof_key, store, key, contexts));
  KEEL_TRY(const base::ByteVec octets, SerializeBase(value));
  return "u" + base::Base64Url(octets);
}

Result<SdVerdict> VerifyDerived(const json& document, const json& config, ByteView proof_value,
                                const crypto::PublicKey& key, const json_ld::ContextStore& contexts) {
  const auto no = [](std::string detail) { return SdVerdict{false, std::move(detail)}; };
  if (IsBaseProof(proof_value))
    return no("this is the base proof, which is for the holder alone: a proof derived from it is wanted");
  const auto value = ParseDerived(proof_value);
  if (!value) return no(value.error().Text());
  json storage;
  KEEL_TRY(const rdf::Dataset dataset, json_ld::ToRdf(WithPlainContexts(document, storage), contexts));
  bool labelled = true;
  size_t used = 0;
  rdf::CanonicalizeOptions options;
  options.relabel = [&](std::string_view canonical) {
    const std::optional<size_t> number = Index(std::string(canonical.substr(std::string_view("c14n").size())));
    const auto it = number ? value->labels.find(*number) : value->labels.end();
    labelled = labelled && it != value->labels.end();
    if (it == value->labels.end()) return std::string(canonical);
    ++used;
    return LabelText(it->second);
  };
  const auto canonical = rdf::Canonicalize(dataset, options);
  if (!canonical) return no(canonical.error().Text());  // labels that are not different, or a poison graph
  if (!labelled || used != value->labels.size()) return no("the labels are not those of the document's blank nodes");
  const std::vector<size_t>& indexes = value->mandatory_indexes;
  if (!indexes.empty() && indexes.back() >= canonical->quads.size())
    return no("a mandatory index is beyond the statements");
  if (value->signatures.size() != canonical->quads.size() - indexes.size()) {
    return no(std::to_string(value->signatures.size()) + " signatures for " +
              std::to_string(canonical->quads.size() - indexes.size()) + " statements that are not mandatory");
  }
  std::vector<std::string> mandatory;
  std::vector<std::string_view> others;
  for (size_t i = 0; i < canonical->quads.size(); ++i) {
    if (std::binary_search(indexes.begin(), indexes.end(), i)) {
      mandatory.push_back(canonical->quads[i]);
    } else {
      others.push_back(canonical->quads[i]);
    }
  }
  KEEL_TRY(const base::ByteVec data, SignedData(document, config, value->public_key, mandatory, contexts));
  KEEL_TRY(const bool base_good, crypto::VerifyEitherS(key, data, value->base_signature));
  if (!base_good) return no("wrong for what the issuer demands to be disclosed");
  for (size_t i = 0; i < others.size(); ++i) {
    KEEL_TRY(const bool good, crypto::VerifyEitherS(value->public_key, AsBytes(others[i]), value->signatures[i]));
    if (!good) return no("wrong for a disclosed statement: " + std::string(others[i].substr(0, others[i].size() - 1)));
  }
  return SdVerdict{true, std::to_string(others.size()) + " disclosed statements and " +
                             std::to_string(mandatory.size()) + " mandatory ones"};
}

}  // namespace keel::vc::internal
