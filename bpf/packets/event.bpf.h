/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_EVENT_BPF_H
#define SYNFW_EVENT_BPF_H

/*
 * Events, told through a ring buffer. What may be told is decided here and cheaply: under a flood
 * that is dropped almost nothing is, and nothing must be paid for that.
 */
#include "packet.bpf.h"
#include "rate.bpf.h"
#include "runtime.bpf.h"
#include "source.bpf.h"
#include "walk.bpf.h"

#define EVENT_LIMIT_TRIES 4

static __always_inline __u32 event_bucket(__u32 kind)
{
	return kind == SYNFW_EVENT_BLOCK || kind == SYNFW_EVENT_FLAG ? SYNFW_EVENTS_OF_SOURCES
								     : SYNFW_EVENTS_OF_PACKETS;
}

static __always_inline struct schedule event_schedule(const struct synfw_logging *logging,
						      __u64 now_ns)
{
	return (struct schedule){
		.interval_ns = logging->limit_interval_ns,
		.tolerance_ns = logging->limit_tolerance_ns,
		.now_ns = now_ns,
	};
}

/* Is the limit exhausted? Asked of a packet that is dropped or logged before anything is worked out
 * of its event, and before a call: under a flood it mostly is. */
static __always_inline bool event_limit_is_exhausted(const struct synfw_runtime *runtime,
						     __u32 bucket,
						     const struct synfw_logging *logging,
						     struct walk *walk)
{
	struct schedule schedule;

	if (!logging->limit_interval_ns)
		return false;
	schedule = event_schedule(logging, walk_now(walk));
	return schedule_refuses(
		&schedule,
		schedule_tat(&schedule,
			     *(const volatile __u64 *)&runtime->event_tat_boot_ns[bucket]));
}

/* Takes one event from the limit. Without a lock: the last of several tries that another CPU spoils
 * counts as exhausted. */
static __always_inline bool event_limit_take(struct synfw_runtime *runtime, __u32 bucket,
					     const struct synfw_logging *logging, __u64 now_ns)
{
	const struct schedule schedule = event_schedule(logging, now_ns);
	__u64 *tat = &runtime->event_tat_boot_ns[bucket];
	int i;

	if (!schedule.interval_ns)
		return true;
#pragma unroll
	for (i = 0; i < EVENT_LIMIT_TRIES; i++) {
		__u64 seen = *(const volatile __u64 *)tat;
		__u64 tat_ns = schedule_tat(&schedule, seen);

		if (schedule_refuses(&schedule, tat_ns))
			return false;
		if (__sync_val_compare_and_swap(tat, seen, schedule_next(&schedule, tat_ns)) ==
		    seen)
			return true;
	}
	return false;
}

static __always_inline __u16 event_port(const struct packet *pkt, __u32 port)
{
	return has_ports(pkt) ? port : 0;
}

static __always_inline void event_fill_packet(struct synfw_event *event, const struct packet *pkt)
{
	struct source key;

	address_key(&key, pkt->family, &pkt->src);
	__builtin_memcpy(&event->src, &key, sizeof(event->src));
	address_key(&key, pkt->family, &pkt->dst);
	__builtin_memcpy(&event->dst, &key, sizeof(event->dst));
	event->bytes = pkt->bytes;
	event->vlan = pkt->vlan;
	event->sport = event_port(pkt, pkt->l4_src);
	event->dport = pkt->region == SYNFW_L4_ICMP || pkt->region == SYNFW_L4_ICMPV6
			       ? pkt->l4_dst
			       : event_port(pkt, pkt->l4_dst);
	event->family = pkt->family;
	event->protocol = pkt->protocol;
	event->tcp_flags = pkt->tcp_flags;
}

