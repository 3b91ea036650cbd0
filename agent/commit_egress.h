/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMMIT_EGRESS_H
#define SYNFW_AGENT_COMMIT_EGRESS_H

/*
 * The part of a commit that concerns connections. Before the switch: the egress filters, and then,
 * if one of them is new, the connections that are open. After it: filters that nothing needs go. A
 * filter that exists without need does no harm: it changes no packet, and nobody reads what it
 * writes.
 *
 * A pin links/clsact-IFINDEX, of any map, says that synfw made that interface's qdisc.
 */
#include "commit.h"

/* Whether some interface does not have the filter yet. */
int commit_egress_is_missing(const struct interface_list *interfaces, struct fault *fault,
			     bool *ret_missing);

int commit_stage_egress(struct commit *commit, struct fault *fault);
void commit_undo_egress(struct commit *commit, struct fault *fault);
void commit_finish_egress(struct commit *commit);

/* Takes the filter off an interface, and the qdisc if the pin in `links_dir` says that it may go.
 */
int commit_remove_egress(const char *links_dir, uint32_t ifindex);

#endif
