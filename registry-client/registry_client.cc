// SPDX-License-Identifier: Apache-2.0
#include "registry-client/registry_client.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "crypto/hash.h"
#include "ledger/descriptor.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "ledger/quorum_time.h"
#include "ledger/r0.h"
#include "ledger/rendezvous.h"
#include "ledger/statement.h"
#include "registry-client/wire.h"

namespace keel::registry_client {
namespace {

using base::HttpCall;
using base::HttpResponse;

constexpr size_t kMaxTransactionOctets = 900'000;  // below the servers' 1 MiB body limit
constexpr size_t kEntriesPerTransaction = 1024;
constexpr uint64_t kKeepEveryMs = 1000;

Code CodeFromName(std::string_view name) {
  for (uint16_t i = 0; i < 256; ++i) {
    if (name == CodeName(static_cast<Code>(i))) return static_cast<Code>(i);
  }
  return Code::kHttpStatus;
}

// What an answer that is not a success says.
Error ErrorOf(const HttpResponse& response, const std::string& url) {
  Error error;
  error.code = Code::kHttpStatus;
  error.where = "registry";
  error.detail = url + " answered " + std::to_string(response.status);
  if (auto json = base::ParseJson(response.body); json && json->is_object() && json->contains("error")) {
    const auto code = base::GetString((*json)["error"], "code");
    const auto message = base::GetString((*json)["error"], "message");
    if (code) error.code = CodeFromName(*code);
    if (message) error.detail = *message;
  }
  return error;
}

std::vector<uint8_t> Copy(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

// Takes items off a bundle in the order that the format fixes.
class Cursor {
 public:
  explicit Cursor(std::vector<Item> items) : items_(std::move(items)) {}
  bool AtEnd() const { return at_ == items_.size(); }
  bool Is(ItemTag tag) const { return !AtEnd() && items_[at_].tag == tag; }
  Result<ByteView> Take(ItemTag tag) {
    if (!Is(tag)) return Fail(Code::kMalformed, "registry answer", "an item is missing or out of order");
    return items_[at_++].body;
  }
  Result<> End() const {
    if (!AtEnd()) return Fail(Code::kMalformed, "registry answer", "items left over");
    return {};
  }

 private:
  std::vector<Item> items_;
  size_t at_ = 0;
};

}  // namespace

Result<SpentValue> SpentFrom(const KeyProof& proof) {
  if (!proof.value) return Fail(Code::kMissing, "seal", "it is not spent");
  if (proof.value->size() != ledger::kMapValueSeal) return Fail(Code::kMalformed, "seal", "not a spent seal's value");
  ByteReader r(*proof.value);
  SpentValue out;
  out.link_hash = r.Fixed<32>();
  out.index = r.U64();
  return out;
}

struct RegistryClient::Impl {
  Impl(base::HttpClient& h, Clock& c, Random& r) : http(h), clock(c), random(r) {}

  base::HttpClient& http;
  Clock& clock;
  Random& random;
  ClientOptions options;
  NetworkFile network;
  std::vector<std::string> endpoints;

  std::mutex mutex;
  ledger::MemberSet members;
  std::vector<uint8_t> descriptor;  // of members.epoch
  uint64_t largest = 0;
  Bytes32 largest_root{};
  uint64_t kept = 0;  // what the state file says
  uint64_t kept_at_ms = 0;
  std::mutex sign_mutex;

  uint64_t Floor() {
    std::lock_guard lock(mutex);
    return largest;
  }

  // The payload of a schema or definition statement, its hash proved by the map.
  Result<std::vector<uint8_t>> GetContent(bool definition, const std::string& author, const std::string& id);

