/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random policies with limits, scoring and effects, and random packets: the reference model, told
 * which limits are exceeded, and the program, whose state says the same, agree on verdict, reason,
 * rule, score and whether the source is spared. The shadow program is asked, which changes nothing,
 * so that each packet meets the same state. SYNFW_SEED=N runs another seed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/must.h"
#include "random/random_packet.h"
#include "random/random_policy.h"
#include "base/scale.h"
#include "harness/trial.h"

#define DEFAULT_SEED 20261122
#define PACKETS	     600
#define LARGE_EVERY  6
#define MAX_RULES    2000

struct limits {
	bool exceeded[MAX_RULES];
	uint64_t asked;
};

struct totals {
	uint64_t packets, limits_asked, scored, spared, dropped_by_score, two_levels;
};

static bool exceeds(void *context, uint32_t rule)
{
	struct limits *limits = context;

	limits->asked++;
	return limits->exceeded[rule];
}

/* Rates of sources become rates of rules, whose state is one entry, and that entry is far ahead or
 * far behind; a source that tries its first port exceeds 0 ports and no more. */
static void limits_put(struct rng *rng, struct datapath *datapath, struct image *image,
		       struct limits *limits)
{
	int fd = datapath_map_fd(datapath, "synfw_rule_rates");
	uint32_t base = image_header(image)->effect_base;

	for (uint32_t bit = 0; bit < image_header(image)->nr_bits; bit++) {
		const struct synfw_rule *rule = image_rule(image, bit);
		uint32_t index = judgement_rule(rule->index), key = index + 1;
		struct synfw_rule_rate rate = {};
		struct synfw_effect *effect;

		if (!rule->effect || index == REFERENCE_NO_RULE)
			continue;
		effect = (struct synfw_effect *)&image->lines[base + rule->effect - 1];
		if (effect->limit == SYNFW_LIMIT_NONE)
			continue;
		/* several bits may share a rule */
		limits->exceeded[index] = (rng->state ^ index * 0x9e3779b9U) >> 7 & 1;
		if (effect->limit == SYNFW_LIMIT_PORTS) {
			if (limits->exceeded[index])
				effect->over = 0;
			continue;
		}
		effect->limit = SYNFW_LIMIT_RATE;
		/* so slow that this rate itself may have left an entry that far ahead */
		effect->interval_ns = UINT64_MAX;
		rate.tat_boot_ns = limits->exceeded[index] ? UINT64_MAX : 0;
		MUST(bpf_map_update_elem(fd, &key, &rate, BPF_ANY) == 0);
	}
}

static bool is_infrastructure(const struct trial *trial, const struct reference_packet *packet)
{
	const struct policyc_infrastructure *known = &trial->options->infrastructure;

	return reference_list_contains(known->gateways, packet->family, packet->saddr) ||
	       reference_list_contains(known->resolvers, packet->family, packet->saddr);
}

static bool source_is_protected(const struct trial *trial, const struct frame *frame)
{
	struct reference_packet packet = reference_parse(frame->byte, frame->length);
	const struct policy *policy = trial->compiled.policy;

	for (size_t i = 0; i < policy->nr_protects; i++) {
		const struct protect_entry *entry = &policy->protects[i];
		const struct set_refs *from = &entry->match.from;

		if (entry->infrastructure && is_infrastructure(trial, &packet))
			return true;
		if (entry->infrastructure || !(entry->match.keys & MATCH_FROM))
			continue;
		for (size_t j = 0; j < from->count; j++)
			if (reference_list_contains(&policy->sets[from->index[j]].prefixes,
						    packet.family, packet.saddr))
				return true;
	}
	return false;
}

/* What the score of a source that had none makes of the rules' judgement. */
static uint32_t expect_score(const struct trial *trial, const struct frame *frame,
			     struct judgement *judgement, struct totals *totals)
{
	const struct scoring *scoring = &trial->compiled.policy->scoring;
	uint32_t after = judgement->score < SYNFW_MAX_SCORE ? judgement->score : SYNFW_MAX_SCORE;

	if (!after || !scoring->decay.count)
		return 0;
	totals->scored++;
	if (source_is_protected(trial, frame)) {
		totals->spared++;
		return 0;
	}
	if (scoring->drop_at && after >= scoring->drop_at) {
		totals->dropped_by_score++;
		judgement->verdict = SYNFW_DROP;
		judgement->reason = SYNFW_REASON_SCORE;
	}
	return after;
}

