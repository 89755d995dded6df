// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/related_resource.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "vc/data_model/digest.h"
#include "vc/json_ld/context_store.h"

namespace keel::vc {
namespace {

using nlohmann::json;

// SHA-256, SHA-384, SHA-512 of w3c/vc-data-model contexts/credentials/v2 at 8d0ee1072f16 (3 July 2024); the octets
// aren't kept.
constexpr std::string_view kEarlierV2[] = {
    "24a18c90e9856d526111f29376e302d970b2bd10182e33959995b0207d7043b9",
    "35239c36999d2155312091af194a1edb61634d6ad789a5e5b19f2aebdd762dd9d1dcaada40eda7ef921c6b8c0ae107a0",
    "cb1336dfa8670d80d03344b3b0cc25faf4d45201823c35f39bb1afe5a9f911f615ff4ec80ec5f2f89e33d14e96bec8be78e38df35b918c9cd5"
    "f3b3449bd6c88f",
};

bool IsEarlierText(const std::string& url, const Digest& digest) {
  return url == kContextV2 && std::ranges::find(kEarlierV2, base::Hex(digest.octets)) != std::end(kEarlierV2);
}

// Every digest of the member; each must fit (an array of them says the same thing several times).
template <typename Read>
bool AllFit(const json& resource, const char* name, Read read, const std::string& url, std::string_view text) {
  const auto member = resource.find(name);
  if (member == resource.end()) return true;
  const auto fits = [&](const json& one) {
    if (!one.is_string()) return false;
    const auto digests = read(one.template get_ref<const std::string&>());
    if (!digests) return false;
    return MatchesStrongest(*digests, text) ||
           std::ranges::any_of(*digests, [&](const Digest& digest) { return IsEarlierText(url, digest); });
  };
  return member->is_array() ? std::ranges::all_of(*member, fits) : fits(*member);
}

}  // namespace

Check CheckRelatedResources(const json& credential, const json_ld::ContextStore* contexts,
                            const std::map<std::string, std::string>& given) {
  Check check{std::string(kCheckRelatedResource), true, {}};
  const auto member = credential.find("relatedResource");
  if (member == credential.end()) return check;
  const json_ld::ContextStore& store = contexts != nullptr ? *contexts : json_ld::BundledContexts();
  const auto note = [&](const std::string& text) { check.detail += (check.detail.empty() ? "" : "; ") + text; };
  const auto one = [&](const json& resource) {
    const auto id = resource.is_object() ? resource.find("id") : resource.end();
    if (id == resource.end() || !id->is_string()) {
      check.ok = false;
      note("one without id");
      return;
    }
    const std::string& url = id->get_ref<const std::string&>();
    std::string_view text;
    if (const auto it = given.find(url); it != given.end()) {
      text = it->second;
    } else if (const json_ld::ContextDocument* context = store.Find(url); context != nullptr) {
      text = context->text;
    } else {
      note(url + " is not at hand and wasn't compared");
      return;
    }
    if (AllFit(resource, "digestSRI", ReadDigestSri, url, text) &&
        AllFit(resource, "digestMultibase", ReadDigestMultibase, url, text)) {
      note(url + " has that digest");
    } else {
      check.ok = false;
      note(url + " has another digest");
    }
  };
  if (member->is_array()) {
    for (const json& resource : *member) one(resource);
  } else {
    one(*member);
  }
  return check;
}

}  // namespace keel::vc
