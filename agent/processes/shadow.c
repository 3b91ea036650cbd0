/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "shadow.h"

#include <errno.h>

#include <bpf/bpf.h>

#define SLOT 0

int process_shadow_open(const struct process_inner *inner, const struct synfw_process_head *head,
			struct fault *fault, struct process_shadow *ret_shadow)
{
	struct process_object object = PROCESS_OBJECT_NONE;
	int err = process_object_load_shadow(fault, &object);

	if (!err)
		err = process_inner_install(inner, head, &object, SLOT, fault);
	if (err) {
		process_object_close(&object);
		return err;
	}
	ret_shadow->object = object;
	return 0;
}

int process_shadow_ask(const struct process_shadow *shadow, struct fault *fault,
		       struct synfw_process_question *question)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	uint32_t key = 0;

	question->slot = SLOT;
	question->answered = 0;
	if (bpf_map_update_elem(shadow->object.question_fd, &key, question, BPF_ANY) ||
	    bpf_prog_test_run_opts(shadow->object.ask_fd, &opts) ||
	    bpf_map_lookup_elem(shadow->object.question_fd, &key, question))
		return fault_system(fault, -errno, "cannot ask the shadow program about a process");
	if (!question->answered)
		return fault_refuse(fault, EXIT_KERNEL,
				    "the shadow program gave no answer about a process");
	return 0;
}

void process_shadow_close(struct process_shadow *shadow)
{
	process_object_close(&shadow->object);
}
