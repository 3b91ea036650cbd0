/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a program on two CPUs at the same moment: each waits for the other, and then tail-calls it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Some milliseconds: who is alone until then goes on alone. */
#define MAX_SPINS (1 << 20)
#define SOON_NS	  5000

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} met SEC(".maps");

static __u32 arrived;
static __u32 agreed;   /* `arrived`, when both were here last, and have agreed on the time */
static __u64 begin_ns; /* when both go on */

static long has_agreed(__u64 index, const __u32 *both)
{
	return *(const volatile __u32 *)&agreed == *both;
}

static long has_begun(__u64 index, const __u64 *at_ns)
{
	return bpf_ktime_get_ns() >= *at_ns;
}

/* `frags` as synfw's: the kernel refuses a tail call between programs with and without. */
SEC("xdp.frags")
int meet(struct xdp_md *ctx)
{
	__u32 before = __sync_fetch_and_add(&arrived, 1), both = (before | 1) + 1;
	__u64 at_ns;

	if (before & 1) {
		*(volatile __u64 *)&begin_ns = bpf_ktime_get_ns() + SOON_NS;
		__sync_lock_test_and_set(&agreed, both);
	} else {
		bpf_loop(MAX_SPINS, has_agreed, &both, 0);
	}
	at_ns = *(volatile __u64 *)&begin_ns;
	bpf_loop(MAX_SPINS, has_begun, &at_ns, 0);
	bpf_tail_call(ctx, &met, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
