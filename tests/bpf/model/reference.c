/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/reference.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define PROTO_ICMP   1
#define PROTO_TCP    6
#define PROTO_UDP    17
#define PROTO_ICMPV6 58

/* Values of reference.source_in_set and destination_in_set. */
#define SET_UNKNOWN  0
#define SET_MEMBER   1
#define SET_STRANGER 2

int reference_init(struct reference *reference, const struct policy *policy,
		   const struct policyc_options *options)
{
	struct reference made = {.policy = policy, .options = options};

	made.source_in_set = calloc(policy->nr_sets + 1, 1);
	made.destination_in_set = calloc(policy->nr_sets + 1, 1);
	made.counted = calloc(policy->nr_rules + 1, sizeof(*made.counted));
	if (!made.source_in_set || !made.destination_in_set || !made.counted) {
		reference_done(&made);
		return -ENOMEM;
	}
	*reference = made;
	return 0;
}

void reference_done(struct reference *reference)
{
	free(reference->source_in_set);
	free(reference->destination_in_set);
	free(reference->counted);
	*reference = (struct reference){};
}

static bool in_prefix4(const uint8_t *addr, const struct prefix4 *prefix)
{
	uint32_t host = (uint32_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3];
	uint32_t mask = prefix->prefixlen ? ~0U << (32 - prefix->prefixlen) : 0;

	return (host & mask) == prefix->addr;
}

static bool in_prefix6(const uint8_t *addr, const struct prefix6 *prefix)
{
	for (unsigned int bit = 0; bit < prefix->prefixlen; bit++) {
		uint8_t mask = 0x80 >> (bit % 8);

		if ((addr[bit / 8] & mask) != (prefix->addr[bit / 8] & mask))
			return false;
	}
	return true;
}

bool reference_list_contains(const struct prefix_list *list, uint8_t family, const uint8_t *addr)
{
	if (family == 4) {
		for (size_t i = 0; i < list->nr_v4; i++)
			if (in_prefix4(addr, &list->v4[i]))
				return true;
		return false;
	}
	for (size_t i = 0; i < list->nr_v6; i++)
		if (in_prefix6(addr, &list->v6[i]))
			return true;
	return false;
}

/* Asks each set at most once a packet: large policies mention the same set in thousands of rules.
 */
static bool in_any_set(const struct reference *reference, const struct set_refs *refs,
		       uint8_t *known, uint8_t family, const uint8_t *addr)
{
	for (size_t i = 0; i < refs->count; i++) {
		uint32_t set = refs->index[i];

		if (known[set] == SET_UNKNOWN) {
			const struct prefix_list *list = &reference->policy->sets[set].prefixes;

			known[set] = reference_list_contains(list, family, addr) ? SET_MEMBER
										 : SET_STRANGER;
		}
		if (known[set] == SET_MEMBER)
			return true;
	}
	return false;
}

static bool in_ports(const struct port_range *ranges, size_t count,
		     const struct reference_packet *packet, uint16_t port)
{
	if (!packet->has_ports)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (ranges[i].proto && ranges[i].proto != packet->proto)
			continue;
		if (port >= ranges[i].first && port <= ranges[i].last)
			return true;
	}
	return false;
}

static bool in_protos(const struct match *match, uint8_t proto)
{
	for (size_t i = 0; i < match->nr_protos; i++)
		if (match->protos[i] == proto)
			return true;
	return false;
}

static bool in_icmp(const struct match *match, const struct reference_packet *packet)
{
	if (!packet->has_icmp_type)
		return false;
	for (size_t i = 0; i < match->nr_icmp; i++)
		if (match->icmp[i].proto == packet->proto &&
		    match->icmp[i].type == packet->icmp_type)
			return true;
	return false;
}

static bool in_interfaces(const struct match *match, const char *interface)
{
	if (!interface)
		return false;
	for (size_t i = 0; i < match->nr_interfaces; i++)
		if (fnmatch(match->interfaces[i], interface, 0) == 0)
			return true;
	return false;
}

static bool in_vlans(const struct match *match, uint16_t vlan)
{
	for (size_t i = 0; i < match->nr_vlans; i++)
		if (match->vlans[i] == vlan)
			return true;
	return false;
}

static bool match_matches(const struct reference *reference, const struct match *match,
			  const struct reference_packet *packet, const char *interface)
{
	uint32_t keys = match->keys;

	if ((keys & MATCH_PROTO) && !in_protos(match, packet->proto))
		return false;
	if ((keys & MATCH_TO) && !in_ports(match->to, match->nr_to, packet, packet->dport))
		return false;
	if ((keys & MATCH_FROM_PORT) &&
	    !in_ports(match->from_ports, match->nr_from_ports, packet, packet->sport))
		return false;
	if ((keys & MATCH_ICMP) && !in_icmp(match, packet))
		return false;
	if ((keys & MATCH_FLAGS) &&
	    (!packet->has_flags || (packet->flags & match->flags.mask) != match->flags.value))
		return false;
	if ((keys & MATCH_INTERFACE) && !in_interfaces(match, interface))
		return false;
	if ((keys & MATCH_STATE) && (match->state == STATE_ESTABLISHED) != reference->established)
		return false;
	if ((keys & MATCH_VLAN) && !in_vlans(match, packet->vlan))
		return false;
	if ((keys & MATCH_FROM) && !in_any_set(reference, &match->from, reference->source_in_set,
					       packet->family, packet->saddr))
		return false;
	if ((keys & MATCH_TO_ADDRESS) &&
	    !in_any_set(reference, &match->to_address, reference->destination_in_set,
			packet->family, packet->daddr))
		return false;
	return true;
}

