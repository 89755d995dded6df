// SPDX-License-Identifier: Apache-2.0
#include "cli/did_change.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/did.h"
#include "did/methods/keel.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "ledger/operation.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxAnswer = 1 << 20;

// Keys whose public halves alone are here: those that an update keeps.
class KeptKeys final : public crypto::KeyStore {
 public:
  crypto::KeyHandle Add(const crypto::PublicKey& key) {
    keys_.push_back(key);
    return {static_cast<uint32_t>(keys_.size())};
  }
  Result<crypto::KeyHandle> Generate(crypto::KeyType) override { return Fail(Code::kUnsupported, "key"); }
  Result<crypto::PublicKey> Public(crypto::KeyHandle key) override {
    if (key.id == 0 || key.id > keys_.size()) return Fail(Code::kNoSuchKey, "key");
    return keys_[key.id - 1];
  }
  Result<size_t> Sign(crypto::KeyHandle, ByteView, ByteSpan) override { return Fail(Code::kUnsupported, "key"); }
  Result<crypto::SharedSecret> Agree(crypto::KeyHandle, const crypto::PublicKey&) override {
    return Fail(Code::kUnsupported, "key");
  }
  Result<> Erase(crypto::KeyHandle) override { return Fail(Code::kUnsupported, "key"); }

 private:
  std::vector<crypto::PublicKey> keys_;
};

struct Subject {
  std::unique_ptr<World> world;
  registry_client::RegistryClient* registry = nullptr;
  registry_client::VerifiedHistory history;
  did::ResolutionResult resolved;
  std::vector<did::KeyRef> by;  // keys of ours that the last operation committed to, as many as it wants
};

Result<Subject> OpenSubject(const DidChangeFlags& flags) {
  Subject subject;
  KEEL_TRY(const did::Did parsed, did::Did::Parse(flags.did));
  if (parsed.method != "keel") {
    return Fail(Code::kUsage, "did",
                "did:" + parsed.method +
                    (parsed.method == "web" || parsed.method == "webvh" ? " is changed where it is published"
                                                                        : " can't be changed: make another") +
                    "; only a did:keel has operations");
  }
  KEEL_TRY(subject.world, World::Open(flags.world));
  subject.registry = subject.world->Registry(flags.did);
  if (subject.registry == nullptr)
    return Fail(Code::kUsage, "did", flags.did + ": give its network's join file: --registry net.keel");
  KEEL_TRY(subject.history, subject.registry->ResolveDid(flags.did));
  KEEL_TRY(subject.resolved, did::DocumentOfHistory(subject.history));
  if (subject.resolved.deactivated)
    return Fail(Code::kDeactivated, "did", flags.did + " is deactivated for good: nothing follows");
  ledger::DidHistory state;
  KEEL_TRY_VOID(state.Start(flags.did));
  const ledger::DidHistory::Options options{.verify_create_signature = false, .verify_signatures = false, .work = {}};
  for (const auto& item : subject.history.operations) KEEL_TRY_VOID(state.Apply(item.index, item.jws, options));
  for (const auto& [label, ref] : subject.world->AllKeys()) {
    const auto key = ref.Public();
    const auto hash = key ? ledger::KeyHash(*key) : Result<Bytes32>(Fail(Code::kNoSuchKey, "key"));
    if (!hash || std::find(state.next().begin(), state.next().end(), *hash) == state.next().end()) continue;
    if (subject.by.size() < state.next_threshold()) subject.by.push_back(ref);
  }
  if (subject.by.size() < state.next_threshold()) {
    return Fail(Code::kNoSuchKey, "did",
                "the next operation needs " + std::to_string(state.next_threshold()) +
                    " of the keys that the last one committed to; --key and --secrets have " +
                    std::to_string(subject.by.size()) + ". They are labelled \"" + flags.did + "#next-...\"");
  }
  return subject;
}

Result<std::optional<uint64_t>> Since(const DidChangeFlags& flags) {
  if (flags.compromise_since.empty()) return std::nullopt;
  uint64_t index = 0;
  const std::string& text = flags.compromise_since;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
    return Fail(Code::kUsage, "--compromised-since", "\"" + text + "\" is no log index");
  return index;
}

