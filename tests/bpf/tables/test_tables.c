/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The agent's reading of a generation's lines: across the border of pages, from a page that can be
 * mapped and from one of before ABI 6, which cannot. Needs root.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>
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
	puts("lines of mapped and of copied pages: as they were written");
	return EXIT_SUCCESS;
}
