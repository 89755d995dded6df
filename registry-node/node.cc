// SPDX-License-Identifier: Apache-2.0
#include "registry-node/node.h"

#include <algorithm>
#include <future>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "ledger/merkle.h"

namespace keel::registry {
namespace {

constexpr const char* kMetaKey = "m";
constexpr const char* kProbeKey = "n";
constexpr uint64_t kRecoverMs =
    1100;  // between attempts to write again after a failure (the store itself tries once a second)

std::string EncodeMeta(uint64_t size, uint64_t height, const Bytes32& map_root, const Bytes32& log_root,
                       UnixSeconds time, uint32_t epoch, const ledger::Net& net) {
  ByteArray<8 + 8 + 32 + 32 + 8 + 4 + 32> out{};
  ByteWriter(out).U64(size).U64(height).Put(map_root).Put(log_root).U64(time).U32(epoch).Put(net);
  return std::string(AsText(out));
}

// C2SP tlog-cosignature: key id = first four octets of H(name || 0x0a || 0x04 || key); line "— name base64(id || u64
// time || signature)".
std::string NoteLine(std::string_view name, const crypto::PublicKey& key, const ledger::Cosignature& c) {
  crypto::Sha256 h;
  const uint8_t tail[2] = {0x0a, 0x04};
  const Bytes32 id = h.Update(name).Update(tail).Update(key.bytes()).Final();
  ByteArray<4 + 8 + 64> blob{};
  ByteWriter(blob).Put(ByteView(id).first(4)).U64(c.time).Put(c.signature);
  return "\u2014 " + std::string(name) + " " + base::Base64(blob) + "\n";
}

}  // namespace

Node::Node(NodeOptions options, base::KeyValueStore& store, crypto::KeyStore& keys, crypto::KeyHandle key, Clock& clock)
    : options_(std::move(options)), store_(store), keys_(keys), key_(key), clock_(clock) {}

StoreReader Node::StoreNow() const {
  return [this](std::string_view key) { return store_.Get(key); };
}

Result<std::unique_ptr<Node>> Node::Open(NodeOptions options, base::KeyValueStore& store, crypto::KeyStore& keys,
                                         crypto::KeyHandle member_key, Clock& clock) {
  std::unique_ptr<Node> node(new Node(std::move(options), store, keys, member_key, clock));
  KEEL_TRY(node->public_key_, keys.Public(member_key));
  KEEL_TRY(const ledger::Descriptor genesis, ledger::ParseDescriptor(node->options_.genesis));
  if (genesis.epoch != 0) return Fail(Code::kWrongEpoch, "descriptor", "the genesis descriptor must be epoch 0's");
  node->net_ = ledger::DescriptorHash(node->options_.genesis);
  node->label_ = std::string(genesis.label);
  KEEL_TRY(ledger::MemberSet members, ledger::MemberSetOf(genesis, node->net_));
  if (members.quorum > 1) {
    return Fail(Code::kUnsupported, "engine",
                "the local engine is for a registry of one member; this descriptor asks for " +
                    std::to_string(members.quorum) + " cosignatures");
  }
  node->state_ = std::make_unique<State>(node->net_, node->label_, members);
  node->map_ = std::make_unique<MapWriter>(node->StoreNow());
  KEEL_TRY_VOID(node->Load(true));
  KEEL_TRY(node->high_water_, HighWaterFile::Open(node->options_.high_water_file, !node->have_state_));
  KEEL_TRY_VOID(node->CheckHighWater());
  if (!node->have_state_ && node->HoldReason().empty()) {
    std::vector<uint8_t> bundle(ledger::kMaxEntry), entry(ledger::kMaxEntry);
    KEEL_TRY(const size_t n,
             ledger::WriteEpochBundle(node->options_.genesis, {}, node->options_.genesis_sigs, {}, {}, bundle));
    KEEL_TRY(const size_t m, ledger::WriteEpochEntry(ByteView(bundle).first(n), entry));
    Pending first;
    first.transaction.entries.push_back(Prepare(node->net_, ByteView(entry).first(m)));
    first.member_sponsors = true;
    std::vector<Pending> batch;
    batch.push_back(std::move(first));
    std::vector<std::vector<Verdict>> verdicts;
    KEEL_TRY_VOID(node->TryCommit(batch, verdicts));
    if (verdicts[0][0].code != Code::kOk) return Fail(verdicts[0][0].code, "genesis", verdicts[0][0].detail);
  }
  if (node->HoldReason().empty()) KEEL_TRY_VOID(node->Publish());
  node->writer_ = std::thread([raw = node.get()] { raw->Run(); });
  return node;
}

Node::~Node() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (writer_.joinable()) writer_.join();
  for (Pending& p : queue_) p.done(Fail(Code::kClosed, "registry", "the service stops; send it again"));
}

