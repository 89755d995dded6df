// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

// The sockets under HttpServer. All functions are thread-safe.
namespace keel::base::internal {

// A listening descriptor, the caller's to close. host is an address; wanted 0 takes a free port; gives the address
// family and the port. kInvalidArgument, kBusy, kIo.
Result<int> ListenTcp(const std::string& host, uint16_t wanted, int& family, uint16_t& port);
// A listening unix socket of mode 0600. A file that nobody listens on is replaced. kUsage (path too long), kBusy, kIo.
Result<int> ListenUnix(const std::string& path);

// "127.0.0.1:4711", "[::1]:4711" or "uid:1000"; empty when unknown.
std::string PeerName(int fd, int family);
// True when the peer of a unix socket runs as our effective user or as root (SO_PEERCRED).
bool PeerIsOurs(int fd);

}  // namespace keel::base::internal
