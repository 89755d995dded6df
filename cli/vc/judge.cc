// SPDX-License-Identifier: Apache-2.0
#include "cli/vc/judge.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "crypto/hosted/jwk.h"
#include "vc/definition/definition.h"
#include "vc/schema/schema_checker.h"
#include "vc/status_list/status_list.h"
#include "vc/verify_any.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxNamedFile = 4 << 20;

std::unexpected<Error> BadKey(const std::string& file, const std::string& what) {
  return Fail(Code::kUsage, "--key", file + ": " + what);
}

Result<crypto::PublicKey> ReadKey(const json& value) {
  if (!value.is_object()) return Fail(Code::kMalformed, "key", "no JSON object");
  if (value.contains("publicKeyJwk")) return crypto::PublicKeyFromJwk(value["publicKeyJwk"]);
  if (value.contains("publicKeyMultibase")) {
    KEEL_TRY(const std::string text, base::GetString(value, "publicKeyMultibase"));
    return crypto::PublicKey::FromMultikey(text);
  }
  return crypto::PublicKeyFromJwk(value);
}

}  // namespace

void JudgeFlags::AddKnown(CLI::App& app) {
  app.add_option("--context", contexts, "A JSON-LD context besides the bundled ones (repeat)")
      ->type_name("URL=FILE")
      ->expected(1)
      ->take_all();
  app.add_option("--resource", resources, "A related resource whose digest is to be compared (repeat)")
      ->type_name("URL=FILE")
      ->expected(1)
      ->take_all();
  app.add_option("--schema", schemas, "A JSON Schema that a credentialSchema names (repeat)")
      ->type_name("URL=FILE")
      ->expected(1)
      ->take_all();
  app.add_option("--now,--at", at, "Judge at this time (RFC 3339 or seconds since 1970; default: now)");
  world.AddResolver(app);
}

void JudgeFlags::AddAll(CLI::App& app) {
  app.add_option("--issuer", issuers, "Issuer to trust (repeat; default: any)")->expected(1)->take_all();
  app.add_flag("--definition", definition,
               "The credential must keep to a credential definition that its issuer anchored (needs --registry)");
  app.add_option("--subject", subject, "The credential must be about this DID");
  app.add_option("--key", keys,
                 "The issuer's public key, when its identifier leads to none: a JWK, or a set of them (repeat)")
      ->expected(1)
      ->take_all();
  app.add_option("--challenge", challenge, "What a presentation's proof must carry as challenge (tokens: nonce)");
  app.add_option("--domain", domain, "What it must carry as domain (tokens: aud)");
  app.add_option("--audience", audience, "Whom a presentation or key-binding token must be for (aud)");
  app.add_option("--nonce", nonce, "What it must carry as nonce");
  app.add_option("--list", lists, "A status list that needn't be fetched (repeat)")
      ->type_name("URL=FILE")
      ->expected(1)
      ->take_all();
  app.add_flag("--no-status,--ignore-status", no_status, "Leave status lists out, and say so");
  AddKnown(app);
}

