// SPDX-License-Identifier: Apache-2.0
#include "base/net/internal/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/net/internal/connection.h"

namespace keel::base::internal {
namespace {

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that hangs up would end the program.
int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

int BioWrite(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(FdOf(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int BioRead(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(FdOf(bio), data, static_cast<size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

std::string Reason() {
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  const char* text = error == 0 ? nullptr : ERR_reason_error_string(error);
  return text == nullptr ? "connection lost" : text;
}

int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

Result<ssl_ctx_st*> MakeServerTls(const std::string& certificate_file, const std::string& key_file) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) return Fail(Code::kInternalError, "tls", Reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // No client renegotiation: it costs a server more than a client.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_default_passwd_cb(context.get(), NoPassphrase);
  const auto bad = [](const std::string& file) { return Fail(Code::kInvalidArgument, "tls", file + ": " + Reason()); };
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1)
    return bad("certificate " + certificate_file);
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad("private key " + key_file);
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return bad("private key " + key_file + " and certificate " + certificate_file);
  SSL_CTX_up_ref(context.get());
  return context.get();
}

Result<std::shared_ptr<const TlsContext>> TlsContext::Create(const std::string& ca_file) {
  const std::shared_ptr<TlsContext> made(new TlsContext());
  made->method_ = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "keel socket");
  made->context_ = SSL_CTX_new(TLS_client_method());
  if (made->method_ == nullptr || made->context_ == nullptr) return Fail(Code::kInternalError, "tls", Reason());
  BIO_meth_set_write(made->method_, BioWrite);
  BIO_meth_set_read(made->method_, BioRead);
  BIO_meth_set_ctrl(made->method_, BioControl);
  SSL_CTX_set_min_proto_version(made->context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(made->context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(made->context_)
                                     : SSL_CTX_load_verify_locations(made->context_, ca_file.c_str(), nullptr);
  if (loaded != 1)
    return Fail(Code::kIo, "tls",
                (ca_file.empty() ? std::string("the system's trust store") : ca_file) + ": " + Reason());
  return std::shared_ptr<const TlsContext>(made);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  BIO_meth_free(method_);
}

Result<std::unique_ptr<TlsStream>> TlsStream::Open(std::shared_ptr<const TlsContext> context, int fd,
                                                   const std::string& host, uint64_t deadline) {
  std::unique_ptr<TlsStream> stream(new TlsStream());
  stream->context_ = std::move(context);
  stream->fd_ = fd;
  stream->ssl_ = SSL_new(stream->context_->context_);
  BIO* bio = BIO_new(stream->context_->method_);
  if (stream->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    return Fail(Code::kInternalError, "tls", Reason());
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(stream->ssl_, bio, bio);
  in6_addr any{};
  const bool numeric = ::inet_pton(AF_INET, host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
  SSL_set_hostflags(stream->ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = numeric ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(stream->ssl_), host.c_str()) == 1
                             : SSL_set1_host(stream->ssl_, host.c_str()) == 1 &&
                                   SSL_set_tlsext_host_name(stream->ssl_, host.c_str()) == 1;
  if (!named) return Fail(Code::kInvalidArgument, "tls", "the host name can't be checked: " + Reason());
  static constexpr uint8_t kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(stream->ssl_, kHttp11, sizeof kHttp11);
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(stream->ssl_);
    if (result == 1) return stream;
    if (const long verdict = SSL_get_verify_result(stream->ssl_); verdict != X509_V_OK) {
      ERR_clear_error();
      return Fail(Code::kUntrusted, "tls",
                  host + ": the server's certificate is refused: " + X509_verify_cert_error_string(verdict));
    }
    auto go_on = stream->Continue(result, "the handshake", deadline);
    if (!go_on && go_on.error().code == Code::kClosed)
      return Fail(Code::kUnreachable, "tls", host + ": " + go_on.error().detail);
    if (!go_on) return std::unexpected<Error>(std::move(go_on.error()));
    if (!*go_on) return Fail(Code::kUnreachable, "tls", host + ": the server closed the stream in the handshake");
  }
}

TlsStream::~TlsStream() {
  if (ssl_ == nullptr) return;
  // One try at a proper goodbye; nobody waits for its answer.
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
  ERR_clear_error();
  SSL_free(ssl_);
}

Result<bool> TlsStream::Continue(int result, const char* doing, uint64_t deadline) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      if (!WaitFor(fd_, POLLIN, deadline))
        return Fail(Code::kTimeout, "tls", std::string("no end of ") + doing + " in time");
      return true;
    case SSL_ERROR_WANT_WRITE:
      if (!WaitFor(fd_, POLLOUT, deadline))
        return Fail(Code::kTimeout, "tls", std::string("no end of ") + doing + " in time");
      return true;
    case SSL_ERROR_ZERO_RETURN: return false;
    default: return Fail(Code::kClosed, "tls", std::string(doing) + " failed: " + Reason());
  }
}

Result<> TlsStream::Write(std::string_view text, uint64_t deadline) {
  while (!text.empty()) {
    ERR_clear_error();
    size_t written = 0;
    const int result = SSL_write_ex(ssl_, text.data(), text.size(), &written);
    if (result == 1) {
      text.remove_prefix(written);
      continue;
    }
    KEEL_TRY(const bool open, Continue(result, "sending", deadline));
    if (!open) return Fail(Code::kClosed, "tls", "the server closed the stream");
  }
  return {};
}

Result<size_t> TlsStream::Read(char* out, size_t room, uint64_t deadline) {
  for (;;) {
    ERR_clear_error();
    size_t got = 0;
    const int result = SSL_read_ex(ssl_, out, room, &got);
    if (result == 1) return got;
    KEEL_TRY(const bool open, Continue(result, "receiving", deadline));
    if (!open) return size_t{0};
  }
}

bool TlsStream::Pending() const { return SSL_pending(ssl_) > 0; }

}  // namespace keel::base::internal
