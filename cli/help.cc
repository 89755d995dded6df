// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/cli.h"
#include "cli/text.h"

namespace keel::cli {
namespace {

constexpr size_t kColumn = 28;  // where descriptions begin
constexpr size_t kWidth = 110;  // where lines end, if words allow

// Values that aren't called as their option is.
constexpr std::pair<std::string_view, const char*> kValues[] = {
    {"from", "DID"},          {"to", "DID"},
    {"sign-by", "KID"},       {"holder", "DID"},
    {"issuer", "DID"},        {"subject", "DID"},
    {"mediator", "DID"},      {"key", "FILE"},
    {"secrets", "FILE"},      {"did-docs", "FILE"},
    {"output", "FILE"},       {"document", "FILE"},
    {"request", "FILE"},      {"registry", "FILE"},
    {"credential", "FILE"},   {"passphrase-file", "FILE"},
    {"data", "DIR"},          {"at", "TIME"},
    {"service", "URI"},       {"listen", "URI"},
    {"accept", "PIURI"},      {"query", "TYPE=MATCH"},
    {"attach", "FILE"},       {"extra", "JSON"},
    {"body", "JSON"},         {"type", "TYPE"},
    {"enc", "ALG"},           {"agreement", "TYPE"},
    {"ca-file", "FILE"},      {"tls-cert", "FILE"},
    {"tls-key", "FILE"},      {"rotate", "ID"},
    {"relationship", "NAME"}, {"compromised-since", "INDEX"},
};

class HelpFormat final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode /*mode*/) const override {
    std::string out = app->get_description() + "\n\nUsage: " + Program(app, name);
    std::string needed, positionals;
    bool optional = false;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional()) {
        positionals += " " + Value(option);
      } else if (option->get_required()) {
        needed += " " + Longest(option) + " " + Value(option);
      } else if (option->get_name() != "--help") {
        optional = true;
      }
    }
    const auto subcommands = app->get_subcommands([](const CLI::App*) { return true; });
    out += needed + (optional ? " [OPTIONS]" : "") + (subcommands.empty() ? "" : " SUBCOMMAND") + positionals + "\n";
    for (const bool positional : {true, false}) {
      bool first = true;
      for (const CLI::Option* option : app->get_options()) {
        if (option->get_positional() != positional) continue;
        if (first) out += positional ? "\nArguments:\n" : "\nOptions:\n";
        first = false;
        std::string left = positional ? Value(option) : Names(option);
        Row(out, left, Description(option));
      }
    }
    if (!subcommands.empty()) out += "\nSubcommands:\n";
    for (const CLI::App* subcommand : subcommands) Row(out, subcommand->get_name(), subcommand->get_description());
    if (!app->get_footer().empty()) out += "\n" + app->get_footer() + "\n";
    return out;
  }

 private:
  // The names from the program to this subcommand.
  static std::string Program(const CLI::App* app, const std::string& name) {
    return name.empty() ? app->get_name() : name;
  }
  static std::string Longest(const CLI::Option* option) {
    const auto& names = option->get_lnames();
    return names.empty() ? "-" + option->get_snames().front() : "--" + names.front();
  }
  // What stands for its value; empty for a flag. By default the option's last word: --did-docs FILE, --mode MODE.
  static std::string Value(const CLI::Option* option) {
    if (option->get_items_expected_max() == 0) return {};
    const std::string type = option->get_type_name();
    if (type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")) return "N";
    std::string name = option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
    for (const auto& [file, value] : kValues) {
      if (name == file) return value;
    }
    name = name.substr(name.rfind('-') + 1);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return name;
  }
  static std::string Names(const CLI::Option* option) {
    std::string out;
    for (const std::string& name : option->get_snames()) out += (out.empty() ? "-" : ", -") + name;
    for (const std::string& name : option->get_lnames()) out += (out.empty() ? "--" : ", --") + name;
    const std::string value = Value(option);
    return value.empty() ? out : out + " " + value;
  }
  static std::string Description(const CLI::Option* option) {
    std::string out = option->get_description();
    if (option->get_required()) out += " (required)";
    if (const std::string value = option->get_default_str(); !value.empty()) out += " (default: " + value + ")";
    return out;
  }
  static void Row(std::string& out, const std::string& left, const std::string& text) {
    std::string line = "  " + left;
    if (line.size() + 2 > kColumn) {
      out += line + "\n";
      line.clear();
    }
    line.resize(kColumn, ' ');
    size_t at = 0;
    while (at < text.size()) {
      const size_t end = std::min(text.find_first_of(" \n", at), text.size());
      const std::string word = text.substr(at, end - at);
      at = end + 1;
      if (line.size() > kColumn && line.size() + 1 + word.size() > kWidth) {
        out += line + "\n";
        line.assign(kColumn, ' ');
      }
      if (line.size() > kColumn) line += ' ';
      line += word;
    }
    out += line + "\n";
  }
};

}  // namespace

void UseHelpFormat(CLI::App& app) { app.formatter(std::make_shared<HelpFormat>()); }

std::optional<int> CheckVerb(const CLI::App& app, int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb.starts_with('-')) return std::nullopt;
  std::string names;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (each->get_name() == verb) return std::nullopt;
    names += (names.empty() ? "" : ", ") + each->get_name();
  }
  const std::string program = app.get_name();
  if (verb.empty()) {
    std::fprintf(stderr, "%s: say what to do: %s\n", program.c_str(), names.c_str());
  } else {
    std::fprintf(stderr, "%s: there is no verb \"%s\", only %s\n", program.c_str(),
                 Printable(std::string(verb), 40).c_str(), names.c_str());
  }
  return base::kExitUsage;
}

}  // namespace keel::cli
