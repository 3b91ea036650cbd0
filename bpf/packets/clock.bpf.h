/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_CLOCK_BPF_H
#define SYNFW_CLOCK_BPF_H

/* Clocks that are asked once a jiffy: asking the kernel takes 10 to 30 ns, the jiffies are one
 * load. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* What the clock said last, and in which jiffy. */
struct tick_clock {
	__u64 ns, jiffy;
};

/* At most a jiffy behind what `ask` says. Whoever sees a new jiffy has seen the time that was
 * stored before it. Two CPUs that store at once may set the time back by what lay between their
 * questions. */
static __always_inline __u64 tick_clock_read(volatile struct tick_clock *clock, __u64 (*ask)(void))
{
	__u64 jiffy = bpf_jiffies64(), now_ns;

	if (jiffy == clock->jiffy)
		return clock->ns;
	now_ns = ask();
	clock->ns = now_ns;
	clock->jiffy = jiffy;
	return now_ns;
}

#endif