Result<> Node::Load(bool first) {
  KEEL_TRY(const auto octets, store_.Get(kMetaKey));
  map_->DropCache();
  if (!octets) {
    have_state_ = false;
    meta_ = Meta{};
    log_ = LogWriter();
    return {};
  }
  ByteReader r(AsBytes(*octets));
  Meta meta;
  meta.size = r.U64();
  meta.height = r.U64();
  meta.map_root = r.Fixed<32>();
  meta.log_root = r.Fixed<32>();
  meta.time = r.U64();
  meta.epoch = r.U32();
  const Bytes32 net = r.Fixed<32>();
  if (!r.done()) return Fail(Code::kCorrupt, "ledger", "the store's meta record is damaged");
  if (net != net_)
    return Fail(Code::kWrongNetwork, "ledger", "the store belongs to another registry than the configured descriptor");
  KEEL_TRY(LogWriter log, LogWriter::Open(StoreNow(), meta.size));
  if (log.Root() != meta.log_root)
    return Fail(Code::kCorrupt, "ledger", "the log's tiles don't lead to its root; restore the store from a backup");
  if (first) {
    KEEL_TRY(const Bytes32 root, MapRoot(StoreNow()));
    if (root != meta.map_root)
      return Fail(Code::kCorrupt, "ledger", "the map's pages don't lead to its root; restore the store from a backup");
  }
  meta_ = meta;
  log_ = std::move(log);
  have_state_ = true;
  return LoadEpochs(meta.epoch);
}

Result<> Node::LoadEpochs(uint32_t newest) {
  auto epochs = std::make_shared<std::vector<std::vector<uint8_t>>>();
  for (uint32_t e = 0; e <= newest; ++e) {
    KEEL_TRY(const auto value, store_.Get(ValueStoreKey(ledger::EpochKey(e))));
    if (!value || value->size() != 40)
      return Fail(Code::kCorrupt, "ledger", "epoch " + std::to_string(e) + " is missing");
    KEEL_TRY(const auto entry, store_.Get(EntryStoreKey(ByteReader(AsBytes(*value).subspan(32)).U64())));
    if (!entry) return Fail(Code::kCorrupt, "ledger", "the entry of epoch " + std::to_string(e) + " is missing");
    const ByteView body = ledger::BodyOfEntry(AsBytes(*entry));
    epochs->emplace_back(body.begin(), body.end());
  }
  KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(epochs->back()));
  KEEL_TRY(const ledger::Descriptor descriptor, ledger::ParseDescriptor(bundle.descriptor));
  KEEL_TRY(ledger::MemberSet members, ledger::MemberSetOf(descriptor, net_));
  size_t member = 0;
  while (member < members.count && !(members.keys[member] == public_key_)) ++member;
  if (member == members.count) {
    SetHold("this member's key is not in the descriptor of epoch " + std::to_string(newest) +
            "; give keel-registry the key of that epoch");
  } else if (members.quorum > 1) {
    SetHold("epoch " + std::to_string(newest) + " asks for " + std::to_string(members.quorum) +
            " cosignatures, which the local engine can't collect");
  } else {
    member_ = static_cast<uint8_t>(member);
    member_id_ = std::string(descriptor.members[member].id);
  }
  state_->SetMembers(members);
  epochs_ = epochs;
  std::lock_guard lock(mutex_);
  members_ = members;
  return {};
}

