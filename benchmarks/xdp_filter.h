/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_XDP_FILTER_H
#define BENCHMARKS_XDP_FILTER_H

/* The program of xdp-filter (Debian's xdp-tools) with its address tables, without the tool and its
 * dispatcher, which would only cost it. Needs root. */
#include <stdbool.h>

#include "address_set.h"

struct bpf_object;

/* The addresses of the set's examples, as sources: `deny` drops all others, else it drops them. At
 * least one address fits each table. NULL with errno; ENOENT when xdp-tools is not installed. */
struct bpf_object *xdp_filter_open(const struct address_set *set, bool deny);

/* -1 for NULL. Borrowed. */
int xdp_filter_fd(const struct bpf_object *object);

#endif
