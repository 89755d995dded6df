// SPDX-License-Identifier: Apache-2.0
// Stands in for libFuzzer in ordinary builds: runs the target on every file of the corpus folders named on
// the command line and on a fixed number of mutations (fixed seed: a failure repeats).
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// A slow target may ask for fewer mutations.
extern "C" __attribute__((weak)) std::size_t KeelFuzzMutations();

namespace {

constexpr std::size_t kTotalMutations = 20000;
using Bytes = std::vector<std::uint8_t>;

const Bytes* current = nullptr;

// Leaves the input that did it beside the program, as libFuzzer does.
void OnAbort(int) {
  if (std::FILE* file = std::fopen("crash-input", "wb"); file != nullptr && current != nullptr) {
    std::fwrite(current->data(), 1, current->size(), file);
    std::fclose(file);
    constexpr char kSaid[] = "the input is kept in crash-input\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kSaid, sizeof kSaid - 1);
  }
}

void Run(const Bytes& input) {
  current = &input;
  (void)LLVMFuzzerTestOneInput(input.data(), input.size());
}

void Mutate(Bytes& input, std::mt19937& random) {
  const std::size_t edits = 1 + random() % 4;
  for (std::size_t i = 0; i < edits; ++i) {
    const auto byte = static_cast<std::uint8_t>(random());
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 4) {
      case 0: input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), byte); break;
      case 1: input.resize(at); break;
      case 2:
        if (!input.empty()) input.erase(input.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default:
        if (!input.empty()) input[at] = byte;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::vector<Bytes> corpus{{}};
  for (int i = 1; i < argc; ++i) {
    const fs::path root(argv[i]);
    std::vector<fs::path> files;
    if (fs::is_directory(root)) {
      for (const auto& entry : fs::recursive_directory_iterator(root)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else {
      files.push_back(root);
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::ifstream in(file, std::ios::binary);
      if (!in) {
        std::fprintf(stderr, "cannot read corpus file %s\n", file.c_str());
        return 2;
      }
      corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  std::signal(SIGABRT, OnAbort);
  for (const auto& input : corpus) Run(input);
  std::mt19937 random(1);
  const std::size_t mutations = KeelFuzzMutations != nullptr ? KeelFuzzMutations() : kTotalMutations;
  for (std::size_t i = 0; i < mutations; ++i) {
    Bytes input = corpus[i % corpus.size()];
    Mutate(input, random);
    Run(input);
  }
  std::printf("%zu corpus inputs, %zu mutations\n", corpus.size(), mutations);
  return 0;
}
