// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/internal/sd_proof.h"

#include <algorithm>

#include "vc/cbor/cbor.h"

namespace keel::vc::internal {
namespace {

constexpr ByteArray<3> kBaseHeader = {0xd9, 0x5d, 0x00};
constexpr ByteArray<3> kDerivedHeader = {0xd9, 0x5d, 0x01};
constexpr const char* kWhere = "ecdsa-sd-2023 proof value";

template <size_t N>
Result<ByteArray<N>> Fixed(CborReader& reader, const char* what) {
  KEEL_TRY(const ByteView octets, reader.Bytes());
  if (octets.size() != N)
    return Fail(Code::kMalformed, kWhere, std::string(what) + " has " + std::to_string(octets.size()) + " octets");
  ByteArray<N> out;
  std::copy(octets.begin(), octets.end(), out.begin());
  return out;
}

Result<crypto::PublicKey> Key(CborReader& reader) {
  KEEL_TRY(const ByteView octets, reader.Bytes());
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikeyOctets(octets));
  if (key.type() != crypto::KeyType::kP256) return Fail(Code::kBadKey, kWhere, "the proof's own key is not P-256");
  return key;
}

Result<std::vector<ByteArray<64>>> Signatures(CborReader& reader) {
  KEEL_TRY(const size_t count, reader.Array(kMaxStatements));
  std::vector<ByteArray<64>> out;
  for (size_t i = 0; i < count; ++i) {
    KEEL_TRY(const ByteArray<64> signature, Fixed<64>(reader, "a signature"));
    out.push_back(signature);
  }
  return out;
}

// Five elements after the header.
Result<CborReader> Open(ByteView octets, const ByteArray<3>& header) {
  if (octets.size() < header.size() || !Equal(octets.first(header.size()), header))
    return Fail(Code::kMalformed, kWhere, "doesn't begin with 0x" + base::Hex(header));
  CborReader reader(octets.subspan(header.size()));
  KEEL_TRY(const size_t count, reader.Array(5));
  if (count != 5) return Fail(Code::kMalformed, kWhere, "has not five components");
  return reader;
}

}  // namespace

Result<base::ByteVec> MultikeyOctets(const crypto::PublicKey& key) {
  ByteArray<crypto::kMaxMultikeyOctets> octets;
  KEEL_TRY(const size_t length, key.ToMultikeyOctets(octets));
  return base::ToBytes(ByteView(octets).first(length));
}

Result<base::ByteVec> SerializeBase(const BaseProofValue& value) {
  KEEL_TRY(const base::ByteVec key, MultikeyOctets(value.public_key));
  CborWriter writer;
  writer.Encoded(kBaseHeader).Array(5).Bytes(value.base_signature).Bytes(key).Bytes(value.hmac_key);
  writer.Array(value.signatures.size());
  for (const ByteArray<64>& signature : value.signatures) writer.Bytes(signature);
  writer.Array(value.mandatory_pointers.size());
  for (const std::string& pointer : value.mandatory_pointers) writer.Text(pointer);
  return writer.Take();
}

Result<base::ByteVec> SerializeDerived(const DerivedProofValue& value) {
  KEEL_TRY(const base::ByteVec key, MultikeyOctets(value.public_key));
  CborWriter writer;
  writer.Encoded(kDerivedHeader).Array(5).Bytes(value.base_signature).Bytes(key);
  writer.Array(value.signatures.size());
  for (const ByteArray<64>& signature : value.signatures) writer.Bytes(signature);
  std::vector<std::pair<base::ByteVec, base::ByteVec>> labels;
  for (const auto& [number, label] : value.labels) labels.emplace_back(CborUint(number), CborBytes(label));
  KEEL_TRY_VOID(writer.SortedMap(std::move(labels)));
  writer.Array(value.mandatory_indexes.size());
  for (const size_t index : value.mandatory_indexes) writer.Uint(index);
  return writer.Take();
}

Result<BaseProofValue> ParseBase(ByteView octets) {
  KEEL_TRY(CborReader reader, Open(octets, kBaseHeader));
  BaseProofValue out;
  KEEL_TRY(out.base_signature, Fixed<64>(reader, "the base signature"));
  KEEL_TRY(out.public_key, Key(reader));
  KEEL_TRY(out.hmac_key, Fixed<32>(reader, "the HMAC key"));
  KEEL_TRY(out.signatures, Signatures(reader));
  KEEL_TRY(const size_t count, reader.Array(kMaxPointers));
  for (size_t i = 0; i < count; ++i) {
    KEEL_TRY(const std::string_view pointer, reader.Text());
    out.mandatory_pointers.emplace_back(pointer);
  }
  KEEL_TRY_VOID(reader.End());
  return out;
}

Result<DerivedProofValue> ParseDerived(ByteView octets) {
  KEEL_TRY(CborReader reader, Open(octets, kDerivedHeader));
  DerivedProofValue out;
  KEEL_TRY(out.base_signature, Fixed<64>(reader, "the base signature"));
  KEEL_TRY(out.public_key, Key(reader));
  KEEL_TRY(out.signatures, Signatures(reader));
  KEEL_TRY(const size_t labels, reader.Map(kMaxStatements));
  for (size_t i = 0; i < labels; ++i) {
    KEEL_TRY(const uint64_t number, reader.Uint());
    KEEL_TRY(const Bytes32 label, Fixed<32>(reader, "a label"));
    if (!out.labels.emplace(number, label).second) return Fail(Code::kDuplicate, kWhere, "a label is there twice");
  }
  KEEL_TRY(const size_t indexes, reader.Array(kMaxStatements));
  for (size_t i = 0; i < indexes; ++i) {
    KEEL_TRY(const uint64_t index, reader.Uint());
    if (index >= kMaxStatements || (!out.mandatory_indexes.empty() && index <= out.mandatory_indexes.back()))
      return Fail(Code::kMalformed, kWhere, "the mandatory indexes are not ascending, or out of range");
    out.mandatory_indexes.push_back(index);
  }
  KEEL_TRY_VOID(reader.End());
  return out;
}

bool IsBaseProof(ByteView octets) {
  return octets.size() > kBaseHeader.size() && Equal(octets.first(kBaseHeader.size()), kBaseHeader);
}

}  // namespace keel::vc::internal
