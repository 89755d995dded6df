// SPDX-License-Identifier: Apache-2.0
#include "didcomm/routing.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

// did:example documents with whatever services, over peers' keys; counts what is resolved.
class World final : public did::DidResolver {
 public:
  using DidResolver::Resolve;
  Result<did::ResolutionResult> Resolve(const std::string& did, const did::ResolutionOptions&) override {
    resolved.push_back(did);
    if (did.starts_with("did:peer:")) return peer_.Resolve(did);
    const auto found = documents_.find(did);
    if (found == documents_.end()) return Fail(Code::kNotFound, "world", did);
    did::ResolutionResult result;
    result.document = found->second;
    result.deactivated = deactivated.contains(did);
    return result;
  }
  // A DID with one X25519 key, #k, and this `service` member.
  std::string Add(const std::string& did, const json& service) {
    store_.push_back(crypto::SoftwareKeyStore::CreateInMemory());
    const auto handle = *store_.back()->Generate(crypto::KeyType::kX25519);
    finder.Add(did + "#k", {store_.back().get(), handle});
    json document = {
        {"id", did},
        {"verificationMethod", json::array({{{"id", did + "#k"},
                                             {"type", "Multikey"},
                                             {"controller", did},
                                             {"publicKeyMultibase", base::Multikey(*store_.back()->Public(handle))}}})},
        {"keyAgreement", json::array({did + "#k"})}};
    if (!service.is_null()) document["service"] = service;
    documents_[did] = std::make_shared<did::DidDocument>(*did::DidDocument::FromJson(document));
    return did;
  }
  static json Service(const json& endpoint, const std::string& id = "#s") {
    return {{"id", id}, {"type", "DIDCommMessaging"}, {"serviceEndpoint", endpoint}};
  }

  did::MapKeyFinder finder;
  std::vector<std::string> resolved;
  std::set<std::string> deactivated;

 private:
  did::PeerMethod peer_;
  std::vector<std::unique_ptr<crypto::SoftwareKeyStore>> store_;
  std::map<std::string, std::shared_ptr<did::DidDocument>> documents_;
};

Message Hello(const std::string& from, const std::string& to) {
  Message message;
  message.id = NewMessageId();
  message.type = "https://example.org/test/1.0/hello";
  message.from = from;
  message.to = {to};
  return message;
}

class Routing : public ::testing::Test {
 protected:
  std::string PackFor(const std::string& to) {
    world.Add("did:example:alice", nullptr);
    auto packed = PackAuthcrypt(Hello("did:example:alice", to), "did:example:alice", to, world.finder, world);
    EXPECT_TRUE(packed) << (packed ? "" : packed.error().Text());
    return packed ? packed->text : "";
  }
  Forward Open(const std::string& envelope, const std::string& mediator) {
    const auto opened = Unpack(envelope, world.finder, world);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().Text());
    EXPECT_EQ(opened->message.to, std::vector<std::string>{mediator});
    EXPECT_TRUE(opened->metadata.anonymous_sender);
    EXPECT_FALSE(opened->metadata.authenticated);
    last = opened->message;
    auto forward = UnwrapForward(opened->message);
    EXPECT_TRUE(forward) << (forward ? "" : forward.error().Text());
    return forward ? *forward : Forward{};
  }
  World world;
  Message last;
};

TEST_F(Routing, DirectEndpointTakesTheMessageAsItIs) {
  const std::string bob = world.Add(
      "did:example:bob", json::array({World::Service({{"uri", "http://bob/"}}),
                                      World::Service({{"uri", "ws://bob/"}, {"accept", {"didcomm/v2"}}}, "#t")}));
  const std::string packed = PackFor(bob);
  const auto ways = Route(packed, bob, world);
  ASSERT_TRUE(ways) << ways.error().Text();
  ASSERT_EQ(ways->size(), 1u);
  EXPECT_EQ(ways->front().envelope, packed);
  EXPECT_EQ(ways->front().uris, (std::vector<std::string>{"http://bob/", "ws://bob/"}));
}

