// SPDX-License-Identifier: Apache-2.0
#include "cli/world.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "base/cli.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "core/time.h"
#include "did/default_resolver.h"
#include "did/did.h"
#include "did/methods/keel.h"

namespace keel::cli {

namespace {

// A file of the user's own that can't be read is wrong input, whatever is wrong in it; not a verdict on what is
// checked.
std::unexpected<Error> BadFile(const std::string& flag, const std::string& path, Error error) {
  const bool verdict = base::ExitFor(error) == base::kExitInvalid;
  return Fail(verdict ? Code::kMalformed : error.code, "input",
              flag + " " + path + ": " + error.where + ": " + error.detail);
}

}  // namespace

void WorldFlags::AddResolver(CLI::App& app) {
  app.add_option("--registry", networks, "A registry's join file, net.keel, for its did:keel DIDs (repeat)")
      ->expected(1)
      ->take_all();
  app.add_option("--registry-url", registry_urls, "Registry node to ask (repeat; default: those of net.keel)")
      ->expected(1)
      ->take_all();
  app.add_option("--did-docs", did_docs, "JSON array of DID documents that are known beforehand");
  app.add_flag("--json", json, "Errors as JSON, results too where they aren't anyway");
}

void WorldFlags::AddKeys(CLI::App& app) {
  app.add_option("--secrets", secrets, "JSON array of private keys: {id, type, privateKeyJwk | privateKeyMultibase}");
  app.add_option("--key", key_files, "Key file that `keel did create` made (repeat)")->expected(1)->take_all();
  key.AddFlags(app);
}

void WorldFlags::AddTrust(CLI::App& app) {
  app.add_option("--ca-file", ca_file,
                 "PEM certificates that alone are trusted for https and wss (default: the system's)");
}

struct World::Impl final : did::DidResolver, did::KeyFinder {
  explicit Impl(const WorldFlags& flags) : offline(flags.offline) {
    base::BeastOptions trust;
    trust.ca_file = flags.ca_file;
    http = base::MakeBeastClient(std::move(trust));
    did::DefaultResolverOptions options;
    options.web = !offline;
    methods = did::MakeDefaultResolver(options);
  }

  using did::DidResolver::Resolve;
  const bool offline;
  base::SystemClock clock;
  std::unique_ptr<base::HttpClient> http;
  std::vector<std::unique_ptr<registry_client::RegistryClient>> registries;
  std::unique_ptr<did::MethodResolver> methods;  // all but keel
  did::StaticResolver known{this};
  std::unique_ptr<did::SecretsFile> secrets;
  std::vector<std::unique_ptr<crypto::SoftwareKeyStore>> stores;

  registry_client::RegistryClient* Registry(std::string_view did) {
    for (const auto& registry : registries) {
      if (did.starts_with("did:keel:" + registry->label() + ":")) return registry.get();
    }
    return nullptr;
  }

  // What --did-docs doesn't know.
  Result<did::ResolutionResult> Resolve(const std::string& text, const did::ResolutionOptions& options) override {
    KEEL_TRY(const did::Did parsed, did::Did::Parse(text));
    if (parsed.method != "keel") {
      auto resolved = methods->Resolve(text, options);
      if (!resolved && resolved.error().code == Code::kMethodNotSupported) {
        return Fail(
            Code::kMethodNotSupported, "resolve",
            offline && (parsed.method == "web" || parsed.method == "webvh")
                ? text + ": its host isn't asked here; give its document by --did-docs"
                : "did:" + parsed.method + " is not known: only key, jwk, peer, web, webvh, keel and --did-docs");
      }
      return resolved;
    }
    registry_client::RegistryClient* registry = Registry(text);
    if (registry == nullptr)
      return Fail(Code::kMethodNotSupported, "resolve", text + ": give that network's join file: --registry net.keel");
    return did::KeelMethod(*registry, registry->label()).Resolve(text, options);
  }

