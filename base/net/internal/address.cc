// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/clock.h"

namespace keel::base::internal {
namespace {

struct Range4 {
  uint32_t first;
  int bits;
};
constexpr uint32_t V4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }
constexpr Range4 kNotPublic4[] = {
    {V4(0, 0, 0, 0), 8},        // "this network"
    {V4(10, 0, 0, 0), 8},       // private
    {V4(100, 64, 0, 0), 10},    // shared by carriers
    {V4(127, 0, 0, 0), 8},      // loopback
    {V4(169, 254, 0, 0), 16},   // link-local, with the clouds' metadata services
    {V4(172, 16, 0, 0), 12},    // private
    {V4(192, 0, 0, 0), 24},     // protocol assignments
    {V4(192, 0, 2, 0), 24},     // documentation
    {V4(192, 88, 99, 0), 24},   // 6to4 relays, gone
    {V4(192, 168, 0, 0), 16},   // private
    {V4(198, 18, 0, 0), 15},    // benchmarking
    {V4(198, 51, 100, 0), 24},  // documentation
    {V4(203, 0, 113, 0), 24},   // documentation
    {V4(224, 0, 0, 0), 4},      // multicast
    {V4(240, 0, 0, 0), 4},      // reserved, broadcast
};

bool Public4(uint32_t address) {
  return std::none_of(std::begin(kNotPublic4), std::end(kNotPublic4),
                      [address](const Range4& range) { return (address ^ range.first) >> (32 - range.bits) == 0; });
}

uint32_t Read4(const uint8_t* octets) { return V4(octets[0], octets[1], octets[2], octets[3]); }

bool StartsWith(const uint8_t* octets, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), octets);
}

bool Public6(const uint8_t* octets) {
  if (StartsWith(octets, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return Public4(Read4(octets + 12));
  if (StartsWith(octets, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return Public4(Read4(octets + 12));
  if ((octets[0] & 0xe0) != 0x20) return false;                                  // global unicast is 2000::/3
  if (StartsWith(octets, {0x20, 0x01}) && octets[2] < 2) return false;           // 2001::/23: protocols, Teredo
  if (StartsWith(octets, {0x20, 0x01, 0x0d, 0xb8})) return false;                // documentation
  if (StartsWith(octets, {0x20, 0x02})) return false;                            // 6to4
  if (octets[0] == 0x3f && octets[1] == 0xff && octets[2] < 0x10) return false;  // 3fff::/20: documentation
  return true;
}

Address Copy(const addrinfo& from) {
  Address out;
  out.length = std::min<socklen_t>(from.ai_addrlen, sizeof out.storage);
  memcpy(&out.storage, from.ai_addr, out.length);
  return out;
}

std::unexpected<Error> NotFound(const std::string& host, int status) {
  return Fail(Code::kUnreachable, "http", "can't find the host " + host + ": " + gai_strerror(status));
}

// getaddrinfo's result, shared by who asks and the thread that finds out; whoever lets go last frees it.
struct Pending {
  Pending() : event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Pending() {
    if (found != nullptr) ::freeaddrinfo(found);
    if (event >= 0) ::close(event);
  }
  const int event;
  std::mutex mutex;  // the two below
  int status = EAI_AGAIN;
  addrinfo* found = nullptr;
};

std::atomic<int>& Running() {
  static std::atomic<int> running{0};
  return running;
}

void Find(const std::string& host, const std::string& service, bool numeric, int& status, addrinfo*& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0);
  status = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
}

std::vector<Address> Collect(const addrinfo* found) {
  std::vector<Address> out;
  for (; found != nullptr; found = found->ai_next) out.push_back(Copy(*found));
  return out;
}

Result<std::vector<Address>> Numeric(const std::string& host, const std::string& service) {
  int status = 0;
  addrinfo* found = nullptr;
  Find(host, service, true, status, found);
  if (status != 0) return NotFound(host, status);
  std::vector<Address> out = Collect(found);
  ::freeaddrinfo(found);
  return out;
}

Result<std::vector<Address>> BySystem(const std::string& host, const std::string& service, uint64_t deadline) {
  const auto pending = std::make_shared<Pending>();
  if (pending->event < 0) return Fail(Code::kIo, "http", std::string("eventfd: ") + strerror(errno));
  if (Running().fetch_add(1) >= kMaxLookups) {
    Running().fetch_sub(1);
    return Fail(Code::kBusy, "http", "too many host names are being looked up at once");
  }
  try {
    std::thread([pending, host, service] {
      int status = 0;
      addrinfo* found = nullptr;
      Find(host, service, false, status, found);
      {
        const std::lock_guard lock(pending->mutex);
        pending->status = status;
        pending->found = found;
      }
      const uint64_t one = 1;
      static_cast<void>(::write(pending->event, &one, sizeof one) == sizeof one);
      Running().fetch_sub(1);
    }).detach();
  } catch (const std::system_error& error) {
    Running().fetch_sub(1);
    return Fail(Code::kBusy, "http", std::string("no thread to look up ") + host + ": " + error.what());
  }
  for (;;) {
    const uint64_t now = MonotonicMs();
    if (now >= deadline) return Fail(Code::kTimeout, "http", "the host " + host + " could not be found in time");
    pollfd item{pending->event, POLLIN, 0};
    if (::poll(&item, 1, static_cast<int>(std::min<uint64_t>(deadline - now, 60'000))) > 0) break;
  }
  uint64_t count = 0;
  static_cast<void>(::read(pending->event, &count, sizeof count) == sizeof count);
  const std::lock_guard lock(pending->mutex);
  if (pending->status != 0) return NotFound(host, pending->status);
  return Collect(pending->found);
}

}  // namespace

std::string Address::Text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text, sizeof text);
  } else if (storage.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text, sizeof text);
  }
  return text;
}

bool IsPublic(const Address& address) {
  if (address.storage.ss_family == AF_INET)
    return Public4(ntohl(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr));
  if (address.storage.ss_family == AF_INET6)
    return Public6(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr.s6_addr);
  return false;
}

bool IsLoopback(const Address& address) {
  if (address.storage.ss_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr) >> 24 == 127;
  if (address.storage.ss_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
  return false;
}

Result<std::vector<Address>> LookUp(const std::string& host, uint16_t port, const LookupFunction& lookup,
                                    uint64_t deadline) {
  const std::string service = std::to_string(port);
  if (auto numeric = Numeric(host, service)) return numeric;
  if (!lookup) return BySystem(host, service, deadline);
  KEEL_TRY(const std::vector<std::string> texts, lookup(host));
  std::vector<Address> out;
  for (const std::string& text : texts) {
    KEEL_TRY(const std::vector<Address> one, Numeric(text, service));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

}  // namespace keel::base::internal
