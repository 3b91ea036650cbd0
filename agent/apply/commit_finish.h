/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMMIT_FINISH_H
#define SYNFW_AGENT_COMMIT_FINISH_H

/* After the switch: give the new pins their names and free what the old policy held. Nothing here
 * can fail the apply; what goes wrong becomes a note, and the next apply repairs it. */
#include "commit.h"

/* The pins of newer programs, until the switch. */
#define COMMIT_PENDING_PROGRAM "prog-new"
#define COMMIT_PENDING_EGRESS  "egress-new"

void commit_finish_switch(struct commit *commit);
void commit_finish_fresh(struct commit *commit);

#endif
