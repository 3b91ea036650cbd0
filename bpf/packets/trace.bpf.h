/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TRACE_BPF_H
#define SYNFW_TRACE_BPF_H

/* What only the shadow program tells. */
#include "address.bpf.h"
#include "image.bpf.h"
#include "source.bpf.h"

/* What the policy says of the packet's source, whatever becomes of the packet. */
static __always_inline void trace_source(struct image *image, struct walk *walk)
{
	__u32 key = 0;
	struct synfw_trace *trace = bpf_map_lookup_elem(&synfw_trace, &key);

	if (!trace)
		return;
	trace->source_class = source_class(image, walk);
	trace->source_flags = source_is_protected(image, walk) ? SYNFW_SOURCE_PROTECTED : 0;
}

#endif
