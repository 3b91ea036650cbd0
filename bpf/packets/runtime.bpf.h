/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_RUNTIME_BPF_H
#define SYNFW_RUNTIME_BPF_H

/* The time, the seed, and the counts of what was not done. */
#include "clock.bpf.h"
#include "maps.bpf.h"
#include "walk.bpf.h"

/* For tests, which set the time: synfw_runtime.test_now_ns is what the clock says. */
const volatile bool test_clock = false;

#define NS_PER_MS 1000000ULL

static __always_inline struct synfw_runtime *runtime_at_hand(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&synfw_runtime, &zero);
}

/* CLOCK_BOOTTIME, which counts suspended time. */
static volatile struct tick_clock boot_clock;

static __always_inline __u64 clock_test_ns(void)
{
	const struct synfw_runtime *runtime = runtime_at_hand();

	return runtime ? *(const volatile __u64 *)&runtime->test_now_ns : 0;
}

/* What the packet's rules, its score and blocks go by, read once a packet and only when somebody
 * asks: at most a jiffy (4 ms as a rule, 10 at most) behind. */
static __always_inline __u64 walk_now(struct walk *walk)
{
	if (!walk->now_ns)
		walk->now_ns = test_clock ? clock_test_ns()
					  : tick_clock_read(&boot_clock, bpf_ktime_get_boot_ns);
	return walk->now_ns;
}

/* The same, exactly. */
static __always_inline __u64 walk_now_exactly(struct walk *walk)
{
	if (test_clock)
		return walk_now(walk);
	if (!(walk->noted & NOTED_EXACT_TIME)) {
		walk->now_ns = bpf_ktime_get_boot_ns();
		walk->noted |= NOTED_EXACT_TIME;
	}
	return walk->now_ns;
}

/* The hash of the packet's source address, of IPv6 the whole: source_hash() is that of what is
 * remembered of it. */
static __always_inline __u64 walk_src_hash(struct walk *walk, const struct synfw_runtime *runtime)
{
	struct source key;

	if (!walk->src_hash) {
		address_key(&key, walk->pkt.family, &walk->pkt.src);
		walk->src_hash = synfw_source_hash(key.word_be, runtime->seed);
	}
	return walk->src_hash;
}

static __always_inline __u64 clock_later(__u64 now_ns, __u64 for_ns)
{
	__u64 then_ns = now_ns + for_ns;

	return then_ns < now_ns ? ~0ULL : then_ns;
}

/* May this packet look for room in a full table? One in a second may. */
static __always_inline bool sweep_is_due(__u32 *swept_ms, __u64 now_ns)
{
	__u32 now_ms = now_ns / NS_PER_MS, before_ms = *(const volatile __u32 *)swept_ms;

	return now_ms - before_ms >= SYNFW_SET_SWEEP_MS &&
	       __sync_val_compare_and_swap(swept_ms, before_ms, now_ms) == before_ms;
}

static __always_inline void tally(enum synfw_tally what)
{
	__u32 key = what;
	__u64 *count;

	if (read_only)
		return;
	count = bpf_map_lookup_elem(&synfw_tallies, &key);
	if (count)
		(*count)++;
}

#endif
