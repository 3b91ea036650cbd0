/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_POLICY_FILE_H
#define SYNFW_AGENT_POLICY_FILE_H

/* A policy read from a file, with the text and the diagnostics that quote it. */
#include <policyc.h>

#include "base/fault.h"

struct policy_file {
	char *text;
	struct diags *diags;
	struct policy *policy; /* NULL: it has errors */
};

/* 0; -EINVAL when the policy has errors, `ret_file->diags` then says which; else a fault. The
 * caller calls policy_file_done() in every case. */
int policy_file_load(const char *path, struct fault *fault, struct policy_file *ret_file);
void policy_file_done(struct policy_file *file);

#endif
