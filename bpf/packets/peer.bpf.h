/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PEER_BPF_H
#define SYNFW_PEER_BPF_H

/* Peers of processes: what rules on processes ask for is done by the next packet of the source
 * that they marked, see <synfw/peer.h>. Asked only of sources that are suspected, and not
 * blocked. */
#include "effect.bpf.h"

/* The points, as if this packet had matched the rule. Those of rules that it matches begin anew. */
static __always_inline void peer_score(struct xdp_md *ctx, struct walk *walk,
				       const struct image *image, struct scratch *scratch,
				       __u32 points, __u32 counter)
{
	parts_add(scratch->part, part_word(counter, 1, points));
	scratch->score_counter = counter;
	walk->decision.score = points;
	/* what an event tells; a packet that goes on gets its own */
	walk->decision.reason = SYNFW_REASON_SCORE;
	score_source(ctx, walk, image, scratch);
	walk->decision.score = 0;
}

/* Blocks the source until then, 0: without an end. 0: there was no room. */
static __always_inline int peer_block(struct xdp_md *ctx, struct walk *walk,
				      const struct image *image, struct scratch *scratch,
				      __u64 until_ns, __u32 counter)
{
	walk->decision.verdict = SYNFW_DROP;
	walk->decision.reason = SYNFW_REASON_BLOCKED;
	walk->decision.counter = counter;
	if (read_only)
		return 1;
	if (!block_source(walk, until_ns ? until_ns - walk_now(walk) : BLOCK_FOREVER,
			  SYNFW_BLOCK_PEER, counter))
		return 0;
	blocked_tell(ctx, walk, image, counter);
	return 1;
}

/* Without a rule that has `peers` nobody pays for a look. */
static __always_inline bool peers_are_marked(void)
{
	const struct synfw_runtime *runtime = runtime_at_hand();

	return runtime && *(const volatile __u64 *)&runtime->peers_marked;
}

/* What is pending in the mark; nobody else gets it. What a policy that only monitors has marked
 * is left. */
static __always_inline __u32 peer_pending(struct synfw_peer *peer, const struct walk *walk)
{
	__u32 pending = *(const volatile __u32 *)&peer->pending;

	if (!pending || (peer->flags & SYNFW_PEER_MONITOR && !walk->monitor))
		return 0;
	return read_only ? pending : __sync_lock_test_and_set(&peer->pending, 0);
}

/* Holds against the source what its mark asks for. 1: it is over with the packet. */
__noinline int peer_take(struct xdp_md *ctx, struct walk *walk)
{
	struct synfw_peer *peer;
	struct scratch *scratch;
	struct source source;
	struct image image;
	__u64 until_ns;
	__u32 pending;

	if (!ctx || !walk || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	source_of(&source, &image, &walk->pkt);
	peer = bpf_map_lookup_elem(&synfw_peers, &source);
	/* another address of the source may not be spared, so the mark stays */
	if (!peer || !peer->pending || source_is_spared(walk))
		return 0;
	scratch = scratch_of(walk, &image);
	pending = scratch ? peer_pending(peer, walk) : 0;
	if (!pending)
		return 0;
	if (pending & SYNFW_PEER_POINTS)
		peer_score(ctx, walk, &image, scratch, peer->points, peer->counter);
	until_ns = peer->until_boot_ns;
	if (pending & SYNFW_PEER_BLOCK && (!until_ns || until_ns > walk_now(walk))) {
		scratch->block_pid = peer->pid;
		/* without room the next packet is dropped, too */
		if (!peer_block(ctx, walk, &image, scratch, until_ns, peer->counter))
			__sync_fetch_and_or(&peer->pending, SYNFW_PEER_BLOCK);
	}
	if (walk->decision.verdict == SYNFW_DROP)
		return 1;
	walk->noted &= ~NOTED_SCRATCH;
	return 0;
}

#endif
