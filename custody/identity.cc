// SPDX-License-Identifier: Apache-2.0
#include "custody/identity.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <shared_mutex>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/methods/keel.h"
#include "ledger/entry.h"
#include "registry-client/registry_client.h"

namespace keel::custody {
namespace {

using nlohmann::json;

constexpr uint8_t kAuthUses = static_cast<uint8_t>(did::Relationship::kAuthentication) |
                              static_cast<uint8_t>(did::Relationship::kAssertionMethod) |
                              static_cast<uint8_t>(did::Relationship::kCapabilityInvocation);
constexpr uint8_t kAgreeUses = static_cast<uint8_t>(did::Relationship::kKeyAgreement);

// What identity.json says of the key that acts now. `label` names it in keys.keel, `id` in the DID document.
struct Current {
  std::string id = "auth";
  std::string label = "auth";
  std::string next = "next-0";
};

struct Pending {
  std::string jws;
  Current current;  // once it is anchored
  std::string old_label;
};

json CurrentJson(const Current& current) {
  return {{"id", current.id}, {"label", current.label}, {"next", current.next}};
}

Result<Current> CurrentFrom(const json& object) {
  Current current;
  KEEL_TRY(current.id, base::GetString(object, "id"));
  KEEL_TRY(current.label, base::GetString(object, "label"));
  KEEL_TRY(current.next, base::GetString(object, "next"));
  return current;
}

Result<crypto::KeyHandle> Make(crypto::SoftwareKeyStore& keys, crypto::KeyType type, const std::string& label) {
  KEEL_TRY(const crypto::KeyHandle handle, keys.Generate(type));
  KEEL_TRY_VOID(keys.SetLabel(handle, label));
  return handle;
}

Result<std::unique_ptr<crypto::SoftwareKeyStore>> OpenKeys(const std::string& dir, const Identity::Options& options) {
  return crypto::SoftwareKeyStore::Open(
      dir + "/keys.keel", options.passphrase.empty() ? crypto::Protection::kNone : crypto::Protection::kPassphrase,
      options.passphrase, options.cost);
}

}  // namespace

struct Identity::Impl {
  std::string dir;
  std::string net_text;
  registry_client::NetworkFile network;
  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  std::string did;
  std::string create;
  std::vector<std::string> updates;
  std::optional<Pending> pending;
  bool guarded = false;  // by a passphrase

  mutable std::shared_mutex mutex;  // of what a rotation changes:
  Current current;
  crypto::KeyHandle auth, agree, wrap;
  crypto::PublicKey auth_key, agree_key;

  json ToJson() const {
    json out = {{"v", 1},           {"did", did},         {"protected", guarded},
                {"create", create}, {"updates", updates}, {"auth", CurrentJson(current)}};
    if (pending)
      out["pending"] = {{"jws", pending->jws}, {"auth", CurrentJson(pending->current)}, {"erase", pending->old_label}};
    return out;
  }
  Result<> Save() const {
    return base::WriteFileAtomic(dir + "/identity.json", base::DumpJsonPretty(ToJson()) + "\n", 0644);
  }

