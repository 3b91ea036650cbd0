/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMMIT_EGRESS_H
#define SYNFW_AGENT_COMMIT_EGRESS_H

/*
 * The part of a commit that concerns connections. Before the switch: the egress filters, and then,
 * if one of them is new, the connections that are open. After it: filters that nothing needs go. A
 * filter that exists without need does no harm: it changes no packet, and nobody reads what it
 * writes.
 *
 * A pin links/egress-IFINDEX, of any map, says that an interface has the filter, or is about to get
 * it, so that it is found again whoever is killed; links/clsact-IFINDEX, that synfw made the qdisc.
 */
#include "commit.h"

/* Whether some interface does not have the filter yet. */
int commit_egress_is_missing(const struct interface_list *interfaces, struct fault *fault,
			     bool *ret_missing);

int commit_stage_egress(struct commit *commit, struct fault *fault);
void commit_undo_egress(struct commit *commit, struct fault *fault);
void commit_finish_egress(struct commit *commit);

/* Takes away the filters that the pins in a directory of links name, but for those of interfaces in
 * `keep` (NULL: none is kept). 0, or the first error; goes on after one. */
int commit_remove_egress(const char *links_dir, const struct interface_list *keep);

#endif
