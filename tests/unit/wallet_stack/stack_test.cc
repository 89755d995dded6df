// SPDX-License-Identifier: Apache-2.0
// How much stack the wallet's messages take: each is worked on by a thread whose stack was painted before, and the
// paint that is left is counted. These are a host's figures (64 bits, libsodium's and BearSSL's code for it); a
// Cortex-M has half the pointers. The budget is 8 KiB there.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "device-wallet/core/envelope.h"
#include "device-wallet/core/messages.h"
#include "device-wallet/core/signed.h"
#include "tests/fakes/memory_keys.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;

constexpr size_t kStack = 256 << 10;
constexpr uint8_t kPaint = 0xa5;
constexpr size_t kLimit = 10 << 10;

// Octets of stack that `work` used, what a thread takes by itself included.
size_t Painted(const std::function<void()>& work) {
  void* const stack = ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  KEEL_ASSERT(stack != MAP_FAILED);
  auto* const octets = static_cast<uint8_t*>(stack);
  std::fill_n(octets, kStack, kPaint);
  pthread_attr_t attributes;
  pthread_t thread{};
  KEEL_ASSERT(pthread_attr_init(&attributes) == 0 && pthread_attr_setstack(&attributes, stack, kStack) == 0);
  const auto run = [](void* what) -> void* {
    (*static_cast<const std::function<void()>*>(what))();
    return nullptr;
  };
  KEEL_ASSERT(pthread_create(&thread, &attributes, run, const_cast<std::function<void()>*>(&work)) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  const auto used = static_cast<size_t>(
      octets + kStack - std::find_if(octets, octets + kStack, [](uint8_t octet) { return octet != kPaint; }));
  ::munmap(stack, kStack);
  return used;
}

struct End {
  End(const std::string& seed, KeyType agrees, KeyType signs) : keys(seed) {
    agree = keys.Generate(agrees).value();
    sign = keys.Generate(signs).value();
    did = MakePeerDid(keys.Public(agree).value(), keys.Public(sign).value()).value();
    kid = AgreementKid(did);
    sign_kid = std::string(did.did.view()) + "#key-2";
  }
  OwnEnd Own() { return {kid.view(), did.agreement.type(), &keys, agree}; }
  PeerEnd Peer() const { return {kid.view(), did.agreement}; }
  std::string Did() const { return std::string(did.did.view()); }
  fakes::MemoryKeys keys;
  crypto::KeyHandle agree, sign;
  PeerDid did;
  FixedText<kMaxPeerKid> kid;
  std::string sign_kid;
};

class Stack : public ::testing::TestWithParam<bool> {
 protected:
  void Report(const char* what, const std::function<void()>& work) {
    static const size_t idle = Painted([] {});
    const size_t used = Painted(work) - idle;
    std::printf("  %-28s %5zu octets of stack (%s)\n", what, used, GetParam() ? "P-256" : "OKP");
    EXPECT_LE(used, kLimit) << what;
    EXPECT_GT(used, 100u) << what << ": nothing was done";
  }
  KeyType agrees_ = GetParam() ? KeyType::kP256 : KeyType::kX25519;
  KeyType signs_ = GetParam() ? KeyType::kP256 : KeyType::kEd25519;
};

TEST(StackPaint, SeesWhatIsUsed) {
  const size_t idle = Painted([] {});
  const size_t used = Painted([] {
    volatile uint8_t room[5000];
    for (auto& octet : room) octet = 1;
  });
  EXPECT_GE(used - idle, 4900u);
  EXPECT_LE(used - idle, 5400u);
}

TEST_P(Stack, OfEachKindOfMessage) {
  End alice("alice", agrees_, signs_), bob("bob", agrees_, signs_);
  const crypto::SharedSecret shared = alice.keys.Agree(alice.agree, bob.did.agreement).value();
  fakes::SeededRandom random("stack");
  std::vector<uint8_t> buffer(8192);
  const std::string plain = R"({"id":"m1","type":"https://didcomm.org/discover-features/2.0/queries","from":")" +
                            alice.Did() + R"(","to":[")" + bob.Did() +
                            R"("],"body":{"queries":[{"feature-type":"protocol","match":"https://didcomm.org/*"}]}})";
  size_t length = 0;
  const auto fill = [&] { std::copy(plain.begin(), plain.end(), buffer.begin()); };

  fill();
  Report("pack authcrypt",
         [&] { length = PackAuthcrypt({alice.Own(), bob.Peer(), &shared}, random, buffer, plain.size()).value(); });
  Report("unpack authcrypt", [&] {
    KEEL_ASSERT(UnpackAuthcrypt({bob.Own(), alice.Peer(), &shared}, ByteSpan(buffer).first(length)).has_value());
  });
  for (const auto enc : {ContentEncryption::kXc20p, ContentEncryption::kA256CbcHs512}) {
    fill();
    Report(enc == ContentEncryption::kXc20p ? "pack anoncrypt XC20P" : "pack anoncrypt CBC",
           [&] { length = PackAnoncrypt(bob.Peer(), enc, random, buffer, plain.size()).value(); });
    Report(enc == ContentEncryption::kXc20p ? "unpack anoncrypt XC20P" : "unpack anoncrypt CBC",
           [&] { KEEL_ASSERT(UnpackAnoncrypt(bob.Own(), ByteSpan(buffer).first(length)).has_value()); });
  }
  fill();
  Report("pack signed",
         [&] { length = PackSigned(alice.sign_kid, alice.keys, alice.sign, buffer, plain.size()).value(); });
  Report("unpack signed", [&] {
    KEEL_ASSERT(UnpackSigned(ByteSpan(buffer).first(length), alice.sign_kid, alice.did.token).has_value());
  });
  std::array<char, 1024> jwt{};
  Report("make from_prior", [&] {
    length = MakeFromPrior(alice.Did(), bob.Did(), 1'000'000, alice.sign_kid, alice.keys, alice.sign, jwt).value();
  });
  ByteArray<900> scratch;
  Report("read from_prior", [&] {
    KEEL_ASSERT(ReadFromPrior({jwt.data(), length}, bob.Did(), alice.sign_kid, alice.did.token, scratch).has_value());
  });
  Report("read message, match features", [&] {
    const auto message = ReadPlain(AsBytes(plain), bob.Did(), 0);
    KEEL_ASSERT(message && MatchFeatures(*message).value() != 0);
  });
  const std::string forward = R"({"id":"f","type":"https://didcomm.org/routing/2.0/forward","body":{"next":")" +
                              bob.Did() + R"("},"attachments":[{"data":{"base64":"e30"}}]})";
  std::copy(forward.begin(), forward.end(), buffer.begin());
  Report("unwrap forward", [&] {
    const ByteSpan text = ByteSpan(buffer).first(forward.size());
    const auto message = ReadPlain(text, bob.Did(), 0);
    KEEL_ASSERT(message && TakeAttached(*message, text, bob.Did(), nullptr).has_value());
  });
}

INSTANTIATE_TEST_SUITE_P(Suites, Stack, ::testing::Bool());

}  // namespace
}  // namespace keel::wallet
