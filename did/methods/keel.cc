// SPDX-License-Identifier: Apache-2.0
#include "did/methods/keel.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "ledger/history.h"
#include "ledger/operation.h"

namespace keel::did {
namespace {

using nlohmann::json;

static_assert(static_cast<uint8_t>(Relationship::kAuthentication) == ledger::kUseAuthentication);
static_assert(static_cast<uint8_t>(Relationship::kAssertionMethod) == ledger::kUseAssertion);
static_assert(static_cast<uint8_t>(Relationship::kKeyAgreement) == ledger::kUseAgreement);
static_assert(static_cast<uint8_t>(Relationship::kCapabilityInvocation) == ledger::kUseInvocation);
static_assert(static_cast<uint8_t>(Relationship::kCapabilityDelegation) == ledger::kUseDelegation);

constexpr size_t kAllRecords = ledger::kMaxOperations * ledger::kMaxKeys;

Result<> Replay(const registry_client::VerifiedHistory& history, ledger::DidHistory& state) {
  // The source has verified every signature against the same octets; the other rules cost little and are checked again.
  const ledger::DidHistory::Options options{.verify_create_signature = false, .verify_signatures = false};
  for (const registry_client::AnchoredOperation& operation : history.operations) {
    KEEL_TRY_VOID(state.Apply(operation.index, operation.jws, options));
  }
  if (state.count() == 0) return Fail(Code::kNotFound, "did:keel", "an empty history");
  return {};
}

// Which operation's document is asked for.
Result<size_t> VersionOf(const registry_client::VerifiedHistory& history, const ResolutionOptions& options,
                         std::span<const UnixSeconds> times) {
  const size_t count = history.operations.size();
  if (!options.version_id.empty()) {
    if (options.version_time)
      return Fail(Code::kInvalidArgument, "did:keel", "give versionId or versionTime, not both");
    const std::string& text = options.version_id;
    uint64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size() || std::to_string(version) != text)
      return Fail(Code::kInvalidArgument, "did:keel", "a versionId is the operation's number: 0, 1, 2, ...");
    if (version >= count)
      return Fail(Code::kNotFound, "did:keel",
                  "there is no version " + text + ": the newest is " + std::to_string(count - 1));
    return version;
  }
  if (!options.version_time) return count - 1;
  if (times.size() != count)
    return Fail(Code::kUnsupported, "did:keel",
                "when an operation was anchored is known to registry nodes only: ask one by /1.0/identifiers, or give "
                "versionId");
  for (size_t version = count; version-- > 0;) {
    if (times[version] <= *options.version_time) return version;
  }
  return Fail(Code::kNotFound, "did:keel", "the DID was not anchored yet at " + base::Rfc3339(*options.version_time));
}

// The operation's keys as ledger::OperationKey, whose views need an owner.
struct KeyTexts {
  std::vector<std::string> multikeys;
  std::vector<ledger::OperationKey> keys;
};

Result<KeyTexts> TextsOf(const std::vector<KeelKey>& keys) {
  KeyTexts texts;
  texts.multikeys.reserve(keys.size());
  for (const KeelKey& item : keys) {
    KEEL_TRY(const crypto::PublicKey key, item.key.Public());
    texts.multikeys.push_back(base::Multikey(key));
    texts.keys.push_back({item.id, item.uses, texts.multikeys.back()});
  }
  return texts;
}

Result<std::vector<Bytes32>> Commitments(const std::vector<crypto::PublicKey>& next) {
  std::vector<Bytes32> hashes;
  for (const crypto::PublicKey& key : next) {
    KEEL_TRY(hashes.emplace_back(), ledger::KeyHash(key));
  }
  return hashes;
}

Result<std::string> ServicesText(const std::vector<std::string>& services) {
  if (services.empty()) return std::string();
  json list = json::array();
  for (const std::string& text : services) {
    KEEL_TRY(json service, base::ParseJson(text, {.max_size = ledger::kMaxServices}));
    if (!service.is_object()) return Fail(Code::kInvalidArgument, "did:keel", "a service is no JSON object");
    list.push_back(std::move(service));
  }
  return base::DumpJson(list);
}

Result<std::vector<uint8_t>> Sign(std::string_view payload, std::span<const ledger::Signer> signers) {
  std::vector<uint8_t> jws(ledger::kMaxOperation);
  KEEL_TRY(const size_t length, ledger::SignOperation(payload, signers, jws));
  jws.resize(length);
  return jws;
}

}  // namespace

