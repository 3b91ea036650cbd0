/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the agent does with a generation's tables. Its lines are read across the border of pages,
 * from a page that can be mapped and from one of before ABI 6, which cannot; entries of maps of
 * maps are changed together. Needs root.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>
#include <datapath/inner_changes.h>
#include <datapath/tables.h>

#include "base/must.h"

/* A page whose lines are their numbers in the image. */
static int page_make(uint32_t number, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	CLEANUP(cleanup_free)
	struct synfw_line *lines = calloc(SYNFW_PAGE_LINES, sizeof(*lines));
	uint32_t zero = 0;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(zero), SYNFW_PAGE_BYTES, 1, &opts);

	MUST(lines && fd >= 0);
	for (uint32_t i = 0; i < SYNFW_PAGE_LINES; i++)
		lines[i].word[0] = lines[i].word[7] = number * SYNFW_PAGE_LINES + i;
	MUST(!bpf_map_update_elem(fd, &zero, lines, BPF_ANY));
	return fd;
}

static void lines_are_read(const struct tables *tables, uint32_t first, uint32_t count)
{
	CLEANUP(cleanup_free) struct synfw_line *lines = calloc(count, sizeof(*lines));
	struct fault fault = {};

	MUST(lines && !tables_read_lines(tables, first, count, lines, &fault));
	for (uint32_t i = 0; i < count; i++)
		MUST(lines[i].word[0] == first + i && lines[i].word[7] == first + i);
}

/* ---- maps of maps ---- */

#define NR_OUTER 8

static int array_make(enum bpf_map_type type, int inner_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner_fd);
	int fd = bpf_map_create(type, NULL, 4, 4, 2, &opts);

	MUST(fd >= 0);
	return fd;
}

static bool is_there(int outer_fd, uint32_t key)
{
	uint32_t map_id;

	return !bpf_map_lookup_elem(outer_fd, &key, &map_id);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* How long it takes to put something into all entries and to take it out, one by one and together.
 * Where a grace period is expedited there is nothing to save. */
static void waits_are_shared(const struct inner_change put[NR_OUTER],
			     const struct inner_change out[NR_OUTER])
{
	double began = now_ms(), singly, together = 0;

	for (int i = 0; i < NR_OUTER; i++)
		MUST(!inner_changes_make(&put[i], 1) && !inner_changes_make(&out[i], 1));
	singly = now_ms() - began;
	for (int i = 0; i < 5 && (!i || together > singly / 2); i++) {
		began = now_ms();
		MUST(!inner_changes_make(put, NR_OUTER) && !inner_changes_make(out, NR_OUTER));
		together = now_ms() - began;
	}
	printf("%d entries of maps of maps: %.1f ms one by one, %.1f together\n", NR_OUTER, singly,
	       together);
	MUST(singly < 2 * NR_OUTER || together < singly / 2);
}

static void *do_nothing(void *unused)
{
	return unused;
}

/* In a child without room for another stack, which has had no thread that it could take one from.
 */
static void entries_are_changed_without_threads(const struct inner_change put[NR_OUTER])
{
	struct rlimit none;
	pthread_t thread;
	pid_t child = fork();
	int status;

	MUST(child >= 0);
	if (!child) {
		MUST(!getrlimit(RLIMIT_AS, &none));
		none.rlim_cur = 0;
		MUST(!setrlimit(RLIMIT_AS, &none));
		MUST(pthread_create(&thread, NULL, do_nothing, NULL));
		_exit(inner_changes_make(put, NR_OUTER) ? 1 : 0);
	}
	MUST(waitpid(child, &status, 0) == child && !status);
	for (int i = 0; i < NR_OUTER; i++)
		MUST(is_there(put[i].outer_fd, i % 2));
}

static void entries_are_changed_together(void)
{
	struct inner_change put[NR_OUTER], out[NR_OUTER];
	int inner_fd = array_make(BPF_MAP_TYPE_ARRAY, 0);

	for (int i = 0; i < NR_OUTER; i++) {
		put[i] = out[i] = (struct inner_change){
			array_make(BPF_MAP_TYPE_ARRAY_OF_MAPS, inner_fd), i % 2, inner_fd};
		out[i].inner_fd = -1;
	}
	MUST(!inner_changes_make(put, 0));
	entries_are_changed_without_threads(put);
	MUST(!inner_changes_make(out, NR_OUTER));
	MUST(!inner_changes_make(put, NR_OUTER));
	for (int i = 0; i < NR_OUTER; i++)
		MUST(is_there(put[i].outer_fd, i % 2) && !is_there(put[i].outer_fd, 1 - i % 2));
	MUST(!inner_changes_make(out, NR_OUTER));
	for (int i = 0; i < NR_OUTER; i++)
		MUST(!is_there(put[i].outer_fd, i % 2));
	MUST(!inner_changes_make(out, NR_OUTER)); /* what is empty stays so */
	/* one that fails keeps none of the others from being made */
	put[0].key = put[NR_OUTER - 1].key = 2;
	MUST(inner_changes_make(put, NR_OUTER) == -E2BIG);
	for (int i = 1; i < NR_OUTER - 1; i++)
		MUST(is_there(put[i].outer_fd, i % 2));
	MUST(!inner_changes_make(out, NR_OUTER));
	put[0].key = out[0].key;
	put[NR_OUTER - 1].key = out[NR_OUTER - 1].key;
	waits_are_shared(put, out);
	for (int i = 0; i < NR_OUTER; i++)
		close(put[i].outer_fd);
	close(inner_fd);
}

/* A map of maps, or an array, of `entries`; -1: not a map of maps. */
static int outer_make(uint32_t entries, int inner_fd, uint32_t value_bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = inner_fd < 0 ? 0 : inner_fd);
	int fd = bpf_map_create(inner_fd < 0 ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_ARRAY_OF_MAPS,
				NULL, 4, value_bytes, entries, &opts);

	MUST(fd >= 0);
	return fd;
}

