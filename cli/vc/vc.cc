// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/help.h"
#include "cli/vc/inspect.h"
#include "cli/vc/judge.h"
#include "cli/vc/report.h"
#include "cli/vc/signing.h"
#include "cli/verbs.h"
#include "crypto/hosted/jwk.h"
#include "crypto/signature.h"
#include "did/jose.h"
#include "vc/common_checks.h"
#include "vc/data_integrity/derive.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/verify_any.h"

// keel vc: issue, verify, derive, inspect.
namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  JudgeFlags judge;
  SigningFlags signing;
  std::vector<std::string> mandatory, conceal, pointers, claims;
  std::string holder_key;
  std::optional<std::string> audience, nonce;
  bool all = false;
};

Result<int> Issue(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(vc::kMaxCredential));
  const auto credential = base::ParseJson(input, {.max_size = vc::kMaxCredential});
  if (!credential) return Fail(Code::kUsage, "standard input", credential.error().Text());
  vc::SecureOptions options;
  const bool sd_jwt = flags.signing.form == "dc+sd-jwt";
  std::string issuer;
  if (credential->is_object()) {
    const auto said = credential->find(sd_jwt ? "iss" : "issuer");
    if (said != credential->end() && said->is_string()) issuer = said->get<std::string>();
    if (said != credential->end() && said->is_object()) issuer = said->value("id", std::string());
  }
  options.pointers = flags.signing.form == "ecdsa-sd-2023" ? flags.mandatory : flags.conceal;
  if (!flags.mandatory.empty() && flags.signing.form != "ecdsa-sd-2023")
    return Fail(Code::kUsage, "--mandatory", "is for --form ecdsa-sd-2023");
  if (!flags.conceal.empty() && !flags.signing.form.ends_with("sd-jwt"))
    return Fail(Code::kUsage, "--conceal", "is for --form vc+sd-jwt and dc+sd-jwt");
  if (!flags.holder_key.empty()) {
    KEEL_TRY(const auto keys, ReadPublicKeys(flags.holder_key));
    options.holder = keys.front();
  }
  KEEL_TRY(const auto world, World::Open(flags.judge.world));
  KEEL_TRY(const auto contexts, ReadContexts(flags.judge.contexts));
  KEEL_TRY(options.resources, ReadNamedFiles("--resource", flags.judge.resources));
  options.contexts = contexts.get();
  KEEL_TRY_VOID(flags.signing.Fill(options, *world, issuer, did::Relationship::kAssertionMethod, flags.judge.at));
  auto secured = vc::Secure(*credential, options);
  if (!secured) {
    // Nothing was judged: it is the caller's input that won't do.
    Error& error = secured.error();
    if (base::ExitFor(error) == base::kExitInvalid) error.code = Code::kInvalidArgument;
    return std::unexpected<Error>(std::move(error));
  }
  PrintSecured(*secured, flags.judge.world.json);
  return base::kExitDone;
}

Result<int> Verify(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadOctets());
  if (vc::Recognize(input) == vc::Syntax::kUnknown)
    return Fail(Code::kUsage, "standard input", "is neither JSON nor a token (JWT, SD-JWT) nor COSE");
  if (input.find_first_not_of(" \t\r\n") == input.find('{')) {
    const auto parsed = base::ParseJson(input, {.max_size = kMaxVcInput});
    if (!parsed) return Fail(Code::kUsage, "standard input", parsed.error().Text());
  }
  KEEL_TRY(const auto judge, Judge::Open(flags.judge));
  KEEL_TRY(const vc::Verification verification, judge->Verify(input));
  return PrintVerdict(verification, flags.judge.world.json, flags.judge.no_status);
}

std::string PointerOf(const std::string& claim) { return claim.starts_with('/') ? claim : "/" + claim; }

// The key that the issuer bound the SD-JWT to.
Result<did::KeyRef> BindingKey(const vc::SdJwt& sd_jwt, World& world) {
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(sd_jwt.jwt, kMaxVcInput));
  KEEL_TRY(const json claims, base::ParseJson(jws.payload, {.max_size = kMaxVcInput}));
  const auto cnf = claims.is_object() ? claims.find("cnf") : claims.end();
  if (cnf == claims.end() || !cnf->is_object())
    return Fail(Code::kUsage, "derive", "the SD-JWT is bound to nobody's key (cnf)");
  if (cnf->contains("kid")) {
    KEEL_TRY(const std::string kid, base::GetString(*cnf, "kid"));
    return world.keys().Find(kid);
  }
  KEEL_TRY(const json* jwk, base::GetObject(*cnf, "jwk"));
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKeyFromJwk(*jwk));
  return world.KeyOf(key);
}

