// SPDX-License-Identifier: Apache-2.0
// Whole onboardings: registry node, verifier service and wallets in one process, HTTP over loopback, LevelDB with
// synced writes. Registry poll to acknowledgement (R0, M1, PK, M3, M5), manufacture and sale beforehand.
//   bench_onboarding [--devices N] [--at-once P] [--owners K] [--traffic]
#include <dirent.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <set>
#include <thread>

#include "base/log.h"
#include "tests/fakes/memory_device.h"

namespace {

using keel::fakes::MemoryDevice;

double Cpu(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
}
double ProcessCpuMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Cpu(usage.ru_utime) + Cpu(usage.ru_stime);
}
double ThreadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}
std::set<int> Threads() {
  std::set<int> all;
  DIR* dir = opendir("/proc/self/task");
  for (dirent* entry = nullptr; (entry = readdir(dir)) != nullptr;) {
    if (entry->d_name[0] != '.') all.insert(std::atoi(entry->d_name));
  }
  closedir(dir);
  return all;
}
double CpuOfMs(const std::set<int>& threads) {
  double sum = 0;
  for (const int thread : threads) {
    std::FILE* file = std::fopen(("/proc/self/task/" + std::to_string(thread) + "/schedstat").c_str(), "r");
    unsigned long long ns = 0;
    if (file == nullptr) continue;
    if (std::fscanf(file, "%llu", &ns) == 1) sum += static_cast<double>(ns) / 1e6;
    std::fclose(file);
  }
  return sum;
}

struct Options {
  size_t devices = 256, at_once = 64, owners = 1;
  bool traffic = false;
};

int Run(const Options& options) {
  keel::fakes::World world;
  std::set<int> registry = Threads();
  registry.erase(static_cast<int>(getpid()));

  keel::fakes::Role maker(world, world / "maker");
  const double made_from = static_cast<double>(keel::base::NowMs());
  auto devices = keel::fakes::MakeDevices(world, maker, options.devices);
  const double made = static_cast<double>(keel::base::NowMs()) - made_from;
  const std::string owner_folder = world / "owner";
  {
    std::vector<std::unique_ptr<keel::fakes::Role>> between;
    keel::fakes::Role* holder = &maker;
    for (size_t i = 1; i < options.owners; ++i) {
      between.push_back(std::make_unique<keel::fakes::Role>(world, world / ("holder-" + std::to_string(i))));
      keel::fakes::Pass(*holder, *between.back(), options.devices);
      holder = between.back().get();
    }
    keel::fakes::Role owner(world, owner_folder);
    keel::fakes::Pass(*holder, owner, options.devices);
  }
  const auto service = keel::fakes::StartVerifier(world, owner_folder);
  if (service == nullptr) return 1;
  (void)keel::fakes::Ask(*service, "profile-set",
                         {{"model", "*"}, {"configuration", R"({"interval":5})"}, {"firmware", ""}});
  (void)keel::fakes::Ask(*service, "broker-set", {{"host", "127.0.0.1"}, {"port", 1883}});
  if (!keel::fakes::ClaimAll(*service)) {
    std::fprintf(stderr, "the invitations were not published\n");
    return 1;
  }

  std::atomic<size_t> next = 0, done = 0;
  std::vector<double> device_cpu(options.at_once, 0.0), latency(options.devices, 0.0);
  const double registry_before = CpuOfMs(registry), process_before = ProcessCpuMs();
  const uint64_t from = keel::base::MonotonicMs();
  {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < options.at_once; ++t) {
      threads.emplace_back([&, t] {
        const auto http = keel::base::MakeBeastClient(4);
        const double before = ThreadCpuMs();
        for (size_t i = next++; i < devices.size(); i = next++) {
          const uint64_t begun = keel::base::MonotonicMs();
          if (devices[i]->Onboard(MemoryDevice::Over(*http))) {
            ++done;
          } else {
            std::fprintf(stderr, "device %zu:\n%s", i, devices[i]->Log().c_str());
          }
          latency[i] = static_cast<double>(keel::base::MonotonicMs() - begun);
        }
        device_cpu[t] = ThreadCpuMs() - before;
      });
    }
    for (auto& thread : threads) thread.join();
  }
  const double wall = static_cast<double>(std::max<uint64_t>(1, keel::base::MonotonicMs() - from));
  const double process = ProcessCpuMs() - process_before;
  const double registry_cpu = CpuOfMs(registry) - registry_before;
  double device_sum = 0;
  for (const double ms : device_cpu) device_sum += ms;
  const auto n = static_cast<double>(options.devices);
  std::sort(latency.begin(), latency.end());

  MemoryDevice::Traffic sums[5] = {};
  uint64_t round_trips = 0, sent = 0, received = 0;
  for (const auto& device : devices) {
    for (size_t kind = 0; kind < 5; ++kind) {
      sums[kind].requests += device->traffic[kind].requests;
      sums[kind].sent += device->traffic[kind].sent;
      sums[kind].received += device->traffic[kind].received;
    }
    const auto info = device->Info();
    round_trips += info.round_trips;
    sent += info.bytes_sent;
    received += info.bytes_received;
  }
  std::printf("%zu devices, %zu at once, %zu owner(s): %zu onboarded, %.0f/s; p50 %.0f ms, p99 %.0f ms\n",
              options.devices, options.at_once, options.owners, done.load(), n * 1000 / wall,
              latency[latency.size() / 2], latency[latency.size() * 99 / 100]);
  std::printf(
      "  CPU ms a device: device side %.2f (HTTP client included), verifier %.2f, registry node %.2f; all %.2f\n",
      device_sum / n, (process - device_sum - registry_cpu) / n, registry_cpu / n, process / n);
  std::printf("  a device: %.2f round trips, %.0f octets out, %.0f in (bodies); manufacture before: %.0f devices/s\n",
              static_cast<double>(round_trips) / n, static_cast<double>(sent) / n, static_cast<double>(received) / n,
              n * 1000 / made);
  if (options.traffic) {
    const char* names[5] = {"", "R0", "DIDComm (M1, M3, M5)", "pack", "blocks"};
    for (size_t kind = 1; kind < 4; ++kind) {
      std::printf("    %-22s %.2f requests, %.0f out, %.0f in\n", names[kind],
                  static_cast<double>(sums[kind].requests) / n, static_cast<double>(sums[kind].sent) / n,
                  static_cast<double>(sums[kind].received) / n);
    }
  }
  return done == options.devices ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto number = [&] { return i + 1 < argc ? static_cast<size_t>(std::atol(argv[++i])) : size_t{0}; };
    if (flag == "--devices") {
      options.devices = number();
    } else if (flag == "--at-once") {
      options.at_once = number();
    } else if (flag == "--owners") {
      options.owners = number();
    } else if (flag == "--traffic") {
      options.traffic = true;
    } else {
      std::fprintf(stderr, "usage: bench_onboarding [--devices N] [--at-once P] [--owners K] [--traffic]\n");
      return 2;
    }
  }
  if (options.devices == 0 || options.at_once == 0 || options.owners == 0) return 2;
  keel::crypto::SetUpHostedCrypto();
  return Run(options);
}
