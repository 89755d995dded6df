// SPDX-License-Identifier: Apache-2.0
// keel-mallory: one wrong thing at a time (mallory.h). Standard input and output carry values and invitations.
#include "tests/system/mallory/mallory.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <vector>

#include "base/cli.h"
#include "crypto/signature.h"

namespace {

using keel::Code;
using keel::Fail;
using keel::Result;

Result<std::string> Run(const std::vector<std::string>& words) {
  const auto is = [&](const char* verb, size_t arguments) { return words[0] == verb && words.size() == arguments + 1; };
  const auto input = [] { return std::string(std::istreambuf_iterator<char>(std::cin), {}); };
  if (words.empty()) return Fail(Code::kUsage, "mallory", "no verb");
  if (is("open-value", 1)) return keel::mallory::OpenValue(words[1], input());
  if (is("seal-value", 1)) return keel::mallory::SealValue(words[1], input());
  if (is("secrets", 1)) return keel::mallory::Secrets(words[1]);
  if (is("paper", 4)) {
    KEEL_TRY_VOID(keel::mallory::Paper(words[1], words[2], words[3], words[4] == "keep"));
    return std::string();
  }
  if (is("deactivate", 1)) {
    KEEL_TRY_VOID(keel::mallory::Deactivate(words[1]));
    return std::string();
  }
  if (is("sell", 5)) {
    KEEL_TRY_VOID(keel::mallory::Sell(words[1], words[2], words[3], words[4], words[5]));
    return std::string();
  }
  return Fail(Code::kUsage, "mallory",
              "open-value DEVICE | seal-value DEVICE | secrets DEVICE | paper DEVICE MAKER PATCH keep|drop | "
              "deactivate DIR | sell GIVER "
              "REQUEST SERIAL HOW OUT");
}

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  const auto said = Run(std::vector<std::string>(argv + 1, argv + argc));
  if (!said) return keel::base::ReportError("keel-mallory", said.error(), false);
  std::fwrite(said->data(), 1, said->size(), stdout);
  return keel::base::kExitDone;
}