// Anchors the operation, or writes it to --request.
Result<json> Hand(const DidChangeFlags& flags, Subject& subject, const did::KeelOperation& operation) {
  std::vector<uint8_t> entry(operation.jws.size() + 16);
  KEEL_TRY(const size_t length, ledger::WriteOperationEntry(operation.jws, entry));
  entry.resize(length);
  json out = {{"did", flags.did}, {"version", *subject.resolved.version + 1}};
  if (!flags.request.empty()) {
    KEEL_TRY_VOID(base::WriteFileAtomic(
        flags.request, base::DumpJsonPretty({{"did", flags.did}, {"entries", {base::Base64Url(entry)}}}) + "\n"));
    out["request"] = flags.request;
    return out;
  }
  KEEL_TRY(const auto verdicts, subject.registry->Submit(std::span(&entry, 1)));
  if (verdicts.front().code != Code::kOk)
    return Fail(verdicts.front().code, "did", "the registry refuses the operation: " + verdicts.front().detail);
  out["index"] = verdicts.front().index;
  return out;
}

int Print(const DidChangeFlags& flags, const json& done, const char* what) {
  if (flags.world.json) {
    std::printf("%s\n", base::DumpJson(done).c_str());
  } else {
    std::printf("%s %s: version %s\n", flags.did.c_str(), what, base::DumpJson(done["version"]).c_str());
    if (done.contains("request"))
      std::fprintf(stderr, "Not anchored yet: a member does that, `keel-registry anchor %s`\n", flags.request.c_str());
  }
  return base::kExitDone;
}

// The keys of the document that follows: kept, or made anew in `store`.
Result<std::vector<did::KeelKey>> NewKeys(const DidChangeFlags& flags, const Subject& subject, KeptKeys& kept,
                                          crypto::SoftwareKeyStore& store) {
  const auto& methods = subject.resolved.document->methods;
  for (const std::string& id : flags.rotate) {
    const bool known = id == "all" || std::any_of(methods.begin(), methods.end(),
                                                  [&](const auto& method) { return did::FragmentOf(method.id) == id; });
    if (!known) return Fail(Code::kUsage, "--rotate", "the document has no key \"" + id + "\"");
  }
  const bool all = std::find(flags.rotate.begin(), flags.rotate.end(), "all") != flags.rotate.end();
  std::vector<did::KeelKey> keys;
  for (const did::VerificationMethod& method : methods) {
    const std::string id(did::FragmentOf(method.id));
    if (!all && std::find(flags.rotate.begin(), flags.rotate.end(), id) == flags.rotate.end()) {
      keys.push_back({id, method.uses, {&kept, kept.Add(method.key)}});
      continue;
    }
    KEEL_TRY(const crypto::KeyHandle made, store.Generate(method.key.type()));
    KEEL_TRY_VOID(store.SetLabel(made, method.id));
    keys.push_back({id, method.uses, {&store, made}});
  }
  return keys;
}

std::vector<std::string> NewServices(const DidChangeFlags& flags, const Subject& subject) {
  std::vector<std::string> services;
  if (flags.no_services) return services;
  if (flags.services.empty()) {
    for (const did::Service& service : subject.resolved.document->services) services.push_back(service.json);
    return services;
  }
  for (size_t i = 0; i < flags.services.size(); ++i) {
    services.push_back(base::DumpJson({{"id", "#didcomm-" + std::to_string(i)},
                                       {"type", "DIDCommMessaging"},
                                       {"serviceEndpoint", {{"uri", flags.services[i]}, {"accept", {"didcomm/v2"}}}}}));
  }
  return services;
}

