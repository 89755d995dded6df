// SPDX-License-Identifier: Apache-2.0
#include "registry-node/accounts.h"

#include <charconv>

#include "base/encoding.h"
#include "crypto/signature.h"
#include "registry-client/wire.h"

namespace keel::registry {
namespace {

std::string AccountKey(const std::string& id) { return "a" + id; }

std::string AddressOf(const std::string& peer) {
  const size_t colon = peer.rfind(':');
  return "addr:" + (colon == std::string::npos ? peer : peer.substr(0, colon));
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::Open(base::KeyValueStore& store, const Node& node, Clock& clock,
                                                 AccessPolicy policy) {
  std::unique_ptr<Accounts> out(new Accounts(store, node, clock, policy));
  bool bad = false;
  KEEL_TRY_VOID(store.Scan("a", [&](std::string_view key, std::string_view value) {
    ByteReader r(AsBytes(value));
    Grant grant;
    const uint8_t flags = r.U8();
    grant.create = (flags & 1) != 0;
    grant.publish = (flags & 2) != 0;
    grant.spends_per_hour = r.U64();
    grant.note = std::string(AsText(r.Take(r.left())));
    bad = bad || !r.done();
    out->grants_[std::string(key.substr(1))] = grant;
    return true;
  }));
  if (bad) return Fail(Code::kCorrupt, "accounts", "a record is short");
  return out;
}

Result<> Accounts::Add(const std::string& id, const Grant& grant) {
  if (id.starts_with("key:")) {
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(std::string_view(id).substr(4)));
    KEEL_TRY_VOID(crypto::AlgorithmFor(key.type()));
  } else {
    KEEL_TRY_VOID(ledger::ParseDidOf(id, node_.label()));
  }
  std::string value(9, '\0');
  value[0] = static_cast<char>((grant.create ? 1 : 0) | (grant.publish ? 2 : 0));
  for (size_t i = 0; i < 8; ++i) value[1 + i] = static_cast<char>(grant.spends_per_hour >> (56 - 8 * i));
  value += grant.note;
  base::WriteBatch batch;
  batch.Put(AccountKey(id), value);
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  std::lock_guard lock(mutex_);
  grants_[id] = grant;
  return {};
}

Result<> Accounts::Remove(const std::string& id) {
  base::WriteBatch batch;
  batch.Delete(AccountKey(id));
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  std::lock_guard lock(mutex_);
  if (grants_.erase(id) == 0) return Fail(Code::kNotFound, "account", id + " is not registered");
  return {};
}

std::map<std::string, Grant> Accounts::List() const {
  std::lock_guard lock(mutex_);
  return grants_;
}

Result<Access> Accounts::Identify(const base::HttpRequest& request) const {
  Access access;
  const std::string id(request.Header(registry_client::kAccountHeader));
  if (id.empty()) {
    access.client = AddressOf(request.peer);
    access.spends_per_hour = policy_.address_spends;
    return access;
  }
  const std::string_view time_text = request.Header(registry_client::kTimeHeader);
  const std::string_view signature_text = request.Header(registry_client::kSignatureHeader);
  if (time_text.empty() || signature_text.empty())
    return Fail(Code::kMissing, "account", "Keel-Time and Keel-Signature belong to Keel-Account");
  UnixSeconds time = 0;
  const auto parsed = std::from_chars(time_text.data(), time_text.data() + time_text.size(), time);
  if (parsed.ec != std::errc() || parsed.ptr != time_text.data() + time_text.size())
    return Fail(Code::kMalformed, "account", "Keel-Time");
  KEEL_TRY(const base::ByteVec signature, base::FromBase64Url(signature_text));
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  if ((time > now ? time - now : now - time) > registry_client::kRequestSkew) {
    return Fail(Code::kExpired, "account",
                "the request was signed at " + base::Rfc3339(time) + ", it is " + base::Rfc3339(now) +
                    " here: check the clocks");
  }

  std::optional<Grant> grant;
  {
    std::lock_guard lock(mutex_);
    if (const auto it = grants_.find(id); it != grants_.end()) grant = it->second;
  }
  std::vector<crypto::PublicKey> keys;
  bool sponsor = false;
  if (id.starts_with("key:")) {
    if (!grant)
      return Fail(Code::kUntrusted, "account",
                  id + " is not registered: the operator adds it with 'keel-registry account add'");
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(std::string_view(id).substr(4)));
    keys.push_back(key);
  } else {
    const auto view = node_.view();
    if (!view) return Fail(Code::kUnavailable, "account", "no state to look it up in");
    KEEL_TRY(keys, ReadCurrentKeys(view->Reader(), node_.label(), id, ledger::kUseAuthentication));
    KEEL_TRY(const auto more, ReadCurrentKeys(view->Reader(), node_.label(), id, ledger::kUseAssertion));
    keys.insert(keys.end(), more.begin(), more.end());
    KEEL_TRY(const auto record, ReadSponsor(view->Reader(), id));
    sponsor = record && record->ActiveAt(now);
  }
  const auto message =
      registry_client::RequestToSign(node_.net(), request.method, request.target, AsBytes(request.body), time);
  bool good = false;
  for (const crypto::PublicKey& key : keys) {
    const auto verdict = crypto::Verify(key, message, signature);
    good = good || (verdict && *verdict);
    if (good) break;
  }
  if (!good) return Fail(Code::kBadSignature, "account", "Keel-Signature is by no current key of " + id);
  access.client = id;
  access.account = true;
  access.create = grant && grant->create;
  access.publish = grant ? grant->publish : sponsor || policy_.any_did_publishes;
  access.spends_per_hour = grant ? grant->spends_per_hour : policy_.account_spends;
  access.publishes_per_hour = policy_.account_publishes;
  return access;
}

}  // namespace keel::registry
