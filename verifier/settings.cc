// SPDX-License-Identifier: Apache-2.0
#include "verifier/settings.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"

namespace keel::verifier {

using nlohmann::json;

namespace {
constexpr const char* kPolicy = "policy";
constexpr const char* kProfiles = "profile/";
constexpr const char* kBroker = "broker";
}  // namespace

Result<> Settings::Load() {
  KEEL_TRY(const std::optional<std::string> policy_text, records_.Document(kPolicy));
  if (policy_text) {
    KEEL_TRY(Policy policy, Policy::Parse(*policy_text));
    policy_ = std::make_shared<Policy>(std::move(policy));
  }
  KEEL_TRY(const auto profile_texts, records_.Documents(kProfiles));
  for (const auto& [name, text] : profile_texts) {
    KEEL_TRY(const json value, base::ParseJson(text));
    KEEL_TRY(Profile profile, Profile::FromJson(value));
    profiles_[profile.model] = std::move(profile);
  }
  KEEL_TRY(const std::optional<std::string> broker_text, records_.Document(kBroker));
  if (broker_text) {
    KEEL_TRY(const json value, base::ParseJson(*broker_text));
    KEEL_TRY(broker_.host, base::GetString(value, "host"));
    KEEL_TRY(const uint64_t port, base::GetUint(value, "port"));
    broker_.port = static_cast<uint16_t>(port);
  }
  return {};
}

std::shared_ptr<const Policy> Settings::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

Result<> Settings::SetPolicy(const std::string& json_text) {
  KEEL_TRY(Policy policy, Policy::Parse(json_text));
  KEEL_TRY_VOID(records_.SaveDocument(kPolicy, policy.ToText()));
  const std::lock_guard lock(mutex_);
  policy_ = std::make_shared<Policy>(std::move(policy));
  return {};
}

Profile Settings::ProfileFor(const std::string& model) const {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : {model, std::string("*")}) {
    const auto found = profiles_.find(name);
    if (found != profiles_.end()) return found->second;
  }
  Profile none;
  none.model = "*";
  none.configuration = "{}";
  return none;
}

std::vector<Profile> Settings::Profiles() const {
  const std::lock_guard lock(mutex_);
  std::vector<Profile> all;
  for (const auto& [model, profile] : profiles_) all.push_back(profile);
  return all;
}

Result<> Settings::SetProfile(const Profile& profile) {
  KEEL_TRY_VOID(records_.SaveDocument(kProfiles + profile.model, base::DumpJson(profile.ToJson())));
  const std::lock_guard lock(mutex_);
  profiles_[profile.model] = profile;
  return {};
}

BrokerAddress Settings::broker() const {
  const std::lock_guard lock(mutex_);
  return broker_;
}

Result<> Settings::SetBroker(const BrokerAddress& broker) {
  KEEL_TRY_VOID(records_.SaveDocument(kBroker, base::DumpJson({{"host", broker.host}, {"port", broker.port}})));
  const std::lock_guard lock(mutex_);
  broker_ = broker;
  return {};
}

}  // namespace keel::verifier
