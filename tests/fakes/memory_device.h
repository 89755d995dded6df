// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/net/http_client.h"
#include "custody/record.h"
#include "keel_wallet.h"
#include "tests/fakes/custody_world.h"
#include "verifier/service.h"

// A wallet whose records lie in memory, and an owner's whole world around it: a real registry node, a maker, an owner's
// verifier service on 127.0.0.1 with durable stores. For tests and benchmarks.
namespace keel::fakes {

class MemoryDevice {
 public:
  // What went over the wire, by kind of request (index: keel_wallet_request_kind).
  struct Traffic {
    uint64_t requests = 0, sent = 0, received = 0;
  };
  // Answers a request: HTTP status, 0 for none. `reply` takes the body.
  using Send = std::function<int(const keel_wallet_request& request, std::string& reply)>;

  MemoryDevice() : message_(16384) {
    ports_.size = sizeof ports_;
    ports_.context = this;
    ports_.random = [](void*, uint8_t* out, size_t length) {
      return crypto::SystemRandom().Fill({out, length}) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
    };
    ports_.store_read = [](void* c, uint16_t id, uint8_t* out, size_t capacity, size_t* length) {
      const auto& kept = static_cast<MemoryDevice*>(c)->records;
      const auto found = kept.find(id);
      if (found == kept.end()) return KEEL_PORT_NOT_FOUND;
      if (found->second.size() > capacity) return KEEL_PORT_FAILED;
      std::memcpy(out, found->second.data(), found->second.size());
      *length = found->second.size();
      return KEEL_PORT_OK;
    };
    ports_.store_write = [](void* c, uint16_t id, const uint8_t* data, size_t length) {
      static_cast<MemoryDevice*>(c)->records[id].assign(data, data + length);
      return KEEL_PORT_OK;
    };
    ports_.store_erase = [](void* c, uint16_t id) {
      static_cast<MemoryDevice*>(c)->records.erase(id);
      return KEEL_PORT_OK;
    };
    ports_.event = [](void* c, keel_wallet_event event, int code, const char* text) {
      auto& lines = static_cast<MemoryDevice*>(c)->log;
      if (lines.size() < 1000)
        lines.push_back(std::to_string(event) + " " + keel_wallet_status_name(code) + " " + text);
    };
    Boot();
  }
  ~MemoryDevice() { keel_wallet_destroy(wallet_); }
  MemoryDevice(const MemoryDevice&) = delete;
  MemoryDevice& operator=(const MemoryDevice&) = delete;

  // A (new) start from what the records say.
  void Boot() {
    if (wallet_ != nullptr) keel_wallet_destroy(wallet_);
    memory_.assign(keel_wallet_size() / sizeof(std::max_align_t) + 1, {});
    keel_wallet_config config{};
    config.size = sizeof config;
    config.abi = KEEL_WALLET_ABI;
    config.message = message_.data();
    config.message_size = message_.size();
    config.backoff_min_ms = 20;
    config.backoff_max_ms = 200;
    if (keel_wallet_init(memory_.data(), memory_.size() * sizeof(std::max_align_t), &config, &ports_, &wallet_) !=
        KEEL_WALLET_OK) {
      std::abort();
    }
  }
  keel_wallet* wallet() { return wallet_; }
  keel_wallet_info Info() const {
    keel_wallet_info info{};
    info.size = sizeof info;
    keel_wallet_get_info(wallet_, Now(), &info);
    return info;
  }
  bool Onboarded() const { return Info().phase == KEEL_PHASE_ONBOARDED; }
  std::string Log() const {
    std::string all;
    for (const std::string& line : log) all += line + "\n";
    return all;
  }