Result<json> Update(const DidChangeFlags& flags, Subject& subject, crypto::SoftwareKeyStore& store,
                    bool& maybe_anchored) {
  KeptKeys kept;
  did::KeelUpdate update;
  KEEL_TRY(update.keys, NewKeys(flags, subject, kept, store));
  update.by = subject.by;
  update.services = NewServices(flags, subject);
  KEEL_TRY(update.compromise_since, Since(flags));
  KEEL_TRY(const crypto::KeyHandle next, store.Generate(crypto::KeyType::kEd25519));
  KEEL_TRY_VOID(store.SetLabel(next, flags.did + "#next-" + std::to_string(*subject.resolved.version + 1)));
  KEEL_TRY(update.next.emplace_back(), store.Public(next));
  KEEL_TRY(const did::KeelOperation operation, did::UpdateKeelDid(subject.history, update));
  maybe_anchored = flags.request.empty();
  auto done = Hand(flags, subject, operation);
  // A refusal is certain; after any other error the operation may stand in the log, and then these keys are needed.
  if (!done && base::ExitFor(done.error()) == base::kExitInvalid) maybe_anchored = false;
  return done;
}

// What one signing request is about. kRefused: not a did:keel operation, or not what it says.
Result<json> Describe(const json& request, const std::string& message) {
  const auto refuse = [](const char* why) {
    return Fail(Code::kRefused, "sign", std::string(why) + "; --any signs whatever it is");
  };
  const size_t dot = message.find('.');
  const auto header = dot == std::string::npos ? Result<base::ByteVec>(refuse("no JWS signing input"))
                                               : base::FromBase64Url(std::string_view(message).substr(0, dot));
  const auto payload = dot == std::string::npos ? Result<base::ByteVec>(refuse("no JWS signing input"))
                                                : base::FromBase64Url(std::string_view(message).substr(dot + 1));
  if (!header || !payload) return refuse("serializedPayload is no JWS signing input");
  const std::string head = base::ToString(*header);
  if (head != "{\"alg\":\"EdDSA\"}" && head != "{\"alg\":\"ES256\"}")
    return refuse("its header is no did:keel operation's");
  auto value = base::ParseJson(base::ToString(*payload));
  const std::string op = value ? base::GetString(*value, "op").value_or("") : "";
  if (op != "create" && op != "update" && op != "deactivate") return refuse("its payload is no did:keel operation");
  if (const auto shown = request.find("payload"); shown != request.end() && !shown->is_null() && *shown != *value)
    return Fail(Code::kRefused, "sign", "payload is not what serializedPayload would have signed");
  return std::move(*value);
}

void Show(const json& operation, const std::string& did, const std::string& key) {
  std::string keys;
  for (const json& item : operation.value("keys", json::array()))
    keys += (keys.empty() ? "" : ", ") + base::GetString(item, "id").value_or("?");
  std::fprintf(stderr, "Signed by %s: %s%s%s%s%s\n", key.c_str(), operation["op"].get_ref<const std::string&>().c_str(),
               did.empty() ? "" : (" of " + did).c_str(), keys.empty() ? "" : (", keys " + keys).c_str(),
               operation.contains("svc") ? ", services " : "",
               operation.contains("svc") ? base::DumpJson(operation["svc"]).c_str() : "");
}

Result<did::KeyRef> KeyOf(World& world, const json& request) {
  const auto multikey = base::GetOptionalString(request, "publicKeyMultibase");
  const auto kid = base::GetOptionalString(request, "kid");
  if (multikey && *multikey) {
    KEEL_TRY(const crypto::PublicKey wanted, crypto::PublicKey::FromMultikey(**multikey));
    for (const auto& [label, ref] : world.AllKeys()) {
      if (const auto key = ref.Public(); key && *key == wanted) return ref;
    }
    return Fail(Code::kNoSuchKey, "key", **multikey + " is neither in --key nor in --secrets");
  }
  if (!kid || !*kid) return Fail(Code::kMalformed, "signing request", "neither publicKeyMultibase nor kid");
  return world.keys().Find(**kid);
}

