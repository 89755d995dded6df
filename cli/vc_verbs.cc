// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "crypto/signature.h"
#include "vc/credential.h"
#include "vc/presentation.h"
#include "vc/status_list/status_list.h"
#include "vc/verification.h"

namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  WorldFlags world;
  std::string kid, at, subject, holder, audience, nonce, extra = "{}";
  std::vector<std::string> issuers, credentials;
  uint64_t life = 300;
  bool ignore_status = false;
};

Result<int> Issue(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(vc::kMaxCredential));
  KEEL_TRY(const json credential, base::ParseJson(input, {.max_size = vc::kMaxCredential}));
  KEEL_TRY(const auto world, World::Open(flags.world));
  std::string issuer;
  if (credential.is_object() && credential.contains("issuer")) {
    const json& said = credential["issuer"];
    if (said.is_object()) {
      KEEL_TRY(issuer, base::GetString(said, "id"));
    } else {
      KEEL_TRY(issuer, base::GetString(credential, "issuer"));
    }
  }
  KEEL_TRY(const World::Acting acting, world->KeyFor(issuer, flags.kid, did::Relationship::kAssertionMethod));
  KEEL_TRY(const std::string jwt, vc::IssueCredential(credential, *acting.key.store, acting.key.handle, acting.kid));
  std::printf("%s\n", jwt.c_str());
  return base::kExitDone;
}

// What a verification of credentials needs of the world; fetches status lists itself.
class Checks {
 public:
  explicit Checks(World& world)
      : status_(world.resolver(),
                {.fetch = [&world](const std::string& url) -> Result<std::string> {
                   base::HttpCall call;
                   call.url = url;
                   KEEL_TRY(const base::HttpResponse response, world.http().Send(call, base::Deadlines{}));
                   if (!response.ok())
                     return Fail(Code::kHttpStatus, "status list", url + " answers " + std::to_string(response.status));
                   return response.body;
                 },
                 .anchored_version = {}}) {}

  Result<vc::VerifyOptions> Options(const Flags& flags) {
    vc::VerifyOptions options;
    KEEL_TRY(options.now, TimeOf(flags.at));
    options.status = &status_;
    options.ignore_status = flags.ignore_status;
    options.trusted_issuers = flags.issuers;
    if (!flags.subject.empty()) options.subject = flags.subject;
    return options;
  }

 private:
  vc::ListStatusChecker status_;
};

Result<int> Verify(const Flags& flags) {
  KEEL_TRY(const std::string jwt, ReadInput(vc::kMaxCredential));
  KEEL_TRY(const auto world, World::Open(flags.world));
  Checks checks(*world);
  KEEL_TRY(const vc::VerifyOptions options, checks.Options(flags));
  KEEL_TRY(const vc::Verification verification, vc::VerifyCredential(jwt, world->resolver(), options));
  json out = verification.ToJson();
  if (!verification.credential.json.empty()) {
    KEEL_TRY(out["credential"], base::ParseJson(verification.credential.json, {.max_size = vc::kMaxCredential}));
  }
  std::printf("%s\n", base::DumpJsonPretty(out).c_str());
  return verification.valid() ? base::kExitDone : base::kExitInvalid;
}

Result<int> Present(const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.world));
  vc::PresentationRequest request;
  request.holder = flags.holder;
  request.audience = flags.audience;
  request.nonce = flags.nonce;
  KEEL_TRY(request.iat, TimeOf(flags.at));
  request.exp = request.iat + flags.life;
  request.extra = flags.extra;
  for (const std::string& file : flags.credentials) {
    KEEL_TRY(std::string jwt, file == "-" ? ReadInput(vc::kMaxCredential) : base::ReadFile(file, vc::kMaxCredential));
    while (!jwt.empty() && (jwt.back() == '\n' || jwt.back() == '\r')) jwt.pop_back();
    request.credentials.push_back(std::move(jwt));
  }
  KEEL_TRY(const World::Acting acting, world->KeyFor(flags.holder, flags.kid, did::Relationship::kAuthentication));
  KEEL_TRY(const std::string jwt, vc::CreatePresentation(request, *acting.key.store, acting.key.handle, acting.kid));
  std::printf("%s\n", jwt.c_str());
  return base::kExitDone;
}

