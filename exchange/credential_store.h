// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/time.h"

namespace keel::exchange {

// A credential that was accepted.
struct Held {
  std::string jwt;
  std::string id, issuer, subject;  // id, subject may be empty
  std::vector<std::string> types;
  std::optional<UnixSeconds> valid_until;
  std::string thread;  // of the exchange that brought it
  UnixSeconds received = 0;
};

// Credentials on disk, by the hash of their octets: putting one twice is putting it once. Thread-safe. The store
// outlives it.
class CredentialStore {
 public:
  explicit CredentialStore(base::KeyValueStore& store, std::string prefix = "credentials/")
      : store_(store), prefix_(std::move(prefix)) {}
  // Durable when it returns. `replaces`: a thread; what the same issuer gave in it goes in the same write. kIo,
  // kNoSpace.
  Result<> Put(const Held& held, const std::string& replaces = {});
  // Those that have all the types, are by one of the issuers (none: by anybody), about the subject, and not past their
  // end. kCorrupt, kIo.
  Result<std::vector<Held>> Find(const std::vector<std::string>& types, const std::vector<std::string>& issuers,
                                 const std::string& subject, UnixSeconds now) const;
  Result<std::vector<Held>> List() const;
  // kNotFound.
  Result<> Remove(const std::string& jwt);

 private:
  std::string Key(const std::string& jwt) const;
  base::KeyValueStore& store_;
  const std::string prefix_;
};

}  // namespace keel::exchange
