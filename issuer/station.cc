// SPDX-License-Identifier: Apache-2.0
#include "issuer/station.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "issuer/line_channel.h"
#include "issuer/row.h"
#include "ledger/operation.h"

namespace keel::issuer {
namespace {

using nlohmann::json;

// One device on the station's bench.
struct Bench {
  const DeviceRow* row = nullptr;
  std::string state;  // of the issuer's row
  std::string known_did;
  std::string root_seal;
  std::unique_ptr<LineChannel> device;
  json identity;  // the device's answer to begin
  json stamp;
  std::string digest;
  bool locked = false;  // found locked: only finish is left
  bool failed = false;
  uint64_t started = 0;

  const std::string& serial() const { return row->facts.serial; }
};

std::vector<std::string> CommandFor(const StationOptions& options, const std::string& folder) {
  std::vector<std::string> argv;
  bool placed = false;
  for (std::string word : options.command) {
    const size_t at = word.find("{data}");
    if (at != std::string::npos) {
      word.replace(at, 6, folder);
      placed = true;
    }
    argv.push_back(std::move(word));
  }
  if (!placed) argv.insert(argv.end(), {"manufacture", "--data", folder});
  return argv;
}

// The device has the key that its create operation names first.
Result<> CheckProof(const std::string& create, ByteView challenge, const json& answer) {
  KEEL_TRY(const Bytes64 signature, base::GetFixed<64>(answer, "signature"));
  ByteArray<ledger::kMaxOperationPayload> scratch{};
  KEEL_TRY(const ledger::Operation operation, ledger::ParseOperation(AsBytes(create), scratch));
  if (operation.key_count == 0) return Fail(Code::kMalformed, "device", "no key in the create operation");
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(operation.keys[0].multikey));
  base::ByteVec message = base::ToBytes(std::string_view("keel-station/1\n"));
  message.insert(message.end(), challenge.begin(), challenge.end());
  KEEL_TRY(const bool good, crypto::Verify(key, message, signature));
  if (!good) return Fail(Code::kBadSignature, "device", "it doesn't have the key of its own DID");
  return {};
}

std::string HashText(ByteView octets) { return base::Base64Url(crypto::Sha256::Of(octets)); }

// What the device read back from its store against what was sent. Gives a digest over all of it.
Result<std::string> Compare(const Bench& bench, const std::string& descriptor, const json& read) {
  KEEL_TRY(const std::string config, base::GetString(bench.stamp, "config"));
  KEEL_TRY(const std::string credential, base::GetString(bench.stamp, "credential"));
  KEEL_TRY(const std::string batch, base::GetString(bench.stamp, "batch"));
  KEEL_TRY(const std::string create, base::GetString(bench.identity, "create"));
  KEEL_TRY(const std::string did, base::GetString(bench.identity, "did"));
  KEEL_TRY(const base::ByteVec descriptor_octets, base::FromBase64Url(descriptor));
  const std::pair<const char*, std::string> wanted[] = {
      {"did", did},
      {"config", HashText(AsBytes(config))},
      {"descriptor", HashText(descriptor_octets)},
      {"credential", HashText(AsBytes(credential))},
      {"batch", HashText(AsBytes(batch))},
      {"root_seal", bench.root_seal},
      {"create", HashText(AsBytes(create))},
  };
  crypto::Sha256 all;
  for (const auto& [name, value] : wanted) {
    KEEL_TRY(const std::string seen, base::GetString(read, name));
    if (seen != value)
      return Fail(Code::kCorrupt, "device", std::string("reads back another ") + name + " than was stamped: scrap it");
    all.Update(value).Update("\n");
  }
  return base::Base64Url(all.Final());
}

class Station {
 public:
  Station(const StationOptions& options, const IssuerVerb& issuer, Random& random)
      : options_(options), issuer_(issuer), random_(random) {}

  Result<> Group(std::span<const DeviceRow> rows) {
    KEEL_TRY(std::vector<Bench> benches, Begin(rows));
    KEEL_TRY_VOID(MeetDevices(benches));
    KEEL_TRY_VOID(AnchorAll(benches));
    KEEL_TRY_VOID(StampAll(benches));
    return FinishAll(benches);
  }

  json made = json::array(), skipped = json::array(), failed = json::array();

 private:
  void Event(const Bench& bench, const char* step) const {
    if (!options_.on_event) return;
    json event = {{"serial", bench.serial()}, {"step", step}, {"ms", base::MonotonicMs() - bench.started}};
    if (bench.identity.is_object() && bench.identity.contains("did")) event["did"] = bench.identity["did"];
    options_.on_event(event);
  }
  void Drop(Bench& bench, const Error& error) {
    failed.push_back({{"serial", bench.serial()},
                      {"line", bench.row->line},
                      {"code", CodeName(error.code)},
                      {"message", error.Text()}});
    bench.failed = true;
    bench.device.reset();
    Event(bench, "failed");
  }
  // Asks every live device of the group: all are sent before the first is waited for.
  void AskAll(std::vector<Bench>& benches, const std::function<json(Bench&)>& question,
              const std::function<Result<>(Bench&, const json&)>& answer) {
    for (Bench& bench : benches) {
      if (bench.failed || !bench.device) continue;
      if (auto sent = bench.device->Send(question(bench)); !sent) Drop(bench, sent.error());
    }
    for (Bench& bench : benches) {
      if (bench.failed || !bench.device) continue;
      auto received = bench.device->Receive(options_.device_timeout);
      if (!received && received.error().code == Code::kLocked && bench.state == "verified" &&
          (bench.device->refused_did().empty() || bench.device->refused_did() == bench.known_did)) {
        bench.locked = true;  // the run before was cut off between locking and finishing
        bench.device.reset();
        continue;
      }
      const Result<> judged = received ? answer(bench, *received) : Result<>(std::unexpected<Error>(received.error()));
      if (!judged) Drop(bench, judged.error());
    }
  }

