/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TC_H
#define SYNFW_AGENT_TC_H

/*
 * The egress filter that remembers what this host opens: a BPF filter under the clsact qdisc of an
 * interface, of this network namespace. Priority 1, so that no other filter ends the search before
 * it; it ends none itself. The handle tells it from others of that priority.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* 0 and the id of the program of the filter, 0: there is none. Or -errno. */
int tc_query(uint32_t ifindex, uint32_t *ret_prog_id);

/* Puts the filter there; one that is there runs the new program from the next packet on.
 * *ret_made_qdisc tells whether the qdisc had to be made for it, even when it fails. 0 or -errno.
 */
int tc_attach(uint32_t ifindex, int prog_fd, bool *ret_made_qdisc);

/* Takes the filter away, and the qdisc with `made_qdisc`, unless it has filters of somebody else.
 * 0 or -errno; what is not there is gone. */
int tc_detach(uint32_t ifindex, bool made_qdisc);

#endif
