/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_BPF_LOG_H
#define SYNFW_AGENT_BPF_LOG_H

/* What libbpf and the verifier say while an object is loaded. */
#include "base/fault.h"

/* From here on it is kept. */
void bpf_log_begin(void);

/* Hands the end of the log to `fault`, if there is one to explain, and forgets it. */
void bpf_log_end(struct fault *fault);

#endif
