// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/queue.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/encoding.h"
#include "base/storage/group_committer.h"
#include "crypto/hash.h"
#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

constexpr const char* kWhere = "mediator queue";
constexpr size_t kExpireAtOnce = 256;
constexpr uint8_t kHeadVersion = 1;

std::string Big(uint64_t value) {
  ByteArray<8> octets;
  ByteWriter(octets).U64(value);
  return base::ToString(octets);
}

// What is known of a message without its octets; the disk's "h" record.
struct Head {
  std::string account, recipient;
  uint64_t octets = 0;
  UnixSeconds received = 0, until = 0;

  std::string Encode() const {
    std::string out(1 + 8 * 3 + 2 + account.size() + 2 + recipient.size(), '\0');
    ByteWriter writer(ByteSpan(reinterpret_cast<uint8_t*>(out.data()), out.size()));
    writer.U8(kHeadVersion).U64(octets).U64(received).U64(until);
    writer.U16(static_cast<uint16_t>(account.size())).Put(account);
    writer.U16(static_cast<uint16_t>(recipient.size())).Put(recipient);
    KEEL_ASSERT(writer.ok() && writer.size() == out.size());
    return out;
  }
  static Result<Head> Decode(std::string_view text) {
    ByteReader reader(AsBytes(text));
    Head head;
    const bool known = reader.U8() == kHeadVersion;
    head.octets = reader.U64();
    head.received = reader.U64();
    head.until = reader.U64();
    head.account = base::ToString(reader.Take(reader.U16()));
    head.recipient = base::ToString(reader.Take(reader.U16()));
    if (!known || !reader.done()) return Fail(Code::kCorrupt, kWhere, "a message's head is damaged");
    return head;
  }
};

struct Count {
  size_t messages = 0;
  uint64_t octets = 0;
  void Add(uint64_t size) {
    ++messages;
    octets += size;
  }
  void Remove(uint64_t size) {
    --messages;
    octets -= size;
  }
};

struct Account {
  std::map<uint64_t, Head> messages;                     // by sequence number: durable, not acknowledged
  std::map<std::string, Count, std::less<>> recipients;  // these and those being written
  Count all;
};

// Sequence number -> id and back: octets that tell nobody how many messages there are would cost a table.
std::string IdOf(uint64_t sequence) { return base::Hex(AsBytes(Big(sequence))); }
std::optional<uint64_t> SequenceOf(std::string_view id) {
  const auto octets = base::FromHex(id);
  if (!octets || octets->size() != 8) return std::nullopt;
  return ByteReader(*octets).U64();
}

}  // namespace

// Records: "h" sequence -> head, "b" sequence -> envelope, "s" -> the next sequence number, "f" fingerprint -> until,
// "t" until fingerprint -> nothing (for clearing away), "e" until sequence -> nothing (the same for messages).
struct MessageQueue::Impl {
  Impl(base::KeyValueStore& s, std::string p, const QueueLimits& l)
      : store(s), prefix(std::move(p)), limits(l), committer(s) {}

  base::KeyValueStore& store;
  const std::string prefix;
  const QueueLimits limits;
  base::GroupCommitter committer;

  mutable std::mutex mutex;  // all below
  std::unordered_map<std::string, Account> accounts;
  Count all;
  std::set<std::string> writing;  // fingerprints whose Put isn't over
  uint64_t next = 1;

  std::string Key(char kind, std::string_view rest) const { return prefix + kind + std::string(rest); }

