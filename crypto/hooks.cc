// SPDX-License-Identifier: Apache-2.0
#include "crypto/hooks.h"

#if KEEL_HOSTED
#include <atomic>
#endif

namespace keel::crypto::internal {
namespace {

constexpr CurveHooks kNoHooks;
#if KEEL_HOSTED
// The one mutable global of this library (hosts only): constant-initialised, set once.
constinit std::atomic<const CurveHooks*> g_hooks{&kNoHooks};
#endif

// Group orders (SEC 2).
constexpr uint8_t kOrderP256[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
#if KEEL_HOSTED
constexpr uint8_t kOrderSecp256k1[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                         0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                         0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
constexpr uint8_t kOrderP384[48] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
                                    0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73};
#endif

ByteView OrderOf(KeyType type) {
  switch (type) {
    case KeyType::kP256: return kOrderP256;
#if KEEL_HOSTED
    case KeyType::kSecp256k1: return kOrderSecp256k1;
    case KeyType::kP384: return kOrderP384;
#else
    case KeyType::kSecp256k1:
    case KeyType::kP384:
#endif
    case KeyType::kEd25519:
    case KeyType::kX25519:
    case KeyType::kP521: break;
  }
  return {};
}

}  // namespace

#if KEEL_HOSTED
const CurveHooks& Hooks() { return *g_hooks.load(std::memory_order_acquire); }
void SetHooks(const CurveHooks* hooks) { g_hooks.store(hooks, std::memory_order_release); }
#else
const CurveHooks& Hooks() { return kNoHooks; }
#endif

bool IsLowS(KeyType type, ByteView s) {
  const ByteView order = OrderOf(type);
  if (order.empty() || s.size() != order.size()) return false;
  // 2s <= n; n is odd, so 2s < n. Compared octet by octet from the top (signatures are public).
  unsigned carry_in = s[0] >> 7;
  if (carry_in != 0) return false;
  for (size_t i = 0; i < s.size(); ++i) {
    const unsigned next = i + 1 < s.size() ? s[i + 1] >> 7 : 0u;
    const unsigned doubled = (static_cast<unsigned>(s[i]) << 1 & 0xffu) | next;
    if (doubled != order[i]) return doubled < order[i];
  }
  return false;
}

void MakeLowS(KeyType type, ByteSpan s) {
  const ByteView order = OrderOf(type);
  if (order.empty() || s.size() != order.size() || IsLowS(type, s)) return;
  int borrow = 0;
  for (size_t i = s.size(); i-- > 0;) {
    int difference = order[i] - s[i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    s[i] = static_cast<uint8_t>(difference + (borrow != 0 ? 256 : 0));
  }
}

}  // namespace keel::crypto::internal
