// SPDX-License-Identifier: Apache-2.0
#include "vc/rdf/n_quads.h"

#include <gtest/gtest.h>

namespace keel::rdf {
namespace {

std::string Again(std::string_view text) {
  const auto dataset = ParseNQuads(text);
  EXPECT_TRUE(dataset.has_value()) << text << ": " << dataset.error().Text();
  return dataset ? ToNQuads(*dataset) : "";
}

TEST(NQuads, Reads) {
  const auto dataset = ParseNQuads(
      "# nothing\n"
      "<ex:s> <ex:p> \"o\"@en-GB <ex:g> . # said\r\n"
      "\t_:a<ex:p>_:b.c\t.\r"
      "\n"
      "<ex:s><ex:p>\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>_:g.");
  ASSERT_TRUE(dataset.has_value()) << dataset.error().Text();
  ASSERT_EQ(dataset->quads.size(), 3u);
  EXPECT_EQ(dataset->quads[0].object, Term::Literal("o", {}, "en-GB"));
  EXPECT_EQ(dataset->quads[0].graph, Term::Iri("ex:g"));
  EXPECT_EQ(dataset->quads[1].subject, Term::Blank("a"));
  EXPECT_EQ(dataset->quads[1].object, Term::Blank("b.c"));
  EXPECT_EQ(dataset->quads[1].graph, Term());
  EXPECT_EQ(dataset->quads[2].object.datatype, "http://www.w3.org/2001/XMLSchema#integer");
  EXPECT_EQ(dataset->quads[2].graph, Term::Blank("g"));
}

TEST(NQuads, WritesOneForm) {
  EXPECT_EQ(Again("  <ex:s>\t<ex:p> \"a\"^^<http://www.w3.org/2001/XMLSchema#string>   .  "),
            "<ex:s> <ex:p> \"a\" .\n");
  EXPECT_EQ(Again("<ex:\\u00e9> <ex:p> \"\\u00e9\\U0001F600\\'\" ."), "<ex:é> <ex:p> \"é😀'\" .\n");
  EXPECT_EQ(Again("<ex:s> <ex:p> \"\\t\\b\\n\\r\\f\\\"\\\\\\u0000\\u000B\\u001f\\u007F\\u0080\" ."),
            "<ex:s> <ex:p> \"\\t\\b\\n\\r\\f\\\"\\\\\\u0000\\u000B\\u001F\\u007F\xC2\x80\" .\n");
  EXPECT_EQ(Again("<ex:s> <ex:p> \"a\tb\" ."), "<ex:s> <ex:p> \"a\\tb\" .\n");
}

TEST(NQuads, Refuses) {
  for (const char* text : {
           "<ex:s> <ex:p> <ex:o>",
           "<ex:s> <ex:p> .",
           "<ex:s> <ex:p> <ex:o> <ex:g> <ex:h> .",
           "<ex:s> <ex:p> <ex:o> . <ex:s> <ex:p> <ex:o> .",
           "<ex:s> <ex:p> <ex:o> \"g\" .",
           "\"s\" <ex:p> <ex:o> .",
           "<ex:s> _:p <ex:o> .",
           "<ex:s> \"p\" <ex:o> .",
           "<s> <ex:p> <ex:o> .",
           "<ex:s> <ex:p> <> .",
           "<ex:s> <ex:p> <ex:a b> .",
           "<ex:s> <ex:p> <ex:a\\u0020b> .",
           "<ex:s> <ex:p> <ex:a\\nb> .",
           "<ex:s> <ex:p> <ex:a{b}> .",
           "<ex:s> <ex:p> <ex:o .",
           "<ex:s> <ex:p> \"o .",
           "<ex:s> <ex:p> \"\\x\" .",
           "<ex:s> <ex:p> \"\\u12\" .",
           "<ex:s> <ex:p> \"\\u12G4\" .",
           "<ex:s> <ex:p> \"\\uD800\" .",
           "<ex:s> <ex:p> \"\\U00110000\" .",
           "<ex:s> <ex:p> \"o\"@ .",
           "<ex:s> <ex:p> \"o\"@1en .",
           "<ex:s> <ex:p> \"o\"@en- .",
           "<ex:s> <ex:p> \"o\"^^<d> .",
           "<ex:s> <ex:p> \"o\"^^_:d .",
           "<ex:s> <ex:p> \"o\"^^ <ex:d> .",
           "_: <ex:p> <ex:o> .",
           "_:-a <ex:p> <ex:o> .",
           "_a <ex:p> <ex:o> .",
           "<ex:s> <ex:p> \"\xFF\" .",
           "<ex:s> <ex:p> 'o' .",
           "x",
       }) {
    const auto dataset = ParseNQuads(text);
    ASSERT_FALSE(dataset.has_value()) << text;
    EXPECT_EQ(dataset.error().code, Code::kMalformed) << text;
  }
}

TEST(NQuads, SaysWhere) {
  const auto dataset = ParseNQuads("<ex:s> <ex:p> <ex:o> .\n\n<ex:s> <ex:p> x .\n");
  ASSERT_FALSE(dataset.has_value());
  EXPECT_NE(dataset.error().detail.find("line 3, octet 15"), std::string::npos) << dataset.error().detail;
}

TEST(NQuads, Limits) {
  const std::string line = "<ex:s> <ex:p> <ex:o> .\n";
  EXPECT_TRUE(ParseNQuads(line + line, {.max_quads = 2}).has_value());
  EXPECT_EQ(ParseNQuads(line + line + line, {.max_quads = 2}).error().code, Code::kTooLarge);
  EXPECT_EQ(ParseNQuads(line, {.max_size = line.size() - 1}).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::rdf
