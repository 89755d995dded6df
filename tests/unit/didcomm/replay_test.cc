// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

void Exercise(ReplayCache& cache) {
  EXPECT_TRUE(*cache.Remember("did:x:1", "a", 100, 200));
  EXPECT_FALSE(*cache.Remember("did:x:1", "a", 150, 300));
  EXPECT_TRUE(*cache.Remember("did:x:2", "a", 150, 200));
  EXPECT_TRUE(*cache.Remember("did:x:1", "b", 150, 200));
  EXPECT_FALSE(*cache.Remember("did:x:1", "a", 200, 300));
  EXPECT_TRUE(*cache.Remember("did:x:1", "a", 201, 300));  // it has expired by itself
  // The boundary between sender and id is part of the name.
  EXPECT_TRUE(*cache.Remember("ab", "c", 201, 300));
  EXPECT_TRUE(*cache.Remember("a", "bc", 201, 300));
}

TEST(Replay, Memory) { Exercise(*MakeMemoryReplayCache()); }

TEST(Replay, Stored) {
  auto store = base::MakeMemoryStore();
  {
    auto cache = MakeStoredReplayCache(*store);
    Exercise(*cache);
  }
  auto again = MakeStoredReplayCache(*store);  // a restart forgets nothing
  EXPECT_FALSE(*again->Remember("did:x:1", "a", 250, 300));
  // Expired ones are cleared away.
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(*again->Remember("s", std::to_string(i), 400, 500));
  EXPECT_TRUE(*again->Remember("s", "z", 1000, 1100));
  EXPECT_TRUE(*again->Remember("s", "y", 1000, 1100));
  EXPECT_TRUE(*again->Remember("s", "x", 1000, 1100));
  EXPECT_TRUE(*again->Remember("s", "w", 1000, 1100));
  size_t left = 0;
  ASSERT_TRUE(store
                  ->Scan("didcomm-replay/m",
                         [&left](std::string_view, std::string_view) {
                           ++left;
                           return true;
                         })
                  .has_value());
  EXPECT_EQ(left, 4u);
}

TEST(Replay, FullRefusesInsteadOfForgetting) {
  auto cache = MakeMemoryReplayCache(2);
  EXPECT_TRUE(*cache->Remember("s", "1", 0, 100));
  EXPECT_TRUE(*cache->Remember("s", "2", 0, 100));
  EXPECT_EQ(cache->Remember("s", "3", 0, 100).error().code, Code::kBusy);
  EXPECT_FALSE(*cache->Remember("s", "1", 0, 100));
  EXPECT_TRUE(*cache->Remember("s", "3", 101, 200));
}

TEST(Replay, UnpackRefusesTheSecond) {
  crypto::SetUpHostedCrypto();
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  Person alice(keys), bob(keys), carol(keys);
  auto cache = MakeMemoryReplayCache();
  const UnpackOptions options{.now = 1000, .replay = cache.get()};
  Message message = MakeMessage(alice, bob);
  const std::string text = PackAuthcrypt(message, alice.did, bob.did, keys, resolver)->text;
  EXPECT_TRUE(Unpack(text, keys, resolver, options).has_value());
  EXPECT_EQ(Unpack(text, keys, resolver, options).error().code, Code::kReplayed);
  // The same plaintext in a new envelope is the same message.
  EXPECT_EQ(
      Unpack(PackAuthcrypt(message, alice.did, bob.did, keys, resolver)->text, keys, resolver, options).error().code,
      Code::kReplayed);
  // Nobody can use up another's ids without proving to be them.
  Message next = MakeMessage(alice, bob);
  EXPECT_TRUE(Unpack(PackAnoncrypt(next, bob.did, keys, resolver)->text, keys, resolver, options).has_value());
  EXPECT_TRUE(
      Unpack(PackAuthcrypt(next, alice.did, bob.did, keys, resolver)->text, keys, resolver, options).has_value());
  EXPECT_EQ(Unpack(text, keys, resolver, {.replay = cache.get()}).error().code, Code::kInvalidArgument);
}

// A message that says when it was made is never taken twice, however long somebody keeps it.
TEST(Replay, NotAfterTheCacheHasForgottenEither) {
  crypto::SetUpHostedCrypto();
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  Person alice(keys), bob(keys);
  auto cache = MakeMemoryReplayCache();
  Message message = MakeMessage(alice, bob);
  message.created_time = 1'000'000;
  const std::string text = PackAuthcrypt(message, alice.did, bob.did, keys, resolver)->text;
  const auto at = [&](UnixSeconds now) -> Code {
    const auto got = Unpack(text, keys, resolver, {.now = now, .replay = cache.get(), .replay_seconds = 500});
    return got ? Code::kOk : got.error().code;
  };
  EXPECT_EQ(at(1'000'100), Code::kOk);
  for (UnixSeconds now = 1'000'100; now < 1'001'500; now += 50) {
    const Code code = at(now);
    EXPECT_TRUE(code == Code::kReplayed || code == Code::kExpired) << now << CodeName(code);
  }
  EXPECT_EQ(at(1'000'500), Code::kReplayed);
  EXPECT_EQ(at(1'000'501), Code::kExpired);
  // Made ahead of our clock: remembered that much longer.
  message.id = "ahead";
  message.created_time = 2'001'000;
  const std::string ahead = PackAuthcrypt(message, alice.did, bob.did, keys, resolver)->text;
  const UnpackOptions early{.now = 2'000'000, .replay = cache.get(), .replay_seconds = 500};
  EXPECT_TRUE(Unpack(ahead, keys, resolver, early));
  UnpackOptions late = early;
  late.now = 2'001'400;
  EXPECT_EQ(Unpack(ahead, keys, resolver, late).error().code, Code::kReplayed);
  // Without either time it may come again after replay_seconds.
  message.id = "timeless";
  message.created_time.reset();
  const std::string timeless = PackAuthcrypt(message, alice.did, bob.did, keys, resolver)->text;
  EXPECT_TRUE(Unpack(timeless, keys, resolver, late));
  late.now = *late.now + 400;
  EXPECT_FALSE(Unpack(timeless, keys, resolver, late));
}

}  // namespace
}  // namespace keel::didcomm
