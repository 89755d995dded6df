// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "custody/chain.h"
#include "custody/package.h"
#include "custody/request.h"
#include "custody/store.h"
#include "custody/verbs.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "ledger/entry.h"
#include "ledger/link.h"
#include "ledger/seal.h"
#include "tests/system/mallory/mallory.h"
#include "vc/credential.h"
#include "vc/types.h"

namespace keel::mallory {
namespace {

using nlohmann::json;

Result<std::string> OwnershipPaper(custody::Identity& giver, const std::string& device, const std::string& owner,
                                   const std::string& how) {
  vc::OwnershipRequest request{giver.did(), device, how == "credential-of-another" ? giver.did() : owner,
                               base::NowSeconds(), ""};
  json credential = vc::OwnershipCredential(request);
  if (how == "expired-credential") {
    credential["validFrom"] = "2020-01-01T00:00:00Z";
    credential["validUntil"] = "2021-01-01T00:00:00Z";
  }
  crypto::KeyHandle key = giver.auth();
  if (how == "credential-by-another-key") {
    KEEL_TRY(key, giver.keys().Generate(crypto::KeyType::kEd25519));
  }
  return vc::IssueCredential(credential, giver.keys(), key, giver.auth_kid());
}

}  // namespace

Result<> Deactivate(const std::string& dir) {
  KEEL_TRY(const auto identity, custody::Identity::Open(dir, {}));
  base::SystemClock clock;
  const auto http = base::MakeBeastClient();
  KEEL_TRY(const auto registry,
           registry_client::RegistryClient::Create(identity->network_text(), *http, clock, crypto::SystemRandom()));
  KEEL_TRY(const auto history, registry->ResolveDid(identity->did()));
  KEEL_TRY(const std::string text, base::ReadFile(dir + "/identity.json"));
  KEEL_TRY(const json file, base::ParseJson(text));
  KEEL_TRY(const crypto::KeyHandle next, identity->keys().FindLabel(file["auth"]["next"].get<std::string>()));
  did::KeelUpdate update;
  update.by = {{&identity->keys(), next}};
  update.deactivate = true;
  KEEL_TRY(const did::KeelOperation operation, did::UpdateKeelDid(history, update));
  std::vector<uint8_t> entry(operation.jws.size() + 16);
  KEEL_TRY(const size_t length, ledger::WriteOperationEntry(operation.jws, entry));
  entry.resize(length);
  KEEL_TRY(const auto verdicts, registry->Submit({&entry, 1}));
  if (verdicts.size() != 1 || verdicts[0].code != Code::kOk)
    return Fail(Code::kRefused, "deactivate", verdicts.empty() ? "no verdict" : verdicts[0].detail);
  return {};
}

Result<> Sell(const std::string& giver_dir, const std::string& request_file, const std::string& serial,
              const std::string& how, const std::string& out_file) {
  KEEL_TRY(const auto identity, custody::Identity::Open(giver_dir, {}));
  KEEL_TRY(const auto store, custody::CustodyStore::Open(*identity));
  base::SystemClock clock;
  const auto http = base::MakeBeastClient();
  KEEL_TRY(const auto registry,
           registry_client::RegistryClient::Create(identity->network_text(), *http, clock, crypto::SystemRandom()));
  did::MethodResolver resolver;
  resolver.Add("keel", std::make_unique<did::KeelMethod>(*registry, registry->label()))
      .Add("key", std::make_unique<did::KeyMethod>());
  custody::CustodyContext context{*identity, *store, *registry, resolver, clock, crypto::SystemRandom(), {}};

  KEEL_TRY(const std::string text, base::ReadFile(request_file));
  KEEL_TRY(const custody::OwnershipRequest request, custody::ReadRequest(context, text, false));
  KEEL_TRY(custody::DeviceRecord record, store->FindSerial(serial));
  KEEL_TRY(record.credential, OwnershipPaper(*identity, record.did, request.did, how));

  const Bytes32 before = record.LastSeal();
  ledger::LinkRecord link;
  link.net = identity->net();
  link.device_tag = ledger::DeviceTag(record.did);
  link.i = record.k() + 1;
  link.prev = record.links.empty() ? before : ledger::LinkHash(record.links.back().link);
  link.seal = request.seals[0];
  link.cred = crypto::Sha256::Of(record.credential);
  custody::ChainLink last;
  last.link = base::ToBytes(ByteView(ledger::WriteLink(link)));
  const auto message = ledger::SpendMessage(link.net, before, ledger::LinkHash(last.link));
  if (how == "other-key") {
    KEEL_TRY(const auto own, store->MakeSeal());
    last.policy = own.policy;
    KEEL_TRY(last.sigs, store->SignSpend(own.seal, message));
  } else {
    KEEL_TRY(last.policy, store->SealPolicy(before));
    KEEL_TRY(last.sigs, store->SignSpend(before, message));
    if (how == "bad-signature") last.sigs.back() ^= 1;
  }
  record.links.push_back(std::move(last));

  custody::Package package;
  package.id = "mallory";
  package.request = request.id;
  package.operations = identity->operations();
  package.devices = {std::move(record)};
  KEEL_TRY(const std::string octets, custody::WritePackage(context, package, request.history));
  return base::WriteFileAtomic(out_file, octets);
}

}  // namespace keel::mallory
