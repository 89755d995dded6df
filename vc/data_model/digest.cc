// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/digest.h"

#include <algorithm>
#include <string>

#include "crypto/hash.h"
#include "crypto/hosted/sha384.h"

namespace keel::vc {
namespace {

struct Kind {
  Digest::Hash hash;
  std::string_view name;
  uint8_t multihash;  // https://github.com/multiformats/multicodec
  size_t size;
};
constexpr Kind kKinds[] = {{Digest::Hash::kSha256, "sha256-", 0x12, 32},
                           {Digest::Hash::kSha384, "sha384-", 0x20, 48},
                           {Digest::Hash::kSha512, "sha512-", 0x13, 64}};

}  // namespace

bool Digest::Matches(std::string_view text) const {
  switch (hash) {
    case Hash::kSha256: return std::ranges::equal(octets, crypto::Sha256::Of(text));
    case Hash::kSha384: return std::ranges::equal(octets, crypto::Sha384(AsBytes(text)));
    case Hash::kSha512: return std::ranges::equal(octets, crypto::Sha512(AsBytes(text)));
  }
  return false;
}

Result<std::vector<Digest>> ReadDigestSri(std::string_view text) {
  std::vector<Digest> digests;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const Kind* kind = std::ranges::find_if(kKinds, [&](const Kind& one) { return word.starts_with(one.name); });
    if (kind == std::end(kKinds))
      return Fail(Code::kMalformed, "digestSRI", "each digest begins with sha256-, sha384- or sha512-");
    std::string value(word.substr(kind->name.size()));
    while (!value.empty() && value.back() == '=') value.pop_back();
    std::ranges::replace(value, '+', '-');
    std::ranges::replace(value, '/', '_');
    KEEL_TRY(base::ByteVec octets, base::FromBase64Url(value));
    if (octets.size() != kind->size) return Fail(Code::kMalformed, "digestSRI", "a digest has a wrong length");
    digests.push_back({kind->hash, std::move(octets)});
  }
  if (digests.empty()) return Fail(Code::kMalformed, "digestSRI", "it is empty");
  return digests;
}

Result<std::vector<Digest>> ReadDigestMultibase(std::string_view text) {
  KEEL_TRY(base::ByteVec octets, base::FromMultibase(text));
  for (const Kind& kind : kKinds) {
    if (octets.size() == kind.size + 2 && octets[0] == kind.multihash && octets[1] == kind.size)
      octets.erase(octets.begin(), octets.begin() + 2);
    if (octets.size() == kind.size) return std::vector<Digest>{{kind.hash, std::move(octets)}};
  }
  return Fail(Code::kUnsupported, "digestMultibase", "it holds no SHA-256, SHA-384 or SHA-512 hash");
}

bool MatchesStrongest(const std::vector<Digest>& digests, std::string_view text) {
  if (digests.empty()) return false;
  const Digest::Hash strongest = std::ranges::max(digests, {}, &Digest::hash).hash;
  return std::ranges::any_of(digests,
                             [&](const Digest& digest) { return digest.hash == strongest && digest.Matches(text); });
}

}  // namespace keel::vc
