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

static int compare_names(const void *a, const void *b)
{
	const struct named_counter *left = a, *right = b;

	return strcmp(left->name, right->name);
}

int counters_hand_on(struct named_counter *live, size_t nr_live, struct named_counter *next,
		     size_t nr_next, uint32_t nr_slots)
{
	CLEANUP(cleanup_free) bool *taken = calloc(nr_slots, sizeof(*taken));
	const struct named_counter *same;
	uint32_t free_slot = 1; /* slot 0 is "not counted" */
	size_t i;

	if (!taken)
		return -ENOMEM;
	qsort(live, nr_live, sizeof(*live), compare_names);
	for (i = 0; i < nr_live; i++)
		taken[live[i].counter] = true;
	for (i = 0; i < nr_next; i++) {
		same = bsearch(&next[i], live, nr_live, sizeof(*live), compare_names);
		if (same && same->counter) {
			next[i].counter = same->counter;
			continue;
		}
		while (free_slot < nr_slots && taken[free_slot])
			free_slot++;
		if (free_slot == nr_slots)
			return -ENOSPC;
		next[i].counter = free_slot++;
	}
	return 0;
}

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
	CLEANUP(cleanup_free) struct named_counter *old = NULL;
	CLEANUP(cleanup_free) struct named_counter *new = NULL;
	CLEANUP(cleanup_free) uint32_t *since = NULL;
	CLEANUP(cleanup_free) bool *remembered = NULL;
	size_t nr_old = live ? live->nr_rules : 0, i;
	int err;

	since = calloc(SYNFW_MAX_RULE_COUNTERS, sizeof(*since));
	remembered = calloc(SYNFW_MAX_RULE_COUNTERS, sizeof(*remembered));
	old = calloc(nr_old + 1, sizeof(*old));
	new = calloc(next->nr_rules + 1, sizeof(*new));
	if (!since || !remembered || !old || !new)
		return -ENOMEM;
	for (i = 0; i < nr_old; i++)
		old[i] = (struct named_counter){live->rules[i].name, live->rules[i].counter};
	for (i = 0; i < next->nr_rules; i++)
		new[i] = (struct named_counter){next->rules[i].name, 0};
	err = counters_hand_on(old, nr_old, new, next->nr_rules, SYNFW_MAX_RULE_COUNTERS);
	for (i = 0; !err && i < nr_old; i++) {
		since[live->rules[i].counter] = live->rules[i].since;
		remembered[live->rules[i].counter] = live->rules[i].remembered;
	}
	for (i = 0; !err && i < next->nr_rules; i++) {
		uint32_t counter = new[i].counter;

		next->rules[i].counter = counter;
		next->rules[i].since = since[counter] ? since[counter] : (uint32_t)next->revision;
		next->rules[i].remembered |= remembered[counter];
	}
	return err;
}

void counters_number(const struct manifest *manifest, struct image *image)
{
	uint32_t bit, nr_bits = image_header_const(image)->nr_bits;
	struct synfw_effect *effect;
	struct synfw_rule *rule;

	for (bit = 0; bit < nr_bits; bit++) {
		rule = image_rule(image, bit);
		rule->counter = 0;
		if (rule->index >= manifest->nr_rules)
			continue;
		rule->counter = manifest->rules[rule->index].counter;
		effect = image_effect(image, rule);
		if (effect)
			effect->since = manifest->rules[rule->index].since;
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
	const struct synfw_rule_rate none = {0};

	if (bpf_map_update_elem(object->map_fd[OBJECT_RULE_RATES], &slot, &none, BPF_F_LOCK))
		return fault_system(fault, -errno, "cannot reset rate %u", slot);
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
