// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace keel::fakes {

// A certificate authority made for one test: its root, and server certificates that it signs. Throws nothing; ends the
// program when OpenSSL fails.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;
  std::string RootPem() const;

  struct Leaf {
    X509* certificate;
    EVP_PKEY* key;
  };
  // For DNS names and addresses ("DNS:localhost,IP:127.0.0.1"), valid from now + first to now + last seconds; the
  // authority owns it.
  Leaf Issue(const std::string& names, long first = -3600, long last = 3600);
  // As files have them.
  static std::string CertificatePem(const Leaf& leaf);
  // With a passphrase: encrypted.
  static std::string KeyPem(const Leaf& leaf, const std::string& passphrase = {});

 private:
  EVP_PKEY* key_ = nullptr;
  X509* root_ = nullptr;
  std::vector<Leaf> leaves_;
};

// An HTTPS server on 127.0.0.1, port 0: reads a request's head, answers with the octets that `answer` gives for it,
// closes. One connection at a time. Not for load.
class TlsServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;
  struct Options {
    bool cut = false;     // drop the connection without TLS's goodbye
    int max_version = 0;  // TLS1_1_VERSION ...; 0: any
    bool silent = false;  // take the connection and say nothing, not even a handshake
  };
  TlsServer(const TestAuthority::Leaf& leaf, Answer answer, Options options);
  TlsServer(const TestAuthority::Leaf& leaf, Answer answer) : TlsServer(leaf, std::move(answer), Options{}) {}
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }
  std::vector<std::string> requests() const;

 private:
  void Run();
  void Serve(int fd);
  const Answer answer_;
  const Options options_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  int stop_ = -1;  // eventfd
  int port_ = 0;
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;  // requests_
  std::vector<std::string> requests_;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" and so on with a Content-Length.
std::string HttpAnswer(int status, const std::string& body, const std::string& headers = {});

}  // namespace keel::fakes
