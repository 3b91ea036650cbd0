/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/bits.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <synfw/reasons.h>

#define SHAPES_ALL	 ((1 << SYNFW_NR_SHAPES) - 1)
#define SHAPES_MALFORMED (SHAPES_ALL & ~SHAPES_RULES)
#define ARRAY_SIZE(x)	 (sizeof(x) / sizeof((x)[0]))

static const uint32_t field_keys[SYNFW_NR_FIELDS] = {
	[SYNFW_FIELD_ATTR] = MATCH_FLAGS | MATCH_STATE,
	[SYNFW_FIELD_SRC] = MATCH_FROM,
	[SYNFW_FIELD_DST] = MATCH_TO_ADDRESS,
	[SYNFW_FIELD_L4DST] = MATCH_PROTO | MATCH_TO | MATCH_ICMP,
	[SYNFW_FIELD_L4SRC] = MATCH_FROM_PORT,
	[SYNFW_FIELD_IFVLAN] = MATCH_INTERFACE | MATCH_VLAN,
};

bool match_constrains(const struct match *match, enum synfw_field field)
{
	return match->keys & field_keys[field];
}

bool bit_constrains(const struct bit *bit, enum synfw_field field)
{
	if (field == SYNFW_FIELD_DYNAMIC)
		return dynamic_condition_constrains(&bit->dynamic);
	return (bit->match && match_constrains(bit->match, field)) ||
	       bit->except_modes[field] != EXCEPT_IGNORED;
}

/* What the infrastructure and the defaults match. The arrays are shared and never written. */
static struct icmp_type nd_types[] = {{58, 133}, {58, 134}, {58, 135}, {58, 136}, {58, 137}};
static struct icmp_type essential_types[] = {
	{1, 3},	   {1, 11},   {1, 12},	 {58, 1},   {58, 2},   {58, 3},	  {58, 4},   {58, 130},
	{58, 131}, {58, 132}, {58, 133}, {58, 134}, {58, 135}, {58, 136}, {58, 137}, {58, 143},
};
static struct icmp_type echo_types[] = {{1, 0}, {1, 8}, {58, 128}, {58, 129}};
static uint8_t icmp_protos[] = {IPPROTO_ICMP, IPPROTO_ICMPV6};
static struct port_range dhcp4_server[] = {{IPPROTO_UDP, 67, 67}};
static struct port_range dhcp4_client[] = {{IPPROTO_UDP, 68, 68}};
static struct port_range dhcp6_server[] = {{IPPROTO_UDP, 547, 547}};
static struct port_range dhcp6_client[] = {{IPPROTO_UDP, 546, 546}};
static struct port_range dns_udp_server[] = {{IPPROTO_UDP, 53, 53}};
static struct port_range dns_udp_client[] = {{IPPROTO_UDP, 1024, 65535}};
static struct port_range dns_tcp_server[] = {{IPPROTO_TCP, 53, 53}};
static struct port_range dns_tcp_client[] = {{IPPROTO_TCP, 1024, 65535}};

static const struct match match_everything = {};
static const struct match match_nd = {
	.keys = MATCH_ICMP, .icmp = nd_types, .nr_icmp = ARRAY_SIZE(nd_types)};
static const struct match match_dhcp4 = {.keys = MATCH_FROM_PORT | MATCH_TO,
					 .from_ports = dhcp4_server,
					 .nr_from_ports = 1,
					 .to = dhcp4_client,
					 .nr_to = 1};
static const struct match match_dhcp6 = {.keys = MATCH_FROM_PORT | MATCH_TO,
					 .from_ports = dhcp6_server,
					 .nr_from_ports = 1,
					 .to = dhcp6_client,
					 .nr_to = 1};
/* A resolver's address is easily spoofed: nothing to the ports of services, no new connections. */
static const struct match match_dns_udp = {.keys = MATCH_FROM_PORT | MATCH_TO,
					   .from_ports = dns_udp_server,
					   .nr_from_ports = 1,
					   .to = dns_udp_client,
					   .nr_to = 1};
static const struct match match_dns_tcp = {.keys = MATCH_FROM_PORT | MATCH_TO | MATCH_FLAGS,
					   .from_ports = dns_tcp_server,
					   .nr_from_ports = 1,
					   .to = dns_tcp_client,
					   .nr_to = 1,
					   .flags = {SYNFW_TCP_ACK, SYNFW_TCP_ACK}};