Result<int> VerifyPresented(const Flags& flags) {
  KEEL_TRY(const std::string jwt, ReadInput(1 << 20));
  KEEL_TRY(const auto world, World::Open(flags.world));
  Checks checks(*world);
  vc::PresentationOptions options;
  options.audience = flags.audience;
  options.nonce = flags.nonce;
  KEEL_TRY(options.now, TimeOf(flags.at));
  if (!flags.holder.empty()) options.holder = flags.holder;
  KEEL_TRY(options.credentials, checks.Options(flags));
  KEEL_TRY(const vc::PresentationVerification verification, vc::VerifyPresentation(jwt, world->resolver(), options));
  json list = json::array();
  for (const vc::Check& check : verification.checks)
    list.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  json credentials = json::array();
  for (const vc::Verification& one : verification.credentials) credentials.push_back(one.ToJson());
  const json out = {{"valid", verification.valid()},
                    {"checks", std::move(list)},
                    {"holder", verification.holder},
                    {"credentials", std::move(credentials)}};
  std::printf("%s\n", base::DumpJsonPretty(out).c_str());
  return verification.valid() ? base::kExitDone : base::kExitInvalid;
}

void AddVerifyFlags(CLI::App& app, Flags& flags) {
  app.add_option("--issuer", flags.issuers, "Issuer to trust (repeat; default: any)");
  app.add_option("--at", flags.at, "Judge validity at this time (RFC 3339 or seconds since 1970; default: now)");
  app.add_flag("--ignore-status", flags.ignore_status, "Don't ask for status lists");
  flags.world.AddResolver(app);
}

constexpr const char* kExits =
    "Exit status: 0 done or valid, 1 checked and found invalid, 2 wrong usage or input, 3 could not be checked: a "
    "service can't be reached.\n";

int Finish(const char* program, const Flags& flags, const Result<int>& status) {
  return status ? *status : base::ReportError(program, status.error(), flags.world.json);
}

}  // namespace

int RunVc(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Issues and verifies Verifiable Credentials 2.0 as vc+jwt: standard input to standard output.",
               "keel vc"};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(std::string(kExits) +
             "Examples: keel vc issue --key me.key < credential.json > credential.jwt;  keel vc verify --registry "
             "net.keel < credential.jwt");
  CLI::App* issue = app.add_subcommand("issue", "Unsigned credential (JSON) in, vc+jwt out");
  issue->add_option("--kid", flags.kid,
                    "The signing key's DID URL (default: the issuer's first assertion key that is ours)");
  flags.world.AddResolver(*issue);
  flags.world.AddKeys(*issue);
  CLI::App* verify = app.add_subcommand("verify", "vc+jwt in, verdict with every check out");
  verify->add_option("--subject", flags.subject, "The credential must be about this DID");
  AddVerifyFlags(*verify, flags);
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  return Finish("keel vc", flags, issue->parsed() ? Issue(flags) : Verify(flags));
}

int RunVp(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Makes and verifies presentations as vp+jwt.", "keel vp"};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(std::string(kExits) +
             "Examples: keel vp create --holder did:key:z6Mk... --audience did:example:shop --nonce n1 --credential "
             "c.jwt --key me.key > p.jwt\n"
             "          keel vp verify --audience did:example:shop --nonce n1 < p.jwt");
  CLI::App* create = app.add_subcommand("create", "Presentation of credentials on standard output");
  create->add_option("--holder", flags.holder, "Who presents: a DID")->required();
  create->add_option("--credential", flags.credentials, "File with a vc+jwt, - for standard input (repeat)");
  create->add_option("--kid", flags.kid,
                     "The signing key's DID URL (default: the holder's first authentication key that is ours)");
  create->add_option("--life", flags.life, "Seconds that it is good for")
      ->check(CLI::Range(uint64_t{1}, vc::kMaxPresentationLife))
      ->capture_default_str();
  create->add_option("--at", flags.at, "Issued at (default: now)");
  create->add_option("--extra", flags.extra, "JSON object with further members");
  flags.world.AddResolver(*create);
  flags.world.AddKeys(*create);
  CLI::App* verify = app.add_subcommand("verify", "vp+jwt in, verdict with every check out");
  verify->add_option("--holder", flags.holder, "Must be presented by this DID");
  AddVerifyFlags(*verify, flags);
  for (CLI::App* sub : {create, verify}) {
    sub->add_option("--audience", flags.audience, "Whom it is for")->required();
    sub->add_option("--nonce", flags.nonce, "The verifier's nonce")->required();
  }
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  return Finish("keel vp", flags, create->parsed() ? Present(flags) : VerifyPresented(flags));
}

}  // namespace keel::cli
