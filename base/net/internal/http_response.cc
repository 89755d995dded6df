// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/http_response.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace keel::base::internal {
namespace {

const char* Reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return status < 400 ? "Success" : "Error";
  }
}

bool HeaderSafe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

bool HasBody(const HttpResponse& response) {
  return response.status != 204 && response.status != 304 && response.status >= 200;
}

std::string ResponseHead(const HttpResponse& response, const std::string& server_name, uint64_t length,
                         bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + Reason(response.status) + "\r\n";
  if (!server_name.empty()) head += "Server: " + server_name + "\r\n";
  if (!response.content_type.empty() && HeaderSafe(response.content_type))
    head += "Content-Type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) {
    if (HeaderSafe(name) && HeaderSafe(value)) head += name + ": " + value + "\r\n";
  }
  if (HasBody(response)) head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (!keep_alive) head += "Connection: close\r\n";
  return head + "\r\n";
}

bool ResponseBody::Open(const HttpResponse& response) {
  *this = {};
  uint64_t size = 0;
  if (!response.body_file.empty()) {
    const int fd = ::open(response.body_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    file_ = std::shared_ptr<const int>(new int(fd), [](const int* file) {
      ::close(*file);
      delete file;
    });
    struct stat info{};
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    size = static_cast<uint64_t>(info.st_size);
  } else if (response.shared_body != nullptr) {
    text_ = response.shared_body.get();
    size = text_->size();
  } else {
    text_ = &response.body;
    left_ = text_->size();
    return true;
  }
  if (response.offset > size) return false;
  at_ = response.offset;
  left_ = std::min(response.length, size - at_);
  return true;
}

bool ResponseBody::Next(std::string_view& piece) {
  const auto length = static_cast<size_t>(std::min<uint64_t>(left_, kPiece));
  piece = {};
  if (length == 0) return true;
  if (file_ != nullptr) {
    buffer_.resize(length);
    size_t got = 0;
    while (got < length) {
      const ssize_t n = ::pread(*file_, buffer_.data() + got, length - got, static_cast<off_t>(at_ + got));
      if (n <= 0) return false;  // a short answer must not look whole
      got += static_cast<size_t>(n);
    }
    piece = buffer_;
  } else {
    piece = std::string_view(*text_).substr(static_cast<size_t>(at_), length);
  }
  at_ += length;
  left_ -= length;
  return true;
}

}  // namespace keel::base::internal
