// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/accounts.h"

#include <utility>

#include "base/encoding.h"
#include "did/did.h"

namespace keel::didcomm {
namespace {

constexpr const char* kWhere = "mediation accounts";

std::string Big(uint64_t value) {
  ByteArray<8> octets;
  ByteWriter(octets).U64(value);
  return base::ToString(octets);
}

}  // namespace

std::string CanonicalRecipient(std::string_view did_or_url) {
  static constexpr std::string_view kPeer4 = "did:peer:4";
  const std::string_view did = did::DidOf(did_or_url);
  if (!did.starts_with(kPeer4)) return std::string(did_or_url);
  const size_t document = did.find(':', kPeer4.size());
  return std::string(did.substr(0, document)) + std::string(did_or_url.substr(did.size()));
}

Result<std::unique_ptr<MediationAccounts>> MediationAccounts::Open(base::KeyValueStore& store, std::string prefix,
                                                                   const AccountLimits& limits) {
  std::unique_ptr<MediationAccounts> accounts(new MediationAccounts(store, std::move(prefix), limits));
  KEEL_TRY_VOID(accounts->Load());
  return accounts;
}

// Records: "a" account -> since, "r" recipient -> account.
Result<> MediationAccounts::Load() {
  const std::string accounts = prefix_ + "a", recipients = prefix_ + "r";
  KEEL_TRY_VOID(store_.Scan(accounts, [&](std::string_view key, std::string_view) {
    accounts_[std::string(key.substr(accounts.size()))];
    return true;
  }));
  Result<> good;
  KEEL_TRY_VOID(store_.Scan(recipients, [&](std::string_view key, std::string_view account) {
    const auto owner = accounts_.find(account);
    if (owner == accounts_.end()) {
      good = Fail(Code::kCorrupt, kWhere, "a recipient of an account that isn't there");
      return false;
    }
    const std::string recipient(key.substr(recipients.size()));
    owner->second.insert(recipient);
    owners_[recipient] = account;
    return true;
  }));
  return good;
}

Result<> MediationAccounts::Grant(const std::string& account, UnixSeconds now) {
  if (!did::IsDid(account)) return Fail(Code::kInvalidDid, kWhere, "'" + account + "' is no DID");
  const std::lock_guard lock(mutex_);
  if (accounts_.contains(account)) return {};
  if (accounts_.size() >= limits_.accounts)
    return Fail(Code::kQuotaExceeded, kWhere, "there are " + std::to_string(limits_.accounts) + " accounts already");
  base::WriteBatch batch;
  batch.Put(prefix_ + "a" + account, Big(now));
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  accounts_[account];
  return {};
}

bool MediationAccounts::Has(std::string_view account) const {
  const std::lock_guard lock(mutex_);
  return accounts_.contains(account);
}

Result<> MediationAccounts::Revoke(const std::string& account) {
  const std::lock_guard lock(mutex_);
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return Fail(Code::kNotFound, kWhere, account + " has no mediation here");
  base::WriteBatch batch;
  batch.Delete(prefix_ + "a" + account);
  for (const std::string& recipient : found->second) batch.Delete(prefix_ + "r" + recipient);
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  for (const std::string& recipient : found->second) owners_.erase(recipient);
  accounts_.erase(found);
  return {};
}

Result<std::vector<MediationAccounts::Outcome>> MediationAccounts::Apply(const std::string& account,
                                                                         std::span<const Update> updates) {
  const std::lock_guard lock(mutex_);
  if (!accounts_.contains(account)) return Fail(Code::kNotFound, kWhere, account + " has no mediation here");
  std::vector<std::pair<std::string, std::optional<std::string>>> before;  // recipient -> its account, to undo
  const auto give = [this](const std::string& recipient, const std::optional<std::string>& to) {
    const auto owner = owners_.find(recipient);
    if (owner != owners_.end()) {
      accounts_[owner->second].erase(recipient);
      owners_.erase(owner);
    }
    if (!to) return;
    accounts_[*to].insert(recipient);
    owners_[recipient] = *to;
  };
  base::WriteBatch batch;
  std::vector<Outcome> out;
  for (const Update& update : updates) {
    const std::string recipient = CanonicalRecipient(update.recipient);
    const auto found = owners_.find(recipient);
    const std::optional<std::string> owner =
        found == owners_.end() ? std::nullopt : std::optional<std::string>(found->second);
    const bool mine = owner == account;
    if (mine == update.add) {
      out.push_back(Outcome::kNoChange);
    } else if (update.add && (!did::IsDid(did::DidOf(recipient)) || recipient.size() > did::kMaxDidUrl ||
                              accounts_[account].size() >= limits_.recipients ||
                              (owner && recipient != CanonicalRecipient(account)))) {
      out.push_back(Outcome::kClientError);
    } else {
      before.emplace_back(recipient, owner);
      give(recipient, update.add ? std::optional<std::string>(account) : std::nullopt);
      if (update.add) {
        batch.Put(prefix_ + "r" + recipient, account);
      } else {
        batch.Delete(prefix_ + "r" + recipient);
      }
      out.push_back(Outcome::kSuccess);
    }
  }
  if (batch.empty() || store_.Write(batch, base::Sync::kYes)) return out;
  for (auto undo = before.rbegin(); undo != before.rend(); ++undo) give(undo->first, undo->second);
  for (Outcome& outcome : out) {
    if (outcome == Outcome::kSuccess) outcome = Outcome::kServerError;
  }
  return out;
}

std::vector<std::string> MediationAccounts::Recipients(std::string_view account, size_t offset, size_t limit,
                                                       size_t& all) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  all = 0;
  const auto found = accounts_.find(account);
  if (found == accounts_.end()) return out;
  all = found->second.size();
  for (const std::string& recipient : found->second) {
    if (offset > 0) {
      --offset;
    } else if (out.size() < limit) {
      out.push_back(recipient);
    }
  }
  return out;
}

std::optional<MediationAccounts::Match> MediationAccounts::Find(std::string_view next) const {
  const std::string exact = CanonicalRecipient(next);
  const std::lock_guard lock(mutex_);
  for (const std::string_view name : {std::string_view(exact), did::DidOf(exact)}) {
    const auto found = owners_.find(name);
    if (found != owners_.end()) return Match{found->second, found->first};
  }
  return std::nullopt;
}

size_t MediationAccounts::size() const {
  const std::lock_guard lock(mutex_);
  return accounts_.size();
}

}  // namespace keel::didcomm