Result<ResolutionResult> DocumentOfHistory(const registry_client::VerifiedHistory& history,
                                           const ResolutionOptions& options, std::span<const UnixSeconds> times) {
  ledger::DidHistory state;
  KEEL_TRY_VOID(state.Start(history.did));
  KEEL_TRY_VOID(Replay(history, state));
  KEEL_TRY(const size_t version, VersionOf(history, options, times));
  ByteArray<ledger::kMaxOperationPayload> scratch;
  KEEL_TRY(const ledger::Operation operation, ledger::ParseOperation(history.operations[version].jws, scratch));

  auto document = std::make_shared<DidDocument>();
  document->id = history.did;
  for (size_t i = 0; i < operation.key_count; ++i) {
    const ledger::OperationKey& item = operation.keys[i];
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(item.multikey));
    document->methods.push_back(
        {history.did + "#" + std::string(item.id), "Multikey", history.did, key, {}, item.uses});
  }
  if (!operation.services.empty()) {
    KEEL_TRY(json services, base::ParseJson(operation.services, {.max_size = ledger::kMaxServices}));
    size_t number = 0;
    for (json& service : services) {
      if (service.is_object() && !service.contains("id")) service["id"] = "#service-" + std::to_string(number);
      ++number;
    }
    auto read = DidDocument::FromJson(json{{"id", history.did}, {"service", std::move(services)}});
    // The registry anchors services unread, so that a bad one is its subject's own fault and must not hide the keys.
    if (read) document->services = std::move(read->services);
  }
  ResolutionResult result;
  result.document = std::move(document);
  result.deactivated = state.deactivated();
  result.version = version;
  result.log_index = history.operations[version].index;
  result.proved_at = history.checkpoint.time;
  result.metadata.version_id = std::to_string(version);
  result.metadata.canonical_id = history.did;
  const bool timed = times.size() == history.operations.size();
  if (timed) result.metadata.created = times[0];
  if (timed && version > 0) result.metadata.updated = times[version];
  if (version + 1 < history.operations.size()) {
    result.metadata.next_version_id = std::to_string(version + 1);
    if (timed) result.metadata.next_update = times[version + 1];
  }
  return result;
}

Result<bool> KeyGoodAt(const registry_client::VerifiedHistory& history, const crypto::PublicKey& key, Relationship use,
                       uint64_t log_index) {
  KEEL_TRY(const Bytes32 key_hash, ledger::KeyHash(key));
  std::vector<ledger::KeyRecord> records(kAllRecords);
  ledger::DidHistory state;
  KEEL_TRY_VOID(state.Start(history.did, records));
  state.Watch(key_hash);
  KEEL_TRY_VOID(Replay(history, state));
  return state.KeyGoodAt(key_hash, static_cast<uint8_t>(use), log_index);
}

