// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transports/file_transport.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

constexpr const char* kWhere = "didcomm file";
constexpr std::string_view kMessage = ".dcem";
constexpr std::string_view kWorking = ".dcem.work";
constexpr std::string_view kErrorFile = ".error";

std::string Replies(const std::string& folder) { return folder + "/replies"; }
std::string Refused(const std::string& folder) { return folder + "/refused"; }

// A name of ours has no '/' and doesn't begin with a dot, so that it can't lead elsewhere.
bool IsMessageName(std::string_view name) {
  return name.ends_with(kMessage) && name.size() > kMessage.size() && name.front() != '.' && name.size() <= 200 &&
         name.find('/') == std::string_view::npos;
}

// "12--x.dcem" -> 12.
std::optional<uint64_t> Ordinal(std::string_view name) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
  if (error != std::errc() ||
      !std::string_view(end, static_cast<size_t>(name.data() + name.size() - end)).starts_with("--"))
    return std::nullopt;
  return value;
}

struct Listed {
  std::string name;
  std::optional<uint64_t> ordinal;
  timespec changed{};
};

bool Before(const Listed& a, const Listed& b) {
  if (a.ordinal.has_value() != b.ordinal.has_value()) return !a.ordinal;
  if (a.ordinal && *a.ordinal != *b.ordinal) return *a.ordinal < *b.ordinal;
  if (!a.ordinal && a.changed.tv_sec != b.changed.tv_sec) return a.changed.tv_sec < b.changed.tv_sec;
  if (!a.ordinal && a.changed.tv_nsec != b.changed.tv_nsec) return a.changed.tv_nsec < b.changed.tv_nsec;
  return a.name < b.name;
}

// A regular file's content, and nothing else's: a link or a pipe that somebody put there must not be followed or block
// us. kTooLarge before anything is read.
Result<std::string> ReadRegular(const std::string& path, size_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return Fail(errno == ENOENT ? Code::kNotFound : Code::kIo, kWhere, path + ": " + strerror(errno));
  const auto close = [fd] { ::close(fd); };
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close();
    return Fail(Code::kRefused, kWhere, path + " is no regular file");
  }
  if (static_cast<uint64_t>(info.st_size) > limit) {
    close();
    return Fail(Code::kTooLarge, kWhere, path + " is over " + std::to_string(limit) + " octets");
  }
  std::string text(static_cast<size_t>(info.st_size), '\0');
  size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  close();
  if (got != text.size()) return Fail(Code::kIo, kWhere, path + " could not be read whole");
  return text;
}

Result<> Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return Fail(Code::kIo, kWhere, from + ": " + strerror(errno));
}

bool IsFolder(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The receiver's short word for why -> the error that the sender gets.
Error ErrorOf(std::string_view word, const std::string& uri) {
  if (word == CodeName(Code::kTooLarge)) return Fail(Code::kTooLarge, kWhere, uri + ": too large").error();
  if (word == CodeName(Code::kBusy)) return Fail(Code::kBusy, kWhere, uri + ": busy").error();
  return Fail(Code::kRefused, kWhere, uri + ": refused").error();
}

}  // namespace

Result<std::string> FolderOf(std::string_view uri) {
  std::string_view rest = uri;
  if (!rest.starts_with("file:")) return Fail(Code::kMalformed, kWhere, "'" + std::string(uri) + "' is no file: URI");
  rest.remove_prefix(5);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  }
  auto path = base::UrlDecode(rest);
  if (!path || !path->starts_with('/'))
    return Fail(Code::kMalformed, kWhere, "'" + std::string(uri) + "' names no folder of this machine");
  while (path->size() > 1 && path->ends_with('/')) path->pop_back();
  return path;
}

std::string FolderUri(const std::string& folder) {
  std::string uri = "file://";
  size_t at = 0;
  while (at < folder.size()) {
    const size_t slash = std::min(folder.find('/', at), folder.size());
    uri += base::UrlEncode(folder.substr(at, slash - at));
    if (slash < folder.size()) uri += '/';
    at = slash + 1;
  }
  return uri;
}

