// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

// TLS (OpenSSL), 1.2 or newer. Of a client: the server's certificate checked against a trust store and its name.
namespace keel::base::internal {

// What a server's connections share, for the caller to free (SSL_CTX_free, or who takes it over): its certificate with
// the chain that belongs to it, and its private key, both PEM. An encrypted key is refused: there is nobody to ask.
// kInvalidArgument names the file and what is wrong with it.
Result<ssl_ctx_st*> MakeServerTls(const std::string& certificate_file, const std::string& key_file);

// What all connections of one client share. Thread-safe.
class TlsContext {
 public:
  // ca_file: a PEM file whose certificates alone are trusted; empty: the system's store. kIo: it can't be read.
  static Result<std::shared_ptr<const TlsContext>> Create(const std::string& ca_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  TlsContext() = default;
  ssl_ctx_st* context_ = nullptr;
  bio_method_st* method_ = nullptr;
};

// One connection over a non-blocking socket that the caller owns and keeps open. Needs external synchronization.
// Deadlines are of MonotonicMs.
class TlsStream {
 public:
  // Shakes hands. kUntrusted: the certificate is not one that is trusted, or not one of `host`; kTimeout; kClosed;
  // kUnreachable: another failure of the handshake.
  static Result<std::unique_ptr<TlsStream>> Open(std::shared_ptr<const TlsContext> context, int fd,
                                                 const std::string& host, uint64_t deadline);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // All of it. kTimeout, kClosed.
  Result<> Write(std::string_view text, uint64_t deadline);
  // What is there, at least one octet; 0: the peer closed the stream properly. kTimeout; kClosed: it was cut.
  Result<size_t> Read(char* out, size_t room, uint64_t deadline);
  // Whether decrypted octets wait to be read.
  bool Pending() const;

 private:
  TlsStream() = default;
  // Waits for what OpenSSL wants after `result`; false: the peer closed the stream.
  Result<bool> Continue(int result, const char* doing, uint64_t deadline);
  std::shared_ptr<const TlsContext> context_;
  ssl_st* ssl_ = nullptr;
  int fd_ = -1;
};

}  // namespace keel::base::internal
