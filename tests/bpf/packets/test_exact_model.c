/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scores, blocks, rates, ports tried, members and events of random policies, against an exact
 * model: in 10,000 random sequences of packets at random times no verdict, no point, no time and no
 * event may differ. SYNFW_SEED=N runs another seed, SYNFW_SEQUENCES=N so many sequences.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/bpf.h>

#include "model/frame.h"
#include "base/must.h"
#include "model/over_time_model.h"
#include "random/over_time_policy.h"
#include "base/policy_text.h"
#include "harness/state.h"

#define DEFAULT_SEED	     20261122
#define DEFAULT_SEQUENCES    10000
#define SEQUENCES_PER_POLICY 100
#define MAX_PACKETS	     60
#define NR_SOURCES	     5

#define NS_PER_S	     1000000000ULL
#define NS_PER_MS	     1000000ULL
#define HOUR_NS		     (3600 * NS_PER_S)

/* Longer than any score of these policies lasts, so that sequences know nothing of each other. */
#define PAUSE_NS (60 * HOUR_NS)

enum { SOURCE_V4, SOURCE_V4_TOO, SOURCE_V6, SOURCE_PROTECTED, SOURCE_EXEMPT };

struct trial_over_time {
	struct datapath *datapath;
	struct state *state;
	struct rng rng;
	uint64_t now_ns;
	uint32_t last_name; /* of sources: no two sequences have the same */
	struct model_policy policy;
	struct policy_frame frame;
	struct model model;
	struct synfw_addr6 sources[NR_SOURCES]; /* masked */
	uint64_t matched[MODEL_MAX_RULES];
	uint64_t packets, dropped, flags, blocks, offences[4], reasons[SYNFW_NR_REASONS];
};

static void mask(struct synfw_addr6 *address, unsigned int prefixlen)
{
	for (unsigned int bit = prefixlen; bit < 128; bit++)
		address->byte[bit / 8] &= ~(0x80 >> bit % 8);
}

/* Two of a sequence's sources must not have one place in the table of ports tried. */
static bool scans_collide(const struct trial_over_time *trial, uint64_t seed)
{
	uint32_t place[NR_SOURCES * MODEL_MAX_RULES], count = 0;

	for (uint32_t i = 0; i < trial->policy.nr_rules; i++)
		for (int j = 0; j < NR_SOURCES; j++) {
			uint32_t word[4];

			if (trial->policy.rules[i].limit != SYNFW_LIMIT_PORTS)
				continue;
			memcpy(word, &trial->sources[j], sizeof(word));
			place[count] = synfw_source_hash(
					       word, seed ^ (trial->frame.filler_before + i + 1)) %
				       SYNFW_PORT_SCANS;
			for (uint32_t k = 0; k < count; k++)
				if (place[k] == place[count])
					return true;
			count++;
		}
	return false;
}

static void draw_sources(struct trial_over_time *trial, uint64_t seed)
{
	do {
		uint32_t noise = rng_next(&trial->rng), name = ++trial->last_name;
		struct synfw_addr6 v6 = {.byte = {0x20, 0x01, 0x0d, 0xb8}};

		trial->sources[SOURCE_V4] = addr6_of_v4(0x64000000 | name);
		trial->sources[SOURCE_V4_TOO] = addr6_of_v4(0x65000000 | name);
		memcpy(v6.byte + 4, &name, 2);
		v6.byte[6] = rng_next(&trial->rng);
		for (int i = 8; i < 16; i++)
			v6.byte[i] = rng_next(&trial->rng);
		mask(&v6, trial->frame.ipv6_prefixlen);
		trial->sources[SOURCE_V6] = v6;
		trial->sources[SOURCE_PROTECTED] = addr6_of_v4(0x0a090000 | (noise & 0xffff));
		trial->sources[SOURCE_EXEMPT] = addr6_of_v4(0xc0000201);
	} while (scans_collide(trial, seed));
}

static uint64_t draw_pause(struct rng *rng)
{
	static const uint64_t scales[] = {1000,		 NS_PER_MS,	 100 * NS_PER_MS, NS_PER_S,
					  10 * NS_PER_S, 600 * NS_PER_S, HOUR_NS};

	if (rng_percent(rng, 30))
		return 0;
	return rng_next(rng) % (2 * scales[rng_below(rng, sizeof(scales) / sizeof(scales[0]))]);
}

static void build(struct trial_over_time *trial, uint32_t source, uint8_t proto, uint16_t port,
		  struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;
	const struct synfw_addr6 *from = &trial->sources[source];

	spec.proto = proto;
	spec.dport = port;
	spec.sport = 40000;
	memcpy(spec.saddr, from->byte + 12, 4);
	memcpy(spec.daddr, "\xc6\x33\x64\x01", 4);
	if (source == SOURCE_V6) {
		spec.family = 6;
		memcpy(spec.saddr, from, 16);
		for (unsigned int bit = trial->frame.ipv6_prefixlen; bit < 128; bit++)
			if (rng_percent(&trial->rng, 50))
				spec.saddr[bit / 8] |= 0x80 >> bit % 8;
		memcpy(spec.daddr, "\x20\x01\x0d\xb8", 4);
	}
	frame_build(&spec, ret_frame);
}

