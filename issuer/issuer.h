// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "custody/identity.h"
#include "custody/store.h"
#include "custody/verbs.h"
#include "did/resolver.h"
#include "issuer/row.h"
#include "issuer/status_book.h"
#include "ledger/entry.h"
#include "registry-client/registry_client.h"

namespace keel::vc {
class DefinitionBook;
class SchemaStore;
}  // namespace keel::vc

namespace keel::issuer {

// A manufacturer's service: the issuer's side of the factory (factory.cc), the status list (status.cc), firmware
// releases (release.cc), and its stock of devices (custody). State: DATA/db (LevelDB; rows, batches, status list,
// releases) and DATA/custody. Every verb is thread-safe; they run one at a time.
class Issuer {
 public:
  struct Options {
    std::string data_dir;
    custody::Identity::Options identity;
    std::string name;                          // of the manufacturer, for people; into credentials
    std::string vendor;                        // domain name: SUIT vendor identifier
    std::string public_url;                    // where the status list is fetched: "http://127.0.0.1:8080"
    std::vector<std::string> endpoints;        // registry nodes to use; empty: net.keel's
    std::vector<std::string> stamp_endpoints;  // registry nodes that devices are told; empty: the same
    uint64_t max_stale = 300;                  // stamped, and for our own answers
    uint64_t status_valid_seconds = 86'400;
    uint64_t status_entries = 131'072;  // places of the status list; it grows to this and never shrinks
    std::string definition;             // id of the credential definition that HardwareCredentials keep to; empty: none
  };
  // Needs no registry to be up. The collaborators outlive it.
  static Result<std::unique_ptr<Issuer>> Open(Options options, base::HttpClient& http, Clock& clock, Random& random);
  ~Issuer();

  // Makes the firmware author's key besides the identity: called by init once.
  static Result<> AddAuthorKey(custody::Identity& identity);

  // --- control verbs: JSON in, JSON out (docs/cli/keel-issuer.md). The factory's are in docs/protocols/factory.md.
  Result<nlohmann::json> Begin(const nlohmann::json& args);
  Result<nlohmann::json> Anchor(const nlohmann::json& args);
  Result<nlohmann::json> Verified(const nlohmann::json& args);
  Result<nlohmann::json> Finish(const nlohmann::json& args);
  Result<nlohmann::json> Revoke(const nlohmann::json& args);  // {device: serial or DID, reason?}
  // {device: serial or DID, keys: Multikeys of the device's, days?}: a batch of single-use SD-JWT VCs (single_use.cc)
  Result<nlohmann::json> SingleUse(const nlohmann::json& args);
  Result<nlohmann::json> Release(const nlohmann::json& args);    // {model, version, sequence, sha256, size}
  Result<nlohmann::json> RotateKey(const nlohmann::json& args);  // {reason: routine|compromise, since?}
  Result<nlohmann::json> Status();
  Result<nlohmann::json> List();
  Result<nlohmann::json> Doctor();
  Result<nlohmann::json> Ownership(const nlohmann::json& args);  // custody::RunOwnershipVerb
  // Schemas and credential definitions on the ledger (definitions.cc). publish: {id, text}, {id, definition}; show:
  // {id, author?}.
  Result<nlohmann::json> PublishSchema(const nlohmann::json& args);
  Result<nlohmann::json> ShowSchema(const nlohmann::json& args);
  Result<nlohmann::json> PublishDefinition(const nlohmann::json& args);
  Result<nlohmann::json> ShowDefinition(const nlohmann::json& args);

  // Publishes the first status list, or a new version when the present one has used up half its validity. Called at
  // start and every minute.
  Result<> RefreshStatus();
  // The status list credential (vc+jwt); null before the first publication. Thread-safe beside the verbs.
  std::shared_ptr<const std::string> StatusList() const;
  // Why the issuer can't work just now; success when it can.
  Result<> Ready();
  // GET /status/1, /livez, /readyz.
  base::Router PublicRoutes();

  const std::string& did() const { return identity_->did(); }
  custody::Identity& identity() { return *identity_; }
  custody::CustodyStore& custody() { return *custody_; }

 private:
  Issuer(Options options, base::HttpClient& http, Clock& clock, Random& random);

  Result<> Connect();  // (re)makes the registry client with the current key as account
  void ConnectDefinitions();
  // Signs a statement and has it anchored; its log index. The registry's verdict otherwise.
  Result<uint64_t> SubmitStatement(ledger::EntryType type, std::string_view payload);
  // Holds a HardwareCredential against the definition that is set, and names it there; else against its type's schema.
  Result<> ConformToDefinition(nlohmann::json& credential);
  Result<> LoadStatus();
  Result<Row> GetRow(std::string_view serial) const;
  Result<Row> FindRow(const std::string& serial_or_did) const;
  static void PutRow(base::WriteBatch& batch, const Row& row);
  Result<std::string> StampConfig(const Row& row) const;
  Result<> IssueMissing(std::vector<Row>& rows);
  Result<> PublishStatus();
  std::string StatusUrl() const { return options_.public_url + "/status/1"; }

  Options options_;
  base::HttpClient& http_;
  Clock& clock_;
  Random& random_;
  std::unique_ptr<custody::Identity> identity_;
  std::unique_ptr<base::KeyValueStore> db_;
  std::unique_ptr<custody::CustodyStore> custody_;
  std::unique_ptr<registry_client::RegistryClient> registry_;
  std::unique_ptr<did::MethodResolver> resolver_;
  std::unique_ptr<custody::CustodyContext> context_;
  std::unique_ptr<vc::SchemaStore> schemas_;
  std::unique_ptr<vc::DefinitionBook> definitions_;

  std::mutex mutex_;                  // of the verbs
  std::optional<StatusBook> status_;  // after LoadStatus always there
  uint64_t status_version_ = 0;
  UnixSeconds status_until_ = 0;
  mutable std::mutex status_mutex_;
  std::shared_ptr<const std::string> status_jwt_;
};

}  // namespace keel::issuer
