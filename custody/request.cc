// SPDX-License-Identifier: Apache-2.0
#include "custody/request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "did/methods/keel.h"
#include "ledger/history.h"
#include "ledger/link.h"
#include "registry-client/registry_client.h"

namespace keel::custody {
namespace {

using nlohmann::json;
constexpr const char* kTyp = "keel-ownership-request+jwt";
constexpr const char* kWhere = "ownership request";

std::string Key(const std::string& id) { return "r/" + id; }

Result<Bytes32> SealOfSeed(const SecretBytes<32>& seed) {
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicFromPrivate(crypto::KeyType::kEd25519, seed.ExposeSecret()));
  ByteArray<ledger::kMaxPolicy> policy{};
  KEEL_TRY(const size_t length, ledger::WritePolicy(1, {&key, 1}, policy));
  return ledger::SealOf(ByteView(policy).first(length));
}

Result<json> Load(CustodyStore& store, const std::string& id) {
  KEEL_TRY(const auto text, store.raw().Get(Key(id)));
  if (!text)
    return Fail(Code::kNotFound, kWhere,
                "request " + id +
                    " wasn't made here: this package answers somebody else's request, or one whose seals are all used");
  return base::ParseJson(*text);
}

}  // namespace

Result<std::string> MakeRequest(CustodyContext& context, uint64_t count) {
  if (count == 0 || count > kMaxRequestSeals)
    return Fail(Code::kUsage, kWhere, "a request is for 1 to " + std::to_string(kMaxRequestSeals) + " devices");
  Identity& identity = context.identity;
  ByteArray<16> id_octets{};
  KEEL_TRY_VOID(context.random.Fill(id_octets));
  const std::string id = base::Base64Url(id_octets);
  SecretBytes<32> seed;
  KEEL_TRY_VOID(context.random.Fill(seed.MutableSecret()));
  json seals = json::array();
  for (uint64_t i = 0; i < count; ++i) {
    KEEL_TRY(const auto key, ledger::SealKeySeedForRequest(seed, identity.net(), static_cast<uint32_t>(i), 0));
    KEEL_TRY(const Bytes32 seal, SealOfSeed(key));
    seals.push_back(base::Base64Url(seal));
  }
  KEEL_TRY(const UnixSeconds now, context.clock.Now());
  const json payload = {{"v", 1},
                        {"op", "ownership-request"},
                        {"id", id},
                        {"net", base::Base64Url(identity.net())},
                        {"did", identity.did()},
                        {"create", identity.create_operation()},
                        {"iat", now},
                        {"seals", std::move(seals)}};
  KEEL_TRY(std::string jws, did::SignJws({{"kid", identity.auth_kid()}, {"typ", kTyp}}, base::DumpJson(payload),
                                         identity.keys(), identity.auth()));
  KEEL_TRY(const std::string sealed, context.store.Wrap(Key(id), seed.ExposeSecret()));
  base::WriteBatch batch;
  batch.Put(Key(id),
            base::DumpJson({{"v", 1}, {"seed", sealed}, {"count", count}, {"created", now}, {"used", json::array()}}));
  KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  return jws;
}

Result<registry_client::VerifiedHistory> HistoryOfOperations(const std::string& did,
                                                             const std::vector<std::string>& operations) {
  registry_client::VerifiedHistory history;
  history.did = did;
  ledger::DidHistory replay;
  KEEL_TRY_VOID(replay.Start(did));
  // Where they were anchored isn't known here: rising numbers, each above any log index that a rotation after a
  // compromise may name.
  constexpr uint64_t kStep = 1ull << 40;
  uint64_t index = 0;
  for (const std::string& jws : operations) {
    KEEL_TRY_VOID(replay.Apply(index += kStep, AsBytes(jws)));
    history.operations.push_back({index, base::ToBytes(jws)});
  }
  if (operations.empty()) return Fail(Code::kInvalidDid, "operations", "no create operation");
  history.head = replay.head();
  history.deactivated = replay.deactivated();
  return history;
}

