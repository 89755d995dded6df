// SPDX-License-Identifier: Apache-2.0
#include "base/cli.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"

namespace keel::base {
namespace {

TEST(Cli, ExitStatus) {
  EXPECT_EQ(ExitFor({Code::kBadSignature, "", ""}), kExitInvalid);
  EXPECT_EQ(ExitFor({Code::kRevoked, "", ""}), kExitInvalid);
  EXPECT_EQ(ExitFor({Code::kBadProof, "", ""}), kExitInvalid);
  EXPECT_EQ(ExitFor({Code::kMalformed, "", ""}), kExitUsage);
  EXPECT_EQ(ExitFor({Code::kUsage, "", ""}), kExitUsage);
  EXPECT_EQ(ExitFor({Code::kNotFound, "", ""}), kExitUsage);
  EXPECT_EQ(ExitFor({Code::kUnreachable, "", ""}), kExitUnreachable);
}

TEST(Cli, ErrorsAreOneLine) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(ReportError("keel", {Code::kMalformed, "json", "bad\nthing\x1b[31m"}), 2);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("keel: ")) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  testing::internal::CaptureStderr();
  ReportError("keel", {Code::kMalformed, "json", "bad"}, true);
  EXPECT_TRUE(testing::internal::GetCapturedStderr().starts_with(R"({"error":{"code":"malformed","message":)"));
}

TEST(Cli, PassphraseFromFile) {
  const auto dir = TempDir::Create();
  ASSERT_TRUE(WriteFileAtomic(*dir / "p", "correct horse\nrest", 0600));
  ASSERT_TRUE(WriteFileAtomic(*dir / "open", "correct horse\n", 0644));
  ASSERT_TRUE(WriteFileAtomic(*dir / "empty", "\n", 0600));
  ASSERT_TRUE(WriteFileAtomic(*dir / "long", std::string(1025, 'a'), 0600));
  PassphraseOptions options;
  options.file = *dir / "p";
  const auto secret = ReadPassphrase(options);
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->ExposeSecret(), "correct horse");
  for (const char* name : {"open", "empty", "none"}) {
    options.file = *dir / name;
    EXPECT_EQ(ReadPassphrase(options).error().code, Code::kUsage) << name;
  }
  options.file = *dir / "long";
  EXPECT_EQ(ReadPassphrase(options).error().code, Code::kTooLarge);
}

TEST(Cli, PassphraseFromDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "abc\r\nx", 6), 6);
  PassphraseOptions options;
  options.fd = ends[0];
  EXPECT_EQ(ReadPassphrase(options)->ExposeSecret(), "abc");
  char rest = 0;
  EXPECT_EQ(::read(ends[0], &rest, 1), 1);  // nothing after the line was taken
  EXPECT_EQ(rest, 'x');
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Clock, Runs) {
  SystemClock clock;
  EXPECT_GT(*clock.Now(), 1'700'000'000u);
  EXPECT_LE(clock.TicksMs(), clock.TicksMs());
  SystemRandom random;
  ByteArray<32> a{}, b{};
  ASSERT_TRUE(random.Fill(a));
  ASSERT_TRUE(random.Fill(b));
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace keel::base
