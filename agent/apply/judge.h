/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_JUDGE_H
#define SYNFW_AGENT_JUDGE_H

/* What a candidate policy must pass before it is put in force: its own tests, and the check that
 * it does not lock out whoever applies it. Both ask the shadow program. */
#include "datapath/flows.h"
#include "datapath/interfaces.h"
#include "datapath/tables.h"

struct candidate {
	const struct policy *policy;
	const struct image *image;
	const struct tables *tables;
	const struct interface_list *interfaces;
	const struct object
		*state; /* of the live datapath; NULL: there is none, or of another ABI */
	const struct flow_list *seeds; /* connections that will be remembered with the switch */
};

/*
 * Runs `tests:`; a test that fails is an error of the policy, at its place in the file (-EINVAL
 * with diagnostics). They are judged as if nothing were remembered: what a test expects must not
 * depend on who is connected, or blocked. Then judges the SSH connection that this command was
 * started over, if any, unless `force`: opening it again must pass, and going on with it, as the
 * connection that it is where connections are tracked. A policy that would cut it is refused; where
 * it is not known by which interface it comes in, a warning tells on which it would be cut.
 */
int judge_candidate(const struct candidate *candidate, bool force, struct diags *diags,
		    struct fault *fault);

#endif