static const struct match match_icmp = {
	.keys = MATCH_PROTO, .protos = icmp_protos, .nr_protos = ARRAY_SIZE(icmp_protos)};
static const struct match match_essential = {
	.keys = MATCH_ICMP, .icmp = essential_types, .nr_icmp = ARRAY_SIZE(essential_types)};
static const struct match match_echo = {
	.keys = MATCH_ICMP, .icmp = echo_types, .nr_icmp = ARRAY_SIZE(echo_types)};

#define INFRASTRUCTURE_BITS    6 /* what protect_infrastructure appends */
#define INFRASTRUCTURE_MATCHES 3 /* those of them that name an address */
#define DEFAULT_BITS	       4 /* of first_default_bits and last_default_bits together */

/* Cases of all rules and protect entries together. */
static size_t cases_room(const struct policy *policy)
{
	size_t room = 0;

	for (size_t i = 0; i < policy->nr_protects; i++)
		room += dynamic_cases_room(policy, &policy->protects[i].match, NULL);
	for (size_t i = 0; i < policy->nr_rules; i++)
		room += dynamic_cases_room(policy, &policy->rules[i].match,
					   &policy->rules[i].except);
	return room;
}

/* Room for what a policy can need: every rule with an except of all fields. */
static size_t bits_room(const struct policy *policy)
{
	return SYNFW_NR_FIELDS * cases_room(policy) + INFRASTRUCTURE_BITS * policy->nr_protects +
	       DEFAULT_BITS;
}

/* And for matches: a case may need one without some key or with ports, and an except as well. */
static size_t matches_room(const struct policy *policy)
{
	return 3 * cases_room(policy) + INFRASTRUCTURE_MATCHES * policy->nr_protects;
}

static struct bit *bits_append(struct bits *bits, const struct match *match, uint8_t shapes)
{
	struct bit *bit = &bits->bit[bits->count++];

	bit->match = match;
	bit->shapes = shapes;
	bit->rule.order = bits->count - 1;
	bit->rule.index = SYNFW_RULE_INDEX_DEFAULT;
	return bit;
}

static uint8_t verdict_action(enum default_choice choice)
{
	return choice == CHOICE_DROP ? SYNFW_ACTION_DROP : SYNFW_ACTION_ALLOW;
}

/* `match` narrowed to packets from one of the infrastructure's sets. */
static const struct match *match_from(struct bits *bits, struct match match, uint32_t *set)
{
	struct match *owned = &bits->owned[bits->nr_owned++];

	*owned = match;
	owned->keys |= MATCH_FROM;
	owned->from = (struct set_refs){.index = set, .count = 1};
	return owned;
}

/* `match` without some of its address keys. */
static const struct match *match_without(struct bits *bits, const struct match *match,
					 uint32_t keys)
{
	struct match *owned;

	if (!keys)
		return match;
	owned = &bits->owned[bits->nr_owned++];
	*owned = *match;
	owned->keys &= ~keys;
	if (keys & MATCH_FROM)
		owned->from = (struct set_refs){};
	if (keys & MATCH_TO_ADDRESS)
		owned->to_address = (struct set_refs){};
	return owned;
}

/* `match` narrowed to packets with ports. */
static const struct match *match_with_ports(struct bits *bits, const struct match *match)
{
	static struct port_range all_ports[] = {{0, 0, UINT16_MAX}};
	struct match *owned;

	if (match->keys & (MATCH_TO | MATCH_FROM_PORT))
		return match;
	owned = &bits->owned[bits->nr_owned++];
	*owned = *match;
	owned->keys |= MATCH_TO;
	owned->to = all_ports;
	owned->nr_to = ARRAY_SIZE(all_ports);
	return owned;
}

static struct bit *protect_bit(struct bits *bits, const struct match *match, uint8_t shapes,
			       const struct policy *policy, size_t entry)
{
	struct bit *bit = bits_append(bits, match, shapes);

	bit->at = policy->protects[entry].at;
	bit->rule.action = SYNFW_ACTION_ALLOW;
	bit->rule.reason = SYNFW_REASON_PROTECTED;
	bit->rule.index = SYNFW_RULE_INDEX_PROTECT | entry;
	return bit;
}