#define CHECK(condition)                                                                        \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			return false;                                                           \
		}                                                                               \
	} while (0)

static uint16_t counter_of(const struct trial_over_time *trial, uint16_t number)
{
	return number ? trial->frame.filler_before + number : 0;
}

static bool parts_agree(const struct trial_over_time *trial, const struct synfw_score_part *have,
			const struct model_part *want)
{
	for (int i = 0; i < SYNFW_SCORE_PARTS; i++) {
		CHECK(have[i].counter == counter_of(trial, want[i].rule));
		CHECK(have[i].hits == want[i].hits && have[i].points == want[i].points);
	}
	return true;
}

static bool score_agrees(struct trial_over_time *trial, uint32_t number)
{
	const struct model_source *source = &trial->model.sources[number];
	struct state_score score = {};
	bool found = state_score(trial->state, &trial->sources[number], &score);

	CHECK(found == (source->level > 0));
	if (!found)
		return true;
	CHECK(score.level == (uint64_t)source->level);
	CHECK(score.updated_boot_ns == source->updated_ns);
	return parts_agree(trial, score.part, source->parts);
}

static bool block_agrees(struct trial_over_time *trial, uint32_t number)
{
	const struct model_source *source = &trial->model.sources[number];
	const struct synfw_block *want = &source->block;
	struct synfw_block have = {};
	bool found = state_block(trial->state, &trial->sources[number], &have);

	CHECK(found == source->has_block);
	if (!found)
		return true;
	CHECK(have.expires_boot_ns == want->expires_boot_ns);
	CHECK(have.since_boot_ns == want->since_boot_ns);
	CHECK(have.offences == want->offences);
	CHECK(have.score == want->score);
	CHECK(have.cause == want->cause);
	CHECK(have.flags == want->flags);
	CHECK(have.counter == counter_of(trial, want->counter));
	for (int i = 0; i < SYNFW_SCORE_PARTS; i++) {
		CHECK(have.part[i].counter == counter_of(trial, want->part[i].counter));
		CHECK(have.part[i].points == want->part[i].points);
		CHECK(have.part[i].hits == want->part[i].hits);
	}
	return true;
}

/* A member is not written again for less than 100 ms. */
static bool member_agrees(struct trial_over_time *trial, uint32_t number)
{
	uint64_t want = trial->model.sources[number].member_ns;
	struct synfw_member member = {};
	bool found;

	if (number == SOURCE_V6) /* sets have whole addresses */
		return true;
	found = state_member(trial->state, 0, &trial->sources[number], &member);
	CHECK(found == (want != 0));
	CHECK(member.expires_ns <= want && want - member.expires_ns <= 100 * NS_PER_MS);
	return true;
}

static bool events_agree(struct trial_over_time *trial, const struct model_result *result)
{
	struct synfw_event events[MODEL_MAX_EVENTS];
	size_t count = state_events(trial->state, events, MODEL_MAX_EVENTS);

	CHECK(count == result->nr_events);
	for (size_t i = 0; i < count; i++) {
		const struct model_event *want = &result->events[i];
		const struct synfw_event *have = &events[i];

		CHECK(have->kind == want->kind);
		CHECK(have->reason == want->reason && have->verdict == want->verdict);
		CHECK(have->counter == counter_of(trial, want->counter));
		CHECK(have->score_before == want->before && have->score_after == want->after);
		CHECK(have->block_expires_boot_ns == want->block_expires_ns);
		CHECK(have->time_boot_ns == trial->now_ns && have->sample == 1);
		CHECK(!(have->flags & SYNFW_EVENT_MONITOR) == !trial->policy.monitor);
		trial->flags += have->kind == SYNFW_EVENT_FLAG;
		trial->blocks += have->kind == SYNFW_EVENT_BLOCK;
	}
	return true;
}

static bool trace_agrees(const struct trial_over_time *trial, const struct judgement *judgement,
			 const struct synfw_trace *trace, const struct model_result *want)
{
	CHECK(judgement->verdict == want->verdict);
	CHECK(judgement->reason == want->reason);
	CHECK(judgement->score == want->score);
	CHECK(trace->score_before == want->before);
	CHECK(trace->score_after == want->after);
	CHECK(trace->monitor == trial->policy.monitor);
	return true;
}