  // Sends to each endpoint in turn until `use` takes an answer; the last error otherwise. A node that lies is passed
  // over like one that is down.
  template <typename Use>
  auto Each(const HttpCall& call, std::string_view target, bool sign, Use use)
      -> decltype(use(std::declval<const HttpResponse&>(), uint64_t{})) {
    Error last = Fail(Code::kUnreachable, "registry", "no endpoint is known; give one in the configuration").error();
    base::Deadlines deadlines;
    deadlines.total = std::chrono::milliseconds(options.timeout_ms);
    deadlines.connect = std::min(deadlines.connect, deadlines.total);
    for (const std::string& endpoint : endpoints) {
      HttpCall one = call;
      one.url = endpoint + std::string(target);
      if (sign && options.account) {
        if (auto ok = Sign(one, target); !ok) return std::unexpected(ok.error());
      }
      const uint64_t floor = Floor();
      const auto response = http.Send(one, deadlines);
      if (!response) {
        last = response.error();
        continue;
      }
      auto result = use(*response, floor);
      if (result) return result;
      last = result.error();
      if (last.code == Code::kNotFound || last.code == Code::kInvalidDid || last.code == Code::kQuotaExceeded)
        break;  // answered
    }
    return std::unexpected(last);
  }

  Result<> Sign(HttpCall& call, std::string_view target) {
    const Account& account = *options.account;
    KEEL_TRY(const UnixSeconds now, clock.Now());
    const auto message = RequestToSign(network.net, call.method, target, AsBytes(call.body), now);
    ByteArray<crypto::kMaxSignature> signature;
    std::lock_guard lock(sign_mutex);
    KEEL_TRY(const size_t n, account.store->Sign(account.key, message, signature));
    call.headers.emplace_back(kAccountHeader, account.id);
    call.headers.emplace_back(kTimeHeader, std::to_string(now));
    call.headers.emplace_back(kSignatureHeader, base::Base64Url(ByteView(signature).first(n)));
    return {};
  }

  static HttpCall Get() {
    HttpCall call;
    call.repeatable = true;
    return call;
  }
  static HttpCall Post(std::string body) {
    HttpCall call;
    call.method = "POST";
    call.content_type = kOctetStream;
    call.body = std::move(body);
    call.repeatable = true;  // everything posted here is idempotent
    return call;
  }

  // Walks to the epoch that the node's checkpoints are of.
  Result<> FetchEpochs() {
    return Each(Get(), "/v1/descriptor", false, [this](const HttpResponse& response, uint64_t) -> Result<> {
      if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/descriptor"));
      KEEL_TRY(auto items, ParseBundle(response.body));
      std::lock_guard lock(mutex);
      for (const Item& item : items) {
        if (item.tag != ItemTag::kEpoch) return Fail(Code::kMalformed, "registry answer", "only epochs belong here");
        KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(item.body));
        KEEL_TRY(const ledger::Descriptor next, ledger::ParseDescriptor(bundle.descriptor));
        if (next.epoch <= members.epoch) continue;
        KEEL_TRY(const ledger::Descriptor current, ledger::ParseDescriptor(descriptor));
        KEEL_TRY_VOID(
            ledger::VerifyTransition(current, next, network.net, bundle.sigs_of_current, bundle.sigs_of_next));
        KEEL_TRY(members, ledger::MemberSetOf(next, network.net));
        descriptor = Copy(bundle.descriptor);
      }
      return {};
    });
  }