/* Normal shapes only: a forged neighbour advertisement (hop limit below 255) is malformed. */
static void protect_infrastructure(struct bits *bits, const struct policy *policy, size_t entry)
{
	uint32_t *sets = bits->infrastructure;
	protect_bit(bits, &match_nd, SHAPE(NORMAL), policy, entry);
	protect_bit(bits, &match_dhcp4, SHAPE(NORMAL), policy, entry);
	protect_bit(bits, &match_dhcp6, SHAPE(NORMAL), policy, entry);
	protect_bit(bits, match_from(bits, match_icmp, &sets[0]), SHAPE(NORMAL), policy, entry);
	protect_bit(bits, match_from(bits, match_dns_udp, &sets[1]), SHAPE(NORMAL), policy, entry);
	protect_bit(bits, match_from(bits, match_dns_tcp, &sets[1]), SHAPE(NORMAL), policy, entry);
}

static void protect_entry(struct bits *bits, const struct policy *policy, size_t entry)
{
	const struct match *match = &policy->protects[entry].match;
	struct dynamic_case cases[DYNAMIC_MAX_CASES];
	size_t count = dynamic_cases(policy, &bits->pairs, match, NULL, cases);

	for (size_t i = 0; i < count; i++)
		protect_bit(bits, match_without(bits, match, cases[i].match_keys), SHAPES_ALL,
			    policy, entry)
			->dynamic = cases[i].condition;
}

static void protect_bits(struct bits *bits, const struct policy *policy)
{
	for (size_t i = 0; i < policy->nr_protects; i++) {
		if (policy->protects[i].infrastructure)
			protect_infrastructure(bits, policy, i);
		else
			protect_entry(bits, policy, i);
	}
}

static void default_bit(struct bits *bits, const struct match *match, uint8_t shapes,
			enum default_choice choice, enum synfw_reason reason, struct location at)
{
	struct bit *bit = bits_append(bits, match, shapes);

	bit->at = at;
	bit->rule.action = verdict_action(choice);
	bit->rule.reason = reason;
	/* several shapes share the bit of `malformed`; the packet knows which it has */
	if (shapes == SHAPES_MALFORMED)
		bit->rule.flags = SYNFW_RULE_SHAPE_REASON;
}

static void first_default_bits(struct bits *bits, const struct policy *policy)
{
	default_bit(bits, &match_everything, SHAPES_MALFORMED, policy->malformed,
		    SYNFW_REASON_BAD_HEADER, policy->malformed_at);
	if (policy->fragments != CHOICE_RULES)
		default_bit(bits, &match_everything, SHAPE(FRAGMENT), policy->fragments,
			    SYNFW_REASON_FRAGMENT, policy->fragments_at);
	if (policy->icmp == CHOICE_ALLOW)
		default_bit(bits, &match_icmp, SHAPES_RULES, CHOICE_ALLOW,
			    SYNFW_REASON_ICMP_ESSENTIAL, policy->icmp_at);
	if (policy->icmp == CHOICE_ESSENTIAL)
		default_bit(bits, &match_essential, SHAPE(NORMAL), CHOICE_ALLOW,
			    SYNFW_REASON_ICMP_ESSENTIAL, policy->icmp_at);
}

static void last_default_bits(struct bits *bits, const struct policy *policy)
{
	if (policy->icmp == CHOICE_ESSENTIAL)
		default_bit(bits, &match_echo, SHAPE(NORMAL), CHOICE_ALLOW,
			    SYNFW_REASON_ICMP_ESSENTIAL, policy->icmp_at);
}

/* One way for the rule to match. */
struct rule_case {
	const struct match *match;
	const struct match *except; /* NULL: none */
	struct dynamic_condition dynamic;
};

static struct bit *rule_bit(struct bits *bits, const struct policy *policy, size_t index,
			    const struct rule_case *way)
{
	static const uint8_t reasons[] = {
		[SYNFW_ACTION_ALLOW] = SYNFW_REASON_RULE_ALLOW,
		[SYNFW_ACTION_DROP] = SYNFW_REASON_RULE_DROP,
		[SYNFW_ACTION_SCORE] = SYNFW_REASON_RULE_ALLOW,
	};
	const struct policy_rule *rule = &policy->rules[index];
	struct bit *bit = bits_append(bits, way->match, SHAPES_RULES);

	bit->dynamic = way->dynamic;
	bit->name = rule->name;
	bit->at = rule->at;
	bit->rule.action = rule->action;
	bit->rule.score = rule->score;
	bit->rule.reason = reasons[rule->action];
	bit->rule.flags = rule->monitor ? SYNFW_RULE_MONITOR : 0;
	bit->rule.index = index;
	bit->limited = rule->limit.kind != SYNFW_LIMIT_NONE;
	return bit;
}

