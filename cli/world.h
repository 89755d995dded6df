// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/keys.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "registry-client/registry_client.h"

namespace keel::cli {

// What the toolbox's verbs know of others (DIDs) and of themselves (keys).
struct WorldFlags {
  std::vector<std::string> networks;       // --registry net.keel ...
  std::vector<std::string> registry_urls;  // --registry-url URL ...: instead of the files' hints
  std::string did_docs;                    // --did-docs F
  std::string secrets;                     // --secrets F
  std::vector<std::string> key_files;      // --key F ...
  KeyFile key;                             // their passphrase
  std::string ca_file;                     // --ca-file F: trust for https and wss; empty: the system's
  bool json = false;                       // --json
  bool offline = false;                    // ask no registry and no host, whatever a DID says

  // --registry, --registry-url, --did-docs, --json.
  void AddResolver(CLI::App& app);
  // --secrets, --key and the passphrase's flags.
  void AddKeys(CLI::App& app);
  // --ca-file.
  void AddTrust(CLI::App& app);
};

// Resolves what stands in --did-docs, did:key, did:jwk and did:peer by themselves, did:web at its host, and did:keel
// over the given registries. Finds private keys in --secrets and --key by their kid. Resolver and keys are thread-safe,
// the rest isn't.
class World {
 public:
  static Result<std::unique_ptr<World>> Open(const WorldFlags& flags);
  ~World();

  did::DidResolver& resolver();
  did::KeyFinder& keys();
  // The client of the network that a did:keel names; null: none was given.
  registry_client::RegistryClient* Registry(std::string_view did);
  // The key by which `did` may act: the kid that was named, else the first of its document's keys for that use that is
  // ours. kNoSuchKey says which were looked for.
  struct Acting {
    std::string kid;
    did::KeyRef key;
  };
  Result<Acting> KeyFor(const std::string& did, const std::string& kid, did::Relationship use);
  // Every private key of --secrets and --key with its kid or label.
  std::vector<std::pair<std::string, did::KeyRef>> AllKeys();
  // Our private key behind a public one. kNoSuchKey.
  Result<did::KeyRef> KeyOf(const crypto::PublicKey& key);
  base::HttpClient& http();

 private:
  struct Impl;
  explicit World(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Standard input to its end, at most `limit` octets, without the newlines at its end.
Result<std::string> ReadInput(size_t limit);
// "2027-01-31T00:00:00Z" or seconds since 1970; empty: now. kUsage.
Result<UnixSeconds> TimeOf(const std::string& text);

}  // namespace keel::cli
