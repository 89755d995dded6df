// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/did_change.h"
#include "cli/did_verbs.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "core/time.h"
#include "crypto/signature.h"
#include "did/dereference.h"
#include "did/did.h"
#include "did/methods/webvh.h"
#include "did/representation.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel did";

struct Flags {
  WorldFlags world;
  DidCreateFlags create;
  std::string did;
  bool no_cache = false;
  std::string version_id, version_time;
  std::string accept, relationship;
  bool absolute = false;
  DidChangeFlags change;
  SignPayloadFlags sign;
};

Result<did::ResolutionOptions> Options(const Flags& flags) {
  did::ResolutionOptions options;
  options.no_cache = flags.no_cache;
  options.version_id = flags.version_id;
  if (!flags.version_time.empty()) {
    const auto time = ParseRfc3339(flags.version_time);
    if (!time)
      return Fail(Code::kUsage, "--version-time",
                  "\"" + flags.version_time + "\" is no time like 2026-11-22T10:41:00Z");
    options.version_time = *time;
  }
  return options;
}

// Not found and no longer there are verdicts, as the exit status has it.
int ReportResolution(const Flags& flags, const Error& error) {
  const int status = base::ReportError(kProgram, error, flags.world.json);
  return error.code == Code::kNotFound ? base::kExitInvalid : status;
}

Result<int> ResolveDid(const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.world));
  KEEL_TRY(const did::ResolutionOptions options, Options(flags));
  const auto result = world->resolver().Resolve(flags.did, options);
  // The result object of DID Resolution says what was wrong, too.
  json out = did::ResolutionJson(result);
  if (flags.absolute) did::ExpandRelativeUrls(out["didDocument"]);
  std::printf("%s\n", base::DumpJsonPretty(out).c_str());
  if (result) return result->deactivated ? base::kExitInvalid : base::kExitDone;
  return ReportResolution(flags, result.error());
}