  Result<std::vector<Bench>> Begin(std::span<const DeviceRow> rows) {
    json asked = json::array();
    for (const DeviceRow& row : rows) {
      json one = {{"facts", FactsToJson(row.facts)}};
      if (!row.manufacture_date.empty()) one["date"] = row.manufacture_date;
      asked.push_back(std::move(one));
    }
    KEEL_TRY(const json answer, issuer_("manufacture.begin", {{"rows", std::move(asked)}}));
    KEEL_TRY(label_, base::GetString(answer, "label"));
    KEEL_TRY(net_, base::GetString(answer, "net"));
    KEEL_TRY(const json* list, base::GetArray(answer, "rows"));
    std::vector<Bench> benches;
    if (list->size() != rows.size())
      return Fail(Code::kInternalError, "station", "the issuer's answer has another number of rows");
    for (size_t i = 0; i < rows.size(); ++i) {
      Bench bench;
      bench.row = &rows[i];
      bench.started = base::MonotonicMs();
      KEEL_TRY(bench.state, base::GetString((*list)[i], "state"));
      KEEL_TRY(bench.root_seal, base::GetString((*list)[i], "root_seal"));
      KEEL_TRY(const auto did, base::GetOptionalString((*list)[i], "did"));
      bench.known_did = did.value_or("");
      if (bench.state == "finished") {
        skipped.push_back({{"serial", bench.serial()}, {"did", bench.known_did}});
        continue;
      }
      benches.push_back(std::move(bench));
    }
    return benches;
  }

  Result<> MeetDevices(std::vector<Bench>& benches) {
    for (Bench& bench : benches) {
      const std::string folder = options_.devices_dir + "/" + bench.serial();
      KEEL_TRY_VOID(base::MakePrivateDir(folder));
      KEEL_TRY(bench.device, LineChannel::Spawn(CommandFor(options_, folder)));
    }
    AskAll(
        benches,
        [&](Bench& bench) {
          return json{{"op", "begin"}, {"label", label_}, {"net", net_}, {"root_seal", bench.root_seal}};
        },
        [&](Bench& bench, const json& answer) -> Result<> {
          KEEL_TRY(const std::string did, base::GetString(answer, "did"));
          if (!bench.known_did.empty() && did != bench.known_did)
            return Fail(Code::kConflict, "device",
                        "it says " + did + ", but " + bench.known_did + " was made for serial " + bench.serial() +
                            ": another device, or its store was erased");
          bench.identity = answer;
          Event(bench, "keys");
          return {};
        });
    std::map<const Bench*, Bytes32> challenges;
    for (Bench& bench : benches) KEEL_TRY_VOID(random_.Fill(challenges[&bench]));
    AskAll(
        benches,
        [&](Bench& bench) { return json{{"op", "prove"}, {"challenge", base::Base64Url(challenges[&bench])}}; },
        [&](Bench& bench, const json& answer) -> Result<> {
          KEEL_TRY(const std::string create, base::GetString(bench.identity, "create"));
          return CheckProof(create, challenges[&bench], answer);
        });
    return {};
  }

  static json AnchorRequest(const Bench& bench) {
    json one = {{"serial", bench.serial()}};
    for (const char* member : {"did", "create", "salt", "rs", "rp"})
      if (bench.identity.contains(member)) one[member] = bench.identity[member];
    return one;
  }

  Result<> TakeStamps(std::vector<Bench*>& benches, const json& answer) {
    KEEL_TRY(descriptor_, base::GetString(answer, "descriptor"));
    KEEL_TRY(const json* stamps, base::GetArray(answer, "stamps"));
    if (stamps->size() != benches.size())
      return Fail(Code::kInternalError, "station", "the issuer's answer has another number of stamps");
    for (size_t i = 0; i < benches.size(); ++i) {
      benches[i]->stamp = (*stamps)[i];
      Event(*benches[i], "anchored");
    }
    return {};
  }

