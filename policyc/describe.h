/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DESCRIBE_H
#define POLICYC_DESCRIBE_H

/*
 * One line that says everything a rule or a protect entry matches and does, and nothing else: two
 * rules with the same line behave alike as long as their sets do. For `diff` and the manifest.
 *
 *   from management, 10.0.0.0/8; to 22/tcp; flags syn, not ack; except from guests; drop
 *   proto tcp; rate over 200/s, burst 400, per source; score 20; block 10m; add-to banned; log
 *
 * A list with more than 16 literal prefixes is shortened, but a digest stands for all of it:
 * "from 192.0.2.1, 192.0.2.3, 192.0.2.5, 47 more (0123456789abcdef); drop".
 *
 * Names and descriptions are not part of it. 0 and a text that the caller frees, or -ENOMEM.
 */
#include "model.h"

int policy_rule_describe(const struct policy *policy, const struct policy_rule *rule,
			 char **ret_text);
int policy_protect_describe(const struct policy *policy, const struct protect_entry *entry,
			    char **ret_text);

/* Paths with what they resolve to, ids as numbers; a text with what separates is in quotes:
 * "exec /bin/sh, /usr/bin/dash; user not 0; args any -c, \"a b\"; except parent /usr/bin/make;
 * kill". */
int policy_process_rule_describe(const struct process_rule *rule, char **ret_text);

/* "exec /usr/sbin/sshd, /usr/sbin/agent" */
int policy_program_protect_describe(const struct program_protect *entry, char **ret_text);

/* "growth over 1GiB within 10s; exec /opt/tool; except user 0; score 20; peers block 10m". */
int policy_memory_rule_describe(const struct memory_rule *rule, char **ret_text);

/* "flag-at 50; act-at 100; isolate; decay 5/min; on-peer-block flag", or "none". */
int policy_process_scoring_describe(const struct policy *policy, char **ret_text);

/* The same of what the whole policy says: "flag-at 50; drop-at 100; decay 10/min; block-for 10m,
 * 1h, 24h; ipv6-prefix 64", or "none"; "events drop, block, process; sample 1/100; limit 50/s". */
int policy_scoring_describe(const struct policy *policy, char **ret_text);
int policy_logging_describe(const struct policy *policy, char **ret_text);

#endif
