// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/seams.h"
#include "onboarding/firmware.h"
#include "onboarding/suit.h"
#include "verifier/records.h"

namespace keel::verifier {

// A firmware release as its author signed it. The image lies in DIR/firmware/<id>.img.
struct Release {
  std::string id;          // hex of the manifest digest
  base::ByteVec envelope;  // SUIT envelope
  std::string version;
  uint64_t sequence = 0;
  uint64_t size = 0;
  Bytes32 image_digest{};
  Bytes32 manifest_digest{};

  // {id, version, sequence, digest, size}: body of an offer.
  nlohmann::json Offer() const;
};

// The releases that this owner has taken over, and the transfers under way. The owner decides what is delivered; what
// is inside is the author's word, which the device checks for itself. Thread-safe.
class FirmwareStore {
 public:
  FirmwareStore(std::string dir, Records& records, Random& random);
  ~FirmwareStore();
  Result<> Load();

  // Copies a release in: its SUIT envelope and its image, whose digest and size must be the manifest's (kConflict).
  // Repeating is fine.
  Result<Release> Import(ByteView envelope, const std::string& image_path);
  std::optional<Release> Find(const std::string& id) const;
  std::vector<Release> List() const;

  // Begins a transfer to a device, or goes on with the one that it has for this release and block size: {id, manifest,
  // key, url, block}.
  Result<nlohmann::json> Begin(const std::string& device, const std::string& release, uint32_t block_size);
  // Sealed blocks from block `from` on, as many as one answer takes (kMaxAnswer) or the rest; empty at the end.
  // kNotFound: no such transfer.
  static constexpr size_t kMaxAnswer = 4 << 20;
  Result<std::string> Blocks(const std::string& transfer, uint64_t from);
  void End(const std::string& device);

 private:
  struct Transfer {
    std::string device;
    std::string release;
    onboarding::TransferKey key;
    onboarding::FirmwareTransfer shape;
  };
  struct Image;
  Result<std::shared_ptr<const Image>> Open(const std::string& release);
  std::string ImagePath(const std::string& id) const;
  Result<std::shared_ptr<const Transfer>> FindTransfer(const std::string& id);

  const std::string dir_;
  Records& records_;
  Random& random_;
  mutable std::mutex mutex_;
  std::map<std::string, Release> releases_;
  std::map<std::string, std::shared_ptr<const Image>> images_;
  std::map<std::string, std::shared_ptr<const Transfer>> transfers_;
  std::map<std::string, std::string> of_device_;  // device -> transfer id
};

}  // namespace keel::verifier
