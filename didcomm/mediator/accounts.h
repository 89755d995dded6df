// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/time.h"

namespace keel::didcomm {

struct AccountLimits {
  size_t accounts = 10'000;
  size_t recipients = 64;  // of one account
};

// Who may fetch (accounts: DIDs that were granted mediation) and for which recipients (DIDs, or keys' DID URLs, that
// stand in forwards' `next`). Each recipient belongs to one account: the first that named it, or the account that is
// that very DID, which has proved that it is its own. Durable. Thread-safe. The store outlives it.
class MediationAccounts {
 public:
  // kCorrupt, kIo.
  static Result<std::unique_ptr<MediationAccounts>> Open(base::KeyValueStore& store,
                                                         std::string prefix = "didcomm-accounts/",
                                                         const AccountLimits& limits = {});
  // No change when it is there. kQuotaExceeded, kIo.
  Result<> Grant(const std::string& account, UnixSeconds now);
  bool Has(std::string_view account) const;
  // Ends an account, with its recipients. kNotFound.
  Result<> Revoke(const std::string& account);

  enum class Outcome { kSuccess, kNoChange, kClientError, kServerError };  // coordinate-mediation's results
  struct Update {
    std::string recipient;
    bool add = true;
  };
  // In order, all in one write; kClientError: no DID, another account's, or over the limit. kNotFound: no such account.
  Result<std::vector<Outcome>> Apply(const std::string& account, std::span<const Update> updates);
  // Sorted; of those from `offset` on at most `limit`. `all`: how many there are.
  std::vector<std::string> Recipients(std::string_view account, size_t offset, size_t limit, size_t& all) const;
  // Whose a forward's `next` is: as it stands, else its DID's. nullopt: nobody's.
  struct Match {
    std::string account, recipient;
  };
  std::optional<Match> Find(std::string_view next) const;
  size_t size() const;

 private:
  MediationAccounts(base::KeyValueStore& store, std::string prefix, const AccountLimits& limits)
      : store_(store), prefix_(std::move(prefix)), limits_(limits) {}
  Result<> Load();

  base::KeyValueStore& store_;
  const std::string prefix_;
  const AccountLimits limits_;
  mutable std::mutex mutex_;  // the two below
  std::map<std::string, std::set<std::string>, std::less<>> accounts_;
  std::map<std::string, std::string, std::less<>> owners_;  // recipient -> account
};

// The form in which recipients are compared: a did:peer:4 in its short form, anything else as it is.
std::string CanonicalRecipient(std::string_view did_or_url);

}  // namespace keel::didcomm