Result<OwnershipRequest> ReadRequest(CustodyContext& context, std::string_view text, bool offline) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(text));
  if (jws.typ != kTyp)
    return Fail(Code::kMalformed, kWhere, "this file is no ownership request (typ '" + jws.typ + "')");
  base::JsonLimits limits;
  limits.max_members = kMaxRequestSeals + 64;
  KEEL_TRY(const json payload, base::ParseJson(jws.payload, limits));
  KEEL_TRY_VOID(base::OnlyMembers(payload, {"v", "op", "id", "net", "did", "create", "iat", "seals"}));
  KEEL_TRY(const uint64_t version, base::GetUint(payload, "v"));
  KEEL_TRY(const std::string op, base::GetString(payload, "op"));
  if (version != 1 || op != "ownership-request")
    return Fail(Code::kUnknownVersion, kWhere, op + " version " + std::to_string(version));
  KEEL_TRY(const Bytes32 net, base::GetFixed<32>(payload, "net"));
  if (net != context.identity.net())
    return Fail(Code::kWrongNetwork, kWhere,
                "the request is of another registry network: both sides need the same net.keel");
  OwnershipRequest request;
  KEEL_TRY([[maybe_unused]] const ByteArray<16> id, base::GetFixed<16>(payload, "id"));
  KEEL_TRY(request.id, base::GetString(payload, "id"));
  KEEL_TRY(request.did, base::GetString(payload, "did"));
  KEEL_TRY(request.create, base::GetString(payload, "create"));
  KEEL_TRY(request.created, base::GetUint(payload, "iat"));
  KEEL_TRY(const std::vector<std::string> seals, base::GetStrings(payload, "seals"));
  if (seals.empty() || seals.size() > kMaxRequestSeals) return Fail(Code::kOutOfRange, kWhere, "number of seals");
  for (const std::string& seal : seals) {
    KEEL_TRY(const Bytes32 octets, base::FixedFromBase64Url<32>(seal));
    request.seals.push_back(octets);
  }
  std::vector<Bytes32> sorted = request.seals;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return Fail(Code::kDuplicate, kWhere, "the same seal twice");
  // The create operation must be this DID's, whatever the registry says.
  KEEL_TRY(request.history, HistoryOfOperations(request.did, {request.create}));
  if (!offline) {
    auto known = context.registry.ResolveDid(request.did);
    if (known) {
      request.history = std::move(*known);
      request.anchored = true;
    } else if (known.error().code != Code::kNotFound) {
      return std::unexpected<Error>(std::move(known.error()));
    }
  }
  KEEL_TRY(const did::ResolutionResult resolved, did::DocumentOfHistory(request.history));
  if (resolved.deactivated) return Fail(Code::kDeactivated, kWhere, request.did + " is deactivated");
  if (did::DidOf(jws.kid) != request.did) return Fail(Code::kUntrusted, kWhere, "signed by a key of another DID");
  const did::VerificationMethod* method = resolved.document->FindFor(did::Relationship::kAssertionMethod, jws.kid);
  if (method == nullptr)
    return Fail(Code::kUntrusted, kWhere, jws.kid + " is no current assertion key of the receiver");
  KEEL_TRY(const bool good, did::VerifyJws(jws, method->key));
  if (!good) return Fail(Code::kBadSignature, kWhere, "the receiver's signature doesn't verify");
  return request;
}

Result<OwnRequest> FindOwnRequest(CustodyStore& store, const std::string& id) {
  KEEL_TRY(const json object, Load(store, id));
  OwnRequest own;
  KEEL_TRY(own.count, base::GetUint(object, "count"));
  KEEL_TRY(const json* used, base::GetArray(object, "used"));
  for (const json& position : *used)
    if (position.is_number_unsigned()) own.used.push_back(position.get<uint64_t>());
  return own;
}

Result<std::vector<RequestSeal>> RequestSeals(CustodyStore& store, const std::string& id) {
  KEEL_TRY(const json object, Load(store, id));
  KEEL_TRY(const std::string sealed, base::GetString(object, "seed"));
  KEEL_TRY(const uint64_t count, base::GetUint(object, "count"));
  KEEL_TRY(const SecretBytes<32> seed, store.Unwrap32(Key(id), sealed));
  std::vector<RequestSeal> out;
  for (uint64_t i = 0; i < count; ++i) {
    RequestSeal made;
    KEEL_TRY(made.seed, ledger::SealKeySeedForRequest(seed, store.identity().net(), static_cast<uint32_t>(i), 0));
    KEEL_TRY(made.seal, SealOfSeed(made.seed));
    out.push_back(std::move(made));
  }
  return out;
}

Result<> MarkUsed(CustodyStore& store, const std::string& id, const std::vector<uint64_t>& positions,
                  base::WriteBatch& batch) {
  KEEL_TRY(json object, Load(store, id));
  KEEL_TRY(const OwnRequest own, FindOwnRequest(store, id));
  std::vector<uint64_t> used = own.used;
  used.insert(used.end(), positions.begin(), positions.end());
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
  if (used.size() >= own.count) {
    batch.Delete(Key(id));  // each device's own key is stored by itself; the seed has done its work
  } else {
    object["used"] = used;
    batch.Put(Key(id), base::DumpJson(object));
  }
  return {};
}

}  // namespace keel::custody
