// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace keel::base::internal {

std::string PeerName(int fd, int family) {
  if (family == AF_UNIX) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return {};
    return "uid:" + std::to_string(peer.uid);
  }
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
  if (address.ss_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in->sin_port));
  }
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address);
  ::inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(in6->sin6_port));
}

bool PeerIsOurs(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

Result<int> ListenTcp(const std::string& host, uint16_t wanted, int& family, uint16_t& port) {
  sockaddr_storage address{};
  socklen_t length = 0;
  if (auto* in = reinterpret_cast<sockaddr_in*>(&address); ::inet_pton(AF_INET, host.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(wanted);
    length = sizeof *in;
  } else if (auto* in6 = reinterpret_cast<sockaddr_in6*>(&address);
             ::inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(wanted);
    length = sizeof *in6;
  } else {
    return Fail(Code::kInvalidArgument, "http server", "'" + host + "' is not an IP address");
  }
  family = address.ss_family;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(Code::kIo, "http server", std::string("socket: ") + strerror(errno));
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(fd, 1024) != 0) {
    const int error = errno;
    ::close(fd);
    return Fail(error == EADDRINUSE ? Code::kBusy : Code::kIo, "http server",
                "can't listen on " + host + ":" + std::to_string(wanted) + ": " + strerror(error));
  }
  length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in*>(&address)->sin_port
                                 : reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return fd;
}

Result<int> ListenUnix(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kUsage, "http server", "the socket path " + path + " is over 107 octets; use a shorter folder");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(Code::kIo, "http server", std::string("socket: ") + strerror(errno));
  const auto fail = [&](int error) -> Result<int> {
    ::close(fd);
    return Fail(error == EADDRINUSE ? Code::kBusy : Code::kIo, "http server",
                "can't listen on " + path + ": " + strerror(error));
  };
  // A socket file that nobody listens on is left from a killed process.
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fail(EADDRINUSE);
  if (errno == ECONNREFUSED) ::unlink(path.c_str());
  // Created 0600 from the start: the umask is the process's, so the mode of the inode is set on the unbound socket too.
  if (::fchmod(fd, 0600) != 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail(errno);
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(fd, 128) != 0) return fail(errno);
  return fd;
}

}  // namespace keel::base::internal