Result<std::vector<crypto::PublicKey>> KeysOfId(const registry_client::VerifiedHistory& history, std::string_view id) {
  std::vector<crypto::PublicKey> keys;
  ByteArray<ledger::kMaxOperationPayload> scratch;
  for (auto it = history.operations.rbegin(); it != history.operations.rend(); ++it) {
    KEEL_TRY(const ledger::Operation operation, ledger::ParseOperation(it->jws, scratch));
    for (size_t i = 0; i < operation.key_count; ++i) {
      if (operation.keys[i].id != id) continue;
      KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(operation.keys[i].multikey));
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

struct CachingHistorySource::Impl {
  struct Entry {
    registry_client::VerifiedHistory history;
    uint64_t expires_ms = 0;
  };
  registry_client::HistorySource& source;
  Clock& clock;
  const uint64_t ttl_ms;
  const size_t max_entries;
  std::mutex mutex;  // guards entries; not held while the source is asked
  std::map<std::string, Entry, std::less<>> entries;
};

CachingHistorySource::CachingHistorySource(registry_client::HistorySource& source, Clock& clock, uint64_t ttl_ms,
                                           size_t max_entries)
    : impl_(new Impl{source, clock, ttl_ms, max_entries, {}, {}}) {}
CachingHistorySource::~CachingHistorySource() = default;

Result<registry_client::VerifiedHistory> CachingHistorySource::ResolveDid(const std::string& did) {
  const uint64_t now = impl_->clock.TicksMs();
  {
    const std::lock_guard lock(impl_->mutex);
    if (const auto it = impl_->entries.find(did); it != impl_->entries.end() && now < it->second.expires_ms)
      return it->second.history;
  }
  KEEL_TRY(registry_client::VerifiedHistory history, impl_->source.ResolveDid(did));
  Keep(history);
  return history;
}

void CachingHistorySource::Keep(const registry_client::VerifiedHistory& history) {
  const uint64_t now = impl_->clock.TicksMs();
  const std::lock_guard lock(impl_->mutex);
  if (impl_->entries.size() >= impl_->max_entries && !impl_->entries.contains(history.did)) {
    std::erase_if(impl_->entries, [now](const auto& item) { return item.second.expires_ms <= now; });
    if (impl_->entries.size() >= impl_->max_entries) impl_->entries.clear();
  }
  impl_->entries[history.did] = {history, now + impl_->ttl_ms};
}

void CachingHistorySource::Forget(const std::string& did) {
  const std::lock_guard lock(impl_->mutex);
  impl_->entries.erase(did);
}

Result<ResolutionResult> KeelMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  auto parts = ledger::ParseDid(did);
  if (!parts) return Fail(Code::kInvalidDid, "did:keel", parts.error().detail);
  if (!label_.empty() && parts->label != label_) {
    return Fail(Code::kWrongNetwork, "did:keel",
                "the DID is of network '" + std::string(parts->label) + "', this registry is '" + label_ + "'");
  }
  KEEL_TRY(const registry_client::VerifiedHistory history, source_.ResolveDid(did));
  if (history.did != did) return Fail(Code::kInternalError, "did:keel", "the source answered for another DID");
  return DocumentOfHistory(history, options);
}

Result<KeelOperation> CreateKeelDid(const KeelCreate& create, Random& random) {
  if (create.keys.empty()) return Fail(Code::kInvalidArgument, "create did:keel", "no key");
  KEEL_TRY(const KeyTexts texts, TextsOf(create.keys));
  KEEL_TRY(const std::vector<Bytes32> next, Commitments(create.next));
  KEEL_TRY(const std::string services, ServicesText(create.services));
  ledger::CreateFields fields;
  fields.net = create.net;
  fields.keys = texts.keys;
  fields.next_threshold = static_cast<uint8_t>(create.next_threshold);
  fields.next = next;
  fields.services = services;
  fields.seal0 = create.seal0 ? &*create.seal0 : nullptr;
  KEEL_TRY_VOID(random.Fill(fields.nonce));
  std::string payload(ledger::kMaxOperationPayload, '\0');
  KEEL_TRY(const size_t length, ledger::BuildCreate(fields, payload));
  payload.resize(length);
  const ledger::Signer signer{create.keys[0].key.store, create.keys[0].key.handle};
  KeelOperation operation;
  KEEL_TRY(operation.jws, Sign(payload, {&signer, 1}));
  KEEL_TRY(const ledger::Did did, ledger::DidOfCreate(create.label, AsBytes(payload)));
  operation.did = did.view();
  return operation;
}

Result<KeelOperation> UpdateKeelDid(const registry_client::VerifiedHistory& history, const KeelUpdate& update) {
  ledger::DidHistory state;
  KEEL_TRY_VOID(state.Start(history.did));
  KEEL_TRY_VOID(Replay(history, state));
  if (state.deactivated()) return Fail(Code::kDeactivated, "update did:keel", history.did + " is deactivated for good");
  std::vector<std::string> by_texts;
  std::vector<std::string_view> by;
  std::vector<ledger::Signer> signers;
  by_texts.reserve(update.by.size());
  for (const KeyRef& ref : update.by) {
    KEEL_TRY(const crypto::PublicKey key, ref.Public());
    by_texts.push_back(base::Multikey(key));
    by.push_back(by_texts.back());
    signers.push_back({ref.store, ref.handle});
  }
  std::string payload(ledger::kMaxOperationPayload, '\0');
  size_t length = 0;
  const ledger::Reason reason = update.compromise_since ? ledger::Reason::kCompromise : ledger::Reason::kRoutine;
  if (update.deactivate) {
    ledger::DeactivateFields fields;
    fields.prev = state.last_operation();
    fields.seq = state.seq() + 1;
    fields.by = by;
    fields.reason = reason;
    fields.since = update.compromise_since.value_or(0);
    KEEL_TRY(length, ledger::BuildDeactivate(fields, payload));
  } else {
    KEEL_TRY(const KeyTexts texts, TextsOf(update.keys));
    KEEL_TRY(const std::vector<Bytes32> next, Commitments(update.next));
    KEEL_TRY(const std::string services, ServicesText(update.services));
    ledger::UpdateFields fields;
    fields.prev = state.last_operation();
    fields.seq = state.seq() + 1;
    fields.by = by;
    fields.keys = texts.keys;
    fields.next_threshold = static_cast<uint8_t>(update.next_threshold);
    fields.next = next;
    fields.services = services;
    fields.reason = reason;
    fields.since = update.compromise_since.value_or(0);
    KEEL_TRY(length, ledger::BuildUpdate(fields, payload));
  }
  payload.resize(length);
  KeelOperation operation;
  operation.did = history.did;
  KEEL_TRY(operation.jws, Sign(payload, signers));
  return operation;
}

Result<KeelOperation> MakeKeelDid(crypto::SoftwareKeyStore& store, const std::string& label, const Bytes32& net,
                                  std::span<const std::string> services, Random& random) {
  KeelCreate create;
  create.label = label;
  create.net = net;
  create.services.assign(services.begin(), services.end());
  KEEL_TRY(const crypto::KeyHandle auth, store.Generate(crypto::KeyType::kEd25519));
  KEEL_TRY(const crypto::KeyHandle assertion, store.Generate(crypto::KeyType::kEd25519));
  KEEL_TRY(const crypto::KeyHandle agree, store.Generate(crypto::KeyType::kX25519));
  KEEL_TRY(const crypto::KeyHandle next, store.Generate(crypto::KeyType::kEd25519));
  create.keys = {{"auth", ledger::kUseAuthentication | ledger::kUseInvocation, {&store, auth}},
                 {"assert", ledger::kUseAssertion, {&store, assertion}},
                 {"agree", ledger::kUseAgreement, {&store, agree}}};
  KEEL_TRY(create.next.emplace_back(), store.Public(next));
  KEEL_TRY(KeelOperation operation, CreateKeelDid(create, random));
  KEEL_TRY_VOID(store.SetLabel(auth, operation.did + "#auth"));
  KEEL_TRY_VOID(store.SetLabel(assertion, operation.did + "#assert"));
  KEEL_TRY_VOID(store.SetLabel(agree, operation.did + "#agree"));
  KEEL_TRY_VOID(store.SetLabel(next, operation.did + "#next-0"));
  return operation;
}

}  // namespace keel::did
