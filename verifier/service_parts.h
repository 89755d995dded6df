// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "base/storage/key_value_store.h"
#include "custody/identity.h"
#include "custody/store.h"
#include "custody/verbs.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "did/resolver.h"
#include "didcomm/mediator/mediator.h"
#include "registry-client/registry_client.h"
#include "vc/definition/definition.h"
#include "vc/status_list/status_list.h"
#include "verifier/claim_book.h"
#include "verifier/firmware.h"
#include "verifier/hardware_check.h"
#include "verifier/members.h"
#include "verifier/onboarding.h"
#include "verifier/prover.h"
#include "verifier/records.h"
#include "verifier/relay.h"
#include "verifier/service.h"
#include "verifier/session_keys.h"
#include "verifier/settings.h"

// Shared by service.cc and verbs.cc only. Members are destroyed in reverse order: what stands below uses what stands
// above.
namespace keel::verifier {

struct Service::Impl {
  explicit Impl(base::LockFile data_lock) : lock(std::move(data_lock)) {}

  ServiceOptions options;
  base::LockFile lock;
  base::SystemClock clock;
  base::SystemRandom random;
  std::unique_ptr<base::HttpClient> http;
  std::unique_ptr<custody::Identity> identity;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<custody::CustodyStore> custody;
  std::unique_ptr<registry_client::RegistryClient> registry;
  std::unique_ptr<did::CachingHistorySource> histories;
  std::unique_ptr<did::KeelMethod> keel_method;
  did::KeyMethod key_method;
  did::PeerMethod peer_method;
  did::MethodResolver resolver;
  std::unique_ptr<custody::CustodyContext> custody_context;
  std::unique_ptr<vc::ListStatusChecker> status;
  std::unique_ptr<BatchIndices> batches;
  std::unique_ptr<vc::SchemaStore> schemas;
  std::unique_ptr<vc::StoreSchemaChecker> schema_checker;
  std::unique_ptr<vc::DefinitionBook> definitions;
  std::unique_ptr<HardwareCheck> hardware;
  std::unique_ptr<Records> records;
  std::unique_ptr<Settings> settings;
  std::unique_ptr<SessionKeys> keys;
  std::unique_ptr<Members> members;
  std::unique_ptr<FirmwareStore> firmware;
  std::unique_ptr<Prover> prover;
  std::unique_ptr<ClaimBook> book;
  std::unique_ptr<Relay> relay;
  std::unique_ptr<Onboarding> onboarding;
  std::string url;
  std::unique_ptr<didcomm::Mediator> mediator;  // null: not enabled
  std::unique_ptr<base::HttpServer> server;

  // verbs.cc
  Result<nlohmann::json> Status();
  Result<nlohmann::json> Doctor();
  Result<nlohmann::json> ClaimDevices(const nlohmann::json& args);
  Result<nlohmann::json> SetProfile(const nlohmann::json& args);
  Result<nlohmann::json> ListProfiles();
  Result<nlohmann::json> SetPolicy(const nlohmann::json& args);
  Result<nlohmann::json> SetBroker(const nlohmann::json& args);
  Result<nlohmann::json> Devices(const nlohmann::json& args);
  Result<nlohmann::json> Why(const nlohmann::json& args);
  Result<nlohmann::json> Revoke(const nlohmann::json& args);
  Result<nlohmann::json> Decide(const nlohmann::json& args);
  Result<nlohmann::json> Order(const nlohmann::json& args);
  Result<nlohmann::json> AddReader(const nlohmann::json& args);
  Result<nlohmann::json> RemoveReader(const nlohmann::json& args);
  Result<nlohmann::json> ImportFirmware(const nlohmann::json& args);
  // By DID, serial, or an unambiguous beginning of either.
  Result<std::shared_ptr<ClaimSlot>> FindDevice(const nlohmann::json& args);
  // Whether a DID is an onboarded device's, its own or the one it speaks to us with.
  bool IsMember(const std::string& did) const;
  // Releases the claims of devices that custody has passed on: out of the fleet now, told at their next contact.
  Result<> ReleaseGiven();
  // Puts the members of onboarded claims and the readers into the broker's file.
  Result<> ResetMembers();
};

}  // namespace keel::verifier
