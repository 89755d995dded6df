// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/encoder.h"

#include <zlib.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/encoding.h"

namespace keel::vc {
namespace {

constexpr size_t kBlock = 32 << 10;  // octets: deflate's window, so that cutting there loses next to nothing
constexpr uint8_t kGzipHeader[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};  // deflate, no name, no time, any system
constexpr uint8_t kLastBlock[] = {0x03, 0x00};                              // a final deflate block with nothing in it

// One deflate stream for all blocks of an Encode call.
class Deflater {
 public:
  Deflater() {
    // -MAX_WBITS: without a header. Lists are runs of zero octets with few others between: looking for runs alone is a
    // hundred times faster than the best search for repetitions, and within a tenth of its size (docs/benchmarks.md).
    ok_ = deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 9, Z_RLE) == Z_OK;
  }
  ~Deflater() {
    if (ok_) deflateEnd(&stream_);
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  bool Deflate(ByteView octets, std::vector<uint8_t>& out) {
    if (!ok_ || deflateReset(&stream_) != Z_OK) return false;
    out.resize(deflateBound(&stream_, static_cast<uLong>(octets.size())) + 16);
    stream_.next_in = const_cast<Bytef*>(octets.data());  // zlib's interface isn't const-correct; it only reads
    stream_.avail_in = static_cast<uInt>(octets.size());
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    if (deflate(&stream_, Z_FULL_FLUSH) != Z_OK || stream_.avail_in != 0 || stream_.avail_out == 0) return false;
    out.resize(out.size() - stream_.avail_out);
    out.shrink_to_fit();
    return true;
  }

 private:
  z_stream stream_{};
  bool ok_ = false;
};

void PutLittle(std::vector<uint8_t>& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

}  // namespace

StatusListEncoder::StatusListEncoder(Bitstring list) : list_(std::move(list)) {
  blocks_.resize((list_.octets().size() + kBlock - 1) / kBlock);
}

Result<> StatusListEncoder::SetValue(uint64_t index, uint32_t size, uint64_t value) {
  KEEL_TRY(const uint64_t before, list_.GetValue(index, size));
  if (before == value) return {};
  KEEL_TRY_VOID(list_.SetValue(index, size, value));
  blocks_[index * size / 8 / kBlock].current = false;
  blocks_[((index + 1) * size - 1) / 8 / kBlock].current = false;
  return {};
}

Result<std::string> StatusListEncoder::Encode() {
  const ByteView octets = list_.octets();
  std::optional<Deflater> deflater;
  size_t length = sizeof kGzipHeader + sizeof kLastBlock + 8;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    if (!block.current) {
      if (!deflater) deflater.emplace();
      const ByteView part = octets.subspan(i * kBlock, std::min(kBlock, octets.size() - i * kBlock));
      if (!deflater->Deflate(part, block.deflated)) return Fail(Code::kInternalError, "status list", "zlib");
      block.crc = static_cast<uint32_t>(crc32(0, part.data(), static_cast<uInt>(part.size())));
      block.current = true;
    }
    length += block.deflated.size();
  }
  std::vector<uint8_t> out;
  out.reserve(length);
  out.insert(out.end(), std::begin(kGzipHeader), std::end(kGzipHeader));
  uLong crc = 0;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    out.insert(out.end(), blocks_[i].deflated.begin(), blocks_[i].deflated.end());
    const size_t size = std::min(kBlock, octets.size() - i * kBlock);
    crc = i == 0 ? blocks_[i].crc : crc32_combine(crc, blocks_[i].crc, static_cast<z_off_t>(size));
  }
  out.insert(out.end(), std::begin(kLastBlock), std::end(kLastBlock));
  PutLittle(out, static_cast<uint32_t>(crc));
  PutLittle(out, static_cast<uint32_t>(octets.size()));
  return "u" + base::Base64Url(out);
}

}  // namespace keel::vc