  // CKPT and STATE, everything checked that a party checks before it relies on a checkpoint. `floor`: the largest size
  // accepted when the question was asked (answers of one node may overtake each other).
  Result<VerifiedCheckpoint> TakeCheckpoint(Cursor& cursor, uint64_t floor) {
    KEEL_TRY(const ByteView ckpt, cursor.Take(ItemTag::kCheckpoint));
    KEEL_TRY(const ByteView state_body, cursor.Take(ItemTag::kState));
    KEEL_TRY(const ledger::Checkpoint checkpoint, ledger::ParseCheckpoint(ckpt));
    ledger::MemberSet current;
    {
      std::lock_guard lock(mutex);
      current = members;
    }
    if (checkpoint.epoch > current.epoch) {
      KEEL_TRY_VOID(FetchEpochs());
      std::lock_guard lock(mutex);
      current = members;
    }
    KEEL_TRY(const UnixSeconds time, ledger::VerifyCheckpoint(checkpoint, current));
    KEEL_TRY(const ledger::StateProof state, ledger::ParseStateProof(state_body));
    KEEL_TRY_VOID(ledger::VerifyStateProof(state, checkpoint.size, checkpoint.root));
    ledger::Freshness freshness;
    freshness.largest_size = floor;
    freshness.max_age = options.max_stale_seconds;
    KEEL_TRY(freshness.now, clock.Now());
    if (auto ok = ledger::AcceptCheckpoint(checkpoint.size, time, freshness); !ok) {
      Error error = ok.error();
      error.detail =
          "the registry's checkpoint (size " + std::to_string(checkpoint.size) + ", " + base::Rfc3339(time) +
          ") is refused: " +
          (checkpoint.size < floor ? "a larger one, of " + std::to_string(floor) + " entries, was seen before"
                                   : "it is older than " + std::to_string(options.max_stale_seconds) +
                                         " s; is this machine's clock right?");
      return std::unexpected(error);
    }
    {
      std::lock_guard lock(mutex);
      if (checkpoint.size == largest && checkpoint.root != largest_root) {
        return Fail(Code::kUntrusted, "checkpoint",
                    "two roots for one size: the registry's members signed contradicting histories");
      }
      if (checkpoint.size > largest) {
        largest = checkpoint.size;
        largest_root = checkpoint.root;
        Keep(false);
      }
    }
    VerifiedCheckpoint out;
    out.epoch = checkpoint.epoch;
    out.size = checkpoint.size;
    out.log_root = checkpoint.root;
    out.height = state.leaf.height;
    out.map_root = state.leaf.map_root;
    out.time = time;
    out.ckpt = Copy(ckpt);
    out.state = Copy(state_body);
    return out;
  }

  // Remembers the largest accepted checkpoint over restarts; at most once a second, since losing a second's worth costs
  // little. Holds mutex.
  void Keep(bool now) {
    if (options.state_file.empty() || kept == largest) return;
    const uint64_t ticks = clock.TicksMs();
    if (!now && kept != 0 && ticks - kept_at_ms < kKeepEveryMs) return;
    const std::string text = base::DumpJson(
        {{"v", 1}, {"net", base::Hex(network.net)}, {"size", largest}, {"root", base::Base64Url(largest_root)}});
    if (base::WriteFileAtomic(options.state_file, text, 0600)) {
      kept = largest;
      kept_at_ms = ticks;
    }
  }

  Result<> LoadKept() {
    if (options.state_file.empty() || !base::FileExists(options.state_file)) return {};
    KEEL_TRY(const std::string text, base::ReadFile(options.state_file, 4096));
    KEEL_TRY(const nlohmann::json json, base::ParseJson(text));
    KEEL_TRY(const std::string net, base::GetString(json, "net"));
    if (net != base::Hex(network.net))
      return Fail(Code::kWrongNetwork, "registry client", options.state_file + " belongs to another network");
    KEEL_TRY(largest, base::GetUint(json, "size"));
    KEEL_TRY(largest_root, base::GetFixed<32>(json, "root"));
    kept = largest;
    return {};
  }

  // POST /v1/rendezvous, signed.
  Result<> PostRendezvous(std::string body);