  Result<> Load() {
    Result<> good;
    const std::string heads = Key('h', "");
    KEEL_TRY_VOID(store.Scan(heads, [&](std::string_view key, std::string_view value) {
      auto head = Head::Decode(value);
      if (!head || key.size() != heads.size() + 8) {
        good = Fail(Code::kCorrupt, kWhere, "a message's head is damaged");
        return false;
      }
      const uint64_t sequence = ByteReader(AsBytes(key.substr(heads.size()))).U64();
      Account& account = accounts[head->account];
      account.recipients[head->recipient].Add(head->octets);
      account.all.Add(head->octets);
      all.Add(head->octets);
      next = std::max(next, sequence + 1);
      account.messages.emplace(sequence, std::move(*head));
      return true;
    }));
    KEEL_TRY_VOID(good);
    KEEL_TRY(const auto counter, store.Get(Key('s', "")));
    if (counter) {
      if (counter->size() != 8) return Fail(Code::kCorrupt, kWhere, "the counter is damaged");
      next = std::max(next, ByteReader(AsBytes(*counter)).U64());
    }
    return {};
  }

  Result<> Room(const Account& account, const std::string& recipient, uint64_t size) const {
    const auto full = [&](const char* what) {
      return Fail(Code::kQuotaExceeded, kWhere, std::string("no room for ") + what);
    };
    const auto found = account.recipients.find(recipient);
    if (found != account.recipients.end() && (found->second.messages >= limits.recipient_messages ||
                                              found->second.octets + size > limits.recipient_octets)) {
      return full("this recipient");
    }
    if (size > limits.recipient_octets) return full("a message of this size");
    if (account.all.messages >= limits.account_messages || account.all.octets + size > limits.account_octets)
      return full("this account");
    if (all.messages >= limits.all_messages || all.octets + size > limits.all_octets) return full("anybody");
    return {};
  }

  void Reserve(const std::string& account_name, const std::string& recipient, uint64_t size) {
    Account& account = accounts[account_name];
    account.recipients[recipient].Add(size);
    account.all.Add(size);
    all.Add(size);
  }
  void Release(const std::string& account_name, const std::string& recipient, uint64_t size) {
    const auto account = accounts.find(account_name);
    KEEL_ASSERT(account != accounts.end());
    const auto count = account->second.recipients.find(recipient);
    KEEL_ASSERT(count != account->second.recipients.end());
    count->second.Remove(size);
    if (count->second.messages == 0) account->second.recipients.erase(count);
    account->second.all.Remove(size);
    all.Remove(size);
    if (account->second.all.messages == 0) accounts.erase(account);
  }

  void Delete(base::WriteBatch& batch, uint64_t sequence, const Head& head) const {
    batch.Delete(Key('h', Big(sequence)));
    batch.Delete(Key('b', Big(sequence)));
    batch.Delete(Key('e', Big(head.until) + Big(sequence)));
  }

  // Takes messages out, on disk first. They can be listed until it is done, never after.
  Result<size_t> Forget(const std::vector<std::pair<uint64_t, Head>>& gone) {
    if (gone.empty()) return size_t{0};
    base::WriteBatch batch;
    for (const auto& [sequence, head] : gone) Delete(batch, sequence, head);
    KEEL_TRY_VOID(committer.Commit(std::move(batch)));
    size_t count = 0;
    const std::lock_guard lock(mutex);
    for (const auto& [sequence, head] : gone) {
      const auto account = accounts.find(head.account);
      if (account == accounts.end() || account->second.messages.erase(sequence) == 0) continue;  // somebody was faster
      Release(head.account, head.recipient, head.octets);
      ++count;
    }
    return count;
  }
};

MessageQueue::MessageQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageQueue::~MessageQueue() = default;

Result<std::unique_ptr<MessageQueue>> MessageQueue::Open(base::KeyValueStore& store, std::string prefix,
                                                         const QueueLimits& limits) {
  auto impl = std::make_unique<Impl>(store, std::move(prefix), limits);
  KEEL_TRY_VOID(impl->Load());
  return std::unique_ptr<MessageQueue>(new MessageQueue(std::move(impl)));
}