Result<> Node::CheckHighWater() {
  const auto& signed_before = high_water_->current();
  if (!signed_before) {
    if (meta_.height > 1) {
      SetHold(options_.high_water_file + " is empty although the ledger has " + std::to_string(meta_.height) +
              " commits: put back the file that belongs to this ledger");
    }
    return {};
  }
  const std::string advice =
      " This ledger was restored from an old backup or lost synced data. Stop the service and put back a copy of the "
      "data folder that holds at least " +
      std::to_string(signed_before->size) +
      " entries; a registry of one member can't catch up from others. Nothing is signed or accepted meanwhile.";
  if (signed_before->size > meta_.size) {
    SetHold("this member has signed a log of " + std::to_string(signed_before->size) + " entries, the store holds " +
            std::to_string(meta_.size) + "." + advice);
    return {};
  }
  if (signed_before->size > 0) {
    KEEL_TRY(const Bytes32 root, LogRoot(StoreNow(), signed_before->size));
    if (root != signed_before->root) {
      SetHold("this member has signed another history for " + std::to_string(signed_before->size) +
              " entries than the store holds." + advice);
    }
  }
  return {};
}

void Node::SetHold(std::string reason) {
  base::LogError("registry.hold", {{"reason", reason}});
  std::lock_guard lock(mutex_);
  hold_ = std::move(reason);
  view_.reset();
}

std::string Node::HoldReason() const {
  std::lock_guard lock(mutex_);
  return hold_;
}

Result<> Node::Ready() const {
  KEEL_TRY_VOID(store_.Healthy());
  std::lock_guard lock(mutex_);
  if (!hold_.empty()) return Fail(Code::kUnavailable, "registry", hold_);
  if (!trouble_.empty()) return Fail(Code::kUnavailable, "registry", "the last commit failed: " + trouble_);
  if (!view_) return Fail(Code::kUnavailable, "registry", "no checkpoint yet");
  if (queued_entries_ >= options_.max_queue_entries) return Fail(Code::kBusy, "registry", "the queue is full");
  return {};
}

std::shared_ptr<const View> Node::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

ledger::MemberSet Node::Members() const {
  std::lock_guard lock(mutex_);
  return members_;
}

Node::Stats Node::stats() const {
  std::lock_guard lock(mutex_);
  Stats s = stats_;
  s.queued = queued_entries_;
  return s;
}

Result<Bytes64> Node::SignAsMember(ByteView message) {
  Bytes64 signature{};
  KEEL_TRY(const size_t n, keys_.Sign(key_, message, signature));
  if (n != 64) return Fail(Code::kKeyStoreFailed, "member key", "wrong signature length");
  return signature;
}

void Node::CosignNow() {
  {
    std::lock_guard lock(mutex_);
    cosign_now_ = true;
  }
  wake_.notify_all();
}

Result<> Node::Submit(PreparedTransaction transaction, bool member_sponsors, Done done) {
  const size_t entries = transaction.entries.size();
  {
    std::lock_guard lock(mutex_);
    if (stop_) return Fail(Code::kClosed, "registry", "the service stops");
    if (!hold_.empty()) return Fail(Code::kUnavailable, "registry", hold_);
    if (queued_entries_ + entries > options_.max_queue_entries)
      return Fail(Code::kBusy, "registry", "too many entries wait; try again in a second");
    queued_entries_ += entries;
    queue_.push_back({std::move(transaction), member_sponsors, std::move(done)});
  }
  wake_.notify_one();
  return {};
}

Result<std::vector<Verdict>> Node::Apply(PreparedTransaction transaction, bool member_sponsors) {
  std::promise<Result<std::vector<Verdict>>> promise;
  auto future = promise.get_future();
  KEEL_TRY_VOID(Submit(std::move(transaction), member_sponsors,
                       [&promise](Result<std::vector<Verdict>> r) { promise.set_value(std::move(r)); }));
  return future.get();
}

