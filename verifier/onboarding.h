// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/log.h"
#include "core/seams.h"
#include "crypto/key_store.h"
#include "did/methods/peer.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"
#include "verifier/claim_book.h"
#include "verifier/firmware.h"
#include "verifier/hardware_check.h"
#include "verifier/members.h"
#include "verifier/prover.h"
#include "verifier/relay.h"
#include "verifier/settings.h"

namespace keel::verifier {

// Who we are, for signing M2 and FleetCredentials. keys: the role's key store.
struct OwnerKeys {
  std::string did;       // O
  std::string auth_kid;  // "<O>#auth"
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle auth;
};

// The verifier's side of device-onboarding/1.0 and device-lifecycle/1.0 (docs/protocols/device-onboarding.md): one
// envelope in, one envelope out. Every step may be repeated: a repeat gets the same plaintext. What changes is durable
// before it is answered. Thread-safe: one lock a claim.
class Onboarding {
 public:
  struct Parts {
    ClaimBook& book;
    Records& records;
    SessionKeys& keys;
    Prover& prover;
    HardwareCheck& hardware;
    Members& members;
    Settings& settings;
    FirmwareStore& firmware;
    did::DidResolver& resolver;  // did:keel and the rest, for the device's own DID
    OwnerKeys owner;
    Clock& clock;
    Random& random;
    std::string url;         // what firmware URLs begin with
    Relay* relay = nullptr;  // null: devices' messages to each other are refused
    // Called when M5 brought new rendezvous secrets: custody keeps them for the next sale. M6 leaves when the future is
    // ready and good.
    std::function<std::future<Result<>>(const std::string& did, const Bytes32& rs, const crypto::PublicKey& rp)>
        keep_rendezvous;
  };
  explicit Onboarding(Parts parts);

  // POST /didcomm. The reply's envelope, or an error that says nothing of why (the log does): kRefused, kBusy.
  Result<std::string> Handle(const std::string& envelope);
  // The same for all that a device may send; messages of DIDComm's own protocols go to the relay, and their answer may
  // come later: `later` is called exactly once, from any thread, with the reply's envelope, empty for none.
  using Later = std::function<void(Result<std::string> envelope)>;
  void Handle(const std::string& envelope, Later later);

  // GET /pack/{thid}?from=record: sealed octets from that record on; null when there is no such session.
  struct PackView {
    std::shared_ptr<const std::string> octets;
    size_t offset = 0;
  };
  Result<PackView> Pack(const std::string& thread, uint32_t from);

  // Used by onboarding.cc and lifecycle.cc (incoming.h).
  struct DeviceProof;  // a good M3
  struct Incoming;     // an opened message and the slot it is for

 private:
  using Reply = Result<std::string>;

  Result<Incoming> Open(const std::string& envelope);
  Result<std::string> Answer(Incoming& in);
  Result<std::string> Seal(const std::string& plaintext, const std::string& ours, const std::string& theirs);
  // The handlers give a reply's plaintext; they run with the slot's mutex held.
  Reply OnHello(Incoming& in);
  Reply OnDeviceProof(Incoming& in);
  Reply OnDone(Incoming& in);
  Reply OnContact(Incoming& in);
  Reply OnFirmwareAccept(Incoming& in);
  Reply OnFirmwareReport(Incoming& in);
  Reply OnLifecycleAck(Incoming& in);

  // The session of this thread and sender, from memory or, after a restart, from beside the records; null.
  Result<const Session*> SessionOf(Incoming& in);
  void DropSessions(ClaimSlot& slot, size_t keep);

  // Stores M4 and its transcript in the claim and gives its plaintext. th3: transcript after M3.
  Reply Provision(Incoming& in, const Bytes32& th3);
  Result<OwnerProof> MakeOwnerProof(Incoming& in, const Session& session, const std::string& nd, uint32_t known_links);
  // Verifies the vp+jwt of M3 against the session's last two M2.
  Result<DeviceProof> CheckDeviceProof(const Incoming& in, const Session& session, const std::string& vp,
                                       const std::string& vc);
  // What the profile gives this device now, as members of M4 or of a renewal: stage, fc, fck, net, config, fw. Notes in
  // the claim what was given.
  Result<nlohmann::json> Bundle(Claim& claim, UnixSeconds now);
  // The hash of what the profile would give: another than the claim's `provided` is due.
  std::string BundleId(const Claim& claim) const;
  // The owner's order as the device takes it: signed for the active generation.
  Result<std::string> SignOrder(const Claim& claim, UnixSeconds now);
  nlohmann::json NetworkFor(const Claim& claim) const;
  // Checks seq and contact secret of a lifecycle message and makes the next secret. kReplayed, kUntrusted.
  Result<> Advance(Claim& claim, const nlohmann::json& body);
  nlohmann::json Answered(Claim& claim) const;

  Parts parts_;
  did::PeerMethod peer_method_;
  did::CachingResolver peer_resolver_;  // both DIDs of a session stand in each of its envelopes
  didcomm::AgreementCache agreements_;
  base::LogLimiter refusals_{30};
};

}  // namespace keel::verifier
