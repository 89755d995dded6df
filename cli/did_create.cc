// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "cli/did_verbs.h"
#include "crypto/hash.h"
#include "did/did.h"
#include "did/methods/jwk.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "did/methods/peer4.h"
#include "did/methods/web.h"

namespace keel::cli {
namespace {

using nlohmann::json;

const std::map<std::string, crypto::KeyType>& KeyTypes() {
  static const std::map<std::string, crypto::KeyType> types = {
      {"ed25519", crypto::KeyType::kEd25519}, {"x25519", crypto::KeyType::kX25519},
      {"p256", crypto::KeyType::kP256},       {"p384", crypto::KeyType::kP384},
      {"p521", crypto::KeyType::kP521},       {"secp256k1", crypto::KeyType::kSecp256k1}};
  return types;
}

// An Ed25519 key and the X25519 key that did:key derives from it for agreement: both are kept, so that the DID can
// receive, too.
Result<json> CreateEd25519(crypto::SoftwareKeyStore& store) {
  SecretBytes<32> seed, agreement;
  KEEL_TRY_VOID(crypto::SystemRandom().Fill(seed.MutableSecret()));
  KEEL_TRY(const crypto::KeyHandle sign, store.Import(crypto::KeyType::kEd25519, seed.ExposeSecret()));
  Bytes64 digest = crypto::Sha512(seed.ExposeSecret());
  const ScopedWipe wipe(digest);
  std::copy_n(digest.begin(), 32, agreement.MutableSecret().begin());
  KEEL_TRY(const crypto::KeyHandle agree, store.Import(crypto::KeyType::kX25519, agreement.ExposeSecret()));
  KEEL_TRY(const crypto::PublicKey key, store.Public(sign));
  KEEL_TRY(const crypto::PublicKey agreed, store.Public(agree));
  KEEL_TRY(const crypto::PublicKey derived, crypto::X25519FromEd25519(key));
  KEEL_ASSERT(agreed == derived);
  const std::string did = did::DidKey(key);
  const std::string agree_kid = did + "#" + base::Multikey(agreed);
  KEEL_TRY_VOID(store.SetLabel(sign, did::DidKeyUrl(key)));
  KEEL_TRY_VOID(store.SetLabel(agree, agree_kid));
  return json{{"did", did}, {"keys", {did::DidKeyUrl(key), agree_kid}}};
}

Result<json> CreateKey(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  const crypto::KeyType type = KeyTypes().at(flags.type);
  if (type == crypto::KeyType::kEd25519) return CreateEd25519(store);
  KEEL_TRY(const crypto::KeyHandle handle, store.Generate(type));
  KEEL_TRY(const crypto::PublicKey key, store.Public(handle));
  const std::string kid = did::DidKeyUrl(key);
  KEEL_TRY_VOID(store.SetLabel(handle, kid));
  return json{{"did", did::DidKey(key)}, {"keys", {kid}}};
}

Result<json> CreateJwk(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  KEEL_TRY(const crypto::KeyHandle handle, store.Generate(KeyTypes().at(flags.type)));
  KEEL_TRY(const crypto::PublicKey key, store.Public(handle));
  const did::JwkUse use = flags.use == "sig"   ? did::JwkUse::kSignature
                          : flags.use == "enc" ? did::JwkUse::kEncryption
                                               : did::JwkUse::kAny;
  KEEL_TRY(const std::string did, did::DidJwk(key, use));
  KEEL_TRY_VOID(store.SetLabel(handle, did + "#0"));
  return json{{"did", did}, {"keys", {did + "#0"}}};
}

// A key to sign with and one to agree with.
struct KeyPair {
  crypto::KeyHandle sign, agree;
  std::vector<did::PeerKey> keys;