/* The packet has everything that the rule asks for; the limit, which is asked last, comes on top.
 */
static bool limit_is_exceeded(const struct reference *reference, const struct policy_rule *rule,
			      const struct reference_packet *packet, uint32_t index)
{
	const struct circumstances *now = &reference->circumstances;

	if (rule->limit.kind == SYNFW_LIMIT_NONE)
		return true;
	if (rule->limit.kind == SYNFW_LIMIT_PORTS && !packet->has_ports)
		return false;
	return now->exceeds && now->exceeds(now->context, index);
}

static bool rule_matches(const struct reference *reference, uint32_t index,
			 const struct reference_packet *packet, const char *interface)
{
	const struct policy_rule *rule = &reference->policy->rules[index];

	if (!match_matches(reference, &rule->match, packet, interface))
		return false;
	if (rule->has_except && match_matches(reference, &rule->except, packet, interface))
		return false;
	return limit_is_exceeded(reference, rule, packet, index);
}

static void note_consequences(struct reference *reference, const struct policy_rule *rule)
{
	struct consequences *noted = &reference->consequences;

	if (rule->block_ns > noted->block_ns)
		noted->block_ns = rule->block_ns;
	if (rule->adds)
		noted->add_to |= 1U << reference->policy->sets[rule->add_to].number;
	noted->nr_logged += rule->log;
}