  // Polls and answers until `done`; false when it gave up after so many actions. Waiting is done by moving the device's
  // clock on, at most a few seconds in all.
  bool Run(const Send& send, const std::function<bool()>& done, size_t actions = 60) {
    for (size_t i = 0; i < actions; ++i) {
      if (done()) return true;
      keel_wallet_action action{};
      action.size = sizeof action;
      if (keel_wallet_poll(wallet_, Now(), &action) != KEEL_WALLET_OK) continue;
      if (action.kind == KEEL_ACTION_WAIT) {
        if (action.wake_ms == UINT64_MAX) return done();
        if (action.wake_ms > Now()) ahead_ += action.wake_ms - Now();
        continue;
      }
      if (action.kind == KEEL_ACTION_RESTART) return done();
      Traffic& seen = traffic[static_cast<size_t>(action.request.kind) % traffic.size()];
      ++seen.requests;
      seen.sent += action.request.body_length;
      std::string reply;
      const int status = send(action.request, reply);
      seen.received += reply.size();
      if (status == 0) {
        keel_wallet_failed(wallet_, Now());
      } else {
        keel_wallet_response(wallet_, Now(), status, reinterpret_cast<const uint8_t*>(reply.data()), reply.size());
      }
    }
    return done();
  }
  bool Onboard(const Send& send, size_t actions = 60) {
    return Run(send, [this] { return Onboarded(); }, actions);
  }
  static Send Over(base::HttpClient& http) {
    return [&http](const keel_wallet_request& request, std::string& reply) {
      base::HttpCall call;
      call.method = request.method;
      call.url = request.url;
      if (request.content_type != nullptr) call.content_type = request.content_type;
      call.body.assign(reinterpret_cast<const char*>(request.body), request.body_length);
      call.max_response = request.response_limit;
      auto response = http.Send(call);
      if (!response) return 0;
      reply = std::move(response->body);
      return response->status;
    };
  }

  std::map<uint16_t, std::vector<uint8_t>> records;
  std::vector<std::string> log;
  std::array<Traffic, 5> traffic{};

 private:
  uint64_t Now() const { return base::MonotonicMs() + ahead_; }