  Result<did::KeyRef> Find(const std::string& kid) override {
    if (secrets) {
      if (auto found = secrets->Find(kid); found || found.error().code != Code::kNoSuchKey) return found;
    }
    for (const auto& store : stores) {
      if (auto found = did::LabelKeyFinder(*store).Find(kid); found || found.error().code != Code::kNoSuchKey)
        return found;
    }
    return Fail(Code::kNoSuchKey, "key", kid);
  }
};

World::World(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
World::~World() = default;
did::DidResolver& World::resolver() { return impl_->known; }
did::KeyFinder& World::keys() { return *impl_; }
std::vector<std::pair<std::string, did::KeyRef>> World::AllKeys() {
  std::vector<std::pair<std::string, did::KeyRef>> keys;
  if (impl_->secrets) {
    for (const std::string& kid : impl_->secrets->kids()) {
      if (auto key = impl_->secrets->Find(kid)) keys.emplace_back(kid, *key);
    }
  }
  for (const auto& store : impl_->stores) {
    for (const auto& [label, handle] : store->Labels()) keys.emplace_back(label, did::KeyRef{store.get(), handle});
  }
  return keys;
}
base::HttpClient& World::http() { return *impl_->http; }
registry_client::RegistryClient* World::Registry(std::string_view did) { return impl_->Registry(did); }

Result<std::unique_ptr<World>> World::Open(const WorldFlags& flags) {
  if (!flags.ca_file.empty()) {
    if (auto read = base::ReadFile(flags.ca_file, 4 << 20); !read)
      return BadFile("--ca-file", flags.ca_file, std::move(read.error()));
  }
  auto impl = std::make_unique<Impl>(flags);
  for (const std::string& file : flags.networks) {
    KEEL_TRY(const std::string text, base::ReadFile(file, 4 << 20));
    registry_client::ClientOptions options;
    options.endpoints = flags.registry_urls;
    auto client =
        registry_client::RegistryClient::Create(text, *impl->http, impl->clock, crypto::SystemRandom(), options);
    if (!client) return BadFile("--registry", file, std::move(client.error()));
    impl->registries.push_back(std::move(*client));
  }
  if (!flags.did_docs.empty()) {
    if (auto read = impl->known.AddFile(flags.did_docs); !read)
      return BadFile("--did-docs", flags.did_docs, std::move(read.error()));
  }
  if (!flags.secrets.empty()) {
    auto read = did::SecretsFile::Load(flags.secrets);
    if (!read) return BadFile("--secrets", flags.secrets, std::move(read.error()));
    impl->secrets = std::move(*read);
  }
  for (const std::string& path : flags.key_files) {
    KeyFile file = flags.key;
    file.path = path;
    KEEL_TRY(auto store, file.Open());
    impl->stores.push_back(std::move(store));
  }
  return std::unique_ptr<World>(new World(std::move(impl)));
}

Result<World::Acting> World::KeyFor(const std::string& did, const std::string& kid, did::Relationship use) {
  if (!kid.empty()) {
    KEEL_TRY(const did::KeyRef key, impl_->Find(kid));
    return Acting{kid, key};
  }
  KEEL_TRY(const auto resolved, resolver().Resolve(did));
  std::string tried;
  for (const did::VerificationMethod* method : resolved.document->All(use)) {
    auto key = impl_->Find(method->id);
    if (key) return Acting{method->id, *key};
    if (key.error().code != Code::kNoSuchKey) return std::unexpected<Error>(std::move(key.error()));
    tried += (tried.empty() ? "" : ", ") + method->id;
  }
  return Fail(Code::kNoSuchKey, "key",
              "none of the keys of " + did + " for " + std::string(did::RelationshipName(use)) +
                  " is in --secrets or --key" + (tried.empty() ? "" : " (" + tried + ")"));
}

Result<did::KeyRef> World::KeyOf(const crypto::PublicKey& key) {
  const auto in = [&](crypto::SoftwareKeyStore& store) -> Result<did::KeyRef> {
    KEEL_TRY(const crypto::KeyHandle handle, store.Find(key));
    return did::KeyRef{&store, handle};
  };
  if (impl_->secrets) {
    if (auto found = in(impl_->secrets->store())) return found;
  }
  for (const auto& store : impl_->stores) {
    if (auto found = in(*store)) return found;
  }
  return Fail(Code::kNoSuchKey, "key", base::Multikey(key) + " is not in --secrets or --key");
}

Result<std::string> ReadInput(size_t limit) {
  KEEL_TRY(std::string text, base::ReadFile("-", limit));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return Fail(Code::kUsage, "standard input", "is empty");
  return text;
}

Result<UnixSeconds> TimeOf(const std::string& text) {
  if (text.empty()) return base::NowSeconds();
  UnixSeconds seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return seconds;
  const auto time = ParseRfc3339(text);
  if (!time) return Fail(Code::kUsage, "--at", "\"" + text + "\" is neither an RFC 3339 time nor seconds since 1970");
  return *time;
}

}  // namespace keel::cli
