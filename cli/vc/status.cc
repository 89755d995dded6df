// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "cli/help.h"
#include "cli/vc/judge.h"
#include "cli/vc/signing.h"
#include "cli/verbs.h"
#include "crypto/signature.h"
#include "vc/common_checks.h"
#include "vc/status_list/encoder.h"
#include "vc/status_list/entry.h"
#include "vc/status_list/status_list.h"
#include "vc/verify_any.h"

// keel status: create, set, check (Bitstring Status List 1.0).
namespace keel::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxList = 32 << 20;  // octets of a status list credential

struct Flags {
  JudgeFlags judge;
  SigningFlags signing;
  std::string issuer, url;
  std::vector<std::string> purposes;
  uint64_t entries = vc::kMinStatusBits, ttl = 300'000, version = 1, index = 0, value = 1, days = 7;
  uint32_t size = 1;
};

Result<int> Sign(const json& credential, const std::string& issuer, const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.judge.world));
  vc::SecureOptions options;
  KEEL_TRY_VOID(flags.signing.Fill(options, *world, issuer, did::Relationship::kAssertionMethod, flags.judge.at));
  KEEL_TRY(const vc::Secured secured, vc::Secure(credential, options));
  PrintSecured(secured, flags.judge.world.json);
  return base::kExitDone;
}

Result<vc::StatusListRequest> RequestFor(const Flags& flags) {
  vc::StatusListRequest request;
  KEEL_TRY(request.valid_from, TimeOf(flags.judge.at));
  request.valid_until = request.valid_from + flags.days * 86'400;
  request.ttl_ms = flags.ttl;
  return request;
}

Result<int> Create(const Flags& flags) {
  KEEL_TRY(vc::StatusListRequest request, RequestFor(flags));
  request.issuer = flags.issuer;
  request.url = flags.url;
  request.purposes = flags.purposes.empty() ? std::vector<std::string>{"revocation"} : flags.purposes;
  request.version = 1;
  if (flags.entries > vc::kMaxStatusOctets * 8 / flags.size)
    return Fail(Code::kUsage, "--entries", "the list would be larger than a list may be");
  KEEL_TRY(const vc::Bitstring list,
           vc::Bitstring::Create(std::max(flags.entries * flags.size, vc::kMinStatusBits * flags.size)));
  KEEL_TRY(const json credential, vc::StatusListCredential(request, list));
  return Sign(credential, request.issuer, flags);
}

// The list on standard input; it must verify, or a forged one would be made good by being signed again.
Result<vc::StatusList> ReadList(const Flags& flags, std::string& form) {
  KEEL_TRY(const std::string input, base::ReadFile("-", kMaxList));
  JudgeFlags how = flags.judge;
  how.no_status = true;
  KEEL_TRY(const auto judge, Judge::Open(how));
  vc::VerifyOptions options = judge->options();
  options.max_size = kMaxList;
  options.now = std::nullopt;  // a list that has ended is renewed
  KEEL_TRY(const vc::Verification verification, vc::VerifyAny(input, judge->world().resolver(), options));
  if (!verification.valid()) return Fail(Code::kBadSignature, "status list", verification.Reason());
  form = verification.form;
  return vc::ReadStatusList(verification.credential);
}

Result<int> Set(Flags flags) {
  std::string form;
  KEEL_TRY(vc::StatusList list, ReadList(flags, form));
  if (flags.signing.form.empty()) flags.signing.form = form;
  if (const auto set = list.list.SetValue(flags.index, flags.size, flags.value); !set)
    return Fail(Code::kUsage, "--index", set.error().Text());
  KEEL_TRY(vc::StatusListRequest request, RequestFor(flags));
  request.issuer = list.issuer;
  request.url = list.url;
  request.purposes = list.purposes;
  // A verifier that has seen the present one refuses what isn't newer.
  request.version = list.version + 1;
  if (list.ttl_ms) request.ttl_ms = *list.ttl_ms;
  KEEL_TRY(const json credential, vc::StatusListCredential(request, list.list));
  return Sign(credential, request.issuer, flags);
}

