/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

uint32_t tables_page_count(uint32_t nr_lines)
{
	return (nr_lines + SYNFW_PAGE_LINES - 1) / SYNFW_PAGE_LINES;
}

/* The lines of a page, the last one's end filled up with zeros. */
static void copy_page(const struct image *image, uint32_t number, struct synfw_line *page)
{
	uint32_t count = image->nr_lines - number * SYNFW_PAGE_LINES;

	if (count > SYNFW_PAGE_LINES)
		count = SYNFW_PAGE_LINES;
	memcpy(page, image->lines + (size_t)number * SYNFW_PAGE_LINES, count * sizeof(*page));
	memset(page + count, 0, (SYNFW_PAGE_LINES - count) * sizeof(*page));
}

static int create_page(const struct synfw_line *page, struct fault *fault, struct tables *tables)
{
	uint32_t zero = 0;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_page", sizeof(zero), SYNFW_PAGE_BYTES,
				1, NULL);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot create page %u of the policy's tables",
				    tables->nr_pages);
	tables->page_fd[tables->nr_pages++] = fd;
	if (bpf_map_update_elem(fd, &zero, page, BPF_ANY))
		return fault_system(fault, -errno, "cannot fill the policy's tables");
	return 0;
}

static int read_page(const struct tables *tables, uint32_t number, struct synfw_line *page,
		     struct fault *fault)
{
	uint32_t zero = 0;

	if (number >= tables->nr_pages)
		return fault_refuse(fault, EXIT_KERNEL, "the policy's tables have no page %u",
				    number);
	if (bpf_map_lookup_elem(tables->page_fd[number], &zero, page))
		return fault_system(fault, -errno, "cannot read page %u of the policy's tables",
				    number);
	return 0;
}

int tables_read_lines(const struct tables *tables, uint32_t first, uint32_t count,
		      struct synfw_line *lines, struct fault *fault)
{
	CLEANUP(cleanup_free) struct synfw_line *page = malloc(SYNFW_PAGE_BYTES);
	int err;

	if (!page)
		return fault_system(fault, -ENOMEM, "cannot read the policy's tables");
	while (count) {
		uint32_t offset = first % SYNFW_PAGE_LINES;
		uint32_t part = SYNFW_PAGE_LINES - offset;

		if (part > count)
			part = count;
		err = read_page(tables, first / SYNFW_PAGE_LINES, page, fault);
		if (err)
			return err;
		memcpy(lines, page + offset, part * sizeof(*lines));
		lines += part;
		first += part;
		count -= part;
	}
	return 0;
}

/* Page by page: written, read back and compared. */
static int create_pages(const struct image *image, struct fault *fault, struct tables *tables)
{
	CLEANUP(cleanup_free) struct synfw_line *page = malloc(SYNFW_PAGE_BYTES);
	CLEANUP(cleanup_free) struct synfw_line *read = malloc(SYNFW_PAGE_BYTES);
	uint32_t number, count = tables_page_count(image->nr_lines);
	int err;

	if (!page || !read)
		return fault_system(fault, -ENOMEM, "cannot write the policy's tables");
	if (count > SYNFW_MAX_PAGES)
		return fault_system(fault, -E2BIG, "the policy's tables take %u pages", count);
	for (number = 0; number < count; number++) {
		copy_page(image, number, page);
		err = create_page(page, fault, tables);
		if (!err)
			err = read_page(tables, number, read, fault);
		if (err)
			return err;
		if (memcmp(read, page, SYNFW_PAGE_BYTES))
			return fault_refuse(fault, EXIT_KERNEL,
					    "the policy's tables read back "
					    "from the kernel differ from what was written");
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
	uint32_t number, key;

	if (err)
		return err;
	for (number = 0; number < tables->nr_pages; number++) {
		key = page_key(slot, number);
		if (bpf_map_update_elem(object->map_fd[OBJECT_PAGES], &key,
					&tables->page_fd[number], BPF_ANY))
			return fault_system(fault, -errno, "cannot stage the policy's tables");
	}
	return 0;
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
	uint32_t count = 0;
	int err = 0, error;

	while (page_is_there(object, slot, count))
		count++;
	/* from the last on: what is left when this ends half-way still begins with page 0 */
	while (count-- && !err)
		err = object_clear_inner(object->map_fd[OBJECT_PAGES], page_key(slot, count));
	error = dynamic_clear(object, slot);
	return err ? err : error;
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
