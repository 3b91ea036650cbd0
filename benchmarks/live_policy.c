/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "live_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/in.h>

#define PARTS (LIVE_LISTED / LIVE_RULES + 1) /* one of them for the rules */

int live_policy_draw(struct live_policy *ret_policy)
{
	struct live_policy policy = {.listed.family = 4, .rules.family = 4};
	struct address_set all;
	int err = address_set_draw(4, LIVE_LISTED + LIVE_RULES, &all);

	if (err)
		return err;
	policy.listed.prefix = calloc(LIVE_LISTED, sizeof(*policy.listed.prefix));
	policy.rules.prefix = calloc(LIVE_RULES, sizeof(*policy.rules.prefix));
	if (!policy.listed.prefix || !policy.rules.prefix) {
		live_policy_done(&policy);
		address_set_done(&all);
		return -ENOMEM;
	}
	for (size_t i = 0; i < all.count; i++) {
		struct address_set *part = i % PARTS ? &policy.listed : &policy.rules;

		part->prefix[part->count++] = all.prefix[i];
	}
	address_set_done(&all);
	*ret_policy = policy;
	return 0;
}

void live_policy_done(struct live_policy *policy)
{
	address_set_done(&policy->listed);
	address_set_done(&policy->rules);
}

static uint16_t port_of_rule(size_t rule)
{
	return 1024 + rule;
}

void live_policy_flows(const struct live_policy *policy, struct flow *ret_flows)
{
	struct rng rng = {LIVE_LISTED};

	for (size_t i = 0; i < FLOW_COUNT; i++) {
		size_t rule = rng_below(&rng, LIVE_RULES);
		struct flow flow = {.v4 = {.proto = IPPROTO_TCP, .tcp_flags = 2}};
		uint8_t addr[16];

		flow.v4.daddr_be = htonl(0xc6336401); /* 198.51.100.1 */
		flow.v4.sport_be = htons(49152);
		flow.v4.dport_be = htons(port_of_rule(rule));
		if (rng_percent(&rng, 50))
			address_set_pick(&policy->listed, &rng, true, addr);
		else if (rng_percent(&rng, 50))
			memcpy(addr, policy->rules.prefix[rule].example, sizeof(addr));
		else
			address_set_pick(&policy->listed, &rng, false, addr);
		memcpy(&flow.v4.saddr_be, addr, sizeof(flow.v4.saddr_be));
		ret_flows[i] = flow;
	}
}

static const char *prefix_text(const struct address_set *set, size_t i, char text[32])
{
	uint8_t network[16];

	address_set_network(set, i, network);
	snprintf(text, 32, "%u.%u.%u.%u/%u", network[0], network[1], network[2], network[3],
		 set->prefix[i].prefixlen);
	return text;
}

void live_policy_write_synfw(const struct live_policy *policy, const char *device, const char *list,
			     FILE *out)
{
	char text[32];

	fprintf(out,
		"version: 1\nname: live\ninterfaces:\n  - name: %s\ndefaults: {incoming: drop}\n"
		"sets:\n  listed: {file: %s}\n"
		"rules:\n  - {name: listed, from: listed, action: drop}\n",
		device, list);
	for (size_t i = 0; i < LIVE_RULES; i++)
		fprintf(out, "  - {name: rule-%zu, from: %s, to: %u/tcp, action: drop}\n", i,
			prefix_text(&policy->rules, i, text), port_of_rule(i));
}

static void write_nft_set(const struct address_set *set, bool ports, FILE *out)
{
	char text[32];

	fprintf(out, "set %s {\ntype ipv4_addr%s\nflags interval\nelements = {\n",
		ports ? "rules" : "listed", ports ? " . inet_service" : "");
	for (size_t i = 0; i < set->count; i++) {
		fputs(prefix_text(set, i, text), out);
		if (ports)
			fprintf(out, " . %u", port_of_rule(i));
		fputs(",\n", out);
	}
	fputs("}\n}\n", out);
}

void live_policy_write_nft(const struct live_policy *policy, const char *device, bool plain,
			   FILE *out)
{
	char text[32];

	fprintf(out, "table netdev bench-%s {\n", device);
	write_nft_set(&policy->listed, false, out);
	if (!plain)
		write_nft_set(&policy->rules, true, out);
	fprintf(out,
		"chain in {\ntype filter hook ingress device %s priority 0\npolicy drop\n"
		"ip saddr @listed drop\n",
		device);
	if (!plain)
		fputs("ip saddr . tcp dport @rules drop\n", out);
	for (size_t i = 0; i < LIVE_RULES && plain; i++)
		fprintf(out, "ip saddr %s tcp dport %u drop\n",
			prefix_text(&policy->rules, i, text), port_of_rule(i));
	/* behind the other, for what it lets through; nothing, so it costs nothing */
	fprintf(out,
		"}\nchain passed {\ntype filter hook ingress device %s priority 1\ncounter\n}\n}\n",
		device);
}
