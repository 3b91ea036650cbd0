/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/image_eval.h"
#include "model/image_trie.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDS_PER_LINE   (SYNFW_LINE_BYTES / sizeof(uint32_t))
#define WORDS_PER_LINE (SYNFW_LINE_BYTES / sizeof(uint64_t))
#define MAX_WORDS      (SYNFW_MAX_BITS / 64)

static uint32_t table_entry(const struct image *image, uint32_t base, uint32_t index)
{
	return image_line(image, base + index / IDS_PER_LINE)->id[index % IDS_PER_LINE];
}

static uint32_t class_of_address(const struct image *image, const struct reference_packet *packet,
				 enum synfw_direction direction)
{
	const uint8_t *addr = direction == SYNFW_DIR_SRC ? packet->saddr : packet->daddr;
	struct image_path path;

	return image_class(image, direction, packet->family, addr, &path);
}

static enum synfw_l4_region region_of(const struct reference_packet *packet)
{
	if (packet->has_icmp_type)
		return packet->proto == 1 ? SYNFW_L4_ICMP : SYNFW_L4_ICMPV6;
	if (!packet->has_ports)
		return SYNFW_L4_PROTO;
	switch (packet->proto) {
	case 6:
		return SYNFW_L4_TCP;
	case 17:
		return SYNFW_L4_UDP;
	default:
		return SYNFW_L4_SCTP;
	}
}

static uint32_t class_of_l4(const struct image *image, const uint32_t *bases,
			    const struct reference_packet *packet, uint16_t port)
{
	enum synfw_l4_region region = region_of(packet);
	uint32_t index = packet->has_icmp_type ? packet->icmp_type : port;

	if (region == SYNFW_L4_PROTO || bases[region] == 0)
		return table_entry(image, bases[SYNFW_L4_PROTO], packet->proto);
	return table_entry(image, bases[region], index);
}

static uint32_t class_of_attributes(const struct image *image,
				    const struct reference_packet *packet, bool established)
{
	uint32_t index = SYNFW_ATTR_SHAPE + packet->shape;

	if (packet->has_flags && image_header_const(image)->flag_rules)
		index = packet->flags;
	if (established && image_header_const(image)->established == SYNFW_ESTABLISHED_RULES)
		index += SYNFW_ATTR_ESTABLISHED;
	return table_entry(image, image_class_tables(image)->attr, index);
}

static uint32_t class_of_interface(const struct image *image, const struct reference_packet *packet,
				   uint32_t slot)
{
	const struct synfw_class_tables *tables = image_class_tables(image);

	if (!tables->ifvlan_lines)
		return table_entry(image, tables->ifvlan, slot);
	return table_entry(image, tables->ifvlan + slot * tables->ifvlan_lines, packet->vlan);
}

static bool is_member(const struct policy *policy, uint32_t number, uint8_t family,
		      const uint8_t *addr)
{
	for (size_t i = 0; i < policy->nr_named_sets; i++) {
		const struct policy_set *set = &policy->sets[i];

		if (set->dynamic && set->number == number)
			return reference_list_contains(&set->prefixes, family, addr);
	}
	fprintf(stderr, "image: dynamic set %u is not there\n", number);
	abort();
}

static uint32_t class_of_members(const struct image *image, const struct policy *policy,
				 const struct reference_packet *packet)
{
	const struct synfw_dynamic *dynamic = image_dynamic(image);
	uint32_t held = 0;

	for (uint32_t i = 0; i < dynamic->nr_pairs; i++) {
		const uint8_t *addr =
			dynamic->pairs[i] & SYNFW_PAIR_DST ? packet->daddr : packet->saddr;

		if (is_member(policy, dynamic->pairs[i] & ~SYNFW_PAIR_DST, packet->family, addr))
			held |= 1U << i;
	}
	return table_entry(image, dynamic->table, held);
}

/* What a frame is judged by. */
struct question {
	const struct image *image;
	const struct policy *policy;
	const struct reference_packet *packet;
	uint32_t slot;
	bool established;
};

static uint32_t class_of(const struct question *question, enum synfw_field field)
{
	const struct image *image = question->image;
	const struct reference_packet *packet = question->packet;
	const struct synfw_class_tables *tables = image_class_tables(image);

	switch (field) {
	case SYNFW_FIELD_ATTR:
		return class_of_attributes(image, packet, question->established);
	case SYNFW_FIELD_SRC:
		return class_of_address(image, packet, SYNFW_DIR_SRC);
	case SYNFW_FIELD_DST:
		return class_of_address(image, packet, SYNFW_DIR_DST);
	case SYNFW_FIELD_L4DST:
		return class_of_l4(image, tables->l4dst, packet, packet->dport);
	case SYNFW_FIELD_L4SRC:
		return class_of_l4(image, tables->l4src, packet, packet->sport);
	case SYNFW_FIELD_DYNAMIC:
		return class_of_members(image, question->policy, packet);
	default:
		return class_of_interface(image, packet, question->slot);
	}
}

