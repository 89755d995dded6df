// SPDX-License-Identifier: Apache-2.0
#include "vc/rdf/canonicalize.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "vc/rdf/internal/terms.h"

namespace keel::rdf {
namespace {

using Node = uint32_t;  // a blank node: index into Canonicalizer::labels_
constexpr Node kNone = ~Node{0};
// Hash N-Degree Quads calls itself once for each node of a path; this bounds the stack, max_work alone doesn't.
constexpr size_t kMaxPathLength = 500;

// A quad cut at its blank nodes: what differs between the many ways to write one line.
struct Parts {
  // The blank node at subject, object, graph (kNone: none), and the text of each of the four when it is no blank.
  Node node[3] = {kNone, kNone, kNone};
  std::string text[3];
  std::string predicate;  // "<iri>"
};

// OpenSSL's, because it uses the processor's SHA instructions: hashing is most of the work here.
std::string HexHash(HashAlgorithm algorithm, std::string_view text) {
  uint8_t digest[SHA384_DIGEST_LENGTH];
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  size_t size = SHA256_DIGEST_LENGTH;
  if (algorithm == HashAlgorithm::kSha256) {
    SHA256(data, text.size(), digest);
  } else {
    SHA384(data, text.size(), digest);
    size = SHA384_DIGEST_LENGTH;
  }
  std::string hex(2 * size, '0');
  for (size_t i = 0; i < size; ++i) {
    hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

// Issues temporary identifiers "b0", "b1", ... (section 4.5). Copied for each permutation, so it is small: the order of
// issue alone.
class Issuer {
 public:
  // The number of the node's identifier, issued now if it has none yet.
  size_t Issue(Node node) {
    if (const size_t at = Find(node); at < order_.size()) return at;
    order_.push_back(node);
    return order_.size() - 1;
  }
  bool Has(Node node) const { return Find(node) < order_.size(); }
  size_t Find(Node node) const { return static_cast<size_t>(std::ranges::find(order_, node) - order_.begin()); }
  const std::vector<Node>& order() const { return order_; }

 private:
  std::vector<Node> order_;
};

struct Hashed {
  std::string hash;
  Issuer issuer;
};

class Canonicalizer {
 public:
  explicit Canonicalizer(const CanonicalizeOptions& options) : options_(options) {}

  Result<Canonical> Run(const Dataset& dataset) {
    KEEL_TRY_VOID(Take(dataset));
    IssueSimple();
    KEEL_TRY_VOID(IssueOthers());
    return Write();
  }

 private:
  // Step 2 of section 4.4.3: which quads each blank node is in. Equal quads are one.
  Result<> Take(const Dataset& dataset) {
    std::unordered_set<std::string> seen;
    seen.reserve(dataset.quads.size());
    std::unordered_map<std::string_view, Node> nodes;
    for (const Quad& quad : dataset.quads) {
      if (const char* wrong = internal::WrongIn(quad)) return Fail(Code::kInvalidArgument, "rdfc", wrong);
      std::string line;
      AppendLine(line, quad);
      if (!seen.insert(std::move(line)).second) continue;
      if (quads_.size() == options_.max_quads)
        return Fail(Code::kTooLarge, "rdfc", "more than " + std::to_string(options_.max_quads) + " quads");
      Parts parts;
      const Term* const terms[3] = {&quad.subject, &quad.object, &quad.graph};
      for (size_t i = 0; i < 3; ++i) {
        if (!terms[i]->blank()) {
          internal::AppendTerm(parts.text[i], *terms[i]);
          continue;
        }
        const auto [found, is_new] = nodes.try_emplace(terms[i]->value, static_cast<Node>(labels_.size()));
        if (is_new) {
          labels_.push_back(&terms[i]->value);
          mentions_.emplace_back();
        }
        parts.node[i] = found->second;
        std::vector<uint32_t>& mentions = mentions_[found->second];
        const auto index = static_cast<uint32_t>(quads_.size());
        if (mentions.empty() || mentions.back() != index) mentions.push_back(index);
      }
      internal::AppendTerm(parts.predicate, quad.predicate);
      quads_.push_back(std::move(parts));
    }
    canonical_.assign(labels_.size(), kNone);
    return {};
  }

  static void AppendLine(std::string& out, const Quad& quad) {
    for (const Term* term : {&quad.subject, &quad.predicate, &quad.object, &quad.graph}) {
      internal::AppendTerm(out, *term);
      out += ' ';
    }
  }

  // The line of a quad, in which name(node) stands for each blank node.
  template <typename Name>
  static void AppendParts(std::string& out, const Parts& quad, Name name) {
    const auto put = [&](size_t i) {
      if (quad.node[i] == kNone) {
        out += quad.text[i];
      } else {
        out += "_:";
        out += name(quad.node[i]);
      }
    };
    put(0);
    out += ' ';
    out += quad.predicate;
    out += ' ';
    put(1);
    if (quad.node[2] != kNone || !quad.text[2].empty()) {
      out += ' ';
      put(2);
    }
    out += " .\n";
  }

  // Section 4.6.
  std::string HashFirstDegree(Node node) const {
    std::vector<std::string> lines;
    lines.reserve(mentions_[node].size());
    for (const uint32_t index : mentions_[node]) {
      std::string& line = lines.emplace_back();
      AppendParts(line, quads_[index],
                  [node](Node other) { return other == node ? std::string_view("a") : std::string_view("z"); });
    }
    std::ranges::sort(lines);
    std::string all;
    for (const std::string& line : lines) all += line;
    return HexHash(options_.hash, all);
  }

  void IssueCanonical(Node node) {
    if (canonical_[node] != kNone) return;
    canonical_[node] = static_cast<Node>(order_.size());
    order_.push_back(node);
  }

  // Steps 3 and 4: nodes that their own quads tell apart.
  void IssueSimple() {
    first_degree_.reserve(labels_.size());
    for (Node node = 0; node < labels_.size(); ++node) {
      first_degree_.push_back(HashFirstDegree(node));
      by_hash_[first_degree_.back()].push_back(node);
    }
    for (const auto& [hash, nodes] : by_hash_) {
      if (nodes.size() == 1) IssueCanonical(nodes[0]);
    }
  }

  // Step 5: those that only their neighbours tell apart.
  Result<> IssueOthers() {
    for (const auto& [hash, nodes] : by_hash_) {
      if (nodes.size() == 1) continue;
      std::vector<Hashed> paths;
      for (const Node node : nodes) {
        if (canonical_[node] != kNone) continue;
        Issuer issuer;
        issuer.Issue(node);
        KEEL_TRY(Hashed hashed, HashNDegree(node, issuer, 0));
        paths.push_back(std::move(hashed));
      }
      std::ranges::stable_sort(paths, {}, &Hashed::hash);
      for (const Hashed& path : paths) {
        for (const Node node : path.issuer.order()) IssueCanonical(node);
      }
    }
    return {};
  }

  Result<> Work(size_t steps) {
    work_ += steps;
    if (work_ <= options_.max_work) return {};
    return Fail(Code::kTooLarge, "rdfc",
                "blank nodes too alike: more than " + std::to_string(options_.max_work) +
                    " steps would be needed to tell them apart");
  }

  // Section 4.7. `position` is 's', 'o' or 'g'.
  std::string HashRelated(Node related, const Parts& quad, const Issuer& issuer, char position) const {
    std::string input(1, position);
    if (position != 'g') input += quad.predicate;
    if (canonical_[related] != kNone) {
      input += "_:c14n" + std::to_string(canonical_[related]);
    } else if (const size_t at = issuer.Find(related); at < issuer.order().size()) {
      input += "_:b" + std::to_string(at);
    } else {
      input += first_degree_[related];
    }
    return HexHash(options_.hash, input);
  }

  // Section 4.8.
  Result<Hashed> HashNDegree(Node node, Issuer issuer, size_t depth) {
    if (depth > kMaxPathLength)
      return Fail(Code::kTooLarge, "rdfc",
                  "a path of blank nodes that are alike is longer than " + std::to_string(kMaxPathLength));
    std::map<std::string, std::vector<Node>> related_by_hash;
    for (const uint32_t index : mentions_[node]) {
      const Parts& quad = quads_[index];
      for (size_t i = 0; i < 3; ++i) {
        const Node related = quad.node[i];
        if (related == kNone || related == node) continue;
        KEEL_TRY_VOID(Work(1));
        related_by_hash[HashRelated(related, quad, issuer, "sog"[i])].push_back(related);
      }
    }
    std::string data;
    for (auto& [related_hash, related] : related_by_hash) {
      data += related_hash;
      KEEL_TRY(Path chosen, ChoosePath(related, issuer, depth));
      data += chosen.text;
      issuer = std::move(chosen.issuer);
    }
    return Hashed{HexHash(options_.hash, data), std::move(issuer)};
  }

  struct Path {
    std::string text;
    Issuer issuer;
  };

  // Steps 5.4 and 5.5: the least path over all permutations.
  Result<Path> ChoosePath(const std::vector<Node>& related, const Issuer& issuer, size_t depth) {
    Path chosen;
    std::vector<size_t> order(related.size());
    std::iota(order.begin(), order.end(), size_t{0});
    do {
      KEEL_TRY(std::optional<Path> path, WalkPath(related, order, issuer, chosen.text, depth));
      if (path && (chosen.text.empty() || path->text < chosen.text)) chosen = std::move(*path);
    } while (std::ranges::next_permutation(order).found);
    return chosen;
  }

  // One permutation; nullopt as soon as it can't be less than `least`.
  Result<std::optional<Path>> WalkPath(const std::vector<Node>& related, const std::vector<size_t>& order,
                                       const Issuer& issuer, const std::string& least, size_t depth) {
    const auto hopeless = [&least](const std::string& text) {
      return !least.empty() && text.size() >= least.size() && text > least;
    };
    Path path{{}, issuer};
    std::vector<Node> recursion;
    for (const size_t index : order) {
      const Node node = related[index];
      KEEL_TRY_VOID(Work(1));
      if (canonical_[node] != kNone) {
        path.text += "_:c14n" + std::to_string(canonical_[node]);
      } else {
        if (!path.issuer.Has(node)) recursion.push_back(node);
        path.text += "_:b" + std::to_string(path.issuer.Issue(node));
      }
      if (hopeless(path.text)) return std::optional<Path>();
    }
    for (const Node node : recursion) {
      KEEL_TRY(Hashed hashed, HashNDegree(node, path.issuer, depth + 1));
      path.text += "_:b" + std::to_string(path.issuer.Issue(node));
      path.text += '<' + hashed.hash + '>';
      path.issuer = std::move(hashed.issuer);
      if (hopeless(path.text)) return std::optional<Path>();
    }
    return path;
  }

  // Step 6, with the caller's labels.
  Result<Canonical> Write() const {
    Canonical out;
    std::vector<std::string> names(labels_.size());
    std::unordered_set<std::string> taken;
    for (size_t i = 0; i < order_.size(); ++i) {
      std::string name = "c14n" + std::to_string(i);
      if (options_.relabel) name = options_.relabel(name);
      if (!internal::IsBlankLabel(name))
        return Fail(Code::kConflict, "rdfc", "'" + name + "' is not a blank node's label");
      if (!taken.insert(name).second)
        return Fail(Code::kConflict, "rdfc", "two blank nodes were given the label '" + name + "'");
      out.issued.emplace(*labels_[order_[i]], name);
      names[order_[i]] = std::move(name);
    }
    out.quads.reserve(quads_.size());
    for (const Parts& quad : quads_)
      AppendParts(out.quads.emplace_back(), quad, [&names](Node node) -> std::string_view { return names[node]; });
    std::ranges::sort(out.quads);
    return out;
  }

  const CanonicalizeOptions& options_;
  std::vector<Parts> quads_;
  std::vector<const std::string*> labels_;       // of each node, in the dataset
  std::vector<std::vector<uint32_t>> mentions_;  // quads that each node is in
  std::vector<std::string> first_degree_;
  std::map<std::string, std::vector<Node>> by_hash_;
  std::vector<Node> canonical_;  // number of each node's canonical identifier
  std::vector<Node> order_;      // nodes in the order in which these were issued
  size_t work_ = 0;
};

}  // namespace

std::string Canonical::Text() const {
  size_t size = 0;
  for (const std::string& quad : quads) size += quad.size();
  std::string text;
  text.reserve(size);
  for (const std::string& quad : quads) text += quad;
  return text;
}

Result<Canonical> Canonicalize(const Dataset& dataset, const CanonicalizeOptions& options) {
  return Canonicalizer(options).Run(dataset);
}

}  // namespace keel::rdf
