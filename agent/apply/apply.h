/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_APPLY_H
#define SYNFW_AGENT_APPLY_H

/* From a parsed policy to a policy in force. */
#include "commit.h"

struct apply_options {
	char *const *interfaces; /* instead of those of the policy */
	size_t nr_interfaces;
	bool dry_run; /* everything up to the first change */
	bool force;   /* even if it locks out the person who applies it */
};

struct apply_report {
	struct manifest *before; /* NULL: no policy was in force */
	struct manifest *after;
	struct interface_list interfaces;
	struct attachment *attachments; /* as many; NULL in a dry run */
	struct notes notes;
	size_t detached, stale;
	size_t seeded; /* connections that were open and are remembered from now on */
	uint32_t nr_lines;
	uint64_t kernel_bytes;
	uint32_t nr_copied, nr_changed; /* as of the image */
	uint64_t duration_ns;
	bool program_replaced; /* a newer program took over the links */
};

/* 0; -EINVAL when `diags` has errors; else a fault. Whenever it is not 0, what was in force is in
 * force unchanged. */
int apply_policy(const struct paths *paths, const struct policy *policy,
		 const struct apply_options *options, struct diags *diags, struct fault *fault,
		 struct apply_report *ret_report);

void apply_report_done(struct apply_report *report);

#endif
