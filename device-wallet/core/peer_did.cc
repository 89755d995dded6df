// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/peer_did.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;

constexpr std::string_view kPrefix = "did:peer:2";

bool CanAgree(const crypto::PublicKey& key) { return key.type() == KeyType::kX25519 || key.type() == KeyType::kP256; }
bool CanSign(const crypto::PublicKey& key) { return key.type() == KeyType::kEd25519 || key.type() == KeyType::kP256; }

Result<> AppendKey(PeerDid& peer, char purpose, const crypto::PublicKey& key) {
  char text[crypto::kMaxMultikeyText];
  KEEL_TRY(const size_t n, key.ToMultikey(text));
  const char mark[2] = {'.', purpose};
  if (!peer.did.Append({mark, 2}) || !peer.did.Append({text, n})) return Fail(Code::kTooLarge, "did:peer:2");
  return {};
}

}  // namespace

Result<PeerDid> MakePeerDid(const crypto::PublicKey& agreement, const crypto::PublicKey& token) {
  if (!agreement.valid() || !CanAgree(agreement)) return Fail(Code::kBadKey, "did:peer:2 E");
  if (token.valid() && !CanSign(token)) return Fail(Code::kBadKey, "did:peer:2 V");
  PeerDid peer;
  peer.agreement = agreement;
  peer.token = token;
  peer.did.Set(kPrefix);
  KEEL_TRY_VOID(AppendKey(peer, 'E', agreement));
  if (token.valid()) KEEL_TRY_VOID(AppendKey(peer, 'V', token));
  return peer;
}

Result<PeerDid> ParsePeerDid(std::string_view did) {
  if (did.size() > kMaxPeerDid) return Fail(Code::kTooLarge, "did:peer:2");
  if (!did.starts_with("did:peer:")) return Fail(Code::kMethodNotSupported, "did:peer:2");
  if (!did.starts_with(kPrefix)) return Fail(Code::kMethodNotSupported, "did:peer numalgo");
  PeerDid peer;
  peer.did.Set(did);
  std::string_view rest = Part(did, kPrefix.size());
  uint8_t number = 0;
  while (!rest.empty()) {
    if (rest.size() < 3 || rest[0] != '.') return Fail(Code::kInvalidDid, "did:peer:2");
    const char purpose = rest[1];
    rest = Part(rest, 2);
    size_t end = 0;
    while (end < rest.size() && rest[end] != '.') ++end;
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(Part(rest, 0, end)));
    rest = Part(rest, end);
    ++number;
    if (purpose == 'E' && !peer.agreement.valid() && CanAgree(key)) {
      peer.agreement = key;
      peer.agreement_number = number;
    } else if (purpose == 'V' && !peer.token.valid() && CanSign(key)) {
      peer.token = key;
      peer.token_number = number;
    } else {
      return Fail(Code::kInvalidDid, "did:peer:2 keys");
    }
  }
  if (!peer.agreement.valid()) return Fail(Code::kInvalidDid, "did:peer:2 without E");
  return peer;
}

FixedText<kMaxPeerKid> AgreementKid(const PeerDid& peer) {
  FixedText<kMaxPeerKid> kid;
  kid.Set(peer.did.view());
  kid.Append("#key-");
  kid.AppendUint(peer.agreement_number);
  return kid;
}

}  // namespace keel::wallet
