/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes traffic inside the kernel: run with BPF_F_TEST_XDP_LIVE_FRAMES, each frame becomes the next
 * flow and goes out of the one device in `target`.
 */
#include "flow.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	flow_write4(ctx);
	return bpf_redirect_map(&target, 0, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
