// SPDX-License-Identifier: Apache-2.0
// DIDs, DID documents and did:peer: documents are written and read again; the wallet's did:peer is part of the host's.
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "device-wallet/core/peer_did.h"
#include "did/did.h"
#include "did/document.h"
#include "did/key_finder.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "did/resolver.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using keel::did::DidDocument;
  using keel::did::Relationship;
  const std::string_view text = keel::fuzz::Text(data, size);
  if (const auto document = DidDocument::Parse(text)) {
    for (const auto format : {keel::did::KeyFormat::kMultikey, keel::did::KeyFormat::kJsonWebKey}) {
      const std::string again = document->ToText(format);
      const auto back = DidDocument::Parse(again);
      FUZZ_CHECK(back.has_value());
      FUZZ_CHECK(back->ToText(format) == again);
      FUZZ_CHECK(back->All(Relationship::kAuthentication).size() ==
                 document->All(Relationship::kAuthentication).size());
    }
  }
  const auto peer = keel::did::ResolvePeer(text);
  if (const auto wallet = keel::wallet::ParsePeerDid(text)) {
    FUZZ_CHECK(peer.has_value());
    const auto keys = peer->All(Relationship::kKeyAgreement);
    FUZZ_CHECK(keys.size() == 1);
    FUZZ_CHECK(keel::base::Multikey(keys.front()->key) == keel::base::Multikey(wallet->agreement));
    FUZZ_CHECK(keys.front()->id == keel::wallet::AgreementKid(*wallet).view());
    const auto tokens = peer->All(Relationship::kAuthentication);
    FUZZ_CHECK(tokens.size() == (wallet->token.valid() ? 1u : 0u));
  }
  (void)keel::did::Did::Parse(text);
  (void)keel::did::DidUrl::Parse(text);
  (void)keel::did::SecretsFile::Parse(text);
  keel::did::StaticResolver documents;
  (void)documents.AddJson(text);
  if (text.starts_with("did:key:")) {
    keel::did::KeyMethod method;
    (void)method.Resolve(std::string(text));
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 8000; }
