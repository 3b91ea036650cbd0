/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules with limits, states and effects: on random policies, packets and circumstances, the
 * compiled image asks the limits that the reference model asks, in its order, and comes to its
 * judgement and its consequences. Needs no kernel. SYNFW_SEED=N runs only that seed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "model/image_eval.h"
#include "model/image_trie.h"
#include "base/must.h"
#include "random/random_packet.h"
#include "random/random_policy.h"

#define FIXED_SEED    20261122
#define POLICIES      150
#define PACKETS	      600
#define MAX_QUESTIONS 4096
#define MAX_LARGE     1500
#define LARGE_EVERY   10

/* What a limit says about a packet, and who was asked. */
struct oracle {
	uint64_t packet;
	uint32_t asked[MAX_QUESTIONS];
	size_t nr_asked;
};

static bool exceeds(void *context, uint32_t rule)
{
	struct oracle *oracle = context;
	struct rng rng = {oracle->packet ^ (uint64_t)rule << 32};

	MUST(oracle->nr_asked < MAX_QUESTIONS);
	oracle->asked[oracle->nr_asked++] = rule;
	return rng_next(&rng) & 1;
}

/* What was met, so that a generator that stops making it fails the test. */
struct tally {
	uint64_t limits_asked, limits_decided, states, established, blocks, adds, logs, two_levels;
	uint64_t source_flags;
};

static bool same_questions(const struct oracle *a, const struct oracle *b)
{
	return a->nr_asked == b->nr_asked &&
	       !memcmp(a->asked, b->asked, a->nr_asked * sizeof(a->asked[0]));
}

static bool same_consequences(const struct consequences *a, const struct consequences *b)
{
	return a->block_ns == b->block_ns && a->add_to == b->add_to && a->nr_logged == b->nr_logged;
}

static bool same_judgement(const struct judgement *a, const struct judgement *b)
{
	return a->verdict == b->verdict && a->reason == b->reason && a->rule == b->rule &&
	       a->score == b->score;
}

static void note(struct tally *tally, const struct reference *reference,
		 const struct judgement *judgement, const struct oracle *oracle)
{
	const struct policy_rule *rules = reference->policy->rules;

	tally->limits_asked += oracle->nr_asked;
	if (judgement->rule != REFERENCE_NO_RULE) {
		tally->limits_decided += rules[judgement->rule].limit.kind != SYNFW_LIMIT_NONE;
		tally->states += rules[judgement->rule].match.keys & MATCH_STATE ? 1 : 0;
	}
	tally->established += judgement->reason == SYNFW_REASON_ESTABLISHED;
	tally->blocks += reference->consequences.block_ns != 0;
	tally->adds += reference->consequences.add_to != 0;
	tally->logs += reference->consequences.nr_logged;
}

static bool packet_agrees(struct rng *rng, struct reference *reference,
			  const struct compiled *compiled, struct tally *tally)
{
	const struct policyc_interface *interface = random_interface(rng, reference->options);
	struct oracle of_reference = {.packet = rng_next(rng)}, of_image = of_reference;
	struct circumstances now = {rng_percent(rng, 50), exceeds, &of_image};
	struct judgement expected, found;
	struct consequences consequences;
	struct frame frame;

	random_packet(rng, compiled->policy, reference->options, &frame);
	reference->circumstances = (struct circumstances){now.established, exceeds, &of_reference};
	expected = reference_judge(reference, frame.byte, frame.length,
				   interface ? interface->name : NULL);
	found = image_judge_when(compiled->image, compiled->policy, frame.byte, frame.length,
				 interface ? interface->slot : 0, &now, &consequences);
	note(tally, reference, &expected, &of_reference);
	if (same_judgement(&expected, &found) && same_questions(&of_reference, &of_image) &&
	    same_consequences(&reference->consequences, &consequences))
		return true;
	fprintf(stderr,
		"reference: verdict %u reason %u rule %d score %u, %zu limits asked, block %" PRIu64
		"\nimage:     verdict %u reason %u rule %d score %u, %zu limits asked, block "
		"%" PRIu64 "\n",
		expected.verdict, expected.reason, (int)expected.rule, expected.score,
		of_reference.nr_asked, reference->consequences.block_ns, found.verdict,
		found.reason, (int)found.rule, found.score, of_image.nr_asked,
		consequences.block_ns);
	return false;
}

static bool rule_counts(const struct image *image, const struct synfw_rule *rule)
{
	const struct synfw_effect *effect = image_effect_const(image, rule);

	return rule->flags & SYNFW_RULE_MONITOR || rule->action == SYNFW_ACTION_SCORE ||
	       (effect && effect->limit != SYNFW_LIMIT_NONE);
}

/* abi.h: behind `counting_word` stand all that count, in the order of the rules. */
static bool counting_rules_stand_last(const struct image *image)
{
	const struct synfw_header *header = image_header_const(image);
	uint32_t first = image_class_tables(image)->counting_word * 64U, order = 0;

	for (uint32_t bit = 0; header->refs_at && bit < header->nr_bits; bit++) {
		const struct synfw_rule *rule = image_rule_const(image, bit);
		bool padding = !rule->order && !rule->reason;

		if (padding)
			continue;
		if (rule_counts(image, rule) != (bit >= first))
			return false;
		if (bit >= first && rule->order < order)
			return false;
		order = bit >= first ? rule->order : 0;
	}
	return true;
}

