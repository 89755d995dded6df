// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/disclosure.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/sha384.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kSaltLength = 16;  // octets (RFC 9901, section 9.3)

std::unexpected<Error> Reject(Code code, std::string detail) { return Fail(code, "sd-jwt", std::move(detail)); }

// `_sd_alg` stands at the top of the payload and nowhere else (section 4.1.1). ParseJson has bounded the depth.
Result<> NoAlgorithm(const json& value) {
  if (value.is_object() && value.contains("_sd_alg"))
    return Reject(Code::kMalformed, "'_sd_alg' inside of the payload");
  if (value.is_structured()) {
    for (const json& inner : value) KEEL_TRY_VOID(NoAlgorithm(inner));
  }
  return {};
}

void AppendPointerToken(std::string& pointer, std::string_view token) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

// Others' text, for a sentence.
std::string Shown(const std::string& text) {
  constexpr size_t kLongest = 64;
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

struct Opened {
  size_t position;  // among the disclosures
  std::optional<std::string> name;
  json value;
  bool used = false;
};

Result<Opened> Open(const std::string& text, size_t position) {
  const std::string which = "disclosure " + std::to_string(position + 1);
  if (text.size() > kMaxDisclosure) return Reject(Code::kTooLarge, which);
  const auto octets = base::FromBase64Url(text);
  if (!octets) return Reject(Code::kMalformed, which + " is no base64url: " + octets.error().detail);
  auto parsed = base::ParseJson(AsText(*octets), {.max_size = kMaxDisclosure});
  if (!parsed) return Reject(parsed.error().code, which + " is no JSON: " + parsed.error().detail);
  if (!parsed->is_array() || (parsed->size() != 2 && parsed->size() != 3) || !(*parsed)[0].is_string())
    return Reject(Code::kMalformed, which + " is no array of a salt, a name and a value, or of a salt and a value");
  KEEL_TRY_VOID(NoAlgorithm(parsed->back()));
  Opened opened{.position = position, .name = std::nullopt, .value = std::move(parsed->back())};
  if (parsed->size() == 3) {
    if (!(*parsed)[1].is_string()) return Reject(Code::kMalformed, which + " has a name that is no string");
    opened.name = (*parsed)[1].get<std::string>();
    if (*opened.name == "_sd" || *opened.name == "..." || *opened.name == "_sd_alg")
      return Reject(Code::kMalformed, which + " is named '" + *opened.name + "', which no claim may be");
  }
  return opened;
}

// Walks the payload and what the disclosures bring into it.
class Discloser {
 public:
  explicit Discloser(SdClaims& out) : out_(out) {}

  Result<> Load(std::span<const std::string> disclosures) {
    if (disclosures.size() > kMaxDisclosures)
      return Reject(Code::kTooLarge, std::to_string(disclosures.size()) + " disclosures");
    for (size_t i = 0; i < disclosures.size(); ++i) {
      KEEL_TRY(Opened opened, Open(disclosures[i], i));
      if (!opened_.emplace(SdDigest(out_.hash, disclosures[i]), std::move(opened)).second)
        return Reject(Code::kDuplicate, "disclosure " + std::to_string(i + 1) + " is there twice");
    }
    return {};
  }

  Result<> Walk(json& node, size_t depth) {
    if (node.is_structured() && depth > kMaxSdDepth)
      return Reject(Code::kTooLarge, "nested over " + std::to_string(kMaxSdDepth) + " deep");
    if (node.is_object()) return WalkObject(node, depth);
    if (node.is_array()) return WalkArray(node, depth);
    return {};
  }

  Result<> AllUsed() const {
    for (const auto& [digest, opened] : opened_) {
      if (!opened.used)
        return Reject(Code::kMissing, "no digest refers to disclosure " + std::to_string(opened.position + 1));
    }
    return {};
  }

 private:
  // A place below the one that the walk is at, for as long as it lives.
  class Below {
   public:
    Below(std::string& path, std::string_view token) : path_(path), size_(path.size()) {
      AppendPointerToken(path, token);
    }
    ~Below() { path_.resize(size_); }
    Below(const Below&) = delete;
    Below& operator=(const Below&) = delete;

   private:
    std::string& path_;
    size_t size_;
  };

  // Counts what is kept of pointers: each may be nearly as long as the token, and there may be thousands.
  Result<> Keep() {
    kept_ += path_.size();
    if (kept_ > kMaxSdPointers) return Reject(Code::kTooLarge, "the names above disclosures are too long");
    return {};
  }
  Result<> KeepConcealing() {
    KEEL_TRY_VOID(Keep());
    out_.concealing.push_back(path_);
    return {};
  }
  Result<> KeepClaim(const Opened& opened) {
    KEEL_TRY_VOID(Keep());
    out_.claims.push_back({path_, opened.position});
    return {};
  }

  // The disclosure behind a digest that was found; null: undisclosed, or a decoy.
  Result<Opened*> Find(const std::string& digest) {
    if (!seen_.insert(digest).second)
      return Reject(Code::kDuplicate, "the digest " + Shown(digest) + " is there twice");
    if (seen_.size() > kMaxSdDigests) return Reject(Code::kTooLarge, "too many digests");
    const auto it = opened_.find(digest);
    if (it == opened_.end()) {
      ++out_.undisclosed;
      return nullptr;
    }
    it->second.used = true;
    return &it->second;
  }

  Result<> WalkObject(json& object, size_t depth) {
    if (object.contains("...")) return Reject(Code::kMalformed, "'...' in an object that is no array element");
    json digests = json::array();
    if (const auto sd = object.find("_sd"); sd != object.end()) {
      if (!sd->is_array()) return Reject(Code::kMalformed, "'_sd' is no array");
      digests = std::move(*sd);
      object.erase(sd);
    }
    for (auto& [name, value] : object.items()) {
      const Below below(path_, name);
      KEEL_TRY_VOID(Walk(value, depth + 1));
    }
    if (!digests.empty()) KEEL_TRY_VOID(KeepConcealing());
    for (const json& digest : digests) {
      if (!digest.is_string()) return Reject(Code::kMalformed, "'_sd' has an element that is no string");
      KEEL_TRY(Opened* const opened, Find(digest.get_ref<const std::string&>()));
      if (opened == nullptr) continue;
      const std::string which = "disclosure " + std::to_string(opened->position + 1);
      if (!opened->name) return Reject(Code::kMalformed, which + " has no name, and stands for an object's member");
      if (object.contains(*opened->name))
        return Reject(Code::kDuplicate, which + " discloses '" + Shown(*opened->name) + "', which is there already");
      const Below below(path_, *opened->name);
      KEEL_TRY_VOID(KeepClaim(*opened));
      json& value = object[*opened->name] = std::move(opened->value);
      KEEL_TRY_VOID(Walk(value, depth + 1));
    }
    return {};
  }

  Result<> WalkArray(json& array, size_t depth) {
    json kept = json::array();
    bool conceals = false;
    for (json& element : array) {
      if (!element.is_object() || !element.contains("...")) {
        const Below below(path_, std::to_string(kept.size()));
        KEEL_TRY_VOID(Walk(element, depth + 1));
        kept.push_back(std::move(element));
        continue;
      }
      const json& digest = element["..."];
      if (element.size() != 1 || !digest.is_string())
        return Reject(Code::kMalformed, "'...' with other members, or no string");
      if (!conceals) KEEL_TRY_VOID(KeepConcealing());
      conceals = true;
      KEEL_TRY(Opened* const opened, Find(digest.get_ref<const std::string&>()));
      if (opened == nullptr) continue;
      if (opened->name)
        return Reject(Code::kMalformed, "disclosure " + std::to_string(opened->position + 1) +
                                            " has a name, and stands for an array's element");
      const Below below(path_, std::to_string(kept.size()));
      KEEL_TRY_VOID(KeepClaim(*opened));
      kept.push_back(std::move(opened->value));
      KEEL_TRY_VOID(Walk(kept.back(), depth + 1));
    }
    array = std::move(kept);
    return {};
  }

  SdClaims& out_;
  std::map<std::string, Opened> opened_;  // by digest
  std::set<std::string> seen_;
  std::string path_;  // where the walk is
  size_t kept_ = 0;
};

}  // namespace

