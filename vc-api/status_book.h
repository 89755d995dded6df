// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "vc/secure.h"
#include "vc/status_list/encoder.h"

namespace keel::vc_api {

// The statuses of what the issuing endpoints issued: for each issuer one list for revocation and one for suspension,
// issued by it; an index drawn at random for each credential (it says nothing about order); kept durably. Thread-safe.
class StatusBook {
 public:
  struct Options {
    std::string url;  // of the lists, without their number: "https://host/credentials/status"
    // Who issues and how its lists are secured; `kid` belongs to the issuer. Their order numbers the lists: it must
    // stay.
    std::vector<std::pair<std::string, vc::SecureOptions>> issuers;
    uint64_t valid_seconds = 86'400;
    uint64_t ttl_ms = 60'000;
  };
  // The collaborators outlive it.
  static Result<std::unique_ptr<StatusBook>> Open(Options options, base::KeyValueStore& store, Clock& clock,
                                                  Random& random);

  // The credentialStatus entry for a new credential of that issuer. kInvalidArgument: a purpose that there is no list
  // for (there are revocation and suspension), an issuer that is none of ours; kNoSpace: the list is full.
  Result<nlohmann::json> Allocate(const std::string& issuer, const std::string& purpose);
  // Sets or unsets a status in the list of that number; durable when it returns. kNotFound: a list that there isn't, an
  // index that was never given out.
  Result<> Set(const std::string& number, uint64_t index, bool value);
  // The secured list by its number, as published now. kNotFound.
  Result<std::string> List(const std::string& number);

 private:
  struct Book {
    std::string number, issuer, purpose;
    const vc::SecureOptions* securing = nullptr;
    std::optional<vc::StatusListEncoder> bits;
    std::vector<bool> used;
    uint64_t left = 0;
    std::string published;  // empty: to be made again
    UnixSeconds until = 0;  // when what is published is half way to its end
  };
  StatusBook(Options options, base::KeyValueStore& store, Clock& clock, Random& random)
      : options_(std::move(options)), store_(store), clock_(clock), random_(random) {}
  Result<> AddBook(const std::string& issuer, const vc::SecureOptions& securing, const char* purpose);
  Book* Find(const std::string& number);
  Result<> Publish(Book& book);

  Options options_;
  base::KeyValueStore& store_;
  Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  std::vector<Book> books_;
};

}  // namespace keel::vc_api
