/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "match.h"

#include <string.h>

#include "icmp_types.h"
#include "tcp_flags.h"

static struct location value_at(const struct parser *parser, const struct match_draft *draft,
				enum match_key_index index)
{
	return location_of(parser, draft->value[index]);
}

/* One bit for each protocol that has ports. */
static unsigned int ports_bit(uint8_t proto)
{
	return proto == 6 ? 1 : proto == 17 ? 2 : proto == 132 ? 4 : 0;
}

static unsigned int ranges_bits(const struct port_range *ranges, size_t count)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= ranges[i].proto ? ports_bit(ranges[i].proto) : 7;
	return bits;
}

static unsigned int protos_bits(const struct match *match)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < match->nr_protos; i++)
		bits |= ports_bit(match->protos[i]);
	return bits;
}

bool match_may_have_ports(const struct match *match)
{
	return !(match->keys & MATCH_ICMP) && (!(match->keys & MATCH_PROTO) || protos_bits(match));
}

/* Ports, flags and protocol have to leave one of TCP, UDP and SCTP. */
static void check_ports(struct parser *parser, const struct match_draft *draft)
{
	const struct match *match = &draft->match;
	unsigned int left = match->keys & MATCH_PROTO ? protos_bits(match) : 7;
	struct diag *diag;

	if ((match->keys & MATCH_FLAGS) && !(left & ports_bit(6))) {
		diag = diag_error(parser->diags, value_at(parser, draft, KEY_FLAGS),
				  "%s can never match: only TCP has flags", draft->owner);
		diag_related(parser->diags, diag, value_at(parser, draft, KEY_PROTO),
			     "and this leaves no TCP");
		return;
	}
	if (match->keys & MATCH_FLAGS)
		left &= ports_bit(6);
	for (int index = KEY_TO; index <= KEY_FROM_PORT; index++) {
		if (!draft->value[index])
			continue;
		left &= index == KEY_TO ? ranges_bits(match->to, match->nr_to)
					: ranges_bits(match->from_ports, match->nr_from_ports);
		if (left)
			continue;
		diag_error(parser->diags, value_at(parser, draft, (enum match_key_index)index),
			   "%s can never match: no protocol has these ports and what its other "
			   "keys ask for",
			   draft->owner);
		return;
	}
}

static bool has_icmp(const struct match *match)
{
	return memchr(match->protos, PROTO_ICMP, match->nr_protos) ||
	       memchr(match->protos, PROTO_ICMPV6, match->nr_protos);
}

static void check_icmp(struct parser *parser, const struct match_draft *draft)
{
	static const enum match_key_index others[] = {KEY_TO, KEY_FROM_PORT, KEY_FLAGS};
	const struct match *match = &draft->match;
	struct diag *diag;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!draft->value[others[i]])
			continue;
		diag = diag_error(parser->diags, value_at(parser, draft, KEY_ICMP),
				  "%s can never match: ICMP has neither ports nor flags",
				  draft->owner);
		diag_related(parser->diags, diag, value_at(parser, draft, others[i]),
			     "asked for here");
		return;
	}
	if (!match->nr_icmp && has_icmp(match)) {
		diag = diag_error(parser->diags, value_at(parser, draft, KEY_ICMP),
				  "%s can never match: the protocol has none of these types",
				  draft->owner);
		diag_related(parser->diags, diag, value_at(parser, draft, KEY_PROTO),
			     "asked for here");
	} else if (!match->nr_icmp) {
		diag = diag_error(parser->diags, value_at(parser, draft, KEY_ICMP),
				  "%s can never match: only ICMP has these types", draft->owner);
		diag_related(parser->diags, diag, value_at(parser, draft, KEY_PROTO),
			     "and this leaves neither icmp nor icmpv6");
	}
}

/* Decision 0002: what defaults.icmp decides is decided before the rules. */
static bool decided_before(const struct policy *policy, const struct match *match)
{
	if (policy->icmp == CHOICE_RULES)
		return false;
	if (match->keys & MATCH_ICMP) {
		for (size_t i = 0; i < match->nr_icmp && policy->icmp == CHOICE_ESSENTIAL; i++)
			if (!icmp_type_is_essential(&match->icmp[i]))
				return false;
		return true;
	}
	/* Later fragments of ICMP have no type; `fragments: rules` lets rules see them. */
	if (!(match->keys & MATCH_PROTO) || policy->icmp != CHOICE_ALLOW ||
	    policy->fragments == CHOICE_RULES)
		return false;
	for (size_t i = 0; i < match->nr_protos; i++)
		if (match->protos[i] != PROTO_ICMP && match->protos[i] != PROTO_ICMPV6)
			return false;
	return true;
}

static void check_defaults(struct parser *parser, const struct match_draft *draft)
{
	const struct policy *policy = parser->policy;
	enum match_key_index index = draft->value[KEY_ICMP] ? KEY_ICMP : KEY_PROTO;
	struct diag *diag;

	if (!decided_before(policy, &draft->match))
		return;
	diag = diag_error(parser->diags, value_at(parser, draft, index),
			  "%s can never match: defaults.icmp decides these packets before the "
			  "rules",
			  draft->owner);
	if (policy->icmp_at.line)
		diag_related(parser->diags, diag, policy->icmp_at, "decided here");
	diag_hint(diag, "with \"icmp: rules\" under defaults the rules decide ICMP");
}

static void check_flags(struct parser *parser, const struct match_draft *draft)
{
	const struct flags_match *match = &draft->match.flags;

	for (unsigned int flags = 0; flags < 256; flags++)
		if ((flags & match->mask) == match->value && !flags_are_impossible((uint8_t)flags))
			return;
	diag_error(parser->diags, value_at(parser, draft, KEY_FLAGS),
		   "%s can never match: SYN with FIN or RST is malformed, and defaults.malformed "
		   "decides it before the rules",
		   draft->owner);
}

static void check_interfaces(struct parser *parser, const struct match_draft *draft)
{
	const struct match *match = &draft->match;

	for (size_t i = 0; i < match->nr_interfaces; i++)
		if (interface_is_guarded(parser->policy, match->interfaces[i]))
			return;
	diag_error(parser->diags, value_at(parser, draft, KEY_INTERFACE),
		   "%s can never match: the policy guards no such interface", draft->owner);
}

void match_check(struct parser *parser, const struct match_draft *draft)
{
	size_t errors = diags_errors(parser->diags);
	uint32_t keys = draft->match.keys;

	if (keys & MATCH_INTERFACE)
		check_interfaces(parser, draft);
	if (keys & MATCH_FLAGS)
		check_flags(parser, draft);
	if (keys & MATCH_ICMP)
		check_icmp(parser, draft);
	else if (keys & (MATCH_TO | MATCH_FROM_PORT | MATCH_FLAGS))
		check_ports(parser, draft);
	if (diags_errors(parser->diags) == errors && (keys & (MATCH_ICMP | MATCH_PROTO)))
		check_defaults(parser, draft);
}
