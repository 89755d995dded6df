// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/jcs.h"
#include "base/json_strict.h"
#include "cli/verbs.h"

namespace keel::cli {
namespace {

constexpr size_t kLimit = 64 << 20;

Result<> Canonicalize() {
  KEEL_TRY(const std::string text, base::ReadFile("-", kLimit));
  KEEL_TRY(const nlohmann::json value,
           base::ParseJson(text, {.max_size = kLimit, .max_depth = 64, .max_members = 10'000'000}));
  KEEL_TRY(const std::string canonical, base::Jcs(value));
  std::fwrite(canonical.data(), 1, canonical.size(), stdout);
  return {};
}

}  // namespace

int RunJcs(int argc, char** argv) {
  bool as_json = false;
  CLI::App app{"Canonical form of a JSON text (RFC 8785): standard input to standard output, no newline added.",
               "keel jcs"};
  app.add_flag("--json", as_json, "Errors as JSON");
  app.footer(
      "Exit status: 0 done, 2 not strict JSON (RFC 8259, RFC 7493), or too large.\nExample: echo '{\"b\":1,\"a\":2.0}' "
      "| keel jcs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  const auto done = Canonicalize();
  return done ? base::kExitDone : base::ReportError("keel jcs", done.error(), as_json);
}

}  // namespace keel::cli
