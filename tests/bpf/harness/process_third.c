/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/process_third.h"

#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/must.h"
#include "synfw_process.skel.h"

struct process_third {
	struct synfw_process_bpf *bpf;
};

struct process_third *process_third_open(void)
{
	struct process_third *third = calloc(1, sizeof(*third));
	struct bpf_program *program;

	MUST(third);
	third->bpf = synfw_process_bpf__open();
	MUST(third->bpf);
	bpf_object__for_each_program(program, third->bpf->obj)
		bpf_program__set_autoload(program, program == third->bpf->progs.synfw_ask);
	third->bpf->rodata->read_only = true;
	MUST(synfw_process_bpf__load(third->bpf) == 0);
	return third;
}

void process_third_close(struct process_third *third)
{
	if (third)
		synfw_process_bpf__destroy(third->bpf);
	free(third);
}

/* What an inner map receives: entries of `stride` bytes, each with a key and, `value_at` bytes
 * behind its beginning, a value. Without a key: an array. */
struct entries {
	enum bpf_map_type type;
	uint32_t flags;
	const void *first;
	uint32_t count;
	size_t stride, key_size, value_at, value_size;
};

static void put_entries(int fd, const struct entries *entries)
{
	for (uint32_t i = 0; i < entries->count; i++) {
		const char *entry = (const char *)entries->first + i * entries->stride;
		const void *key = entries->key_size ? (const void *)entry : &i;

		MUST(bpf_map_update_elem(fd, key, entry + entries->value_at, BPF_ANY) == 0);
	}
}

static void put_inner(struct bpf_map *outer, const struct entries *entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = entries->flags);
	size_t key_size = entries->key_size ? entries->key_size : sizeof(uint32_t);
	int fd = bpf_map_create(entries->type, NULL, key_size, entries->value_size,
				entries->count ? entries->count : 1, &options);
	uint32_t slot = 0;

	MUST(fd >= 0);
	put_entries(fd, entries);
	MUST(bpf_map_update_elem(bpf_map__fd(outer), &slot, &fd, BPF_ANY) == 0);
	close(fd);
}

#define ARRAY_ENTRIES(array, count)                                                               \
	((struct entries){BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP, array, count, sizeof(*(array)), 0, \
			  0, sizeof(*(array))})
#define KEYED_ENTRIES(map_type, flags, array, count, value)                                      \
	((struct entries){map_type, flags, array, count, sizeof(*(array)), sizeof((array)->key), \
			  offsetof(__typeof__(*(array)), value), sizeof((array)->value)})

void process_third_put(struct process_third *third, const struct process_tables *tables)
{
	const struct entries paths =
		KEYED_ENTRIES(BPF_MAP_TYPE_HASH, 0, tables->paths, tables->nr_paths, class);
	const struct entries patterns = KEYED_ENTRIES(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
						      tables->patterns, tables->nr_patterns, class);
	const struct entries ids =
		KEYED_ENTRIES(BPF_MAP_TYPE_HASH, 0, tables->ids, tables->nr_ids, value);
	const struct entries rules = ARRAY_ENTRIES(tables->rules, tables->head.nr_bits);
	const struct entries vectors = ARRAY_ENTRIES(tables->vectors, tables->nr_vectors);
	uint32_t slot = 0;

	put_inner(third->bpf->maps.synfw_process_paths, &paths);
	put_inner(third->bpf->maps.synfw_process_patterns, &patterns);
	put_inner(third->bpf->maps.synfw_process_ids, &ids);
	put_inner(third->bpf->maps.synfw_process_rules, &rules);
	put_inner(third->bpf->maps.synfw_process_vectors, &vectors);
	MUST(bpf_map_update_elem(bpf_map__fd(third->bpf->maps.synfw_process_heads), &slot,
				 &tables->head, BPF_ANY) == 0);
}

struct process_judgement process_third_ask(struct process_third *third,
					   struct synfw_process_question *question)
{
	int map = bpf_map__fd(third->bpf->maps.synfw_process_question);
	LIBBPF_OPTS(bpf_test_run_opts, options);
	uint32_t zero = 0;

	MUST(bpf_map_update_elem(map, &zero, question, BPF_ANY) == 0);
	MUST(bpf_prog_test_run_opts(bpf_program__fd(third->bpf->progs.synfw_ask), &options) == 0);
	MUST(bpf_map_lookup_elem(map, &zero, question) == 0);
	MUST(question->answered);
	return (struct process_judgement){question->bit, question->action, question->score,
					  question->causes & SYNFW_CAUSE_PROTECTED};
}
