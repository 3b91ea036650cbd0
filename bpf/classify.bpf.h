/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_CLASSIFY_BPF_H
#define SYNFW_CLASSIFY_BPF_H

/*
 * Field classes and aggregated bit vectors (Lakshman and Stiliadis 1998; Baboescu and Varghese
 * 2001): every field of the packet is mapped to a class, every class has one bit a rule, the AND
 * over the fields leaves the rules that match, lowest bit first.
 */
#include "account.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

#define AGG_WORDS	8
#define WORDS_PER_CHUNK 8
#define REFS_PER_LINE	16

/* Each step of a walk consumes a word or a bit of a vector, so it cannot take more. */
#define WALK_MAX_STEPS (SYNFW_MAX_BITS + SYNFW_MAX_BITS / 64)

extern const volatile bool read_only;

/* What becomes of a packet, and why. */
struct decision {
	__u32 score;
	__u32 bit;	/* SYNFW_NO_BIT: no rule decided */
	__u32 steps;
	__u8 verdict;	/* enum synfw_verdict */
	__u8 reason;
};

/* Holds no pointers: the steps are a global function, whose argument the verifier takes for any
 * bytes. Without that each combination of taken words would be a state of its own. */
struct walk {
	struct decision decision;
	__u32 generation;
	__u64 candidates[AGG_WORDS]; /* AND of the aggregates; bits are cleared as they are taken */
	__u64 bits;	/* what is left of the word in hand */
	__u32 first_bit; /* rule number of its bit 0 */
	__u32 record[SYNFW_NR_FIELDS];
	__u32 rule_base;
	__u32 bytes;	/* of the packet, for the counters */
	__u8 fields;
	__u8 ref_lines;
	__u8 shape_reason;
	__u8 monitor;
};

static __always_inline void *generation_lines(__u32 generation)
{
	return bpf_map_lookup_elem(&synfw_lines, &generation);
}

static __always_inline struct synfw_line *line_at(void *lines, __u32 number)
{
	return bpf_map_lookup_elem(lines, &number);
}

/* Entry `index` of a table of 32-bit ids that begins at line `base`. */
static __always_inline __u32 id_at(void *lines, __u32 base, __u32 index)
{
	struct synfw_line *line = line_at(lines, base + index / REFS_PER_LINE);

	return line ? line->id[index % REFS_PER_LINE] : 0;
}

const __u8 debruijn_index[64] = {
	0,  1,	48, 2,	57, 49, 28, 3,	61, 58, 50, 42, 38, 29, 17, 4,	62, 55, 59, 36, 53, 51,
	43, 22, 45, 39, 33, 30, 24, 18, 12, 5,	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
	44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,	13, 8,	7,  6,
};

/* Index of the lowest set bit of a word that is not 0. BPF has no such instruction; the de Bruijn
 * multiplication is Leiserson, Prokop and Randall 1998. */
static __always_inline __u32 lowest_bit(__u64 word)
{
	return debruijn_index[((word & -word) * 0x03f79d71b4cb0a89ULL) >> 58];
}

/* AND of word `number` over all fields that rules constrain. Reference 0 stands for a chunk of
 * ones. A line that is not there reads as no rule: the walk ends in the default. */
static __always_inline __u64 vectors_and(void *lines, struct walk *walk, __u32 number)
{
	__u32 chunk = number / WORDS_PER_CHUNK;
	__u64 bits = ~0ULL;
	int field;

#pragma unroll
	for (field = 0; field < SYNFW_NR_FIELDS; field++) {
		struct synfw_line *line;
		__u32 ref;

		if (!(walk->fields & (1 << field)))
			continue;
		line = line_at(lines, walk->record[field] + 1 + chunk / REFS_PER_LINE);
		if (!line)
			return 0;
		ref = line->id[chunk % REFS_PER_LINE];
		if (!ref)
			continue;
		line = line_at(lines, ref);
		if (!line)
			return 0;
		bits &= line->word[number % WORDS_PER_CHUNK];
	}
	return bits;
}

/* Takes the next word of candidates in hand. False when none is left. */
static __always_inline bool walk_next_word(void *lines, struct walk *walk)
{
	int i;

#pragma unroll
	for (i = 0; i < AGG_WORDS; i++) {
		__u64 candidates = walk->candidates[i];
		__u32 number;

		if (!candidates)
			continue;
		if (!walk->ref_lines) {
			walk->bits = candidates;
			walk->first_bit = i * 64;
			walk->candidates[i] = 0;
			return true;
		}
		number = i * 64 + lowest_bit(candidates);
		walk->candidates[i] = candidates & (candidates - 1);
		walk->first_bit = number * 64;
		walk->bits = vectors_and(lines, walk, number);
		return true;
	}
	return false;
}

