// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/didcomm/presence.h"
#include "cli/didcomm/verbs.h"
#include "cli/text.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"
#include "didcomm/routing.h"

namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  WorldFlags world;
  PresenceOptions presence;
  std::string to;
  double timeout = 10;
  std::vector<std::string> queries;  // discover: TYPE=MATCH
};

void AddCommon(CLI::App& app, Flags& flags) {
  app.add_option("did", flags.to, "Whom to ask")->required();
  app.add_option("--from", flags.presence.did,
                 "As whom: a DID of ours (default: a fresh did:peer, made for this question)");
  app.add_option("--listen", flags.presence.listen,
                 "Take the answer here, where it can't come back on the same connection, as `listen` has it (repeat)")
      ->expected(1)
      ->take_all();
  flags.presence.tls.Add(app);
  app.add_option("--mediator", flags.presence.mediator, "Take the answer through this mediator");
  app.add_option("--timeout", flags.timeout, "Seconds to wait for the answer")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  flags.world.AddTrust(app);
  flags.world.AddResolver(app);
  flags.world.AddKeys(app);
}

struct Answer {
  didcomm::Unpacked unpacked;
  uint64_t ms = 0;
};

// Asks and waits. A problem report is kRefused with its text.
Result<Answer> Ask(const Flags& flags, didcomm::Message question) {
  const auto deadlines = SendFor(flags.timeout, true).deadlines;
  PresenceOptions options = flags.presence;
  options.deadlines = deadlines;
  WorldFlags world = flags.world;
  if (options.did.empty()) {
    // A stranger's question: the keys that were given, if any, are for somebody else.
    world.key_files.clear();
    world.secrets.clear();
  }
  KEEL_TRY(const auto presence, Presence::Open(world, std::move(options)));
  if (flags.presence.did.empty() && flags.presence.listen.empty() && flags.presence.mediator.empty()) {
    KEEL_TRY(const auto endpoints, didcomm::FindEndpoints(flags.to, presence->party().resolver()));
    const bool direct =
        std::any_of(endpoints.begin(), endpoints.end(), [](const didcomm::Endpoint& way) { return way.hops.empty(); });
    if (!direct)
      return Fail(Code::kUsage, "ask",
                  "that DID is behind a mediator, so its answer can't come back on the connection: say where it can "
                  "come, --mediator DID or --listen URI");
  }
  const uint64_t began = base::MonotonicMs();
  KEEL_TRY(didcomm::Unpacked unpacked,
           presence->agent().Ask(std::move(question), presence->did(), flags.to, deadlines.total));
  const uint64_t took = base::MonotonicMs() - began;
  if (didcomm::IsProblemReport(unpacked.message)) {
    KEEL_TRY(const didcomm::ProblemReport problem, didcomm::ProblemReport::Parse(unpacked.message));
    return Fail(Code::kRefused, "the peer", problem.code + ": " + problem.Text());
  }
  return Answer{std::move(unpacked), took};
}

Result<int> Ping(const Flags& flags) {
  KEEL_TRY(const Answer answer, Ask(flags, didcomm::MakePing()));
  if (answer.unpacked.message.type != didcomm::kPingResponseType)
    return Fail(Code::kMalformed, "the answer", "it is of type " + answer.unpacked.message.type);
  if (flags.world.json) {
    std::printf("%s\n", base::DumpJson({{"did", flags.to}, {"ms", answer.ms}}).c_str());
  } else {
    std::printf("%s answered in %llu ms\n", Printable(flags.to, 120).c_str(),
                static_cast<unsigned long long>(answer.ms));
  }
  return base::kExitDone;
}

Result<int> Discover(const Flags& flags) {
  std::vector<didcomm::FeatureQuery> queries;
  for (const std::string& text : flags.queries) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return Fail(Code::kUsage, "--query", "\"" + text + "\" is not TYPE=MATCH, like protocol=* or accept=didcomm/*");
    queries.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  KEEL_TRY(const Answer answer, Ask(flags, didcomm::MakeQueries(queries)));
  KEEL_TRY(std::vector<didcomm::Disclosure> all, didcomm::ReadDisclose(answer.unpacked.message));
  // The order of the answer means nothing.
  std::sort(all.begin(), all.end(), [](const didcomm::Disclosure& a, const didcomm::Disclosure& b) {
    return std::tie(a.feature_type, a.id) < std::tie(b.feature_type, b.id);
  });
  if (flags.world.json) {
    KEEL_TRY(const json body, answer.unpacked.message.ParseBody());
    std::printf("%s\n", base::DumpJson(body).c_str());
    return base::kExitDone;
  }
  for (const didcomm::Disclosure& item : all) {
    std::string line = Printable(item.feature_type, 40);
    line.resize(std::max<size_t>(line.size() + 1, 12), ' ');
    line += Printable(item.id);
    for (const std::string& role : item.roles)
      line += (role == item.roles.front() ? "  [" : ", ") + Printable(role, 60);
    if (!item.roles.empty()) line += "]";
    if (item.max_receive_bytes) line += " = " + Thousands(*item.max_receive_bytes);
    std::printf("%s\n", line.c_str());
  }
  if (all.empty()) std::fprintf(stderr, "It shows nothing of what was asked for.\n");
  return base::kExitDone;
}

}  // namespace

void AddAskVerbs(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  CLI::App* ping = app.add_subcommand("ping", "Ask whether a DID answers (trust-ping 2.0)");
  AddCommon(*ping, *flags);
  ping->footer(
      "Exit status: 0 it answered, 1 the answer is refused, a problem report, or a certificate isn't trusted, 2 wrong "
      "usage or\nno such DID, 3 it could not be reached in time.\n"
      "Example: keel didcomm ping did:peer:2...");
  CLI::App* discover = app.add_subcommand("discover", "Ask a DID what it speaks (discover-features 2.0)");
  AddCommon(*discover, *flags);
  flags->queries = {"protocol=*", "goal-code=*", "header=*", "accept=*", "constraint=*"};
  discover
      ->add_option("--query", flags->queries,
                   "TYPE=MATCH, * for any text; types: protocol, goal-code, header,\n"
                   "accept, constraint (repeat; default: all of these)")
      ->expected(1)
      ->take_all();
  discover->footer(
      "Writes one line a feature; with --json the body of the answer.\n"
      "Exit status: 0 it answered, 1 the answer is refused, a problem report, or a certificate isn't trusted, 2 wrong "
      "usage or\nno such DID, 3 it could not be reached in time.\n"
      "Example: keel didcomm discover --query 'protocol=https://didcomm.org/*' did:peer:2...");
  ping->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Ping(*flags);
  });
  discover->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Discover(*flags);
  });
}

}  // namespace keel::cli
