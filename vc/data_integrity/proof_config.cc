// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/internal/proof_config.h"

#include <algorithm>

namespace keel::vc::internal {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "proof";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, kWhere, std::move(detail)); }

Result<std::string> String(const json& proof, const char* name) {
  const auto it = proof.find(name);
  if (it == proof.end()) return Bad(std::string("'") + name + "' is missing");
  if (!it->is_string() || it->get_ref<const std::string&>().empty())
    return Bad(std::string("'") + name + "' is no string, or empty");
  return it->get<std::string>();
}

Result<std::optional<UnixSeconds>> Time(const json& proof, const char* name) {
  if (!proof.contains(name)) return std::nullopt;
  KEEL_TRY(const std::string text, String(proof, name));
  auto time = ParseDateTimeStamp(text);
  if (!time) return Bad(std::string("'") + name + "' is no dateTimeStamp: " + text);
  return *time;
}

bool IsNumberBetween(std::string_view text, int low, int high) {
  if (text.size() != 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  const int value = (text[0] - '0') * 10 + (text[1] - '0');
  return value >= low && value <= high;
}

}  // namespace

Result<UnixSeconds> ParseDateTimeStamp(std::string_view text) {
  // RFC 3339's times and those of the schema differ in three ways: an offset is at most 14 hours, 24:00:00 is the end
  // of the day, and (Data Integrity alone) the offset may be missing.
  std::string stamp(text);
  if (stamp.size() < 19) return Bad("no dateTimeStamp");
  size_t end = 19;
  if (end < stamp.size() && stamp[end] == '.') {
    do ++end;
    while (end < stamp.size() && stamp[end] >= '0' && stamp[end] <= '9');
  }
  if (end == stamp.size()) {
    stamp += 'Z';
  } else if (stamp[end] != 'Z') {
    const std::string_view offset = std::string_view(stamp).substr(end);
    if (offset.size() != 6 || !(IsNumberBetween(offset.substr(1, 2), 0, 13) || offset.substr(1) == "14:00"))
      return Bad("no offset of at most 14 hours");
  }
  uint64_t more = 0;
  if (std::string_view(stamp).substr(11, 8) == "24:00:00") {
    if (stamp.find_first_not_of("0.", 19) != end) return Bad("after the end of the day");
    stamp.replace(11, 8, "23:59:59");
    more = 1;
  }
  KEEL_TRY(const UnixSeconds time, ParseRfc3339(stamp));
  return time + more;
}

std::optional<did::Relationship> RelationshipOf(std::string_view purpose) {
  using enum did::Relationship;
  for (const auto use : {kAssertionMethod, kAuthentication, kCapabilityInvocation, kCapabilityDelegation}) {
    if (purpose == did::RelationshipName(use)) return use;
  }
  return std::nullopt;
}

bool IsAbsoluteUrl(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size() || text.size() > 8192) return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!letter(text[0])) return false;
  for (const char c : text.substr(0, colon)) {
    if (!letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c) > 0x20 && c != '<' && c != '>' && c != '"' && c != '\\' && c != '`' && c != '{' &&
           c != '}' && c != '|' && c != '^';
  });
}

Result<std::vector<std::string>> StringSet(const json& value, const char* name) {
  std::vector<std::string> out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_array()) {
    if (value.size() > kMaxProofs) return Fail(Code::kTooLarge, kWhere, std::string("'") + name + "' has too many");
    for (const json& item : value) {
      if (!item.is_string()) return Bad(std::string("'") + name + "' has an element that is no string");
      out.push_back(item.get<std::string>());
    }
  } else {
    return Bad(std::string("'") + name + "' is neither a string nor an array of strings");
  }
  if (out.empty() || std::find(out.begin(), out.end(), "") != out.end())
    return Bad(std::string("'") + name + "' is empty");
  return out;
}

