// SPDX-License-Identifier: Apache-2.0
#include "ledger/r0.h"

namespace keel::ledger {

Result<size_t> WriteR0Query(const R0Query& query, ByteSpan out) {
  if (query.count > kMaxIndexes) return Fail(Code::kInvalidArgument, "R0 query");
  ByteWriter w(out);
  w.Put(query.nonce).U8(query.count);
  for (size_t i = 0; i < query.count; ++i) w.Put(query.indexes[i]);
  w.U32(query.epoch).U64(query.size);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "R0 query");
  return w.size();
}

Result<R0Query> ParseR0Query(ByteView octets) {
  ByteReader r(octets);
  R0Query q;
  q.nonce = r.Fixed<32>();
  q.count = r.U8();
  if (q.count > kMaxIndexes) return Fail(Code::kTooLarge, "R0 query indexes");
  for (size_t i = 0; i < q.count; ++i) q.indexes[i] = r.Fixed<32>();
  q.epoch = r.U32();
  q.size = r.U64();
  if (!r.done()) return Fail(Code::kMalformed, "R0 query");
  return q;
}

Result<size_t> WriteItem(uint8_t tag, ByteView body, ByteSpan out) {
  if (body.size() > kMaxItemBody) return Fail(Code::kTooLarge, "item");
  ByteWriter w(out);
  w.U8(tag).U16(static_cast<uint16_t>(body.size())).Put(body);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "item");
  return w.size();
}

Result<EpochPart> ParseEpochPart(ByteView body) {
  ByteReader r(body);
  EpochPart part;
  part.part = r.U8();
  part.parts = r.U8();
  part.octets = r.Take(r.left());
  if (!r.done() || part.part >= part.parts || part.octets.empty()) return Fail(Code::kMalformed, "epoch part");
  return part;
}

Result<size_t> WriteEpochPart(uint8_t part, uint8_t parts, ByteView octets, ByteSpan out) {
  if (octets.size() > kMaxEpochPart || part >= parts) return Fail(Code::kInvalidArgument, "epoch part");
  ByteWriter w(out);
  w.U8(static_cast<uint8_t>(R0Tag::kEpoch))
      .U16(static_cast<uint16_t>(octets.size() + 2))
      .U8(part)
      .U8(parts)
      .Put(octets);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "epoch part");
  return w.size();
}

Result<bool> ItemReader::Feed(ByteView& chunk) {
  if (whole_) {
    whole_ = false;
    used_ = 0;
  }
  const auto take = [&](size_t upto) {
    const size_t wanted = upto - used_;
    const size_t n = wanted < chunk.size() ? wanted : chunk.size();
    if (n > 0) std::memcpy(buffer_.data() + used_, chunk.data(), n);
    used_ += n;
    chunk = chunk.subspan(n);
    return used_ == upto;
  };
  if (used_ < kItemHeader && !take(kItemHeader)) return false;
  body_ = static_cast<size_t>((buffer_[1] << 8) | buffer_[2]);
  if (body_ > kMaxItemBody) return Fail(Code::kTooLarge, "item");
  if (!take(kItemHeader + body_)) return false;
  whole_ = true;
  return true;
}

}  // namespace keel::ledger
