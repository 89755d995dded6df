// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "core/result.h"
#include "core/secret.h"
#include "did/methods/keel.h"
#include "registry-client/registry_client.h"
#include "verifier/records.h"

namespace keel::verifier {

// What a device is shown so that it needs no registry (protocol.md section 8, PK): sealed under a key of its own,
// served at /pack/{thid}.
struct ProofPack {
  base::ByteVec sealed;
  SecretBytes<32> key;
  uint64_t length = 0;   // of all plaintexts
  Bytes32 sha256{};      // over them
  UnixSeconds time = 0;  // of its checkpoint
};

// Asks the registry for the proofs of many devices at once: requests that arrive while one is under way share the next
// call, so that a thousand devices powered on together cost a few calls. One thread of its own; thread-safe.
class Prover {
 public:
  // `owner`: O's did:keel, whose history ends every pack. `histories` is given the devices' own, which come with the
  // same answer: M3 asks for them a moment later.
  Prover(registry_client::RegistryClient& registry, did::CachingHistorySource& histories, Random& random,
         std::string owner);
  ~Prover();

  // A pack for the claim, whose links after the first `known_links` are shown. Blocks. kConflict: a link is not what
  // the ledger holds, or our seal is spent (we no longer own the device); the registry client's errors.
  Result<ProofPack> MakePack(const Claim& claim, uint32_t known_links);

 private:
  struct Request {
    std::string device;
    std::vector<Bytes32> keys;
    std::promise<Result<std::shared_ptr<const registry_client::ProofSet>>> done;
    size_t first = 0;  // of its keys in the shared call
  };
  struct Answer {
    std::shared_ptr<const registry_client::ProofSet> set;
    size_t first = 0;
  };
  Result<Answer> Ask(const std::string& device, std::vector<Bytes32> keys);
  void Run();
  Result<registry_client::ProofSet> AskRegistry(const std::vector<Bytes32>& keys, std::vector<std::string> dids);

  registry_client::RegistryClient& registry_;
  did::CachingHistorySource& histories_;
  Random& random_;
  const std::string owner_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Request>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace keel::verifier
