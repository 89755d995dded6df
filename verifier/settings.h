// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "verifier/policy.h"
#include "verifier/profile.h"
#include "verifier/records.h"

namespace keel::verifier {

// Where the owner's broker is; goes into M4's `net`.
struct BrokerAddress {
  std::string host;
  uint16_t port = 0;
};

// What the owner may change while the service runs: policy, profiles, the broker. Kept in the records. Thread-safe.
class Settings {
 public:
  explicit Settings(Records& records) : records_(records) {}
  Result<> Load();

  std::shared_ptr<const Policy> policy() const;
  Result<> SetPolicy(const std::string& json_text);

  // The profile of the model, else that of "*", else an empty one.
  Profile ProfileFor(const std::string& model) const;
  std::vector<Profile> Profiles() const;
  Result<> SetProfile(const Profile& profile);

  BrokerAddress broker() const;
  Result<> SetBroker(const BrokerAddress& broker);

 private:
  Records& records_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_ = std::make_shared<Policy>(Policy::Default());
  std::map<std::string, Profile> profiles_;
  BrokerAddress broker_;
};

}  // namespace keel::verifier