  std::vector<std::max_align_t> memory_;
  std::vector<uint8_t> message_;
  keel_wallet_ports ports_{};
  keel_wallet* wallet_ = nullptr;
  uint64_t ahead_ = 0;
};

// Makes real wallets at the maker's: identity, anchors, HardwareCredentials in one anchored batch, stamped and locked.
// p256: every other device has keys of the suite P-256.
inline std::vector<std::unique_ptr<MemoryDevice>> MakeDevices(World& world, Role& maker, size_t count,
                                                              const std::string& prefix = "SN-", bool p256 = false) {
  std::vector<std::unique_ptr<MemoryDevice>> devices;
  const auto seals = *maker.store().MakeSeals(count);
  custody::Identity& identity = maker.identity();
  std::vector<custody::DeviceRecord> records;
  std::vector<std::vector<uint8_t>> entries;
  std::vector<std::string> credentials;
  const auto must = [](int status) {
    if (status != KEEL_WALLET_OK) {
      std::fprintf(stderr, "manufacture: %s\n", keel_wallet_status_name(status));
      std::abort();
    }
  };
  for (size_t i = 0; i < count; ++i) {
    devices.push_back(std::make_unique<MemoryDevice>());
    keel_wallet_factory_input in{};
    in.size = sizeof in;
    in.network_label = identity.network().label.c_str();
    std::copy(identity.net().begin(), identity.net().end(), in.net);
    std::copy(seals[i].seal.begin(), seals[i].seal.end(), in.root_seal);
    in.suite = p256 && i % 2 == 1 ? KEEL_SUITE_P256 : KEEL_SUITE_OKP;
    keel_wallet_factory_output out{};
    out.size = sizeof out;
    must(keel_wallet_manufacture_begin(devices.back()->wallet(), &in, &out));
    custody::DeviceRecord record;
    record.did = out.did;
    record.serial = prefix + std::to_string(i + 1);
    record.model = i % 2 == 0 ? "gateway" : "sensor";
    record.hardware.root_seal = seals[i].seal;
    std::copy_n(out.salt, record.hardware.salt.size(), record.hardware.salt.begin());
    std::copy_n(out.rendezvous_secret, record.rs.size(), record.rs.begin());
    record.rp = *crypto::PublicKey::FromMultikeyOctets({out.rendezvous_key, out.rendezvous_key_length});
    record.ops.push_back({0, {out.create, out.create + out.create_length}});
    std::vector<uint8_t> entry(out.create_length + 16);
    entry.resize(*ledger::WriteOperationEntry(record.ops[0].jws, entry));
    entries.push_back(std::move(entry));
    vc::HardwareRequest paper;
    paper.issuer = identity.did();
    paper.device = record.did;
    paper.valid_from = base::NowSeconds();
    paper.facts.serial = record.serial;
    paper.facts.model = record.model;
    paper.facts.microcontroller = "stm32u585";
    paper.facts.assurance_level = std::string(vc::kAssuranceUnprotected);
    paper.facts.firmware_version = "1.0.0";
    record.hardware.jwt =
        *vc::IssueCredential(vc::HardwareCredential(paper), identity.keys(), identity.auth(), identity.auth_kid());
    credentials.push_back(record.hardware.jwt);
    records.push_back(std::move(record));
  }
  auto batch = *vc::MakeBatch(credentials, crypto::SystemRandom());
  std::string payload(256, '\0');
  payload.resize(*ledger::WriteBatchPayload({batch.root, static_cast<uint32_t>(count)}, payload));
  std::vector<uint8_t> statement(2048);
  statement.resize(*ledger::SignStatement(payload, identity.auth_kid(), identity.keys(), identity.auth(), statement));
  std::vector<uint8_t> entry(statement.size() + 64);
  entry.resize(*ledger::WriteBatchEntry(batch.root, statement, entry));
  entries.push_back(std::move(entry));
  const auto verdicts = maker.registry().Submit(entries);
  EXPECT_TRUE(verdicts) << verdicts.error().Text();
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ((*verdicts)[i].code, Code::kOk) << (*verdicts)[i].detail;
    records[i].ops[0].index = (*verdicts)[i].index;
    batch.members[i].log_index = verdicts->back().index;
    records[i].hardware.batch = base::DumpJson(batch.members[i].ToJson());
    const std::string config = base::DumpJson({{"v", 1},
                                               {"manufacturer", identity.did()},
                                               {"endpoints", {world.url()}},
                                               {"authors", {base::Multikey(identity.auth_key())}},
                                               {"vendor", base::Base64Url(ByteArray<16>{})},
                                               {"class", base::Base64Url(ByteArray<16>{})},
                                               {"stale", 300}});
    const auto stamp = [&](keel_wallet_stamp_item item, ByteView data) {
      must(keel_wallet_manufacture_stamp(devices[i]->wallet(), item, data.data(), data.size()));
    };
    stamp(KEEL_STAMP_CONFIG, AsBytes(config));
    stamp(KEEL_STAMP_DESCRIPTOR, identity.network().genesis);
    stamp(KEEL_STAMP_CREDENTIAL, AsBytes(records[i].hardware.jwt));
    stamp(KEEL_STAMP_BATCH, AsBytes(records[i].hardware.batch));
    must(keel_wallet_manufacture_finalize(devices[i]->wallet()));
    devices[i]->Boot();
  }
  const auto put = maker.store().Put(records);
  EXPECT_TRUE(put) << put.error().Text();
  return devices;
}

// The verifier service of the owner in `folder`, whose custody store holds the devices.
inline std::unique_ptr<verifier::Service> StartVerifier(World& world, const std::string& folder) {
  verifier::ServiceOptions options;
  options.data_dir = folder;
  options.registry = {world.url()};
  auto service = verifier::Service::Start(options);
  EXPECT_TRUE(service) << service.error().Text();
  return service ? std::move(*service) : nullptr;
}

// A verb of its control socket, called directly.
inline Result<json> Ask(verifier::Service& service, const std::string& verb, const json& args = json::object()) {
  const auto verbs = service.Verbs();
  const auto found = verbs.find(verb);
  if (found == verbs.end()) return Fail(Code::kNotFound, "verb", verb);
  return found->second(args);
}

// Claims everything and waits until every invitation stands at the node.
inline bool ClaimAll(verifier::Service& service) {
  const auto claimed = Ask(service, "claim", {{"all", true}});
  EXPECT_TRUE(claimed) << claimed.error().Text();
  const uint64_t until = base::MonotonicMs() + 120'000;
  while (base::MonotonicMs() < until) {
    bool all = true;
    const json listed = *Ask(service, "devices");
    for (const json& device : listed["devices"]) all = all && device["published"].get<bool>();
    if (all) return true;
    struct timespec pause = {0, 5'000'000};
    nanosleep(&pause, nullptr);
  }
  return false;
}

}  // namespace keel::fakes
