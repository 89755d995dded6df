// SPDX-License-Identifier: Apache-2.0
#include "issuer/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/files.h"

namespace keel::issuer {
namespace {

using testing::HasSubstr;

constexpr const char* kHeader =
    "serial,model,microcontroller,operating_system,secure_hardware,hardware_revision,memory,time_zone";
std::string Row(const std::string& serial) { return serial + ",M1,STM32,Zephyr,none,A1,512 KiB,UTC"; }

void ExpectBad(const std::string& text, Code code, const std::string& line, const std::string& column,
               const std::string& about = "") {
  const auto list = ReadDeviceList(text, "devices.csv");
  ASSERT_FALSE(list) << text;
  EXPECT_EQ(list.error().code, code) << list.error().Text();
  EXPECT_THAT(list.error().Text(), HasSubstr("devices.csv line " + line + ", column " + column));
  EXPECT_THAT(list.error().Text(), HasSubstr(about));
}

TEST(CsvTest, ReadsTheList) {
  const auto list = ReadDeviceList(std::string("\xef\xbb\xbf") + kHeader + ",Colour,Manufacture Date\r\n" + Row("A-1") +
                                       ",\"deep, dark \"\"red\"\"\",2026-11-20\r\n" + Row("A-2") + ",,\r\n",
                                   "devices.csv");
  ASSERT_TRUE(list) << list.error().Text();
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].line, 2u);
  EXPECT_EQ((*list)[0].facts.serial, "A-1");
  EXPECT_EQ((*list)[0].facts.memory_kib, 512u);
  EXPECT_EQ((*list)[0].manufacture_date, "2026-11-20");
  ASSERT_EQ((*list)[0].facts.extra.size(), 1u);
  EXPECT_EQ((*list)[0].facts.extra[0].first, "Colour");
  EXPECT_EQ((*list)[0].facts.extra[0].second, "deep, dark \"red\"");
  EXPECT_TRUE((*list)[1].facts.extra.empty());
}

TEST(CsvTest, NamesAreComparedLoosely) {
  EXPECT_TRUE(ReadDeviceList(
      "Serial,MODEL,microController,Operating System,secure-hardware,hardwareRevision,Memory,TimeZone\n" + Row("A-1") +
          "\n",
      "devices.csv"));
}

TEST(CsvTest, TheExampleIsGood) {
  const auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/examples/devices.csv");
  ASSERT_TRUE(text);
  const auto list = ReadDeviceList(*text, "devices.csv");
  ASSERT_TRUE(list) << list.error().Text();
  EXPECT_GE(list->size(), 25u);
  std::set<std::string> models;
  for (const DeviceRow& row : *list) models.insert(row.facts.model);
  EXPECT_EQ(models.size(), 2u);
}

TEST(CsvTest, SaysLineAndColumn) {
  const std::string header = std::string(kHeader) + "\n";
  ExpectBad("", Code::kMissing, "1", "1");
  ExpectBad("serial,model\nA,B\n", Code::kMissing, "1", "3", "'microcontroller' is missing");
  ExpectBad(header, Code::kMissing, "2", "1", "no device");
  ExpectBad(header + Row("A-1") + "\n" + Row("A-2") + "\n" + Row("A-1") + "\n", Code::kDuplicate, "4", "1 (serial)",
            "line 2");
  ExpectBad(header + "A-1,,STM32,Zephyr,none,A1,512,UTC\n", Code::kMissing, "2", "2 (model)", "required");
  ExpectBad(header + "A-1,M1,STM32,Zephyr,none,A1,512\n", Code::kMalformed, "2", "8", "7 fields");
  ExpectBad(header + Row("A-1") + ",x\n", Code::kMalformed, "2", "9", "9 fields");
  ExpectBad(header + Row("A-1") + "\n" + "A-2,M1,ST\xff,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "3", "3", "UTF-8");
  ExpectBad(header + "A-1,M1,ST\xc0\xaf,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "3", "UTF-8");
  ExpectBad("\xff\xfe" + header, Code::kMalformed, "1", "1", "UTF-16");
  ExpectBad(header + "A-1,M\"1,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "2", "quote");
  ExpectBad(header + "A-1,\"M1\"x,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "2", "closing quote");
  ExpectBad(header + "A-1,\"M1,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "2", "never closed");
  ExpectBad(header + "A-1,M1\rSTM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "2", "carriage return");
  ExpectBad(header + "A-1,M1,STM32,Zephyr,none,A1,lots,UTC\n", Code::kMalformed, "2", "7 (memory)");
  ExpectBad(header + "A-1,M1,STM32,Zephyr,none,A1,5 parsecs,UTC\n", Code::kMalformed, "2", "7 (memory)", "unit");
  ExpectBad(header + "../../etc,M1,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "1 (serial)");
  ExpectBad(header + "A/1,M1,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "1 (serial)");
  ExpectBad(header + std::string(65, 'A') + ",M1,STM32,Zephyr,none,A1,512,UTC\n", Code::kMalformed, "2", "1 (serial)");
  ExpectBad(header + "A-1," + std::string(257, 'm') + ",STM32,Zephyr,none,A1,512,UTC\n", Code::kTooLarge, "2", "2");
  ExpectBad(header + std::string("A-1,M\0,STM32,Zephyr,none,A1,512,UTC\n", 36), Code::kMalformed, "2", "2", "control");
  ExpectBad(std::string(kHeader) + ",Serial\n" + Row("A-1") + ",x\n", Code::kDuplicate, "1", "9");
  ExpectBad(std::string(kHeader) + ",\n" + Row("A-1") + ",x\n", Code::kMissing, "1", "9");
  ExpectBad(std::string(kHeader) + ",manufacture date\n" + Row("A-1") + ",22.11.2026\n", Code::kMalformed, "2", "9");
}

TEST(CsvTest, QuotedFieldsMaySpanLines) {
  const auto table = ParseCsv("a,b\n\"one\ntwo\",3\n4,5\n", "f");
  ASSERT_TRUE(table) << table.error().Text();
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_EQ(table->rows[0].fields[0], "one\ntwo");
  EXPECT_EQ(table->rows[1].line, 4u);  // an error there names the line as an editor counts
}

TEST(CsvTest, Sizes) {
  EXPECT_EQ(*ParseKib("512 KiB"), 512u);
  EXPECT_EQ(*ParseKib("64MB"), 65536u);
  EXPECT_EQ(*ParseKib("2 GiB"), 2097152u);
  EXPECT_EQ(*ParseKib("786"), 786u);
  for (const char* bad : {"", "KiB", "-1", "1.5 GiB", "99999999999999 KiB", "1 TiBs"})
    EXPECT_FALSE(ParseKib(bad)) << bad;
}

}  // namespace
}  // namespace keel::issuer
