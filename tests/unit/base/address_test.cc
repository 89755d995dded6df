// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/address.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace keel::base::internal {
namespace {

Address Of(const std::string& text) {
  const auto found = LookUp(text, 1, {}, MonotonicMs() + 1000);
  EXPECT_TRUE(found && found->size() == 1) << text;
  return found && !found->empty() ? found->front() : Address{};
}

TEST(Address, PublicOnes) {
  for (const char* text :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888",
        "2001:200::1", "3fff:1000::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}) {
    EXPECT_TRUE(IsPublic(Of(text))) << text;
  }
}

TEST(Address, AllOthers) {
  for (const char* text : {"0.0.0.0",
                           "0.255.255.255",
                           "10.0.0.0",
                           "10.255.255.255",
                           "100.64.0.0",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "127.1",
                           "0x7f000001",
                           "2130706433",
                           "169.254.0.0",
                           "169.254.169.254",
                           "172.16.0.0",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.0",
                           "192.168.255.255",
                           "198.18.0.0",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.0",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "fc00::1",
                           "fdff::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "2001:1ff::1",
                           "2002:7f00:1::",
                           "2002:808:808::1",
                           "3fff::1",
                           "100::1",
                           "5f00::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.1.2.3",
                           "::ffff:169.254.169.254",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b:1::8.8.8.8",
                           "::127.0.0.1",
                           "::8.8.8.8"}) {
    EXPECT_FALSE(IsPublic(Of(text))) << text;
  }
}

TEST(Address, Loopback) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(IsLoopback(Of(text))) << text;
  for (const char* text : {"10.0.0.1", "128.0.0.1", "::2", "::ffff:127.0.0.1"})
    EXPECT_FALSE(IsLoopback(Of(text))) << text;
  EXPECT_EQ(Of("127.1").Text(), "127.0.0.1");
  EXPECT_EQ(Of("2001:DB8::0:1").Text(), "2001:db8::1");
}

TEST(Address, LookUpByTheGivenFunction) {
  int asked = 0;
  const LookupFunction lookup = [&](const std::string& host) -> Result<std::vector<std::string>> {
    ++asked;
    EXPECT_EQ(host, "two.test");
    return std::vector<std::string>{"192.0.2.1", "2001:db8::1"};
  };
  const auto found = LookUp("two.test", 443, lookup, MonotonicMs() + 1000);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[1].Text(), "2001:db8::1");
  EXPECT_EQ(asked, 1);
  // Numbers need no look-up, and a look-up may give nothing else.
  EXPECT_TRUE(LookUp("192.0.2.9", 443, lookup, MonotonicMs() + 1000));
  EXPECT_EQ(asked, 1);
  const LookupFunction name = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"other.test"};
  };
  EXPECT_EQ(LookUp("two.test", 443, name, MonotonicMs() + 1000).error().code, Code::kUnreachable);
}

TEST(Address, LookUpBySystem) {
  EXPECT_EQ(LookUp("host.invalid", 80, {}, MonotonicMs() + 30'000).error().code, Code::kUnreachable);
  const auto local = LookUp("localhost", 80, {}, MonotonicMs() + 30'000);
  ASSERT_TRUE(local) << local.error().Text();
  for (const Address& address : *local) EXPECT_TRUE(IsLoopback(address));
  EXPECT_EQ(LookUp("localhost", 80, {}, MonotonicMs()).error().code, Code::kTimeout);
}

}  // namespace
}  // namespace keel::base::internal
