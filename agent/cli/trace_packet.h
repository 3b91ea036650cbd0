/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TRACE_PACKET_H
#define SYNFW_AGENT_TRACE_PACKET_H

/* What `trace` judges by, whether it is in force or in a file. */
#include "base/paths.h"
#include "datapath/interfaces.h"
#include "datapath/shadow.h"
#include "policy/policy_file.h"
#include "policy/rule_names.h"

/* What the policy says of a packet, in words. Borrowed from the subject. */
struct trace_verdict {
	const char *rule; /* NULL: no rule decided */
	uint32_t line;	  /* of the rule, 0: none */
	const struct rule_names *names;
	struct synfw_trace trace;
};

struct trace_subject;

/* The policy in `file` (already parsed), compiled as for the interfaces that it names. */
int trace_subject_from_policy(const struct paths *paths, struct policy_file *file,
			      struct fault *fault, struct trace_subject **ret_subject);

/* The policy in force. The fault says so when there is none. */
int trace_subject_from_live(const struct paths *paths, struct fault *fault,
			    struct trace_subject **ret_subject);

/* The name of the file that rules' lines refer to. */
const char *trace_subject_file(const struct trace_subject *subject);

/* The slot of an interface, NULL: the policy's first. A name that the policy does not know is
 * slot 0. */
uint32_t trace_subject_slot(const struct trace_subject *subject, const char *interface);

int trace_subject_judge(const struct trace_subject *subject, uint32_t slot, const void *frame,
			uint32_t length, struct fault *fault, struct trace_verdict *ret_verdict);

void trace_subject_freep(struct trace_subject **subject);

#endif
