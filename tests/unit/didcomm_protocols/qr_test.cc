// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/qr.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/files.h"
#include "didcomm/protocols/out_of_band.h"

// Whatever we draw is read back by zbar, which shares no code with the encoder.
namespace keel::didcomm {
namespace {

// What zbarimg reads in an image; empty when it reads nothing.
std::string Scan(const std::string& png) {
  auto dir = base::TempDir::Create();
  EXPECT_TRUE(dir.has_value());
  const std::string path = *dir / "code.png";
  EXPECT_TRUE(base::WriteFileAtomic(path, png).has_value());
  FILE* pipe = popen(("zbarimg --quiet --nodbus --raw -Sdisable -Sqrcode.enable '" + path + "'").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  std::string out;
  char buffer[4096];
  size_t got = 0;
  while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0) out.append(buffer, got);
  const int status = pclose(pipe);
  EXPECT_NE(WEXITSTATUS(status), 127) << "zbarimg isn't installed: scripts/setup --for test";
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

// An image of modules that were read back from text, without our quiet zone.
std::string ScanModules(const std::vector<std::vector<bool>>& rows) {
  QrCode code;
  code.width = rows.size();
  for (const auto& row : rows) {
    EXPECT_EQ(row.size(), rows.size());
    code.dark.insert(code.dark.end(), row.begin(), row.end());
  }
  return Scan(*QrToPng(code, 4));
}

std::vector<std::vector<bool>> FromTerminal(const std::string& text, bool dark_on_light) {
  std::vector<std::vector<bool>> rows;
  size_t position = 0;
  while (position < text.size()) {
    const size_t end = text.find('\n', position);
    const std::string line = text.substr(position, end - position);
    position = end + 1;
    std::vector<bool> top, bottom;
    for (size_t i = 0; i < line.size();) {
      bool inked_top = false, inked_bottom = false;
      if (line[i] == ' ') {
        ++i;
      } else {
        const std::string block = line.substr(i, 3);
        i += 3;
        inked_top = block == "\u2580" || block == "\u2588";
        inked_bottom = block == "\u2584" || block == "\u2588";
        EXPECT_TRUE(inked_top || inked_bottom) << "a character that is no block";
      }
      top.push_back(inked_top == dark_on_light);
      bottom.push_back(inked_bottom == dark_on_light);
    }
    rows.push_back(top);
    rows.push_back(bottom);
  }
  while (rows.size() > rows[0].size()) rows.pop_back();
  return rows;
}

std::vector<std::vector<bool>> FromSvg(const std::string& svg) {
  unsigned side = 0;
  EXPECT_EQ(std::sscanf(svg.substr(svg.find("viewBox")).c_str(), "viewBox=\"0 0 %u", &side), 1);
  std::vector<std::vector<bool>> rows(side, std::vector<bool>(side));
  std::string path = svg.substr(svg.find(" d=\"") + 4);
  path.resize(path.find('"'));
  size_t position = 0;
  while (position < path.size()) {
    unsigned x = 0, y = 0, run = 0, back = 0;
    int used = 0;
    EXPECT_EQ(std::sscanf(path.c_str() + position, "M%u %uh%uv1h-%uz%n", &x, &y, &run, &back, &used), 4);
    EXPECT_EQ(run, back);
    if (used == 0) break;
    for (unsigned i = 0; i < run; ++i) rows.at(y).at(x + i) = true;
    position += static_cast<size_t>(used);
  }
  return rows;
}

std::string InvitationUrl(size_t octets_of_goal) {
  Invitation invitation;
  invitation.from = "did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc";
  invitation.goal = std::string(octets_of_goal, 'g');
  invitation.accept = {"didcomm/v2"};
  return invitation.ToUrl("https://example.com/start").value_or("");
}

TEST(QrCodes, ZbarReadsThemAll) {
  for (const size_t size : {0u, 100u, 900u}) {
    const std::string url = InvitationUrl(size);
    for (const QrCorrection correction : {QrCorrection::kLow, QrCorrection::kMedium, QrCorrection::kHigh}) {
      const auto code = QrCode::Encode(url, correction);
      if (!code) {
        EXPECT_EQ(code.error().code, Code::kTooLarge);
        continue;
      }
      const auto png = QrToPng(*code, 4);
      ASSERT_TRUE(png.has_value()) << png.error().Text();
      EXPECT_EQ(Scan(*png), url) << size;
      EXPECT_EQ(ScanModules(FromTerminal(QrToTerminal(*code), false)), url) << size;
      EXPECT_EQ(ScanModules(FromTerminal(QrToTerminal(*code, true), true)), url) << size;
      EXPECT_EQ(ScanModules(FromSvg(QrToSvg(*code))), url) << size;
    }
  }
}

TEST(QrCodes, TheReaderWouldSeeAWrongOne) {
  const std::string url = InvitationUrl(0);
  auto code = *QrCode::Encode(url);
  // A third of the modules turned over is more than any correction mends.
  for (size_t i = 0; i < code.dark.size(); i += 3) code.dark[i] = !code.dark[i];
  EXPECT_NE(Scan(*QrToPng(code, 4)), url);
}

TEST(QrCodes, Limits) {
  EXPECT_EQ(QrCode::Encode("").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(QrCode::Encode(std::string(2953, 'a')).has_value());
  EXPECT_EQ(QrCode::Encode(std::string(2954, 'a')).error().code, Code::kTooLarge);
  EXPECT_EQ(QrCode::Encode(std::string(2953, 'a'), QrCorrection::kHigh).error().code, Code::kTooLarge);
  EXPECT_TRUE(QrCode::Encode(std::string_view("\0bin\xFF", 5)).has_value());
  const auto code = *QrCode::Encode("x");
  EXPECT_EQ(code.width, 21u);
  EXPECT_EQ(QrToPng(code, 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(QrToPng(code, 65).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(QrToPng(code, 64)->starts_with("\x89PNG"));
}

}  // namespace
}  // namespace keel::didcomm
