/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "entries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#define NS_PER_S 1e9

static int compare(const void *a, const void *b)
{
	const struct process_entry *left = a, *right = b;

	return left->pid < right->pid ? -1 : left->pid > right->pid;
}

/* All at once: there is room for every entry that the map can hold. */
int process_entries_read(const struct process_object *object, struct fault *fault,
			 struct process_entry **ret_entries, size_t *ret_count)
{
	CLEANUP(cleanup_free) uint32_t *pids = calloc(SYNFW_MAX_PROCESSES, sizeof(*pids));
	CLEANUP(cleanup_free)
	struct synfw_process *values = calloc(SYNFW_MAX_PROCESSES, sizeof(*values));
	CLEANUP(cleanup_free) struct process_entry *entries = NULL;
	uint32_t count = SYNFW_MAX_PROCESSES, token, i;

	if (!pids || !values)
		return fault_system(fault, -ENOMEM, "cannot read the processes");
	if (bpf_map_lookup_batch(object->map_fd[PROCESS_PROCESSES], NULL, &token, pids, values,
				 &count, NULL) &&
	    errno != ENOENT)
		return fault_system(fault, -errno, "cannot read the processes");
	entries = calloc(count + 1, sizeof(*entries));
	if (!entries)
		return fault_system(fault, -ENOMEM, "cannot read the processes");
	for (i = 0; i < count; i++)
		entries[i] = (struct process_entry){pids[i], values[i]};
	qsort(entries, count, sizeof(*entries), compare);
	*ret_entries = TAKE_PTR(entries);
	*ret_count = count;
	return 0;
}

int process_entry_read(const struct process_object *object, uint32_t pid, struct fault *fault,
		       struct synfw_process *ret_process)
{
	if (!bpf_map_lookup_elem(object->map_fd[PROCESS_PROCESSES], &pid, ret_process))
		return 0;
	return errno == ENOENT ? -ENOENT : fault_system(fault, -errno, "cannot read a process");
}

/* As the programs: what was written in the future, by another CPU just now, has not leaked. */
static uint32_t score_now(uint64_t level, uint64_t level_boot_ns,
			  const struct synfw_process_head *head, uint64_t now_boot_ns)
{
	uint64_t elapsed_ns = now_boot_ns > level_boot_ns ? now_boot_ns - level_boot_ns : 0;
	uint64_t leaked;

	if (!head->decay || __builtin_mul_overflow(elapsed_ns, head->decay, &leaked))
		return 0;
	return level > leaked ? (level - leaked) / SYNFW_SCORE_UNIT : 0;
}

uint32_t process_entry_score(const struct synfw_process *process,
			     const struct synfw_process_head *head, uint64_t now_boot_ns)
{
	return score_now(process->level, process->level_boot_ns, head, now_boot_ns);
}

static bool read_effective_uid(uint32_t pid, uint32_t *ret_uid)
{
	char path[32], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "Uid: %*u %u", ret_uid) == 1;
	if (file)
		fclose(file);
	return found;
}

/* What the points of its executable go by; false: nobody knows what it executed, or it has
 * ended. */
static bool executable_key(const struct process_entry *entry, struct synfw_executable_key *ret_key)
{
	struct synfw_executable_key key = {.file = entry->process.file};

	if (!key.file.kind || !read_effective_uid(entry->pid, &key.uid))
		return false;
	*ret_key = key;
	return true;
}

int process_executable_read(const struct process_object *object, const struct process_entry *entry,
			    const struct synfw_process_head *head, uint64_t now_boot_ns,
			    struct fault *fault, struct process_executable *ret_executable)
{
	struct process_executable executable = {.present = true};
	struct synfw_executable_key key;

	*ret_executable = (struct process_executable){0};
	if (!executable_key(entry, &key))
		return 0;
	if (bpf_map_lookup_elem(object->map_fd[PROCESS_EXECUTABLES], &key, &executable.last))
		return errno == ENOENT ? 0
				       : fault_system(fault, -errno,
						      "cannot read the points of an executable");
	executable.uid = key.uid;
	executable.score =
		score_now(executable.last.level, executable.last.level_boot_ns, head, now_boot_ns);
	*ret_executable = executable;
	return 0;
}

int process_executable_forget(const struct process_object *object,
			      const struct process_entry *entry, struct fault *fault)
{
	struct synfw_executable_key key;

	if (executable_key(entry, &key) &&
	    bpf_map_delete_elem(object->map_fd[PROCESS_EXECUTABLES], &key) && errno != ENOENT)
		return fault_system(fault, -errno, "cannot forget the points of an executable");
	return 0;
}

bool process_entry_isolated(const struct synfw_process *process,
			    const struct synfw_process_head *head)
{
	return process->flags & SYNFW_PROCESS_ISOLATED &&
	       head->actions & 1U << SYNFW_PROCESS_ISOLATE;
}

bool process_entry_talked(const struct synfw_process *process,
			  const struct synfw_process_head *head)
{
	uint32_t flags = SYNFW_PROCESS_TALKED;

	if (head->monitor)
		flags |= SYNFW_PROCESS_TALKED_MONITOR;
	return head->on_peer_block && process->flags & flags;
}

uint64_t process_entry_resident(const struct process_entry *entry)
{
	unsigned long long size, resident;
	char path[32];
	FILE *file;
	int got;

	snprintf(path, sizeof(path), "/proc/%u/statm", entry->pid);
	file = fopen(path, "re");
	if (!file)
		return entry->process.resident_bytes;
	got = fscanf(file, "%llu %llu", &size, &resident);
	fclose(file);
	return got == 2 ? resident * sysconf(_SC_PAGESIZE) : entry->process.resident_bytes;
}

/* As the programs: the smallest size in the eighths that lie within the rule's time. */
static uint64_t window_growth(const struct synfw_growth_window *window, uint64_t now_boot_ns)
{
	uint64_t part_ns = window->within_ns / SYNFW_GROWTH_PARTS, lowest = window->last_bytes;
	uint64_t part = part_ns ? now_boot_ns / part_ns : 0, i, bytes;

	for (i = 0; i <= SYNFW_GROWTH_PARTS; i++) {
		/* parts in which nothing was heard: it stayed as it was */
		if (part - i > window->part)
			continue;
		bytes = window->lowest_bytes[(part - i) % SYNFW_GROWTH_PLACES];
		lowest = bytes < lowest ? bytes : lowest;
	}
	return window->last_bytes - lowest;
}

uint64_t process_entry_growth(const struct process_object *object, const struct manifest *manifest,
			      const struct process_entry *entry, uint64_t now_boot_ns)
{
	struct synfw_growth_key key = {.pid = entry->pid};
	struct synfw_growth_window window;
	uint64_t fastest = 0, rate;
	size_t i;

	for (i = 0; i < manifest->nr_process_rules; i++) {
		if (manifest->process_rules[i].trigger == SYNFW_ON_EXEC)
			continue;
		if (manifest->process_rules[i].trigger == SYNFW_ON_GROWTH &&
		    !bpf_map_lookup_elem(object->map_fd[PROCESS_GROWTH], &key, &window) &&
		    window.start_boot_ns == entry->process.start_boot_ns && window.within_ns) {
			rate = (double)window_growth(&window, now_boot_ns) * NS_PER_S /
			       window.within_ns;
			fastest = rate > fastest ? rate : fastest;
		}
		key.index++;
	}
	return fastest;
}
