/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tables.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

/* Elements of one batch call: enough to make the calls' cost vanish, few enough to copy. */
#define BATCH 16384

/* One kind of address index. Entries are a key followed by its class id. */
struct index_kind {
	enum object_map outer;
	enum bpf_map_type type;
	const char *name;
	uint32_t key_size;
	size_t entry_size;
	size_t class_offset;
	size_t entries_offset; /* of the array and of its length in struct address_index */
	size_t count_offset;
	uint8_t header_bit;
};

#define INDEX_KIND(KIND, kind, map_type)                                           \
	{                                                                          \
		.outer = OBJECT_##KIND, .type = map_type, .name = "policy_" #kind, \
		.key_size = offsetof(struct kind##_entry, class_id),               \
		.entry_size = sizeof(struct kind##_entry),                         \
		.class_offset = offsetof(struct kind##_entry, class_id),           \
		.entries_offset = offsetof(struct address_index, kind),            \
		.count_offset = offsetof(struct address_index, nr_##kind),         \
		.header_bit = SYNFW_INDEX_##KIND,                                  \
	}

static const struct index_kind index_kinds[TABLES_NR_INDEXES] = {
	INDEX_KIND(EXACT6, exact6, BPF_MAP_TYPE_HASH),
	INDEX_KIND(LPM6, lpm6, BPF_MAP_TYPE_LPM_TRIE),
};

/* The key sizes above are offsets of the class id: true only without padding in between. */
_Static_assert(offsetof(struct exact6_entry, class_id) == sizeof(struct synfw_addr6), "no padding");
_Static_assert(offsetof(struct lpm6_entry, class_id) == sizeof(struct synfw_lpm6_key),
	       "no padding");

static const uint8_t *kind_entries(const struct index_kind *kind, const struct address_index *index)
{
	return *(const uint8_t *const *)((const uint8_t *)index + kind->entries_offset);
}

static size_t kind_count(const struct index_kind *kind, const struct address_index *index)
{
	return *(const size_t *)((const uint8_t *)index + kind->count_offset);
}

static bool image_has_index(const struct image *image, int kind, int direction)
{
	uint8_t bit = index_kinds[kind].header_bit << (direction == SYNFW_DIR_DST ? 4 : 0);

	return image_header_const(image)->indexes & bit;
}

/* Writes `count` elements. Where a batch is refused or stops early (LPM tries fail with ENOMEM on
 * some kernels), every element is written singly: the same keys again, with the same values. */
static int write_elements(int fd, const void *keys, size_t key_size, const void *values,
			  size_t value_size, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	uint32_t done = count, i;

	if (!bpf_map_update_batch(fd, keys, values, &done, &opts) && done == count)
		return 0;
	for (i = 0; i < count; i++)
		if (bpf_map_update_elem(fd, (const uint8_t *)keys + i * key_size,
					(const uint8_t *)values + i * value_size, BPF_ANY))
			return -errno;
	return 0;
}

static uint32_t page_count(uint32_t nr_lines)
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
	for (key = 0; key < page_count(image->nr_lines); key++) {
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

static int fill_index(int fd, const struct index_kind *kind, const struct address_index *index)
{
	CLEANUP(cleanup_free) uint8_t *keys = calloc(BATCH, kind->key_size);
	CLEANUP(cleanup_free) uint32_t *values = calloc(BATCH, sizeof(*values));
	const uint8_t *entry = kind_entries(kind, index);
	size_t left = kind_count(kind, index);
	uint32_t count, i;
	int err;

	if (!keys || !values)
		return -ENOMEM;
	for (; left; left -= count) {
		count = left < BATCH ? left : BATCH;
		for (i = 0; i < count; i++, entry += kind->entry_size) {
			memcpy(keys + i * kind->key_size, entry, kind->key_size);
			memcpy(&values[i], entry + kind->class_offset, sizeof(values[i]));
		}
		err = write_elements(fd, keys, kind->key_size, values, sizeof(*values), count);
		if (err)
			return err;
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

/* The map has room for exactly the image's entries, so every entry found with its class means
 * that there are no others. */
static int verify_index(int fd, const struct index_kind *kind, const struct address_index *index,
			struct fault *fault)
{
	const uint8_t *entry = kind_entries(kind, index);
	size_t left = kind_count(kind, index);
	uint32_t class_id;

	for (; left; left--, entry += kind->entry_size) {
		if (bpf_map_lookup_elem(fd, entry, &class_id))
			return fault_system(fault, -errno, "cannot read back an address of %s",
					    kind->name);
		if (memcmp(&class_id, entry + kind->class_offset, sizeof(class_id)))
			return fault_refuse(fault, EXIT_KERNEL,
					    "an address of %s read back from "
					    "the kernel differs from what was written",
					    kind->name);
	}
	return 0;
}

static int create_lines(const struct image *image, struct fault *fault, struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	int err;

	tables->lines_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_lines", sizeof(uint32_t),
					  SYNFW_PAGE_BYTES, page_count(image->nr_lines), &opts);
	if (tables->lines_fd < 0)
		return fault_system(fault, -errno, "cannot create a table of %u pages",
				    page_count(image->nr_lines));
	err = fill_lines(tables->lines_fd, image);
	if (err)
		return fault_system(fault, err, "cannot fill the policy's tables");
	return verify_lines(tables->lines_fd, image, fault);
}

static int create_index(const struct image *image, int number, int direction, struct fault *fault,
			struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const struct index_kind *kind = &index_kinds[number];
	const struct address_index *index = &image->index[direction];
	size_t entries = kind_count(kind, index);
	int fd, err;

	fd = bpf_map_create(kind->type, kind->name, kind->key_size, sizeof(uint32_t),
			    entries ? entries : 1, &opts);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot create the map %s of %zu addresses",
				    kind->name, entries);
	tables->index_fd[number][direction] = fd;
	err = fill_index(fd, kind, index);
	if (err)
		return fault_system(fault, err, "cannot fill the map %s of %zu addresses",
				    kind->name, entries);
	return verify_index(fd, kind, index, fault);
}

int tables_create(const struct image *image, struct fault *fault, struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int kind, direction, err;

	for (kind = 0; kind < TABLES_NR_INDEXES; kind++) {
		for (direction = 0; direction < SYNFW_NR_DIRS; direction++) {
			if (!image_has_index(image, kind, direction))
				continue;
			err = create_index(image, kind, direction, fault, &tables);
			if (err)
				return err;
		}
	}
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
	uint32_t keys[SYNFW_NR_DIRS], count;
	int kind, direction, fds[SYNFW_NR_DIRS], err;

	for (kind = 0; kind < TABLES_NR_INDEXES; kind++) {
		/* both directions in one call: user space waits for a grace period at each */
		count = 0;
		for (direction = 0; direction < SYNFW_NR_DIRS; direction++) {
			if (tables->index_fd[kind][direction] < 0)
				continue;
			keys[count] = slot * SYNFW_NR_DIRS + direction;
			fds[count++] = tables->index_fd[kind][direction];
		}
		if (!count)
			continue;
		err = write_elements(object->map_fd[index_kinds[kind].outer], keys, sizeof(*keys),
				     fds, sizeof(*fds), count);
		if (err)
			return fault_system(fault, err, "cannot stage the map %s",
					    index_kinds[kind].name);
	}
	err = dynamic_install(&tables->dynamic, object, slot, fault);
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

/* Deletes only what is there: each deletion waits for a grace period. */
static int clear_entry(int outer_fd, uint32_t key)
{
	uint32_t map_id;

	if (bpf_map_lookup_elem(outer_fd, &key, &map_id))
		return errno == ENOENT ? 0 : -errno;
	if (bpf_map_delete_elem(outer_fd, &key) && errno != ENOENT)
		return -errno;
	return 0;
}

int tables_clear(const struct object *object, uint32_t slot)
{
	int kind, direction, error, err;

	err = clear_entry(object->map_fd[OBJECT_LINES], slot);
	for (kind = 0; kind < TABLES_NR_INDEXES; kind++) {
		for (direction = 0; direction < SYNFW_NR_DIRS; direction++) {
			error = clear_entry(object->map_fd[index_kinds[kind].outer],
					    slot * SYNFW_NR_DIRS + direction);
			if (error && !err)
				err = error;
		}
	}
	error = dynamic_clear(object, slot);
	return err ? err : error;
}

static int open_entry(int outer_fd, uint32_t key, struct fault *fault, int *ret_fd)
{
	uint32_t map_id;
	int fd;

	if (bpf_map_lookup_elem(outer_fd, &key, &map_id)) {
		if (errno == ENOENT)
			return -ENOENT;
		return fault_system(fault, -errno, "cannot read a generation of the policy");
	}
	fd = bpf_map_get_fd_by_id(map_id);
	if (fd < 0) {
		if (errno == ENOENT)
			return -ENOENT;
		return fault_system(fault, -errno, "cannot open a table of the policy");
	}
	*ret_fd = fd;
	return 0;
}

int tables_open(const struct object *object, uint32_t slot, struct fault *fault,
		struct tables *ret_tables)
{
	CLEANUP(tables_close) struct tables tables = TABLES_NONE;
	int kind, direction, err;

	err = open_entry(object->map_fd[OBJECT_LINES], slot, fault, &tables.lines_fd);
	if (err)
		return err;
	for (kind = 0; kind < TABLES_NR_INDEXES; kind++) {
		for (direction = 0; direction < SYNFW_NR_DIRS; direction++) {
			err = open_entry(object->map_fd[index_kinds[kind].outer],
					 slot * SYNFW_NR_DIRS + direction, fault,
					 &tables.index_fd[kind][direction]);
			if (err && err != -ENOENT)
				return err;
		}
	}
	err = dynamic_open(object, slot, fault, &tables.dynamic);
	if (err)
		return err;
	*ret_tables = tables;
	tables = (struct tables)TABLES_NONE;
	return 0;
}

void tables_close(struct tables *tables)
{
	int kind, direction;

	cleanup_fd(&tables->lines_fd);
	dynamic_close(&tables->dynamic);
	for (kind = 0; kind < TABLES_NR_INDEXES; kind++)
		for (direction = 0; direction < SYNFW_NR_DIRS; direction++)
			cleanup_fd(&tables->index_fd[kind][direction]);
	*tables = (struct tables)TABLES_NONE;
}