  Result<KeyProof> TakeKey(Cursor& cursor, const Bytes32& key, const Bytes32& map_root) {
    KEEL_TRY(const ByteView body, cursor.Take(ItemTag::kKey));
    ByteReader r(body);
    KeyProof out;
    out.key = r.Fixed<32>();
    const ByteView value = r.Take(r.U16());
    const ByteView proof = r.Take(r.left());
    if (!r.done() || out.key != key) return Fail(Code::kMalformed, "registry answer", "a proof of another key");
    out.proof = Copy(proof);
    if (value.empty()) {
      KEEL_TRY_VOID(ledger::VerifyAbsent(proof, map_root, key));
    } else {
      KEEL_TRY_VOID(ledger::VerifyPresent(proof, map_root, key, value));
      out.value = Copy(value);
    }
    return out;
  }

  // DID, HEAD, OP...; kNotFound when the absence is proved.
  Result<VerifiedHistory> TakeHistory(Cursor& cursor, const std::string& did, const VerifiedCheckpoint& checkpoint) {
    KEEL_TRY(const ByteView text, cursor.Take(ItemTag::kDid));
    if (AsText(text) != did) return Fail(Code::kMalformed, "registry answer", "a history of another DID");
    KEEL_TRY(const ByteView head, cursor.Take(ItemTag::kHead));
    const Bytes32 key = ledger::DidKey(did);
    if (!cursor.Is(ItemTag::kOperation)) {
      KEEL_TRY_VOID(ledger::VerifyAbsent(head, checkpoint.map_root, key));
      return Fail(Code::kNotFound, "DID", did + " is not anchored in the registry '" + network.label + "'");
    }
    VerifiedHistory out;
    // The identifier is the hash of the create operation and the map commits to the whole: whoever holds the map proof
    // needn't check create's signature (protocol.md section 1).
    ledger::DidHistory history;
    KEEL_TRY_VOID(history.Start(did));
    while (cursor.Is(ItemTag::kOperation)) {
      KEEL_TRY(const ByteView body, cursor.Take(ItemTag::kOperation));
      ByteReader r(body);
      AnchoredOperation op;
      op.index = r.U64();
      op.jws = Copy(r.Take(r.left()));
      if (!r.ok() || op.index >= checkpoint.size)
        return Fail(Code::kMalformed, "registry answer", "an operation's index");
      KEEL_TRY_VOID(history.Apply(op.index, op.jws, {.verify_create_signature = false}));
      out.operations.push_back(std::move(op));
    }
    // Only now it is known to be whole: the map commits to the head of the latest operation.
    KEEL_TRY_VOID(ledger::VerifyPresent(head, checkpoint.map_root, key, history.MapValue()));
    out.did = did;
    out.head = history.head();
    out.deactivated = history.deactivated();
    out.head_proof = Copy(head);
    out.checkpoint = checkpoint;
    return out;
  }
};

RegistryClient::RegistryClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RegistryClient::~RegistryClient() {
  std::lock_guard lock(impl_->mutex);
  impl_->Keep(true);
}

Result<std::unique_ptr<RegistryClient>> RegistryClient::Create(std::string_view net_keel, base::HttpClient& http,
                                                               Clock& clock, Random& random, ClientOptions options) {
  auto impl = std::make_unique<Impl>(http, clock, random);
  impl->options = std::move(options);
  if (impl->options.account && impl->options.account->store == nullptr)
    return Fail(Code::kInvalidArgument, "registry client", "an account needs its key store");
  KEEL_TRY(impl->network, ParseNetworkFile(net_keel));
  impl->endpoints = impl->options.endpoints.empty() ? impl->network.endpoints : impl->options.endpoints;
  for (std::string& e : impl->endpoints) {
    while (!e.empty() && e.back() == '/') e.pop_back();
  }
  impl->descriptor = impl->network.current;
  KEEL_TRY(const ledger::Descriptor descriptor, ledger::ParseDescriptor(impl->descriptor));
  KEEL_TRY(impl->members, ledger::MemberSetOf(descriptor, impl->network.net));
  KEEL_TRY_VOID(impl->LoadKept());
  return std::unique_ptr<RegistryClient>(new RegistryClient(std::move(impl)));
}

const NetworkFile& RegistryClient::network() const { return impl_->network; }
const Bytes32& RegistryClient::net() const { return impl_->network.net; }
const std::string& RegistryClient::label() const { return impl_->network.label; }

Result<VerifiedHistory> RegistryClient::ResolveDid(const std::string& did) {
  KEEL_TRY_VOID(ledger::ParseDidOf(did, impl_->network.label));
  return impl_->Each(Impl::Get(), "/v1/did/" + base::UrlEncode(did), false,
                     [&](const HttpResponse& response, uint64_t floor) -> Result<VerifiedHistory> {
                       if (!response.ok() && response.content_type != kOctetStream)
                         return std::unexpected(ErrorOf(response, "/v1/did"));
                       KEEL_TRY(auto items, ParseBundle(response.body));
                       Cursor cursor(std::move(items));
                       KEEL_TRY(const VerifiedCheckpoint checkpoint, impl_->TakeCheckpoint(cursor, floor));
                       KEEL_TRY(auto history, impl_->TakeHistory(cursor, did, checkpoint));
                       KEEL_TRY_VOID(cursor.End());
                       return history;
                     });
}

Result<ProofSet> RegistryClient::ProveKeys(std::span<const Bytes32> keys, std::span<const std::string> dids) {
  if (keys.size() > kMaxProofKeys || dids.size() > kMaxProofDids)
    return Fail(Code::kTooLarge, "proofs", "at most 1,024 keys and 64 DIDs at once");
  for (const std::string& did : dids) KEEL_TRY_VOID(ledger::ParseDidOf(did, impl_->network.label));
  return impl_->Each(Impl::Post(EncodeProofQuery(keys, dids)), "/v1/proofs", false,
                     [&](const HttpResponse& response, uint64_t floor) -> Result<ProofSet> {
                       if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/proofs"));
                       KEEL_TRY(auto items, ParseBundle(response.body));
                       Cursor cursor(std::move(items));
                       ProofSet out;
                       KEEL_TRY(out.checkpoint, impl_->TakeCheckpoint(cursor, floor));
                       for (const Bytes32& key : keys) {
                         KEEL_TRY(auto proof, impl_->TakeKey(cursor, key, out.checkpoint.map_root));
                         out.keys.push_back(std::move(proof));
                       }
                       for (const std::string& did : dids) {
                         KEEL_TRY(auto history, impl_->TakeHistory(cursor, did, out.checkpoint));
                         out.histories.push_back(std::move(history));
                       }
                       KEEL_TRY_VOID(cursor.End());
                       return out;
                     });
}

Result<std::vector<EntryVerdict>> RegistryClient::Submit(std::span<const std::vector<uint8_t>> entries) {
  std::vector<EntryVerdict> out;
  size_t at = 0;
  while (at < entries.size()) {
    std::vector<ByteView> some;
    size_t octets = 0;
    while (at + some.size() < entries.size() && some.size() < kEntriesPerTransaction) {
      const auto& next = entries[at + some.size()];
      if (!some.empty() && octets + next.size() + 4 > kMaxTransactionOctets) break;
      octets += next.size() + 4;
      some.emplace_back(next);
    }
    std::vector<uint8_t> rest(octets + 16), sponsoring, transaction(octets + ledger::kMaxStatement + 64);
    KEEL_TRY(const size_t n, ledger::WriteTransactionRest(some, rest));
    rest.resize(n);
    const auto& account = impl_->options.account;
    if (account && !account->kid.empty()) {
      std::array<char, 256> payload;
      KEEL_TRY(const size_t p, ledger::WriteSponsoringPayload(crypto::Sha256::Of(rest), payload));
      sponsoring.resize(2048);
      std::lock_guard lock(impl_->sign_mutex);
      KEEL_TRY(const size_t s, ledger::SignStatement(std::string_view(payload.data(), p), account->kid, *account->store,
                                                     account->key, sponsoring));
      sponsoring.resize(s);
    }
    KEEL_TRY(const size_t t, ledger::WriteTransaction(sponsoring, rest, transaction));
    auto verdicts = impl_->Each(Impl::Post(std::string(AsText(ByteView(transaction).first(t)))), "/v1/transactions",
                                true, [&](const HttpResponse& response, uint64_t) -> Result<std::vector<EntryVerdict>> {
                                  if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/transactions"));
                                  KEEL_TRY(const nlohmann::json json, base::ParseJson(response.body));
                                  KEEL_TRY(const nlohmann::json* results, base::GetArray(json, "results"));
                                  if (results->size() != some.size())
                                    return Fail(Code::kMalformed, "registry answer", "not one verdict an entry");
                                  std::vector<EntryVerdict> list;
                                  for (const nlohmann::json& one : *results) {
                                    EntryVerdict v;
                                    KEEL_TRY(const std::string code, base::GetString(one, "code"));
                                    v.code = CodeFromName(code);
                                    if (v.code == Code::kOk) {
                                      KEEL_TRY(v.index, base::GetUint(one, "index"));
                                    } else if (auto detail = base::GetString(one, "detail"); detail) {
                                      v.detail = *detail;
                                    }
                                    list.push_back(std::move(v));
                                  }
                                  return list;
                                });
    if (!verdicts) return std::unexpected(verdicts.error());
    out.insert(out.end(), verdicts->begin(), verdicts->end());
    at += some.size();
  }
  return out;
}

Result<KeyProof> RegistryClient::WaitAnchored(const Bytes32& key, uint64_t timeout_ms) {
  const uint64_t start = impl_->clock.TicksMs();
  uint64_t pause = 10;
  while (true) {
    const auto proofs = ProveKeys(std::span(&key, 1));
    if (proofs && proofs->keys[0].value) return proofs->keys[0];
    const uint64_t passed = impl_->clock.TicksMs() - start;
    if (passed >= timeout_ms) {
      if (!proofs) return std::unexpected(proofs.error());
      return Fail(Code::kTimeout, "registry", "not anchored after " + std::to_string(timeout_ms) + " ms");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(pause, timeout_ms - passed)));
    pause = std::min<uint64_t>(pause * 2, 1000);
  }
}

