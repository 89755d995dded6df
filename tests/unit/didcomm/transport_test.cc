// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transport.h"

#include <gtest/gtest.h>

#include "tests/fakes/canned_http_client.h"

namespace keel::didcomm {
namespace {

TEST(Transport, PostGivesTheReply) {
  fakes::CannedHttpClient client;
  client.response = base::BytesResponse(200, "application/didcomm-encrypted+json; charset=utf-8", "reply");
  EXPECT_EQ(*PostEnvelope(client, "http://v/didcomm", "envelope"), "reply");
  EXPECT_EQ(client.last.method, "POST");
  EXPECT_EQ(client.last.content_type, kMediaEncrypted);
  EXPECT_EQ(client.last.body, "envelope");
  client.response = base::TextResponse(202, "");
  EXPECT_EQ(*PostEnvelope(client, "http://v/didcomm", "envelope"), "");
}

TEST(Transport, PostNamesWhatWentWrong) {
  fakes::CannedHttpClient client;
  for (const auto& [status, code] :
       {std::pair{400, Code::kRefused}, std::pair{413, Code::kTooLarge}, std::pair{404, Code::kHttpStatus},
        std::pair{503, Code::kBusy}, std::pair{429, Code::kBusy}, std::pair{302, Code::kHttpStatus}}) {
    client.response = base::TextResponse(status, "no");
    EXPECT_EQ(PostEnvelope(client, "http://v/", "e").error().code, code) << status;
  }
  client.response = base::TextResponse(200, "<html>");
  EXPECT_EQ(PostEnvelope(client, "http://v/", "e").error().code, Code::kMalformed);
}

TEST(Transport, EndpointAnswers) {
  const base::SyncHandler endpoint = DidcommEndpoint([](std::string envelope) -> Result<std::string> {
    if (envelope == "bad") return Fail(Code::kBadSignature, "secret reason");
    if (envelope == "busy") return Fail(Code::kBusy, "x");
    if (envelope == "quiet") return std::string();
    return "re:" + envelope;
  });
  auto ask = [&endpoint](std::string body, std::string type = std::string(kMediaEncrypted),
                         std::string method = "POST") {
    base::HttpRequest request;
    request.method = std::move(method);
    request.headers = {{"Content-Type", std::move(type)}};
    request.body = std::move(body);
    return endpoint(request);
  };
  const base::HttpResponse reply = ask("hello");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, kMediaEncrypted);
  EXPECT_EQ(reply.body, "re:hello");
  EXPECT_EQ(ask("quiet").status, 202);
  EXPECT_EQ(ask("bad").status, 400);
  EXPECT_EQ(ask("bad").body.find("secret"), std::string::npos);
  EXPECT_EQ(ask("busy").status, 503);
  EXPECT_EQ(ask("hello", "application/json").status, 415);
  EXPECT_EQ(ask("hello", std::string(kMediaEncrypted), "GET").status, 405);
}

}  // namespace
}  // namespace keel::didcomm
