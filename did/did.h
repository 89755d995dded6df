// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

// DID and DID URL syntax (DID Core 1.0, section 3). Pure functions, thread-safe.
namespace keel::did {

inline constexpr size_t kMaxDid = 4096;  // octets; did:peer:2 carries its document
inline constexpr size_t kMaxDidUrl = 8192;

struct Did {
  std::string text;    // the whole DID
  std::string method;  // "peer"
  std::string id;      // method-specific identifier
  // kInvalidDid: not a DID, has a path, query or fragment, or is too long.
  static Result<Did> Parse(std::string_view text);
};

struct DidUrl {
  std::string did;
  std::string path;      // with its '/'
  std::string query;     // without '?'
  std::string fragment;  // without '#'
  // kInvalidDidUrl.
  static Result<DidUrl> Parse(std::string_view text);
};

bool IsDid(std::string_view text);
// What stands before the first '/', '?' or '#'; checks nothing. Views into `url`.
std::string_view DidOf(std::string_view url);
// What stands after '#'; empty when there is none.
std::string_view FragmentOf(std::string_view url);

}  // namespace keel::did
