// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crypto/aead.h"
#include "crypto/hash.h"

namespace keel::crypto::internal {
namespace {

constexpr std::string_view kMagic = "keel-keys/1\n";
constexpr char kWhere[] = "key store";
constexpr size_t kHeader = 12 + 1 + 16 + 4 + 8 + 16 + kXc20pNonce;
// What an edited file may make us spend: libsodium's SENSITIVE is 4 passes over 1 GiB.
constexpr uint32_t kMaxOperations = 8;
constexpr uint64_t kMaxMemory = uint64_t{1} << 30;

std::unexpected<Error> IoError(const std::string& what, int error) {
  const Code code = error == ENOSPC || error == EDQUOT ? Code::kNoSpace : Code::kIo;
  return Fail(code, kWhere, what + ": " + std::strerror(error));
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Reads a file that only its owner may read; kNotFound when there is none.
Result<> ReadPrivate(const std::string& path, SecretVector& out) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) {
    if (errno == ENOENT) return Fail(Code::kNotFound, kWhere, path + " does not exist");
    return IoError("cannot open " + path, errno);
  }
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return IoError("cannot examine " + path, errno);
  if (!S_ISREG(info.st_mode)) return Fail(Code::kUsage, kWhere, path + " is no regular file");
  if ((info.st_mode & 077) != 0) {
    return Fail(Code::kUsage, kWhere,
                path + " can be read or written by others: run chmod 600 " + path + " and consider its keys known");
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return Fail(Code::kUsage, kWhere, path + " belongs to another user");
  if (static_cast<size_t>(info.st_size) > kMaxKeyFile)
    return Fail(Code::kTooLarge, kWhere, path + " is larger than a key store can be");
  out.octets.resize(static_cast<size_t>(info.st_size));
  size_t used = 0;
  while (used < out.octets.size()) {
    const ssize_t n = ::read(fd.get(), out.octets.data() + used, out.octets.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError("cannot read " + path, errno);
    if (n == 0) break;
    used += static_cast<size_t>(n);
  }
  out.octets.resize(used);
  return {};
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// write, fsync, rename, fsync folder: after a power cut there is the old file or the new one, whole.
Result<> ReplacePrivate(const std::string& path, ByteView octets) {
  const std::string next = path + ".new";
  if (::unlink(next.c_str()) != 0 && errno != ENOENT) return IoError("cannot remove " + next, errno);
  {
    const Fd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd.get() < 0) return IoError("cannot make " + next, errno);
    size_t used = 0;
    while (used < octets.size()) {
      const ssize_t n = ::write(fd.get(), octets.data() + used, octets.size() - used);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const int error = errno;
        ::unlink(next.c_str());
        return IoError("cannot write " + next, error);
      }
      used += static_cast<size_t>(n);
    }
    if (::fsync(fd.get()) != 0) {
      const int error = errno;
      ::unlink(next.c_str());
      return IoError("cannot sync " + next, error);
    }
  }
  if (::rename(next.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(next.c_str());
    return IoError("cannot replace " + path, error);
  }
  const Fd folder(::open(FolderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return IoError("cannot sync the folder of " + path, errno);
  return {};
}

}  // namespace

KeyFile::~KeyFile() {
  if (lock_ >= 0) ::close(lock_);
}

Result<SecretBytes<32>> KeyFile::Stretch(std::string_view passphrase) const {
  SecretBytes<32> root;
  if (crypto_pwhash(root.MutableSecret().data(), 32, passphrase.data(), passphrase.size(), salt_.data(), operations_,
                    static_cast<size_t>(memory_), crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Fail(Code::kKeyStoreFailed, kWhere,
                "Argon2id needs " + std::to_string(memory_ >> 20) + " MiB of memory and did not get them");
  }
  return root;
}

Result<SecretBytes<32>> KeyFile::KeyBeside(bool make) const {
  const std::string path = path_ + ".key";
  SecretVector octets;
  auto read = ReadPrivate(path, octets);
  if (!read && read.error().code == Code::kNotFound) {
    if (!make)
      return Fail(Code::kCorrupt, kWhere, path + ", the key of " + path_ + ", is gone; restore it from a backup");
    octets.octets.resize(32);
    KEEL_TRY_VOID(SystemRandom().Fill(octets.octets));
    KEEL_TRY_VOID(ReplacePrivate(path, octets.octets));
  } else if (!read) {
    return std::unexpected<Error>(std::move(read.error()));
  }
  if (octets.octets.size() != 32) return Fail(Code::kCorrupt, kWhere, path + " does not hold 32 octets");
  return SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(octets.octets.data(), 32));
}

// The sealing key and a value that tells a wrong passphrase from a damaged file.
Result<> KeyFile::Derive(ByteView root) {
  ByteArray<48> derived;
  const ScopedWipe wipe(derived);
  KEEL_TRY_VOID(HkdfSha256(root, salt_, AsBytes(kMagic), derived));
  key_ = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(derived.data(), 32));
  std::memcpy(check_.data(), derived.data() + 32, check_.size());
  return {};
}

Result<> KeyFile::Open(const std::string& path, Protection protection, std::string_view passphrase, PassphraseCost cost,
                       SecretVector& plaintext, bool& existed) {
  existed = false;
  path_ = path;
  protection_ = protection;
  if (protection == Protection::kPassphrase && passphrase.empty())
    return Fail(Code::kUsage, kWhere, "an empty passphrase protects nothing");
  if (protection == Protection::kNone && !passphrase.empty())
    return Fail(Code::kUsage, kWhere, "a passphrase is given for a store without one");
  if (path.empty() || path.find('\0') != std::string::npos)
    return Fail(Code::kUsage, kWhere, "the path is empty or has a zero octet");
  if (!read_only_) {
    const std::string lock = path + ".lock";
    lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_ < 0) return IoError("cannot make " + lock, errno);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return Fail(Code::kBusy, kWhere, path + " is in use by another process");
      return IoError("cannot lock " + lock, errno);
    }
  }
  SecretVector file;
  auto read = ReadPrivate(path, file);
  if (!read && !read_only_ && read.error().code == Code::kNotFound) {
    KEEL_TRY_VOID(SystemRandom().Fill(salt_));
    if (protection == Protection::kNone) {
      KEEL_TRY(const SecretBytes<32> root, KeyBeside(true));
      return Derive(root.ExposeSecret());
    }
    const bool light = cost == PassphraseCost::kLight;
    operations_ = light ? crypto_pwhash_OPSLIMIT_INTERACTIVE : crypto_pwhash_OPSLIMIT_MODERATE;
    memory_ = light ? crypto_pwhash_MEMLIMIT_INTERACTIVE : crypto_pwhash_MEMLIMIT_MODERATE;
    KEEL_TRY(const SecretBytes<32> root, Stretch(passphrase));
    return Derive(root.ExposeSecret());
  }
  if (!read) return std::unexpected<Error>(std::move(read.error()));
  existed = true;
  const auto corrupt = [&path](const char* what) {
    return Fail(Code::kCorrupt, kWhere, path + " " + what + "; restore it from a backup");
  };
  const ByteView all = file.octets;
  ByteReader reader(all);
  if (AsText(reader.Take(kMagic.size())) != kMagic) return corrupt("is no key store");
  const uint8_t stored = reader.U8();
  salt_ = reader.Fixed<16>();
  operations_ = reader.U32();
  memory_ = reader.U64();
  const ByteArray<16> check = reader.Fixed<16>();
  const auto nonce = reader.Fixed<kXc20pNonce>();
  if (!reader.ok() || stored > 1 || reader.left() < kXc20pTag) return corrupt("is cut short or damaged");
  if (stored != static_cast<uint8_t>(protection)) {
    return Fail(Code::kUsage, kWhere,
                path + (stored == 1 ? " is protected by a passphrase; give one" : " has no passphrase; give none"));
  }
  if (protection == Protection::kNone) {
    KEEL_TRY(const SecretBytes<32> root, KeyBeside(false));
    KEEL_TRY_VOID(Derive(root.ExposeSecret()));
  } else {
    if (operations_ < crypto_pwhash_OPSLIMIT_MIN || operations_ > kMaxOperations ||
        memory_ < crypto_pwhash_MEMLIMIT_MIN || memory_ > kMaxMemory) {
      return corrupt("asks for an Argon2id cost outside the limits");
    }
    KEEL_TRY(const SecretBytes<32> root, Stretch(passphrase));
    KEEL_TRY_VOID(Derive(root.ExposeSecret()));
  }
  if (!ConstantTimeEqual(check, check_)) {
    if (protection == Protection::kPassphrase)
      return Fail(Code::kWrongPassphrase, kWhere, "the passphrase does not open " + path);
    return corrupt("does not belong to the key beside it");
  }
  plaintext.octets.resize(reader.left());
  const auto length =
      Xc20pDecrypt(key_.ExposeSecret(), nonce, all.first(kHeader), all.subspan(kHeader), plaintext.octets);
  if (!length) return corrupt("is damaged");
  plaintext.octets.resize(*length);
  return {};
}

Result<> KeyFile::Save(ByteView plaintext) {
  if (read_only_) return Fail(Code::kWrongState, kWhere, path_ + " was opened to be read only");
  std::vector<uint8_t> file(kHeader + plaintext.size() + kXc20pTag);
  if (file.size() > kMaxKeyFile) return Fail(Code::kTooLarge, kWhere, path_ + " is full");
  ByteArray<kXc20pNonce> nonce;  // random: never the same twice, even after a restore from a backup
  KEEL_TRY_VOID(SystemRandom().Fill(nonce));
  ByteWriter header(ByteSpan(file).first(kHeader));
  header.Put(kMagic)
      .U8(static_cast<uint8_t>(protection_))
      .Put(salt_)
      .U32(operations_)
      .U64(memory_)
      .Put(check_)
      .Put(nonce);
  KEEL_ASSERT(header.ok() && header.size() == kHeader);
  KEEL_TRY_VOID(Xc20pEncrypt(key_.ExposeSecret(), nonce, ByteView(file).first(kHeader), plaintext,
                             ByteSpan(file).subspan(kHeader)));
  return ReplacePrivate(path_, file);
}

}  // namespace keel::crypto::internal
