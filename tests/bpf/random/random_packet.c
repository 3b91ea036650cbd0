/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_packet.h"

#include <string.h>

#include "random/random_shape.h"

#define PICK(rng, array) ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

/* In an address that is to hit a prefix: inside, or one of the four edges. */
enum place {
	PLACE_FIRST,
	PLACE_LAST,
	PLACE_BEFORE,
	PLACE_BEHIND,
	PLACE_INSIDE,
	NR_PLACES,
};

static void add6(uint8_t addr[16], int delta)
{
	for (int byte = 15; byte >= 0; byte--) {
		int sum = addr[byte] + delta;

		addr[byte] = sum;
		delta = sum >> 8;
		if (!delta)
			return;
	}
}

static void address_near4(struct rng *rng, const struct prefix4 *prefix, uint8_t addr[16])
{
	uint32_t rest =
		prefix->prefixlen ? (uint32_t)((1ULL << (32 - prefix->prefixlen)) - 1) : ~0U;
	uint32_t host = prefix->addr;

	switch ((enum place)rng_below(rng, NR_PLACES)) {
	case PLACE_LAST:
		host |= rest;
		break;
	case PLACE_BEFORE:
		host--;
		break;
	case PLACE_BEHIND:
		host = (host | rest) + 1;
		break;
	case PLACE_INSIDE:
		host |= rng_next(rng) & rest;
		break;
	default:
		break;
	}
	for (int byte = 0; byte < 4; byte++)
		addr[byte] = host >> (24 - 8 * byte);
}

static void address_near6(struct rng *rng, const struct prefix6 *prefix, uint8_t addr[16])
{
	enum place place = rng_below(rng, NR_PLACES);

	memcpy(addr, prefix->addr, 16);
	if (place == PLACE_BEFORE)
		add6(addr, -1);
	if (place == PLACE_FIRST || place == PLACE_BEFORE)
		return;
	for (unsigned int bit = prefix->prefixlen; bit < 128; bit++)
		if (place != PLACE_INSIDE || rng_percent(rng, 50))
			addr[bit / 8] |= 0x80 >> (bit % 8);
	if (place == PLACE_BEHIND)
		add6(addr, 1);
}

/* An address near a member of the list, which may be NULL; false when it has none of that family.
 */
static bool address_of_list(struct rng *rng, const struct prefix_list *list, uint8_t family,
			    uint8_t addr[16])
{
	if (!list)
		return false;
	if (family == 4 && list->nr_v4)
		address_near4(rng, &list->v4[rng_below(rng, list->nr_v4)], addr);
	else if (family == 6 && list->nr_v6)
		address_near6(rng, &list->v6[rng_below(rng, list->nr_v6)], addr);
	else
		return false;
	return true;
}

static void any_address(struct rng *rng, const struct policy *policy, uint8_t family,
			uint8_t addr[16])
{
	for (int byte = 0; byte < 16; byte++)
		addr[byte] = rng_next(rng);
	if (policy->nr_sets && rng_percent(rng, 80))
		address_of_list(rng, &policy->sets[rng_below(rng, policy->nr_sets)].prefixes,
				family, addr);
}

static void address_of_sets(struct rng *rng, const struct policy *policy,
			    const struct set_refs *refs, uint8_t family, uint8_t addr[16])
{
	if (refs->count && rng_percent(rng, 90)) {
		uint32_t set = refs->index[rng_below(rng, refs->count)];

		if (address_of_list(rng, &policy->sets[set].prefixes, family, addr))
			return;
	}
	any_address(rng, policy, family, addr);
}

static uint16_t port_near(struct rng *rng, uint16_t first, uint16_t last)
{
	switch (rng_below(rng, 6)) {
	case 0:
		return first - 1;
	case 1:
		return last + 1;
	case 2:
		return last;
	case 3:
		return rng_between(rng, first, last);
	default:
		return first;
	}
}

static uint16_t any_port(struct rng *rng)
{
	static const uint16_t usual[] = {22, 23, 53, 67, 68, 80, 443, 546, 547, 0, 65535};

	return rng_percent(rng, 60) ? PICK(rng, usual) : rng_next(rng);
}

static uint8_t any_icmp_type(struct rng *rng)
{
	static const uint8_t usual[] = {0,  1,	2,   3,	  4,   5,   8,	 11,  12, 13,
					14, 17, 128, 129, 133, 134, 135, 136, 137};

	return rng_percent(rng, 90) ? PICK(rng, usual) : rng_next(rng);
}

static void any_transport(struct rng *rng, struct frame_spec *spec)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 17, 132, 1, 58, 47, 50, 51, 59, 89, 2, 255};

	spec->proto = PICK(rng, protos);
	spec->sport = any_port(rng);
	spec->dport = any_port(rng);
	spec->icmp_type = any_icmp_type(rng);
	spec->tcp_flags = rng_percent(rng, 50) ? 0x02 : rng_next(rng);
}

