// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "custody/record.h"
#include "custody/verbs.h"

// What a custodian checks of a device's chain of ownership, makes of it and anchors (protocol.md section 4).
namespace keel::custody {

// By the papers alone, no registry asked: the DID is the hash of its create operation; seal0 opens to the root seal;
// each link follows from the one before, is of this device and network and is signed by the seal before; the last
// credential hashes to cred_k. kInvalidDid, kBadChain, kBadSignature, kNoQuorum, kMalformed.
Result<> CheckPapers(const DeviceRecord& record, const Bytes32& net);

// One spend of a chain as a log entry.
Result<std::vector<uint8_t>> SpendEntryOf(const DeviceRecord& record, size_t link_number);

// A new link at the end of a record's chain.
struct NextLink {
  std::string device;
  ChainLink link;          // index 0 until anchored
  std::string credential;  // OwnershipCredential
};
struct LinkOrder {
  const DeviceRecord* record = nullptr;
  Bytes32 seal{};     // the receiver's
  std::string owner;  // the receiver's DID
};
// Issues the credentials and writes the links, unsigned yet (sigs empty): keep them before signing, so that a crash
// can't leave a seal bound to a lost link.
Result<std::vector<NextLink>> BuildLinks(CustodyContext& context, const std::vector<LinkOrder>& orders);
// Signs the spends with our seal keys; the seals remember what they signed. cancels: CustodyStore::SpendOrder.
// records[i] is the device of links[i].
Result<> SignLinks(CustodyContext& context, const std::vector<DeviceRecord>& records, std::vector<NextLink>& links,
                   bool cancels);
// The record with the link at its end, as the receiver will have it.
DeviceRecord WithLink(const DeviceRecord& record, const NextLink& next);

// Which link of a device the ledger holds: what came of anchoring or asking.
struct ChainStanding {
  bool anchored = false;          // every spend of the chain is in the map, as this chain has it
  bool tail_unspent = false;      // and the last seal is not spent
  std::vector<uint64_t> indices;  // log index of each spend; 0 where absent
  size_t conflict = 0;            // number of the link whose seal was spent on another one; 0: none
  Bytes32 other_link{};           // evidence: H(link) that the ledger holds instead
  uint64_t other_index = 0;
  bool known = false;                                          // the device's DID is anchored
  std::vector<registry_client::AnchoredOperation> operations;  // its history as proved
  UnixSeconds time = 0;                                        // of the checkpoint
};
// Asks the registry about many devices, with proofs; chunked by its limits. One standing for each record, in order.
Result<std::vector<ChainStanding>> AskStandings(CustodyContext& context, const std::vector<DeviceRecord>& records);

// Submits the spends of links that the standings say are absent; afterwards asks again. Returns the new standings.
// `trouble`: the registry's first refusal in a sentence; empty when there was none.
Result<std::vector<ChainStanding>> AnchorChains(CustodyContext& context, const std::vector<DeviceRecord>& records,
                                                std::string* trouble = nullptr);

}  // namespace keel::custody
