// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/secret.h"
#include "custody/identity.h"
#include "custody/record.h"

namespace keel::custody {

// The devices that a role holds or held, and the secret keys of its seals, in the LevelDB DATA/custody. Only one
// process has it open: a running issuer or verifier keeps it open, and `keel ownership` then works through the
// service's control verb "ownership" (custody/verbs.h); a plain custodian's `keel ownership` opens it for the length of
// a verb. Thread-safe. Every write is synced before it returns.
class CustodyStore {
 public:
  // kBusy when another process has it. The identity outlives the store.
  static Result<std::unique_ptr<CustodyStore>> Open(Identity& identity);
  // Over a given store (tests).
  static Result<std::unique_ptr<CustodyStore>> Over(std::unique_ptr<base::KeyValueStore> store, Identity& identity);
  ~CustodyStore();

  // kNotFound.
  Result<DeviceRecord> Get(std::string_view did) const;
  Result<DeviceRecord> FindSerial(std::string_view serial) const;
  // In order of DID, until the visitor returns false.
  Result<> Visit(const std::function<bool(const DeviceRecord&)>& visitor) const;
  Result<std::vector<DeviceRecord>> List(std::optional<DeviceState> state = std::nullopt) const;

  // Replaces one record or many at once. kConflict when a held record's chain would get shorter (a record restored from
  // an old copy). kKept: rendezvous secrets that SetRendezvous brought stay, so that a record that was read before
  // takes nothing away. kFromGiver: the records' own count from now on where the chain has become longer.
  enum class Secrets : uint8_t { kKept, kFromGiver };
  Result<> Put(const DeviceRecord& record);
  Result<> Put(const std::vector<DeviceRecord>& records, Secrets secrets = Secrets::kKept);
  // With M5: the device's new rendezvous secrets, to be passed on with the next sale. A small record beside the
  // device's, so that many devices onboarding at once share a synced write; durable when the future is ready and good.
  // The same again is fine. kNotFound.
  std::future<Result<>> SetRendezvous(std::string_view did, const Bytes32& rs, const crypto::PublicKey& rp);

  // --- seal keys. Sealed at rest with Identity::WrapKey; erased when their spend is anchored.
  // A fresh random Ed25519 seal key (t = n = 1): gives its seal. For root seals and for a giver's own (cancel).
  struct NewSeal {
    Bytes32 seal{};
    base::ByteVec policy;
  };
  Result<NewSeal> MakeSeal();
  // Many at once, one synced write.
  Result<std::vector<NewSeal>> MakeSeals(size_t count);
  // The policy octets of a seal of ours; kNotFound.
  Result<base::ByteVec> SealPolicy(const Bytes32& seal) const;
  // Signs the message (ledger::SpendMessage) with the seal's key as SIGS octets. kNotFound: no key for this seal.
  // kSealSpent when this store has signed another message with it before: a seal never signs two spends.
  Result<base::ByteVec> SignSpend(const Bytes32& seal, ByteView spend_message);
  // Many at once, one synced write. `cancels`: may sign another link than before (the giver takes back a sale that is
  // not anchored).
  struct SpendOrder {
    Bytes32 seal{};
    base::ByteVec message;
    bool cancels = false;
  };
  Result<std::vector<base::ByteVec>> SignSpends(const std::vector<SpendOrder>& orders);
  // Destroys the key. Absent is fine.
  Result<> EraseSeal(const Bytes32& seal);
  void EraseSeal(base::WriteBatch& batch, const Bytes32& seal) const;
  Result<bool> HasSeal(const Bytes32& seal) const;

  // The store below, for the other parts of custody (requests, transfers): prefixes other than d/, n/, s/.
  base::KeyValueStore& raw();
  Identity& identity();
  // Seals `secret` for the store under this role's wrapping key, bound to `name`; and back. kDecryptFailed.
  Result<std::string> Wrap(std::string_view name, ByteView secret) const;
  Result<SecretBytes<32>> Unwrap32(std::string_view name, std::string_view wrapped) const;
  // Adds seal keys made from a seed to the batch: used by requests (custody/request.h).
  Result<> PutSealSeed(base::WriteBatch& batch, const Bytes32& seal, ByteView ed25519_seed) const;

 private:
  struct Impl;
  explicit CustodyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::custody