/* One bit for each field of the except: it negates that field and requires those before it. */
static void case_bits(struct bits *bits, const struct policy *policy, size_t index,
		      const struct rule_case *way)
{
	if (!way->except) {
		rule_bit(bits, policy, index, way);
		return;
	}
	for (int negated = 0; negated < SYNFW_NR_FIELDS; negated++) {
		struct bit *bit;

		if (!match_constrains(way->except, negated))
			continue;
		bit = rule_bit(bits, policy, index, way);
		bit->except = way->except;
		bit->except_modes[negated] = EXCEPT_NEGATED;
		for (int field = 0; field < negated; field++)
			if (match_constrains(way->except, field))
				bit->except_modes[field] = EXCEPT_REQUIRED;
	}
}

static void rule_bits(struct bits *bits, const struct policy *policy, size_t index)
{
	const struct policy_rule *rule = &policy->rules[index];
	const struct match *except = rule->has_except ? &rule->except : NULL;
	struct dynamic_case cases[DYNAMIC_MAX_CASES];
	size_t count = dynamic_cases(policy, &bits->pairs, &rule->match, except, cases);
	uint16_t effect = bits_add_effect(bits, policy, rule);
	uint32_t first = bits->count;

	for (size_t i = 0; i < count; i++) {
		struct rule_case way = {
			.match = match_without(bits, &rule->match, cases[i].match_keys),
			.dynamic = cases[i].condition,
		};

		if (rule->limit.kind == SYNFW_LIMIT_PORTS)
			way.match = match_with_ports(bits, way.match);
		if (except && !cases[i].without_except)
			way.except = match_without(bits, except, cases[i].except_keys);
		case_bits(bits, policy, index, &way);
	}
	for (uint32_t i = first; i < bits->count; i++)
		bits->bit[i].rule.effect = effect;
	if (bits->count == first + 1)
		bits->bit[first].whole_rule = true;
}

static int sets_view(struct bits *bits, const struct policy *policy,
		     const struct policyc_infrastructure *infrastructure)
{
	static const struct prefix_list no_prefixes;

	bits->nr_sets = policy->nr_sets + 2;
	bits->sets = calloc(bits->nr_sets, sizeof(bits->sets[0]));
	if (!bits->sets)
		return -ENOMEM;
	for (size_t i = 0; i < policy->nr_sets; i++)
		bits->sets[i] = &policy->sets[i].prefixes;
	bits->infrastructure[0] = policy->nr_sets;
	bits->infrastructure[1] = policy->nr_sets + 1;
	bits->sets[bits->infrastructure[0]] =
		infrastructure->gateways ? infrastructure->gateways : &no_prefixes;
	bits->sets[bits->infrastructure[1]] =
		infrastructure->resolvers ? infrastructure->resolvers : &no_prefixes;
	return 0;
}

int bits_init(struct bits *bits, const struct policy *policy, const struct policyc_options *options,
	      struct diags *diags)
{
	int error = dynamic_pairs_find(policy, diags, &bits->pairs);

	if (error)
		return error;
	bits->bit = calloc(bits_room(policy), sizeof(bits->bit[0]));
	bits->owned = calloc(matches_room(policy) + 1, sizeof(bits->owned[0]));
	bits->effects = calloc(policy->nr_rules + 1, sizeof(bits->effects[0]));
	if (!bits->bit || !bits->owned || !bits->effects)
		return -ENOMEM;
	error = sets_view(bits, policy, &options->infrastructure);
	if (error)
		return error;

	protect_bits(bits, policy);
	first_default_bits(bits, policy);
	for (size_t i = 0; i < policy->nr_rules; i++)
		rule_bits(bits, policy, i);
	last_default_bits(bits, policy);
	error = bits_arrange(bits);
	if (error)
		return error;

	if (bits->count > SYNFW_MAX_BITS) {
		diag_error(diags, (struct location){.file = policy->file},
			   "the policy needs %u bits in each vector (rules, protect entries, one "
			   "for each "
			   "field of an except, and padding behind each group of rules on the same "
			   "fields); the limit is %u",
			   bits->count, SYNFW_MAX_BITS);
		return -EINVAL;
	}
	return 0;
}

void bits_done(struct bits *bits)
{
	free(bits->bit);
	free(bits->owned);
	free(bits->sets);
	free(bits->groups);
	free(bits->effects);
	*bits = (struct bits){};
}
