// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/http.h"

// How a server writes an answer.
namespace keel::base::internal {

// False for the statuses that have none (RFC 9110: 1xx, 204, 304).
bool HasBody(const HttpResponse& response);

// Status line and header fields up to the empty line. Fields that could end the header early are left out.
std::string ResponseHead(const HttpResponse& response, const std::string& server_name, uint64_t length,
                         bool keep_alive);

// The octets of an answer's body, piece by piece, from where they lie: `body`, `shared_body` or `body_file`. Not
// thread-safe.
class ResponseBody {
 public:
  static constexpr size_t kPiece = 256 << 10;  // at most; also the buffer of a file
  // The response is kept by the caller, in its place, until the last piece. False: there is no such part of that file
  // or shared body.
  bool Open(const HttpResponse& response);
  uint64_t left() const { return left_; }
  void Drop() { left_ = 0; }
  // The next piece, valid until the next call; empty: there are no more. False: the file shrank meanwhile.
  bool Next(std::string_view& piece);

 private:
  std::shared_ptr<const int> file_;  // shared with copies; closed with the last
  const std::string* text_ = nullptr;
  std::string buffer_;
  uint64_t at_ = 0, left_ = 0;
};

}  // namespace keel::base::internal