/* One matching rule. True when it decides. */
static __always_inline bool rule_decides(struct walk *walk, const struct synfw_rule *rule, __u32 bit)
{
	bool rule_monitors = rule->flags & SYNFW_RULE_MONITOR;
	bool would_drop = rule->action == SYNFW_ACTION_DROP && (rule_monitors || walk->monitor);

	if (!read_only)
		account_rule(rule->counter, walk->bytes, would_drop);
	if (rule_monitors)
		return false;
	if (rule->action == SYNFW_ACTION_SCORE) {
		__u32 score = walk->decision.score + rule->score;

		/* saturates: a sum that wrapped would call the worst packet harmless */
		walk->decision.score = score < rule->score ? ~0U : score;
		return false;
	}
	walk->decision.verdict = rule->action == SYNFW_ACTION_DROP ? SYNFW_DROP : SYNFW_ALLOW;
	walk->decision.bit = bit;
	walk->decision.reason =
		rule->flags & SYNFW_RULE_SHAPE_REASON ? walk->shape_reason : rule->reason;
	return true;
}

/* One word or one rule. 1 ends the walk. */
__noinline int walk_step(struct walk *walk)
{
	struct synfw_line *line;
	void *lines;
	__u32 bit;

	if (!walk)
		return 1;
	lines = generation_lines(walk->generation);
	if (!lines)
		return 1;
	if (!walk->bits) {
		if (!walk_next_word(lines, walk))
			return 1;
		if (!walk->bits)
			return 0;
	}
	bit = walk->first_bit + lowest_bit(walk->bits);
	walk->bits &= walk->bits - 1;
	line = line_at(lines, walk->rule_base + bit / SYNFW_RULES_PER_LINE);
	if (!line)
		return 1;
	if (read_only)
		walk->decision.steps++;
	return rule_decides(walk, (struct synfw_rule *)line + bit % SYNFW_RULES_PER_LINE, bit);
}

static long walk_callback(__u64 index, struct walk *walk)
{
	int ended = walk_step(walk);

	/* clang 19 sees that walk_step returns 0 or 1 and drops a test that the verifier, which
	 * checks walk_step apart, wants to see */
	barrier_var(ended);
	return ended ? 1 : 0;
}

/* Address -> class. `indexes` are the SYNFW_INDEX_* of this direction, `key` picks its maps. */
static __always_inline __u32 address_class(__u8 indexes, __u32 key, __u8 family, struct address *addr)
{
	__u32 *class_id = NULL;
	void *index;

	if (family == 4) {
		if (indexes & SYNFW_INDEX_EXACT4 && (index = bpf_map_lookup_elem(&synfw_exact4, &key)))
			class_id = bpf_map_lookup_elem(index, &addr->v4_be);
		if (!class_id && indexes & SYNFW_INDEX_LPM4 &&
		    (index = bpf_map_lookup_elem(&synfw_lpm4, &key)))
			class_id = bpf_map_lookup_elem(index, addr);
	} else {
		if (indexes & SYNFW_INDEX_EXACT6 && (index = bpf_map_lookup_elem(&synfw_exact6, &key)))
			class_id = bpf_map_lookup_elem(index, &addr->v6);
		if (!class_id && indexes & SYNFW_INDEX_LPM6 &&
		    (index = bpf_map_lookup_elem(&synfw_lpm6, &key)))
			class_id = bpf_map_lookup_elem(index, addr);
	}
	return class_id ? *class_id : 0;
}

/* (protocol, port or type) -> class. */
static __always_inline __u32 l4_class(void *lines, const __u32 *regions, struct packet *pkt, __u32 index)
{
	__u32 base = 0;

	/* compared one by one: a computed index into the line would need a bounds check each */
	if (pkt->region == SYNFW_L4_TCP)
		base = regions[SYNFW_L4_TCP];
	else if (pkt->region == SYNFW_L4_UDP)
		base = regions[SYNFW_L4_UDP];
	else if (pkt->region == SYNFW_L4_ICMP)
		base = regions[SYNFW_L4_ICMP];
	else if (pkt->region == SYNFW_L4_ICMPV6)
		base = regions[SYNFW_L4_ICMPV6];
	else if (pkt->region == SYNFW_L4_SCTP)
		base = regions[SYNFW_L4_SCTP];
	if (!base) {
		base = regions[SYNFW_L4_PROTO];
		index = pkt->protocol;
	}
	return id_at(lines, base, index);
}

