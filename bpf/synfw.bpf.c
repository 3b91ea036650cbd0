/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path: parse, classify, count. Bad packets end in a reason of their own; XDP_ABORTED
 * is never returned. Without a policy every packet passes: a host that lost its policy must stay
 * reachable.
 */
#include "packets/account.bpf.h"
#include "packets/block.bpf.h"
#include "packets/classify.bpf.h"
#include "packets/effect.bpf.h"
#include "packets/established.bpf.h"
#include "packets/event.bpf.h"
#include "packets/maps.bpf.h"
#include "packets/newcomer.bpf.h"
#include "packets/packet.bpf.h"
#include "packets/peer.bpf.h"
#include "packets/source.bpf.h"
#include "packets/trace.bpf.h"
#include "packets/walk.bpf.h"

/* the definition of walk.bpf.h's */
const volatile bool read_only = false;

const __u8 shape_reasons[8] = {
	[SYNFW_SHAPE_FRAGMENT] = SYNFW_REASON_FRAGMENT,
	[SYNFW_SHAPE_TRUNCATED] = SYNFW_REASON_TRUNCATED,
	[SYNFW_SHAPE_BAD_HEADER] = SYNFW_REASON_BAD_HEADER,
	[SYNFW_SHAPE_BAD_FLAGS] = SYNFW_REASON_BAD_FLAGS,
	[SYNFW_SHAPE_TOO_MANY_HEADERS] = SYNFW_REASON_TOO_MANY_HEADERS,
};

/* What the source has, and would have with this packet. */
static __always_inline void trace_store_score(const struct walk *walk, struct synfw_trace *trace)
{
	const struct scratch *scratch = scratch_at_hand();

	trace->score_before = 0;
	trace->score_after = 0;
	__builtin_memset(trace->part, 0, sizeof(trace->part));
	if (!scratch || !(walk->noted & NOTED_SCRATCH))
		return;
	trace->score_before = scratch->score_before / SYNFW_SCORE_UNIT;
	trace->score_after = scratch->score_after / SYNFW_SCORE_UNIT;
	__builtin_memcpy(trace->part, scratch->part, sizeof(trace->part));
}

static __always_inline void trace_store(const struct walk *walk)
{
	__u32 key = 0;
	struct synfw_trace *trace = bpf_map_lookup_elem(&synfw_trace, &key);

	if (!trace)
		return;
	trace->score = walk->decision.score;
	trace->bit = walk->decision.bit;
	trace->verdict = walk->decision.verdict;
	trace->reason = walk->decision.reason;
	trace->monitor = walk->monitor;
	trace->established = walk->pkt.established;
	trace_store_score(walk, trace);
}

static __always_inline __u32 packet_slot(struct xdp_md *ctx)
{
	__u32 key = 0;
	struct synfw_trace *trace;

	if (!read_only)
		return interface_slot(ctx->ingress_ifindex);
	trace = bpf_map_lookup_elem(&synfw_trace, &key);
	return trace ? trace->slot_in % (SYNFW_MAX_INTERFACES + 1) : 0;
}

/* Frames whose addresses cannot be read, or that have none. No rule sees them. */
static __always_inline void decide_unaddressed(const struct synfw_header *header,
					       const struct packet *pkt, struct decision *decision)
{
	decision->reason = pkt->reason;
	if (pkt->reason == SYNFW_REASON_ARP)
		decision->verdict = SYNFW_ALLOW;
	else if (pkt->reason == SYNFW_REASON_ETHERTYPE)
		decision->verdict = header->ethertypes;
	else
		decision->verdict = header->malformed;
}

static __always_inline int finish(__u32 slot, const struct walk *walk)
{
	bool dropped = walk->decision.verdict == SYNFW_DROP && !walk->monitor;

	if (read_only)
		trace_store(walk);
	else
		account_packet(slot, walk->decision.reason, walk->pkt.bytes, dropped);
	return dropped ? XDP_DROP : XDP_PASS;
}