Result<> RegistryClient::Impl::PostRendezvous(std::string body) {
  if (!options.account) return Fail(Code::kUntrusted, "rendezvous", "publishing needs an account with the registry");
  return Each(Post(std::move(body)), "/v1/rendezvous", true, [](const HttpResponse& response, uint64_t) -> Result<> {
    if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/rendezvous"));
    return {};
  });
}

Result<> RegistryClient::PublishRendezvous(const Bytes32& index, ByteView value) {
  std::string body(AsText(index));
  body += AsText(value);
  return impl_->PostRendezvous(std::move(body));
}

Result<> RegistryClient::PublishRendezvous(std::span<const RendezvousEntry> entries) {
  if (entries.empty()) return {};
  if (entries.size() > kMaxRendezvousEntries)
    return Fail(Code::kTooLarge, "rendezvous", "at most " + std::to_string(kMaxRendezvousEntries) + " at once");
  std::string body;
  for (const RendezvousEntry& entry : entries) {
    body += AsText(entry.index);
    body += AsText(entry.value);
  }
  auto all = impl_->PostRendezvous(std::move(body));
  if (all || all.error().code != Code::kQuotaExceeded || entries.size() == 1) return all;
  for (const RendezvousEntry& entry : entries) KEEL_TRY_VOID(PublishRendezvous(entry.index, entry.value));
  return {};
}

