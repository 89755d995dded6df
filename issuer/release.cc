// SPDX-License-Identifier: Apache-2.0
// Firmware releases: the author's signature over a SUIT manifest (docs/formats/firmware-release.md).
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/suit.h"
#include "did/methods/key.h"
#include "issuer/internal/keys.h"
#include "issuer/issuer.h"
#include "onboarding/suit.h"

namespace keel::issuer {

using nlohmann::json;

namespace {
constexpr const char* kWhere = "firmware release";
constexpr size_t kMaxDeviceVersion = 47;  // KEEL_WALLET_VERSION_MAX without its zero
}  // namespace

Result<json> Issuer::Release(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"model", "version", "sequence", "sha256", "size"}));
  base::SuitManifest manifest;
  KEEL_TRY(manifest.model, base::GetString(args, "model"));
  KEEL_TRY(manifest.version, base::GetString(args, "version"));
  KEEL_TRY(manifest.image_digest, base::GetFixed<32>(args, "sha256"));
  KEEL_TRY(manifest.image_size, base::GetUint(args, "size"));
  KEEL_TRY(const auto wanted, base::GetOptionalUint(args, "sequence"));
  if (manifest.version.size() > kMaxDeviceVersion) return Fail(Code::kTooLarge, kWhere, "--version: at most 47 octets");
  if (manifest.image_size == 0) return Fail(Code::kUsage, kWhere, "the image is empty");
  if (manifest.model.find('\n') != std::string::npos) return Fail(Code::kUsage, kWhere, "--model");
  KEEL_TRY(const auto last, db_->Last("r/" + manifest.model + "\n"));
  uint64_t highest = 0;
  if (last) {
    KEEL_TRY(const json object, base::ParseJson(last->second));
    KEEL_TRY(highest, base::GetUint(object, "sequence"));
  }
  if (!wanted && !last) {
    // What the devices left the factory with is not known here, and a release that is not above it is offered to none.
    return Fail(Code::kUsage, kWhere,
                "the first release of " + manifest.model +
                    " needs --sequence: above the sequence of the image that its devices are made with (keel-device: "
                    "1, or what --firmware-sequence said); later ones take the newest + 1");
  }
  manifest.sequence = wanted.value_or(highest + 1);
  if (manifest.sequence == 0) return Fail(Code::kUsage, kWhere, "--sequence begins at 1");
  const std::string digest = base::Base64Url(manifest.image_digest);
  KEEL_TRY(const auto same, db_->Get(ReleaseKey(manifest.model, manifest.sequence)));
  if (same) {
    // One sequence number, one release: the same again is the same octets.
    KEEL_TRY(const json object, base::ParseJson(*same));
    KEEL_TRY(const std::string before, base::GetString(object, "imageSha256"));
    KEEL_TRY(const std::string version, base::GetString(object, "version"));
    if (before != digest || version != manifest.version)
      return Fail(Code::kConflict, kWhere,
                  "sequence " + std::to_string(manifest.sequence) + " of " + manifest.model + " is version " + version +
                      " already: take a higher --sequence");
    return object;
  }
  if (manifest.sequence <= highest)
    return Fail(Code::kRollback, kWhere,
                "sequence " + std::to_string(manifest.sequence) + " is not above " + std::to_string(highest) +
                    ", the newest of " + manifest.model + ": devices would refuse it");
  manifest.vendor_id = base::SuitVendorId(options_.vendor);
  manifest.class_id = base::SuitClassId(manifest.vendor_id, manifest.model);
  KEEL_TRY(const crypto::KeyHandle author, identity_->keys().FindLabel(kAuthorLabel));
  KEEL_TRY(const crypto::PublicKey author_key, identity_->keys().Public(author));
  KEEL_TRY(const base::ByteVec envelope,
           base::WriteSuitEnvelope(manifest, [&](ByteView message) -> Result<base::ByteVec> {
             base::ByteVec signature(64);
             KEEL_TRY(const size_t length, identity_->keys().Sign(author, message, signature));
             signature.resize(length);
             return signature;
           }));
  KEEL_TRY(const onboarding::SuitManifest read, onboarding::ReadSuitEnvelope(envelope));
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  const json release = {{"v", 1},
                        {"model", manifest.model},
                        {"version", manifest.version},
                        {"sequence", manifest.sequence},
                        {"vendorId", base::Base64Url(manifest.vendor_id)},
                        {"classId", base::Base64Url(manifest.class_id)},
                        {"imageSha256", digest},
                        {"imageSize", manifest.image_size},
                        {"manifestSha256", base::Base64Url(read.manifest_digest)},
                        {"author", base::Multikey(author_key)},
                        {"authorDid", did::DidKey(author_key)},
                        {"issuer", did()},
                        {"created", base::Rfc3339(now)},
                        {"manifest", base::Base64Url(envelope)}};
  base::WriteBatch batch;
  batch.Put(ReleaseKey(manifest.model, manifest.sequence), base::DumpJson(release));
  KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
  return release;
}

}  // namespace keel::issuer