void Node::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const uint64_t now = clock_.TicksMs();
    const uint64_t due =
        last_cosign_ms_ + (dirty_ ? std::min(kRecoverMs, options_.cosign_interval_ms) : options_.cosign_interval_ms);
    if (!stop_ && queue_.empty() && !cosign_now_ && now < due) {
      wake_.wait_for(lock, std::chrono::milliseconds(std::min<uint64_t>(due - now, 1000)));
      continue;
    }
    if (stop_) return;
    if (queue_.empty()) {
      cosign_now_ = false;
      const bool held = !hold_.empty();
      last_cosign_ms_ = now;  // also when it fails: again after the interval
      lock.unlock();
      if (!held && !dirty_) {
        if (auto ok = Publish(); !ok) base::LogError("registry.cosign", {{"error", ok.error().Text()}});
      } else if (!held) {
        Commit({});  // tries to find out what a failed write left
      }
      lock.lock();
      continue;
    }
    std::vector<Pending> batch;
    size_t entries = 0, octets = 0;
    while (!queue_.empty()) {
      const PreparedTransaction& tx = queue_.front().transaction;
      size_t more = 0;
      for (const PreparedEntry& e : tx.entries) more += e.octets.size();
      if (!batch.empty() &&
          (entries + tx.entries.size() > options_.max_commit_entries || octets + more > options_.max_commit_octets))
        break;
      entries += tx.entries.size();
      octets += more;
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    lock.unlock();
    Commit(std::move(batch));
    lock.lock();
    queued_entries_ -= entries;
  }
}

void Node::Commit(std::vector<Pending> batch) {
  std::vector<std::vector<Verdict>> verdicts;
  Result<> done;
  if (dirty_) {
    // Make the store find out whether the failed batch is in it before reading what it holds.
    base::WriteBatch probe;
    probe.Put(kProbeKey, "1");
    done = store_.Write(probe, options_.sync);
    if (!done && done.error().code == Code::kUnavailable) {
      // The store can be opened anew once nobody reads the old one: let go of our snapshot. Readers are told to come
      // back until then.
      std::lock_guard lock(mutex_);
      view_.reset();
    }
    if (done) done = Load(false);
    if (done) dirty_ = false;
    if (done) done = CheckHighWater();
    if (done && HoldReason().empty()) done = Publish();
  }
  if (done) {
    if (const std::string hold = HoldReason(); !hold.empty()) done = Fail(Code::kUnavailable, "registry", hold);
  }
  if (done && !batch.empty()) {
    done = TryCommit(batch, verdicts);
    if (done && HoldReason().empty()) done = Publish();  // a new epoch may have left this member out
    if (!done) dirty_ = true;
  }
  uint64_t fresh = 0, refused = 0;
  for (const auto& list : verdicts) {
    for (const Verdict& v : list) {
      if (v.code != Code::kOk) ++refused;
      if (v.fresh) ++fresh;
    }
  }
  {
    std::lock_guard lock(mutex_);
    if (done) {
      trouble_.clear();
      stats_.entries += fresh;
      stats_.refused += refused;
    } else {
      ++stats_.failed_commits;
      trouble_ = done.error().Text();
    }
  }
  if (!done) base::LogError("registry.commit", {{"error", done.error().Text()}, {"transactions", batch.size()}});
  for (size_t i = 0; i < batch.size(); ++i) {
    if (done) {
      batch[i].done(std::move(verdicts[i]));
    } else {
      batch[i].done(std::unexpected(done.error()));
    }
  }
}