namespace {

// Walks the items of an R0 answer.
template <typename Use>
Result<> ForR0Items(std::string_view body, Use use) {
  ByteArray<ledger::kMaxItem> buffer;
  ledger::ItemReader reader(buffer);
  ByteView rest = AsBytes(body);
  while (!rest.empty()) {
    KEEL_TRY(const bool whole, reader.Feed(rest));
    if (whole) KEEL_TRY_VOID(use(reader.tag(), reader.body()));
  }
  if (!reader.at_boundary()) return Fail(Code::kMalformed, "R0 answer", "cut off");
  return {};
}

}  // namespace

Result<std::vector<std::vector<uint8_t>>> RegistryClient::PollRendezvous(const Bytes32& index) {
  ledger::R0Query query;
  KEEL_TRY_VOID(impl_->random.Fill(query.nonce));
  query.count = 1;
  query.indexes[0] = index;
  query.epoch = impl_->network.current_epoch;
  query.size = impl_->Floor();
  ByteArray<ledger::kMaxR0Query> octets;
  KEEL_TRY(const size_t n, ledger::WriteR0Query(query, octets));
  return impl_->Each(Impl::Post(std::string(AsText(ByteView(octets).first(n)))), "/v1/r0?wait=0", false,
                     [](const HttpResponse& response, uint64_t) -> Result<std::vector<std::vector<uint8_t>>> {
                       if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/r0"));
                       std::vector<std::vector<uint8_t>> out;
                       KEEL_TRY_VOID(ForR0Items(response.body, [&out](uint8_t tag, ByteView body) -> Result<> {
                         if (tag == static_cast<uint8_t>(ledger::R0Tag::kValue)) out.push_back(Copy(body));
                         return {};
                       }));
                       return out;
                     });
}

