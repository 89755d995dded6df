// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "cli/help.h"
#include "cli/vc/judge.h"
#include "cli/vc/report.h"
#include "cli/vc/signing.h"
#include "cli/verbs.h"
#include "crypto/signature.h"
#include "vc/common_checks.h"
#include "vc/presentation.h"
#include "vc/verify_any.h"

// keel vp: create, verify.
namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  JudgeFlags judge;
  SigningFlags signing;
  std::vector<std::string> credentials;
  std::string extra = "{}", id;
  uint64_t life = 300;
};

Result<int> Create(const Flags& flags) {
  KEEL_TRY(const auto world, World::Open(flags.judge.world));
  KEEL_TRY(const auto contexts, ReadContexts(flags.judge.contexts));
  const auto extra = base::ParseJson(flags.extra);
  if (!extra || !extra->is_object()) return Fail(Code::kUsage, "--extra", "is no JSON object");
  json document = *extra;
  for (const char* name : {"@context", "type", "iss", "holder", "aud", "nonce", "iat", "exp", "verifiableCredential"}) {
    if (name != std::string_view("@context") && name != std::string_view("type") && document.contains(name))
      return Fail(Code::kUsage, "--extra", std::string("'") + name + "' has a flag of its own");
  }
  if (!document.contains("@context")) document["@context"] = json::array({vc::kContextV2});
  if (!document.contains("type")) document["type"] = "VerifiablePresentation";
  if (!flags.id.empty()) document["id"] = flags.id;
  document["holder"] = flags.judge.holder;
  for (const std::string& file : flags.credentials) {
    KEEL_TRY(std::string octets, base::ReadFile(file, kMaxVcInput));
    if (!vc::CoseOctets(octets)) octets = octets.substr(0, octets.find_last_not_of(" \t\r\n") + 1);
    auto presented = vc::AsPresented(octets);
    if (!presented) return Fail(Code::kUsage, "--credential", file + ": " + presented.error().Text());
    document["verifiableCredential"].push_back(std::move(*presented));
  }
  vc::SecureOptions options;
  options.contexts = contexts.get();
  KEEL_TRY_VOID(
      flags.signing.Fill(options, *world, flags.judge.holder, did::Relationship::kAuthentication, flags.judge.at));
  // Tokens end by themselves; a Data Integrity proof only when it is told to.
  if (!options.expires && flags.signing.form.starts_with("vp+")) options.expires = *options.created + flags.life;
  options.challenge = flags.judge.challenge;
  options.domain = flags.judge.domain;
  options.nonce = flags.judge.nonce;
  options.audience = flags.judge.audience;
  KEEL_TRY(const vc::Secured secured, vc::Secure(document, options));
  PrintSecured(secured, flags.judge.world.json);
  return base::kExitDone;
}

Result<int> Verify(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadOctets());
  if (vc::Recognize(input) == vc::Syntax::kUnknown)
    return Fail(Code::kUsage, "standard input", "is neither JSON nor a token nor COSE");
  KEEL_TRY(const auto judge, Judge::Open(flags.judge));
  KEEL_TRY(vc::Verification verification, judge->Verify(input));
  const bool readable = !verification.checks.empty() && verification.checks[0].ok;
  if (readable && !verification.presentation)
    vc::Note(verification, vc::kCheckModel, false, "a credential, and no presentation");
  if (!flags.judge.holder.empty()) {
    const bool same = verification.holder == flags.judge.holder;
    vc::Note(verification, vc::kCheckHolder, same,
             same ? verification.holder
                  : "it is " + (verification.holder.empty() ? "nobody" : verification.holder) + ", wanted " +
                        flags.judge.holder);
  }
  return PrintVerdict(verification, flags.judge.world.json, flags.judge.no_status);
}

}  // namespace

int RunVp(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Makes presentations of credentials and verifies them, in every form: vp+jwt, vp+cose, Data Integrity.",
               "keel vp"};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done or verified, 1 not verified, 2 wrong usage or unreadable input, 3 could not be checked: a "
      "service can't be reached.\n"
      "Examples: keel vp create --holder did:key:z6Mk... --audience did:example:shop --nonce n1 --credential c.jwt "
      "--key "
      "me.key > p.jwt\n"
      "          keel vp verify --audience did:example:shop --nonce n1 < p.jwt\n"
      "          keel vp create --form eddsa-rdfc-2022 --holder did:key:z6Mk... --challenge c1 --domain shop.example "
      "--credential c.json --key me.key");
  CLI::App* create = app.add_subcommand("create", "Presentation of credentials on standard output");
  create->add_option("--holder", flags.judge.holder, "Who presents: a DID")->required();
  create->add_option("--credential", flags.credentials, "File with a secured credential, - for standard input (repeat)")
      ->expected(1)
      ->take_all();
  flags.signing.AddForm(*create, vc::PresentationForms(), "vp+jwt");
  create->add_option("--id", flags.id, "The presentation's id, a URL")->type_name("URL");
  create->add_option("--life", flags.life, "Seconds that a token is good for")
      ->check(CLI::Range(uint64_t{1}, vc::kMaxPresentationLife))
      ->capture_default_str();
  create->add_option("--extra", flags.extra, "JSON object with further members");
  create->add_option("--challenge", flags.judge.challenge, "The verifier's challenge (tokens write it as nonce)");
  create->add_option("--domain", flags.judge.domain, "Whom it is for (tokens write it as aud)");
  create->add_option("--audience", flags.judge.audience, "Whom a token is for (aud)");
  create->add_option("--nonce", flags.judge.nonce, "The verifier's nonce");
  flags.signing.AddProof(*create);
  flags.judge.AddKnown(*create);
  flags.judge.world.AddKeys(*create);
  CLI::App* verify = app.add_subcommand("verify", "Presentation in, verdict with every check out");
  verify->add_option("--holder", flags.judge.holder, "Must be presented by this DID");
  flags.judge.AddAll(*verify);
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  const Result<int> status = create->parsed() ? Create(flags) : Verify(flags);
  if (status) return *status;
  if (verify->parsed()) return PrintFailure("keel vp", status.error(), flags.judge.world.json);
  return base::ReportError("keel vp", status.error(), flags.judge.world.json);
}

}  // namespace keel::cli
