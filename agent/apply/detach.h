/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_DETACH_H
#define SYNFW_AGENT_DETACH_H

/* Takes everything out of the kernel. */
#include "base/notes.h"
#include "base/paths.h"

struct detach_report {
	size_t interfaces; /* that a program was attached to */
	bool removed;	   /* something was pinned */
	struct notes notes;
};

/* Detaches every interface and removes all pins, leftovers of killed runs and datapaths of other
 * ABIs included, then SYNFW_BPFFS. Nothing there is success. */
int detach_everything(const struct paths *paths, struct fault *fault,
		      struct detach_report *ret_report);
void detach_report_done(struct detach_report *report);

#endif
