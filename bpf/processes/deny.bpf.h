/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_DENY_BPF_H
#define SYNFW_PROCESS_DENY_BPF_H

/*
 * What needs BPF LSM, or fmod_ret at the function that asks it: an exec that fails. The kernel asks
 * once the file that will run is known, an interpreter for a script, and the credentials are those
 * that the process will have, but before it gives up the old image. The arguments cannot be read
 * yet: where a rule that asks for them would have to decide, the exec goes on, and the tracepoint,
 * which can, kills. Rules that only give points do not keep a later one from denying.
 */
#include "act.bpf.h"
#include "memory.bpf.h"

#define EPERM 1

/* The programs of hooks that refuse are at the functions that ask the modules, and so come first.
 */
const volatile bool at_functions = false;

/* The ids of a file that sets them are there, and of who is traced, or shares what another process
 * may change, the capability module takes them back when it is asked: whose the process will be is
 * not known before. The tracepoint knows it. */
static __always_inline bool ids_may_be_taken_back(const struct linux_binprm *bprm)
{
	const struct cred *cred = bprm->cred;

	return bprm->unsafe && (BPF_CORE_READ(cred, uid.val) != BPF_CORE_READ(cred, euid.val) ||
				BPF_CORE_READ(cred, gid.val) != BPF_CORE_READ(cred, egid.val));
}

/* The process that calls, as it will be; its entry is not changed. */
static __always_inline void subject_of_exec(struct process_scratch *scratch, __u64 task, __u64 cred)
{
	subject_of_task(scratch, task);
	scratch->cred = cred;
	scratch->uid = BPF_CORE_READ((struct cred *)cred, euid.val);
	scratch->gid = BPF_CORE_READ((struct cred *)cred, egid.val);
	scratch->args_state = ARGS_UNKNOWN;
}

/* No tracepoint comes to see an exec that fails: what rules count and the points that they give,
 * which go to who has asked for it, are noted here. The denial itself is the hardest that can be
 * done. */
static __always_inline void deny_note(struct process_scratch *scratch, struct synfw_process *entry,
				      const struct synfw_process_head *head)
{
	judge(scratch);
	if (scratch->points && head->decay) {
		score_subject(scratch, head->decay);
		score_weigh(scratch, head);
	}
	if (scratch->crossed && entry)
		flag_entry(scratch, entry, SYNFW_PROCESS_FLAGGED);
	tally(SYNFW_PROCESS_TALLY_EXECS);
}

/* Is the exec to be denied? All else that rules say is left to the tracepoint. */
static __always_inline bool exec_is_denied(struct process_scratch *scratch, __u64 task, __u64 cred,
					   __u64 file)
{
	const struct synfw_process_head *head;
	struct synfw_process *entry;

	head = subject_begin(scratch, active_slot(), SYNFW_ON_EXEC);
	if (!head || !head->nr_bits || !(head->actions & 1 << SYNFW_PROCESS_DENY))
		return false;
	subject_of_exec(scratch, task, cred);
	entry = process_entry(scratch->pid);
	lineage_of_subject(scratch, entry, task, head->serial);
	class_of_file(scratch, file, true);
	scratch->trial = true;
	judge(scratch);
	scratch->trial = false;
	if (scratch->action != SYNFW_PROCESS_DENY || scratch->undecided || head->monitor)
		return false;
	if (subject_is_spared(scratch))
		return false;
	deny_note(scratch, entry, head);
	event_send(scratch, entry, SYNFW_PROCESS_DENY,
		   scratch->crossed ? SYNFW_PROCESS_EVENT_CROSSED : 0);
	return true;
}

#endif
