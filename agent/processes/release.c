/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "release.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/grace.h"
#include "datapath/source.h"

/* Of a chain of parents. */
#define MAX_PARENTS 1024

/* Only who forks faster than a pass takes, over and over, is not done with after these. */
#define MAX_PASSES 100

/* ---- one ---- */

/* In the kernel, where the programs write the same entry. The points of what it runs go first: with
 * one more it would be acted on again. */
static int release(const struct process_object *object, const struct process_entry *entry,
		   struct fault *fault)
{
	uint64_t arguments[] = {entry->pid, entry->process.start_boot_ns};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));
	int err = process_executable_forget(object, entry, fault);

	if (err)
		return err;
	err = bpf_prog_test_run_opts(object->call_fd[PROCESS_RELEASE], &opts);
	return err ? fault_system(fault, err, "cannot release process %u", entry->pid) : 0;
}

/* ---- those that have it from another ---- */

/* All processes as they were read, by pid. */
struct population {
	struct process_entry *entries;
	size_t count;
};

static void population_done(struct population *population)
{
	free(population->entries);
}

static int compare_pid(const void *key, const void *entry)
{
	uint32_t pid = *(const uint32_t *)key, other = ((const struct process_entry *)entry)->pid;

	return pid < other ? -1 : pid > other;
}

/* Flags that children inherit, with the time that they are held since. */
static bool has_flags(const struct synfw_process *process)
{
	return process->flags & ~(SYNFW_PROCESS_DISGUISED | SYNFW_PROCESS_TALKED_ANY);
}

/* Since when it is held, or would be. A child begins with its parent's: a time before its own start
 * is what it has from there, and has not been added to since. */
static uint64_t held_since(const struct synfw_process *process)
{
	return has_flags(process) ? process->flagged_boot_ns : process->level_boot_ns;
}

/* Up the line of parents, to whom it was that first had what `entry` began with. Without those that
 * have ended meanwhile. */
static bool has_it_from(const struct population *population, const struct process_entry *entry,
			const struct process_entry *from)
{
	const struct synfw_process *process = &entry->process;
	uint64_t since = held_since(process);
	const struct process_entry *parent;
	int i;

	for (i = 0; i < MAX_PARENTS && since < process->start_boot_ns; i++) {
		if (process->parent == from->pid)
			return process->parent_start_boot_ns == from->process.start_boot_ns;
		parent = bsearch(&process->parent, population->entries, population->count,
				 sizeof(*parent), compare_pid);
		if (!parent || parent->process.start_boot_ns != process->parent_start_boot_ns)
			return false;
		process = &parent->process;
	}
	return false;
}

/* Held by the same rule since the same nanosecond, before it began itself and in which nobody but
 * `from` came to it: by this those are found whose parents have ended. */
static bool has_the_same(const struct process_entry *entry, const struct process_entry *from)
{
	const struct synfw_process *process = &entry->process, *first = &from->process;

	return has_flags(process) && has_flags(first) &&
	       first->flagged_boot_ns >= first->start_boot_ns &&
	       process->flagged_boot_ns < process->start_boot_ns &&
	       process->flagged_boot_ns == first->flagged_boot_ns &&
	       process->counter == first->counter;
}

/* Who is to go. */
struct wanted {
	const struct process_entry *from; /* its heirs; NULL: all */
	const struct synfw_process_head *head;
	uint64_t began_ns; /* what came later is not asked for */
};

static bool is_held(const struct wanted *wanted, const struct synfw_process *process)
{
	/* who was spared, or would be flagged, is so for itself */
	if (!wanted->from && process->flags & SYNFW_PROCESS_TALKED_ANY)
		return true;
	return has_flags(process) || process_entry_score(process, wanted->head, wanted->began_ns);
}

static bool is_wanted(const struct wanted *wanted, const struct population *population,
		      const struct process_entry *entry)
{
	const struct process_entry *from = wanted->from;

	if (!is_held(wanted, &entry->process) || held_since(&entry->process) >= wanted->began_ns)
		return false;
	return !from || (entry->pid != from->pid &&
			 (has_the_same(entry, from) || has_it_from(population, entry, from)));
}

static int release_pass(const struct process_object *object, const struct wanted *wanted,
			struct fault *fault, size_t *ret_released)
{
	CLEANUP(population_done) struct population population = {NULL};
	size_t released = 0, i;
	int err = process_entries_read(object, fault, &population.entries, &population.count);

	for (i = 0; !err && i < population.count; i++) {
		const struct process_entry *entry = &population.entries[i];

		if (!is_wanted(wanted, &population, entry))
			continue;
		err = release(object, entry, fault);
		released++;
	}
	*ret_released = released;
	return err;
}

/* Until a pass finds nobody: a fork that has copied what is taken back is in the table after a
 * grace period. */
static int release_passes(const struct process_object *object, const struct wanted *wanted,
			  struct fault *fault, size_t *ret_released)
{
	size_t released = 0, more = 1;
	int err = 0, pass;

	for (pass = 0; !err && more && pass < MAX_PASSES; pass++) {
		err = grace_wait(fault);
		if (!err)
			err = release_pass(object, wanted, fault, &more);
		released += more;
	}
	if (!err && more)
		err = fault_refuse(fault, EXIT_KERNEL,
				   "processes are forked faster than they are released: %zu are "
				   "done; end what forks them, or try again",
				   released);
	*ret_released = released;
	return err;
}

int process_release(const struct process_object *object, const struct synfw_process_head *head,
		    const struct process_entry *entry, struct fault *fault, size_t *ret_heirs)
{
	int err = release(object, entry, fault);
	const struct wanted wanted = {.from = entry, .head = head, .began_ns = source_now()};

	*ret_heirs = 0;
	if (err || !is_held(&wanted, &entry->process))
		return err;
	return release_passes(object, &wanted, fault, ret_heirs);
}

/* ---- all ---- */

static int forget_executables(const struct process_object *object, struct fault *fault)
{
	int fd = object->map_fd[PROCESS_EXECUTABLES], left = SYNFW_MAX_EXECUTABLES;
	struct synfw_executable_key key;

	/* always the first one that is left */
	while (left-- && !bpf_map_get_next_key(fd, NULL, &key))
		if (bpf_map_delete_elem(fd, &key) && errno != ENOENT)
			return fault_system(fault, -errno,
					    "cannot forget the points of executables");
	return 0;
}

int process_release_all(const struct process_object *object, const struct synfw_process_head *head,
			struct fault *fault, size_t *ret_released)
{
	const struct wanted wanted = {.head = head, .began_ns = source_now()};
	int err = forget_executables(object, fault);

	*ret_released = 0;
	return err ? err : release_passes(object, &wanted, fault, ret_released);
}
