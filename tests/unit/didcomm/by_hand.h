// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hosted/aes_gcm.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "tests/unit/didcomm/people.h"

// Envelopes made by hand from the primitives, so that a test can break any one rule and keep all the others, the
// cryptography included. A second way to the same octets: didcomm/jwe.cc is not used here.
namespace keel::didcomm {

struct ByHand {
  std::vector<Recipient> recipients;
  const Person* sender = nullptr;  // null: anoncrypt
  std::string enc = "A256CBC-HS512";
};

inline std::string ApvText(const std::vector<Recipient>& recipients) {
  std::vector<std::string> kids;
  for (const Recipient& each : recipients) kids.push_back(each.kid);
  std::sort(kids.begin(), kids.end());
  std::string joined;
  for (const std::string& kid : kids) joined += (joined.empty() ? "" : ".") + kid;
  return base::Base64Url(crypto::Sha256::Of(joined));
}

using EditHeader = std::function<void(nlohmann::json&)>;

inline std::string SealByHand(const ByHand& what, std::string_view plaintext, const EditHeader& edit = {}) {
  const bool auth = what.sender != nullptr;
  const crypto::KeyType type = what.recipients.at(0).key.type();
  const auto ephemeral = crypto::GenerateWideEphemeral(type, crypto::SystemRandom()).value();
  nlohmann::json header = {{"typ", kTypEncrypted},
                           {"alg", auth ? "ECDH-1PU+A256KW" : "ECDH-ES+A256KW"},
                           {"enc", what.enc},
                           {"apv", ApvText(what.recipients)},
                           {"epk", crypto::PublicKeyToJwk(ephemeral.public_key)}};
  if (auth) {
    header["skid"] = what.sender->did + "#key-1";
    header["apu"] = base::Base64Url(AsBytes(what.sender->did + "#key-1"));
  }
  if (edit) edit(header);
  const std::string protected_b64 = base::Base64Url(AsBytes(base::DumpJson(header)));
  const ByteView aad = AsBytes(protected_b64);
  const bool cbc = what.enc == "A256CBC-HS512", gcm = what.enc == "A256GCM";
  base::ByteVec cek(cbc ? 64 : 32), iv(cbc ? 16 : gcm ? 12 : 24), tag(cbc ? 32 : 16);
  EXPECT_TRUE(crypto::SystemRandom().Fill(cek) && crypto::SystemRandom().Fill(iv));
  base::ByteVec content(cbc ? crypto::CbcHmacCiphertextLength(plaintext.size()) : plaintext.size());
  if (cbc) {
    EXPECT_TRUE(crypto::CbcHmacEncrypt(crypto::kBearSslAes, cek, iv, aad, AsBytes(plaintext), content,
                                       std::span<uint8_t, 32>(tag)));
  } else if (gcm) {
    EXPECT_TRUE(crypto::Aes256GcmEncrypt(cek, iv, aad, AsBytes(plaintext), content, std::span<uint8_t, 16>(tag)));
  } else {
    base::ByteVec joined(plaintext.size() + 16);
    EXPECT_TRUE(crypto::Xc20pEncrypt(cek, iv, aad, AsBytes(plaintext), joined));
    content.assign(joined.begin(), joined.end() - 16);
    tag.assign(joined.end() - 16, joined.end());
  }
  const auto octets = [&header](const char* name) {
    const auto it = header.find(name);
    if (it == header.end() || !it->is_string()) return base::ByteVec();
    return base::FromBase64Url(it->get<std::string>()).value_or(base::ByteVec());
  };
  nlohmann::json whole = {{"protected", protected_b64},
                          {"recipients", nlohmann::json::array()},
                          {"iv", base::Base64Url(iv)},
                          {"ciphertext", base::Base64Url(content)},
                          {"tag", base::Base64Url(tag)}};
  for (const Recipient& each : what.recipients) {
    base::ByteVec z(2 * crypto::kMaxSharedSecret);
    size_t n = crypto::AgreeRawWide(type, ephemeral.ExposePrivate(), each.key, z).value();
    if (auth) n += what.sender->store->AgreeWide(what.sender->agree, each.key, ByteSpan(z).subspan(n)).value();
    Bytes32 kek;
    EXPECT_TRUE(DeriveKek(ByteView(z).first(n), auth ? "ECDH-1PU+A256KW" : "ECDH-ES+A256KW", octets("apu"),
                          octets("apv"), auth ? ByteView(tag) : ByteView(), kek));
    base::ByteVec wrapped(cek.size() + 8);
    EXPECT_TRUE(crypto::AesKwWrap(crypto::kBearSslAes, kek, cek, wrapped));
    whole["recipients"].push_back({{"header", {{"kid", each.kid}}}, {"encrypted_key", base::Base64Url(wrapped)}});
  }
  return base::DumpJson(whole);
}

}  // namespace keel::didcomm