Result<UnixSeconds> RegistryClient::QuorumTime() {
  ledger::R0Query query;
  KEEL_TRY_VOID(impl_->random.Fill(query.nonce));
  query.epoch = impl_->network.current_epoch;
  query.size = impl_->Floor();
  ByteArray<ledger::kMaxR0Query> octets;
  KEEL_TRY(const size_t n, ledger::WriteR0Query(query, octets));
  const uint64_t sent = impl_->clock.TicksMs();
  return impl_->Each(Impl::Post(std::string(AsText(ByteView(octets).first(n)))), "/v1/r0?wait=0", false,
                     [&](const HttpResponse& response, uint64_t) -> Result<UnixSeconds> {
                       if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/r0"));
                       std::optional<std::vector<uint8_t>> time;
                       KEEL_TRY_VOID(ForR0Items(response.body, [&time](uint8_t tag, ByteView body) -> Result<> {
                         if (tag == static_cast<uint8_t>(ledger::R0Tag::kTime)) time = Copy(body);
                         return {};
                       }));
                       if (!time) return Fail(Code::kMissing, "R0 answer", "no time statements");
                       KEEL_TRY(const ledger::TimeAnswer answer, ledger::ParseTimeAnswer(*time));
                       ledger::MemberSet members;
                       {
                         std::lock_guard lock(impl_->mutex);
                         members = impl_->members;
                       }
                       KEEL_TRY(const UnixSeconds t, ledger::VerifyQuorumTime(answer, query.nonce, members));
                       const uint64_t now = impl_->clock.TicksMs();
                       KEEL_TRY(const ledger::QuorumTime judged, ledger::JudgeTime(t, sent, now, 0, false));
                       return judged.Now(now);
                     });
}

Result<VerifiedCheckpoint> RegistryClient::Checkpoint() {
  return impl_->Each(Impl::Get(), "/v1/checkpoint.bin", false,
                     [&](const HttpResponse& response, uint64_t floor) -> Result<VerifiedCheckpoint> {
                       if (!response.ok()) return std::unexpected(ErrorOf(response, "/v1/checkpoint.bin"));
                       KEEL_TRY(auto items, ParseBundle(response.body));
                       Cursor cursor(std::move(items));
                       KEEL_TRY(auto checkpoint, impl_->TakeCheckpoint(cursor, floor));
                       KEEL_TRY_VOID(cursor.End());
                       return checkpoint;
                     });
}

