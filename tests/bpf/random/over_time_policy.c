/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/over_time_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"

#define PROTO_TCP	 6
#define PROTO_UDP	 17
#define NS_PER_S	 UINT64_C(1000000000)
#define MINUTE_NS	 (60 * NS_PER_S)

#define PICK(rng, array) ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

static void draw_limit(struct rng *rng, struct model_rule *rule)
{
	static const uint32_t rates[] = {1, 2, 10, 100, 1000};

	rule->limit = rng_percent(rng, 50) ? rng_below(rng, 4) : SYNFW_LIMIT_NONE;
	if (rule->limit == SYNFW_LIMIT_PORTS) {
		rule->over = rng_between(rng, 1, 20);
		rule->within_ns = rng_between(rng, 1, 60) * NS_PER_S;
		rule->first_port = POLICY_FIRST_PORT + rng_below(rng, 30);
		rule->last_port = POLICY_FIRST_PORT + POLICY_NR_PORTS - 1;
	} else if (rule->limit != SYNFW_LIMIT_NONE) {
		rule->per_second = PICK(rng, rates);
		rule->burst = rng_between(rng, 1, 8);
	}
}

static struct model_rule draw_rule(struct rng *rng)
{
	struct model_rule rule = {
		.proto = rng_percent(rng, 80) ? PROTO_TCP : PROTO_UDP,
		.action = rng_percent(rng, 50) ? SYNFW_ACTION_DROP : SYNFW_ACTION_ALLOW,
		.monitor = rng_percent(rng, 8),
	};

	rule.first_port = POLICY_FIRST_PORT + rng_below(rng, POLICY_NR_PORTS);
	rule.last_port = rule.first_port + rng_below(rng, POLICY_NR_PORTS);
	draw_limit(rng, &rule);
	/* most rules score, so that packets match several */
	if (rng_percent(rng, 65)) {
		rule.score = rng_percent(rng, 3) ? 1000000 : rng_between(rng, 1, 60);
	} else if (rule.limit == SYNFW_LIMIT_NONE) {
		rule.last_port = rule.first_port + rng_below(rng, 10);
	}
	if ((rule.score || rule.action == SYNFW_ACTION_DROP) && rng_percent(rng, 10))
		rule.block_ns = rng_between(rng, 1, 90) * MINUTE_NS;
	rule.adds = rng_percent(rng, 10);
	rule.log = rng_percent(rng, 10);
	return rule;
}

void policy_draw(struct rng *rng, struct model_policy *ret_policy, struct policy_frame *ret_frame)
{
	static const uint64_t decays[] = {600, 3600, 7777, 36000, 1000000};
	static const uint8_t prefixlens[] = {48, 56, 64, 64, 64, 96, 128};
	struct model_policy policy = {
		.monitor = rng_percent(rng, 25),
		.drops_by_default = rng_percent(rng, 50),
		.decay = PICK(rng, decays),
		.member_timeout_ns = 3600 * NS_PER_S,
		.nr_rules = rng_between(rng, 1, MODEL_MAX_RULES),
	};
	bool two_levels = rng_percent(rng, 40);

	policy.flag_at = rng_percent(rng, 80) ? rng_between(rng, 1, 100) : 0;
	policy.drop_at = !policy.flag_at || rng_percent(rng, 80)
				 ? policy.flag_at + rng_between(rng, 1, 150)
				 : 0;
	for (int i = 0; i < 3; i++)
		policy.block_for_ns[i] =
			(i ? policy.block_for_ns[i - 1] : 0) + rng_between(rng, 1, 120) * MINUTE_NS;
	for (uint32_t i = 0; i < policy.nr_rules; i++)
		policy.rules[i] = draw_rule(rng);
	*ret_policy = policy;
	*ret_frame = (struct policy_frame){
		.ipv6_prefixlen = PICK(rng, prefixlens),
		.filler_before = two_levels ? rng_below(rng, 300) : 0,
		.filler_after = two_levels ? 520 : 0,
		.protect = "10.9.0.0/16",
	};
}

static void write_scoring(FILE *out, const struct model_policy *policy,
			  const struct policy_frame *frame)
{
	fprintf(out, "scoring:\n  ipv6-prefix: %u\n", frame->ipv6_prefixlen);
	if (policy->flag_at)
		fprintf(out, "  flag-at: %u\n", policy->flag_at);
	if (policy->drop_at)
		fprintf(out,
			"  drop-at: %u\n  block-for: [%" PRIu64 "s, %" PRIu64 "s, %" PRIu64 "s]\n",
			policy->drop_at, policy->block_for_ns[0] / NS_PER_S,
			policy->block_for_ns[1] / NS_PER_S, policy->block_for_ns[2] / NS_PER_S);
	fprintf(out, "  decay: %" PRIu64 "/h\n", policy->decay);
}

static void write_rule(FILE *out, const struct model_rule *rule, uint32_t number)
{
	fprintf(out, "  - name: m%u\n    to: %u-%u/%s\n", number, rule->first_port, rule->last_port,
		rule->proto == PROTO_TCP ? "tcp" : "udp");
	if (rule->limit == SYNFW_LIMIT_PORTS)
		fprintf(out, "    distinct-ports: {over: %u, within: %" PRIu64 "s}\n", rule->over,
			rule->within_ns / NS_PER_S);
	else if (rule->limit != SYNFW_LIMIT_NONE)
		fprintf(out, "    rate: {over: %u/s, burst: %u, per: %s}\n", rule->per_second,
			rule->burst, rule->limit == SYNFW_LIMIT_RATE ? "rule" : "source");
	if (rule->score)
		fprintf(out, "    score: %u\n", rule->score);
	else
		fprintf(out, "    action: %s\n",
			rule->action == SYNFW_ACTION_DROP ? "drop" : "allow");
	if (rule->block_ns)
		fprintf(out, "    block: %" PRIu64 "s\n", rule->block_ns / NS_PER_S);
	if (rule->adds)
		fputs("    add-to: added\n", out);
	if (rule->log)
		fputs("    log: true\n", out);
	if (rule->monitor)
		fputs("    mode: monitor\n", out);
}

static void write_fillers(FILE *out, char kind, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fprintf(out, "  - {name: %c%u, to: %u/%s, action: drop}\n", kind, i, 20000 + i,
			i % 2 ? "tcp" : "udp");
}

char *policy_write(const struct model_policy *policy, const struct policy_frame *frame)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	fprintf(out, "version: 1\nname: over-time\nmode: %s\ninterfaces: [{name: eth0}]\n",
		policy->monitor ? "monitor" : "block");
	if (frame->protect)
		fprintf(out, "protect:\n  - {from: %s, to: 9/tcp}\n", frame->protect);
	fputs("sets:\n  added: {dynamic: true, size: 100, timeout: 1h}\n", out);
	fprintf(out, "defaults: {incoming: %s, icmp: rules, established: rules}\n",
		policy->drops_by_default ? "drop" : "allow");
	if (policy->decay)
		write_scoring(out, policy, frame);
	fprintf(out, "logging: {events: [drop, block, flag], sample: 1/%u, limit: %s}\n",
		frame->sample ? frame->sample : 1, frame->limit ? frame->limit : "1000000/s");
	fputs("rules:\n", out);
	write_fillers(out, 'a', frame->filler_before);
	for (uint32_t i = 0; i < policy->nr_rules; i++)
		write_rule(out, &policy->rules[i], i);
	write_fillers(out, 'z', frame->filler_after);
	MUST(fclose(out) == 0);
	return text;
}
