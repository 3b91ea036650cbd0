/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_TALKERS_H
#define SYNFW_AGENT_TALKERS_H

/* Processes that talk with a source that user space blocks, see <synfw/talk.h>. */
#include "half.h"

/* Flags them, where the policy in force asks for it. After the block is in its map. `half` may not
 * be present. */
int talkers_flag(const struct process_half *half, const struct synfw_addr6 *source,
		 struct fault *fault);

#endif
