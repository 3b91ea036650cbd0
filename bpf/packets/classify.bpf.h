/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_CLASSIFY_BPF_H
#define SYNFW_CLASSIFY_BPF_H

/*
 * Field classes and aggregated bit vectors (Lakshman and Stiliadis 1998; Baboescu and Varghese
 * 2001): every field of the packet is mapped to a class, every class has one bit a rule, the AND
 * over the fields leaves the rules that match, lowest bit first.
 */
#include "account.bpf.h"
#include "address.bpf.h"
#include "dynamic.bpf.h"
#include "effect.bpf.h"
#include "entry.bpf.h"
#include "image.bpf.h"
#include "limit.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"
#include "walk.bpf.h"

#define WORDS_PER_CHUNK 8

/* Each step of a walk consumes a word or a bit of a vector, so it cannot take more. */
#define WALK_MAX_STEPS (SYNFW_MAX_BITS + SYNFW_MAX_BITS / 64)

/* AND of word `number` over the fields that its group constrains; in the others the aggregate has
 * said all there is to say. A line that is not there reads as no rule. */
static __always_inline __u64 vectors_and(struct image *image, struct walk *walk, __u32 number,
					 __u32 fields)
{
	__u32 chunk = number / WORDS_PER_CHUNK;
	__u64 bits = ~0ULL;
	int field;

#pragma unroll
	for (field = 0; field < SYNFW_NR_FIELDS; field++) {
		struct synfw_line *line;
		__u32 ref;

		if (!(fields & (1 << field)))
			continue;
		ref = id_at(image, walk->record[field], walk->refs_at + chunk);
		if (!ref)
			continue;
		line = line_at(image, ref);
		if (!line)
			return 0;
		bits &= line->word[number % WORDS_PER_CHUNK];
	}
	return bits;
}

/* Drops the candidate words from the one in hand up to `end`: the rest of a group whose first match
 * is found. What lies before the one in hand has been taken. */
static __always_inline void walk_skip(struct walk *walk, __u32 number, __u32 end)
{
	__u32 i, first = number / 64 % AGG_WORDS;

	if (end / 64 == number / 64) {
		walk->candidates[first] &= ~0ULL << (end & 63);
		return;
	}
#pragma unroll
	for (i = 0; i < AGG_WORDS; i++) {
		if (end >= (i + 1) * 64)
			walk->candidates[i] = 0;
		else if (end > i * 64)
			walk->candidates[i] &= ~0ULL << (end & 63);
	}
}

/* Two levels: takes the candidate word `number` in hand. */
static __always_inline void walk_take_word(struct image *image, struct walk *walk, __u32 number)
{
	__u32 group = id_at(image, image_tables(image)->group_base, number);

	walk->bits = vectors_and(image, walk, number, group & 0xff);
	if (walk->bits && number < image_tables(image)->counting_word) {
		walk->bits &= -walk->bits;
		walk_skip(walk, number, group >> 8);
	}
}

/* Takes the next word of candidates: with one level it is in hand then, with two its number is in
 * walk->word. 0 when none is left. Neither inlined nor static: what follows
 * is then proved for any walk at once, not for every way that leads here. */
__noinline int walk_pick(struct walk *walk)
{
	__u64 candidates = 0;
	__u32 number;

	if (!walk)
		return 0;
#pragma unroll
	for (number = 0; number < AGG_WORDS; number++) {
		candidates = walk->candidates[number];
		if (candidates)
			break;
	}
	if (!candidates)
		return 0;
	if (!walk->refs_at) {
		walk->bits = candidates;
		walk->word = number;
		walk->candidates[number % AGG_WORDS] = 0;
		return 1;
	}
	walk->candidates[number % AGG_WORDS] = candidates & (candidates - 1);
	walk->word = number * 64 + lowest_bit(candidates);
	return 1;
}

/* A rule that ends the walk, unless one before it does. */
static __always_inline void rule_decides(struct walk *walk, const struct synfw_rule *rule,
					 __u32 bit)
{
	if (rule->order >= walk->best_order)
		return;
	walk->best_order = rule->order;
	walk->decision.bit = bit;
	walk->decision.verdict = rule->action == SYNFW_ACTION_DROP ? SYNFW_DROP : SYNFW_ALLOW;
	walk->decision.reason =
		rule->flags & SYNFW_RULE_SHAPE_REASON ? walk->pkt.reason : rule->reason;
}

/* A rule that only scores or counts, when nothing before it decided. */
static __always_inline void rule_counts(struct walk *walk, const struct synfw_rule *rule)
{
	__u32 score = walk->decision.score + rule->score;

	if (!read_only)
		account_rule(rule->counter, walk->pkt.bytes, rule->action == SYNFW_ACTION_DROP);
	if (rule->flags & SYNFW_RULE_MONITOR)
		return;
	rule_note(walk, rule->counter, rule->score, rule->effect);
	/* saturates: a sum that wrapped would call the worst packet harmless */
	walk->decision.score = score < rule->score ? ~0U : score;
}

