// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/result.h"

namespace keel::base::internal {

// One address to connect to. Value type.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  std::string Text() const;  // "192.0.2.1", "2001:db8::1"
};

// Whether the address belongs to the public Internet: not loopback, link-local, private, unique-local, shared (RFC
// 6598), multicast, broadcast, unspecified, documentation, benchmarking or otherwise reserved (IANA's special-purpose
// registries, RFC 6890). An IPv4 address inside an IPv6 one (mapped, NAT64) is judged as itself; 6to4 and Teredo are
// not public.
bool IsPublic(const Address& address);
bool IsLoopback(const Address& address);

// Names to numeric addresses; empty: the system's resolver.
using LookupFunction = std::function<Result<std::vector<std::string>>(const std::string& host)>;

// The addresses of a host, in the resolver's order, once. The system's resolver can't be interrupted: a name is looked
// up on a thread of its own, and when that has not ended by the deadline (MonotonicMs) the answer is kTimeout and the
// thread ends by itself by resolv.conf's limits; at most kMaxLookups such threads run (kBusy). Numeric addresses need
// none. kUnreachable: no such host.
inline constexpr int kMaxLookups = 32;
Result<std::vector<Address>> LookUp(const std::string& host, uint16_t port, const LookupFunction& lookup,
                                    uint64_t deadline);

}  // namespace keel::base::internal
