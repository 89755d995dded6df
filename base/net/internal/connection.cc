// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/connection.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"

namespace keel::base::internal {
namespace {

std::unexpected<Error> Failed(Code code, const std::string& to, const std::string& what) {
  return Fail(code, "http", to + ": " + what);
}

Result<Socket> ConnectTo(const sockaddr* address, socklen_t length, const std::string& to, uint64_t deadline) {
  const int family = address->sa_family;
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return Failed(Code::kIo, to, strerror(errno));
  if (family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (::connect(socket.fd(), address, length) == 0) return socket;
  if (errno != EINPROGRESS && errno != EAGAIN)
    return Failed(Code::kUnreachable, to, std::string("can't connect: ") + strerror(errno));
  if (!WaitFor(socket.fd(), POLLOUT, deadline))
    return Failed(Code::kUnreachable, to, "can't connect: no answer in time");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Failed(Code::kUnreachable, to, std::string("can't connect: ") + strerror(error));
  return socket;
}

Result<Socket> ConnectTcp(const Url& url, const std::string& to, const ConnectOptions& options, uint64_t deadline) {
  auto found = LookUp(url.host, url.port, options.lookup, deadline);
  if (!found) return Failed(found.error().code, to, found.error().detail);
  Result<Socket> last = Failed(Code::kUnreachable, to, "no address");
  for (const Address& address : *found) {
    if (options.public_only && !IsPublic(address) && !(options.permit_loopback && IsLoopback(address))) {
      if (!last && last.error().code == Code::kUnreachable)
        last = Failed(Code::kRefused, to, "its address " + address.Text() + " is not one of the public Internet");
      continue;
    }
    auto socket = ConnectTo(address.get(), address.length, to, deadline);
    if (socket) return socket;
    last = std::move(socket);
  }
  return last;
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

bool WaitFor(int fd, short events, uint64_t deadline) {
  for (;;) {
    const uint64_t now = MonotonicMs();
    if (now >= deadline) return false;
    pollfd item{fd, events, 0};
    const int n = ::poll(&item, 1, static_cast<int>(std::min<uint64_t>(deadline - now, 60'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return true;  // the next call on it says what is wrong
  }
}

Result<Connection> Connection::Open(const Url& url, const std::string& to, const ConnectOptions& options,
                                    uint64_t deadline) {
  Connection made;
  if (url.scheme == "unix") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, url.host.data(), std::min(url.host.size(), sizeof address.sun_path - 1));
    KEEL_TRY(made.socket_, ConnectTo(reinterpret_cast<const sockaddr*>(&address), sizeof address, to, deadline));
    return made;
  }
  KEEL_TRY(made.socket_, ConnectTcp(url, to, options, deadline));
  if (url.scheme == "https") {
    auto tls = TlsStream::Open(options.tls, made.socket_.fd(), url.host, deadline);
    if (!tls) return Failed(tls.error().code, to, tls.error().detail);
    made.tls_ = std::move(*tls);
  }
  return made;
}

Result<> Connection::Write(std::string_view text, const std::string& to, uint64_t deadline) {
  if (tls_ != nullptr) {
    auto written = tls_->Write(text, deadline);
    return written ? written : Failed(written.error().code, to, written.error().detail);
  }
  while (!text.empty()) {
    const ssize_t n = ::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      if (!WaitFor(socket_.fd(), POLLOUT, deadline))
        return Failed(Code::kTimeout, to, "the request could not be sent in time");
    } else if (errno != EINTR) {
      return Failed(Code::kClosed, to, std::string("connection lost while sending: ") + strerror(errno));
    }
  }
  return {};
}

Result<size_t> Connection::Read(char* out, size_t room, const std::string& to, uint64_t deadline) {
  if (tls_ != nullptr) {
    auto got = tls_->Read(out, room, deadline);
    return got ? got : Failed(got.error().code, to, got.error().detail);
  }
  for (;;) {
    const ssize_t n = ::recv(socket_.fd(), out, room, 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN) {
      if (!WaitFor(socket_.fd(), POLLIN, deadline)) return Failed(Code::kTimeout, to, "no complete answer in time");
    } else if (errno != EINTR) {
      return Failed(Code::kClosed, to, std::string("connection lost: ") + strerror(errno));
    }
  }
}

bool Connection::Silent() const {
  pollfd item{socket_.fd(), POLLIN | POLLRDHUP, 0};
  return open() && (tls_ == nullptr || !tls_->Pending()) && ::poll(&item, 1, 0) == 0;
}

}  // namespace keel::base::internal
