// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "custody/record.h"
#include "custody/verbs.h"

// The file that passes devices on (docs/formats/custody.md, "Package"): a DIDComm message, authcrypt from giver to
// receiver, that carries a key, and one sealed record a device under that key. So its size isn't bound to that of a
// message.
namespace keel::custody {

inline constexpr size_t kMaxPackage = 256 << 20;  // octets of file
inline constexpr size_t kMaxPackageDevices = 10'000;
inline constexpr size_t kMaxPackageRecord = 512 << 10;  // octets of one record

struct Package {
  std::string id;                       // of the transfer
  std::string request;                  // id of the request that it answers
  std::string giver, receiver;          // DIDs; giver as the envelope proves it
  std::vector<std::string> operations;  // the giver's, create first
  std::vector<DeviceRecord> devices;    // state, reliable_from, given_to, transfer have no meaning here
  bool offline = false;                 // the giver's spends were not anchored when this was written
};

// kTooLarge; didcomm errors. `receiver` is the receiver's history (its document's keys encrypt).
Result<std::string> WritePackage(CustodyContext& context, const Package& package,
                                 const registry_client::VerifiedHistory& receiver);

// Opens a package for this role: envelope, sender, digests. Nothing about the devices is checked. The giver's keys come
// from the registry; with `offline`, or when the giver isn't anchored, from the operations in the file. kMalformed,
// kTooLarge, kNoSuchKey (for somebody else), kDecryptFailed, kBadProof (a record was changed or is missing).
Result<Package> ReadPackage(CustodyContext& context, std::string_view text, bool offline);

}  // namespace keel::custody
