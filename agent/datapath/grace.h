/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_GRACE_H
#define SYNFW_AGENT_GRACE_H

#include "base/fault.h"

/*
 * Waits until every packet that was in flight has left the program: an RCU grace period. User
 * space has no call for it, but an update of a map of maps by user space waits for one before it
 * returns (maybe_wait_bpf_programs in kernel/bpf/syscall.c, since Linux 4.20).
 */
int grace_wait(struct fault *fault);

#endif