static bool packet_agrees(struct trial *trial, const struct frame *frame,
			  const struct policyc_interface *interface, struct totals *totals)
{
	struct judgement want, have;
	uint32_t after;

	want = reference_judge(&trial->reference, frame->byte, frame->length,
			       interface ? interface->name : NULL);
	after = expect_score(trial, frame, &want, totals);
	MUST(datapath_trace(trial->datapath, frame->byte, frame->length,
			    interface ? interface->slot : 0, &have) == 0);
	totals->packets++;
	if (want.verdict == have.verdict && want.reason == have.reason && want.rule == have.rule &&
	    want.score == have.score && datapath_last_trace(trial->datapath)->score_after == after)
		return true;
	fprintf(stderr,
		"expected verdict %u, %s, rule %u, score %u, after %u\n"
		"     has verdict %u, %s, rule %u, score %u, after %u\n",
		want.verdict, reason_word(want.reason), want.rule, want.score, after, have.verdict,
		reason_word(have.reason), have.rule, have.score,
		datapath_last_trace(trial->datapath)->score_after);
	return false;
}

static bool policy_agrees(struct datapath *datapath, uint64_t seed, uint64_t number,
			  struct totals *totals)
{
	struct rng rng = {seed * 0x100000001b3ULL + number};
	uint32_t nr_rules =
		number % LARGE_EVERY ? rng_between(&rng, 1, 200) : rng_between(&rng, 600, 1500);
	struct trial_totals *ignored = calloc(1, sizeof(*ignored));
	struct limits limits = {};
	struct random_policy policy;
	struct trial trial;
	bool agrees = true;

	random_policy_over_time(&rng, nr_rules, &policy);
	for (size_t i = 0; i < policy.text.nr_members; i++)
		policy.text.members[i].state = MEMBER_ABSENT;
	MUST(ignored &&
	     trial_begin(&trial, datapath, ignored, &policy.text, &policy.options, stderr) == 0);
	limits_put(&rng, datapath, trial.compiled.image, &limits);
	MUST(datapath_apply(datapath, trial.compiled.image) == 0);
	trial.reference.circumstances =
		(struct circumstances){.exceeds = exceeds, .context = &limits};
	totals->two_levels += image_header(trial.compiled.image)->refs_at != 0;
	for (int i = 0; agrees && i < PACKETS; i++) {
		struct frame frame;

		random_packet(&rng, trial.compiled.policy, trial.options, &frame);
		agrees = packet_agrees(&trial, &frame, random_interface(&rng, trial.options),
				       totals);
	}
	if (!agrees)
		fprintf(stderr, "policy %" PRIu64 " of seed %" PRIu64 " FAILED\n", number, seed);
	totals->limits_asked += limits.asked;
	trial_end(&trial);
	random_policy_done(&policy);
	free(ignored);
	return agrees;
}

int main(void)
{
	uint64_t seed =
		getenv("SYNFW_SEED") ? strtoull(getenv("SYNFW_SEED"), NULL, 0) : DEFAULT_SEED;
	struct totals totals = {};
	struct datapath *datapath;
	bool agrees = true, covered;
	/* the smaller number need not meet everything */
	uint32_t policies = scaled(150, 6);
	bool meets_all = scaled(true, false);

	MUST(datapath_open(&datapath) == 0);
	for (uint64_t i = 0; agrees && i < policies; i++)
		agrees = policy_agrees(datapath, seed, i, &totals);
	datapath_close(datapath);
	covered = totals.limits_asked && totals.scored &&
		  (!meets_all || (totals.spared && totals.dropped_by_score && totals.two_levels));
	printf("%" PRIu64 " packets, %" PRIu64 " limits asked, %" PRIu64 " scored, %" PRIu64
	       " of them spared, %" PRIu64 " dropped for it, %" PRIu64
	       " policies of two levels: %s\n",
	       totals.packets, totals.limits_asked, totals.scored, totals.spared,
	       totals.dropped_by_score, totals.two_levels,
	       !agrees	  ? "FAILED"
	       : !covered ? "NOT COVERED"
			  : "reference = BPF");
	return agrees && covered ? EXIT_SUCCESS : EXIT_FAILURE;
}
