// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/net/http.h"
#include "base/net/internal/address.h"
#include "base/net/internal/tls.h"

// Client connections: plain non-blocking sockets under poll, so that every step has a deadline and no thread or
// io_context is needed. Deadlines are of MonotonicMs.
namespace keel::base::internal {

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();
  int fd() const { return fd_; }

 private:
  int fd_;
};

// True when ready, false when the deadline passed.
bool WaitFor(int fd, short events, uint64_t deadline);

struct ConnectOptions {
  bool public_only = false;               // kRefused for a host that has no public address
  bool permit_loopback = false;           // loopback counts as public: tests
  LookupFunction lookup;                  // empty: the system's resolver
  std::shared_ptr<const TlsContext> tls;  // for https
};

// An open connection, plain or TLS; closed when it goes. Needs external synchronization.
class Connection {
 public:
  Connection() = default;
  // To the URL's host, looked up once; each address is judged, and what was judged is what is connected to. `to` stands
  // in error texts. kUnreachable, kTimeout, kRefused, kUntrusted, kBusy.
  static Result<Connection> Open(const Url& url, const std::string& to, const ConnectOptions& options,
                                 uint64_t deadline);

  bool open() const { return socket_.fd() >= 0; }
  // kTimeout, kClosed.
  Result<> Write(std::string_view text, const std::string& to, uint64_t deadline);
  // What is there, at least one octet; 0: the peer closed. kTimeout, kClosed (lost, or a TLS stream that was cut).
  Result<size_t> Read(char* out, size_t room, const std::string& to, uint64_t deadline);
  // Open, and nothing has come in since.
  bool Silent() const;

 private:
  // The stream goes before the socket that it says goodbye on.
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace keel::base::internal
