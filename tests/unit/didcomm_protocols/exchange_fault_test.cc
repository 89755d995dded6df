// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm_protocols/exchange_world.h"

// The power goes at every single write of either side, with the write lost or kept; the process is started again and
// the exchange goes on to its end, with one credential issued and one held.
namespace keel::didcomm {
namespace {

using enum ExchangeState;

enum class Story : uint8_t { kIssuance, kOfferFirst, kProof, kProofUnconfirmed, kRefused };

struct Outcome {
  bool started = false;
  ExchangeState here = kStart, there = kStart;
  int writes_here = 0, writes_there = 0;
  size_t held = 0, issued = 0, threads = 0;
  bool told_here = false, told_there = false;
};

// `here` begins. cut_here/cut_there: number of the write at which that side's power goes; -1: never.
Outcome RunStory(Story story, int cut_here, int cut_there, bool keep) {
  World world;
  Trader here(world, "here"), there(world, "there");
  if (story == Story::kProofUnconfirmed) there.hooks.will_confirm = here.hooks.will_confirm = false;
  if (story == Story::kRefused) here.hooks.planned[kCredentialReceived] = ExchangeDecision::Refuse();
  const bool proof = story == Story::kProof || story == Story::kProofUnconfirmed;
  here.store.writes = there.store.writes = 0;
  here.store.cut_at = cut_here;
  there.store.cut_at = cut_there;
  here.store.keep_the_cut_one = there.store.keep_the_cut_one = keep;
  ExchangeContent content;
  content.attachments = {JsonAttachment("{}")};
  content.will_confirm = story == Story::kProof;
  auto list = [&](Trader& who) { return proof ? *who.proving->List() : *who.issuing->List(); };
  auto revive = [&](Trader& who) {
    if (!who.store.dead) return;
    who.store.cut_at = -1;
    who.Restart();
  };
  auto begin = [&]() -> Result<Outgoing> {
    if (proof) return here.proving->Request(here.did, there.did, content);
    if (story == Story::kOfferFirst) return here.issuing->Offer(here.did, there.did, content);
    return here.issuing->Propose(here.did, there.did, content);
  };
  Outcome outcome;
  auto first = begin();
  if (first) here.Queue(std::move(first));
  revive(here);
  if (list(here).empty()) here.Queue(begin());  // the user saw an error, and nothing is there: once more
  for (int round = 0; round < 40; ++round) {
    for (Trader* who : {&here, &there}) {
      who->agent->DeliverWaiting();
      revive(here);
      revive(there);
    }
    for (Trader* who : {&here, &there}) {
      who->Tick();
      revive(*who);
    }
    world.clock.Advance(100);
  }
  outcome.threads = std::max(list(here).size(), list(there).size());
  if (!list(here).empty()) outcome.here = list(here)[0].state, outcome.told_here = list(here)[0].told;
  if (!list(there).empty()) outcome.there = list(there)[0].state, outcome.told_there = list(there)[0].told;
  outcome.writes_here = here.store.writes;
  outcome.writes_there = there.store.writes;
  outcome.held = here.hooks.held.size() + there.hooks.held.size();
  outcome.issued = here.hooks.issued.size() + there.hooks.issued.size();
  outcome.started = true;
  return outcome;
}

class ExchangeFault : public testing::TestWithParam<Story> {};

TEST_P(ExchangeFault, KilledAtEveryWrite) {
  const Story story = GetParam();
  const bool refused = story == Story::kRefused;
  const bool proof = story == Story::kProof || story == Story::kProofUnconfirmed;
  const Outcome whole = RunStory(story, -1, -1, false);
  const ExchangeState end = refused ? kAbandoned : kDone;
  ASSERT_EQ(whole.here, end);
  ASSERT_EQ(whole.there, end);
  ASSERT_GE(whole.writes_here + whole.writes_there, 8);
  int cuts = 0;
  for (const bool keep : {false, true}) {
    for (int side = 0; side < 2; ++side) {
      const int writes = side == 0 ? whole.writes_here : whole.writes_there;
      for (int cut = 0; cut < writes; ++cut) {
        const Outcome outcome = RunStory(story, side == 0 ? cut : -1, side == 1 ? cut : -1, keep);
        const std::string what = std::string(side == 0 ? "here" : "there") + ", write " + std::to_string(cut) +
                                 (keep ? " (kept)" : " (lost)");
        ++cuts;
        EXPECT_EQ(outcome.here, end) << what << " " << ExchangeStateName(outcome.here);
        EXPECT_EQ(outcome.there, end) << what << " " << ExchangeStateName(outcome.there);
        EXPECT_EQ(outcome.threads, 1u) << what;
        EXPECT_EQ(outcome.held, refused ? 0u : 1u) << what;
        EXPECT_EQ(outcome.issued, proof ? 0u : 1u) << what;
        EXPECT_TRUE(outcome.told_here && outcome.told_there) << what;
      }
    }
  }
  std::printf("%d power cuts\n", cuts);
}

INSTANTIATE_TEST_SUITE_P(Stories, ExchangeFault,
                         testing::Values(Story::kIssuance, Story::kOfferFirst, Story::kProof, Story::kProofUnconfirmed,
                                         Story::kRefused));

}  // namespace
}  // namespace keel::didcomm