/* As an apply leaves it that was killed while it emptied the slot: its first page, and some others.
 */
static void a_slot_with_a_hole_is_emptied(void)
{
	static const uint32_t numbers[] = {0, 3, SYNFW_MAX_PAGES - 1};
	struct object object = OBJECT_NONE;
	int inner_fd = array_make(BPF_MAP_TYPE_ARRAY, 0), pages_fd;
	uint32_t key;

	pages_fd = object.map_fd[OBJECT_PAGES] = outer_make(SYNFW_PAGE_ENTRIES, inner_fd, 4);
	object.map_fd[OBJECT_MEMBERS] = outer_make(SYNFW_DYNAMIC_ENTRIES, inner_fd, 4);
	object.map_fd[OBJECT_DYNAMIC_SETS] =
		outer_make(SYNFW_NR_GENERATION_SLOTS, -1, sizeof(struct synfw_dynamic_sets));
	for (int i = 0; i < 3; i++) {
		key = SYNFW_MAX_PAGES + numbers[i];
		MUST(!bpf_map_update_elem(pages_fd, &key, &inner_fd, BPF_ANY));
	}
	key = 2; /* of the other slot */
	MUST(!bpf_map_update_elem(pages_fd, &key, &inner_fd, BPF_ANY));
	MUST(!tables_slot_is_empty(&object, 1) && !tables_clear(&object, 1));
	MUST(tables_slot_is_empty(&object, 1) && is_there(pages_fd, 2));
	for (int i = 0; i < 3; i++)
		MUST(!is_there(pages_fd, SYNFW_MAX_PAGES + numbers[i]));
	object_close(&object);
	close(inner_fd);
}

int main(void)
{
	struct tables tables = TABLES_NONE;
	struct synfw_line line;
	struct fault fault = {};

	tables.page_fd[0] = page_make(0, BPF_F_MMAPABLE);
	tables.page_fd[1] = page_make(1, 0);
	tables.page_fd[2] = page_make(2, BPF_F_MMAPABLE);
	tables.nr_pages = 3;
	lines_are_read(&tables, 0, 1);
	lines_are_read(&tables, 5, 3);
	/* a page of the kernel has 64 lines */
	lines_are_read(&tables, 63, 2);
	lines_are_read(&tables, SYNFW_PAGE_LINES - 1, 2);
	lines_are_read(&tables, SYNFW_PAGE_LINES + 70, 100);
	lines_are_read(&tables, SYNFW_PAGE_LINES - 3, SYNFW_PAGE_LINES + 6);
	lines_are_read(&tables, 3 * SYNFW_PAGE_LINES - 1, 1);
	MUST(tables_read_lines(&tables, 3 * SYNFW_PAGE_LINES, 1, &line, &fault));
	tables_close(&tables);
	entries_are_changed_together();
	a_slot_with_a_hole_is_emptied();
	puts("lines of mapped and of copied pages: as they were written");
	return EXIT_SUCCESS;
}
