// SPDX-License-Identifier: Apache-2.0
// The C ABI: checks arguments, copies structures by their own size, turns results into codes.
#include <new>

#include "device-wallet/core/wallet.h"

struct keel_wallet {
  keel::wallet::Wallet wallet;
};

namespace {

using keel::ByteSpan;
using keel::ByteView;
using keel::Code;
using keel::Result;

int Status(const Result<>& result) { return result ? KEEL_WALLET_OK : static_cast<int>(result.error().code); }

// A caller's structure of an older or newer library: the common part is taken, the rest is zero.
template <typename T>
bool TakeStruct(const T* in, T& out) {
  if (in == nullptr || in->size < sizeof(size_t)) return false;
  const size_t n = in->size < sizeof(T) ? in->size : sizeof(T);
  std::memset(static_cast<void*>(&out), 0, sizeof out);
  std::memcpy(static_cast<void*>(&out), in, n);
  out.size = sizeof out;
  return true;
}

// Gives as much as the caller's structure has room for.
template <typename T>
void GiveStruct(T& value, T* out) {
  const size_t n = out->size < sizeof(T) ? out->size : sizeof(T);
  value.size = n;
  std::memcpy(static_cast<void*>(out), &value, n);
}

template <typename T>
bool Writable(const T* out) {
  return out != nullptr && out->size >= sizeof(size_t);
}

ByteView View(const uint8_t* data, size_t length) { return {data, length}; }

}  // namespace

extern "C" {

const char* keel_wallet_status_name(int status) {
  return keel::CodeName(static_cast<Code>(status < 0 || status > UINT16_MAX ? 0xffff : status));
}

const char* keel_wallet_step_name(keel_wallet_step step) {
  static constexpr const char* kNames[] = {"factory", "rendezvous", "hello",   "pack",     "proof",
                                           "done",    "time",       "contact", "firmware", "restart",
                                           "trial",   "dormant",    "backoff", "retired"};
  const auto i = static_cast<size_t>(step);
  return i < sizeof kNames / sizeof kNames[0] ? kNames[i] : "unknown";
}

size_t keel_wallet_size(void) { return sizeof(keel_wallet); }
size_t keel_wallet_alignment(void) { return alignof(keel_wallet); }

int keel_wallet_init(void* memory, size_t memory_size, const keel_wallet_config* config, const keel_wallet_ports* ports,
                     keel_wallet** wallet) {
  keel_wallet_config c;
  keel_wallet_ports p;
  if (memory == nullptr || wallet == nullptr || !TakeStruct(config, c) || !TakeStruct(ports, p))
    return KEEL_WALLET_INVALID_ARGUMENT;
  if (memory_size < sizeof(keel_wallet) || reinterpret_cast<uintptr_t>(memory) % alignof(keel_wallet) != 0) {
    return KEEL_WALLET_INVALID_ARGUMENT;
  }
  if (c.abi != KEEL_WALLET_ABI || c.message == nullptr || c.message_size < KEEL_WALLET_MESSAGE_BUFFER_MIN) {
    return KEEL_WALLET_INVALID_ARGUMENT;
  }
  if (p.random == nullptr || p.store_read == nullptr || p.store_write == nullptr || p.store_erase == nullptr) {
    return KEEL_WALLET_INVALID_ARGUMENT;
  }
  const bool any = p.firmware_current != nullptr || p.firmware_begin != nullptr || p.firmware_write != nullptr ||
                   p.firmware_read != nullptr || p.firmware_finish != nullptr || p.firmware_confirm != nullptr;
  const bool all = p.firmware_current != nullptr && p.firmware_begin != nullptr && p.firmware_write != nullptr &&
                   p.firmware_read != nullptr && p.firmware_finish != nullptr && p.firmware_confirm != nullptr;
  if (any != all) return KEEL_WALLET_INVALID_ARGUMENT;
  const bool some_keys = p.key_make != nullptr || p.key_public != nullptr || p.key_sign != nullptr ||
                         p.key_agree != nullptr || p.key_erase != nullptr;
  const bool all_keys = p.key_make != nullptr && p.key_public != nullptr && p.key_sign != nullptr &&
                        p.key_agree != nullptr && p.key_erase != nullptr;
  if (some_keys != all_keys) return KEEL_WALLET_INVALID_ARGUMENT;
  auto* made = new (memory) keel_wallet{keel::wallet::Wallet(c, p)};
  const auto started = made->wallet.Start();
  if (!started) {
    keel_wallet_destroy(made);
    return Status(started);
  }
  *wallet = made;
  return KEEL_WALLET_OK;
}

void keel_wallet_destroy(keel_wallet* wallet) {
  if (wallet == nullptr) return;
  wallet->~keel_wallet();
  keel::Wipe(ByteSpan(reinterpret_cast<uint8_t*>(wallet), sizeof(keel_wallet)));
}

int keel_wallet_manufacture_begin(keel_wallet* wallet, const keel_wallet_factory_input* input,
                                  keel_wallet_factory_output* output) {
  keel_wallet_factory_input in;
  if (wallet == nullptr || !TakeStruct(input, in) || !Writable(output)) return KEEL_WALLET_INVALID_ARGUMENT;
  keel_wallet_factory_output out;
  const auto done = wallet->wallet.ManufactureBegin(in, out);
  if (done) GiveStruct(out, output);
  return Status(done);
}

int keel_wallet_manufacture_stamp(keel_wallet* wallet, keel_wallet_stamp_item item, const uint8_t* data,
                                  size_t length) {
  if (wallet == nullptr || data == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ManufactureStamp(item, View(data, length)));
}

int keel_wallet_manufacture_read_back(keel_wallet* wallet, keel_wallet_read_back* output) {
  if (wallet == nullptr || !Writable(output)) return KEEL_WALLET_INVALID_ARGUMENT;
  keel_wallet_read_back out;
  const auto done = wallet->wallet.ManufactureReadBack(out);
  if (done) GiveStruct(out, output);
  return Status(done);
}

int keel_wallet_manufacture_prove(keel_wallet* wallet, const uint8_t challenge[32], uint8_t signature[64]) {
  if (wallet == nullptr || challenge == nullptr || signature == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  keel::Bytes32 in;
  keel::Bytes64 out;
  std::memcpy(in.data(), challenge, in.size());
  const auto done = wallet->wallet.ManufactureProve(in, out);
  if (done) std::memcpy(signature, out.data(), out.size());
  return Status(done);
}

int keel_wallet_manufacture_finalize(keel_wallet* wallet) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ManufactureFinalize());
}