Result<int> DereferenceUrl(const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.world));
  did::DereferenceOptions options;
  KEEL_TRY(options.resolution, Options(flags));
  options.accept = flags.accept;
  options.verification_relationship = flags.relationship;
  options.expand_relative_urls = flags.absolute;
  const auto result = did::Dereference(world->resolver(), flags.did, options);
  if (flags.world.json) {
    std::printf("%s\n", base::DumpJsonPretty(did::DereferencingJson(result, false)).c_str());
  } else if (result && result->content_type == did::kMediaUriList) {
    for (const std::string& url : result->urls) std::printf("%s\n", url.c_str());
  } else if (result && !result->content.empty()) {
    KEEL_TRY(const json content, base::ParseJson(result->content));
    std::printf("%s\n", base::DumpJsonPretty(content).c_str());
  }
  if (!result) return ReportResolution(flags, result.error());
  if (!result->deactivated) return base::kExitDone;
  std::fprintf(stderr, "keel did: the DID is deactivated\n");
  return base::kExitInvalid;
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
  } else if (parsed.method == "webvh") {
    KEEL_TRY(const did::WebvhPlace place, did::WebvhLocation(parsed.text));
    out["scid"] = place.scid;
    out["log"] = place.log_url;
    out["says"] = "names the first entry of its log by its hash; the log stands on the web host: keel did resolve";
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
  CLI::App app{"Makes, resolves, changes and explains DIDs.", kProgram};
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
  const auto add_options = [&flags](CLI::App* verb) {
    verb->add_flag("--no-cache", flags.no_cache, "Ask the source again");
    verb->add_option("--version-id", flags.version_id, "That version: did:keel its number, did:webvh its versionId");
    verb->add_option("--version-time", flags.version_time, "The version that was the newest one at this RFC 3339 time");
    verb->add_flag("--absolute", flags.absolute, "Make relative ids and references in the document absolute");
    flags.world.AddResolver(*verb);
  };
  add_options(resolve);
  resolve->footer(
      "Exit status: 0 found, 1 not found or deactivated, 2 no DID, or a method that isn't known, 3 a registry or a "
      "host\n"
      "could not be reached.\n"
      "Examples: keel did resolve did:web:example.org\n"
      "          keel did resolve --registry net.keel did:keel:acme:zQm...");
  CLI::App* dereference = app.add_subcommand("dereference", "Print what a DID URL leads to");
  dereference->add_option("did-url", flags.did, "The DID URL")->required();
  dereference->add_option("--media-type", flags.accept,
                          "Media type: application/did for the document, text/uri-list for a service's URLs");
  dereference->add_option("--relationship", flags.relationship,
                          "The fragment must be a verification method that is listed under this relationship");
  add_options(dereference);
  dereference->footer(
      "Fragments are looked up in the document; service, serviceType and relativeRef give a service's URLs. Nothing "
      "but "
      "the\ndocument is fetched. --json prints the DID URL dereferencing result, also of a failure.\n"
      "Exit status: 0 found, 1 not found or deactivated, 2 no DID URL, or a method that isn't known, 3 as resolve.\n"
      "Examples: keel did dereference did:key:z6Mk...#z6Mk...\n"
      "          keel did dereference 'did:web:example.org?service=files&relativeRef=/a.pdf'");
  CLI::App* update = app.add_subcommand("update", "Change a did:keel: new keys, other services");
  update->add_option("did", flags.change.did, "The DID")->required();
  update->add_option("--rotate", flags.change.rotate, "Replace this key of the document, by its id, or all (repeat)")
      ->expected(1)
      ->take_all();
  update->add_option("--service", flags.change.services, "DIDComm endpoint, instead of all services (repeat)")
      ->expected(1)
      ->take_all();
  update->add_flag("--no-services", flags.change.no_services, "Take all services away");
  update->add_option("--compromised-since", flags.change.compromise_since,
                     "Log index from which what the old keys signed counts no more");
  update->add_option("-o,--output", flags.change.output, "Key file to make, for the new keys")->required();
  update->add_option("--request", flags.change.request, "Write what a member needs to anchor it; anchor nothing");
  flags.change.world.AddResolver(*update);
  flags.change.world.AddKeys(*update);
  update->footer(
      "Signed by the key that the DID's last operation committed to (labelled DID#next-N in its key file). A new one "
      "is\n"
      "committed to each time and lies in the new file, with the keys of --rotate. Keep the old file: it has the "
      "others.\n"
      "Exit status: 0 done, 1 refused, 2 wrong usage, or no such key, 3 the registry could not be reached.\n"
      "Example: keel did update did:keel:acme:zQm... --registry net.keel --key me.key --rotate assert -o me-2.key");
  CLI::App* deactivate = app.add_subcommand("deactivate", "End a did:keel, for good");
  deactivate->add_option("did", flags.change.did, "The DID")->required();
  deactivate->add_flag("--yes", flags.change.yes, "It is meant: nobody can undo it");
  deactivate->add_option("--compromised-since", flags.change.compromise_since,
                         "Log index from which what its keys signed counts no more");
  deactivate->add_option("--request", flags.change.request, "Write what a member needs to anchor it; anchor nothing");
  flags.change.world.AddResolver(*deactivate);
  flags.change.world.AddKeys(*deactivate);
  deactivate->footer(
      "Signed by the key that the DID's last operation committed to. Exit status: as update.\n"
      "Example: keel did deactivate did:keel:acme:zQm... --yes --registry net.keel --key me.key");
  CLI::App* sign = app.add_subcommand("sign-payload", "Sign what a DID registrar asks for");
  sign->add_flag("--any", flags.sign.any, "Sign also what is no did:keel operation");
  sign->add_flag("--json", flags.sign.world.json, "Errors as JSON");
  flags.sign.world.AddKeys(*sign);
  sign->footer(
      "Reads the registrar's answer (didState.action signPayload) on standard input, says what is signed, prints the\n"
      "request that goes on with the job. The keys stay here.\n"
      "Exit status: 0 done, 1 not what it says it is, 2 wrong usage or input.\n"
      "Example: curl -d @create.json http://NODE/1.0/create | keel did sign-payload --key me.key |\n"
      "           curl -d @- http://NODE/1.0/create");
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
  const Result<int> status = create->parsed()        ? CreateDid(flags.create)
                             : resolve->parsed()     ? ResolveDid(flags)
                             : dereference->parsed() ? DereferenceUrl(flags)
                             : update->parsed()      ? UpdateDid(flags.change)
                             : deactivate->parsed()  ? DeactivateDid(flags.change)
                             : sign->parsed()        ? SignPayload(flags.sign)
                                                     : Inspect(flags);
  const bool as_json = flags.world.json || flags.create.json || flags.change.world.json || flags.sign.world.json;
  return status ? *status : base::ReportError(kProgram, status.error(), as_json);
}

}  // namespace keel::cli