  Result<> AnchorAll(std::vector<Bench>& benches) {
    std::vector<Bench*> ready;
    json devices = json::array();
    for (Bench& bench : benches) {
      if (bench.failed || !bench.device) continue;
      devices.push_back(AnchorRequest(bench));
      ready.push_back(&bench);
    }
    if (ready.empty()) return {};
    auto answer = issuer_("manufacture.anchor", {{"devices", devices}});
    if (answer) return TakeStamps(ready, *answer);
    const Code code = answer.error().code;
    if (code == Code::kUnreachable || code == Code::kTimeout || code == Code::kNotSponsored ||
        code == Code::kQuotaExceeded || ready.size() == 1) {
      if (ready.size() == 1 && code != Code::kUnreachable && code != Code::kTimeout) {
        Drop(*ready[0], answer.error());
        return {};
      }
      return std::unexpected<Error>(std::move(answer.error()));
    }
    // One bad device must not hold up the others: ask for each by itself.
    for (Bench* bench : ready) {
      std::vector<Bench*> one = {bench};
      auto single = issuer_("manufacture.anchor", {{"devices", {AnchorRequest(*bench)}}});
      if (single) {
        KEEL_TRY_VOID(TakeStamps(one, *single));
      } else {
        Drop(*bench, single.error());
      }
    }
    return {};
  }

  Result<> StampAll(std::vector<Bench>& benches) {
    AskAll(
        benches,
        [&](Bench& bench) {
          return json{{"op", "stamp"},
                      {"config", bench.stamp["config"]},
                      {"descriptor", descriptor_},
                      {"credential", bench.stamp["credential"]},
                      {"batch", bench.stamp["batch"]}};
        },
        [](Bench&, const json& answer) -> Result<> {
          KEEL_TRY(const bool ok, base::GetBool(answer, "ok"));
          return ok ? Result<>() : Result<>(Fail(Code::kRefused, "device", "it didn't take the stamp"));
        });
    AskAll(
        benches, [](Bench&) { return json{{"op", "read"}}; },
        [&](Bench& bench, const json& answer) -> Result<> {
          KEEL_TRY(bench.digest, Compare(bench, descriptor_, answer));
          return {};
        });
    json verified = json::array();
    for (const Bench& bench : benches)
      if (!bench.failed && bench.device) verified.push_back({{"serial", bench.serial()}, {"digest", bench.digest}});
    if (!verified.empty()) KEEL_TRY_VOID(issuer_("manufacture.verified", {{"devices", std::move(verified)}}));
    AskAll(
        benches, [](Bench&) { return json{{"op", "finalize"}}; },
        [&](Bench& bench, const json& answer) -> Result<> {
          KEEL_TRY(bench.locked, base::GetBool(answer, "locked"));
          return bench.locked ? Result<>() : Result<>(Fail(Code::kRefused, "device", "it didn't lock"));
        });
    return {};
  }

  Result<> FinishAll(std::vector<Bench>& benches) {
    json serials = json::array();
    for (const Bench& bench : benches)
      if (!bench.failed && bench.locked) serials.push_back(bench.serial());
    if (serials.empty()) return {};
    KEEL_TRY_VOID(issuer_("manufacture.finish", {{"serials", std::move(serials)}}));
    for (Bench& bench : benches) {
      if (bench.failed || !bench.locked) continue;
      made.push_back(
          {{"serial", bench.serial()},
           {"did", bench.identity.is_object() ? bench.identity.value("did", bench.known_did) : bench.known_did}});
      Event(bench, "finished");
    }
    return {};
  }

  const StationOptions& options_;
  const IssuerVerb& issuer_;
  Random& random_;
  std::string label_, net_, descriptor_;
};

}  // namespace

Result<json> RunStation(const std::vector<DeviceRow>& rows, const StationOptions& options, const IssuerVerb& issuer,
                        Random& random) {
  Station station(options, issuer, random);
  const size_t group = std::clamp<size_t>(options.parallel, 1, 256);
  KEEL_TRY_VOID(base::MakeDir(options.devices_dir));
  for (size_t from = 0; from < rows.size(); from += group) {
    const auto some = std::span<const DeviceRow>(rows).subspan(from, std::min(group, rows.size() - from));
    KEEL_TRY_VOID(station.Group(some));
  }
  return json{{"made", std::move(station.made)},
              {"skipped", std::move(station.skipped)},
              {"failed", std::move(station.failed)}};
}

std::vector<DeviceRow> DemoRows(size_t count) {
  std::vector<DeviceRow> rows;
  for (size_t i = 0; i < count; ++i) {
    const bool gateway = i % 2 == 0;
    char serial[32];
    std::snprintf(serial, sizeof serial, "%s-%06zu", gateway ? "KG" : "KS", i / 2 + 1);
    DeviceRow row;
    row.line = i + 2;
    row.facts.serial = serial;
    row.facts.model = gateway ? "keel-gateway-2" : "keel-sensor-1";
    row.facts.microcontroller = gateway ? "NXP i.MX 8M Mini" : "STM32U585";
    row.facts.operating_system = gateway ? "Debian GNU/Linux 12" : "Zephyr 3.7";
    row.facts.secure_hardware = gateway ? "none" : "STSAFE-A110";
    row.facts.hardware_revision = gateway ? "B2" : "A1";
    row.facts.memory_kib = gateway ? 2 << 20 : 786;
    row.facts.time_zone = "Europe/Berlin";
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace keel::issuer