static bool packet_agrees(struct trial_over_time *trial)
{
	struct rng *rng = &trial->rng;
	uint32_t source = rng_below(rng, NR_SOURCES), action;
	uint8_t proto = rng_percent(rng, 85) ? 6 : 17;
	uint16_t port = POLICY_FIRST_PORT + rng_below(rng, POLICY_NR_PORTS);
	struct judgement judgement;
	struct synfw_trace trace;
	struct model_result want;
	struct frame frame;

	build(trial, source, proto, port, &frame);
	MUST(datapath_trace(trial->datapath, frame.byte, frame.length, 1, &judgement) == 0);
	trace = *datapath_last_trace(trial->datapath);
	MUST(datapath_run(trial->datapath, frame.byte, frame.length, 1, &action) == 0);
	want = model_packet(&trial->model, source, proto, port, trial->now_ns);
	trial->packets++;
	trial->reasons[want.reason]++;
	for (uint32_t i = 0; i < trial->policy.nr_rules; i++)
		trial->matched[i] += want.matched >> i & 1;
	if (trial->model.sources[source].has_block)
		trial->offences[trial->model.sources[source].block.offences < 3
					? trial->model.sources[source].block.offences
					: 3]++;
	CHECK(action ==
	      (want.verdict == SYNFW_DROP && !trial->policy.monitor ? XDP_DROP : XDP_PASS));
	return trace_agrees(trial, &judgement, &trace, &want) && score_agrees(trial, source) &&
	       block_agrees(trial, source) && member_agrees(trial, source) &&
	       events_agree(trial, &want);
}

static bool sequence_agrees(struct trial_over_time *trial, uint64_t seed)
{
	uint32_t packets = rng_between(&trial->rng, 5, MAX_PACKETS);

	trial->now_ns += PAUSE_NS;
	draw_sources(trial, seed);
	state_clear_members(trial->state, 0);
	model_begin(&trial->model, &trial->policy);
	trial->model.sources[SOURCE_PROTECTED].spared = true;
	trial->model.sources[SOURCE_EXEMPT].spared = true;
	for (uint32_t i = 0; i < packets; i++) {
		trial->now_ns += draw_pause(&trial->rng);
		state_set_time(trial->state, trial->now_ns);
		if (!packet_agrees(trial)) {
			fprintf(stderr, "at packet %u of its sequence\n", i);
			return false;
		}
	}
	return true;
}

static bool counters_agree(struct trial_over_time *trial)
{
	for (uint32_t i = 0; i < trial->policy.nr_rules; i++) {
		struct synfw_rule_counter counter;

		MUST(datapath_rule_counter(trial->datapath, trial->frame.filler_before + i,
					   &counter) == 0);
		CHECK(counter.packets == trial->matched[i]);
	}
	return true;
}

static void print_policy(const struct trial_over_time *trial)
{
	struct policy_frame frame = trial->frame;
	char *text;

	fprintf(stderr, "with %u other rules before and %u behind those of this policy:\n",
		frame.filler_before, frame.filler_after);
	frame.filler_before = frame.filler_after = 0;
	text = policy_write(&trial->policy, &frame);
	fputs(text, stderr);
	free(text);
}

static bool policy_agrees(struct trial_over_time *trial, uint64_t seed)
{
	static const struct policyc_interface eth0 = {"eth0", 1};
	static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};
	struct policy_text text = {};
	struct compiled compiled;
	bool agrees = true;

	policy_draw(&trial->rng, &trial->policy, &trial->frame);
	memset(trial->matched, 0, sizeof(trial->matched));
	text.head = policy_write(&trial->policy, &trial->frame);
	MUST(policy_text_compile(&text, &options, stderr, &compiled) == 0);
	MUST(datapath_apply(trial->datapath, compiled.image) == 0);
	state_set_timeout(trial->state, 0, trial->policy.member_timeout_ns);
	for (int i = 0; agrees && i < SEQUENCES_PER_POLICY; i++)
		agrees = sequence_agrees(trial, seed);
	agrees = agrees && counters_agree(trial);
	if (!agrees)
		print_policy(trial);
	compiled_done(&compiled);
	policy_text_done(&text);
	return agrees;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

int main(void)
{
	uint64_t seed = number_from("SYNFW_SEED", DEFAULT_SEED);
	uint64_t sequences = number_from("SYNFW_SEQUENCES", DEFAULT_SEQUENCES);
	struct trial_over_time *trial = calloc(1, sizeof(*trial));
	struct synfw_addr6 exempt = addr6_of_v4(0xc0000201);
	bool agrees = true;

	MUST(trial && datapath_open_test_clock(&trial->datapath) == 0);
	trial->state = state_open(trial->datapath, seed);
	trial->rng.state = seed;
	state_put_exempt(trial->state, &exempt);
	for (uint64_t i = 0; agrees && i < sequences; i += SEQUENCES_PER_POLICY)
		agrees = policy_agrees(trial, seed);
	printf("seed %" PRIu64 "\n", seed);
	printf("%" PRIu64 " sequences, %" PRIu64 " packets, %" PRIu64 " flags, %" PRIu64
	       " blocks: %s\n",
	       sequences, trial->packets, trial->flags, trial->blocks,
	       agrees ? "as the model" : "FAILED");
	printf("packets of sources with 0, 1, 2, 3 and more offences: %" PRIu64 " %" PRIu64
	       " %" PRIu64 " %" PRIu64 "; blocked %" PRIu64 ", by score %" PRIu64 "\n",
	       trial->offences[0], trial->offences[1], trial->offences[2], trial->offences[3],
	       trial->reasons[SYNFW_REASON_BLOCKED], trial->reasons[SYNFW_REASON_SCORE]);
	state_close(trial->state);
	datapath_close(trial->datapath);
	free(trial);
	return agrees ? EXIT_SUCCESS : EXIT_FAILURE;
}
