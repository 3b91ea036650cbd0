/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "fill.h"

#include <errno.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "tallies.h"

/* What all run, then what their parents run; once more for those that were forked meanwhile. */
#define NR_PASSES 4

static int read_state(const struct process_object *object, struct synfw_process_state *ret_state)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(object->map_fd[PROCESS_STATE], &key, ret_state) ? -errno : 0;
}

static int write_state(const struct process_object *object, const struct synfw_process_state *state)
{
	uint32_t key = 0;

	return bpf_map_update_elem(object->map_fd[PROCESS_STATE], &key, state, BPF_ANY) ? -errno
											: 0;
}

/* The iterator prints nothing; reading it to its end is what runs it. */
static int run_iterator(int prog_fd)
{
	CLEANUP(cleanup_fd) int link_fd = bpf_link_create(prog_fd, 0, BPF_TRACE_ITER, NULL);
	CLEANUP(cleanup_fd) int fd = -1;
	char nothing[64];
	ssize_t got;

	if (link_fd < 0)
		return -errno;
	fd = bpf_iter_create(link_fd);
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, nothing, sizeof(nothing));
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return got < 0 ? -errno : 0;
}

/* What synfw_fill is to do. */
struct filling {
	enum synfw_fill_pass pass;
	uint32_t slot, release_flags;
};

static int run_pass(const struct process_object *object, const struct filling *filling)
{
	struct synfw_process_state state;
	int err = read_state(object, &state);

	if (err)
		return err;
	state.fill_slot = filling->slot;
	state.fill_pass = filling->pass;
	state.release_flags = filling->release_flags;
	err = write_state(object, &state);
	return err ? err : run_iterator(object->call_fd[PROCESS_FILL]);
}

static int read_runtime(const struct process_object *object, struct synfw_process_runtime *runtime)
{
	uint32_t key = 0;

	return bpf_map_lookup_elem(object->map_fd[PROCESS_RUNTIME], &key, runtime) ? -errno : 0;
}

static int write_lost(const struct process_object *object, uint32_t lost)
{
	struct synfw_process_runtime runtime;
	uint32_t key = 0;
	int err = read_runtime(object, &runtime);

	if (err)
		return err;
	runtime.isolated_lost = lost;
	return bpf_map_update_elem(object->map_fd[PROCESS_RUNTIME], &key, &runtime, BPF_ANY)
		       ? -errno
		       : 0;
}

/* Once all have found room, nobody is refused for being unknown. A process that finds none while
 * that is written is counted before it is noted: its note is put back. */
static int forget_the_lost(const struct process_object *object, uint64_t full_before,
			   struct fault *fault)
{
	uint64_t full_after;
	int err = process_tally_read(object, SYNFW_PROCESS_TALLY_FULL, fault, &full_after);

	if (err || full_after != full_before)
		return err;
	err = write_lost(object, 0);
	if (!err)
		err = process_tally_read(object, SYNFW_PROCESS_TALLY_FULL, fault, &full_after);
	return err || full_after == full_before ? err : write_lost(object, 1);
}

int process_fill(const struct process_object *object, uint32_t slot, struct fault *fault)
{
	struct filling filling = {.slot = slot};
	uint64_t full_before;
	uint32_t pass;
	int err = process_tally_read(object, SYNFW_PROCESS_TALLY_FULL, fault, &full_before);

	for (pass = 0; !err && pass < NR_PASSES; pass++) {
		filling.pass = pass % 2 ? SYNFW_FILL_PARENTS : SYNFW_FILL_SELF;
		err = run_pass(object, &filling);
	}
	if (!err)
		err = forget_the_lost(object, full_before, fault);
	return err ? fault_system(fault, err, "cannot list the processes that run") : 0;
}

int process_fill_lost(const struct process_object *object, uint32_t slot, struct fault *fault,
		      bool *ret_lost)
{
	struct synfw_process_runtime runtime;
	int err = read_runtime(object, &runtime);

	*ret_lost = false;
	if (!err && runtime.isolated_lost) {
		err = process_fill(object, slot, fault);
		if (err)
			return err;
		err = read_runtime(object, &runtime);
	}
	if (err)
		return fault_system(fault, err, "cannot read who found no room");
	*ret_lost = runtime.isolated_lost;
	return 0;
}

int process_fill_release(const struct process_object *object, uint32_t flags, struct fault *fault)
{
	const struct filling filling = {SYNFW_FILL_RELEASE, 0, flags};
	int err = run_pass(object, &filling);

	/* once more for who was forked meanwhile by one that was not released yet */
	if (!err)
		err = run_pass(object, &filling);
	if (!err && flags & SYNFW_PROCESS_ISOLATED)
		err = write_lost(object, 0);
	return err ? fault_system(fault, err, "cannot end what processes are held for") : 0;
}