static __always_inline void event_fill_score(struct synfw_event *event, const struct walk *walk)
{
	const struct scratch *scratch = scratch_at_hand();

	if (!scratch || !(walk->noted & NOTED_SCRATCH)) {
		event->score_before = 0;
		event->score_after = 0;
		__builtin_memset(event->part, 0, sizeof(event->part));
		return;
	}
	event->score_before = scratch->score_before / SYNFW_SCORE_UNIT;
	event->score_after = scratch->score_after / SYNFW_SCORE_UNIT;
	__builtin_memcpy(event->part, scratch->part, sizeof(event->part));
}

/* What a block event says of the block; of other kinds 0. */
static __always_inline void event_fill_block(struct synfw_event *event, __u32 kind)
{
	const struct scratch *scratch = scratch_at_hand();
	bool blocks = scratch && kind == SYNFW_EVENT_BLOCK;

	event->block_expires_boot_ns = blocks ? scratch->block.expires_boot_ns : 0;
	event->pid = blocks ? scratch->block.pid : 0;
}

/* The default wakes the reader only when it has read all before: one that is behind, or that
 * rests for a while after each batch, is not woken for every event. */
static __always_inline void event_send(struct xdp_md *ctx, struct walk *walk, __u32 kind,
				       __u32 counter, __u32 sample, __u32 flags)
{
	struct synfw_event *event = bpf_ringbuf_reserve(&synfw_events, sizeof(*event), 0);

	if (!event) {
		tally(SYNFW_TALLY_EVENTS_LOST);
		return;
	}
	event->time_boot_ns = walk_now_exactly(walk);
	event_fill_packet(event, &walk->pkt);
	event_fill_score(event, walk);
	event->ifindex = ctx->ingress_ifindex;
	event->sample = sample;
	event->counter = counter;
	event->kind = kind;
	event->reason = walk->decision.reason;
	event->verdict = walk->decision.verdict;
	event->flags = flags | (walk->monitor ? SYNFW_EVENT_MONITOR : 0);
	event->reserved = 0;
	event_fill_block(event, kind);
	bpf_ringbuf_submit(event, 0);
}

/* What the first event of a source, rule, kind and reason is known by. */
static __always_inline __u64 event_tag(const struct image *image, const struct walk *walk,
				       __u32 kind, __u32 counter, __u64 seed)
{
	struct source source;

	source_of(&source, image, &walk->pkt);
	return synfw_source_hash(
		source.word_be, seed ^ (counter | (__u64)walk->decision.reason << 16 | kind << 24));
}

/*
 * Tells of the packet, as `logging` says. In the order of what it costs: is it one that sampling
 * leaves out, does the limit let it through, is there room. Which of its source was told first
 * is remembered only when it was told.
 */
__noinline int event_tell(struct xdp_md *ctx, struct walk *walk, __u32 kind, __u32 counter)
{
	struct synfw_runtime *runtime = runtime_at_hand();
	const struct synfw_logging *logging;
	__u32 key, sample = 1, flags = 0;
	struct image image;
	__u64 tag, *first;

	if (!walk || !runtime || !image_open(&image, walk->generation % SYNFW_NR_GENERATION_SLOTS))
		return 0;
	logging = image_logging(&image);
	tag = event_tag(&image, walk, kind, counter, runtime->seed);
	key = tag % SYNFW_EVENT_FIRSTS;
	first = bpf_map_lookup_elem(&synfw_event_firsts, &key);
	if (first && *(const volatile __u64 *)first != tag) {
		flags = SYNFW_EVENT_FIRST;
	} else if (kind == SYNFW_EVENT_DROP && logging->sample > 1) {
		sample = logging->sample;
		if (bpf_get_prandom_u32() % sample) {
			tally(SYNFW_TALLY_EVENTS_SAMPLED);
			return 0;
		}
	}
	if (!event_limit_take(runtime, event_bucket(kind), logging, walk_now(walk))) {
		tally(SYNFW_TALLY_EVENTS_LIMITED);
		return 0;
	}
	if (first && flags)
		*first = tag;
	event_send(ctx, walk, kind, counter, sample, flags);
	return 1;
}

#endif