Result<std::map<std::string, std::string>> ReadNamedFiles(const char* flag, const std::vector<std::string>& named) {
  std::map<std::string, std::string> files;
  for (const std::string& one : named) {
    // The URL may have a query; a file's name needn't have '='.
    const size_t equals = one.rfind('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
      return Fail(Code::kUsage, flag, "\"" + one + "\" is not URL=FILE");
    KEEL_TRY(files[one.substr(0, equals)], base::ReadFile(one.substr(equals + 1), kMaxNamedFile));
  }
  return files;
}

Result<std::unique_ptr<json_ld::ContextStore>> ReadContexts(const std::vector<std::string>& named) {
  auto store = std::make_unique<json_ld::ContextStore>();
  KEEL_TRY(const auto files, ReadNamedFiles("--context", named));
  for (const auto& [url, text] : files) {
    if (const auto added = store->Add(url, text); !added)
      return Fail(Code::kUsage, "--context", url + ": " + added.error().Text());
  }
  return store;
}

Result<std::vector<crypto::PublicKey>> ReadPublicKeys(const std::string& file) {
  KEEL_TRY(const std::string text, base::ReadFile(file, size_t{64} << 10));
  const auto parsed = base::ParseJson(text);
  if (!parsed) return BadKey(file, parsed.error().Text());
  const json& set = parsed->is_object() && parsed->contains("keys") ? (*parsed)["keys"] : *parsed;
  std::vector<crypto::PublicKey> keys;
  for (const json& one : set.is_array() ? set : json::array({set})) {
    auto key = ReadKey(one);
    if (!key) return BadKey(file, key.error().Text());
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) return BadKey(file, "it holds no key");
  return keys;
}

Result<std::string> ReadOctets() {
  KEEL_TRY(std::string octets, base::ReadFile("-", kMaxVcInput));
  if (octets.find_first_not_of(" \t\r\n") == std::string::npos) return Fail(Code::kUsage, "standard input", "is empty");
  return octets;
}

struct Judge::Impl {
  std::unique_ptr<World> world;
  std::unique_ptr<json_ld::ContextStore> contexts;
  std::map<std::string, std::string> resources, lists;
  std::unique_ptr<vc::ListStatusChecker> status;
  std::unique_ptr<vc::SchemaStore> schema_store;
  std::unique_ptr<vc::StoreSchemaChecker> schemas;
  std::unique_ptr<vc::DefinitionBook> definitions;
  bool definition_demanded = false;
  vc::VerifyOptions options;

  Result<std::string> Fetch(const std::string& url) {
    if (const auto it = lists.find(url); it != lists.end()) return it->second;
    base::HttpCall call;
    call.url = url;
    KEEL_TRY(const base::HttpResponse response, world->http().Send(call, base::Deadlines{}));
    if (!response.ok())
      return Fail(Code::kHttpStatus, "status list", url + " answers " + std::to_string(response.status));
    return response.body;
  }
};

Judge::Judge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Judge::~Judge() = default;
vc::StatusChecker& Judge::status() { return *impl_->status; }
const vc::VerifyOptions& Judge::options() const { return impl_->options; }
World& Judge::world() { return *impl_->world; }

Result<std::unique_ptr<Judge>> Judge::Open(const JudgeFlags& flags) {
  auto impl = std::make_unique<Impl>();
  KEEL_TRY(impl->world, World::Open(flags.world));
  KEEL_TRY(impl->contexts, ReadContexts(flags.contexts));
  KEEL_TRY(impl->resources, ReadNamedFiles("--resource", flags.resources));
  KEEL_TRY(impl->lists, ReadNamedFiles("--list", flags.lists));
  vc::VerifyOptions& options = impl->options;
  KEEL_TRY(options.now, TimeOf(flags.at));
  for (const std::string& file : flags.keys) {
    KEEL_TRY(const auto keys, ReadPublicKeys(file));
    options.given_keys.insert(options.given_keys.end(), keys.begin(), keys.end());
  }
  vc::ListStatusChecker::Options list_options;
  list_options.fetch = [by = impl.get()](const std::string& url) { return by->Fetch(url); };
  list_options.verify = vc::VerifyAny;
  list_options.given_keys = options.given_keys;
  impl->status = std::make_unique<vc::ListStatusChecker>(impl->world->resolver(), std::move(list_options));
  options.status = impl->status.get();
  options.ignore_status = flags.no_status;
  options.trusted_issuers = flags.issuers;
  if (!flags.subject.empty()) options.subject = flags.subject;
  options.contexts = impl->contexts.get();
  options.resources = &impl->resources;
  vc::SchemaStore::Options schemas;
  KEEL_TRY(schemas.given, ReadNamedFiles("--schema", flags.schemas));
  schemas.from_ledger = [by = impl.get()](const std::string& author, const std::string& id) -> Result<std::string> {
    registry_client::RegistryClient* registry = by->world->Registry(author);
    if (registry == nullptr)
      return Fail(Code::kNotFound, "schema", "no registry is known for " + author + ": --registry net.keel");
    return registry->GetSchema(author, id);
  };
  impl->schema_store = std::make_unique<vc::SchemaStore>(std::move(schemas));
  // What isn't to be had here is said, not held against the credential.
  impl->schemas =
      std::make_unique<vc::StoreSchemaChecker>(*impl->schema_store, vc::StoreSchemaChecker::Unknown::kPassOver);
  options.schemas = impl->schemas.get();
  impl->definitions = std::make_unique<vc::DefinitionBook>(
      *impl->schema_store,
      [by = impl.get()](const std::string& author, const std::string& id) -> Result<vc::DefinitionBook::Anchored> {
        registry_client::RegistryClient* registry = by->world->Registry(author);
        if (registry == nullptr)
          return Fail(Code::kUnavailable, "definition", "no registry is known for " + author + ": --registry net.keel");
        KEEL_TRY(registry_client::Definition found, registry->GetDefinition(author, id));
        return vc::DefinitionBook::Anchored{std::move(found.schema), std::move(found.content)};
      });
  impl->definition_demanded = flags.definition;
  options.max_size = kMaxVcInput;
  options.challenge = flags.challenge;
  options.domain = flags.domain;
  options.audience = flags.audience;
  options.nonce = flags.nonce;
  return std::unique_ptr<Judge>(new Judge(std::move(impl)));
}

// The definition that a credential names, or any when one is demanded.
Result<> Judge::CheckDefinition(vc::Verification& verification) {
  if (verification.presentation || verification.credential.json.empty()) return {};
  const auto credential = base::ParseJson(verification.credential.json, {.max_size = kMaxVcInput});
  if (!credential) return {};
  const auto name = vc::LedgerName::Parse(vc::NamedDefinition(*credential));
  // As with schemas: what can't be had here isn't held against the credential unless it was asked for.
  if (!impl_->definition_demanded && (!name || impl_->world->Registry(name->author) == nullptr)) return {};
  const auto key = did::ResolveKey(impl_->world->resolver(), verification.kid, did::Relationship::kAssertionMethod);
  std::string algorithm = "unknown";
  if (key) {
    KEEL_TRY(const crypto::SignatureAlgorithm of_key, crypto::AlgorithmFor(key->type()));
    algorithm = crypto::JoseName(of_key);
  }
  return impl_->definitions->AddCheck(verification, *credential, {verification.form, algorithm},
                                      impl_->definition_demanded);
}

Result<vc::Verification> Judge::Verify(std::string_view octets) {
  KEEL_TRY(vc::Verification verification, vc::VerifyAny(octets, impl_->world->resolver(), impl_->options));
  KEEL_TRY_VOID(CheckDefinition(verification));
  for (vc::Verification& one : verification.credentials) {
    const bool before = one.valid();
    KEEL_TRY_VOID(CheckDefinition(one));
    if (!before || one.valid()) continue;
    for (vc::Check& check : verification.checks) {
      if (check.name != vc::kCheckCredentials) continue;
      check.ok = false;
      check.detail = one.Reason();
    }
  }
  return verification;
}

}  // namespace keel::cli