static bool is_named_by_protect(const struct reference *reference, uint8_t family,
				const uint8_t *addr)
{
	const struct policy *policy = reference->policy;
	const struct policyc_infrastructure *known = &reference->options->infrastructure;

	for (size_t i = 0; i < policy->nr_protects; i++) {
		const struct protect_entry *entry = &policy->protects[i];

		if (entry->infrastructure &&
		    (reference_list_contains(known->gateways, family, addr) ||
		     reference_list_contains(known->resolvers, family, addr)))
			return true;
		for (size_t k = 0; k < entry->match.from.count; k++) {
			const struct policy_set *set = &policy->sets[entry->match.from.index[k]];

			if (!set->dynamic && reference_list_contains(&set->prefixes, family, addr))
				return true;
		}
	}
	return false;
}

/* Sources of the packets that this policy is about. */
static bool source_flags_agree(struct rng *rng, const struct reference *reference,
			       const struct image *image, struct tally *tally)
{
	uint32_t base = image_header_const(image)->source_flags, flags = 0;
	struct reference_packet packet;
	struct image_path path;
	struct frame frame;
	uint32_t class_id;
	bool expected;

	random_packet(rng, reference->policy, reference->options, &frame);
	packet = reference_parse(frame.byte, frame.length);
	if (packet.kind != REFERENCE_IP)
		return true;
	class_id = image_class(image, SYNFW_DIR_SRC, packet.family, packet.saddr, &path);
	if (base)
		flags = image->lines[base + class_id / 16].id[class_id % 16];
	expected = is_named_by_protect(reference, packet.family, packet.saddr);
	tally->source_flags += expected;
	return expected == (flags & SYNFW_SOURCE_PROTECTED);
}

static bool policy_agrees(struct rng *rng, size_t nr_rules, struct tally *tally)
{
	struct random_policy policy;
	struct compiled compiled;
	struct reference reference;
	bool agrees;

	random_policy_over_time(rng, nr_rules, &policy);
	MUST(policy_text_compile(&policy.text, &policy.options, stderr, &compiled) == 0);
	MUST(reference_init(&reference, compiled.policy, &policy.options) == 0);
	tally->two_levels += image_header_const(compiled.image)->refs_at != 0;
	agrees = counting_rules_stand_last(compiled.image);
	if (!agrees)
		fprintf(stderr, "the bits are not in the order of abi.h\n");
	for (int i = 0; agrees && i < PACKETS; i++)
		agrees = packet_agrees(rng, &reference, &compiled, tally);
	for (int i = 0; agrees && i < PACKETS / 4; i++) {
		agrees = source_flags_agree(rng, &reference, compiled.image, tally);
		if (!agrees)
			fprintf(stderr, "protected sources differ\n");
	}
	if (!agrees)
		policy_text_save(&policy.text, "over-time-disagreement");
	reference_done(&reference);
	compiled_done(&compiled);
	random_policy_done(&policy);
	return agrees;
}

static bool seed_agrees(uint64_t seed, struct tally *tally)
{
	for (uint64_t number = 0; number < POLICIES; number++) {
		struct rng rng = {seed + number * 1000003};
		bool large = number % LARGE_EVERY == 0;
		size_t rules = large ? rng_between(&rng, 600, MAX_LARGE) : rng_between(&rng, 1, 80);

		if (policy_agrees(&rng, rules, tally))
			continue;
		fprintf(stderr, "policy %" PRIu64 " of SYNFW_SEED=%" PRIu64 "\n", number, seed);
		return false;
	}
	return true;
}

int main(void)
{
	const char *wanted = getenv("SYNFW_SEED");
	struct tally tally = {};
	uint64_t fresh;

	MUST(getrandom(&fresh, sizeof(fresh), 0) == sizeof(fresh));
	if (wanted)
		return seed_agrees(strtoull(wanted, NULL, 10), &tally) ? 0 : 1;
	if (!seed_agrees(FIXED_SEED, &tally))
		return 1;
	printf("limits asked %" PRIu64 ", decided %" PRIu64 ", states %" PRIu64
	       ", established %" PRIu64 ", blocks %" PRIu64 ", adds %" PRIu64 ", logs %" PRIu64
	       ", two levels %" PRIu64 ", protected %" PRIu64 "\n",
	       tally.limits_asked, tally.limits_decided, tally.states, tally.established,
	       tally.blocks, tally.adds, tally.logs, tally.two_levels, tally.source_flags);
	if (!tally.limits_asked || !tally.limits_decided || !tally.states || !tally.established ||
	    !tally.blocks || !tally.adds || !tally.logs || !tally.two_levels ||
	    !tally.source_flags) {
		fprintf(stderr, "the fixed seed does not meet all of it\n");
		return 1;
	}
	return seed_agrees(fresh, &tally) ? 0 : 1;
}