  Result<> Label(crypto::SoftwareKeyStore& store, const std::string& did) const {
    KEEL_TRY_VOID(store.SetLabel(sign, did + "#key-1"));
    return store.SetLabel(agree, did + "#key-2");
  }
};

Result<KeyPair> MakePair(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  KeyPair pair;
  if (flags.type == "x25519") return Fail(Code::kUsage, "create", "an X25519 key can't sign: --type is another");
  KEEL_TRY(pair.sign, store.Generate(KeyTypes().at(flags.type)));
  KEEL_TRY(pair.agree, store.Generate(KeyTypes().at(flags.agreement)));
  pair.keys.resize(2);
  pair.keys[0].use = did::Relationship::kAuthentication;
  KEEL_TRY(pair.keys[0].key, store.Public(pair.sign));
  KEEL_TRY(pair.keys[1].key, store.Public(pair.agree));
  return pair;
}

Result<json> CreatePeer(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  KEEL_TRY(const KeyPair pair, MakePair(store, flags));
  std::vector<std::string> services;
  for (const std::string& uri : flags.services) services.push_back(did::PeerServiceDidcomm(uri));
  json out = json::object();
  if (flags.numalgo == 2) {
    KEEL_TRY(const std::string did, did::CreatePeer2(pair.keys, services));
    KEEL_TRY_VOID(pair.Label(store, did));
    out["did"] = did;
  } else {
    KEEL_TRY(const did::Peer4 made, did::CreatePeer4(pair.keys, services));
    KEEL_TRY_VOID(pair.Label(store, made.long_form));
    KEEL_TRY_VOID(pair.Label(store, made.short_form));
    out["did"] = made.long_form;
    out["short_form"] = made.short_form;
  }
  const std::string did = out["did"];
  out["keys"] = {did + "#key-1", did + "#key-2"};
  return out;
}

// https://example.org:8443/users/alice -> did:web:example.org%3A8443:users:alice; the document's place is in `place`.
Result<std::string> WebDid(const std::string& text, std::string& place) {
  const auto bad = [&text](const char* why) {
    return Fail(Code::kUsage, "--url",
                "\"" + text + "\" " + why + "; like https://example.org or https://example.org/users/alice");
  };
  constexpr std::string_view kScheme = "https://";
  if (!text.starts_with(kScheme)) return bad("isn't an https URL");
  std::string_view rest = std::string_view(text).substr(kScheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const std::string_view host = rest.substr(0, rest.find('/'));
  std::string did = "did:web:";
  for (const char c : rest) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (c == '/') {
      did += ':';
    } else if (c == ':' && did.find('%') == std::string::npos) {
      did += "%3A";
    } else if (plain) {
      did += c;
    } else {
      return bad("has a character that did:web has no simple form for");
    }
  }
  if (host.empty() || rest.find("//") != std::string_view::npos) return bad("has an empty part");
  KEEL_TRY(place, did::WebUrl(did));
  return did;
}

json ServiceJson(const std::string& id, const std::string& uri) {
  return {{"id", id}, {"type", "DIDCommMessaging"}, {"serviceEndpoint", {{"uri", uri}, {"accept", {"didcomm/v2"}}}}};
}

Result<json> CreateWeb(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  if (flags.url.empty())
    return Fail(Code::kUsage, "create", "a did:web stands at a URL: --url https://example.org/users/alice");
  std::string place;
  KEEL_TRY(const std::string did, WebDid(flags.url, place));
  KEEL_TRY(const KeyPair pair, MakePair(store, flags));
  KEEL_TRY_VOID(pair.Label(store, did));
  did::DidDocument document;
  document.id = did;
  for (size_t i = 0; i < pair.keys.size(); ++i) {
    did::VerificationMethod method;
    method.id = did + "#key-" + std::to_string(i + 1);
    method.controller = did;
    method.key = pair.keys[i].key;
    method.uses = static_cast<uint8_t>(i == 0 ? static_cast<int>(did::Relationship::kAuthentication) |
                                                    static_cast<int>(did::Relationship::kAssertionMethod)
                                              : static_cast<int>(did::Relationship::kKeyAgreement));
    document.methods.push_back(std::move(method));
  }
  for (size_t i = 0; i < flags.services.size(); ++i) {
    did::Service service;
    service.json = base::DumpJson(ServiceJson(did + "#didcomm-" + std::to_string(i), flags.services[i]));
    document.services.push_back(std::move(service));
  }
  json text = document.ToJson(did::KeyFormat::kJsonWebKey);
  json out = {{"did", did}, {"keys", {did + "#key-1", did + "#key-2"}}, {"publish_at", place}};
  if (!flags.document.empty()) {
    KEEL_TRY_VOID(base::WriteFileAtomic(flags.document, base::DumpJsonPretty(text) + "\n"));
    out["document_file"] = flags.document;
  }
  out["document"] = std::move(text);
  return out;
}

Result<json> CreateKeel(crypto::SoftwareKeyStore& store, const DidCreateFlags& flags) {
  if (flags.network.empty())
    return Fail(Code::kUsage, "create", "a did:keel belongs to one network: give --registry net.keel, once");
  KEEL_TRY(const std::string text, base::ReadFile(flags.network, 4 << 20));
  KEEL_TRY(const auto network, registry_client::ParseNetworkFile(text));
  std::vector<std::string> services;
  for (size_t i = 0; i < flags.services.size(); ++i)
    services.push_back(base::DumpJson(ServiceJson("#didcomm-" + std::to_string(i), flags.services[i])));
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

// Which flags are another method's: said rather than passed over.
Result<> CheckFlags(const DidCreateFlags& flags, const CLI::App& app) {
  struct Rule {
    const char* flag;
    std::initializer_list<std::string_view> methods;
  };
  const Rule rules[] = {{"--type", {"key", "jwk", "peer", "web"}},
                        {"--agreement", {"peer", "web"}},
                        {"--numalgo", {"peer"}},
                        {"--use", {"jwk"}},
                        {"--url", {"web"}},
                        {"--document", {"web"}},
                        {"--request", {"keel"}},
                        {"--registry", {"keel"}},
                        {"--service", {"peer", "web", "keel"}}};
  for (const Rule& rule : rules) {
    if (app.count(rule.flag) == 0) continue;
    if (std::find(rule.methods.begin(), rule.methods.end(), flags.method) == rule.methods.end())
      return Fail(Code::kUsage, "create", std::string(rule.flag) + " is not for --method " + flags.method);
  }
  return {};
}

void Print(const DidCreateFlags& flags, const json& made) {
  if (flags.json) {
    std::printf("%s\n", base::DumpJson(made).c_str());
    return;
  }
  std::printf("%s\n", made["did"].get_ref<const std::string&>().c_str());
  if (flags.method == "keel") {
    std::fprintf(stderr, "Not anchored yet: a member does that, `keel-registry sponsor add --identity %s`\n",
                 flags.request.empty() ? "FILE (make one by --request FILE)" : flags.request.c_str());
  }
  if (flags.method == "web") {
    if (flags.document.empty()) std::printf("%s\n", base::DumpJsonPretty(made["document"]).c_str());
    std::fprintf(stderr, "Not there yet: publish %s at %s\n",
                 flags.document.empty() ? "the document" : flags.document.c_str(),
                 made["publish_at"].get_ref<const std::string&>().c_str());
  }
}

}  // namespace

const char* KeyTypeName(crypto::KeyType type) {
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

void DidCreateFlags::Add(CLI::App& app) {
  app.add_option("--method", method, "key, jwk, peer, web or keel")
      ->check(CLI::IsMember({"key", "jwk", "peer", "web", "keel"}))
      ->capture_default_str();
  app.add_option("--type", type,
                 "Type of the key that signs; of a did:key or did:jwk, of its one key:\n"
                 "ed25519, x25519, p256, p384, p521, secp256k1")
      ->check(CLI::IsMember(KeyTypes()))
      ->capture_default_str();
  app.add_option("--agreement", agreement, "peer, web: type of the key to encrypt to: x25519, p256, p384, p521")
      ->check(CLI::IsMember({"x25519", "p256", "p384", "p521"}))
      ->capture_default_str();
  app.add_option("--numalgo", numalgo, "peer: 2, or 4 (a long form, and a short form for those who saw it)")
      ->check(CLI::IsMember({2, 4}))
      ->capture_default_str();
  app.add_option("--use", use, "jwk: sig or enc (default: whatever the key can do)")
      ->check(CLI::IsMember({"sig", "enc"}));
  app.add_option("--service", services, "peer, web, keel: DIDComm endpoint, a URL or the DID of a mediator (repeat)")
      ->expected(1)
      ->take_all();
  app.add_option("--url", url, "web: https://HOST[:PORT][/PATH], where the document will stand");
  app.add_option("--document", document, "web: write the document to this file (default: to standard output)");
  app.add_option("--registry", network, "keel: the network, its join file net.keel");
  app.add_option("--request", request, "keel: write what a registry member needs to anchor it");
  app.add_option("-o,--output", key.path, "Key file to make")->required();
  app.add_flag("--json", json, "Result and errors as JSON");
  key.AddFlags(app);
  app.parse_complete_callback([this, &app] { fits = CheckFlags(*this, app); });
}

Result<int> CreateDid(const DidCreateFlags& flags) {
  if (!flags.fits) return std::unexpected<Error>(flags.fits.error());
  KEEL_TRY(auto store, flags.key.Create());
  const auto make = flags.method == "key"    ? CreateKey
                    : flags.method == "jwk"  ? CreateJwk
                    : flags.method == "peer" ? CreatePeer
                    : flags.method == "web"  ? CreateWeb
                                             : CreateKeel;
  auto made = make(*store, flags);
  if (!made) {
    store.reset();
    for (const char* suffix : {"", ".key", ".lock"}) static_cast<void>(base::RemoveFile(flags.key.path + suffix));
    return std::unexpected<Error>(std::move(made.error()));
  }
  (*made)["file"] = flags.key.path;
  Print(flags, *made);
  return base::kExitDone;
}

}  // namespace keel::cli
