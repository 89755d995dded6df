// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "did/resolver.h"
#include "registry-client/registry_client.h"
#include "vc/verification.h"
#include "verifier/policy.h"

namespace keel::vc {
class DefinitionBook;
}

namespace keel::verifier {

// Log indices of issuer batches: once anchored they never change, so they are kept for good (at most 65,536).
// Thread-safe.
class BatchIndices {
 public:
  explicit BatchIndices(registry_client::RegistryClient& registry) : registry_(registry) {}
  Result<uint64_t> Find(const std::string& issuer, const Bytes32& root);

 private:
  registry_client::RegistryClient& registry_;
  std::mutex mutex_;
  std::map<std::pair<std::string, Bytes32>, uint64_t> known_;
};

// What the owner finds out about a device before it takes it in.
struct HardwareReport {
  Judgement judgement;  // every check and rule, met or not
  std::string facts;    // JSON that the rules were asked about
  std::string model, serial;
  std::string firmware_version;
};

// Verifies the HardwareCredential that a device presented and judges it by the policy. Thread-safe.
class HardwareCheck {
 public:
  struct Parts {
    did::DidResolver& resolver;
    registry_client::HistorySource& histories;
    BatchIndices& batches;
    vc::StatusChecker& status;
    // Credential definitions: a credential that names one must keep to it; null: none is looked at.
    vc::DefinitionBook* definitions = nullptr;
    vc::SchemaChecker* schemas = nullptr;  // of the schemas that a credential names; null: none is looked at
  };
  explicit HardwareCheck(Parts parts) : parts_(parts) {}

  // jwt, batch (JSON of {salt,i,n,path,index}, empty: none) as the device sent them; maker: whose HardwareCredential
  // came with the sale, the only one trusted when the policy names none. A manufacturer whose DID is deactivated is
  // refused (docs/decisions/0056). An error: could not be checked (registry or status list out of reach). report:
  // whatever else.
  Result<HardwareReport> Check(const std::string& jwt, const nlohmann::json& batch, const std::string& device,
                               const std::string& maker, const nlohmann::json& report, const Policy& policy,
                               UnixSeconds now);

 private:
  Result<bool> MakerDeactivated(const vc::Verification& verification);
  Result<nlohmann::json> CheckDefinition(vc::Verification& verification, const std::string& jwt);

  Parts parts_;
};

}  // namespace keel::verifier
