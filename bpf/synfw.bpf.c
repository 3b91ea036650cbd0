/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet path: parse, classify, count. Bad packets end in a reason of their own; XDP_ABORTED
 * is never returned. Without a policy every packet passes: a host that lost its policy must stay
 * reachable.
 */
#include "account.bpf.h"
#include "classify.bpf.h"
#include "established.bpf.h"
#include "maps.bpf.h"
#include "packet.bpf.h"

/* The shadow program of `trace`, tests and the lock-out check: judges, changes nothing. */
const volatile bool read_only = false;

const __u8 shape_reasons[8] = {
	[SYNFW_SHAPE_FRAGMENT] = SYNFW_REASON_FRAGMENT,
	[SYNFW_SHAPE_TRUNCATED] = SYNFW_REASON_TRUNCATED,
	[SYNFW_SHAPE_BAD_HEADER] = SYNFW_REASON_BAD_HEADER,
	[SYNFW_SHAPE_BAD_FLAGS] = SYNFW_REASON_BAD_FLAGS,
	[SYNFW_SHAPE_TOO_MANY_HEADERS] = SYNFW_REASON_TOO_MANY_HEADERS,
};

static __always_inline void trace_store(const struct packet *pkt, const struct decision *decision,
					bool monitor)
{
	__u32 key = 0;
	struct synfw_trace *trace = bpf_map_lookup_elem(&synfw_trace, &key);

	if (!trace)
		return;
	trace->score = decision->score;
	trace->bit = decision->bit;
	trace->verdict = decision->verdict;
	trace->reason = decision->reason;
	trace->monitor = monitor;
	trace->established = pkt->established;
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

static __always_inline int finish(__u32 slot, const struct packet *pkt,
				  const struct decision *decision, bool monitor)
{
	bool dropped = decision->verdict == SYNFW_DROP && !monitor;

	if (read_only)
		trace_store(pkt, decision, monitor);
	else
		account_packet(slot, decision->reason, pkt->bytes, dropped);
	return dropped ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int synfw_xdp(struct xdp_md *ctx)
{
	struct walk walk = {.decision = {.bit = SYNFW_NO_BIT, .reason = SYNFW_REASON_NO_POLICY}};
	struct decision *decision = &walk.decision;
	const struct synfw_control *control;
	const struct synfw_header *header;
	struct packet pkt = {};
	struct image image;
	__u32 zero = 0, slot;

	packet_parse_network(ctx, &pkt);
	if (pkt.has_l4)
		packet_parse_l4(ctx, &pkt);
	slot = packet_slot(ctx);
	control = bpf_map_lookup_elem(&synfw_control, &zero);
	if (!control)
		return finish(slot, &pkt, decision, false);
	/* read once: the packet sees all of one generation */
	walk.generation = *(const volatile __u32 *)&control->active % SYNFW_NR_GENERATION_SLOTS;
	if (!image_open(&image, walk.generation))
		return finish(slot, &pkt, decision, false);
	header = (const void *)image.page0;

	if (!pkt.family) {
		decide_unaddressed(header, &pkt, decision);
		return finish(slot, &pkt, decision, header->monitor);
	}
	pkt.reason = shape_reasons[pkt.shape % sizeof(shape_reasons)];
	decision->verdict = header->incoming;
	decision->reason = header->incoming == SYNFW_DROP ? SYNFW_REASON_DEFAULT_DROP
							  : SYNFW_REASON_DEFAULT_ALLOW;
	if (header->established != SYNFW_ESTABLISHED_IGNORE)
		pkt.established = packet_established(ctx, &pkt);
	if (pkt.established && header->established == SYNFW_ESTABLISHED_ALLOW) {
		decision->verdict = SYNFW_ALLOW;
		decision->reason = SYNFW_REASON_ESTABLISHED;
		return finish(slot, &pkt, decision, header->monitor);
	}
	classify(&image, header, slot, &pkt, &walk);
	return finish(slot, &pkt, decision, header->monitor);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
