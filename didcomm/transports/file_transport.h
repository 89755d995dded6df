// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "didcomm/message.h"
#include "didcomm/transport.h"

// DIDComm by files in a folder: a shared file system, or a medium that somebody carries (extension "Filesystem
// Transport"; docs/protocols/didcomm-routing.md). An endpoint is a file: URI of a folder, the message a file *.dcem in
// it; what goes back lies under the folder's `replies`, which other implementations pass over.
namespace keel::didcomm {

struct FileTransportOptions {
  size_t max_envelope = 2 * kMaxMessage;
  std::chrono::milliseconds poll{50};  // between looks for a reply: media and network file systems tell nobody
};

// file:///folder. Writes one file as a whole (another name, fsync, rename, fsync of the folder) under a name that sorts
// by time. Success says that it is durably there, not that anybody read it; with wants_reply it waits for the answer.
class FileTransport final : public Transport {
 public:
  explicit FileTransport(FileTransportOptions options = {}) : options_(options) {}
  bool Carries(std::string_view uri) const override;
  // kMalformed (no file: URI of an absolute path), kUnreachable (no such folder), kTooLarge, kNoSpace, kIo; with
  // wants_reply what the receiver wrote: kTooLarge, kBusy, kRefused; kTimeout (the message stays where it is).
  Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions& options) override;

 private:
  const FileTransportOptions options_;
};

struct FileServerOptions {
  std::string folder;
  size_t max_envelope = 2 * kMaxMessage;
  size_t max_kept = 100;                        // refused messages and untaken replies, each; the oldest go
  std::chrono::milliseconds scan{200};          // between looks
  std::chrono::milliseconds busy_retry{5'000};  // before a message that was refused as busy is tried again
};

// Takes the messages of a folder one after the other: those without an ordinal prefix by their time of change, then
// those with one by its number. A message is renamed while it is handled and removed once the handler is done; after a
// crash in between it is handled again (the handler knows repeats). What the handler refuses is moved to `refused`.
// Files that are being written (any other extension) are left alone; links and special files are never opened.
// Runs one thread from Start to Stop (also the destructor).
class FileServer {
 public:
  // Makes the folder if it isn't there. kBusy: another process serves it. kIo.
  static Result<std::unique_ptr<FileServer>> Start(const FileServerOptions& options, EnvelopeHandler handler);
  ~FileServer();
  void Stop();
  // The folder as URI.
  std::string uri() const;

  struct Stats {
    uint64_t handled = 0, refused = 0, busy = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  explicit FileServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "file:///var/spool/didcomm" -> "/var/spool/didcomm" and back (RFC 8089; no host but none and "localhost").
// kMalformed.
Result<std::string> FolderOf(std::string_view uri);
std::string FolderUri(const std::string& folder);

}  // namespace keel::didcomm