Result<Proof> ReadProof(json proof) {
  if (!proof.is_object()) return Bad("no object");
  Proof out;
  KEEL_TRY(const std::string type, String(proof, "type"));
  if (type == "DataIntegrityProof") {
    KEEL_TRY(const std::string suite, String(proof, "cryptosuite"));
    KEEL_TRY(out.suite, CryptosuiteFromName(suite));
    // Its name is that of a type, not of a cryptosuite.
    if (out.suite == Cryptosuite::kEd25519Signature2020)
      return Fail(Code::kUnsupported, kWhere, "the cryptosuite '" + suite + "' is not known here");
  } else if (type == CryptosuiteName(Cryptosuite::kEd25519Signature2020)) {
    out.suite = Cryptosuite::kEd25519Signature2020;
    if (proof.contains("cryptosuite")) return Bad("a proof of type " + type + " has no cryptosuite");
  } else {
    return Fail(Code::kUnsupported, kWhere, "the proof type '" + type + "' is not known here, only DataIntegrityProof");
  }
  KEEL_TRY(out.method, String(proof, "verificationMethod"));
  if (!IsAbsoluteUrl(out.method)) return Bad("verificationMethod is no URL: " + out.method);
  KEEL_TRY(out.purpose, String(proof, "proofPurpose"));
  KEEL_TRY(out.created, Time(proof, "created"));
  KEEL_TRY(out.expires, Time(proof, "expires"));
  if (proof.contains("id")) {
    KEEL_TRY(out.id, String(proof, "id"));
    if (!IsAbsoluteUrl(out.id)) return Bad("id is no URL: " + out.id);
  }
  if (const auto it = proof.find("domain"); it != proof.end()) {
    KEEL_TRY(out.domain, StringSet(*it, "domain"));
  }
  if (proof.contains("challenge")) {
    KEEL_TRY(out.challenge, String(proof, "challenge"));
  }
  if (proof.contains("nonce")) KEEL_TRY_VOID(String(proof, "nonce"));
  if (const auto it = proof.find("previousProof"); it != proof.end()) {
    KEEL_TRY(out.previous, StringSet(*it, "previousProof"));
  }
  KEEL_TRY(const std::string value, String(proof, "proofValue"));
  const char prefix = out.suite == Cryptosuite::kEcdsaSd2023 ? 'u' : 'z';
  if (value[0] != prefix) {
    return Bad(std::string("proofValue doesn't begin with '") + prefix + "' (" +
               (prefix == 'z' ? "base58btc" : "base64url") + "), as " + std::string(CryptosuiteName(out.suite)) +
               " has it");
  }
  auto octets = prefix == 'z' ? base::FromBase58(std::string_view(value).substr(1))
                              : base::FromBase64Url(std::string_view(value).substr(1));
  if (!octets) return Bad("proofValue: " + octets.error().Text());
  out.value = std::move(*octets);
  proof.erase("proofValue");
  out.config = std::move(proof);
  return out;
}

Result<std::vector<const json*>> ProofsOf(const json& document) {
  if (!document.is_object()) return Bad("the document is no object");
  const auto it = document.find("proof");
  if (it == document.end()) return Bad("the document has no proof");
  if (it->is_object()) return std::vector<const json*>{&*it};
  if (!it->is_array() || it->empty()) return Bad("'proof' is neither an object nor an array of objects");
  if (it->size() > kMaxProofs) return Fail(Code::kTooLarge, kWhere, "more than " + std::to_string(kMaxProofs));
  std::vector<const json*> out;
  for (const json& item : *it) {
    if (!item.is_object()) return Bad("'proof' has an element that is no object");
    out.push_back(&item);
  }
  return out;
}

Result<json> MatchingProofs(const std::vector<const json*>& proofs, const std::vector<std::string>& previous) {
  json out = json::array();
  std::vector<std::string> open = previous;
  for (const json* proof : proofs) {
    const auto id = proof->find("id");
    if (id == proof->end() || !id->is_string()) continue;
    const auto& text = id->get_ref<const std::string&>();
    if (std::find(previous.begin(), previous.end(), text) == previous.end()) continue;
    const auto place = std::find(open.begin(), open.end(), text);
    if (place == open.end()) return Fail(Code::kDuplicate, kWhere, "two proofs have the id " + text);
    std::erase(open, text);
    out.push_back(*proof);
  }
  if (!open.empty()) return Fail(Code::kNotFound, kWhere, "no proof has the id that previousProof names: " + open[0]);
  return out;
}

}  // namespace keel::vc::internal
