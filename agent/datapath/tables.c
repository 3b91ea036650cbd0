/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "inner_changes.h"

uint32_t tables_page_count(uint32_t nr_lines)
{
	return (nr_lines + SYNFW_PAGE_LINES - 1) / SYNFW_PAGE_LINES;
}

/* Some lines of a page, in this process: a mapping, of which pages of the kernel that hold other
 * lines are part; or a copy of the whole page. */
struct window {
	void *begin;
	size_t bytes;
	struct synfw_line *copy;
	struct synfw_line *lines;
};

static void window_close(struct window *window)
{
	if (window->bytes)
		munmap(window->begin, window->bytes);
	free(window->copy);
	*window = (struct window){};
}

/* A system call would copy the whole page into memory that is touched for the first time, which
 * costs more than all else of an apply where a hypervisor keeps page tables for the guest. */
static int window_open(int page_fd, int prot, uint32_t first, uint32_t count,
		       struct window *ret_window)
{
	size_t begin = first * sizeof(struct synfw_line), inside = begin % sysconf(_SC_PAGESIZE);
	struct window window = {.bytes = count * sizeof(struct synfw_line) + inside};

	window.begin = mmap(NULL, window.bytes, prot, MAP_SHARED, page_fd, begin - inside);
	if (window.begin == MAP_FAILED)
		return -errno;
	window.lines = (void *)((char *)window.begin + inside);
	*ret_window = window;
	return 0;
}

/* Pages of before ABI 6 cannot be mapped. */
static int window_copy(int page_fd, uint32_t first, struct window *ret_window)
{
	struct window window = {.copy = malloc(SYNFW_PAGE_BYTES)};
	uint32_t zero = 0;
	int err;

	if (!window.copy)
		return -ENOMEM;
	if (bpf_map_lookup_elem(page_fd, &zero, window.copy)) {
		err = -errno;
		window_close(&window);
		return err;
	}
	window.lines = window.copy + first;
	*ret_window = window;
	return 0;
}

/* Lines that lie in one page. */
static int read_lines(const struct tables *tables, uint32_t number, uint32_t first, uint32_t count,
		      struct fault *fault, struct window *ret_window)
{
	int err;

	if (number >= tables->nr_pages)
		return fault_refuse(fault, EXIT_KERNEL, "the policy's tables have no page %u",
				    number);
	err = window_open(tables->page_fd[number], PROT_READ, first, count, ret_window);
	if (err == -EINVAL)
		err = window_copy(tables->page_fd[number], first, ret_window);
	return err ? fault_system(fault, err, "cannot read page %u of the policy's tables", number)
		   : 0;
}

int tables_read_lines(const struct tables *tables, uint32_t first, uint32_t count,
		      struct synfw_line *lines, struct fault *fault)
{
	while (count) {
		CLEANUP(window_close) struct window window = {};
		uint32_t offset = first % SYNFW_PAGE_LINES;
		uint32_t part = SYNFW_PAGE_LINES - offset;
		int err;

		if (part > count)
			part = count;
		err = read_lines(tables, first / SYNFW_PAGE_LINES, offset, part, fault, &window);
		if (err)
			return err;
		memcpy(lines, window.lines, part * sizeof(*lines));
		lines += part;
		first += part;
		count -= part;
	}
	return 0;
}

static size_t view_bytes(uint32_t nr_lines)
{
	return (size_t)tables_page_count(nr_lines) * SYNFW_PAGE_BYTES;
}

int tables_map(const struct tables *tables, uint32_t nr_lines, struct tables_view *ret_view)
{
	char *begin;

	*ret_view = (struct tables_view){};
	if (!nr_lines || tables_page_count(nr_lines) > tables->nr_pages)
		return -EINVAL;
	begin = mmap(NULL, view_bytes(nr_lines), PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (begin == MAP_FAILED)
		return -errno;
	*ret_view = (struct tables_view){.lines = (void *)begin, .nr_lines = nr_lines};
	for (uint32_t number = 0; number < tables_page_count(nr_lines); number++)
		if (mmap(begin + (size_t)number * SYNFW_PAGE_BYTES, SYNFW_PAGE_BYTES, PROT_READ,
			 MAP_SHARED | MAP_FIXED, tables->page_fd[number], 0) == MAP_FAILED)
			return -errno;
	return 0;
}

void tables_unmap(struct tables_view *view)
{
	if (view->lines)
		munmap(view->lines, view_bytes(view->nr_lines));
	*view = (struct tables_view){};
}

/* The kernel makes a page full of zeros. */
static int create_page(const struct synfw_line *lines, uint32_t count, struct fault *fault,
		       struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	CLEANUP(window_close) struct window window = {};
	int err, fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_page", sizeof(uint32_t),
				     SYNFW_PAGE_BYTES, 1, &opts);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot create page %u of the policy's tables",
				    tables->nr_pages);
	tables->page_fd[tables->nr_pages++] = fd;
	err = window_open(fd, PROT_WRITE, 0, count, &window);
	if (err)
		return fault_system(fault, err, "cannot fill the policy's tables");
	memcpy(window.lines, lines, count * sizeof(*lines));
	return 0;
}