bool FileTransport::Carries(std::string_view uri) const { return uri.starts_with("file:"); }

Result<std::string> FileTransport::Send(const std::string& uri, std::string envelope, const SendOptions& options) {
  KEEL_TRY(const std::string folder, FolderOf(uri));
  if (envelope.size() > options_.max_envelope)
    return Fail(Code::kTooLarge, kWhere, "an envelope over " + std::to_string(options_.max_envelope) + " octets");
  if (!IsFolder(folder)) return Fail(Code::kUnreachable, kWhere, folder + " is no folder");
  const std::string name = std::to_string(base::NowSeconds()) + "--" + NewMessageId() + std::string(kMessage);
  // WriteFileAtomic's temporary name ends otherwise, so nobody takes half of it.
  KEEL_TRY_VOID(base::WriteFileAtomic(folder + "/" + name, envelope));
  if (!options.wants_reply) return std::string();
  const std::string reply = Replies(folder) + "/" + name;
  const uint64_t deadline = base::MonotonicMs() + static_cast<uint64_t>(options.deadlines.total.count());
  while (true) {
    auto text = ReadRegular(reply, 2 * kMaxMessage);
    if (text) {
      KEEL_TRY_VOID(base::RemoveFile(reply));
      return text;
    }
    if (text.error().code != Code::kNotFound) return text;
    if (const auto word = ReadRegular(reply + std::string(kErrorFile), 64); word) {
      KEEL_TRY_VOID(base::RemoveFile(reply + std::string(kErrorFile)));
      return std::unexpected<Error>(ErrorOf(*word, uri));
    }
    if (base::MonotonicMs() >= deadline)
      return Fail(Code::kTimeout, kWhere, "no reply in " + Replies(folder) + " in time");
    std::this_thread::sleep_for(options_.poll);
  }
}

struct FileServer::Impl {
  Impl(FileServerOptions the_options, EnvelopeHandler the_handler, base::LockFile the_lock)
      : options(std::move(the_options)), handler(std::move(the_handler)), lock(std::move(the_lock)) {}

  const FileServerOptions options;
  const EnvelopeHandler handler;
  base::LockFile lock;
  base::LogLimiter log;
  std::atomic<uint64_t> handled{0}, refused{0}, busy{0};
  std::mutex mutex;  // stopping
  std::condition_variable changed;
  bool stopping = false;
  std::map<std::string, uint64_t> later;  // the thread's own: busy messages and when they are due
  std::thread thread;

  std::vector<Listed> Scan() const;
  Result<> Recover() const;
  bool Stopping() {
    const std::lock_guard guard(mutex);
    return stopping;
  }
  void Take(const std::string& name);
  void Reply(const std::string& name, const std::string& text) const;
  void Bound(const std::string& folder) const;
  void Run();
};

// What a crash left while it was handled is there again.
Result<> FileServer::Impl::Recover() const {
  KEEL_TRY(const std::vector<std::string> names, base::ListDir(options.folder));
  for (const std::string& name : names) {
    if (!name.ends_with(kWorking)) continue;
    const std::string message = name.substr(0, name.size() - (kWorking.size() - kMessage.size()));
    if (IsMessageName(message)) KEEL_TRY_VOID(Rename(options.folder + "/" + name, options.folder + "/" + message));
  }
  return {};
}

