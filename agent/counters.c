/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

/* Both kinds of counter are three words, which per-CPU maps hand out without padding. */
#define COUNTER_WORDS 3
_Static_assert(sizeof(struct synfw_rule_counter) == COUNTER_WORDS * 8, "words of a counter");
_Static_assert(sizeof(struct synfw_reason_counter) == COUNTER_WORDS * 8, "words of a counter");

static int compare_rules(const void *a, const void *b)
{
	const struct manifest_rule *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

const struct manifest_rule **counters_sort_rules(const struct manifest *manifest)
{
	const struct manifest_rule **sorted = calloc(manifest->nr_rules + 1, sizeof(*sorted));
	size_t i;

	if (!sorted)
		return NULL;
	for (i = 0; i < manifest->nr_rules; i++)
		sorted[i] = &manifest->rules[i];
	qsort(sorted, manifest->nr_rules, sizeof(*sorted), compare_rules);
	return sorted;
}

const struct manifest_rule *counters_find_rule(const struct manifest_rule **sorted, size_t count,
					       const char *name)
{
	const struct manifest_rule key = {.name = (char *)name};
	const struct manifest_rule *pointer = &key;
	const struct manifest_rule **found =
		bsearch(&pointer, sorted, count, sizeof(*sorted), compare_rules);

	return found ? *found : NULL;
}

int counters_assign(const struct manifest *live, struct manifest *next)
{
	static const struct manifest nothing;
	CLEANUP(cleanup_free) const struct manifest_rule **sorted = NULL;
	CLEANUP(cleanup_free) bool *taken = calloc(SYNFW_MAX_RULE_COUNTERS, sizeof(*taken));
	const struct manifest_rule *same;
	uint32_t free_slot = 1; /* slot 0 is "not counted" */
	size_t i;

	if (!live)
		live = &nothing;
	sorted = counters_sort_rules(live);
	if (!sorted || !taken)
		return -ENOMEM;
	for (i = 0; i < live->nr_rules; i++)
		taken[live->rules[i].counter] = true;
	for (i = 0; i < next->nr_rules; i++) {
		same = counters_find_rule(sorted, live->nr_rules, next->rules[i].name);
		if (same && same->counter) {
			next->rules[i].counter = same->counter;
			continue;
		}
		while (free_slot < SYNFW_MAX_RULE_COUNTERS && taken[free_slot])
			free_slot++;
		if (free_slot == SYNFW_MAX_RULE_COUNTERS)
			return -ENOSPC;
		next->rules[i].counter = free_slot++;
	}
	return 0;
}

void counters_number(const struct manifest *manifest, struct image *image)
{
	uint32_t bit, nr_bits = image_header_const(image)->nr_bits;
	struct synfw_rule *rule;

	for (bit = 0; bit < nr_bits; bit++) {
		rule = image_rule(image, bit);
		rule->counter =
			rule->index < manifest->nr_rules ? manifest->rules[rule->index].counter : 0;
	}
}

/* The words of one counter on every possible CPU, or NULL. */
static uint64_t *read_words(int map_fd, uint32_t key, int nr_cpus)
{
	CLEANUP(cleanup_free) uint64_t *words = calloc(nr_cpus, COUNTER_WORDS * sizeof(*words));

	if (!words || bpf_map_lookup_elem(map_fd, &key, words))
		return NULL;
	return TAKE_PTR(words);
}

static int read_sum(int map_fd, uint32_t key, struct fault *fault, uint64_t sum[COUNTER_WORDS])
{
	int nr_cpus = libbpf_num_possible_cpus(), i;
	CLEANUP(cleanup_free) uint64_t *words = NULL;

	if (nr_cpus < 0)
		return fault_system(fault, nr_cpus, "cannot count the CPUs");
	words = read_words(map_fd, key, nr_cpus);
	if (!words)
		return fault_system(fault, -errno, "cannot read counter %u", key);
	memset(sum, 0, COUNTER_WORDS * sizeof(*sum));
	for (i = 0; i < nr_cpus * COUNTER_WORDS; i++)
		sum[i % COUNTER_WORDS] += words[i];
	return 0;
}

int counters_read_rule(const struct object *object, uint32_t slot, struct fault *fault,
		       struct synfw_rule_counter *ret_sum)
{
	uint64_t sum[COUNTER_WORDS];
	int err = read_sum(object->map_fd[OBJECT_RULE_COUNTERS], slot, fault, sum);

	if (!err)
		memcpy(ret_sum, sum, sizeof(*ret_sum));
	return err;
}

int counters_read_reason(const struct object *object, uint32_t interface_slot,
			 enum synfw_reason reason, struct fault *fault,
			 struct synfw_reason_counter *ret_sum)
{
	uint32_t key = interface_slot * SYNFW_REASON_STRIDE + reason;
	uint64_t sum[COUNTER_WORDS];
	int err = read_sum(object->map_fd[OBJECT_REASON_COUNTERS], key, fault, sum);

	if (!err)
		memcpy(ret_sum, sum, sizeof(*ret_sum));
	return err;
}

static int copy_words(int from_fd, uint32_t from_key, int to_fd, uint32_t to_key,
		      struct fault *fault)
{
	int nr_cpus = libbpf_num_possible_cpus();
	CLEANUP(cleanup_free) uint64_t *words = NULL;

	if (nr_cpus < 0)
		return fault_system(fault, nr_cpus, "cannot count the CPUs");
	words = read_words(from_fd, from_key, nr_cpus);
	if (!words || bpf_map_update_elem(to_fd, &to_key, words, BPF_EXIST))
		return fault_system(fault, -errno, "cannot keep counter %u", from_key);
	return 0;
}

static int reset_words(int map_fd, uint32_t key, struct fault *fault)
{
	int nr_cpus = libbpf_num_possible_cpus();
	CLEANUP(cleanup_free) uint64_t *zero = NULL;
	uint64_t sum[COUNTER_WORDS];
	int err;

	err = read_sum(map_fd, key, fault, sum);
	if (err || !(sum[0] | sum[1] | sum[2]))
		return err;
	zero = calloc(nr_cpus, COUNTER_WORDS * sizeof(*zero));
	if (!zero || bpf_map_update_elem(map_fd, &key, zero, BPF_EXIST))
		return fault_system(fault, zero ? -errno : -ENOMEM, "cannot reset counter %u", key);
	return 0;
}

int counters_reset_rule(const struct object *object, uint32_t slot, struct fault *fault)
{
	return reset_words(object->map_fd[OBJECT_RULE_COUNTERS], slot, fault);
}

int counters_reset_interface(const struct object *object, uint32_t interface_slot,
			     struct fault *fault)
{
	uint32_t reason, key;
	int err = 0;

	for (reason = 0; !err && reason < SYNFW_NR_REASONS; reason++) {
		key = interface_slot * SYNFW_REASON_STRIDE + reason;
		err = reset_words(object->map_fd[OBJECT_REASON_COUNTERS], key, fault);
	}
	return err;
}

int counters_copy_rule(const struct object *from, uint32_t from_slot, const struct object *to,
		       uint32_t to_slot, struct fault *fault)
{
	return copy_words(from->map_fd[OBJECT_RULE_COUNTERS], from_slot,
			  to->map_fd[OBJECT_RULE_COUNTERS], to_slot, fault);
}

int counters_copy_interface(const struct object *from, uint32_t from_slot, const struct object *to,
			    uint32_t to_slot, struct fault *fault)
{
	uint32_t reason;
	int err = 0;

	for (reason = 0; !err && reason < SYNFW_NR_REASONS; reason++)
		err = copy_words(from->map_fd[OBJECT_REASON_COUNTERS],
				 from_slot * SYNFW_REASON_STRIDE + reason,
				 to->map_fd[OBJECT_REASON_COUNTERS],
				 to_slot * SYNFW_REASON_STRIDE + reason, fault);
	return err;
}
