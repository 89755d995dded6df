// SPDX-License-Identifier: Apache-2.0
#include "custody/package.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "custody/request.h"
#include "did/methods/keel.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"

namespace keel::custody {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "ownership package";
constexpr const char* kFileType = "keel-ownership-package";
constexpr const char* kMessageType = "https://keel-protocol.org/ownership/1.0/transfer";

// The own keys under the kids of the own document, whatever labels they have in the store.
void AddOwnKeys(Identity& identity, did::MapKeyFinder& keys) {
  keys.Add(identity.agree_kid(), {&identity.keys(), identity.agree()});
  keys.Add(identity.auth_kid(), {&identity.keys(), identity.auth()});
}

Result<> AddDocument(did::StaticResolver& resolver, const registry_client::VerifiedHistory& history) {
  KEEL_TRY(const did::ResolutionResult resolved, did::DocumentOfHistory(history));
  if (resolved.deactivated) return Fail(Code::kDeactivated, kWhere, history.did + " is deactivated");
  resolver.Add(*resolved.document);
  return {};
}

ByteArray<crypto::kXc20pNonce> NonceOf(uint64_t number) {
  ByteArray<crypto::kXc20pNonce> nonce{};
  ByteWriter(ByteSpan(nonce).subspan(16)).U64(number);
  return nonce;
}

constexpr std::string_view kAd = "keel-package/1\n";

// What a receiver needs of a record; the rest is the giver's business.
json ForReceiver(const DeviceRecord& record) {
  DeviceRecord copy = record;
  copy.state = DeviceState::kPending;
  copy.reliable_from = 0;
  copy.given_to.clear();
  copy.transfer.clear();
  copy.passed_on.reset();
  return ToJson(copy);
}

}  // namespace

Result<std::string> WritePackage(CustodyContext& context, const Package& package,
                                 const registry_client::VerifiedHistory& receiver) {
  SecretBytes<32> key;
  KEEL_TRY_VOID(context.random.Fill(key.MutableSecret()));
  json sealed = json::array();
  crypto::Sha256 digest;
  for (size_t i = 0; i < package.devices.size(); ++i) {
    const std::string text = base::DumpJson(ForReceiver(package.devices[i]));
    if (text.size() > kMaxPackageRecord)
      return Fail(Code::kTooLarge, kWhere, package.devices[i].serial + ": record over 512 KiB");
    base::ByteVec out(text.size() + crypto::kXc20pTag);
    KEEL_TRY_VOID(crypto::Xc20pEncrypt(key.ExposeSecret(), NonceOf(i), AsBytes(kAd), AsBytes(text), out));
    digest.Update(crypto::Sha256::Of(ByteView(out)));
    sealed.push_back(base::Base64Url(out));
  }
  KEEL_TRY(const UnixSeconds now, context.clock.Now());
  didcomm::Message message;
  message.id = didcomm::NewMessageId();
  message.type = kMessageType;
  message.from = context.identity.did();
  message.to = {receiver.did};
  message.created_time = now;
  message.body = base::DumpJson({{"v", 1},
                                 {"id", package.id},
                                 {"request", package.request},
                                 {"count", package.devices.size()},
                                 {"sha256", base::Base64Url(digest.Final())},
                                 {"key", base::Base64Url(key.ExposeSecret())},
                                 {"offline", package.offline}});
  did::StaticResolver resolver;
  KEEL_TRY(const auto own, HistoryOfOperations(context.identity.did(), package.operations));
  KEEL_TRY_VOID(AddDocument(resolver, own));
  if (receiver.did != own.did) KEEL_TRY_VOID(AddDocument(resolver, receiver));
  did::MapKeyFinder keys;
  AddOwnKeys(context.identity, keys);
  KEEL_TRY(const didcomm::Packed packed,
           didcomm::PackAuthcrypt(message, context.identity.did(), receiver.did, keys, resolver));
  const json file = {{"v", 1},
                     {"type", kFileType},
                     {"from", context.identity.did()},
                     {"operations", package.operations},
                     {"envelope", packed.text},
                     {"devices", std::move(sealed)}};
  return base::DumpJson(file) + "\n";
}

