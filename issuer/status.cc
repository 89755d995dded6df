// SPDX-License-Identifier: Apache-2.0
// The issuer's status list: one Bitstring Status List, each version anchored before it is served
// (docs/formats/custody.md).
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "did/jose.h"
#include "issuer/internal/keys.h"
#include "issuer/issuer.h"
#include "ledger/entry.h"
#include "vc/credential.h"
#include "vc/status_list/bitstring.h"
#include "vc/status_list/status_list.h"

namespace keel::issuer {

using nlohmann::json;

constexpr size_t kMaxList = 40 << 20;  // octets of a list credential: 16 MiB of bits that don't compress

namespace {

// The bits of a list credential that we signed.
Result<vc::Bitstring> BitsOf(std::string_view jwt) {
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(jwt, kMaxList));
  KEEL_TRY(const vc::Credential credential, vc::Credential::Parse(jws.payload, kMaxList));
  KEEL_TRY(vc::StatusList list, vc::ReadStatusList(credential));
  return std::move(list.list);
}

}  // namespace

Result<> Issuer::LoadStatus() {
  KEEL_TRY(const auto text, db_->Get(kStatusKey));
  KEEL_TRY(vc::Bitstring bits, vc::Bitstring::Create());
  std::string jwt, url;
  if (text) {
    KEEL_TRY(const json object, base::ParseJson(*text, {.max_size = 2 * kMaxList}));
    KEEL_TRY(status_version_, base::GetUint(object, "version"));
    KEEL_TRY(status_until_, base::GetUint(object, "until"));
    KEEL_TRY(jwt, base::GetString(object, "jwt"));
    KEEL_TRY(url, base::GetString(object, "url"));
    KEEL_TRY(bits, BitsOf(jwt));
  }
  KEEL_TRY(StatusBook book, StatusBook::Load(*db_, bits, options_.status_entries));
  status_ = std::move(book);
  if (!text) return {};
  if (url != StatusUrl()) {
    base::LogWarn("issuer.status_url", {{"was", url}, {"is", StatusUrl()}});
    return {};  // under another URL it is another list: RefreshStatus publishes it
  }
  const std::lock_guard lock(status_mutex_);
  status_jwt_ = std::make_shared<const std::string>(std::move(jwt));
  return {};
}

std::shared_ptr<const std::string> Issuer::StatusList() const {
  const std::lock_guard lock(status_mutex_);
  return status_jwt_;
}

// Signs the next version, keeps it, anchors it, serves it. After a crash in between, the version number is used again
// by the next call if the ledger doesn't have it, else the next one.
Result<> Issuer::PublishStatus() {
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  uint64_t version = status_version_ + 1;
  const auto anchored = registry_->GetStatusVersion(did(), StatusUrl());
  if (anchored) {
    version = std::max(version, anchored->version + 1);
  } else if (anchored.error().code != Code::kNotFound) {
    return std::unexpected<Error>(anchored.error());
  }
  KEEL_TRY(std::string encoded, status_->Encode());
  vc::StatusListRequest request;
  request.issuer = did();
  request.url = StatusUrl();
  request.version = version;
  request.valid_from = now;
  request.valid_until = now + options_.status_valid_seconds;
  request.ttl_ms = kStatusTtlMs;
  KEEL_TRY(const json credential, vc::StatusListCredential(request, std::move(encoded)));
  KEEL_TRY(std::string jwt,
           vc::IssueCredential(credential, identity_->keys(), identity_->auth(), identity_->auth_kid()));

  ledger::StatusPayload payload;
  const std::string url = StatusUrl();
  payload.id = url;
  payload.version = version;
  payload.digest = crypto::Sha256::Of(jwt);
  std::string text(1024, '\0');
  KEEL_TRY(const size_t text_length, ledger::WriteStatusPayload(payload, std::span<char>(text.data(), text.size())));
  KEEL_TRY(const uint64_t index,
           SubmitStatement(ledger::EntryType::kStatus, std::string_view(text).substr(0, text_length)));

  base::WriteBatch batch;
  batch.Put(kStatusKey,
            base::DumpJson({{"version", version}, {"until", request.valid_until}, {"jwt", jwt}, {"url", StatusUrl()}}));
  KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
  status_version_ = version;
  status_until_ = request.valid_until;
  status_->Published();
  base::LogInfo("issuer.status_list", {{"version", std::to_string(version)}, {"index", std::to_string(index)}});
  const std::lock_guard lock(status_mutex_);
  status_jwt_ = std::make_shared<const std::string>(std::move(jwt));
  return {};
}

Result<> Issuer::RefreshStatus() {
  const std::lock_guard lock(mutex_);
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  if (!status_->changed() && StatusList() && now + options_.status_valid_seconds / 2 < status_until_) return {};
  return PublishStatus();
}

Result<json> Issuer::Revoke(const json& args) {
  std::string serial;
  uint64_t index = 0;
  {
    const std::lock_guard lock(mutex_);
    KEEL_TRY_VOID(base::OnlyMembers(args, {"device", "reason"}));
    KEEL_TRY(const std::string device, base::GetString(args, "device"));
    KEEL_TRY(const auto reason, base::GetOptionalString(args, "reason"));
    KEEL_TRY(Row row, FindRow(device));
    if (row.jwt.empty()) return Fail(Code::kWrongState, "revoke", row.serial() + " has no credential yet");
    row.revoked = true;
    row.revoke_reason = reason.value_or("");
    serial = row.serial();
    index = row.status_index;
    base::WriteBatch batch;
    PutRow(batch, row);
    batch.Put("x/" + std::to_string(index), serial);  // decided: published now, or by the next refresh
    const std::string prefix = SingleUsePrefix(serial);
    std::vector<uint64_t> places = {index};
    KEEL_TRY_VOID(db_->Scan(prefix, [&](std::string_view key, std::string_view) {
      uint64_t place = 0;
      for (const char c : key.substr(prefix.size())) place = place * 10 + static_cast<uint64_t>(c - '0');
      places.push_back(place);
      batch.Put("x/" + std::to_string(place), serial);
      return true;
    }));
    KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
    for (const uint64_t place : places) KEEL_TRY_VOID(status_->Revoke(place));
  }
  KEEL_TRY_VOID(RefreshStatus());
  const std::lock_guard lock(mutex_);
  return json{{"serial", serial}, {"index", index}, {"status_list", StatusUrl()}, {"version", status_version_}};
}

}  // namespace keel::issuer
