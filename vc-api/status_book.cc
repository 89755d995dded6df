// SPDX-License-Identifier: Apache-2.0
#include "vc-api/status_book.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "vc/status_list/status_list.h"

namespace keel::vc_api {
namespace {

using nlohmann::json;

constexpr const char* kPurposes[] = {"revocation", "suspension"};

// "s/1/94567" -> "0" or "1": an index that was given out, and its status.
std::string IndexKey(const std::string& number, uint64_t index) { return "s/" + number + "/" + std::to_string(index); }

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<std::unique_ptr<StatusBook>> StatusBook::Open(Options options, base::KeyValueStore& store, Clock& clock,
                                                     Random& random) {
  std::unique_ptr<StatusBook> made(new StatusBook(std::move(options), store, clock, random));
  for (const auto& [issuer, securing] : made->options_.issuers) {
    for (const char* purpose : kPurposes) KEEL_TRY_VOID(made->AddBook(issuer, securing, purpose));
  }
  return made;
}

Result<> StatusBook::AddBook(const std::string& issuer, const vc::SecureOptions& securing, const char* purpose) {
  Book book;
  book.number = std::to_string(books_.size() + 1);
  book.issuer = issuer;
  book.purpose = purpose;
  book.securing = &securing;
  KEEL_TRY(vc::Bitstring bits, vc::Bitstring::Create());
  book.used.assign(bits.bits(), false);
  book.left = bits.bits();
  const std::string prefix = "s/" + book.number + "/";
  bool good = true;
  KEEL_TRY_VOID(store_.Scan(prefix, [&](std::string_view key, std::string_view value) {
    const auto index = Number(key.substr(prefix.size()));
    good = index && *index < book.used.size() && bits.Set(*index, value == "1").has_value();
    if (good) {
      book.used[*index] = true;
      --book.left;
    }
    return good;
  }));
  if (!good) return Fail(Code::kCorrupt, "status book", "list " + book.number + " can't be read");
  book.bits.emplace(std::move(bits));
  books_.push_back(std::move(book));
  return {};
}

StatusBook::Book* StatusBook::Find(const std::string& number) {
  for (Book& book : books_) {
    if (book.number == number) return &book;
  }
  return nullptr;
}

Result<json> StatusBook::Allocate(const std::string& issuer, const std::string& purpose) {
  const std::lock_guard lock(mutex_);
  const auto book =
      std::ranges::find_if(books_, [&](const Book& one) { return one.issuer == issuer && one.purpose == purpose; });
  if (book == books_.end())
    return Fail(Code::kInvalidArgument, "status",
                "there is no list for '" + purpose + "', only revocation, suspension");
  // Past three quarters a draw would take long; and whoever is left could be told apart.
  if (book->left <= book->used.size() / 4) return Fail(Code::kNoSpace, "status", "the list is full");
  uint64_t index = 0;
  do {
    ByteArray<8> octets;
    KEEL_TRY_VOID(random_.Fill(octets));
    index = 0;
    for (const uint8_t octet : octets) index = index << 8 | octet;
    index %= book->used.size();
  } while (book->used[index]);
  base::WriteBatch batch;
  batch.Put(IndexKey(book->number, index), "0");
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  book->used[index] = true;
  --book->left;
  const std::string url = options_.url + "/" + book->number;
  return json{{"id", url + "#" + std::to_string(index)},
              {"type", "BitstringStatusListEntry"},
              {"statusPurpose", purpose},
              {"statusListIndex", std::to_string(index)},
              {"statusListCredential", url}};
}

Result<> StatusBook::Set(const std::string& number, uint64_t index, bool value) {
  const std::lock_guard lock(mutex_);
  Book* book = Find(number);
  if (book == nullptr || index >= book->used.size() || !book->used[index])
    return Fail(Code::kNotFound, "status", "no credential was given that place in list " + number);
  base::WriteBatch batch;
  batch.Put(IndexKey(book->number, index), value ? "1" : "0");
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  KEEL_TRY_VOID(book->bits->Set(index, value));
  book->published.clear();
  return {};
}

Result<> StatusBook::Publish(Book& book) {
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  if (!book.published.empty() && now < book.until) return {};
  KEEL_TRY(std::string encoded, book.bits->Encode());
  vc::StatusListRequest request;
  request.issuer = book.issuer;
  request.url = options_.url + "/" + book.number;
  request.purposes = {book.purpose};
  request.valid_from = now;
  request.valid_until = now + options_.valid_seconds;
  request.ttl_ms = options_.ttl_ms;
  // No version: its term stands in Keel's context, which other people's verifiers don't have.
  KEEL_TRY(const json credential, vc::StatusListCredential(request, std::move(encoded)));
  vc::SecureOptions securing = *book.securing;
  securing.created = now;
  KEEL_TRY(vc::Secured secured, vc::Secure(credential, securing));
  book.published = std::move(secured.octets);
  book.until = now + options_.valid_seconds / 2;
  return {};
}

Result<std::string> StatusBook::List(const std::string& number) {
  const std::lock_guard lock(mutex_);
  Book* book = Find(number);
  if (book == nullptr) return Fail(Code::kNotFound, "status list", "there is no list " + number);
  KEEL_TRY_VOID(Publish(*book));
  return book->published;
}

}  // namespace keel::vc_api