Result<int> Check(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadOctets());
  JudgeFlags how = flags.judge;
  how.no_status = true;  // asked for below, one by one
  KEEL_TRY(const auto judge, Judge::Open(how));
  KEEL_TRY(const vc::Verification verification, judge->Verify(input));
  const vc::Check* signature = verification.Find(vc::kCheckSignature);
  // Its URLs are whoever's who wrote them.
  if (signature == nullptr || !signature->ok)
    return Fail(Code::kBadSignature, "credential", "nothing is asked for it: " + verification.Reason());
  bool good = true;
  json entries = json::array();
  for (const vc::StatusEntry& entry : verification.credential.status) {
    json one = {{"type", entry.type}, {"statusListCredential", entry.list_url}, {"statusListIndex", entry.index}};
    if (!entry.purpose.empty()) one["statusPurpose"] = entry.purpose;
    if (entry.type != "BitstringStatusListEntry") {
      one["problem"] = "a type that is not known here";
      good = false;
    } else {
      KEEL_TRY(const vc::StatusChecker::Status status,
               judge->status().Check(entry, verification.credential.issuer, *judge->options().now));
      one.update(
          json{{"value", status.value}, {"set", status.set}, {"fresh", status.fresh}, {"version", status.version}});
      if (!status.message.empty()) one["message"] = status.message;
      if (!status.problem.empty()) one["problem"] = status.problem;
      if (!status.fresh || !status.problem.empty() || (status.set && vc::Invalidates(entry.purpose))) good = false;
    }
    entries.push_back(std::move(one));
  }
  const json out = {{"good", good}, {"entries", std::move(entries)}};
  std::printf("%s\n", (flags.judge.world.json ? base::DumpJson(out) : base::DumpJsonPretty(out)).c_str());
  return good ? base::kExitDone : base::kExitInvalid;
}

void AddSigning(CLI::App& app, Flags& flags) {
  app.add_option("--days", flags.days, "Days that the list is good for, from --now")
      ->check(CLI::Range(uint64_t{1}, uint64_t{3650}))
      ->capture_default_str();
  flags.judge.AddKnown(app);
  flags.judge.world.AddKeys(app);
}

}  // namespace

int RunStatus(int argc, char** argv) {
  Flags flags;
  CLI::App app{
      "Status lists (Bitstring Status List 1.0): makes one, changes a status in one, asks for a credential's statuses.",
      "keel status"};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done or good, 1 revoked, suspended, outdated or forged, 2 wrong usage or unreadable input, 3 "
      "could "
      "not be checked: a service can't be reached.\n"
      "Examples: keel status create --issuer did:key:z6Mk... --url https://maker.example/status/1 --key me.key > "
      "list.jwt\n"
      "          keel status set --index 94567 --key me.key < list.jwt > newer.jwt\n"
      "          keel status check --list https://maker.example/status/1=newer.jwt < credential.jwt");
  CLI::App* create = app.add_subcommand("create", "A new list, nothing set, on standard output");
  create->add_option("--issuer", flags.issuer, "Who issues it")->required();
  create->add_option("--url", flags.url, "Where it will be published; becomes its id")->required();
  create
      ->add_option("--purpose", flags.purposes,
                   "revocation, suspension, refresh, message (repeat; default: revocation)")
      ->expected(1)
      ->take_all();
  create->add_option("--entries", flags.entries, "How many credentials it has room for")->capture_default_str();
  create->add_option("--size", flags.size, "Bits of one status")->check(CLI::Range(1U, 16U))->capture_default_str();
  create->add_option("--ttl", flags.ttl, "Milliseconds that a verifier may keep it; 0: not said")
      ->capture_default_str();
  std::vector<std::string_view> forms = vc::CredentialForms();
  std::erase_if(forms, [](std::string_view form) { return form.ends_with("sd-jwt") || form == "ecdsa-sd-2023"; });
  flags.signing.AddForm(*create, forms, "vc+jwt");
  AddSigning(*create, flags);
  CLI::App* set = app.add_subcommand("set", "A list in, the same with one status changed and the next version out");
  set->add_option("--index", flags.index, "Whose status")->required();
  set->add_option("--value", flags.value, "The new status; 0 unsets it")->capture_default_str();
  set->add_option("--size", flags.size, "Bits of one status")->check(CLI::Range(1U, 16U))->capture_default_str();
  set->add_option("--form", flags.signing.form, "How to secure it (default: as it came)");
  set->add_option("--kid", flags.signing.kid, "The signing key's DID URL (default: the issuer's first that is ours)");
  AddSigning(*set, flags);
  CLI::App* check = app.add_subcommand("check", "A credential in, what its statuses say out");
  check->add_option("--list", flags.judge.lists, "A status list that needn't be fetched (repeat)")
      ->type_name("URL=FILE")
      ->expected(1)
      ->take_all();
  flags.judge.AddKnown(*check);
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  if (set->parsed() && set->count("--form") == 0) flags.signing.form.clear();
  crypto::SetUpHostedCrypto();
  const Result<int> status = create->parsed() ? Create(flags) : set->parsed() ? Set(std::move(flags)) : Check(flags);
  return status ? *status : base::ReportError("keel status", status.error(), flags.judge.world.json);
}

}  // namespace keel::cli
