/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "talkers.h"

#include <string.h>

#include <bpf/bpf.h>

int talkers_flag(const struct process_half *half, const struct synfw_addr6 *source,
		 struct fault *fault)
{
	uint64_t halves[2];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = halves, .ctx_size_in = sizeof(halves));
	int err;

	_Static_assert(sizeof(halves) == sizeof(*source), "two halves are a source");
	if (!half->present)
		return 0;
	memcpy(halves, source, sizeof(halves));
	err = bpf_prog_test_run_opts(half->object.call_fd[PROCESS_FLAG_TALKERS], &opts);
	return err ? fault_system(fault, err, "cannot flag who talks with a blocked source") : 0;
}