TEST_F(Routing, RoutingKeysAreWrappedFromTheEnd) {
  world.Add("did:example:m1", nullptr);
  world.Add("did:example:m2", nullptr);
  const std::string bob = world.Add(
      "did:example:bob", json::array({World::Service(
                             {{"uri", "http://m1/"}, {"routingKeys", {"did:example:m1#k", "did:example:m2#k"}}})}));
  const std::string packed = PackFor(bob);
  const auto ways = Route(packed, bob, world, {.expires_time = 2'000'000'000});
  ASSERT_TRUE(ways) << ways.error().Text();
  ASSERT_EQ(ways->size(), 1u);
  const Forward outer = Open(ways->front().envelope, "did:example:m1");
  EXPECT_EQ(outer.next, "did:example:m2#k");  // the item of routingKeys
  EXPECT_EQ(last.expires_time, 2'000'000'000u);
  ASSERT_EQ(outer.payloads.size(), 1u);
  const Forward inner = Open(outer.payloads[0], "did:example:m2");
  EXPECT_EQ(inner.next, bob);
  EXPECT_EQ(last.expires_time, 2'000'000'000u);
  ASSERT_EQ(inner.payloads.size(), 1u);
  const auto got = Unpack(inner.payloads[0], world.finder, world);
  ASSERT_TRUE(got) << got.error().Text();
  EXPECT_EQ(got->message.type, "https://example.org/test/1.0/hello");
  // Only the party whose turn it is can open each layer.
  did::MapKeyFinder nobody;
  EXPECT_EQ(Unpack(ways->front().envelope, nobody, world).error().code, Code::kNoSuchKey);
}

TEST_F(Routing, DidAsEndpointGoesBeforeTheRoutingKeys) {
  world.Add("did:example:other", nullptr);
  world.Add("did:example:front", nullptr);
  world.Add("did:example:mediator",
            json::array(
                {World::Service(json::array({{{"uri", "did:example:front"}},  // a second indirection: passed over
                                             {{"uri", "https://mediator/"}},
                                             {{"uri", "wss://mediator/"}},
                                             {{"uri", "http://late/"}, {"routingKeys", {"did:example:front#k"}}}}))}));
  const std::string bob = world.Add(
      "did:example:bob",
      json::array({World::Service({{"uri", "did:example:mediator"}, {"routingKeys", {"did:example:other#k"}}})}));
  const auto endpoints = FindEndpoints(bob, world);
  ASSERT_TRUE(endpoints) << endpoints.error().Text();
  ASSERT_EQ(endpoints->size(), 3u);
  EXPECT_EQ(endpoints->at(0).uri, "https://mediator/");
  EXPECT_EQ(endpoints->at(0).hops, (std::vector<std::string>{"did:example:mediator", "did:example:other#k"}));
  EXPECT_EQ(endpoints->at(2).hops,
            (std::vector<std::string>{"did:example:front#k", "did:example:mediator", "did:example:other#k"}));
  const auto ways = Route(PackFor(bob), bob, world);
  ASSERT_TRUE(ways) << ways.error().Text();
  ASSERT_EQ(ways->size(), 2u);
  EXPECT_EQ(ways->at(0).uris, (std::vector<std::string>{"https://mediator/", "wss://mediator/"}));
  const Forward outer = Open(ways->at(0).envelope, "did:example:mediator");
  EXPECT_EQ(outer.next, "did:example:other#k");
  EXPECT_EQ(Open(outer.payloads.at(0), "did:example:other").next, bob);
}

TEST_F(Routing, MediatorsThatPointAtEachOtherEnd) {
  world.Add("did:example:a", json::array({World::Service({{"uri", "did:example:b"}})}));
  world.Add("did:example:b", json::array({World::Service({{"uri", "did:example:a"}})}));
  const std::string self = world.Add("did:example:self", json::array({World::Service({{"uri", "did:example:self"}})}));
  EXPECT_EQ(FindEndpoints("did:example:a", world).error().code, Code::kUnsupported);
  EXPECT_EQ(world.resolved.size(), 2u);
  EXPECT_EQ(FindEndpoints(self, world).error().code, Code::kMalformed);
}

TEST_F(Routing, WhatIsUnusableIsPassedOverOrNamed) {
  const auto code = [&](const json& services) {
    world.Add("did:example:x", services);
    const auto found = FindEndpoints("did:example:x", world);
    return found ? Code::kOk : found.error().code;
  };
  EXPECT_EQ(code(nullptr), Code::kNotFound);
  EXPECT_EQ(code(json::array({{{"id", "#s"}, {"type", "LinkedDomains"}, {"serviceEndpoint", "https://x/"}}})),
            Code::kNotFound);
  EXPECT_EQ(code(json::array({World::Service({{"uri", "http://x/"}, {"accept", {"didcomm/aip2;env=rfc587"}}})})),
            Code::kUnsupported);
  EXPECT_EQ(code(json::array({World::Service({{"uri", "http://x/"}, {"accept", {"didcomm/aip1", "didcomm/v2"}}})})),
            Code::kOk);
  EXPECT_EQ(code(json::array({World::Service({{"accept", {"didcomm/v2"}}})})), Code::kMissing);
  EXPECT_EQ(code(json::array({World::Service({{"uri", "http://x/"}, {"routingKeys", {"#k"}}})})), Code::kMalformed);
  EXPECT_EQ(code(json::array({World::Service({{"uri", "http://x/"}, {"routingKeys", "did:example:m#k"}})})),
            Code::kMalformed);
  EXPECT_EQ(code(json::array({World::Service({{"uri", "did:example:gone"}})})), Code::kNotFound);
  // A second, good service is used in each case.
  EXPECT_EQ(
      code(json::array({World::Service({{"uri", "did:example:gone"}}), World::Service({{"uri", "http://y/"}}, "#t")})),
      Code::kOk);
  // A bare string, with accept and routing keys beside it.
  EXPECT_EQ(code(json::array({World::Service("http://x/")})), Code::kOk);
  json old = World::Service("http://x/");
  old["routingKeys"] = {"did:example:m#k"};
  world.Add("did:example:x", json::array({old}));
  EXPECT_EQ(FindEndpoints("did:example:x", world)->front().hops, std::vector<std::string>{"did:example:m#k"});
  world.deactivated.insert("did:example:x");
  EXPECT_EQ(FindEndpoints("did:example:x", world).error().code, Code::kDeactivated);
}

TEST_F(Routing, Bounds) {
  json many = json::array();
  for (int i = 0; i < 20; ++i) many.push_back({{"uri", "http://" + std::to_string(i) + "/"}});
  world.Add("did:example:many", json::array({World::Service(many)}));
  EXPECT_EQ(FindEndpoints("did:example:many", world)->size(), kMaxEndpoints);
  json keys = json::array();
  for (size_t i = 0; i <= kMaxHops; ++i) keys.push_back("did:example:m#k");
  world.Add("did:example:deep", json::array({World::Service({{"uri", "http://x/"}, {"routingKeys", keys}})}));
  EXPECT_EQ(FindEndpoints("did:example:deep", world).error().code, Code::kTooLarge);
  EXPECT_EQ(
      WrapForward("{}", "did:example:x", std::vector<std::string>(kMaxHops + 1, "did:example:m"), world).error().code,
      Code::kTooLarge);
}

TEST_F(Routing, AWayThatCannotBeWrappedLeavesTheOthers) {
  const std::string bob = world.Add(
      "did:example:bob", json::array({World::Service({{"uri", "http://m/"}, {"routingKeys", {"did:example:gone#k"}}}),
                                      World::Service({{"uri", "http://bob/"}}, "#t")}));
  const std::string packed = PackFor(bob);
  const auto ways = Route(packed, bob, world);
  ASSERT_TRUE(ways) << ways.error().Text();
  ASSERT_EQ(ways->size(), 1u);
  EXPECT_EQ(ways->front().uris.front(), "http://bob/");
  const std::string carol =
      world.Add("did:example:carol",
                json::array({World::Service({{"uri", "http://m/"}, {"routingKeys", {"did:example:gone#k"}}})}));
  EXPECT_EQ(Route(PackFor(carol), carol, world).error().code, Code::kNotFound);
}

TEST_F(Routing, PlaintextNeverGoesThroughAMediator) {
  const std::string bob = world.Add("did:example:bob", nullptr);
  world.Add("did:example:m", nullptr);
  const std::string plain = *Hello("did:example:alice", bob).Serialize();
  EXPECT_EQ(WrapForward(plain, bob, {"did:example:m"}, world).error().code, Code::kRefused);
  EXPECT_EQ(*WrapForward(plain, bob, {}, world), plain);
}

TEST_F(Routing, ForwardsThatAreNone) {
  const std::string bob = world.Add("did:example:bob", nullptr);
  const std::string payload = PackFor(bob);
  Message forward;
  forward.id = "1";
  forward.type = kForwardType;
  forward.body = json{{"next", bob}}.dump();
  Attachment attachment;
  attachment.json = payload;
  forward.attachments = {attachment};
  ASSERT_TRUE(UnwrapForward(forward));
  EXPECT_EQ(UnwrapForward(forward)->payloads.front(), payload);
  const auto refused = [&](auto change) {
    Message bad = forward;
    change(bad);
    const auto out = UnwrapForward(bad);
    return out ? Code::kOk : out.error().code;
  };
  EXPECT_EQ(refused([](Message& m) { m.type = "https://didcomm.org/routing/2.0/backward"; }), Code::kUnsupported);
  EXPECT_EQ(refused([](Message& m) { m.type = "https://didcomm.org/routing/3.0/forward"; }), Code::kUnsupported);
  EXPECT_EQ(refused([](Message& m) { m.type = "https://didcomm.org/routing/2.7/forward"; }), Code::kOk);
  EXPECT_EQ(refused([](Message& m) { m.body = "{}"; }), Code::kMissing);
  EXPECT_EQ(refused([](Message& m) { m.body = R"({"next":["did:example:bob"]})"; }), Code::kMalformed);
  EXPECT_EQ(refused([](Message& m) { m.body = R"({"next":"http://bob/"})"; }), Code::kMalformed);
  EXPECT_EQ(refused([](Message& m) { m.body = R"({"next":""})"; }), Code::kMalformed);
  EXPECT_EQ(refused([](Message& m) { m.attachments.clear(); }), Code::kMalformed);
  EXPECT_EQ(refused([](Message& m) { m.attachments.resize(kMaxForwardPayloads + 1, m.attachments[0]); }),
            Code::kTooLarge);
  EXPECT_EQ(refused([](Message& m) { m.attachments[0].json = R"({"a":1})"; }), Code::kMalformed);
  EXPECT_EQ(refused([](Message& m) {
              m.attachments[0].json.clear();
              m.attachments[0].links = {"http://elsewhere/"};
              m.attachments[0].hash = "h";
            }),
            Code::kUnsupported);
  // base64url, and the padded alphabet that some write.
  for (const std::string& text : {base::Base64Url(AsBytes(payload)), base::Base64(AsBytes(payload))}) {
    Message other = forward;
    other.attachments[0].json.clear();
    other.attachments[0].base64 = text;
    ASSERT_TRUE(UnwrapForward(other));
    EXPECT_EQ(UnwrapForward(other)->payloads.front(), payload);
  }
}

TEST_F(Routing, ReceiverOpensARewrappedMessage) {
  const std::string bob = world.Add("did:example:bob", nullptr);
  std::string text = PackFor(bob);
  const auto plain = UnpackForwarded(text, world.finder, world);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->metadata.re_wrapped_in_forward);
  for (size_t i = 0; i < kMaxRewraps; ++i) text = *WrapForward(text, bob, {bob}, world);
  const auto opened = UnpackForwarded(text, world.finder, world);
  ASSERT_TRUE(opened) << opened.error().Text();
  EXPECT_EQ(opened->message.type, "https://example.org/test/1.0/hello");
  EXPECT_TRUE(opened->metadata.re_wrapped_in_forward);
  EXPECT_TRUE(opened->metadata.authenticated);
  text = *WrapForward(text, bob, {bob}, world);
  EXPECT_EQ(UnpackForwarded(text, world.finder, world).error().code, Code::kTooLarge);
}

TEST_F(Routing, AForwardForSomebodyElseIsLeftToTheMediator) {
  const std::string bob = world.Add("did:example:bob", nullptr);
  const std::string mediator = world.Add("did:example:m", nullptr);
  const std::string text = *WrapForward(PackFor(bob), bob, {mediator}, world);
  did::MapKeyFinder only_mediator;
  only_mediator.Add("did:example:m#k", *world.finder.Find("did:example:m#k"));
  world.resolved.clear();
  const auto opened = UnpackForwarded(text, only_mediator, world);
  ASSERT_TRUE(opened) << opened.error().Text();
  EXPECT_EQ(opened->message.type, kForwardType);
  EXPECT_FALSE(opened->metadata.re_wrapped_in_forward);
  EXPECT_TRUE(world.resolved.empty());  // a stranger makes us resolve nothing
}

}  // namespace
}  // namespace keel::didcomm