Result<std::string> MessageQueue::Put(const std::string& account, const std::string& recipient,
                                      std::string_view envelope, UnixSeconds now, UnixSeconds until,
                                      std::string_view identity) {
  Impl& s = *impl_;
  if (account.size() > UINT16_MAX || recipient.size() > UINT16_MAX)
    return Fail(Code::kInvalidArgument, kWhere, "a DID over 65,535 octets");
  if (envelope.size() > 2 * kMaxMessage)
    return Fail(Code::kTooLarge, kWhere, "an envelope over " + std::to_string(2 * kMaxMessage) + " octets");
  if (until != 0 && !NotAfterOk(until, now)) return Fail(Code::kExpired, kWhere, "the message has expired");
  const UnixSeconds latest = now + s.limits.keep_seconds;
  until = until == 0 ? latest : std::min(until + kTimeSkew, latest);
  // Of the recipient and the octets: encryption is randomized, so two messages never have the same.
  const std::string fingerprint = base::ToString(crypto::Sha256()
                                                     .Update(Big(recipient.size()))
                                                     .Update(recipient)
                                                     .Update(identity.empty() ? envelope : identity)
                                                     .Final());

  uint64_t sequence = 0;
  {
    std::unique_lock lock(s.mutex);
    KEEL_TRY(const std::optional<std::string> known, s.store.Get(s.Key('f', fingerprint)));
    if (known) {
      if (known->size() != 8) return Fail(Code::kCorrupt, kWhere, "a fingerprint's entry is damaged");
      if (ByteReader(AsBytes(*known)).U64() >= now) return std::string();
    }
    // Another thread has the same message in hand and may still fail: the sender tries again.
    if (s.writing.contains(fingerprint)) return Fail(Code::kBusy, kWhere, "the same message is being queued");
    const auto found = s.accounts.find(account);
    KEEL_TRY_VOID(s.Room(found == s.accounts.end() ? Account{} : found->second, recipient, envelope.size()));
    s.Reserve(account, recipient, envelope.size());
    s.writing.insert(fingerprint);
    sequence = s.next++;
  }
  const Head head{account, recipient, envelope.size(), now, until};
  const UnixSeconds remembered = std::max(until, now + s.limits.remember_seconds);
  base::WriteBatch batch;
  batch.Put(s.Key('h', Big(sequence)), head.Encode());
  batch.Put(s.Key('b', Big(sequence)), envelope);
  batch.Put(s.Key('e', Big(until) + Big(sequence)), "");
  batch.Put(s.Key('f', fingerprint), Big(remembered));
  batch.Put(s.Key('t', Big(remembered) + fingerprint), "");
  batch.Put(s.Key('s', ""), Big(sequence + 1));
  const Result<> written = s.committer.Commit(std::move(batch));
  const std::lock_guard lock(s.mutex);
  s.writing.erase(fingerprint);
  if (!written) {
    s.Release(account, recipient, envelope.size());
    return std::unexpected<Error>(written.error());
  }
  s.accounts[account].messages.emplace(sequence, head);
  return IdOf(sequence);
}

Result<std::vector<QueuedMessage>> MessageQueue::List(const std::string& account, std::string_view recipient,
                                                      size_t limit, UnixSeconds now, uint64_t max_octets) {
  std::vector<std::pair<uint64_t, Head>> chosen;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->accounts.find(account);
    if (found == impl_->accounts.end()) return std::vector<QueuedMessage>();
    uint64_t octets = 0;
    for (const auto& [sequence, head] : found->second.messages) {
      if (chosen.size() >= limit) break;
      if (head.until < now || (!recipient.empty() && head.recipient != recipient)) continue;
      if (!chosen.empty() && octets + head.octets > max_octets) break;
      octets += head.octets;
      chosen.emplace_back(sequence, head);
    }
  }
  std::vector<QueuedMessage> out;
  for (const auto& [sequence, head] : chosen) {
    KEEL_TRY(std::optional<std::string> envelope, impl_->store.Get(impl_->Key('b', Big(sequence))));
    if (!envelope) continue;  // acknowledged meanwhile
    out.push_back({IdOf(sequence), head.recipient, std::move(*envelope), head.received});
  }
  return out;
}

