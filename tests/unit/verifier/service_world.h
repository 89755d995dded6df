// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "tests/fakes/memory_device.h"
#include "verifier/service.h"

namespace keel::verifier {

// A verifier service on a port that stays the same when it starts again, and wallets that talk to it.
class ServiceWorld : public testing::Test {
 protected:
  void Start(uint16_t port) {
    ServiceOptions options;
    options.data_dir = owner_folder_;
    options.registry = {world_.url()};
    options.listen.port = port;
    auto service = Service::Start(options);
    ASSERT_TRUE(service) << service.error().Text();
    service_ = std::move(*service);
  }
  // Ends the service and starts it again on its port.
  void Restart() {
    const auto url = base::ParseUrl(service_->url());
    ASSERT_TRUE(url);
    service_.reset();
    Start(url->port);
  }
  fakes::MemoryDevice::Send Http() { return fakes::MemoryDevice::Over(*http_); }

  fakes::World world_;
  std::unique_ptr<base::HttpClient> http_ = base::MakeBeastClient(64);
  std::string owner_folder_;
  std::unique_ptr<fakes::Role> maker_;
  std::vector<std::unique_ptr<fakes::MemoryDevice>> devices_;
  std::unique_ptr<Service> service_;
};

}  // namespace keel::verifier