static __always_inline bool walk_has_more(const struct walk *walk)
{
	__u64 left = walk->bits;
	int i;

#pragma unroll
	for (i = 0; i < AGG_WORDS; i++)
		left |= walk->candidates[i];
	return left;
}

static __always_inline const struct synfw_rule *rule_at(struct image *image, __u32 bit)
{
	struct synfw_line *line =
		line_at(image, image_header(image)->rule_base + bit / SYNFW_RULES_PER_LINE);

	return line ? (struct synfw_rule *)line + bit % SYNFW_RULES_PER_LINE : NULL;
}

/* Takes the lowest bit of the word in hand. 1 ends the walk. */
static __always_inline int walk_take_bit(struct image *image, struct walk *walk)
{
	__u32 bit = walk->word * 64 + lowest_bit(walk->bits);
	const struct synfw_rule *rule = rule_at(image, bit);
	bool counts, ordered;

	walk->bits &= walk->bits - 1;
	if (!rule)
		return 1;
	counts = rule->flags & SYNFW_RULE_MONITOR || rule->action == SYNFW_ACTION_SCORE;
	ordered = !walk->refs_at || walk->word >= image_tables(image)->counting_word;
	/* two levels: what decides has been found; of the rest what comes after it does not
	 * count */
	if (ordered && rule->order > walk->best_order)
		return 1;
	if (rule->effect && ordered && !limit_lets_match(image, walk, rule->effect, rule->counter))
		return !walk_has_more(walk);
	if (counts) {
		rule_counts(walk, rule);
		return !walk_has_more(walk);
	}
	rule_decides(walk, rule, bit);
	/* in the order of the rules this is the first match */
	return ordered || !walk_has_more(walk);
}

/* One word or one rule. 1 ends the walk. */
static __always_inline int walk_advance(struct image *image, struct walk *walk)
{
	if (!walk->bits) {
		if (!walk_pick(walk))
			return 1;
		if (walk->refs_at)
			walk_take_word(image, walk, walk->word);
	}
	return walk->bits ? walk_take_bit(image, walk) : !walk_has_more(walk);
}

/* The same for the loop, proved by the verifier on its own. */
__noinline int walk_step(struct walk *walk)
{
	struct image image;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 1;
	return walk_advance(&image, walk);
}

static long walk_callback(__u64 index, struct walk **walk)
{
	int ended = walk_step(*walk);

	/* clang 19 sees that walk_step returns 0 or 1 and drops a test that the verifier, which
	 * checks walk_step apart, wants to see */
	barrier_var(ended);
	return ended ? 1 : 0;
}

/* (protocol, port or type) -> class. */
static __always_inline __u32 l4_class(struct image *image, const __u32 *regions,
				      const struct packet *pkt, __u32 index)
{
	/* 6 and 7 never occur; they would still read within the line */
	__u32 base = regions[pkt->region % 8];

	if (!base) {
		base = regions[SYNFW_L4_PROTO];
		index = pkt->protocol;
	}
	return id_at(image, base, index);
}

static __always_inline __u32 attr_class(struct image *image, const struct synfw_header *header,
					const struct synfw_class_tables *tables,
					const struct packet *pkt)
{
	__u32 index = SYNFW_ATTR_SHAPE + pkt->shape;

	if (header->flag_rules && pkt->region == SYNFW_L4_TCP && pkt->shape == SYNFW_SHAPE_NORMAL)
		index = pkt->tcp_flags;
	else if (pkt->shape == SYNFW_SHAPE_NORMAL && !pkt->established)
		return 0; /* class 0: policyc numbers normal packets first */
	if (pkt->established)
		index += SYNFW_ATTR_ESTABLISHED;
	return id_at(image, tables->attr, index);
}

static __always_inline __u32 ifvlan_class(struct image *image,
					  const struct synfw_class_tables *tables, __u32 slot,
					  const struct packet *pkt)
{
	__u32 base = tables->ifvlan + slot * tables->ifvlan_lines;

	return id_at(image, base, tables->ifvlan_lines ? pkt->vlan : slot);
}

static __always_inline struct synfw_line *record_at(struct image *image, struct walk *walk,
						    const struct synfw_header *header, __u32 field,
						    __u32 class_id)
{
	__u32 base = field == SYNFW_FIELD_DYNAMIC ? dynamic_line(image)->record_base
						  : header->record_base[field];

	walk->record[field] = base + class_id * header->record_lines;
	return line_at(image, walk->record[field]);
}

/* Takes the aggregate of one class: the first as it is, the others ANDed. The words that aggregates
 * do not have stay 0. Three ways instead of a loop to nr_agg keep the verifier's states few. */
static __always_inline void walk_and(struct walk *walk, const struct synfw_header *header,
				     const struct synfw_line *record, bool first)
{
	int i;

	walk->candidates[0] = first ? record->word[0] : walk->candidates[0] & record->word[0];
	if (header->nr_agg == 1)
		return;
#pragma unroll
	for (i = 1; i < AGG_WORDS / 2; i++)
		walk->candidates[i] =
			first ? record->word[i] : walk->candidates[i] & record->word[i];
	if (header->nr_agg == AGG_WORDS / 2)
		return;
#pragma unroll
	for (i = AGG_WORDS / 2; i < AGG_WORDS; i++)
		walk->candidates[i] =
			first ? record->word[i] : walk->candidates[i] & record->word[i];
}