Result<Package> ReadPackage(CustodyContext& context, std::string_view text, bool offline) {
  base::JsonLimits limits;
  limits.max_size = kMaxPackage;
  limits.max_members = kMaxPackageDevices + 256;
  KEEL_TRY(const json file, base::ParseJson(text, limits));
  KEEL_TRY_VOID(base::OnlyMembers(file, {"v", "type", "from", "operations", "envelope", "devices"}));
  KEEL_TRY(const uint64_t version, base::GetUint(file, "v"));
  KEEL_TRY(const std::string type, base::GetString(file, "type"));
  if (type != kFileType)
    return Fail(Code::kMalformed, kWhere, "this file is no ownership package (type '" + type + "')");
  if (version != 1) return Fail(Code::kUnknownVersion, kWhere, "version " + std::to_string(version));
  Package package;
  KEEL_TRY(package.giver, base::GetString(file, "from"));
  KEEL_TRY(package.operations, base::GetStrings(file, "operations"));
  if (package.operations.size() > 64) return Fail(Code::kHistoryTooLong, kWhere, "the giver's operations");
  KEEL_TRY(registry_client::VerifiedHistory giver, HistoryOfOperations(package.giver, package.operations));
  if (!offline) {
    auto known = context.registry.ResolveDid(package.giver);
    if (known) {
      giver = std::move(*known);
    } else if (known.error().code != Code::kNotFound) {
      return std::unexpected<Error>(std::move(known.error()));
    }
  }
  did::StaticResolver resolver;
  KEEL_TRY_VOID(AddDocument(resolver, giver));
  KEEL_TRY(const auto own, HistoryOfOperations(context.identity.did(), context.identity.operations()));
  if (own.did != giver.did) KEEL_TRY_VOID(AddDocument(resolver, own));
  did::MapKeyFinder keys;
  AddOwnKeys(context.identity, keys);
  KEEL_TRY(const std::string envelope, base::GetString(file, "envelope"));
  didcomm::UnpackOptions options;
  options.require_encrypted = true;
  options.require_authenticated = true;
  KEEL_TRY(const didcomm::Unpacked unpacked, didcomm::Unpack(envelope, keys, resolver, options));
  if (unpacked.message.type != kMessageType)
    return Fail(Code::kMalformed, kWhere, "message of type " + unpacked.message.type);
  if (unpacked.message.from != package.giver)
    return Fail(Code::kWrongSender, kWhere,
                "the envelope is by " + unpacked.message.from + ", the file says " + package.giver);
  package.receiver = context.identity.did();
  KEEL_TRY(const json body, unpacked.message.ParseBody());
  KEEL_TRY(package.id, base::GetString(body, "id"));
  KEEL_TRY(package.request, base::GetString(body, "request"));
  KEEL_TRY(package.offline, base::GetBool(body, "offline"));
  KEEL_TRY(const uint64_t count, base::GetUint(body, "count"));
  KEEL_TRY(const Bytes32 wanted, base::GetFixed<32>(body, "sha256"));
  KEEL_TRY(const Bytes32 key, base::GetFixed<32>(body, "key"));
  KEEL_TRY(const std::vector<std::string> sealed, base::GetStrings(file, "devices"));
  if (sealed.size() != count || count > kMaxPackageDevices)
    return Fail(Code::kBadProof, kWhere,
                "holds " + std::to_string(sealed.size()) + " devices, its message says " + std::to_string(count));
  crypto::Sha256 digest;
  std::vector<base::ByteVec> octets;
  for (const std::string& one : sealed) {
    KEEL_TRY(base::ByteVec decoded, base::FromBase64Url(one));
    digest.Update(crypto::Sha256::Of(ByteView(decoded)));
    octets.push_back(std::move(decoded));
  }
  if (digest.Final() != wanted) return Fail(Code::kBadProof, kWhere, "a device's record was changed on the way");
  for (size_t i = 0; i < octets.size(); ++i) {
    if (octets[i].size() < crypto::kXc20pTag || octets[i].size() > kMaxPackageRecord + crypto::kXc20pTag)
      return Fail(Code::kTooLarge, kWhere, "record " + std::to_string(i));
    std::string plain(octets[i].size() - crypto::kXc20pTag, '\0');
    KEEL_TRY_VOID(crypto::Xc20pDecrypt(key, NonceOf(i), AsBytes(kAd), octets[i],
                                       ByteSpan(reinterpret_cast<uint8_t*>(plain.data()), plain.size())));
    KEEL_TRY(const json object, base::ParseJson(plain));
    KEEL_TRY(DeviceRecord record, RecordFromJson(object));
    package.devices.push_back(std::move(record));
  }
  return package;
}

}  // namespace keel::custody
