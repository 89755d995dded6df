// SPDX-License-Identifier: Apache-2.0
#include "custody/verbs.h"

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "custody/import.h"
#include "custody/request.h"
#include "custody/transfer.h"

namespace keel::custody {
namespace {

using nlohmann::json;

Result<json> List(CustodyContext& context) {
  json devices = json::array();
  KEEL_TRY_VOID(context.store.Visit([&](const DeviceRecord& record) {
    json one = {{"did", record.did},
                {"serial", record.serial},
                {"model", record.model},
                {"state", StateName(record.state)},
                {"links", record.k()},
                {"seal", base::Base64Url(record.LastSeal())},
                {"reliable_from", record.reliable_from}};
    if (!record.given_to.empty()) one["given_to"] = record.given_to;
    devices.push_back(std::move(one));
    return true;
  }));
  return json{{"did", context.identity.did()}, {"devices", std::move(devices)}};
}

}  // namespace

Result<json> RunOwnershipVerb(CustodyContext& context, const json& args) {
  const std::lock_guard lock(context.mutex);
  KEEL_TRY(const std::string verb, base::GetString(args, "verb"));
  if (verb == "list") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb"}));
    return List(context);
  }
  if (verb == "anchor") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb"}));
    return AnchorPending(context);
  }
  if (verb == "cancel") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb", "serials"}));
    KEEL_TRY(const auto serials, base::GetStrings(args, "serials"));
    return Cancel(context, serials);
  }
  if (verb == "request") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb", "count", "out"}));
    KEEL_TRY(const uint64_t count, base::GetUint(args, "count"));
    KEEL_TRY(const std::string out, base::GetString(args, "out"));
    KEEL_TRY(const std::string request, MakeRequest(context, count));
    KEEL_TRY_VOID(base::WriteFileAtomic(out, request + "\n", 0644));
    return json{{"did", context.identity.did()}, {"count", count}, {"file", out}};
  }
  if (verb == "import") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb", "file", "offline"}));
    ImportOptions options;
    KEEL_TRY(options.file, base::GetString(args, "file"));
    KEEL_TRY(const auto offline, base::GetOptionalBool(args, "offline"));
    options.offline = offline.value_or(false);
    return Import(context, options);
  }
  if (verb == "transfer") {
    KEEL_TRY_VOID(base::OnlyMembers(args, {"verb", "request", "out", "all", "model", "serials", "offline"}));
    TransferOptions options;
    KEEL_TRY(options.request_file, base::GetString(args, "request"));
    KEEL_TRY(options.out_file, base::GetString(args, "out"));
    KEEL_TRY(const auto all, base::GetOptionalBool(args, "all"));
    KEEL_TRY(const auto model, base::GetOptionalString(args, "model"));
    KEEL_TRY(const auto offline, base::GetOptionalBool(args, "offline"));
    if (args.contains("serials")) {
      KEEL_TRY(options.serials, base::GetStrings(args, "serials"));
    }
    options.all = all.value_or(false);
    options.model = model.value_or("");
    options.offline = offline.value_or(false);
    return Transfer(context, options);
  }
  return Fail(Code::kUsage, "ownership", "unknown verb '" + verb + "'");
}

}  // namespace keel::custody
