// SPDX-License-Identifier: Apache-2.0
// Canonical text encodings: what a decoder takes, the encoder gives back; what an encoder gave, the decoder takes.
#include "base/encoding.h"
#include "core/time.h"
#include "crypto/keys.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::base::ByteVec;

template <typename Decode, typename Encode>
void Decoded(std::string_view text, const Decode& decode, const Encode& encode) {
  const auto octets = decode(text);
  if (octets) FUZZ_CHECK(encode(*octets) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace base = keel::base;
  const std::string_view text = keel::fuzz::Text(data, size);
  const keel::ByteView octets(data, size);
  Decoded(text, base::FromBase64Url, [](const ByteVec& in) { return base::Base64Url(in); });
  Decoded(text, base::FromBase64, [](const ByteVec& in) { return base::Base64(in); });
  Decoded(text, base::FromHex, [](const ByteVec& in) { return base::Hex(in); });
  Decoded(text, base::FromBase58, [](const ByteVec& in) { return base::Base58(in).value_or("?"); });
  Decoded(text, base::FromMultibase, [&](const ByteVec& in) {
    return text.front() == 'u' ? "u" + base::Base64Url(in) : base::MultibaseBase58(in).value_or("?");
  });

  const auto same = [&](const keel::Result<ByteVec>& back) {
    return back && keel::ByteView(*back).size() == size && std::equal(back->begin(), back->end(), data);
  };
  FUZZ_CHECK(same(base::FromBase64Url(base::Base64Url(octets))));
  FUZZ_CHECK(same(base::FromBase64(base::Base64(octets))));
  FUZZ_CHECK(same(base::FromHex(base::Hex(octets))));
  if (const auto b58 = base::Base58(octets)) {
    FUZZ_CHECK(same(base::FromBase58(*b58)));
    FUZZ_CHECK(same(base::FromMultibase(*base::MultibaseBase58(octets))));
  } else {
    FUZZ_CHECK(size > keel::kMaxBase58Octets);
  }
  if (const auto varint = keel::VarintDecode(octets)) {
    keel::ByteArray<10> out{};
    const auto n = keel::VarintEncode(varint->value, out);
    FUZZ_CHECK(n && *n == varint->length && std::equal(out.begin(), out.begin() + static_cast<ptrdiff_t>(*n), data));
  }
  if (const auto time = keel::ParseRfc3339(text)) {
    char out[keel::kRfc3339Length];
    FUZZ_CHECK(keel::FormatRfc3339(*time, out).has_value());
    FUZZ_CHECK(keel::ParseRfc3339({out, sizeof out}) == *time);
  }
  if (const auto key = keel::crypto::PublicKey::FromMultikey(text)) FUZZ_CHECK(base::Multikey(*key) == text);
  (void)keel::IsUtf8(octets);
  return 0;
}
