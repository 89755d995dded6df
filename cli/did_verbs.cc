// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/did_verbs.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "crypto/signature.h"
#include "did/did.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel did";

struct Flags {
  WorldFlags world;
  DidCreateFlags create;
  std::string did;
  bool no_cache = false;
};

Result<int> ResolveDid(const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.world));
  did::ResolutionOptions options;
  options.no_cache = flags.no_cache;
  const auto result = world->resolver().Resolve(flags.did, options);
  // The result object of DID Resolution says what was wrong, too.
  std::printf("%s\n", base::DumpJsonPretty(did::ResolutionJson(result)).c_str());
  if (result) return result->deactivated ? base::kExitInvalid : base::kExitDone;
  const int status = base::ReportError(kProgram, result.error(), flags.world.json);
  return result.error().code == Code::kNotFound ? base::kExitInvalid : status;
}

Result<int> Inspect(const Flags& flags) {
  KEEL_TRY(const did::Did parsed, did::Did::Parse(flags.did));
  json out = {{"did", parsed.text}, {"method", parsed.method}};
  if (parsed.method == "keel") {
    const size_t colon = parsed.id.find(':');
    if (colon == std::string::npos) return Fail(Code::kInvalidDid, "inspect", "a did:keel is did:keel:NETWORK:HASH");
    out["network"] = parsed.id.substr(0, colon);
    out["hash"] = parsed.id.substr(colon + 1);
    out["says"] =
        "names the first operation by its hash; the document stands in the registry: keel did resolve --registry "
        "net.keel";
  } else if (parsed.method == "web") {
    out["says"] = "the document stands on the web host that it names: keel did resolve";
  } else if (parsed.method == "key" || parsed.method == "jwk" || parsed.method == "peer") {
    WorldFlags nobody;
    nobody.offline = true;
    KEEL_TRY(const auto world, World::Open(nobody));
    KEEL_TRY(const auto result, world->resolver().Resolve(flags.did));
    json keys = json::array();
    for (const did::VerificationMethod& method : result.document->methods) {
      json uses = json::array();
      for (const auto use :
           {did::Relationship::kAuthentication, did::Relationship::kAssertionMethod, did::Relationship::kKeyAgreement,
            did::Relationship::kCapabilityInvocation, did::Relationship::kCapabilityDelegation}) {
        if (method.Has(use)) uses.push_back(did::RelationshipName(use));
      }
      keys.push_back({{"id", method.id},
                      {"key", method.key.valid() ? KeyTypeName(method.key.type()) : "not supported"},
                      {"uses", std::move(uses)}});
    }
    out["keys"] = std::move(keys);
    json services = json::array();
    for (const did::Service& service : result.document->services)
      services.push_back({{"id", service.id}, {"type", service.types}, {"uris", service.uris}});
    out["services"] = std::move(services);
    out["says"] = "carries its document: nothing is asked of anybody";
  } else {
    out["says"] = "a method that Keel doesn't know";
  }
  std::printf("%s\n", base::DumpJsonPretty(out).c_str());
  return base::kExitDone;
}

}  // namespace

int RunDid(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Makes, resolves and explains DIDs.", kProgram};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 not found or deactivated, 2 wrong usage or input, 3 a registry or a host could not be "
      "reached.");
  CLI::App* create = app.add_subcommand("create", "Make keys and a DID of them");
  flags.create.Add(*create);
  create->footer(
      "Prints the DID. The keys lie in the key file, labelled with their DID URLs, for --key of the other verbs.\n"
      "Files: FILE, the keys, sealed, mode 0600; without a passphrase its key beside it in FILE.key (copy both).\n"
      "Exit status: 0 done, 2 wrong usage, or the file exists already.\n"
      "Examples: keel did create -o me.key\n"
      "          keel did create --method peer --service http://127.0.0.1:8080/didcomm -o me.key\n"
      "          keel did create --method web --url https://example.org/users/alice --document did.json -o me.key\n"
      "          keel did create --method keel --registry net.keel -o me.key --request me.json");
  CLI::App* resolve = app.add_subcommand("resolve", "Print the DID Resolution result of a DID");
  resolve->add_option("did", flags.did, "The DID")->required();
  resolve->add_flag("--no-cache", flags.no_cache, "Ask the source again");
  flags.world.AddResolver(*resolve);
  resolve->footer(
      "Exit status: 0 found, 1 not found or deactivated, 2 no DID, or a method that isn't known, 3 a registry or a "
      "host\n"
      "could not be reached.\n"
      "Examples: keel did resolve did:web:example.org\n"
      "          keel did resolve --registry net.keel did:keel:acme:zQm...");
  CLI::App* inspect = app.add_subcommand("inspect", "Say what a DID says by itself");
  inspect->add_option("did", flags.did, "The DID")->required();
  inspect->add_flag("--json", flags.world.json, "Errors as JSON");
  inspect->footer("Asks nobody. Exit status: 0 done, 2 no DID.\nExample: keel did inspect did:key:z6Mk...");
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  const Result<int> status = create->parsed()    ? CreateDid(flags.create)
                             : resolve->parsed() ? ResolveDid(flags)
                                                 : Inspect(flags);
  return status ? *status : base::ReportError(kProgram, status.error(), flags.world.json || flags.create.json);
}

}  // namespace keel::cli