int keel_wallet_poll(keel_wallet* wallet, uint64_t now_ms, keel_wallet_action* action) {
  if (wallet == nullptr || !Writable(action)) return KEEL_WALLET_INVALID_ARGUMENT;
  keel_wallet_action out;
  std::memset(&out, 0, sizeof out);
  const auto polled = wallet->wallet.Poll(now_ms, out);
  if (polled) GiveStruct(out, action);
  return Status(polled);
}

int keel_wallet_response_begin(keel_wallet* wallet, uint64_t now_ms, int http_status) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ResponseBegin(now_ms, http_status));
}

int keel_wallet_response_chunk(keel_wallet* wallet, const uint8_t* data, size_t length) {
  if (wallet == nullptr || (data == nullptr && length != 0)) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ResponseChunk(View(data, length)));
}

int keel_wallet_response_end(keel_wallet* wallet, uint64_t now_ms) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ResponseEnd(now_ms));
}

int keel_wallet_failed(keel_wallet* wallet, uint64_t now_ms) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.Failed(now_ms));
}

int keel_wallet_response(keel_wallet* wallet, uint64_t now_ms, int http_status, const uint8_t* data, size_t length) {
  // A chunk that was refused ends the answer too: the library then goes on by itself.
  const int begun = keel_wallet_response_begin(wallet, now_ms, http_status);
  if (begun == KEEL_WALLET_WRONG_STATE || begun == KEEL_WALLET_INVALID_ARGUMENT) return begun;
  const int fed = begun != KEEL_WALLET_OK ? begun : keel_wallet_response_chunk(wallet, data, length);
  const int ended = keel_wallet_response_end(wallet, now_ms);
  return fed != KEEL_WALLET_OK ? fed : ended;
}

int keel_wallet_offer_invitation(keel_wallet* wallet, const uint8_t* invitation, size_t length) {
  if (wallet == nullptr || invitation == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.OfferInvitation(View(invitation, length)));
}

int keel_wallet_contact_now(keel_wallet* wallet) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.ContactNow());
}

int keel_wallet_ping(keel_wallet* wallet, uint64_t now_ms, const char* did) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.Ping(now_ms, did == nullptr ? std::string_view{} : std::string_view(did)));
}

int keel_wallet_get_ping(const keel_wallet* wallet, keel_wallet_ping_result* result) {
  if (wallet == nullptr || !Writable(result)) return KEEL_WALLET_INVALID_ARGUMENT;
  keel_wallet_ping_result out;
  wallet->wallet.GetPing(out);
  GiveStruct(out, result);
  return KEEL_WALLET_OK;
}

int keel_wallet_abandon(keel_wallet* wallet, uint64_t now_ms) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.Abandon(now_ms));
}

int keel_wallet_get_info(const keel_wallet* wallet, uint64_t now_ms, keel_wallet_info* info) {
  if (wallet == nullptr || !Writable(info)) return KEEL_WALLET_INVALID_ARGUMENT;
  keel_wallet_info out;
  wallet->wallet.GetInfo(now_ms, out);
  GiveStruct(out, info);
  return KEEL_WALLET_OK;
}

int keel_wallet_read_document(keel_wallet* wallet, keel_wallet_document document, uint8_t* out, size_t* length) {
  if (wallet == nullptr || out == nullptr || length == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  const auto read = wallet->wallet.ReadDocument(document, ByteSpan(out, *length));
  if (!read) return static_cast<int>(read.error().code);
  *length = *read;
  return KEEL_WALLET_OK;
}

int keel_wallet_sign_token(keel_wallet* wallet, uint64_t now_ms, const char* audience, uint32_t lifetime_s, char* out,
                           size_t* length) {
  if (wallet == nullptr || audience == nullptr || out == nullptr || length == nullptr)
    return KEEL_WALLET_INVALID_ARGUMENT;
  const auto token = wallet->wallet.SignToken(now_ms, audience, lifetime_s, {out, *length});
  if (!token) return static_cast<int>(token.error().code);
  *length = *token;
  return KEEL_WALLET_OK;
}

int keel_wallet_health(keel_wallet* wallet, int healthy) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.Health(healthy != 0));
}

int keel_wallet_owner_reset(keel_wallet* wallet) {
  if (wallet == nullptr) return KEEL_WALLET_INVALID_ARGUMENT;
  return Status(wallet->wallet.OwnerReset());
}

}  // extern "C"
