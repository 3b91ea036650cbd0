/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inner_changes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

struct work {
	struct inner_change change;
	pthread_t thread;
	bool has_thread;
	int err;
};

static void *do_work(void *argument)
{
	struct work *work = argument;
	const struct inner_change *change = &work->change;

	if (change->inner_fd >= 0)
		work->err = bpf_map_update_elem(change->outer_fd, &change->key, &change->inner_fd,
						BPF_ANY)
				    ? -errno
				    : 0;
	else if (bpf_map_delete_elem(change->outer_fd, &change->key) && errno != ENOENT)
		work->err = -errno;
	return NULL;
}

/* Nothing has to be done, nor waited for, to empty what is empty. */
static bool is_made(const struct inner_change *change)
{
	uint32_t map_id;

	return change->inner_fd < 0 &&
	       bpf_map_lookup_elem(change->outer_fd, &change->key, &map_id) && errno == ENOENT;
}

/* Nothing is done but one system call. */
#define STACK_BYTES (256 << 10)

static bool start(struct work *work)
{
	pthread_attr_t attributes;
	bool started;

	if (pthread_attr_init(&attributes))
		return false;
	started = !pthread_attr_setstacksize(&attributes, STACK_BYTES) &&
		  !pthread_create(&work->thread, &attributes, do_work, work);
	pthread_attr_destroy(&attributes);
	return started;
}

int inner_changes_make(const struct inner_change *changes, size_t count)
{
	CLEANUP(cleanup_free) struct work *works = calloc(count + 1, sizeof(*works));
	struct work *work, *end = works;
	int err = 0;
	size_t i;

	if (!works)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (!is_made(&changes[i]))
			(end++)->change = changes[i];
	/* the last one, and those for which there is no thread, are this one's work */
	for (work = works; work < end; work++) {
		work->has_thread = work + 1 < end && start(work);
		if (!work->has_thread)
			do_work(work);
	}
	for (work = works; work < end; work++) {
		if (work->has_thread)
			pthread_join(work->thread, NULL);
		err = err ? err : work->err;
	}
	return err;
}
