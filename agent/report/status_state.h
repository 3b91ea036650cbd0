/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_STATUS_STATE_H
#define SYNFW_AGENT_STATUS_STATE_H

/* What `status` says of blocks and scores, and of what the packet path could not do. */
#include "status.h"

/* Reads the counts, and adds a warning for each tally that is bad news. A datapath is there. */
int status_read_state(struct status *status, struct fault *fault);

/* "blocks_full", the name of a tally in JSON; NULL: it is not used. */
const char *status_tally_word(unsigned int tally);

#endif
