/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/inner_changes.h"

/* One inner map and what belongs into it. */
struct table {
	const char *name;
	enum bpf_map_type type;
	uint32_t flags;
	uint32_t key_size, value_size;
	uint32_t count;
	const void *keys, *values; /* keys NULL: 0, 1, 2 ... */
	size_t stride;		   /* from one to the next, of keys and of values */
};

static void describe(const struct process_tables *tables, struct table out[PROCESS_NR_INNER])
{
	/* clang-format off */
	const struct table all[PROCESS_NR_INNER] = {
		{"process_vectors", BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, sizeof(uint32_t),
		 sizeof(*tables->vectors), tables->nr_vectors, NULL, tables->vectors,
		 sizeof(*tables->vectors)},
		{"process_rules", BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, sizeof(uint32_t),
		 sizeof(*tables->rules), tables->head.nr_bits, NULL, tables->rules,
		 sizeof(*tables->rules)},
		{"process_paths", BPF_MAP_TYPE_HASH, 0, sizeof(struct synfw_path_key),
		 sizeof(struct synfw_path_class), tables->nr_paths, &tables->paths->key,
		 &tables->paths->class, sizeof(*tables->paths)},
		{"process_pattern", BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
		 sizeof(struct synfw_pattern_key), sizeof(struct synfw_path_class),
		 tables->nr_patterns, &tables->patterns->key, &tables->patterns->class,
		 sizeof(*tables->patterns)},
		{"process_ids", BPF_MAP_TYPE_HASH, 0, sizeof(struct synfw_process_id),
		 sizeof(struct synfw_process_id_value), tables->nr_ids, &tables->ids->key,
		 &tables->ids->value, sizeof(*tables->ids)},
	};
	/* clang-format on */

	memcpy(out, all, sizeof(all));
}

/* The table as two arrays, as batches take them. */
struct packed {
	uint8_t *keys, *values;
};

static void packed_done(struct packed *packed)
{
	free(packed->keys);
	free(packed->values);
}

static int pack(const struct table *table, struct packed *packed)
{
	uint32_t i;

	packed->keys = calloc(table->count + 1, table->key_size);
	packed->values = calloc(table->count + 1, table->value_size);
	if (!packed->keys || !packed->values)
		return -ENOMEM;
	for (i = 0; i < table->count; i++) {
		memcpy(packed->keys + (size_t)i * table->key_size,
		       table->keys ? (const char *)table->keys + i * table->stride
				   : (const char *)&i,
		       table->key_size);
		memcpy(packed->values + (size_t)i * table->value_size,
		       (const char *)table->values + i * table->stride, table->value_size);
	}
	return 0;
}

/* Some kernels refuse batches for some types of map, or stop in the middle: what is left is written
 * one by one, and its error is the one that counts. */
static int fill(int fd, const struct table *table, const struct packed *packed)
{
	uint32_t done = table->count;

	if (!table->count)
		return 0;
	if (!bpf_map_update_batch(fd, packed->keys, packed->values, &done, NULL))
		return 0;
	for (done = 0; done < table->count; done++)
		if (bpf_map_update_elem(fd, packed->keys + (size_t)done * table->key_size,
					packed->values + (size_t)done * table->value_size, BPF_ANY))
			return -errno;
	return 0;
}

static int verify(int fd, const struct table *table, const struct packed *packed,
		  struct fault *fault)
{
	CLEANUP(cleanup_free) void *value = malloc(table->value_size);
	uint32_t i;

	if (!value)
		return fault_system(fault, -ENOMEM, "cannot read the rules on processes back");
	for (i = 0; i < table->count; i++)
		if (bpf_map_lookup_elem(fd, packed->keys + (size_t)i * table->key_size, value) ||
		    memcmp(value, packed->values + (size_t)i * table->value_size,
			   table->value_size))
			return fault_refuse(fault, EXIT_KERNEL,
					    "the table \"%s\" read back from the kernel differs "
					    "from what was written",
					    table->name);
	return 0;
}