Result<int> Derive(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(kMaxVcInput));
  std::vector<std::string> pointers = flags.pointers;
  for (const std::string& claim : flags.claims) pointers.push_back(PointerOf(claim));
  switch (vc::Recognize(input)) {
    case vc::Syntax::kDataIntegrity: {
      KEEL_TRY(const json credential, base::ParseJson(input, {.max_size = kMaxVcInput}));
      KEEL_TRY(const auto contexts, ReadContexts(flags.judge.contexts));
      if (flags.all) pointers = {"/credentialSubject"};
      KEEL_TRY(const json derived, vc::Derive(credential, pointers, contexts.get()));
      std::printf("%s\n", base::DumpJson(derived).c_str());
      return base::kExitDone;
    }
    case vc::Syntax::kSdJwt: {
      KEEL_TRY(const vc::SdJwt sd_jwt, vc::SdJwt::Parse(input, kMaxVcInput));
      if (flags.all) pointers = {""};
      if (!flags.audience && !flags.nonce) {
        KEEL_TRY(const std::string shown, vc::PresentSdJwt(sd_jwt.Compact(), pointers));
        std::printf("%s\n", shown.c_str());
        return base::kExitDone;
      }
      if (!flags.audience || !flags.nonce)
        return Fail(Code::kUsage, "derive", "a key-binding token has both, --audience and --nonce");
      KEEL_TRY(const auto world, World::Open(flags.judge.world));
      vc::KeyBinding binding{*flags.audience, *flags.nonce, 0, nullptr, {}};
      KEEL_TRY(binding.iat, TimeOf(flags.judge.at));
      KEEL_TRY(const did::KeyRef key, BindingKey(sd_jwt, *world));
      binding.store = key.store;
      binding.key = key.handle;
      KEEL_TRY(const std::string shown, vc::PresentSdJwt(sd_jwt.Compact(), pointers, &binding));
      std::printf("%s\n", shown.c_str());
      return base::kExitDone;
    }
    default:
      return Fail(Code::kUsage, "standard input",
                  "is no credential with selective disclosure (ecdsa-sd-2023, SD-JWT): there is nothing to leave out");
  }
}

Result<int> Inspect(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadOctets());
  KEEL_TRY(const std::string text, Explain(input, flags.judge.world.json));
  std::fputs(text.c_str(), stdout);
  return base::kExitDone;
}

void AddIssue(CLI::App& app, Flags& flags) {
  flags.signing.AddForm(app, vc::CredentialForms(), "vc+jwt");
  app.add_option("--conceal", flags.conceal,
                 "SD-JWT: JSON pointer to a claim that its holder can leave out, /credentialSubject/serial (repeat)")
      ->type_name("POINTER")
      ->expected(1)
      ->take_all();
  app.add_option("--mandatory", flags.mandatory,
                 "ecdsa-sd-2023: JSON pointer to a claim that its holder can't leave out (repeat)")
      ->type_name("POINTER")
      ->expected(1)
      ->take_all();
  app.add_option("--holder-key", flags.holder_key, "SD-JWT: file with the JWK of whom it is bound to (cnf)")
      ->type_name("FILE");
  flags.signing.AddProof(app);
  flags.judge.AddKnown(app);
  flags.judge.world.AddKeys(app);
}

void AddDerive(CLI::App& app, Flags& flags) {
  app.add_option("--pointer", flags.pointers, "JSON pointer to what is to be shown, /credentialSubject/model (repeat)")
      ->expected(1)
      ->take_all();
  app.add_option("--claim", flags.claims, "The same without the first '/' (repeat)")->expected(1)->take_all();
  app.add_flag("--all", flags.all, "Show everything");
  app.add_option("--audience", flags.audience, "SD-JWT: whom a key-binding token is for");
  app.add_option("--nonce", flags.nonce, "SD-JWT: the verifier's nonce in it");
  flags.judge.AddKnown(app);
  flags.judge.world.AddKeys(app);
}

}  // namespace

int RunVc(int argc, char** argv) {
  Flags flags;
  CLI::App app{
      "Issues, verifies, derives and explains Verifiable Credentials (data model 2.0, and 1.1 to verify) in every "
      "form: "
      "vc+jwt, SD-JWT, vc+cose, Data Integrity, enveloped. Standard input to standard output.",
      "keel vc"};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done or verified, 1 not verified, 2 wrong usage or unreadable input, 3 could not be checked: a "
      "service can't be reached.\n"
      "Examples: keel vc issue --form eddsa-jcs-2022 --key me.key < credential.json > secured.json\n"
      "          keel vc verify --json < secured.json\n"
      "          keel vc derive --claim credentialSubject/model < base.json | keel vc verify");
  CLI::App* issue = app.add_subcommand("issue", "Unsigned credential (JSON) in, secured one out");
  AddIssue(*issue, flags);
  CLI::App* verify = app.add_subcommand("verify", "Credential or presentation in any form in, verdict out");
  flags.judge.AddAll(*verify);
  CLI::App* derive = app.add_subcommand("derive", "Credential with selective disclosure in, one that shows less out");
  AddDerive(*derive, flags);
  CLI::App* inspect = app.add_subcommand("inspect", "Explains a credential or presentation; verifies nothing");
  inspect->add_flag("--json", flags.judge.world.json, "As JSON");
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  const Result<int> status = issue->parsed()    ? Issue(flags)
                             : verify->parsed() ? Verify(flags)
                             : derive->parsed() ? Derive(flags)
                                                : Inspect(flags);
  if (status) return *status;
  if (verify->parsed()) return PrintFailure("keel vc", status.error(), flags.judge.world.json);
  return base::ReportError("keel vc", status.error(), flags.judge.world.json);
}

}  // namespace keel::cli
