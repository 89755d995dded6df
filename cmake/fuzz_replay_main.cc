// SPDX-License-Identifier: Apache-2.0
// Stands in for libFuzzer in ordinary builds: runs the target on every file of the corpus folders named on
// the command line and on a fixed number of mutations (fixed seed: a failure repeats).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kTotalMutations = 20000;
using Bytes = std::vector<std::uint8_t>;

void Run(const Bytes& input) { (void)LLVMFuzzerTestOneInput(input.data(), input.size()); }

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
  for (const auto& input : corpus) Run(input);
  std::mt19937 random(1);
  for (std::size_t i = 0; i < kTotalMutations; ++i) {
    Bytes input = corpus[i % corpus.size()];
    Mutate(input, random);
    Run(input);
  }
  std::printf("%zu corpus inputs, %zu mutations\n", corpus.size(), kTotalMutations);
  return 0;
}
