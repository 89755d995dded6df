// SPDX-License-Identifier: Apache-2.0
// The broker's view of the fleet (docs/formats/members-file.md).
#include "verifier/members.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/hosted/software_key_store.h"
#include "tests/fakes/members_file.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

class MembersTest : public testing::Test {
 protected:
  MembersTest() : dir_(*base::TempDir::Create("keel-members")), keys_(crypto::SoftwareKeyStore::CreateInMemory()) {}
  crypto::PublicKey Key() { return *keys_->Public(*keys_->Generate(crypto::KeyType::kEd25519)); }
  json File() { return fakes::ReadMembersFile(dir_ / "members.jsonl"); }

  base::TempDir dir_;
  std::unique_ptr<crypto::SoftwareKeyStore> keys_;
  crypto::PublicKey owner_key_ = Key();
  Members members_{dir_ / "members.jsonl", "did:keel:demo:zOwner", owner_key_};
};

TEST_F(MembersTest, TheFileIsWhatTheFormatSays) {
  const crypto::PublicKey device = Key(), reader = Key();
  ASSERT_TRUE(members_.Reset({}, {}));
  const std::string id = MemberId("did:peer:2.pd");
  ASSERT_TRUE(members_.Put(id, {device, "did:peer:2.pd", 77}));
  ASSERT_TRUE(members_.PutReader("did:key:r", {reader, "hash", {"keel/x/#"}, 99}));
  const std::string fleet = FleetId("did:keel:demo:zOwner");
  EXPECT_EQ(fleet.size(), 12u);
  EXPECT_EQ(id.size(), 22u);
  EXPECT_EQ(File(), json({{"v", 2},
                          {"owner", "did:keel:demo:zOwner"},
                          {"owner_key", base::Multikey(owner_key_)},
                          {"fleet", fleet},
                          {"audience", "keel-fleet:" + fleet},
                          {"members",
                           {{id,
                             {{"key", base::Multikey(device)},
                              {"did", "did:peer:2.pd"},
                              {"publish", {"keel/" + fleet + "/" + id + "/#"}},
                              {"until", 77}}}}},
                          {"readers",
                           {{"did:key:r",
                             {{"key", base::Multikey(reader)},
                              {"credential_sha256", "hash"},
                              {"subscribe", {"keel/x/#"}},
                              {"until", 99}}}}}}));
  EXPECT_EQ(members_.TopicOf(id), "keel/" + fleet + "/" + id);
}

TEST_F(MembersTest, ChangesAreInTheFileWhenTheCallReturns) {
  ASSERT_TRUE(members_.Put("a", {Key(), "did:peer:2.a"}));
  ASSERT_TRUE(members_.Put("b", {Key(), "did:peer:2.b"}));
  EXPECT_EQ(File()["members"].size(), 2u);
  ASSERT_TRUE(members_.Remove("a"));
  EXPECT_FALSE(File()["members"].contains("a"));
  EXPECT_FALSE(members_.Has("a"));
  EXPECT_TRUE(members_.Has("b"));
  ASSERT_TRUE(members_.Remove("never there"));
  ASSERT_TRUE(members_.RemoveReader("never there"));
  ASSERT_TRUE(members_.Reset({}, {}));
  EXPECT_TRUE(File()["members"].empty());
  EXPECT_EQ(members_.size(), 0u);
}

TEST_F(MembersTest, ARenewalMovesTheEndForward) {
  constexpr UnixSeconds kDay = 24 * 3600;
  ASSERT_TRUE(members_.Put("a", {Key(), "did:peer:2.a", 100 * kDay}));
  ASSERT_TRUE(members_.Extend("a", 365 * kDay));
  EXPECT_EQ(File()["members"]["a"]["until"], 365 * kDay);
  // Small steps cost no write, and add up.
  ASSERT_TRUE(members_.Extend("a", 372 * kDay));
  EXPECT_EQ(File()["members"]["a"]["until"], 365 * kDay);
  ASSERT_TRUE(members_.Extend("a", 373 * kDay));
  EXPECT_EQ(File()["members"]["a"]["until"], 373 * kDay);
  ASSERT_TRUE(members_.Extend("a", 1));
  EXPECT_EQ(File()["members"]["a"]["until"], 373 * kDay);
  ASSERT_TRUE(members_.Extend("never there", 500 * kDay));
  EXPECT_FALSE(members_.Has("never there"));
}

TEST_F(MembersTest, AChangeThatCouldNotBeWrittenIsAnError) {
  ASSERT_TRUE(members_.Put("a", {Key(), "did:peer:2.a"}));
  Members nowhere(dir_ / "no such folder/members.jsonl", "did:keel:demo:zOwner", owner_key_);
  EXPECT_FALSE(nowhere.Put("a", {Key(), "did:peer:2.a"}));
  EXPECT_FALSE(nowhere.Remove("a"));
}

TEST_F(MembersTest, WritersThatComeTogetherLoseNothing) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(members_.Put(id, {owner_key_, "did:peer:2." + id}));
        // What was acknowledged is in the file, whatever the others do.
        const auto text = base::ReadFile(dir_ / "members.jsonl");
        EXPECT_TRUE(text && text->find("\"member\":\"" + id + '"') != std::string::npos) << id;
        if (i % 2 == 1) {
          EXPECT_TRUE(members_.Remove(id));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(File()["members"].size(), 40u);
}

TEST_F(MembersTest, AChangeAddsALineAndOldLinesGoOneDay) {
  const auto lines = [this] {
    const std::string text = *base::ReadFile(dir_ / "members.jsonl");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  };
  ASSERT_TRUE(members_.Reset({}, {}));
  EXPECT_EQ(lines(), 1u);
  ASSERT_TRUE(members_.Put("a", {owner_key_, "did:peer:2.a"}));
  ASSERT_TRUE(members_.Remove("a"));
  ASSERT_TRUE(members_.Put("b", {owner_key_, "did:peer:2.b"}));
  EXPECT_EQ(lines(), 4u) << "nothing is written twice";
  size_t most = 0;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(members_.Put("b", {owner_key_, "did:peer:2." + std::to_string(i)}));
    most = std::max(most, lines());
  }
  EXPECT_GT(most, 500u);
  EXPECT_LT(most, 1100u) << "a file whose lines count no more is made anew";
  EXPECT_EQ(File()["members"].size(), 1u);
  EXPECT_EQ(File()["members"]["b"]["did"], "did:peer:2.2999");
}

TEST_F(MembersTest, AfterAFailedWriteTheFileIsMadeAnew) {
  ASSERT_TRUE(members_.Put("a", {owner_key_, "did:peer:2.a"}));
  // The next write goes beyond the limit: it fails in the middle of a line.
  const std::string before = *base::ReadFile(dir_ / "members.jsonl");
  struct rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = old;
  small.rlim_cur = before.size() + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto failed = members_.Put("b", {owner_key_, "did:peer:2.b"});
  const auto again = members_.Put("c", {owner_key_, "did:peer:2.c"});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, ignored);
  EXPECT_FALSE(failed);
  EXPECT_FALSE(again);
  ASSERT_TRUE(members_.Put("d", {owner_key_, "did:peer:2.d"}));
  EXPECT_EQ(File()["members"].size(), 4u);
}

}  // namespace
}  // namespace keel::verifier
