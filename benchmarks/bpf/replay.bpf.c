/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * BPF_PROG_TEST_RUN repeats one packet. These programs make it another packet each time and then
 * tail-call the program that is measured, so that all of them pay the same for the change.
 */
#include "flow.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/* `frags` as synfw's: the kernel refuses a tail call between programs with and without. */
SEC("xdp.frags")
int replay4(struct xdp_md *ctx)
{
	flow_write4(ctx);
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int replay6(struct xdp_md *ctx)
{
	flow_write6(ctx);
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