Result<json> SignOne(World& world, const json& request, bool any, const std::string& did) {
  const auto octets = base::FromBase64(base::GetString(request, "serializedPayload").value_or("?"));
  if (!octets) return Fail(Code::kMalformed, "signing request", "serializedPayload is no Base64");
  const std::string message = base::ToString(*octets);
  json operation;
  if (!any) {
    KEEL_TRY(operation, Describe(request, message));
  }
  KEEL_TRY(const did::KeyRef ref, KeyOf(world, request));
  KEEL_TRY(const crypto::PublicKey key, ref.Public());
  const std::string_view alg = key.type() == crypto::KeyType::kEd25519     ? "EdDSA"
                               : key.type() == crypto::KeyType::kP256      ? "ES256"
                               : key.type() == crypto::KeyType::kSecp256k1 ? "ES256K"
                               : key.type() == crypto::KeyType::kP384      ? "ES384"
                                                                           : "";
  if (alg.empty() || base::GetString(request, "alg").value_or("") != alg)
    return Fail(Code::kAlgorithmNotAllowed, "signing request", "alg is not that of the key (" + std::string(alg) + ")");
  std::array<uint8_t, 132> signature{};
  KEEL_TRY(const size_t length, ref.store->Sign(ref.handle, AsBytes(message), signature));
  if (!any) Show(operation, did, base::Multikey(key));
  json out = {{"signature", base::Base64(ByteView(signature).first(length))}, {"alg", alg}};
  if (const auto kid = base::GetString(request, "kid"); kid) out["kid"] = *kid;
  return out;
}

}  // namespace

Result<int> UpdateDid(const DidChangeFlags& flags) {
  if (flags.no_services && !flags.services.empty())
    return Fail(Code::kUsage, "update", "--service and --no-services exclude each other");
  KEEL_TRY(Subject subject, OpenSubject(flags));
  KeyFile file = flags.world.key;
  file.path = flags.output;
  KEEL_TRY(auto store, file.Create());
  bool maybe_anchored = false;
  auto done = Update(flags, subject, *store, maybe_anchored);
  if (!done) {
    store.reset();
    if (!maybe_anchored) {
      for (const char* suffix : {"", ".key", ".lock"}) static_cast<void>(base::RemoveFile(flags.output + suffix));
    } else {
      done.error().detail += "; " + flags.output + " stays, since the operation may have been anchored: ask by resolve";
    }
    return std::unexpected<Error>(std::move(done.error()));
  }
  json keys = json::array();
  for (const auto& [label, handle] : store->Labels()) keys.push_back(label);
  (*done)["keys"] = std::move(keys);
  (*done)["file"] = flags.output;
  return Print(flags, *done, "updated");
}

Result<int> DeactivateDid(const DidChangeFlags& flags) {
  if (!flags.yes)
    return Fail(Code::kUsage, "deactivate", "this is for good, nobody can undo it: say --yes if you mean " + flags.did);
  KEEL_TRY(Subject subject, OpenSubject(flags));
  did::KeelUpdate update;
  update.deactivate = true;
  update.by = subject.by;
  KEEL_TRY(update.compromise_since, Since(flags));
  KEEL_TRY(const did::KeelOperation operation, did::UpdateKeelDid(subject.history, update));
  KEEL_TRY(const json done, Hand(flags, subject, operation));
  return Print(flags, done, "deactivated");
}

Result<int> SignPayload(const SignPayloadFlags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.world));
  KEEL_TRY(const std::string text, ReadInput(kMaxAnswer));
  KEEL_TRY(const json answer, base::ParseJson(text));
  const auto state = base::GetObject(answer, "didState");
  if (!state) return Fail(Code::kMalformed, "standard input", "expected a registrar's answer, with didState");
  if (base::GetString(**state, "action").value_or("") != "signPayload")
    return Fail(Code::kWrongState, "standard input",
                "the registrar doesn't ask for signatures: its state is " +
                    base::DumpJson((*state)->value("state", json())) +
                    ((*state)->contains("description") ? ", " + base::DumpJson((**state)["description"]) : ""));
  KEEL_TRY(const json* requests, base::GetObject(**state, "signingRequest"));
  const std::string did = base::GetString(**state, "did").value_or("");
  json responses = json::object();
  for (const auto& [name, request] : requests->items()) {
    KEEL_TRY(responses[name], SignOne(*world, request, flags.any, did));
  }
  const json next = {{"jobId", answer.value("jobId", json())}, {"secret", {{"signingResponse", std::move(responses)}}}};
  std::printf("%s\n", base::DumpJson(next).c_str());
  return base::kExitDone;
}

}  // namespace keel::cli
