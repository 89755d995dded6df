// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace keel::fakes {
namespace {

void Need(bool good) {
  if (good) return;
  ERR_print_errors_fp(stderr);
  std::abort();
}

EVP_PKEY* NewKey() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Need(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Need(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// What was written to it, which is freed.
std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

X509* NewCertificate(EVP_PKEY* key, long serial, const char* name, long first, long last) {
  X509* certificate = X509_new();
  Need(certificate != nullptr && X509_set_version(certificate, 2) == 1 && X509_set_pubkey(certificate, key) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), first);
  X509_gmtime_adj(X509_getm_notAfter(certificate), last);
  X509_NAME* subject = X509_get_subject_name(certificate);
  Need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1,
                                  0) == 1);
  return certificate;
}

}  // namespace

TestAuthority::TestAuthority() : key_(NewKey()) {
  root_ = NewCertificate(key_, 1, "Test root", -7200, 7200);
  X509_set_issuer_name(root_, X509_get_subject_name(root_));
  AddExtension(root_, root_, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(root_, root_, NID_key_usage, "critical,keyCertSign");
  AddExtension(root_, root_, NID_subject_key_identifier, "hash");
  Need(X509_sign(root_, key_, EVP_sha256()) > 0);
}

TestAuthority::~TestAuthority() {
  for (const Leaf& leaf : leaves_) {
    X509_free(leaf.certificate);
    EVP_PKEY_free(leaf.key);
  }
  X509_free(root_);
  EVP_PKEY_free(key_);
}

std::string TestAuthority::RootPem() const { return CertificatePem({root_, nullptr}); }

std::string TestAuthority::CertificatePem(const Leaf& leaf) {
  BIO* out = BIO_new(BIO_s_mem());
  Need(out != nullptr && PEM_write_bio_X509(out, leaf.certificate) == 1);
  return TextOf(out);
}

std::string TestAuthority::KeyPem(const Leaf& leaf, const std::string& passphrase) {
  BIO* out = BIO_new(BIO_s_mem());
  Need(out != nullptr &&
       PEM_write_bio_PKCS8PrivateKey(out, leaf.key, passphrase.empty() ? nullptr : EVP_aes_256_cbc(), passphrase.data(),
                                     static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
  return TextOf(out);
}

TestAuthority::Leaf TestAuthority::Issue(const std::string& names, long first, long last) {
  Leaf leaf{nullptr, NewKey()};
  leaf.certificate = NewCertificate(leaf.key, 2 + static_cast<long>(leaves_.size()), "Test server", first, last);
  X509_set_issuer_name(leaf.certificate, X509_get_subject_name(root_));
  AddExtension(leaf.certificate, root_, NID_subject_alt_name, names);
  AddExtension(leaf.certificate, root_, NID_ext_key_usage, "serverAuth");
  Need(X509_sign(leaf.certificate, key_, EVP_sha256()) > 0);
  leaves_.push_back(leaf);
  return leaf;
}

TlsServer::TlsServer(const TestAuthority::Leaf& leaf, Answer answer, Options options)
    : answer_(std::move(answer)), options_(options) {
  // OpenSSL's sockets raise it when a client under test hangs up.
  std::signal(SIGPIPE, SIG_IGN);
  context_ = SSL_CTX_new(TLS_server_method());
  Need(context_ != nullptr && SSL_CTX_use_certificate(context_, leaf.certificate) == 1 &&
       SSL_CTX_use_PrivateKey(context_, leaf.key) == 1);
  if (options_.max_version != 0) {
    SSL_CTX_set_security_level(context_, 0);
    Need(SSL_CTX_set_min_proto_version(context_, TLS1_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context_, options_.max_version) == 1);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  Need(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 && ::listen(listener_, 16) == 0);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread([this] { Run(); });
}

TlsServer::~TlsServer() {
  const uint64_t one = 1;
  Need(::write(stop_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(listener_);
  ::close(stop_);
  SSL_CTX_free(context_);
}

std::vector<std::string> TlsServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TlsServer::Run() {
  for (;;) {
    pollfd items[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(items, 2, -1) < 0) continue;
    if (items[1].revents != 0) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    if (options_.silent) {
      // Until the client gives up, or the test ends.
      pollfd wait[] = {{fd, POLLRDHUP, 0}, {stop_, POLLIN, 0}};
      while (::poll(wait, 2, -1) < 0) {
      }
    } else {
      // No client of a test may hold the server for ever.
      const timeval patience{10, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      Serve(fd);
    }
    ::close(fd);
  }
}

void TlsServer::Serve(int fd) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, fd);
  std::string request;
  if (SSL_accept(ssl) == 1) {
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int n = SSL_read(ssl, buffer, sizeof buffer);
      if (n <= 0) break;
      request.append(buffer, static_cast<size_t>(n));
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const std::string answer = answer_(request);
    if (!answer.empty()) SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
    if (!options_.cut) SSL_shutdown(ssl);
  }
  ERR_clear_error();
  SSL_free(ssl);
  // The answer must not be lost by a reset while the client still reads.
  ::shutdown(fd, SHUT_WR);
  char rest[1024];
  while (::recv(fd, rest, sizeof rest, 0) > 0) {
  }
}

std::string HttpAnswer(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace keel::fakes