  Result<> FindKeys() {
    KEEL_TRY(auth, keys->FindLabel(current.label));
    KEEL_TRY(agree, keys->FindLabel("agree"));
    KEEL_TRY(wrap, keys->FindLabel("wrap"));
    KEEL_TRY(auth_key, keys->Public(auth));
    KEEL_TRY(agree_key, keys->Public(agree));
    return {};
  }
};

Identity::Identity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identity::~Identity() = default;

Result<std::unique_ptr<Identity>> Identity::Create(const std::string& data_dir, std::string_view net_keel,
                                                   const Options& options) {
  auto impl = std::make_unique<Impl>();
  impl->dir = data_dir;
  impl->net_text = std::string(net_keel);
  impl->guarded = !options.passphrase.empty();
  KEEL_TRY(impl->network, registry_client::ParseNetworkFile(net_keel));
  if (base::FileExists(data_dir + "/identity.json"))
    return Fail(
        Code::kExists, "identity",
        data_dir + " has an identity already: init is done once; choose another --data folder for another role");
  KEEL_TRY_VOID(base::MakePrivateDir(data_dir));
  KEEL_TRY(impl->keys, OpenKeys(data_dir, options));
  crypto::SoftwareKeyStore& keys = *impl->keys;
  KEEL_TRY(impl->auth, Make(keys, crypto::KeyType::kEd25519, "auth"));
  KEEL_TRY(impl->agree, Make(keys, crypto::KeyType::kX25519, "agree"));
  KEEL_TRY(const crypto::KeyHandle next, Make(keys, crypto::KeyType::kEd25519, "next-0"));
  KEEL_TRY(impl->wrap, Make(keys, crypto::KeyType::kX25519, "wrap"));
  KEEL_TRY(const crypto::PublicKey next_key, keys.Public(next));
  did::KeelCreate create;
  create.label = impl->network.label;
  create.net = impl->network.net;
  create.keys = {{"auth", kAuthUses, {&keys, impl->auth}}, {"agree", kAgreeUses, {&keys, impl->agree}}};
  create.next = {next_key};
  KEEL_TRY(const did::KeelOperation made, did::CreateKeelDid(create, crypto::SystemRandom()));
  impl->did = made.did;
  impl->create = base::ToString(made.jws);
  KEEL_TRY_VOID(impl->FindKeys());
  KEEL_TRY_VOID(base::WriteFileAtomic(data_dir + "/net.keel", net_keel, 0644));
  KEEL_TRY_VOID(impl->Save());  // last: a folder without it is not initialised
  return std::unique_ptr<Identity>(new Identity(std::move(impl)));
}

namespace {
Result<json> ReadIdentity(const std::string& data_dir) {
  auto text = base::ReadFile(data_dir + "/identity.json", 256 << 10);
  if (!text) {
    if (text.error().code == Code::kNotFound)
      return Fail(Code::kNotFound, "identity",
                  data_dir + " has no identity.json: run init --data " + data_dir + " --registry net.keel first");
    return std::unexpected<Error>(std::move(text.error()));
  }
  return base::ParseJson(*text);
}
}  // namespace

Result<bool> Identity::NeedsPassphrase(const std::string& data_dir) {
  KEEL_TRY(const json object, ReadIdentity(data_dir));
  return base::GetBool(object, "protected");
}

Result<std::unique_ptr<Identity>> Identity::Open(const std::string& data_dir, const Options& options) {
  auto impl = std::make_unique<Impl>();
  impl->dir = data_dir;
  KEEL_TRY(const json object, ReadIdentity(data_dir));
  KEEL_TRY(impl->guarded, base::GetBool(object, "protected"));
  if (impl->guarded && options.passphrase.empty())
    return Fail(Code::kWrongPassphrase, "identity",
                data_dir + "/keys.keel is protected by a passphrase: give --passphrase-file or --passphrase-fd");
  KEEL_TRY(const uint64_t version, base::GetUint(object, "v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "identity.json", "version " + std::to_string(version));
  KEEL_TRY(impl->did, base::GetString(object, "did"));
  KEEL_TRY(impl->create, base::GetString(object, "create"));
  KEEL_TRY(impl->updates, base::GetStrings(object, "updates"));
  KEEL_TRY(const json* auth, base::GetObject(object, "auth"));
  KEEL_TRY(impl->current, CurrentFrom(*auth));
  if (object.contains("pending")) {
    KEEL_TRY(const json* pending, base::GetObject(object, "pending"));
    Pending value;
    KEEL_TRY(value.jws, base::GetString(*pending, "jws"));
    KEEL_TRY(const json* later, base::GetObject(*pending, "auth"));
    KEEL_TRY(value.current, CurrentFrom(*later));
    KEEL_TRY(value.old_label, base::GetString(*pending, "erase"));
    impl->pending = std::move(value);
  }
  KEEL_TRY(impl->net_text, base::ReadFile(data_dir + "/net.keel", 4 << 20));
  KEEL_TRY(impl->network, registry_client::ParseNetworkFile(impl->net_text));
  KEEL_TRY(impl->keys, OpenKeys(data_dir, options));
  KEEL_TRY_VOID(impl->FindKeys());
  return std::unique_ptr<Identity>(new Identity(std::move(impl)));
}

const std::string& Identity::data_dir() const { return impl_->dir; }
const std::string& Identity::did() const { return impl_->did; }
const std::string& Identity::create_operation() const { return impl_->create; }
const std::string& Identity::network_text() const { return impl_->net_text; }
const registry_client::NetworkFile& Identity::network() const { return impl_->network; }
const Bytes32& Identity::net() const { return impl_->network.net; }
crypto::SoftwareKeyStore& Identity::keys() { return *impl_->keys; }
crypto::KeyHandle Identity::auth() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->auth;
}
crypto::KeyHandle Identity::agree() const { return impl_->agree; }
std::string Identity::auth_kid() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->did + "#" + impl_->current.id;
}
std::string Identity::agree_kid() const { return impl_->did + "#agree"; }
const crypto::PublicKey& Identity::auth_key() const { return impl_->auth_key; }
const crypto::PublicKey& Identity::agree_key() const { return impl_->agree_key; }

std::vector<std::string> Identity::operations() const {
  const std::shared_lock lock(impl_->mutex);
  std::vector<std::string> out = {impl_->create};
  out.insert(out.end(), impl_->updates.begin(), impl_->updates.end());
  return out;
}

Result<SecretBytes<32>> Identity::WrapKey() {
  // Agreement with the own public key: a secret that follows from the private key alone and is used for nothing else.
  KEEL_TRY(const crypto::PublicKey own, impl_->keys->Public(impl_->wrap));
  KEEL_TRY(const crypto::SharedSecret shared, impl_->keys->Agree(impl_->wrap, own));
  SecretBytes<32> key;
  KEEL_TRY_VOID(crypto::HkdfSha256(shared.ExposeSecret(), impl_->network.net, AsBytes("keel-custody-wrap/1\n"),
                                   key.MutableSecret()));
  return key;
}

Result<uint64_t> Identity::Rotate(registry_client::RegistryClient& registry, std::optional<uint64_t> compromise_since) {
  Impl& impl = *impl_;
  if (!impl.pending) {
    KEEL_TRY(const registry_client::VerifiedHistory history, registry.ResolveDid(impl.did));
    const size_t seq = impl.updates.size() + 1;
    if (history.operations.size() != seq)
      return Fail(Code::kConflict, "rotate",
                  "the registry knows " + std::to_string(history.operations.size()) +
                      " operations of this DID, identity.json " + std::to_string(seq) +
                      ": restore the newest identity.json and keys.keel");
    Pending pending;
    pending.current.id = "auth-" + std::to_string(seq);
    pending.current.label = impl.current.next;
    pending.current.next = "next-" + std::to_string(seq);
    pending.old_label = impl.current.label;
    KEEL_TRY(const crypto::KeyHandle next, Make(*impl.keys, crypto::KeyType::kEd25519, pending.current.next));
    KEEL_TRY(const crypto::PublicKey next_key, impl.keys->Public(next));
    KEEL_TRY(const crypto::KeyHandle by, impl.keys->FindLabel(impl.current.next));
    did::KeelUpdate update;
    update.keys = {{pending.current.id, kAuthUses, {impl.keys.get(), by}},
                   {"agree", kAgreeUses, {impl.keys.get(), impl.agree}}};
    update.by = {{impl.keys.get(), by}};
    update.next = {next_key};
    update.compromise_since = compromise_since;
    KEEL_TRY(const did::KeelOperation made, did::UpdateKeelDid(history, update));
    pending.jws = base::ToString(made.jws);
    impl.pending = std::move(pending);
    KEEL_TRY_VOID(impl.Save());  // before anybody sees it: a repeat must be the same octets
  }
  std::vector<uint8_t> entry(impl.pending->jws.size() + 16);
  KEEL_TRY(const size_t length, ledger::WriteOperationEntry(AsBytes(impl.pending->jws), entry));
  entry.resize(length);
  KEEL_TRY(const auto verdicts, registry.Submit({&entry, 1}));
  if (verdicts.size() != 1 || verdicts[0].code != Code::kOk)
    return Fail(verdicts.empty() ? Code::kInternalError : verdicts[0].code, "rotate",
                verdicts.empty() ? "no verdict" : verdicts[0].detail);
  const std::string erase = impl.pending->old_label;
  {
    const std::unique_lock lock(impl.mutex);
    impl.updates.push_back(impl.pending->jws);
    impl.current = impl.pending->current;
    impl.pending.reset();
    KEEL_TRY_VOID(impl.FindKeys());
  }
  KEEL_TRY_VOID(impl.Save());
  if (const auto old = impl.keys->FindLabel(erase); old) KEEL_TRY_VOID(impl.keys->Erase(*old));
  return verdicts[0].index;
}

}  // namespace keel::custody
