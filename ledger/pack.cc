// SPDX-License-Identifier: Apache-2.0
#include "ledger/pack.h"

#include "crypto/aead.h"
#include "ledger/pack_record.h"
#include "ledger/r0.h"

// The host's side of packs: items and records.
namespace keel::ledger {
namespace {

Result<size_t> FinishItem(ByteSpan out, const ByteWriter& w, PackTag tag) {
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "pack item");
  const size_t body = w.size() - kItemHeader;
  if (body > kMaxItemBody) return Fail(Code::kTooLarge, "pack item");
  out[0] = static_cast<uint8_t>(tag);
  out[1] = static_cast<uint8_t>(body >> 8);
  out[2] = static_cast<uint8_t>(body);
  return w.size();
}

ByteWriter BeginItem(ByteSpan out) {
  ByteWriter w(out);
  w.U8(0).U16(0);
  return w;
}

// How many octets of whole items, from the front, fit one record.
Result<size_t> NextRecordLength(ByteView items) {
  size_t length = 0;
  while (length < items.size()) {
    ByteReader r(items.subspan(length));
    const uint8_t tag = r.U8();
    const size_t body = r.U16();
    r.Take(body);
    if (!r.ok() || tag == 0 || body > kMaxItemBody) return Fail(Code::kInvalidArgument, "pack items");
    if (length + r.at() > kMaxRecordPlaintext) break;
    length += r.at();
  }
  return length;
}

}  // namespace

Result<size_t> WritePackItem(PackTag tag, ByteView body, ByteSpan out) {
  return WriteItem(static_cast<uint8_t>(tag), body, out);
}

Result<size_t> WriteLinkItem(ByteView link, ByteView policy, ByteView sigs, ByteSpan out) {
  if (link.size() != kLinkRecord || policy.size() > kMaxPolicy) return Fail(Code::kInvalidArgument, "link item");
  ByteWriter w = BeginItem(out);
  w.Put(link).U16(static_cast<uint16_t>(policy.size())).Put(policy).Put(sigs);
  return FinishItem(out, w, PackTag::kLink);
}

Result<size_t> WriteSpentItem(uint64_t log_index, ByteView map_proof, ByteSpan out) {
  ByteWriter w = BeginItem(out);
  w.U64(log_index).Put(map_proof);
  return FinishItem(out, w, PackTag::kSpent);
}

Result<size_t> WriteOpItem(uint64_t log_index, ByteView jws, ByteSpan out) {
  ByteWriter w = BeginItem(out);
  w.U64(log_index).Put(jws);
  return FinishItem(out, w, PackTag::kOp);
}

PackNonce PackRecordNonce(uint64_t record) {
  PackNonce nonce{};
  ByteWriter(ByteSpan(nonce).subspan(16)).U64(record);
  return nonce;
}

PackAad PackRecordAad(uint64_t length) {
  PackAad aad{};
  ByteWriter(aad).Put("keel-pack/1\n").U64(length);
  return aad;
}

Result<PackInfo> SealPack(ByteView items, const SecretBytes<32>& key, ByteSpan out) {
  if (items.empty() || items.size() > kMaxPack) return Fail(Code::kTooLarge, "pack");
  PackInfo info;
  info.length = items.size();
  info.sha256 = crypto::Sha256::Of(items);
  const PackAad aad = PackRecordAad(info.length);
  while (!items.empty()) {
    KEEL_TRY(const size_t n, NextRecordLength(items));
    const size_t sealed = n + crypto::kXc20pTag;
    if (out.size() - info.octets < 2 + sealed) return Fail(Code::kBufferTooSmall, "pack");
    out[info.octets] = static_cast<uint8_t>(sealed >> 8);
    out[info.octets + 1] = static_cast<uint8_t>(sealed);
    const PackNonce nonce = PackRecordNonce(info.records);
    KEEL_TRY_VOID(
        crypto::Xc20pEncrypt(key.ExposeSecret(), nonce, aad, items.first(n), out.subspan(info.octets + 2, sealed)));
    info.octets += 2 + sealed;
    ++info.records;
    items = items.subspan(n);
  }
  return info;
}

Result<ByteView> PackFrom(ByteView sealed, uint32_t from) {
  for (uint32_t i = 0; i < from; ++i) {
    if (sealed.empty()) return Fail(Code::kOutOfRange, "pack record");
    ByteReader r(sealed);
    r.Take(r.U16());
    if (!r.ok()) return Fail(Code::kMalformed, "pack");
    sealed = sealed.subspan(r.at());
  }
  return sealed;
}

}  // namespace keel::ledger
