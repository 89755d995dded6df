// SPDX-License-Identifier: Apache-2.0
#include "vc-api/status_book.h"

#include <set>

#include "tests/unit/vc_api/world.h"

namespace keel::vc_api {
namespace {

using nlohmann::json;

TEST_F(VcApiTest, IndicesSayNothingOfOrder) {
  std::vector<uint64_t> indices;
  std::set<uint64_t> seen;
  for (int i = 0; i < 64; ++i) {
    const auto entry = book_->Allocate(issuers_[0].did, "revocation");
    ASSERT_TRUE(entry.has_value());
    indices.push_back(std::stoull((*entry)["statusListIndex"].get<std::string>()));
    EXPECT_TRUE(seen.insert(indices.back()).second);
  }
  EXPECT_FALSE(std::ranges::is_sorted(indices));
  EXPECT_FALSE(std::ranges::is_sorted(indices, std::greater<>()));
  EXPECT_EQ(book_->Allocate("did:example:other", "revocation").error().code, Code::kInvalidArgument);
  EXPECT_EQ(book_->Allocate(issuers_[0].did, "lunch").error().code, Code::kInvalidArgument);
}

TEST_F(VcApiTest, StatusesOutliveTheProcess) {
  const json entry = *book_->Allocate(issuers_[0].did, "suspension");
  const uint64_t index = std::stoull(entry["statusListIndex"].get<std::string>());
  ASSERT_TRUE(book_->Set("2", index, true));
  OpenBook();
  // Given out still, and still set.
  const auto text = book_->List("2");
  ASSERT_TRUE(text.has_value()) << text.error().Text();
  const json list = *base::ParseJson(*text, {.max_size = 1 << 20});
  const auto bits = vc::Bitstring::Decode(list["credentialSubject"]["encodedList"].get<std::string>());
  ASSERT_TRUE(bits.has_value());
  EXPECT_TRUE(*bits->Get(index));
  EXPECT_EQ(bits->Count(), 1U);
  EXPECT_TRUE(book_->Set("2", index, false));
  EXPECT_EQ(book_->Set("2", index + 1, true).error().code, Code::kNotFound);
  EXPECT_EQ(book_->Set("1", index, true).error().code, Code::kNotFound);
}

TEST_F(VcApiTest, ListsAreMadeAnewInTime) {
  const std::string first = *book_->List("1");
  clock_.now += 3600;
  EXPECT_EQ(*book_->List("1"), first);
  clock_.now += 86'400;
  const std::string second = *book_->List("1");
  EXPECT_NE(second, first);
  const auto v = vc::VerifyAny(second, *resolver_, {.now = clock_.now});
  ASSERT_TRUE(v.has_value());
  EXPECT_TRUE(v->valid()) << v->Reason();
  EXPECT_EQ(book_->List("7").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace keel::vc_api
