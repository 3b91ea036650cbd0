/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_FAULT_H
#define SYNFW_AGENT_FAULT_H

/*
 * Why an operation failed, in words, carried up to the command that prints it. Nothing below a
 * command writes to a stream.
 */
#include <stdbool.h>

/* The contract of every subcommand. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_NO = 1, /* a truthful no: verdict drop, differences */
	EXIT_USAGE = 2,
	EXIT_POLICY = 3,  /* the policy is invalid */
	EXIT_REFUSED = 4, /* refused for safety */
	EXIT_PERMISSION = 6,
	EXIT_KERNEL = 7, /* the kernel refused */
};

struct fault {
	enum exit_code exit_code;
	char *message; /* one line, lower case; NULL: no fault */
	char *detail;  /* further lines, as the verifier's log; or NULL */
};

/* Records a failed system operation and returns `error` (-errno), so that it ends a function:
 * `return fault_system(fault, -errno, "cannot pin \"%s\"", path)`. The text of the error is
 * appended. -EPERM and -EACCES exit as "not permitted", everything else as "kernel refused". The
 * first record wins: what went wrong while undoing never hides the cause. */
int fault_system(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Records a refusal that is not a system error, and returns -ECANCELED. */
int fault_refuse(struct fault *fault, enum exit_code exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Hangs further lines on the record, below those that are there. Copies `detail`; without memory it
 * is dropped. */
void fault_detail(struct fault *fault, const char *detail);

/* Text of an errno, negative or positive, libbpf's own codes included. Static per thread. */
const char *fault_strerror(int error);

void fault_done(struct fault *fault);

#endif
