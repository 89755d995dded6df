// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel did";

struct Flags {
  WorldFlags world;
  std::string method = "key", type = "ed25519", did, request;
  std::vector<std::string> services;
  bool no_cache = false;
};

const std::map<std::string, crypto::KeyType>& KeyTypes() {
  static const std::map<std::string, crypto::KeyType> types = {{"ed25519", crypto::KeyType::kEd25519},
                                                               {"x25519", crypto::KeyType::kX25519},
                                                               {"p256", crypto::KeyType::kP256},
                                                               {"secp256k1", crypto::KeyType::kSecp256k1}};
  return types;
}

const char* TypeName(crypto::KeyType type) {
  switch (type) {
    case crypto::KeyType::kEd25519: return "Ed25519";
    case crypto::KeyType::kX25519: return "X25519";
    case crypto::KeyType::kP256: return "P-256";
    case crypto::KeyType::kSecp256k1: return "secp256k1";
    case crypto::KeyType::kP384: return "P-384";
    case crypto::KeyType::kP521: return "P-521";
  }
  return "unknown";
}

Result<json> CreateKey(crypto::SoftwareKeyStore& store, const Flags& flags) {
  KEEL_TRY(const crypto::KeyHandle handle, store.Generate(KeyTypes().at(flags.type)));
  KEEL_TRY(const crypto::PublicKey key, store.Public(handle));
  const std::string kid = did::DidKeyUrl(key);
  KEEL_TRY_VOID(store.SetLabel(handle, kid));
  return json{{"did", did::DidKey(key)}, {"keys", {kid}}};
}

Result<json> CreatePeer(crypto::SoftwareKeyStore& store, const Flags& flags) {
  KEEL_TRY(const crypto::KeyHandle sign, store.Generate(crypto::KeyType::kEd25519));
  KEEL_TRY(const crypto::KeyHandle agree, store.Generate(crypto::KeyType::kX25519));
  std::vector<did::PeerKey> keys(2);
  keys[0].use = did::Relationship::kAuthentication;
  KEEL_TRY(keys[0].key, store.Public(sign));
  KEEL_TRY(keys[1].key, store.Public(agree));
  std::vector<std::string> services;
  for (const std::string& uri : flags.services) services.push_back(did::PeerServiceDidcomm(uri));
  KEEL_TRY(const std::string did, did::CreatePeer2(keys, services));
  KEEL_TRY_VOID(store.SetLabel(sign, did + "#key-1"));
  KEEL_TRY_VOID(store.SetLabel(agree, did + "#key-2"));
  return json{{"did", did}, {"keys", {did + "#key-1", did + "#key-2"}}};
}

Result<json> CreateKeel(crypto::SoftwareKeyStore& store, const Flags& flags) {
  if (flags.world.networks.size() != 1)
    return Fail(Code::kUsage, "create", "a did:keel belongs to one network: give --registry net.keel, once");
  KEEL_TRY(const std::string text, base::ReadFile(flags.world.networks[0], 4 << 20));
  KEEL_TRY(const auto network, registry_client::ParseNetworkFile(text));
  std::vector<std::string> services;
  for (size_t i = 0; i < flags.services.size(); ++i) {
    services.push_back(base::DumpJson({{"id", "#didcomm-" + std::to_string(i)},
                                       {"type", "DIDCommMessaging"},
                                       {"serviceEndpoint", {{"uri", flags.services[i]}, {"accept", {"didcomm/v2"}}}}}));
  }
  KEEL_TRY(const did::KeelOperation made,
           did::MakeKeelDid(store, network.label, network.net, services, crypto::SystemRandom()));
  const std::string create(made.jws.begin(), made.jws.end());
  json out = {{"did", made.did}, {"create", create}, {"words", network.words}};
  json keys = json::array();
  for (const auto& [label, handle] : store.Labels()) keys.push_back(label);
  out["keys"] = std::move(keys);
  if (!flags.request.empty()) {
    KEEL_TRY_VOID(base::WriteFileAtomic(
        flags.request, base::DumpJsonPretty({{"v", 1}, {"did", made.did}, {"create", create}}) + "\n"));
    out["request"] = flags.request;
  }
  return out;
}

Result<int> Create(const Flags& flags) {
  if (flags.world.key.path.empty()) return Fail(Code::kUsage, "create", "say where the keys shall lie: -o FILE");
  KEEL_TRY(const auto store, flags.world.key.Create());
  const auto make = flags.method == "key" ? CreateKey : flags.method == "peer" ? CreatePeer : CreateKeel;
  auto made = make(*store, flags);
  if (!made) {
    // Nothing half-made stays behind.
    static_cast<void>(base::RemoveFile(flags.world.key.path));
    return std::unexpected<Error>(std::move(made.error()));
  }
  (*made)["file"] = flags.world.key.path;
  if (flags.world.json) {
    std::printf("%s\n", base::DumpJson(*made).c_str());
  } else {
    std::printf("%s\n", (*made)["did"].get<std::string>().c_str());
    if (flags.method == "keel") {
      std::fprintf(stderr, "Not anchored yet: a member does that, `keel-registry sponsor add --identity %s`\n",
                   flags.request.empty() ? "FILE (make one by --request FILE)" : flags.request.c_str());
    }
  }
  return base::kExitDone;
}

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
  } else if (parsed.method == "key" || parsed.method == "peer") {
    KEEL_TRY(const auto world, World::Open({}));
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
                      {"key", method.key.valid() ? TypeName(method.key.type()) : "not supported"},
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
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 not found or deactivated, 2 wrong usage or input, 3 a registry could not be reached.\n"
      "Examples: keel did create --method peer --service http://127.0.0.1:8080/didcomm -o me.key\n"
      "          keel did create --method keel --registry net.keel -o me.key --request me.json\n"
      "          keel did resolve --registry net.keel did:keel:acme:zQm...");
  CLI::App* create = app.add_subcommand("create", "Make keys and a DID of them");
  create->add_option("--method", flags.method, "key, peer (numalgo 2) or keel")
      ->check(CLI::IsMember({"key", "peer", "keel"}))
      ->capture_default_str();
  create->add_option("--type", flags.type, "Key type of a did:key: ed25519, x25519, p256, secp256k1")
      ->check(CLI::IsMember(KeyTypes()))
      ->capture_default_str();
  create->add_option("--service", flags.services, "DIDComm endpoint, a URL (peer, keel; repeat)");
  create->add_option("-o,--output", flags.world.key.path, "Key file to make");
  create->add_option("--registry", flags.world.networks, "The network of a did:keel: its join file, net.keel");
  create->add_option("--request", flags.request, "did:keel: write what a registry member needs to anchor it");
  create->add_flag("--json", flags.world.json, "Result and errors as JSON");
  flags.world.key.AddFlags(*create);
  CLI::App* resolve = app.add_subcommand("resolve", "Print the DID Resolution result of a DID");
  resolve->add_option("did", flags.did, "The DID")->required();
  resolve->add_flag("--no-cache", flags.no_cache, "Ask the source again");
  flags.world.AddResolver(*resolve);
  CLI::App* inspect = app.add_subcommand("inspect", "Say what a DID says by itself");
  inspect->add_option("did", flags.did, "The DID")->required();
  inspect->add_flag("--json", flags.world.json, "Errors as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  const Result<int> status = create->parsed() ? Create(flags) : resolve->parsed() ? ResolveDid(flags) : Inspect(flags);
  return status ? *status : base::ReportError(kProgram, status.error(), flags.world.json);
}

}  // namespace keel::cli
