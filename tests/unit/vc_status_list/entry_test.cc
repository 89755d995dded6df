// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/entry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace keel::vc {
namespace {

using nlohmann::json;

// The statements of Bitstring Status List 1.0, section 2.1, one by one.
json Entry() {
  return {{"id", "https://maker.example/status/3#94567"},
          {"type", "BitstringStatusListEntry"},
          {"statusPurpose", "revocation"},
          {"statusListIndex", "94567"},
          {"statusListCredential", "https://maker.example/status/3"}};
}
json Message(const char* status, const char* text) { return {{"status", status}, {"message", text}}; }
json TwoBits() {
  json entry = Entry();
  entry["statusPurpose"] = "message";
  entry["statusSize"] = 2;
  entry["statusMessage"] = {Message("0x0", "pending"), Message("0x1", "accepted"), Message("0x2", "rejected"),
                            Message("0x3", "undefined")};
  entry["statusReference"] = "https://maker.example/dictionary";
  return entry;
}

// Refused as malformed, with words that say why.
void ExpectMalformed(const json& entry, const std::string& why) {
  const auto read = ReadStatusEntry(entry);
  ASSERT_FALSE(read.has_value()) << entry.dump();
  EXPECT_EQ(read.error().code, Code::kMalformed) << entry.dump();
  EXPECT_TRUE(read.error().detail.starts_with("MALFORMED_VALUE_ERROR: ")) << read.error().detail;
  EXPECT_NE(read.error().detail.find(why), std::string::npos) << read.error().detail << " has no '" << why << "'";
}

TEST(StatusEntry, ReadsTheSpecificationsExamples) {
  const auto entry = ReadStatusEntry(Entry());
  ASSERT_TRUE(entry.has_value()) << entry.error().Text();
  EXPECT_EQ(entry->purpose, "revocation");
  EXPECT_EQ(entry->index, 94567u);
  EXPECT_EQ(entry->size, 1u);  // "If statusSize is not present ... MUST be processed as 1"
  EXPECT_EQ(entry->list_url, "https://maker.example/status/3");
  EXPECT_EQ(MessageOf(*entry, 0), "unset");
  EXPECT_EQ(MessageOf(*entry, 1), "set");

  const auto two = ReadStatusEntry(TwoBits());
  ASSERT_TRUE(two.has_value()) << two.error().Text();
  EXPECT_EQ(two->size, 2u);
  EXPECT_EQ(MessageOf(*two, 2), "rejected");
  EXPECT_EQ(two->references, std::vector<std::string>{"https://maker.example/dictionary"});
}

TEST(StatusEntry, IdIsAUrlAndNotTheListsOwn) {
  json entry = Entry();
  entry.erase("id");
  EXPECT_TRUE(ReadStatusEntry(entry).has_value());
  entry["id"] = entry["statusListCredential"];
  ExpectMalformed(entry, "the id is the status list's URL");
  entry["id"] = "no url";
  ExpectMalformed(entry, "the id is no URL");
  entry["id"] = 7;
  ExpectMalformed(entry, "id is no string");
}

TEST(StatusEntry, TypePurposeAndListAreStrings) {
  ExpectMalformed("text", "no object");
  for (const char* name : {"type", "statusPurpose", "statusListIndex", "statusListCredential"}) {
    json entry = Entry();
    entry.erase(name);
    ExpectMalformed(entry, std::string("no ") + name);
    for (const json& other : {json(true), json(7), json::array({"a"}), json(nullptr)}) {
      entry[name] = other;
      ExpectMalformed(entry, std::string(name) + " is no string");
    }
  }
  json entry = Entry();
  entry["statusListCredential"] = "status/3";
  ExpectMalformed(entry, "statusListCredential is no URL");
  entry = Entry();
  entry["type"] = "StatusList2021Entry";  // somebody else's: not read, and refused by the status check
  const auto other = ReadStatusEntry(entry);
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(other->list_url.empty());
}

TEST(StatusEntry, IndexIsADecimalNumberInAString) {
  json entry = Entry();
  for (const char* bad : {"", "-1", "+1", "1.0", "0x10", " 1", "1e3", "007", "00"}) {
    entry["statusListIndex"] = bad;
    ExpectMalformed(entry, "statusListIndex");
  }
  entry["statusListIndex"] = "0";
  EXPECT_EQ(ReadStatusEntry(entry)->index, 0u);
  // "Arbitrary size": well-formed, and beyond every list.
  entry["statusListIndex"] = "340282366920938463463374607431768211456";
  EXPECT_EQ(ReadStatusEntry(entry)->index, UINT64_MAX);
}

TEST(StatusEntry, SizeIsAnIntegerOverZero) {
  for (const json& bad : {json(0), json(-1), json(1.5), json("1"), json(nullptr), json::array()}) {
    json entry = Entry();
    entry["statusSize"] = bad;
    ExpectMalformed(entry, "statusSize is no integer over 0");
  }
  json entry = Entry();
  entry["statusSize"] = 17;
  EXPECT_EQ(ReadStatusEntry(entry).error().code, Code::kUnsupported);
  entry["statusSize"] = 1;
  EXPECT_TRUE(ReadStatusEntry(entry).has_value());
}

TEST(StatusEntry, OneMessageForEachValue) {
  json entry = TwoBits();
  entry.erase("statusMessage");
  ExpectMalformed(entry, "there is no statusMessage");
  entry["statusMessage"] = json::object();
  ExpectMalformed(entry, "statusMessage is no array");
  entry = TwoBits();
  entry["statusMessage"].erase(3);
  ExpectMalformed(entry, "statusMessage has 3 elements; 2 bits have 4 values");
  entry = TwoBits();
  entry["statusMessage"][3]["status"] = "0x2";
  ExpectMalformed(entry, "two statusMessage for one status");
  entry["statusMessage"][3]["status"] = "0x4";
  ExpectMalformed(entry, "more bits than statusSize");
  for (const char* bad : {"3", "0x", "0xg", "0X3", "x3", "0x3 "}) {
    entry["statusMessage"][3]["status"] = bad;
    ExpectMalformed(entry, "hexadecimal");
  }
  entry = TwoBits();
  entry["statusMessage"][1].erase("message");
  ExpectMalformed(entry, "no message");
  entry["statusMessage"][1] = "accepted";
  ExpectMalformed(entry, "no object");
  // With one bit it may be there.
  entry = Entry();
  entry["statusMessage"] = {Message("0x0", "good"), Message("0x1", "bad")};
  EXPECT_EQ(MessageOf(*ReadStatusEntry(entry), 1), "bad");
  entry["statusMessage"].erase(1);
  ExpectMalformed(entry, "1 elements");
}

TEST(StatusEntry, ReferencesAreUrls) {
  json entry = Entry();
  entry["statusReference"] = {"https://a.example/1", "https://a.example/2"};
  EXPECT_EQ(ReadStatusEntry(entry)->references.size(), 2u);
  for (const json& bad : {json("dictionary"), json(7), json::array(), json::array({7}), json::object()}) {
    entry["statusReference"] = bad;
    ExpectMalformed(entry, "statusReference");
  }
}

TEST(StatusEntry, WhatInvalidates) {
  EXPECT_TRUE(Invalidates("revocation"));
  EXPECT_TRUE(Invalidates("suspension"));
  EXPECT_FALSE(Invalidates("refresh"));
  EXPECT_FALSE(Invalidates("message"));
  EXPECT_TRUE(Invalidates("something of an issuer's own"));
}

}  // namespace
}  // namespace keel::vc