std::vector<Listed> FileServer::Impl::Scan() const {
  std::vector<Listed> found;
  const auto names = base::ListDir(options.folder);
  if (!names) return found;
  for (const std::string& name : *names) {
    if (!IsMessageName(name)) continue;
    struct stat info{};
    if (::lstat((options.folder + "/" + name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    found.push_back({name, Ordinal(name), info.st_mtim});
  }
  std::sort(found.begin(), found.end(), Before);
  return found;
}

// The oldest of too many go.
void FileServer::Impl::Bound(const std::string& folder) const {
  const auto names = base::ListDir(folder);
  if (!names || names->size() < options.max_kept) return;
  std::vector<Listed> all;
  for (const std::string& name : *names) {
    struct stat info{};
    if (::lstat((folder + "/" + name).c_str(), &info) == 0) all.push_back({name, std::nullopt, info.st_mtim});
  }
  std::sort(all.begin(), all.end(), Before);
  for (size_t i = 0; i + options.max_kept <= all.size(); ++i)
    static_cast<void>(base::RemoveFile(folder + "/" + all[i].name));
}

void FileServer::Impl::Reply(const std::string& name, const std::string& text) const {
  Bound(Replies(options.folder));
  if (const auto written = base::WriteFileAtomic(Replies(options.folder) + "/" + name, text); !written)
    base::LogWarn("didcomm.reply_lost", {{"why", written.error().Text()}});
}

void FileServer::Impl::Take(const std::string& name) {
  const std::string path = options.folder + "/" + name;
  const std::string working = path.substr(0, path.size() - kMessage.size()) + std::string(kWorking);
  if (!Rename(path, working)) return;  // gone, or somebody changed its rights: looked at again
  auto envelope = ReadRegular(working, options.max_envelope);
  auto reply = envelope ? handler(std::move(*envelope)) : std::move(envelope);
  if (!reply && reply.error().code == Code::kBusy) {
    ++busy;
    later[name] = base::MonotonicMs() + static_cast<uint64_t>(options.busy_retry.count());
    static_cast<void>(Rename(working, path));
    return;
  }
  if (!reply) {
    ++refused;
    log.Log(base::LogLevel::kInfo, "didcomm.refused", {{"file", path}, {"why", reply.error().Text()}});
    const Code code = reply.error().code == Code::kTooLarge ? Code::kTooLarge : Code::kRefused;
    Bound(Refused(options.folder));
    if (!Rename(working, Refused(options.folder) + "/" + name)) static_cast<void>(base::RemoveFile(working));
    Reply(name + std::string(kErrorFile), CodeName(code));
    return;
  }
  ++handled;
  if (!reply->empty()) Reply(name, *reply);
  // After the reply: a crash in between repeats the message, and the reply.
  static_cast<void>(base::RemoveFile(working));
  static_cast<void>(base::SyncDir(options.folder));
}

void FileServer::Impl::Run() {
  while (!Stopping()) {
    bool took = false;
    std::map<std::string, uint64_t> still;
    for (const Listed& listed : Scan()) {
      if (Stopping()) return;
      const auto due = later.find(listed.name);
      if (due != later.end() && due->second > base::MonotonicMs()) {
        still.insert(*due);
        continue;
      }
      Take(listed.name);
      took = true;
      if (const auto again = later.find(listed.name); again != later.end() && again->second > base::MonotonicMs())
        still.insert(*again);
    }
    later = std::move(still);
    std::unique_lock guard(mutex);
    if (!took) changed.wait_for(guard, options.scan, [this] { return stopping; });
  }
}

FileServer::FileServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<FileServer>> FileServer::Start(const FileServerOptions& options, EnvelopeHandler handler) {
  KEEL_TRY_VOID(base::MakeDir(options.folder));
  KEEL_TRY(base::LockFile lock, base::LockFile::Acquire(options.folder));
  KEEL_TRY_VOID(base::MakeDir(Replies(options.folder)));
  KEEL_TRY_VOID(base::MakeDir(Refused(options.folder)));
  auto impl = std::make_unique<Impl>(options, std::move(handler), std::move(lock));
  KEEL_TRY_VOID(impl->Recover());
  impl->thread = std::thread([self = impl.get()] { self->Run(); });
  return std::unique_ptr<FileServer>(new FileServer(std::move(impl)));
}

FileServer::~FileServer() { Stop(); }

void FileServer::Stop() {
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

std::string FileServer::uri() const { return FolderUri(impl_->options.folder); }
FileServer::Stats FileServer::stats() const { return {impl_->handled, impl_->refused, impl_->busy}; }

}  // namespace keel::didcomm
