// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "did/methods/peer.h"
#include "didcomm/agent.h"
#include "didcomm/pack.h"
#include "didcomm/protocols/basic_message.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"

namespace keel::didcomm {

class HandClock final : public Clock {
 public:
  uint64_t TicksMs() override { return ticks; }
  Result<UnixSeconds> Now() override {
    if (!known) return Fail(Code::kUnavailable, "hand clock", "no time yet");
    return now;
  }
  void Advance(uint64_t seconds) {
    ticks += seconds * 1000;
    now += seconds;
  }
  uint64_t ticks = 1'000;
  UnixSeconds now = 1'800'000'000;
  bool known = true;
};

// Carries "mem:<name>" within the process, and fails as told. Listeners are called on the sender's thread.
class MemoryNet final : public Transport {
 public:
  bool Carries(std::string_view uri) const override { return uri.starts_with("mem:"); }
  Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions&) override {
    EnvelopeHandler handler;
    {
      const std::lock_guard lock(mutex);
      ++tries[uri];
      if (fail_next > 0) {
        --fail_next;
        return Fail(Code::kUnreachable, "memory net", uri + " is down");
      }
      const auto it = handlers.find(uri);
      if (it == handlers.end()) return Fail(Code::kUnreachable, "memory net", "nobody at " + uri);
      handler = it->second;
      sent.push_back(envelope);
    }
    auto reply = handler(std::move(envelope));
    if (!reply) return Fail(Code::kHttpStatus, "memory net", "400: " + reply.error().Text());
    if (lose_replies > 0) {
      --lose_replies;
      return Fail(Code::kClosed, "memory net", "the reply was lost");
    }
    return reply;
  }
  std::mutex mutex;
  std::map<std::string, EnvelopeHandler> handlers;
  std::map<std::string, int> tries;
  std::vector<std::string> sent;
  int fail_next = 0;
  int lose_replies = 0;
};

// What the people in a test share.
struct World {
  World() { crypto::SetUpHostedCrypto(); }
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  HandClock clock;
  MemoryNet net;
};

// Somebody with a did:peer:2 and, if `endpoint` isn't empty, a DIDComm service there.
struct Somebody {
  Somebody(World& world, const std::string& endpoint) {
    const crypto::KeyHandle agree = *store->Generate(crypto::KeyType::kX25519);
    const crypto::KeyHandle auth = *store->Generate(crypto::KeyType::kEd25519);
    const std::vector<did::PeerKey> list = {{did::Relationship::kKeyAgreement, *store->Public(agree)},
                                            {did::Relationship::kAuthentication, *store->Public(auth)}};
    std::vector<std::string> services;
    if (!endpoint.empty()) services.push_back(did::PeerServiceDidcomm(endpoint));
    did = *did::CreatePeer2(list, services);
    world.keys.Add(did + "#key-1", {store.get(), agree});
    world.keys.Add(did + "#key-2", {store.get(), auth});
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  std::string did;
};

// Somebody with an agent that speaks the simple protocols and whatever else is given.
struct Party : Somebody {
  Party(World& the_world, const std::string& name, bool reachable = true, std::vector<Protocol*> more = {},
        AgentOptions options = {})
      : Somebody(the_world, reachable ? "mem:" + name : ""), world(the_world) {
    replay = MakeMemoryReplayCache();
    discover = std::make_unique<DiscoverFeatures>(
        DiscoverFeatures::Features{.protocols = [this] { return agent->Speaks(); }, .goal_codes = {"org.example.sell"}},
        [this](const Incoming&, const std::vector<Disclosure>& list) { disclosed = list; });
    problems.AddListener([this](const Incoming&, const ProblemReport& report) -> Result<> {
      reports.push_back(report);
      return {};
    });
    std::vector<Protocol*> all = {&ping, discover.get(), &problems, &empty, &basic};
    all.insert(all.end(), more.begin(), more.end());
    if (!options.on_message) {
      options.on_message = [this](const Incoming& incoming) { heard.push_back(incoming.message()); };
    }
    options.on_refused = [this](const Incoming&, const Error& error) { refused.push_back(error.code); };
    options.on_undelivered = [this](const Message& message, const Error& error) {
      undelivered.emplace_back(message.type, error.code);
    };
    agent = std::make_unique<Agent>(
        AgentParts{world.keys, world.resolver, *replay, world.clock, std::move(all), {&world.net}}, options);
    if (reachable) Listen("mem:" + name);
  }
  void Listen(const std::string& uri) { world.net.handlers[uri] = agent->Handler(); }

  World& world;
  std::unique_ptr<ReplayCache> replay;
  std::vector<Message> heard;
  std::vector<ProblemReport> reports;
  std::vector<Code> refused;
  std::vector<std::pair<std::string, Code>> undelivered;
  std::vector<Disclosure> disclosed;
  std::vector<std::pair<std::string, std::string>> texts;  // lang, content
  int responses = 0;
  TrustPing ping{[this](const Incoming&) { ++responses; }};
  std::unique_ptr<DiscoverFeatures> discover;
  ReportProblem problems;
  EmptyProtocol empty;
  BasicMessages basic{
      [this](const Incoming&, const BasicMessage& text) { texts.emplace_back(text.lang, text.content); }};
  std::unique_ptr<Agent> agent;
};

// Packs as `from` and opens a reply for `to`: what a peer would do that has no agent of ours.
inline std::string PackFor(World& world, Message message, const std::string& from, const std::string& to) {
  message.from = from;
  message.to = {to};
  if (message.id.empty()) message.id = NewMessageId();
  auto packed = from.empty() ? PackAnoncrypt(message, to, world.keys, world.resolver)
                             : PackAuthcrypt(message, from, to, world.keys, world.resolver);
  EXPECT_TRUE(packed.has_value()) << (packed ? "" : packed.error().Text());
  return packed ? packed->text : "";
}
inline std::optional<Message> OpenFor(World& world, const std::string& envelope) {
  if (envelope.empty()) return std::nullopt;
  auto unpacked = Unpack(envelope, world.keys, world.resolver);
  EXPECT_TRUE(unpacked.has_value()) << (unpacked ? "" : unpacked.error().Text());
  if (!unpacked) return std::nullopt;
  return unpacked->message;
}
inline nlohmann::json Body(const Message& message) { return message.ParseBody().value_or(nullptr); }

}  // namespace keel::didcomm
