/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_LSM_H
#define SYNFW_AGENT_PROCESS_LSM_H

/* BPF LSM: there are kernels that refuse its programs, and some that take and never ask them. */
#include <stdbool.h>

/* Whether an exec can be made to fail: loads the program, lets it deny one file that nobody else
 * has, and executes that. */
bool process_lsm_works(void);

#endif