Result<size_t> MessageQueue::Acknowledge(const std::string& account, std::span<const std::string> ids) {
  std::map<uint64_t, Head> gone;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->accounts.find(account);
    if (found == impl_->accounts.end()) return size_t{0};
    for (const std::string& id : ids) {
      const auto sequence = SequenceOf(id);
      const auto message = sequence ? found->second.messages.find(*sequence) : found->second.messages.end();
      if (message != found->second.messages.end()) gone.emplace(message->first, message->second);
    }
  }
  return impl_->Forget({gone.begin(), gone.end()});
}

QueueStatus MessageQueue::Status(const std::string& account, std::string_view recipient, UnixSeconds now) const {
  QueueStatus status;
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->accounts.find(account);
  if (found == impl_->accounts.end()) return status;
  for (const auto& [sequence, head] : found->second.messages) {
    if (head.until < now || (!recipient.empty() && head.recipient != recipient)) continue;
    ++status.count;
    status.octets += head.octets;
    status.oldest = status.oldest == 0 ? head.received : std::min(status.oldest, head.received);
    status.newest = std::max(status.newest, head.received);
  }
  return status;
}

Result<size_t> MessageQueue::Drop(const std::string& account, std::string_view recipient) {
  std::vector<std::pair<uint64_t, Head>> gone;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->accounts.find(account);
    if (found == impl_->accounts.end()) return size_t{0};
    for (const auto& [sequence, head] : found->second.messages) {
      if (recipient.empty() || head.recipient == recipient) gone.emplace_back(sequence, head);
    }
  }
  return impl_->Forget(gone);
}

Result<size_t> MessageQueue::Expire(UnixSeconds now) {
  std::vector<std::pair<uint64_t, Head>> gone;
  const std::string messages = impl_->Key('e', ""), times = impl_->Key('t', "");
  {
    const std::lock_guard lock(impl_->mutex);
    std::vector<uint64_t> over;
    KEEL_TRY_VOID(impl_->store.Scan(messages, [&](std::string_view key, std::string_view) {
      ByteReader reader(AsBytes(key.substr(messages.size())));
      const UnixSeconds until = reader.U64();
      over.push_back(reader.U64());
      if (reader.done() && until < now && over.size() <= kExpireAtOnce) return true;
      over.pop_back();
      return false;
    }));
    for (const uint64_t sequence : over) {
      KEEL_TRY(const std::optional<std::string> text, impl_->store.Get(impl_->Key('h', Big(sequence))));
      if (!text) continue;  // acknowledged since the scan
      KEEL_TRY(Head found, Head::Decode(*text));
      gone.emplace_back(sequence, std::move(found));
    }
    std::vector<std::string> forgotten;  // until and fingerprint
    KEEL_TRY_VOID(impl_->store.Scan(times, [&](std::string_view key, std::string_view) {
      const std::string_view rest = key.substr(times.size());
      if (rest.size() != 40 || ByteReader(AsBytes(rest)).U64() >= now || forgotten.size() == kExpireAtOnce)
        return false;
      forgotten.emplace_back(rest);
      return true;
    }));
    base::WriteBatch stale;
    for (const std::string& entry : forgotten) {
      const std::string fingerprint = entry.substr(8);
      if (impl_->writing.contains(fingerprint)) continue;
      stale.Delete(times + entry);
      KEEL_TRY(const std::optional<std::string> value, impl_->store.Get(impl_->Key('f', fingerprint)));
      if (value && *value == entry.substr(0, 8)) stale.Delete(impl_->Key('f', fingerprint));  // else it came again
    }
    // Losing this costs nothing: it is done again.
    if (!stale.empty()) KEEL_TRY_VOID(impl_->store.Write(stale, base::Sync::kNo));
  }
  return impl_->Forget(gone);
}

MessageQueue::Totals MessageQueue::totals() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->accounts.size(), impl_->all.messages, impl_->all.octets};
}

}  // namespace keel::didcomm
