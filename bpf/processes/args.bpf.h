/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_ARGS_BPF_H
#define SYNFW_PROCESS_ARGS_BPF_H

/*
 * Which of the arguments that rules name stand in argv[1..]. They are read only when a rule asks
 * whose other fields match. What cannot be read, or lies behind SYNFW_MAX_READ_ARGS, may be any
 * of them: a rule matches then, an `except` does not.
 */
#include "scratch.bpf.h"

#define ARG_READ (SYNFW_MAX_ARG_BYTES + 2) /* one byte more than the longest has with its NUL */

struct args_loop {
	struct process_scratch *scratch;
	void *numbers; /* the inner map with the arguments */
};

static __always_inline void arg_mark(struct process_scratch *scratch, void *numbers)
{
	const struct synfw_path_class *class = bpf_map_lookup_elem(numbers, &scratch->key);

	if (class)
		scratch->args[class->exec / 64 % (SYNFW_MAX_ARGS / 64)] |= 1ULL
									   << (class->exec & 63);
}

/* 1: the end. */
static __always_inline long arg_step(struct args_loop *loop, bool user)
{
	struct process_scratch *scratch = loop->scratch;
	struct synfw_path_key *key = &scratch->key;
	const void *at = (const void *)scratch->args_at;
	long bytes;

	if (scratch->args_at >= scratch->args_end) {
		scratch->args_state = ARGS_READ;
		return 1;
	}
	key_begin(scratch, SYNFW_PATH_ARGUMENT);
	bytes = user ? bpf_probe_read_user_str(key->text, ARG_READ, at)
		     : bpf_probe_read_kernel_str(key->text, ARG_READ, at);
	if (bytes < 0)
		return 1;
	if (!bytes) /* of an empty one some kernels do not count the NUL */
		bytes = 1;
	if (bytes == ARG_READ) { /* longer than any that a rule may name */
		scratch->args_continue = true;
		scratch->args_at += ARG_READ - 1;
		return 0;
	}
	scratch->args_at += bytes;
	if (!scratch->args_continue && !scratch->args_first)
		arg_mark(scratch, loop->numbers);
	scratch->args_continue = false;
	scratch->args_first = false;
	return 0;
}

static long arg_step_user(__u32 index, struct args_loop *loop)
{
	return arg_step(loop, true);
}

static long arg_step_kernel(__u32 index, struct args_loop *loop)
{
	return arg_step(loop, false);
}

__noinline int args_read(struct process_scratch *scratch)
{
	struct args_loop loop;
	__u32 slot, i;

	scratch = scratch_again(scratch);
	if (!scratch || scratch->args_state != ARGS_UNREAD)
		return 0;
	slot = scratch->slot % SYNFW_NR_GENERATION_SLOTS;
	loop.scratch = scratch;
	loop.numbers = bpf_map_lookup_elem(&synfw_process_paths, &slot);
	if (!loop.numbers)
		return 0;
	scratch->args_state = ARGS_UNREADABLE;
	scratch->args_continue = false;
#pragma unroll
	for (i = 0; i < SYNFW_MAX_ARGS / 64; i++)
		scratch->args[i] = 0;
	/* with argv[0] they are a process's, without it the shadow program's */
	if (scratch->args_first)
		bpf_loop(SYNFW_MAX_READ_ARGS, arg_step_user, &loop, 0);
	else
		bpf_loop(SYNFW_MAX_READ_ARGS, arg_step_kernel, &loop, 0);
	if (scratch->args_state == ARGS_UNREADABLE)
		tally(SYNFW_PROCESS_TALLY_UNREADABLE);
	return 0;
}

#endif
