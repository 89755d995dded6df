// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ledger/pack.h"
#include "tests/fakes/ledger_world.h"

// The fixed device, chain and owner whose pack is fuzzed: seeds and target must mean the same.
namespace keel::fuzz {

struct PackWorld {
  PackWorld() {
    world.Fill(3);
    owner = world.CreateIdentity();
    world.Rotate(owner);
    fakes::SealKeyPair root = world.MakeSeal();
    base = ledger::ChainBase::Root(root.seal);
    end = base;
    fakes::SealKeyPair last = root;
    for (int i = 0; i < 2; ++i) {
      const fakes::SealKeyPair next = world.MakeSeal();
      fakes::ChainLink link = world.MakeLink(device, end, last, next, "credential " + std::to_string(i));
      world.AnchorSpend(link);
      end = fakes::LedgerWorld::After(end, link);
      links.push_back(link);
      last = next;
    }
    world.Commit(kTime);
    items = world.PackItems(links, last.seal, owner);
  }
  // Judges a pack of these items as a device would.
  Result<ledger::PackResult> Judge(ByteView all) const {
    SecretBytes<32> key;
    key.MutableSecret()[0] = 7;
    std::vector<uint8_t> sealed(ledger::SealedPackSize(all.size()));
    KEEL_TRY(const ledger::PackInfo info, ledger::SealPack(all, key, sealed));
    ledger::PackExpectation expect;
    expect.members = &world.members_set;
    expect.device_tag = ledger::DeviceTag(device);
    expect.base = base;
    expect.owner = owner.did;
    expect.owner_key = owner.auth_hash;
    expect.cred = end.cred;
    expect.freshness = {1, kTime + 5, 300};
    expect.length = info.length;
    expect.sha256 = info.sha256;
    ledger::PackVerifier verifier;
    KEEL_TRY_VOID(verifier.Start(expect, key));
    for (size_t at = 0; at + 2 <= info.octets;) {
      const size_t length = static_cast<size_t>(sealed[at] << 8 | sealed[at + 1]);
      KEEL_TRY_VOID(verifier.Record(ByteSpan(sealed).subspan(at + 2, length)));
      at += 2 + length;
    }
    return verifier.Finish();
  }

  static constexpr UnixSeconds kTime = 1'790'000'000;
  const std::string device = "did:keel:demo:zQmdeviceofthefuzzerxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  fakes::LedgerWorld world{4, "fuzz pack"};
  fakes::Identity owner;
  ledger::ChainBase base, end;
  std::vector<fakes::ChainLink> links;
  std::vector<fakes::Octets> items;
};

}  // namespace keel::fuzz
