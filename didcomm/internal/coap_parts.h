// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coap3/coap.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "didcomm/message.h"

// Private to didcomm_coap: what both ends of CoAP make of libcoap's messages.
namespace keel::didcomm::coap {

inline constexpr const char* kWhere = "didcomm coap";
inline constexpr unsigned kSzx = 6;  // blocks of 1,024 octets
inline constexpr uint32_t kFormatJson = 50;
inline constexpr size_t kMaxReply = 2 * kMaxMessage;

inline std::string_view View(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// libcoap's set-up is the process's, once.
inline void SetUp() {
  static const bool done = [] {
    coap_startup();
    coap_set_log_level(static_cast<coap_log_t>(0));  // it would write to stderr whatever a stranger sends
    return true;
  }();
  static_cast<void>(done);
}

struct ContextDeleter {
  void operator()(coap_context_t* context) const { coap_free_context(context); }
};
using Context = std::unique_ptr<coap_context_t, ContextDeleter>;

inline coap_address_t AddressOf(const sockaddr* address, socklen_t length) {
  coap_address_t out;
  coap_address_init(&out);
  out.size = length;
  memcpy(&out.addr, address, std::min<size_t>(length, sizeof out.addr));
  return out;
}

struct Block {
  uint32_t number = 0;
  bool more = false;
  unsigned szx = kSzx;
  size_t size() const { return size_t{16} << szx; }
};

inline std::optional<Block> ReadBlock(const coap_pdu_t* pdu, coap_option_num_t option) {
  coap_block_t block;
  if (coap_get_block(pdu, option, &block) == 0 || block.szx > kSzx) return std::nullopt;
  return Block{block.num, block.m != 0, block.szx};
}

inline void AddUint(coap_pdu_t* pdu, coap_option_num_t option, uint32_t value) {
  std::array<uint8_t, 4> octets;
  coap_add_option(pdu, option, coap_encode_var_safe(octets.data(), octets.size(), value), octets.data());
}
inline void AddBlock(coap_pdu_t* pdu, coap_option_num_t option, const Block& block) {
  AddUint(pdu, option, (block.number << 4) | (block.more ? 8u : 0u) | block.szx);
}
inline std::optional<uint32_t> ReadUint(const coap_pdu_t* pdu, coap_option_num_t option) {
  coap_opt_iterator_t iterator;
  const coap_opt_t* found = coap_check_option(pdu, option, &iterator);
  if (found == nullptr) return std::nullopt;
  return coap_decode_var_bytes(coap_opt_value(found), coap_opt_length(found));
}
inline std::string_view DataOf(const coap_pdu_t* pdu) {
  size_t size = 0;
  const uint8_t* data = nullptr;
  return coap_get_data(pdu, &size, &data) == 0 ? std::string_view() : View(data, size);
}

// The octets of block `block` of `body`; beyond its end none.
inline std::string_view Piece(const std::string& body, const Block& block) {
  const size_t offset = block.number * block.size();
  return offset < body.size() ? std::string_view(body).substr(offset, block.size()) : std::string_view();
}

}  // namespace keel::didcomm::coap
