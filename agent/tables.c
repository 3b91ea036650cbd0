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

/* Page by page; the end of the last one is filled up with zeros. */
static int fill_lines(int fd, const struct image *image)
{
	CLEANUP(cleanup_free) struct synfw_line *page = malloc(SYNFW_PAGE_BYTES);
	uint32_t key, count;

	if (!page)
		return -ENOMEM;
	for (key = 0; key < tables_page_count(image->nr_lines); key++) {
		count = image->nr_lines - key * SYNFW_PAGE_LINES;
		if (count > SYNFW_PAGE_LINES)
			count = SYNFW_PAGE_LINES;
		memcpy(page, image->lines + (size_t)key * SYNFW_PAGE_LINES, count * sizeof(*page));
		memset(page + count, 0, (SYNFW_PAGE_LINES - count) * sizeof(*page));
		if (bpf_map_update_elem(fd, &key, page, BPF_ANY))
			return -errno;
	}
	return 0;
}

int tables_read_lines(int lines_fd, uint32_t first, uint32_t count, struct synfw_line *lines,
		      struct fault *fault)
{
	CLEANUP(cleanup_free) struct synfw_line *page = malloc(SYNFW_PAGE_BYTES);

	if (!page)
		return fault_system(fault, -ENOMEM, "cannot read the policy's tables");
	while (count) {
		uint32_t key = first / SYNFW_PAGE_LINES, offset = first % SYNFW_PAGE_LINES;
		uint32_t part = SYNFW_PAGE_LINES - offset;

		if (part > count)
			part = count;
		if (bpf_map_lookup_elem(lines_fd, &key, page))
			return fault_system(fault, -errno,
					    "cannot read page %u of the policy's "
					    "tables",
					    key);
		memcpy(lines, page + offset, part * sizeof(*lines));
		lines += part;
		first += part;
		count -= part;
	}
	return 0;
}

static int verify_lines(int fd, const struct image *image, struct fault *fault)
{
	CLEANUP(cleanup_free) struct synfw_line *read = malloc(SYNFW_PAGE_BYTES);
	uint32_t first, count;
	int err;

	if (!read)
		return fault_system(fault, -ENOMEM, "cannot read the policy's tables back");
	for (first = 0; first < image->nr_lines; first += count) {
		count = image->nr_lines - first;
		if (count > SYNFW_PAGE_LINES)
			count = SYNFW_PAGE_LINES;
		err = tables_read_lines(fd, first, count, read, fault);
		if (err)
			return err;
		if (memcmp(read, image->lines + first, count * sizeof(*read)))
			return fault_refuse(fault, EXIT_KERNEL,
					    "the policy's tables read back "
					    "from the kernel differ from what was written");
	}
	return 0;
}

static int create_lines(const struct image *image, struct fault *fault, struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	int err;

	tables->lines_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_lines", sizeof(uint32_t),
			       SYNFW_PAGE_BYTES, tables_page_count(image->nr_lines), &opts);
	if (tables->lines_fd < 0)
		return fault_system(fault, -errno, "cannot create a table of %u pages",
				    tables_page_count(image->nr_lines));
	err = fill_lines(tables->lines_fd, image);
	if (err)
		return fault_system(fault, err, "cannot fill the policy's tables");
	return verify_lines(tables->lines_fd, image, fault);
}

int tables_create(const struct image *image, struct fault *fault, struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int err;

	err = create_lines(image, fault, &tables);
	if (err)
		return err;

	*ret_tables = tables;
	tables = (struct tables)TABLES_NONE;
	return 0;
}

int tables_install(const struct tables *tables, const struct object *object, uint32_t slot,
		   struct fault *fault)
{
	int err = dynamic_install(&tables->dynamic, object, slot, fault);

	if (err)
		return err;
	if (bpf_map_update_elem(object->map_fd[OBJECT_LINES], &slot, &tables->lines_fd, BPF_ANY))
		return fault_system(fault, -errno, "cannot stage the policy's tables");
	return 0;
}

bool tables_slot_is_empty(const struct object *object, uint32_t slot)
{
	uint32_t map_id;

	return bpf_map_lookup_elem(object->map_fd[OBJECT_LINES], &slot, &map_id) && errno == ENOENT;
}

int tables_clear(const struct object *object, uint32_t slot)
{
	int err = object_clear_inner(object->map_fd[OBJECT_LINES], slot);
	int error = dynamic_clear(object, slot);

	return err ? err : error;
}

int tables_open(const struct object *object, uint32_t slot, struct fault *fault,
		struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int err;

	err = object_open_inner(object->map_fd[OBJECT_LINES], slot, "a table of the policy", fault,
				&tables.lines_fd);
	if (err)
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
	cleanup_fd(&tables->lines_fd);
	dynamic_close(&tables->dynamic);
	*tables = (struct tables)TABLES_NONE;
}