static bool is_icmp(uint8_t proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

/* Errors and path MTU of both families, neighbour and multicast listener discovery. */
static bool is_icmp_error_or_nd(const struct reference_packet *packet)
{
	uint8_t type = packet->icmp_type;

	if (!packet->has_icmp_type)
		return false;
	if (packet->proto == PROTO_ICMP)
		return type == 3 || type == 11 || type == 12;
	return (type >= 1 && type <= 4) || (type >= 130 && type <= 137) || type == 143;
}

static bool is_echo(const struct reference_packet *packet)
{
	uint8_t type = packet->icmp_type;

	if (!packet->has_icmp_type)
		return false;
	return packet->proto == PROTO_ICMP ? type == 8 || type == 0 : type == 128 || type == 129;
}

static bool is_dhcp_reply(const struct reference_packet *packet)
{
	if (!packet->has_ports || packet->proto != PROTO_UDP)
		return false;
	return (packet->sport == 67 && packet->dport == 68) ||
	       (packet->sport == 547 && packet->dport == 546);
}

/* To a port that no service has by right, and by TCP only what is not a new connection. */
static bool is_dns_reply(const struct reference_packet *packet)
{
	if (!packet->has_ports || packet->sport != 53 || packet->dport < 1024)
		return false;
	return packet->proto == PROTO_UDP ||
	       (packet->proto == PROTO_TCP && packet->has_flags && packet->flags & 0x10);
}

bool reference_can_be_established(const struct reference_packet *packet)
{
	if (packet->kind != REFERENCE_IP || packet->shape != SYNFW_SHAPE_NORMAL)
		return false;
	if (packet->has_ports)
		return true;
	if (!packet->has_icmp_type)
		return false;
	if (packet->proto == PROTO_ICMP)
		return packet->icmp_type == 0 || packet->icmp_type == 3 ||
		       packet->icmp_type == 11 || packet->icmp_type == 12;
	return packet->icmp_type == 129 || (packet->icmp_type >= 1 && packet->icmp_type <= 4);
}

static bool comes_from(const struct prefix_list *list, const struct reference_packet *packet)
{
	return list && reference_list_contains(list, packet->family, packet->saddr);
}

static bool is_infrastructure(const struct reference *reference,
			      const struct reference_packet *packet)
{
	const struct policyc_infrastructure *known = &reference->options->infrastructure;

	if (packet->shape != SYNFW_SHAPE_NORMAL)
		return false;
	if (packet->has_icmp_type && packet->proto == PROTO_ICMPV6 && packet->icmp_type >= 133 &&
	    packet->icmp_type <= 137)
		return true;
	if (is_dhcp_reply(packet))
		return true;
	if (is_icmp(packet->proto) && comes_from(known->gateways, packet))
		return true;
	return is_dns_reply(packet) && comes_from(known->resolvers, packet);
}

static bool is_protected(const struct reference *reference, const struct reference_packet *packet,
			 const char *interface)
{
	const struct policy *policy = reference->policy;

	for (size_t i = 0; i < policy->nr_protects; i++) {
		const struct protect_entry *entry = &policy->protects[i];

		if (entry->infrastructure
			    ? is_infrastructure(reference, packet)
			    : match_matches(reference, &entry->match, packet, interface))
			return true;
	}
	return false;
}

static enum synfw_reason shape_reason(enum synfw_shape shape)
{
	static const enum synfw_reason reasons[SYNFW_NR_SHAPES] = {
		[SYNFW_SHAPE_FRAGMENT] = SYNFW_REASON_FRAGMENT,
		[SYNFW_SHAPE_TRUNCATED] = SYNFW_REASON_TRUNCATED,
		[SYNFW_SHAPE_BAD_HEADER] = SYNFW_REASON_BAD_HEADER,
		[SYNFW_SHAPE_BAD_FLAGS] = SYNFW_REASON_BAD_FLAGS,
		[SYNFW_SHAPE_TOO_MANY_HEADERS] = SYNFW_REASON_TOO_MANY_HEADERS,
	};

	return reasons[shape];
}

static struct judgement decided(enum default_choice choice, enum synfw_reason reason)
{
	return (struct judgement){
		.verdict = choice == CHOICE_DROP ? SYNFW_DROP : SYNFW_ALLOW,
		.reason = reason,
		.rule = REFERENCE_NO_RULE,
	};
}

/* Steps 4 to 6 of docs/decisions/0002. */
static struct judgement judge_by_rules(struct reference *reference,
				       const struct reference_packet *packet, const char *interface)
{
	const struct policy *policy = reference->policy;
	struct judgement result;
	uint32_t score = 0;

	for (uint32_t i = 0; i < policy->nr_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (!rule_matches(reference, i, packet, interface))
			continue;
		reference->counted[reference->nr_counted++] = i;
		if (rule->monitor)
			continue;
		note_consequences(reference, rule);
		if (rule->action == SYNFW_ACTION_SCORE) {
			score += rule->score;
			continue;
		}
		if (rule->action == SYNFW_ACTION_DROP)
			result = decided(CHOICE_DROP, SYNFW_REASON_RULE_DROP);
		else
			result = decided(CHOICE_ALLOW, SYNFW_REASON_RULE_ALLOW);
		result.rule = i;
		result.score = score;
		return result;
	}

	if (policy->icmp == CHOICE_ESSENTIAL && is_echo(packet))
		result = decided(CHOICE_ALLOW, SYNFW_REASON_ICMP_ESSENTIAL);
	else if (policy->incoming == CHOICE_DROP)
		result = decided(CHOICE_DROP, SYNFW_REASON_DEFAULT_DROP);
	else
		result = decided(CHOICE_ALLOW, SYNFW_REASON_DEFAULT_ALLOW);
	result.score = score;
	return result;
}

/* Connections that this host opened, then steps 2 and 3, then the rest. */
static struct judgement judge_ip(struct reference *reference, const struct reference_packet *packet,
				 const char *interface)
{
	const struct policy *policy = reference->policy;

	if (reference->established && policy->established == CHOICE_ALLOW)
		return decided(CHOICE_ALLOW, SYNFW_REASON_ESTABLISHED);
	if (is_protected(reference, packet, interface))
		return decided(CHOICE_ALLOW, SYNFW_REASON_PROTECTED);
	if (packet->shape == SYNFW_SHAPE_FRAGMENT && policy->fragments != CHOICE_RULES)
		return decided(policy->fragments, SYNFW_REASON_FRAGMENT);
	if (packet->shape != SYNFW_SHAPE_NORMAL && packet->shape != SYNFW_SHAPE_FRAGMENT)
		return decided(policy->malformed, shape_reason(packet->shape));
	if (policy->icmp == CHOICE_ALLOW && is_icmp(packet->proto))
		return decided(CHOICE_ALLOW, SYNFW_REASON_ICMP_ESSENTIAL);
	if (policy->icmp == CHOICE_ESSENTIAL && is_icmp_error_or_nd(packet))
		return decided(CHOICE_ALLOW, SYNFW_REASON_ICMP_ESSENTIAL);
	return judge_by_rules(reference, packet, interface);
}

struct judgement reference_judge(struct reference *reference, const uint8_t *frame, size_t length,
				 const char *interface)
{
	const struct policy *policy = reference->policy;
	struct reference_packet packet = reference_parse(frame, length);

	memset(reference->source_in_set, SET_UNKNOWN, policy->nr_sets);
	memset(reference->destination_in_set, SET_UNKNOWN, policy->nr_sets);
	reference->nr_counted = 0;
	reference->consequences = (struct consequences){};
	reference->established =
		reference->circumstances.established && reference_can_be_established(&packet);

	switch (packet.kind) {
	case REFERENCE_ARP:
		return decided(CHOICE_ALLOW, SYNFW_REASON_ARP);
	case REFERENCE_ETHERTYPE:
		return decided(policy->ethertypes, SYNFW_REASON_ETHERTYPE);
	case REFERENCE_TRUNCATED:
		return decided(policy->malformed, SYNFW_REASON_TRUNCATED);
	case REFERENCE_TOO_MANY_TAGS:
		return decided(policy->malformed, SYNFW_REASON_TOO_MANY_TAGS);
	case REFERENCE_IP:
		break;
	}
	return judge_ip(reference, &packet, interface);
}