static __always_inline __u32 attr_class(void *lines, const struct synfw_header *header,
					const struct synfw_class_tables *tables, struct packet *pkt)
{
	__u32 index = SYNFW_ATTR_SHAPE + pkt->shape;

	if (header->flag_rules && pkt->region == SYNFW_L4_TCP && pkt->shape == SYNFW_SHAPE_NORMAL)
		index = pkt->tcp_flags;
	else if (pkt->shape == SYNFW_SHAPE_NORMAL)
		return 0; /* class 0: policyc numbers normal packets first */
	return id_at(lines, tables->attr, index);
}

static __always_inline __u32 ifvlan_class(void *lines, const struct synfw_class_tables *tables,
					  __u32 slot, struct packet *pkt)
{
	__u32 base = tables->ifvlan + slot * tables->ifvlan_lines;

	return tables->ifvlan_lines ? id_at(lines, base, pkt->vlan) : id_at(lines, base, slot);
}

static __always_inline struct synfw_line *record_at(void *lines, struct walk *walk,
						    const struct synfw_header *header, __u32 field,
						    __u32 class_id)
{
	walk->record[field] = header->record_base[field] + class_id * (1 + header->ref_lines);
	return line_at(lines, walk->record[field]);
}

/* ANDs the aggregate of one class into the candidates. Words beyond nr_agg are 0 in every record;
 * the two ways instead of a loop to nr_agg keep the verifier's states few. */
static __always_inline void walk_restrict(void *lines, struct walk *walk,
					  const struct synfw_header *header, __u32 field,
					  __u32 class_id)
{
	struct synfw_line *record = record_at(lines, walk, header, field, class_id);
	int i;

	if (!record)
		return;
	walk->candidates[0] &= record->word[0];
	if (header->nr_agg == 1)
		return;
#pragma unroll
	for (i = 1; i < AGG_WORDS; i++)
		walk->candidates[i] &= record->word[i];
}

/*
 * Judges a packet with addresses. walk->decision holds what becomes of it when no rule decides,
 * which is also where a missing table ends. `slot` is the interface's.
 */
static __always_inline void classify(void *lines, const struct synfw_header *header, __u32 slot,
				     struct packet *pkt, struct walk *walk)
{
	const struct synfw_class_tables *tables = (const void *)line_at(lines, 1);
	__u32 src_key = walk->generation * SYNFW_NR_DIRS + SYNFW_DIR_SRC;
	__u32 dst_key = walk->generation * SYNFW_NR_DIRS + SYNFW_DIR_DST;
	struct synfw_line *record;
	int i;

	if (!tables)
		return;
	walk->rule_base = header->rule_base;
	walk->bytes = pkt->bytes;
	walk->fields = header->fields | 1 << SYNFW_FIELD_ATTR;
	walk->ref_lines = header->ref_lines;
	walk->shape_reason = pkt->reason;
	walk->monitor = header->monitor;
	record = record_at(lines, walk, header, SYNFW_FIELD_ATTR,
			   attr_class(lines, header, tables, pkt));
	if (!record)
		return;
#pragma unroll
	for (i = 0; i < AGG_WORDS; i++)
		walk->candidates[i] = record->word[i];

	if (header->fields & 1 << SYNFW_FIELD_L4DST)
		walk_restrict(lines, walk, header, SYNFW_FIELD_L4DST,
			      l4_class(lines, tables->l4dst, pkt, pkt->l4_dst));
	if (header->fields & 1 << SYNFW_FIELD_L4SRC)
		walk_restrict(lines, walk, header, SYNFW_FIELD_L4SRC,
			      l4_class(lines, tables->l4src, pkt, pkt->l4_src));
	if (header->fields & 1 << SYNFW_FIELD_SRC)
		walk_restrict(lines, walk, header, SYNFW_FIELD_SRC,
			      address_class(header->indexes, src_key, pkt->family, &pkt->src));
	if (header->fields & 1 << SYNFW_FIELD_DST)
		walk_restrict(lines, walk, header, SYNFW_FIELD_DST,
			      address_class(header->indexes >> 4, dst_key, pkt->family, &pkt->dst));
	if (header->fields & 1 << SYNFW_FIELD_IFVLAN)
		walk_restrict(lines, walk, header, SYNFW_FIELD_IFVLAN,
			      ifvlan_class(lines, tables, slot, pkt));

	/* Most walks end with their first rule; the loop is only for those that do not. */
	if (!walk_step(walk))
		bpf_loop(WALK_MAX_STEPS, walk_callback, walk, 0);
}

#endif