static int create(const struct table *table, struct fault *fault, int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = table->flags);
	CLEANUP(packed_done) struct packed packed = {NULL};
	CLEANUP(cleanup_fd) int fd = -1;
	int err;

	fd = bpf_map_create(table->type, table->name, table->key_size, table->value_size,
			    table->count ? table->count : 1, &opts);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot create the table \"%s\" of %u entries",
				    table->name, table->count);
	err = pack(table, &packed);
	if (!err)
		err = fill(fd, table, &packed);
	if (err)
		return fault_system(fault, err, "cannot fill the table \"%s\"", table->name);
	err = verify(fd, table, &packed, fault);
	if (err)
		return err;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int process_inner_create(const struct process_tables *tables, struct fault *fault,
			 struct process_inner *ret_inner)
{
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	struct table table[PROCESS_NR_INNER];
	int i, err = 0;

	describe(tables, table);
	for (i = 0; !err && i < PROCESS_NR_INNER; i++)
		err = create(&table[i], fault, &inner.fd[i]);
	if (err)
		return err;
	*ret_inner = inner;
	inner = (struct process_inner)PROCESS_INNER_NONE;
	return 0;
}

static int write_head(const struct process_object *object, uint32_t slot,
		      const struct synfw_process_head *head)
{
	return bpf_map_update_elem(object->map_fd[PROCESS_HEADS], &slot, head, BPF_ANY) ? -errno
											: 0;
}

/* `fds` NULL: the slot becomes empty. */
static int change_inner(const struct process_object *object, uint32_t slot, const int *fds)
{
	struct inner_change changes[PROCESS_NR_INNER];
	int i;

	for (i = 0; i < PROCESS_NR_INNER; i++)
		changes[i] = (struct inner_change){object->map_fd[PROCESS_VECTORS + i], slot,
						   fds ? fds[i] : -1};
	return inner_changes_make(changes, PROCESS_NR_INNER);
}

int process_inner_install(const struct process_inner *inner, const struct synfw_process_head *head,
			  const struct process_object *object, uint32_t slot, struct fault *fault)
{
	static const struct synfw_process_head none;
	int err = write_head(object, slot, &none);

	if (!err)
		err = change_inner(object, slot, inner->fd);
	if (!err)
		err = write_head(object, slot, head);
	return err ? fault_system(fault, err, "cannot stage the rules on processes") : 0;
}

int process_inner_clear(const struct process_object *object, uint32_t slot)
{
	static const struct synfw_process_head none;
	int err = write_head(object, slot, &none);
	int error = change_inner(object, slot, NULL);

	return err ? err : error;
}

int process_inner_open(const struct process_object *object, uint32_t slot, struct fault *fault,
		       struct process_inner *ret_inner)
{
	CLEANUP(process_inner_close) struct process_inner inner = PROCESS_INNER_NONE;
	int i, err = 0;

	for (i = 0; !err && i < PROCESS_NR_INNER; i++)
		err = object_open_inner(object->map_fd[PROCESS_VECTORS + i], slot,
					"a table of rules on processes", fault, &inner.fd[i]);
	if (err)
		return err;
	*ret_inner = inner;
	inner = (struct process_inner)PROCESS_INNER_NONE;
	return 0;
}

int process_inner_read_rules(const struct process_inner *inner,
			     const struct synfw_process_head *head, struct fault *fault,
			     struct synfw_process_rule **ret_rules)
{
	CLEANUP(cleanup_free)
	struct synfw_process_rule *rules = calloc(head->nr_bits + 1, sizeof(*rules));
	uint32_t bit;

	if (!rules)
		return fault_system(fault, -ENOMEM, "cannot read the rules on processes");
	for (bit = 0; bit < head->nr_bits; bit++)
		if (bpf_map_lookup_elem(inner->fd[PROCESS_RULES - PROCESS_VECTORS], &bit,
					&rules[bit]))
			return fault_system(fault, -errno, "cannot read the rules on processes");
	*ret_rules = TAKE_PTR(rules);
	return 0;
}

void process_inner_close(struct process_inner *inner)
{
	int i;

	for (i = 0; i < PROCESS_NR_INNER; i++)
		cleanup_fd(&inner->fd[i]);
	*inner = (struct process_inner)PROCESS_INNER_NONE;
}