/* What `protect: infrastructure` is about, and what looks like it. */
static void infrastructure_packet(struct rng *rng, const struct policyc_options *options,
				  struct frame_spec *spec)
{
	static const struct {
		uint8_t proto, icmp_type;
		uint16_t sport, dport;
	} samples[] = {
		{17, 0, 67, 68},  {17, 0, 68, 67}, {17, 0, 547, 546}, {17, 0, 53, 4000},
		{6, 0, 53, 4000}, {1, 3, 0, 0},	   {1, 8, 0, 0},      {58, 1, 0, 0},
		{58, 134, 0, 0},  {58, 135, 0, 0}, {6, 0, 67, 68},    {132, 0, 53, 53},
	};
	size_t i = rng_below(rng, sizeof(samples) / sizeof(samples[0]));

	spec->proto = samples[i].proto;
	spec->icmp_type = samples[i].icmp_type;
	spec->sport = samples[i].sport;
	spec->dport = samples[i].dport;
	address_of_list(rng,
			rng_percent(rng, 50) ? options->infrastructure.gateways
					     : options->infrastructure.resolvers,
			spec->family, spec->saddr);
}

/* A packet that the match is likely to match, or to miss by one. */
static void packet_for_match(struct rng *rng, const struct policy *policy,
			     const struct match *match, struct frame_spec *spec)
{
	address_of_sets(rng, policy, &match->from, spec->family, spec->saddr);
	address_of_sets(rng, policy, &match->to_address, spec->family, spec->daddr);
	if (match->nr_protos)
		spec->proto = match->protos[rng_below(rng, match->nr_protos)];
	if (match->nr_to) {
		const struct port_range *range = &match->to[rng_below(rng, match->nr_to)];

		if (range->proto)
			spec->proto = range->proto;
		spec->dport = port_near(rng, range->first, range->last);
	}
	if (match->nr_from_ports) {
		const struct port_range *range =
			&match->from_ports[rng_below(rng, match->nr_from_ports)];

		spec->sport = port_near(rng, range->first, range->last);
	}
	if (match->nr_icmp) {
		const struct icmp_type *icmp = &match->icmp[rng_below(rng, match->nr_icmp)];

		spec->proto = icmp->proto;
		spec->icmp_type = icmp->type;
	}
	if (match->keys & MATCH_FLAGS)
		spec->tcp_flags = match->flags.value | (rng_next(rng) & ~match->flags.mask);
	if (match->nr_vlans && rng_percent(rng, 90)) {
		spec->nr_tags = 1;
		spec->tags[0].tpid = 0x8100;
		spec->tags[0].tci = match->vlans[rng_below(rng, match->nr_vlans)];
	}
}

static bool list_has_family(const struct policy *policy, const struct set_refs *refs,
			    uint8_t family)
{
	for (size_t i = 0; i < refs->count; i++) {
		const struct prefix_list *list = &policy->sets[refs->index[i]].prefixes;

		if (family == 4 ? list->nr_v4 : list->nr_v6)
			return true;
	}
	return refs->count == 0;
}

static void packet_for_policy(struct rng *rng, const struct policy *policy, struct frame_spec *spec)
{
	const struct match *match;

	if (policy->nr_protects && rng_percent(rng, 15)) {
		match = &policy->protects[rng_below(rng, policy->nr_protects)].match;
	} else {
		const struct policy_rule *rule = &policy->rules[rng_below(rng, policy->nr_rules)];

		match = &rule->match;
		if (!list_has_family(policy, &match->from, spec->family) ||
		    !list_has_family(policy, &match->to_address, spec->family))
			spec->family = spec->family == 4 ? 6 : 4;
		packet_for_match(rng, policy, match, spec);
		if (!rule->has_except || rng_percent(rng, 50))
			return;
		match = &rule->except;
	}
	packet_for_match(rng, policy, match, spec);
}

void random_packet(struct rng *rng, const struct policy *policy,
		   const struct policyc_options *options, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	spec.family = rng_percent(rng, 60) ? 4 : 6;
	any_transport(rng, &spec);
	any_address(rng, policy, spec.family, spec.saddr);
	any_address(rng, policy, spec.family, spec.daddr);
	if (policy->nr_rules && rng_percent(rng, 80))
		packet_for_policy(rng, policy, &spec);
	else if (rng_percent(rng, 40))
		infrastructure_packet(rng, options, &spec);
	spec.payload = rng_percent(rng, 50) ? rng_below(rng, 40) : 0;
	random_shape(rng, &spec);
	frame_build(&spec, ret_frame);
	random_damage(rng, ret_frame);
}

const struct policyc_interface *random_interface(struct rng *rng,
						 const struct policyc_options *options)
{
	uint32_t i = rng_below(rng, options->nr_interfaces + 1);

	return i == options->nr_interfaces ? NULL : &options->interfaces[i];
}
