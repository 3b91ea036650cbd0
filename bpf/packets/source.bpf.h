/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_SOURCE_BPF_H
#define SYNFW_SOURCE_BPF_H

/* Who sent a packet, and whether anything may be held against them. */
#include "address.bpf.h"
#include "common/filter.bpf.h"
#include "dynamic.bpf.h"
#include "image.bpf.h"
#include "runtime.bpf.h"
#include "walk.bpf.h"

/* The source of a packet: of an IPv6 address only the first bits, as the policy says. */
static __always_inline void source_of(struct source *source, const struct image *image,
				      const struct packet *pkt)
{
	__u32 bits;

	address_key(source, pkt->family, &pkt->src);
	if (pkt->family != 6)
		return;
	bits = image_scoring(image)->ipv6_prefixlen;
	if (bits <= 64) {
		source->half_be[1] = 0;
		bits += 64;
	} else {
		source->half_be[1] &= bpf_cpu_to_be64(~0ULL << ((128 - bits) & 63));
		return;
	}
	source->half_be[0] &= bpf_cpu_to_be64(~0ULL << ((128 - bits) & 63));
}

/* The class of the source address, looked up once a packet. */
static __always_inline __u32 source_class(struct image *image, struct walk *walk)
{
	if (!walk->source_class)
		walk->source_class =
			1 + address_class(image, image_tables(image), walk->generation,
					  SYNFW_DIR_SRC, walk->pkt.family, &walk->pkt.src);
	return walk->source_class - 1;
}

/* Is the address in `from` of some entry of `protect`? */
static __always_inline bool source_is_protected(struct image *image, struct walk *walk)
{
	const struct synfw_header *header = image_header(image);
	__u32 pairs = dynamic_line(image)->protect_pairs;

	if (header->source_flags &&
	    id_at(image, header->source_flags, source_class(image, walk)) & SYNFW_SOURCE_PROTECTED)
		return true;
	return pairs && dynamic_pairs(walk) & pairs;
}

static __always_inline bool source_is_exempt(struct walk *walk)
{
	const struct synfw_runtime *runtime = runtime_at_hand();
	struct source whole;

	if (!runtime || !filter_has(&synfw_exempt_filter, SYNFW_EXEMPT_FILTER_WORDS,
				    walk_src_hash(walk, runtime)))
		return false;
	address_key(&whole, walk->pkt.family, &walk->pkt.src);
	return bpf_map_lookup_elem(&synfw_exempt, &whole);
}

/* 1: nothing may be held against the source of this packet, however it looks: it is protected, or
 * exempt. An address of a blocked /64 may be, so it is the whole address that is asked for. */
__noinline int source_is_spared(struct walk *walk)
{
	struct image image;

	if (!walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 1;
	/* asked about a block, and again about a score: one packet */
	if (walk->noted & NOTED_SPARED)
		return 1;
	if (!source_is_exempt(walk) && !source_is_protected(&image, walk))
		return 0;
	walk->noted |= NOTED_SPARED;
	tally(SYNFW_TALLY_BLOCKS_EXEMPT);
	return 1;
}

/* synfw_source_hash() of what source_of() says. */
static __always_inline __u64 source_hash(struct walk *walk, const struct synfw_runtime *runtime,
					 const struct source *source)
{
	return walk->pkt.family == 6 ? synfw_source_hash(source->word_be, runtime->seed)
				     : walk_src_hash(walk, runtime);
}

/* The scratch area, made this packet's when it is not yet. */
static __always_inline struct scratch *scratch_of(struct walk *walk, const struct image *image)
{
	struct scratch *scratch = scratch_at_hand();
	struct synfw_runtime *runtime;

	if (!scratch || walk->noted & NOTED_SCRATCH)
		return scratch;
	runtime = runtime_at_hand();
	if (!runtime)
		return NULL;
	source_of(&scratch->source, image, &walk->pkt);
	scratch->source_hash = source_hash(walk, runtime, &scratch->source);
	scratch->block_ns = 0;
	scratch->block_counter = 0;
	scratch->log_counter = 0;
	scratch->score_counter = 0;
	scratch->adds_to = 0;
	scratch->score_before = 0;
	scratch->score_after = 0;
	__builtin_memset(scratch->part, 0, sizeof(scratch->part));
	__builtin_memset(scratch->sum, 0, sizeof(scratch->sum));
	walk->noted |= NOTED_SCRATCH;
	return scratch;
}

#endif
