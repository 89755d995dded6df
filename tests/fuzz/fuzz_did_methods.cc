// SPDX-License-Identifier: Apache-2.0
// did:jwk, did:peer:4, did:web documents and DID URLs. The first octet picks the reader, so that one corpus serves all;
// what was read must be what was meant: written again it is the same, and no URL leads elsewhere than its DID says.
#include <nlohmann/json.hpp>

#include "crypto/signature.h"
#include "did/did.h"
#include "did/internal/long_base58.h"
#include "did/methods/jwk.h"
#include "did/methods/key.h"
#include "did/methods/peer4.h"
#include "did/methods/web.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace keel;
using namespace keel::did;

// Signs or agrees, never both for the keys that can't.
void CheckUses(const DidDocument& document) {
  for (const VerificationMethod& method : document.methods) {
    if (!method.key.valid()) continue;
    if (document.FindFor(Relationship::kKeyAgreement, method.id) != nullptr)
      FUZZ_CHECK(method.key.type() != crypto::KeyType::kEd25519);
    if (document.FindFor(Relationship::kAuthentication, method.id) != nullptr)
      FUZZ_CHECK(method.key.type() != crypto::KeyType::kX25519);
  }
}

void Jwk(std::string_view text) {
  const std::string did = text.starts_with("did:") ? std::string(text) : "did:jwk:" + base::Base64Url(AsBytes(text));
  const auto document = ResolveJwk(did);
  if (!document) return;
  FUZZ_CHECK(document->id == did);
  FUZZ_CHECK(document->methods.size() == 1 && document->methods[0].id == did + "#0");
  const VerificationMethod& method = document->methods[0];
  FUZZ_CHECK(method.key.valid() && method.uses != 0);
  CheckUses(*document);
  // Ours of that key is read back as that key.
  const auto again = DidJwk(method.key);
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(ResolveJwk(*again)->methods.at(0).key == method.key);
}

void Peer4Text(std::string_view text) {
  if (text.starts_with("did:")) {
    const auto document = ResolvePeer4(text);
    if (!document) return;
    const auto short_form = Peer4ShortForm(text);
    FUZZ_CHECK(short_form.has_value() && text.starts_with(*short_form + ":"));
    const auto as_short = ResolvePeer4(text, true);
    FUZZ_CHECK(as_short.has_value() && as_short->id == *short_form);
    FUZZ_CHECK(as_short->methods.size() == document->methods.size());
    CheckUses(*document);
    return;
  }
  const auto made = CreatePeer4(text);
  if (!made) return;
  const auto document = ResolvePeer4(made->long_form);
  FUZZ_CHECK(document.has_value() && document->id == made->long_form);
  const auto octets = internal::FromLongBase58(std::string_view(made->long_form).substr(made->short_form.size() + 2));
  FUZZ_CHECK(octets.has_value() && AsText(*octets).substr(2) == text);
  CheckUses(*document);
}

void Web(std::string_view text) {
  const size_t line = text.find('\n');
  const std::string_view did = text.substr(0, line);
  const auto url = WebUrl(did);
  if (url) {
    FUZZ_CHECK(url->starts_with("https://") && url->ends_with("/did.json"));
    const std::string_view rest = std::string_view(*url).substr(8);
    const std::string_view host = rest.substr(0, rest.find('/'));
    FUZZ_CHECK(host.find_first_of("@\\?#[] %") == std::string_view::npos);
    FUZZ_CHECK(rest.find("//") == std::string_view::npos && rest.find("/../") == std::string_view::npos);
    FUZZ_CHECK(did.substr(8).starts_with(host.substr(0, host.find(':'))));
  }
  if (line == std::string_view::npos) return;
  const auto document = ReadWebDocument(did, text.substr(line + 1));
  if (!document) return;
  FUZZ_CHECK(document->id == did);
  CheckUses(*document);
}

void Urls(std::string_view text) {
  const auto url = DidUrl::Parse(text);
  if (url) {
    FUZZ_CHECK(Did::Parse(url->did).has_value());
    std::string again = url->did + url->path;
    if (text.find('?') < text.find('#')) again += "?" + url->query;
    if (text.find('#') != std::string_view::npos) again += "#" + url->fragment;
    FUZZ_CHECK(again == text);
    FUZZ_CHECK(DidOf(text) == url->did && FragmentOf(text) == url->fragment);
  }
  if (IsDid(text)) FUZZ_CHECK(url.has_value() && url->did == text);
  KeyMethod method;
  if (text.starts_with("did:key:")) {
    const auto resolved = method.Resolve(std::string(text));
    if (resolved) FUZZ_CHECK(DidKey(resolved->document->methods.at(0).key) == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool ready = (crypto::SetUpHostedCrypto(), true);
  if (!ready || size == 0) return 0;
  const std::string_view text = fuzz::Text(data + 1, size - 1);
  switch (data[0]) {
    case 'j': Jwk(text); break;
    case 'p': Peer4Text(text); break;
    case 'w': Web(text); break;
    default: Urls(text); break;
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 8000; }