Result<std::vector<uint8_t>> RegistryClient::Impl::GetContent(bool definition, const std::string& author,
                                                              const std::string& id) {
  const Bytes32 key =
      ledger::NamedKey(definition ? ledger::MapType::kDefinition : ledger::MapType::kSchema, author, id);
  const std::string path = definition ? "/v1/definitions" : "/v1/schemas";
  return Each(Get(), path + "/" + base::UrlEncode(author) + "/" + base::UrlEncode(id), false,
              [&](const HttpResponse& response, uint64_t floor) -> Result<std::vector<uint8_t>> {
                if (!response.ok() && response.content_type != kOctetStream)
                  return std::unexpected(ErrorOf(response, path));
                KEEL_TRY(auto items, ParseBundle(response.body));
                Cursor cursor(std::move(items));
                KEEL_TRY(const VerifiedCheckpoint checkpoint, TakeCheckpoint(cursor, floor));
                KEEL_TRY(const KeyProof proof, TakeKey(cursor, key, checkpoint.map_root));
                if (!proof.value)
                  return Fail(Code::kNotFound, definition ? "definition" : "schema",
                              id + " of " + author + " is not anchored");
                KEEL_TRY(const ByteView payload, cursor.Take(ItemTag::kContent));
                KEEL_TRY_VOID(cursor.End());
                const Bytes32 digest = crypto::Sha256::Of(payload);
                if (proof.value->size() != 40 || !Equal(ByteView(*proof.value).first(32), digest)) {
                  return Fail(Code::kBadProof, definition ? "definition" : "schema",
                              "the content is not what the ledger's hash names");
                }
                return std::vector<uint8_t>(payload.begin(), payload.end());
              });
}

Result<std::string> RegistryClient::GetSchema(const std::string& author_did, const std::string& id) {
  KEEL_TRY(const std::vector<uint8_t> payload, impl_->GetContent(false, author_did, id));
  KEEL_TRY(const ledger::SchemaPayload parsed, ledger::ParseSchemaPayload(AsText(payload), false));
  return std::string(parsed.content);
}

Result<Definition> RegistryClient::GetDefinition(const std::string& author_did, const std::string& id) {
  KEEL_TRY(const std::vector<uint8_t> payload, impl_->GetContent(true, author_did, id));
  KEEL_TRY(const ledger::SchemaPayload parsed, ledger::ParseSchemaPayload(AsText(payload), true));
  return Definition{std::string(parsed.schema), std::string(parsed.content)};
}

Result<StatusVersion> RegistryClient::GetStatusVersion(const std::string& issuer_did, const std::string& list_id) {
  const Bytes32 key = ledger::NamedKey(ledger::MapType::kStatus, issuer_did, list_id);
  KEEL_TRY(const ProofSet proofs, ProveKeys(std::span(&key, 1)));
  if (!proofs.keys[0].value)
    return Fail(Code::kNotFound, "status list", list_id + " of " + issuer_did + " is not anchored");
  ByteReader r(*proofs.keys[0].value);
  StatusVersion out;
  out.version = r.U64();
  out.digest = r.Fixed<32>();
  out.index = r.U64();
  if (!r.done()) return Fail(Code::kMalformed, "status list", "map value");
  return out;
}

Result<uint64_t> RegistryClient::GetBatchIndex(const std::string& issuer_did, const Bytes32& root) {
  const Bytes32 key = ledger::BatchKey(issuer_did, root);
  KEEL_TRY(const ProofSet proofs, ProveKeys(std::span(&key, 1)));
  if (!proofs.keys[0].value) return Fail(Code::kNotFound, "issuer batch", "the root is not anchored by " + issuer_did);
  ByteReader r(*proofs.keys[0].value);
  const uint64_t index = r.U64();
  if (!r.done()) return Fail(Code::kMalformed, "issuer batch", "map value");
  return index;
}

}  // namespace keel::registry_client
