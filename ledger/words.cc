// SPDX-License-Identifier: Apache-2.0
#include "ledger/descriptor.h"

namespace keel::ledger {
namespace {

// 256 common words of four to seven letters, no two alike by ear as far as could be. The order is part of the format:
// never change it.
constexpr std::string_view kWords[256] = {
    "acorn",   "actor",   "album",   "alpine",  "amber",    "anchor",  "angle",   "apple",   "april",   "arrow",
    "artist",  "aspen",   "atlas",   "autumn",  "badge",    "baker",   "balcony", "bamboo",  "banjo",   "barn",
    "basket",  "beacon",  "beetle",  "bell",    "bicycle",  "birch",   "bishop",  "blanket", "blue",    "bonus",
    "bottle",  "branch",  "bread",   "bridge",  "bronze",   "bucket",  "butter",  "cabin",   "cactus",  "camera",
    "candle",  "canoe",   "canyon",  "carbon",  "carpet",   "castle",  "cedar",   "celery",  "chain",   "cherry",
    "circus",  "citrus",  "cloud",   "clover",  "cobalt",   "coffee",  "comet",   "copper",  "coral",   "cotton",
    "cousin",  "cradle",  "crystal", "curtain", "daisy",    "dancer",  "delta",   "desert",  "diamond", "dinner",
    "doctor",  "dolphin", "donkey",  "dragon",  "drum",     "eagle",   "earth",   "easel",   "echo",    "eclipse",
    "elbow",   "elder",   "ember",   "engine",  "evening",  "fabric",  "falcon",  "family",  "farmer",  "feather",
    "fender",  "ferry",   "fiddle",  "field",   "finger",   "flame",   "flute",   "forest",  "fossil",  "fountain",
    "fox",     "frost",   "galaxy",  "garden",  "garlic",   "gentle",  "ginger",  "glacier", "globe",   "goose",
    "granite", "grape",   "guitar",  "hammer",  "harbor",   "harvest", "hazel",   "helmet",  "heron",   "hickory",
    "honey",   "horizon", "hotel",   "hunter",  "icicle",   "igloo",   "indigo",  "island",  "ivory",   "jacket",
    "jaguar",  "jasmine", "jelly",   "jewel",   "jigsaw",   "jungle",  "kayak",   "kernel",  "kettle",  "kitchen",
    "kiwi",    "ladder",  "lagoon",  "lantern", "laurel",   "lemon",   "letter",  "lily",    "linen",   "lion",
    "lobster", "locket",  "lumber",  "magnet",  "mango",    "maple",   "marble",  "market",  "meadow",  "melon",
    "mirror",  "monkey",  "morning", "mosaic",  "mountain", "museum",  "napkin",  "nectar",  "needle",  "nickel",
    "north",   "nutmeg",  "oasis",   "ocean",   "office",   "olive",   "onion",   "opera",   "orange",  "orchid",
    "otter",   "oxygen",  "oyster",  "paddle",  "palace",   "panda",   "paper",   "parade",  "parrot",  "peach",
    "pebble",  "pencil",  "pepper",  "piano",   "pigeon",   "pilot",   "planet",  "pocket",  "pony",    "poplar",
    "potato",  "prairie", "puzzle",  "quartz",  "queen",    "quilt",   "rabbit",  "raccoon", "radio",   "rainbow",
    "raven",   "ribbon",  "river",   "robin",   "rocket",   "ruby",    "saddle",  "salmon",  "sandal",  "satin",
    "school",  "season",  "shadow",  "silver",  "singer",   "sparrow", "spider",  "spruce",  "summer",  "sunset",
    "table",   "tango",   "temple",  "thunder", "ticket",   "tiger",   "timber",  "tomato",  "tower",   "tulip",
    "tunnel",  "turtle",  "uncle",   "valley",  "velvet",   "village", "violet",  "wagon",   "walnut",  "water",
    "willow",  "window",  "winter",  "wizard",  "yellow",   "zebra",
};

constexpr bool AllDistinctAndShort() {
  for (size_t i = 0; i < 256; ++i) {
    if (kWords[i].empty() || kWords[i].size() > 8) return false;
    for (size_t j = 0; j < i; ++j) {
      if (kWords[i] == kWords[j]) return false;
    }
  }
  return true;
}
static_assert(AllDistinctAndShort());

}  // namespace

std::string_view WordAt(uint8_t octet) { return kWords[octet]; }

Result<size_t> NetWords(const Net& net, std::span<char> out) {
  ByteWriter w(ByteSpan(reinterpret_cast<uint8_t*>(out.data()), out.size()));
  for (size_t i = 0; i < 8; ++i) {
    if (i > 0) w.Put(" ");
    w.Put(WordAt(net[i]));
  }
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "network words");
  return w.size();
}

}  // namespace keel::ledger