std::string_view SdHashName(SdHash hash) {
  switch (hash) {
    case SdHash::kSha256: return "sha-256";
    case SdHash::kSha384: return "sha-384";
    case SdHash::kSha512: return "sha-512";
  }
  return "";
}

Result<SdHash> SdHashFromName(std::string_view name) {
  for (const SdHash hash : {SdHash::kSha256, SdHash::kSha384, SdHash::kSha512}) {
    if (SdHashName(hash) == name) return hash;
  }
  return Reject(Code::kUnsupported, "_sd_alg is '" + std::string(name) + "'; sha-256, sha-384 and sha-512 are known");
}

std::string SdDigest(SdHash hash, std::string_view text) {
  switch (hash) {
    case SdHash::kSha256: return base::Base64Url(crypto::Sha256::Of(text));
    case SdHash::kSha384: return base::Base64Url(crypto::Sha384(AsBytes(text)));
    case SdHash::kSha512: return base::Base64Url(crypto::Sha512(AsBytes(text)));
  }
  return {};
}

Result<std::string> MakeDisclosure(const std::string* name, const json& value, Random& random) {
  ByteArray<kSaltLength> salt;
  KEEL_TRY_VOID(random.Fill(salt));
  json disclosure = json::array({base::Base64Url(salt)});
  if (name != nullptr) disclosure.push_back(*name);
  disclosure.push_back(value);
  return base::Base64Url(AsBytes(base::DumpJson(disclosure)));
}

Result<SdClaims> DiscloseClaims(json& payload, std::span<const std::string> disclosures) {
  if (!payload.is_object()) return Reject(Code::kMalformed, "the payload is no JSON object");
  SdClaims out;
  if (const auto name = payload.find("_sd_alg"); name != payload.end()) {
    if (!name->is_string()) return Reject(Code::kMalformed, "'_sd_alg' is no string");
    KEEL_TRY(out.hash, SdHashFromName(name->get_ref<const std::string&>()));
    payload.erase(name);
  }
  KEEL_TRY_VOID(NoAlgorithm(payload));
  Discloser discloser(out);
  KEEL_TRY_VOID(discloser.Load(disclosures));
  KEEL_TRY_VOID(discloser.Walk(payload, 0));
  KEEL_TRY_VOID(discloser.AllUsed());
  return out;
}

std::string PointerTo(const std::string& parent, std::string_view token) {
  std::string out = parent;
  AppendPointerToken(out, token);
  return out;
}

bool PointerWithin(std::string_view pointer, std::string_view ancestor) {
  return pointer.starts_with(ancestor) && (pointer.size() == ancestor.size() || pointer[ancestor.size()] == '/');
}

}  // namespace keel::vc