static int compare_page(const struct tables *tables, uint32_t number,
			const struct synfw_line *lines, uint32_t count, struct fault *fault)
{
	CLEANUP(window_close) struct window window = {};
	int err = read_lines(tables, number, 0, count, fault, &window);

	if (err)
		return err;
	if (memcmp(window.lines, lines, count * sizeof(*lines)))
		return fault_refuse(fault, EXIT_KERNEL,
				    "the policy's tables read back "
				    "from the kernel differ from what was written");
	return 0;
}

/* Page by page: written, read back and compared. */
static int create_pages(const struct image *image, struct fault *fault, struct tables *tables)
{
	uint32_t number, pages = tables_page_count(image->nr_lines);

	if (pages > SYNFW_MAX_PAGES)
		return fault_system(fault, -E2BIG, "the policy's tables take %u pages", pages);
	for (number = 0; number < pages; number++) {
		uint32_t first = number * SYNFW_PAGE_LINES, count = image->nr_lines - first;
		int err;

		if (count > SYNFW_PAGE_LINES)
			count = SYNFW_PAGE_LINES;
		err = create_page(image->lines + first, count, fault, tables);
		if (!err)
			err = compare_page(tables, number, image->lines + first, count, fault);
		if (err)
			return err;
	}
	return 0;
}

int tables_create(const struct image *image, struct fault *fault, struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int err;

	err = create_pages(image, fault, &tables);
	if (err)
		return err;

	*ret_tables = tables;
	tables = (struct tables)TABLES_NONE;
	return 0;
}

static uint32_t page_key(uint32_t slot, uint32_t number)
{
	return slot * SYNFW_MAX_PAGES + number;
}

int tables_install(const struct tables *tables, const struct object *object, uint32_t slot,
		   struct fault *fault)
{
	int err = dynamic_install(&tables->dynamic, object, slot, fault);
	uint32_t keys[SYNFW_MAX_PAGES], number;

	if (err)
		return err;
	for (number = 0; number < tables->nr_pages; number++)
		keys[number] = page_key(slot, number);
	err = object_put_inner(object->map_fd[OBJECT_PAGES], keys, tables->page_fd,
			       tables->nr_pages);
	return err ? fault_system(fault, err, "cannot stage the policy's tables") : 0;
}

static bool page_is_there(const struct object *object, uint32_t slot, uint32_t number)
{
	uint32_t map_id, key = page_key(slot, number);

	return number < SYNFW_MAX_PAGES &&
	       (!bpf_map_lookup_elem(object->map_fd[OBJECT_PAGES], &key, &map_id) ||
		errno != ENOENT);
}

bool tables_slot_is_empty(const struct object *object, uint32_t slot)
{
	return !page_is_there(object, slot, 0);
}

int tables_clear(const struct object *object, uint32_t slot)
{
	struct inner_change changes[SYNFW_MAX_PAGES];
	uint32_t number;
	int err, error;

	for (number = 0; number < SYNFW_MAX_PAGES; number++)
		changes[number] = (struct inner_change){object->map_fd[OBJECT_PAGES],
							page_key(slot, number), -1};
	/* page 0 last: while it is there the slot is not taken for an empty one, whatever of the
	 * rest is left when this ends half-way */
	error = dynamic_clear(object, slot);
	err = inner_changes_make(changes + 1, SYNFW_MAX_PAGES - 1);
	if (err || error)
		return err ? err : error;
	return inner_changes_make(changes, 1);
}

int tables_open(const struct object *object, uint32_t slot, struct fault *fault,
		struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	uint32_t number;
	int err = 0;

	for (number = 0; number < SYNFW_MAX_PAGES && !err; number++) {
		err = object_open_inner(object->map_fd[OBJECT_PAGES], page_key(slot, number),
					"a page of the policy's tables", fault,
					&tables.page_fd[number]);
		tables.nr_pages += !err;
	}
	if (err && !(err == -ENOENT && tables.nr_pages))
		return err;
	err = dynamic_open(object, slot, fault, &tables.dynamic);
	if (err)
		return err;
	*ret_tables = tables;
	tables = (struct tables)TABLES_NONE;
	return 0;
}

void tables_close(struct tables *tables)
{
	while (tables->nr_pages)
		cleanup_fd(&tables->page_fd[--tables->nr_pages]);
	dynamic_close(&tables->dynamic);
	*tables = (struct tables)TABLES_NONE;
}
