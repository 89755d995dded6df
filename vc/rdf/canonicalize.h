// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "vc/rdf/dataset.h"

// RDF Dataset Canonicalization, algorithm RDFC-1.0 (W3C Recommendation, 21 May 2024).
namespace keel::rdf {

enum class HashAlgorithm : uint8_t { kSha256, kSha384 };

struct CanonicalizeOptions {
  HashAlgorithm hash = HashAlgorithm::kSha256;
  size_t max_quads = 100'000;
  // Blank nodes that Hash N-Degree Quads may visit in all, each counted in each permutation (section 4.8). An ordinary
  // credential needs none or some dozens; a graph made to exhaust the verifier ("poison") millions.
  size_t max_work = 50'000;
  // Gives another label for the canonical one ("c14n0"), for ecdsa-sd-2023 (label map by HMAC). Null: the canonical one
  // stays. Asked once for each blank node, in the order of canonical labels c14n0, c14n1, ...; must give different
  // labels for different ones (kConflict otherwise). The quads are sorted after relabelling.
  std::function<std::string(std::string_view canonical)> relabel;
};

struct Canonical {
  std::vector<std::string> quads;  // canonical N-Quads, one line each with its "\n", sorted, none twice
  std::map<std::string, std::string>
      issued;  // input label -> canonical label (or what relabel made of it), without "_:"

  // The lines one after the other: what is hashed and signed.
  std::string Text() const;
};

// Blank nodes of the result depend on the dataset's shape only, not on its labels or order. Errors: kTooLarge
// (max_quads, or max_work: a poison graph), kConflict (relabel), kInvalidArgument (a quad whose terms are not where RDF
// allows them). Any thread.
Result<Canonical> Canonicalize(const Dataset& dataset, const CanonicalizeOptions& options = {});

}  // namespace keel::rdf