/* Words of a vector that this image may use. */
static uint32_t vector_words(const struct synfw_header *header)
{
	return header->refs_at ? header->nr_agg * 64U : header->nr_agg;
}

/* The whole bit vector of a class, whatever its level. A word that the aggregate denies is 0. That
 * some fields need not be looked at for some words (group_base) is the datapath's shortcut: here
 * all of them are. */
static void class_vector(const struct image *image, enum synfw_field field, uint32_t class_id,
			 uint64_t vector[MAX_WORDS])
{
	const struct synfw_header *header = image_header_const(image);
	uint32_t base = field == SYNFW_FIELD_DYNAMIC ? image_dynamic(image)->record_base
						     : header->record_base[field];
	uint32_t record = base + class_id * header->record_lines;
	const struct synfw_line *aggregate = image_line(image, record);

	if (!header->refs_at) {
		memcpy(vector, aggregate->word, header->nr_agg * sizeof(*vector));
		return;
	}
	for (uint32_t word = 0; word < vector_words(header); word++) {
		uint32_t chunk;

		vector[word] = 0;
		if (!(aggregate->word[word / 64] >> (word % 64) & 1))
			continue;
		chunk = table_entry(image, record, header->refs_at + word / WORDS_PER_LINE);
		vector[word] =
			chunk ? image_line(image, chunk)->word[word % WORDS_PER_LINE] : ~0ULL;
	}
}

static void match_vector(const struct question *question, uint64_t matches[MAX_WORDS])
{
	const struct image *image = question->image;
	const struct synfw_header *header = image_header_const(image);
	uint64_t vector[MAX_WORDS];

	class_vector(image, SYNFW_FIELD_ATTR, class_of(question, SYNFW_FIELD_ATTR), matches);
	for (int field = SYNFW_FIELD_ATTR + 1; field < SYNFW_NR_FIELDS; field++) {
		if (!(header->fields >> field & 1))
			continue;
		class_vector(image, field, class_of(question, field), vector);
		for (uint32_t word = 0; word < vector_words(header); word++)
			matches[word] &= vector[word];
	}
}

static struct judgement decided(uint8_t verdict, enum synfw_reason reason)
{
	return (struct judgement){.verdict = verdict, .reason = reason, .rule = REFERENCE_NO_RULE};
}

static enum synfw_reason reason_of_shape(enum synfw_shape shape)
{
	/* From FRAGMENT on, the two lists run in step but for TOO_MANY_TAGS. */
	if (shape == SYNFW_SHAPE_TOO_MANY_HEADERS)
		return SYNFW_REASON_TOO_MANY_HEADERS;
	return SYNFW_REASON_FRAGMENT + (shape - SYNFW_SHAPE_FRAGMENT);
}

static bool bit_matches(const uint64_t matches[MAX_WORDS], uint32_t bit)
{
	return matches[bit / 64] >> (bit % 64) & 1;
}

/* A walk over the bits that match, as abi.h tells it. */
struct walk {
	const struct image *image;
	const struct circumstances *circumstances;
	const struct synfw_rule *decided; /* NULL: nothing yet */
	uint32_t score;
	struct consequences consequences;
};

static void note_effect(struct walk *walk, const struct synfw_effect *effect)
{
	struct consequences *noted = &walk->consequences;

	if (!effect)
		return;
	if (effect->block_ns > noted->block_ns)
		noted->block_ns = effect->block_ns;
	if (effect->add_to)
		noted->add_to |= 1U << (effect->add_to - 1);
	noted->nr_logged += effect->log;
}

static bool limit_is_exceeded(const struct walk *walk, const struct synfw_rule *rule,
			      const struct synfw_effect *effect)
{
	const struct circumstances *now = walk->circumstances;

	if (!effect || effect->limit == SYNFW_LIMIT_NONE)
		return true;
	return now->exceeds && now->exceeds(now->context, rule->index);
}