Result<> Node::TryCommit(const std::vector<Pending>& batch, std::vector<std::vector<Verdict>>& verdicts) {
  KEEL_TRY(const UnixSeconds clock_now, clock_.Now());
  const UnixSeconds now = std::max(clock_now, meta_.time);  // state leaves never go back in time
  Overlay overlay(StoreNow());
  uint64_t size = meta_.size;
  std::vector<const PreparedEntry*> fresh;
  const uint32_t epoch_before = have_state_ ? state_->members().epoch : UINT32_MAX;
  verdicts.clear();
  for (const Pending& p : batch) {
    KEEL_TRY(const State::Sponsor sponsor, state_->FindSponsor(overlay, p.transaction, p.member_sponsors, now));
    std::vector<Verdict>& out = verdicts.emplace_back();
    for (const PreparedEntry& entry : p.transaction.entries) {
      KEEL_TRY(Verdict v, state_->Apply(overlay, entry, sponsor, size, now));
      if (v.code == Code::kOk && v.fresh) {
        fresh.push_back(&entry);
        ++size;
      }
      out.push_back(std::move(v));
    }
  }
  base::WriteBatch writes;
  for (const auto& [key, value] : overlay.puts()) writes.Put(key, value);
  if (fresh.empty()) {
    if (writes.empty()) return {};
    return store_.Write(writes, options_.sync);  // evidence only
  }
  StoreWrites more;
  Meta next = meta_;
  KEEL_TRY(next.map_root, map_->Apply(overlay.map_updates(), more));
  for (const PreparedEntry* entry : fresh) log_.Append(ledger::LeafHash(entry->octets));
  next.height = meta_.height + 1;
  next.time = now;
  next.epoch = state_->members().epoch;
  const auto leaf = ledger::WriteStateLeaf({next.height, next.map_root, now});
  log_.Append(ledger::LeafHash(leaf));
  writes.Put(EntryStoreKey(size), AsText(leaf));
  next.size = size + 1;
  next.log_root = log_.Root();
  log_.Flush(more);
  for (const auto& [key, value] : more) writes.Put(key, value);
  writes.Put(kMetaKey, EncodeMeta(next.size, next.height, next.map_root, next.log_root, next.time, next.epoch, net_));
  KEEL_TRY_VOID(store_.Write(writes, options_.sync));
  meta_ = next;
  have_state_ = true;
  {
    std::lock_guard lock(mutex_);
    ++stats_.commits;
  }
  if (next.epoch != epoch_before || !epochs_) KEEL_TRY_VOID(LoadEpochs(next.epoch));
  return {};
}

Result<> Node::Publish() {
  // Its order is the rule of protocol.md section 2: durable (size, root) first, then the signature.
  KEEL_TRY_VOID(high_water_->Advance({meta_.size, meta_.log_root}));
  auto view = std::make_shared<View>();
  auto before = this->view();
  if (before && before->size == meta_.size) {
    view->snapshot = before->snapshot;
  } else {
    view->snapshot = std::shared_ptr<const base::KeyValueReader>(store_.Snapshot());
  }
  view->size = meta_.size;
  view->height = meta_.height;
  view->log_root = meta_.log_root;
  view->map_root = meta_.map_root;
  view->state_time = meta_.time;
  view->epoch = meta_.epoch;
  view->epochs = epochs_;

  std::vector<ledger::Cosignature> cosignatures;  // of one member here; an engine with peers adds theirs
  ledger::Cosignature own;
  own.member = member_;
  KEEL_TRY(own.time, clock_.Now());
  ByteArray<ledger::kMaxCosignMessage> message;
  KEEL_TRY(const size_t n, ledger::WriteCosignMessage(net_, meta_.size, meta_.log_root, own.time, message));
  KEEL_TRY(own.signature, SignAsMember(ByteView(message).first(n)));
  cosignatures.push_back(own);
  view->time = own.time;
  view->ckpt.resize(64 + cosignatures.size() * ledger::kCosignatureOctets);
  KEEL_TRY(const size_t c, ledger::WriteCheckpoint(meta_.epoch, meta_.size, meta_.log_root, cosignatures, view->ckpt));
  view->ckpt.resize(c);

  KEEL_TRY(const auto path, InclusionPath(view->Reader(), meta_.size - 1, meta_.size));
  view->state.resize(64 + path.size() * 32);
  KEEL_TRY(const size_t s, ledger::WriteStateProof({meta_.height, meta_.map_root, meta_.time}, path, view->state));
  view->state.resize(s);

  ByteArray<ledger::kMaxNote> note;
  KEEL_TRY(const size_t m, ledger::WriteNote(net_, meta_.size, meta_.log_root, note));
  view->note = std::string(AsText(ByteView(note).first(m))) + "\n" + NoteLine(member_id_, public_key_, own);
  const uint64_t ticks = clock_.TicksMs();
  std::lock_guard lock(mutex_);
  view_ = std::move(view);
  last_cosign_ms_ = ticks;
  return {};
}

}  // namespace keel::registry