/* One event a packet: that of the first rule that logs, else that it is dropped. */
static __always_inline void tell(struct xdp_md *ctx, const struct image *image, struct walk *walk)
{
	__u32 kind = SYNFW_EVENT_DROP, counter = walk->decision.counter;
	const struct scratch *scratch;
	struct synfw_runtime *runtime;

	if (read_only)
		return;
	if (walk->noted & NOTED_LOG) {
		scratch = scratch_at_hand();
		kind = SYNFW_EVENT_RULE;
		counter = scratch ? scratch->log_counter : 0;
	} else if (walk->decision.verdict != SYNFW_DROP || !logging_wants(image, kind)) {
		return;
	}
	runtime = runtime_at_hand();
	if (runtime &&
	    event_limit_is_exhausted(runtime, SYNFW_EVENTS_OF_PACKETS, image_logging(image), walk))
		tally(SYNFW_TALLY_EVENTS_LIMITED);
	else
		event_tell(ctx, walk, kind, counter);
}

/* Is it over with the packet before any rule is asked? */
static __always_inline bool ends_blocked(struct xdp_md *ctx, const struct image *image,
					 struct walk *walk)
{
	__u32 blocked;

	if (!source_is_suspected(image, walk))
		return false;
	blocked = source_is_blocked(walk);
	if (!blocked)
		return peers_are_marked() && peer_take(ctx, walk);
	if (source_is_spared(walk))
		return false;
	walk->decision.verdict = SYNFW_DROP;
	walk->decision.reason = SYNFW_REASON_BLOCKED;
	walk->decision.counter = blocked - 1;
	return true;
}

/* Where rules judge by state, classify() takes pkt.established into account. */
static __always_inline bool ends_established(struct xdp_md *ctx, const struct synfw_header *header,
					     struct walk *walk)
{
	if (header->established == SYNFW_ESTABLISHED_IGNORE)
		return false;
	walk->pkt.established = packet_established(ctx, &walk->pkt);
	if (!walk->pkt.established || header->established != SYNFW_ESTABLISHED_ALLOW)
		return false;
	walk->decision.verdict = SYNFW_ALLOW;
	walk->decision.reason = SYNFW_REASON_ESTABLISHED;
	return true;
}

static __always_inline void judge(struct xdp_md *ctx, struct image *image, __u32 slot,
				  struct walk *walk)
{
	const struct synfw_header *header = image_header(image);
	struct decision *decision = &walk->decision;

	if (!walk->pkt.family) {
		decide_unaddressed(header, &walk->pkt, decision);
		return;
	}
	if (ends_blocked(ctx, image, walk))
		return;
	if (ends_established(ctx, header, walk))
		return;
	walk->pkt.reason = shape_reasons[walk->pkt.shape % sizeof(shape_reasons)];
	decision->verdict = header->incoming;
	decision->reason = header->incoming == SYNFW_DROP ? SYNFW_REASON_DEFAULT_DROP
							  : SYNFW_REASON_DEFAULT_ALLOW;
	classify(image, header, slot, walk);
	if (effects_are_noted(image, walk) && !source_is_spared(walk))
		effects_apply(ctx, walk, image);
	if (walk->noted & NOTED_NEWCOMER)
		newcomer_settle(walk);
}

SEC("xdp.frags")
int synfw_xdp(struct xdp_md *ctx)
{
	struct walk *walk = walk_begin();
	const struct synfw_control *control;
	struct image image;
	__u32 zero = 0, slot;

	if (!walk)
		return XDP_PASS;
	packet_parse(ctx, &walk->pkt);
	slot = packet_slot(ctx);
	control = bpf_map_lookup_elem(&synfw_control, &zero);
	if (!control)
		return finish(slot, walk);
	/* read once: the packet sees all of one generation */
	walk->generation = *(const volatile __u32 *)&control->active % SYNFW_NR_GENERATION_SLOTS;
	if (!image_open(&image, walk->generation))
		return finish(slot, walk);
	walk->monitor = image_header(&image)->monitor;
	if (read_only && walk->pkt.family)
		trace_source(&image, walk);
	judge(ctx, &image, slot, walk);
	tell(ctx, &image, walk);
	return finish(slot, walk);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