/* One bit that matches, behind all that come before it and do not decide. */
static void take_rule(struct walk *walk, const struct synfw_rule *rule)
{
	const struct synfw_effect *effect = image_effect_const(walk->image, rule);

	if (!limit_is_exceeded(walk, rule, effect))
		return;
	/* none of a monitoring rule is to be in the image */
	note_effect(walk, effect);
	if (rule->flags & SYNFW_RULE_MONITOR)
		return;
	if (rule->action == SYNFW_ACTION_SCORE)
		walk->score += rule->score;
	else
		walk->decided = rule;
}

/* Two levels: the first of those that simply decide. They stand before `end` in no order. */
static const struct synfw_rule *first_deciding(const struct image *image, uint32_t end,
					       const uint64_t matches[MAX_WORDS])
{
	const struct synfw_rule *first = NULL;

	for (uint32_t bit = 0; bit < end; bit++) {
		const struct synfw_rule *rule = image_rule_const(image, bit);

		if (bit_matches(matches, bit) && (!first || rule->order < first->order))
			first = rule;
	}
	return first;
}

static void walk_bits(struct walk *walk, const uint64_t matches[MAX_WORDS])
{
	const struct synfw_header *header = image_header_const(walk->image);
	uint32_t bit = header->refs_at ? image_class_tables(walk->image)->counting_word * 64U : 0;
	const struct synfw_rule *best = first_deciding(walk->image, bit, matches);

	for (; bit < header->nr_bits && !walk->decided; bit++) {
		const struct synfw_rule *rule = image_rule_const(walk->image, bit);

		if (!bit_matches(matches, bit))
			continue;
		if (best && best->order < rule->order)
			break;
		take_rule(walk, rule);
	}
	if (!walk->decided && best)
		take_rule(walk, best);
}

static struct judgement judgement_of(const struct walk *walk, const struct reference_packet *packet)
{
	const struct synfw_rule *rule = walk->decided;
	struct judgement result;

	if (rule) {
		result = decided(rule->action == SYNFW_ACTION_DROP ? SYNFW_DROP : SYNFW_ALLOW,
				 rule->flags & SYNFW_RULE_SHAPE_REASON
					 ? reason_of_shape(packet->shape)
					 : (enum synfw_reason)rule->reason);
		result.rule = judgement_rule(rule->index);
	} else {
		result = image_header_const(walk->image)->incoming == SYNFW_DROP
				 ? decided(SYNFW_DROP, SYNFW_REASON_DEFAULT_DROP)
				 : decided(SYNFW_ALLOW, SYNFW_REASON_DEFAULT_ALLOW);
	}
	result.score = walk->score;
	return result;
}

static struct judgement judge_ip(const struct question *question,
				 const struct circumstances *circumstances,
				 struct consequences *ret_consequences)
{
	struct walk walk = {.image = question->image, .circumstances = circumstances};
	uint64_t matches[MAX_WORDS];

	if (question->established &&
	    image_header_const(question->image)->established == SYNFW_ESTABLISHED_ALLOW)
		return decided(SYNFW_ALLOW, SYNFW_REASON_ESTABLISHED);
	match_vector(question, matches);
	walk_bits(&walk, matches);
	*ret_consequences = walk.consequences;
	return judgement_of(&walk, question->packet);
}

struct judgement image_judge_when(const struct image *image, const struct policy *policy,
				  const uint8_t *frame, size_t length, uint32_t slot,
				  const struct circumstances *circumstances,
				  struct consequences *ret_consequences)
{
	const struct synfw_header *header = image_header_const(image);
	struct reference_packet packet = reference_parse(frame, length);
	const struct question question = {
		.image = image,
		.policy = policy,
		.packet = &packet,
		.slot = slot,
		.established = circumstances->established && reference_can_be_established(&packet),
	};

	*ret_consequences = (struct consequences){};
	switch (packet.kind) {
	case REFERENCE_ARP:
		return decided(SYNFW_ALLOW, SYNFW_REASON_ARP);
	case REFERENCE_ETHERTYPE:
		return decided(header->ethertypes, SYNFW_REASON_ETHERTYPE);
	case REFERENCE_TRUNCATED:
		return decided(header->malformed, SYNFW_REASON_TRUNCATED);
	case REFERENCE_TOO_MANY_TAGS:
		return decided(header->malformed, SYNFW_REASON_TOO_MANY_TAGS);
	case REFERENCE_IP:
		break;
	}
	return judge_ip(&question, circumstances, ret_consequences);
}

struct judgement image_judge(const struct image *image, const struct policy *policy,
			     const uint8_t *frame, size_t length, uint32_t slot)
{
	const struct circumstances nothing_before = {};
	struct consequences consequences;

	return image_judge_when(image, policy, frame, length, slot, &nothing_before, &consequences);
}
