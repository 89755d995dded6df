// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include "base/json_strict.h"
#include "base/net/http.h"
#include "base/net/http_server.h"

namespace keel::base {
namespace {

TEST(Url, Parses) {
  EXPECT_EQ(ParseUrl("http://a")->port, 80);
  EXPECT_EQ(ParseUrl("http://a")->target, "/");
  EXPECT_EQ(ParseUrl("http://a:8080/x?y=z")->target, "/x?y=z");
  EXPECT_EQ(ParseUrl("http://a?y")->target, "/?y");
  EXPECT_EQ(ParseUrl("http://[::1]:5/")->host, "::1");
  EXPECT_EQ(ParseUrl("http://[::1]:5/")->Authority(), "[::1]:5");
  EXPECT_EQ(ParseUrl("https://a/x")->port, 443);
  EXPECT_EQ(ParseUrl("https://a/x")->scheme, "https");
  EXPECT_EQ(ParseUrl("https://a:8443?y")->Authority(), "a:8443");
  EXPECT_EQ(ParseUrl("https://a:8443?y")->target, "/?y");
  EXPECT_EQ(ParseUrl("unix:/run/x.sock")->host, "/run/x.sock");
}

TEST(Url, Refuses) {
  for (const char* text : {"http://", "http://:80", "http://a:", "http://a:0", "http://a:70000", "http://a:8x",
                           "http://u@a/", "http://a/#f", "http://a b/", "http://a/\r\nX: y", "http://[::1",
                           "http://[::1]x", "unix:", "https://", "https://u@a/"}) {
    EXPECT_EQ(ParseUrl(text).error().code, Code::kMalformed) << text;
  }
  for (const char* text : {"httpss://a", "ftp://a", "HTTPS://a", "a", ""})
    EXPECT_EQ(ParseUrl(text).error().code, Code::kUnsupported) << text;
}

TEST(Url, PercentEncoding) {
  EXPECT_EQ(UrlEncode("did:keel:a/b ~"), "did%3Akeel%3Aa%2Fb%20~");
  EXPECT_EQ(*UrlDecode("did%3Akeel%3aa"), "did:keel:a");
  for (const char* text : {"%", "%4", "%zz", "%00", "a%"}) EXPECT_FALSE(UrlDecode(text)) << text;
  EXPECT_EQ(*QueryValue("a=1&b=%20x&c", "b"), " x");
  EXPECT_EQ(*QueryValue("a=1&c", "c"), "");
  EXPECT_EQ(QueryValue("a=1", "b").error().code, Code::kMissing);
}

TEST(Range, Parses) {
  EXPECT_EQ(ParseRange("bytes=0-9", 100)->length, 10u);
  EXPECT_EQ(ParseRange("bytes=90-", 100)->length, 10u);
  EXPECT_EQ(ParseRange("bytes=90-200", 100)->length, 10u);
  EXPECT_EQ(ParseRange("bytes=100-", 100).error().code, Code::kOutOfRange);
  EXPECT_EQ(ParseRange("bytes=5-4", 100).error().code, Code::kOutOfRange);
  for (const char* text : {"bytes=-5", "bytes=1-2,3-4", "items=1-2", "bytes=x-", "bytes=1"})
    EXPECT_FALSE(ParseRange(text, 100)) << text;
}

TEST(ErrorResponse, IsJsonWhateverTheText) {
  Error error{Code::kNotFound, "did", "quote \" and \\ and \n newline"};
  const HttpResponse response = ErrorResponse(error);
  EXPECT_EQ(response.status, 404);
  const auto json = ParseJson(response.body);
  ASSERT_TRUE(json) << response.body;
  EXPECT_EQ((*json)["error"]["code"], "not_found");
  error.detail = "\xFF";
  EXPECT_TRUE(ParseJson(ErrorResponse(error).body));
}

TEST(Headers, NamesWithoutCase) {
  const HttpHeaders headers{{"Content-Type", "x"}, {"content-type", "y"}};
  EXPECT_EQ(FindHeader(headers, "CONTENT-TYPE"), "x");
  EXPECT_EQ(FindHeader(headers, "Accept"), "");
}

}  // namespace
}  // namespace keel::base
