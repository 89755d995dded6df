// SPDX-License-Identifier: Apache-2.0
#include "didcomm/message.h"

#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

TEST(MessageText, ReadsSicpasPlaintexts) {
  const nlohmann::json vectors = LoadVector("didcomm/sicpa/plaintext.json");
  size_t good = 0, bad = 0;
  for (const auto& [name, value] : vectors.items()) {
    auto message = Message::Parse(base::DumpJson(value));
    if (name.starts_with("INVALID")) {
      EXPECT_FALSE(message.has_value()) << name;
      ++bad;
      continue;
    }
    ASSERT_TRUE(message.has_value()) << name << ": " << message.error().Text();
    // What was read is written again: nothing lost but the typ that was absent.
    auto text = message->Serialize();
    ASSERT_TRUE(text.has_value()) << name;
    nlohmann::json again = *base::ParseJson(*text);
    nlohmann::json expected = value;
    expected["typ"] = kTypPlain;
    EXPECT_EQ(again, expected) << name;
    ++good;
  }
  EXPECT_GE(good, 9u);
  EXPECT_GE(bad, 13u);
}

TEST(MessageText, KeepsUnknownHeaders) {
  auto message =
      Message::Parse(R"({"id":"1","type":"t","body":{},"x-new":{"b":[1,2]},"return_route":"all","thid":"7"})");
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->headers.at("x-new"), R"({"b":[1,2]})");
  EXPECT_EQ(message->return_route, "all");
  EXPECT_EQ(message->Thread(), "7");
  EXPECT_NE(message->Serialize()->find(R"("x-new":{"b":[1,2]})"), std::string::npos);
  message->thid.clear();
  EXPECT_EQ(message->Thread(), "1");
}

TEST(MessageText, Refuses) {
  for (const char* bad :
       {R"({"id":1,"type":"t","body":{}})", R"({"id":"1","type":"t","body":[]})",
        R"({"id":"1","type":"t","body":{},"to":"did:x:1"})", R"({"id":"1","type":"t","body":{},"to":[1]})",
        R"({"id":"1","type":"t","body":{},"expires_time":"soon"})",
        R"({"id":"1","type":"t","body":{},"expires_time":-1})", R"({"id":"1","type":"t","body":{},"from":7})",
        R"({"id":"1","id":"2","type":"t","body":{}})", R"({"id":"1","type":"t","body":{}} x)", "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(Message::Parse(bad).has_value()) << bad;
  }
  Message message;
  message.id = "1";
  EXPECT_FALSE(message.Serialize().has_value());
  message.type = "t";
  message.body = "[]";
  EXPECT_FALSE(message.Serialize().has_value());
  message.body = "{}";
  message.headers["from"] = "\"did:x:1\"";
  EXPECT_FALSE(message.Serialize().has_value());
}

TEST(MessageText, IdsAreFresh) {
  EXPECT_NE(NewMessageId(), NewMessageId());
  EXPECT_EQ(NewMessageId().size(), 22u);
}

}  // namespace
}  // namespace keel::didcomm
