/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_SECURITY_H
#define SYNFW_AGENT_PROCESS_SECURITY_H

/*
 * How programs get to refuse what the kernel asks its security modules about: as one of these (BPF
 * LSM), or at the function that asks them (fmod_ret, a program that gives a function another
 * result). There are kernels that refuse programs of either kind, and some that take those of BPF
 * LSM and never ask them.
 */

#include <stdbool.h>

enum process_security {
	PROCESS_SECURITY_NONE,
	/* Where a task is preempted in a program of this kind (and of BPF LSM on Linux before 6.2),
	 * other tasks on that processor pass by it: docs/decisions/0023-refusing-without-lsm.md */
	PROCESS_SECURITY_FUNCTIONS,
	PROCESS_SECURITY_LSM,
};

/* The best that this kernel has from `least` on, which is not NONE, else NONE: loads the programs
 * that refuse, all of which must be had, lets the one that denies deny one file to who is in a
 * group that nobody has, and executes that. */
enum process_security process_security_find(enum process_security least);

/* Does the kernel call programs of both kinds? It gets to both by what ftrace writes into
 * functions, and takes that out while kernel.ftrace_enabled is 0: they stay attached and are not
 * called. Where this cannot be read there is no such switch. */
bool process_security_programs_are_called(void);

#endif
