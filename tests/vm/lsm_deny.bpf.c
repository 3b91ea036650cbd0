/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Refuses to execute one file. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "lsm_deny.h"

#define EPERM 1

/* The field that is asked for; where it is in the running kernel is filled in when it is loaded. */
struct linux_binprm {
	const char *filename;
} __attribute__((preserve_access_index));

const volatile char denied[LSM_DENY_PATH_BYTES] = "";

SEC("lsm/bprm_check_security")
int BPF_PROG(deny_exec, struct linux_binprm *bprm, int verdict_before)
{
	char path[LSM_DENY_PATH_BYTES] = "";

	/* another program's refusal stands */
	if (verdict_before)
		return verdict_before;
	if (bpf_probe_read_kernel_str(path, sizeof(path), bprm->filename) < 0)
		return 0;
	for (int i = 0; i < LSM_DENY_PATH_BYTES; i++) {
		if (path[i] != denied[i])
			return 0;
		if (!path[i])
			break;
	}
	return -EPERM;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