/* False when the record is not there. */
static __always_inline bool walk_restrict(struct image *image, struct walk *walk,
					  const struct synfw_header *header, __u32 field,
					  __u32 class_id)
{
	struct synfw_line *record = record_at(image, walk, header, field, class_id);

	if (!record)
		return false;
	walk_and(walk, header, record, field == SYNFW_FIELD_ATTR);
	return true;
}

/* See SYNFW_LINE_REMEMBERS. */
static __always_inline void entry_expect_if_likely(struct image *image, struct walk *walk)
{
	const struct synfw_line *remembers = image->page0 + SYNFW_LINE_REMEMBERS;
	__u64 left = walk->candidates[0] & remembers->word[0];
	struct scratch *scratch;
	int i;

	if (image_header(image)->nr_agg > 1)
#pragma unroll
		for (i = 1; i < AGG_WORDS; i++)
			left |= walk->candidates[i] & remembers->word[i];
	if (!left)
		return;
	scratch = scratch_of(walk, image);
	if (scratch)
		entry_expect(scratch);
}

/* The other fields, those that some rule constrains, one after the other. */
static __always_inline bool walk_restrict_all(struct image *image, struct walk *walk,
					      const struct synfw_header *header,
					      const struct synfw_class_tables *tables, __u32 slot)
{
	const struct packet *pkt = &walk->pkt;
	__u8 fields = header->fields;

	if (fields & 1 << SYNFW_FIELD_L4DST &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_L4DST,
			   l4_class(image, tables->l4dst, pkt, pkt->l4_dst)))
		return false;
	if (fields & 1 << SYNFW_FIELD_L4SRC &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_L4SRC,
			   l4_class(image, tables->l4src, pkt, pkt->l4_src)))
		return false;
	entry_expect_if_likely(image, walk);
	/* first, as its lines are the farthest away */
	if (fields & 1 << SYNFW_FIELD_SRC &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_SRC, source_class(image, walk)))
		return false;
	if (fields & 1 << SYNFW_FIELD_DYNAMIC &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_DYNAMIC, dynamic_class(image, walk)))
		return false;
	if (fields & 1 << SYNFW_FIELD_DST &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_DST,
			   address_class(image, tables, walk->generation, SYNFW_DIR_DST,
					 pkt->family, &pkt->dst)))
		return false;
	if (fields & 1 << SYNFW_FIELD_IFVLAN &&
	    !walk_restrict(image, walk, header, SYNFW_FIELD_IFVLAN,
			   ifvlan_class(image, tables, slot, pkt)))
		return false;
	return true;
}

/* Counts the deciding rule, once it is certain which that is, and notes its effect. */
static __always_inline void account_decision(struct image *image, struct walk *walk)
{
	const struct synfw_rule *rule;

	if (walk->decision.bit == SYNFW_NO_BIT)
		return;
	rule = rule_at(image, walk->decision.bit);
	if (!rule)
		return;
	walk->decision.counter = rule->counter;
	if (!read_only)
		account_rule(rule->counter, walk->pkt.bytes,
			     walk->monitor && rule->action == SYNFW_ACTION_DROP);
	if (rule->effect)
		rule_note(walk, rule->counter, 0, rule->effect);
}

/*
 * Judges a packet with addresses. walk->decision holds what becomes of it when no rule decides,
 * which is also where a missing line ends. `slot` is the interface's.
 */
static __always_inline void classify(struct image *image, const struct synfw_header *header,
				     __u32 slot, struct walk *walk)
{
	const struct synfw_class_tables *tables = (const void *)(image->page0 + 1);

	walk->best_order = NO_ORDER;
	walk->word = 0;
	walk->bits = 0;
	if (header->nr_agg < AGG_WORDS)
		__builtin_memset(walk->candidates, 0, sizeof(walk->candidates));
	walk->refs_at = header->refs_at;
	/* ends in the default; ignoring the field would make rules match more */
	if (!walk_restrict(image, walk, header, SYNFW_FIELD_ATTR,
			   attr_class(image, header, tables, &walk->pkt)) ||
	    !walk_restrict_all(image, walk, header, tables, slot))
		return;

	/* With one level the first word is in hand already. Most walks end with their first
	 * step, which is inlined and has page 0 at hand; the loop is for those that do not end
	 * with their fourth. */
	if (!walk->refs_at) {
		walk->bits = walk->candidates[0];
		walk->candidates[0] = 0;
	}
	if (!walk_has_more(walk))
		return;
	if (!walk_advance(image, walk) && !walk_step(walk) && !walk_step(walk) && !walk_step(walk))
		bpf_loop(WALK_MAX_STEPS, walk_callback, &walk, 0);
	account_decision(image, walk);
}

#endif
