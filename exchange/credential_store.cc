// SPDX-License-Identifier: Apache-2.0
#include "exchange/credential_store.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "exchange/formats.h"

namespace keel::exchange {
namespace {

using nlohmann::json;

std::string Write(const Held& held) {
  json value = {{"jwt", held.jwt},     {"id", held.id},         {"issuer", held.issuer},    {"subject", held.subject},
                {"types", held.types}, {"thread", held.thread}, {"received", held.received}};
  if (held.valid_until) value["valid_until"] = *held.valid_until;
  return base::DumpJson(value);
}

Result<Held> Parse(std::string_view text) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = 4 << 20}));
  Held held;
  KEEL_TRY(held.jwt, base::GetString(value, "jwt"));
  KEEL_TRY(held.id, base::GetString(value, "id"));
  KEEL_TRY(held.issuer, base::GetString(value, "issuer"));
  KEEL_TRY(held.subject, base::GetString(value, "subject"));
  KEEL_TRY(held.types, base::GetStrings(value, "types"));
  KEEL_TRY(held.thread, base::GetString(value, "thread"));
  KEEL_TRY(held.received, base::GetUint(value, "received"));
  KEEL_TRY(held.valid_until, base::GetOptionalUint(value, "valid_until"));
  return held;
}

}  // namespace

std::string CredentialStore::Key(const std::string& jwt) const {
  return prefix_ + base::Hex(crypto::Sha256().Update(jwt).Final());
}

Result<> CredentialStore::Put(const Held& held, const std::string& replaces) {
  base::WriteBatch batch;
  if (!replaces.empty()) {
    KEEL_TRY(const std::vector<Held> all, List());
    for (const Held& old : all) {
      if (old.thread == replaces && old.issuer == held.issuer) batch.Delete(Key(old.jwt));
    }
  }
  batch.Put(Key(held.jwt), Write(held));
  return store_.Write(batch, base::Sync::kYes);
}

Result<std::vector<Held>> CredentialStore::List() const {
  std::vector<Held> all;
  std::optional<Error> bad;
  KEEL_TRY_VOID(store_.Scan(prefix_, [&](std::string_view, std::string_view value) {
    auto held = Parse(value);
    if (!held) {
      bad = Fail(Code::kCorrupt, "credential store", held.error().Text()).error();
      return false;
    }
    all.push_back(std::move(*held));
    return true;
  }));
  if (bad) return std::unexpected<Error>(std::move(*bad));
  return all;
}

Result<std::vector<Held>> CredentialStore::Find(const std::vector<std::string>& types,
                                                const std::vector<std::string>& issuers, const std::string& subject,
                                                UnixSeconds now) const {
  KEEL_TRY(std::vector<Held> all, List());
  std::erase_if(all, [&](const Held& held) {
    const bool by = issuers.empty() || std::find(issuers.begin(), issuers.end(), held.issuer) != issuers.end();
    const bool over = held.valid_until && !NotAfterOk(*held.valid_until, now);
    return over || !by || held.subject != subject || !HasAll(held.types, types);
  });
  return all;
}

Result<> CredentialStore::Remove(const std::string& jwt) {
  KEEL_TRY(const std::optional<std::string> there, store_.Get(Key(jwt)));
  if (!there) return Fail(Code::kNotFound, "credential store", "no such credential");
  base::WriteBatch batch;
  batch.Delete(Key(jwt));
  return store_.Write(batch, base::Sync::kYes);
}

}  // namespace keel::exchange
