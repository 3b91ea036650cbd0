/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tables of include/synfw/process.h, from what patterns and ids say. */
#include <errno.h>
#include <stdlib.h>

#include "compile/layout.h"
#include "compile/process_build.h"

/* Kernel memory of an entry besides key and value, with its bucket. The trie allocates powers of
 * two, and up to one inner node for each entry. */
#define BYTES_HASH_ENTRY 64
#define BYTES_TRIE_ENTRY 1024

static int vector_number(struct process_build *build, const struct synfw_process_vector *vector,
			 uint32_t *ret_number)
{
	return intern_add(&build->vectors, vector, ret_number);
}

static void vector_copy(const struct process_build *build, uint32_t number,
			struct synfw_process_vector *ret_vector)
{
	memcpy(ret_vector, intern_record(&build->vectors, number), sizeof(*ret_vector));
}

/* ---- head ---- */

/* Bits whose rule does not name the key. */
static void unconstrained(const struct process_build *build, enum process_key key,
			  struct synfw_process_vector *ret_vector)
{
	*ret_vector = (struct synfw_process_vector){};
	for (uint32_t i = 0; i < build->nr_bits; i++)
		if (!(build->bit[i].match->keys & key))
			process_vector_set(ret_vector, i);
}

/* Bits that hold for an id that no rule names: those that ask for none, and those with `not`. */
static void id_default(const struct process_build *build, enum process_key key,
		       struct synfw_process_vector *ret_vector)
{
	unconstrained(build, key, ret_vector);
	for (uint32_t i = 0; i < build->nr_bits; i++) {
		const struct process_match *match = build->bit[i].match;

		if (match->keys & key &&
		    (key == PROCESS_USER ? match->user.negated : match->group.negated))
			process_vector_set(ret_vector, i);
	}
}

static int put_defaults(struct process_build *build, struct synfw_process_head *head)
{
	struct synfw_process_vector vector;
	int error;

	unconstrained(build, PROCESS_EXEC, &vector);
	error = vector_number(build, &vector, &head->exec_default);
	if (error)
		return error;
	id_default(build, PROCESS_USER, &vector);
	error = vector_number(build, &vector, &head->user_default);
	if (error)
		return error;
	id_default(build, PROCESS_GROUP, &vector);
	return vector_number(build, &vector, &head->group_default);
}

/* Of a path whose beginning is not known: it may be below any directory. Of a file whose name is
 * not known: it may be anything but what exact paths say, which its inode tells. */
static int put_unknown(struct process_build *build, struct synfw_process_head *head)
{
	struct synfw_process_vector unreadable = {}, unnamed = {};
	int error;

	for (uint32_t i = 0; i < build->patterns.count; i++) {
		const struct synfw_path_key *key = intern_record(&build->patterns, i);
		bool is_prefix = key->kind == SYNFW_PATH_PREFIX;
		__u64 *terms = is_prefix ? head->unreadable_term : head->unnamed_term;

		if (key->kind == SYNFW_PATH_EXACT)
			continue;
		process_vector_add(is_prefix ? &unreadable : &unnamed, &build->sayings[i].exec);
		for (int k = 0; k < SYNFW_LINEAGE_WORDS; k++)
			terms[k] |= build->sayings[i].term[k];
	}
	error = vector_number(build, &unreadable, &head->exec_unreadable);
	return error ? error : vector_number(build, &unnamed, &head->exec_unnamed);
}

static int put_triggers(struct process_build *build, struct synfw_process_head *head)
{
	for (int trigger = 0; trigger < SYNFW_NR_PROCESS_TRIGGERS; trigger++) {
		struct synfw_process_vector vector = {};
		int error;

		for (uint32_t i = 0; i < build->nr_rules; i++)
			if (build->bit[i].rule.trigger == trigger)
				process_vector_set(&vector, i);
		error = vector_number(build, &vector, &head->trigger[trigger]);
		if (error)
			return error;
	}
	return 0;
}

static uint8_t fields_asked(const struct process_build *build)
{
	static const struct {
		uint32_t keys;
		uint8_t field;
	} fields[] = {
		{PROCESS_PARENT | PROCESS_ANCESTOR, SYNFW_PROCESS_ASKS_LINEAGE},
		{PROCESS_USER, SYNFW_PROCESS_ASKS_USER},
		{PROCESS_GROUP, SYNFW_PROCESS_ASKS_GROUP},
	};
	uint8_t asked = 0;

	for (uint32_t i = 0; i < build->nr_bits; i++)
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (build->bit[i].match->keys & fields[k].keys)
				asked |= fields[k].field;
	return asked;
}

static uint64_t smallest_allocation(const struct process_build *build)
{
	uint64_t smallest = 0;

	for (uint32_t i = 0; i < build->nr_rules; i++) {
		const struct synfw_process_rule *rule = &build->bit[i].rule;

		if (rule->trigger == SYNFW_ON_ALLOCATION &&
		    (!smallest || rule->over_bytes < smallest))
			smallest = rule->over_bytes;
	}
	return smallest;
}

static void put_scoring(const struct process_scoring *scoring, struct synfw_process_head *head)
{
	head->decay = layout_decay(&scoring->decay);
	head->flag_at = scoring->flag_at;
	head->act_at = scoring->act_at;
	head->on_peer_block = scoring->flag_on_peer_block;
	if (scoring->act_at) {
		head->act = scoring->action;
		head->act_fallback = scoring->fallback;
		head->actions |= 1 << scoring->action;
	}
	if (scoring->flag_at || scoring->flag_on_peer_block)
		head->actions |= 1 << SYNFW_PROCESS_FLAG;
}

static bool has_peers(const struct synfw_process_rule *rule)
{
	return rule->flags & SYNFW_PROCESS_PEERS_BLOCK || rule->peers_score;
}

static int put_head(struct process_build *build, struct synfw_process_head *head)
{
	const struct rate *limit = &build->policy->logging.limit;
	int error;

	*head = (struct synfw_process_head){
		.nr_bits = build->nr_bits,
		.nr_rules = build->nr_rules,
		.fields = fields_asked(build),
		.monitor = build->policy->monitor,
		.allocation_min_bytes = smallest_allocation(build),
		.limit_interval_ns = rate_interval_ns(limit),
		.limit_tolerance_ns = rate_tolerance_ns(limit, limit->count),
		.ipv6_prefixlen = build->policy->scoring.ipv6_prefixlen,
	};
	for (uint32_t i = 0; i < build->nr_rules; i++) {
		head->actions |= 1 << build->bit[i].rule.action;
		head->peers |= has_peers(&build->bit[i].rule);
	}
	put_scoring(&build->policy->process_scoring, head);
	error = put_defaults(build, head);
	if (!error)
		error = put_unknown(build, head);
	return error ? error : put_triggers(build, head);
}

/* ---- rules ---- */

static int put_rules(const struct process_build *build, struct process_tables *tables)
{
	tables->rules = calloc(build->nr_bits + 1, sizeof(*tables->rules));
	if (!tables->rules)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->nr_bits; i++) {
		const struct process_bit *bit = &build->bit[i];
		struct synfw_process_rule *rule = &tables->rules[i];

		*rule = bit->rule;
		rule->parent_term = bit->parent_term == NO_TERM ? 0 : bit->parent_term + 1;
		rule->ancestor_term = bit->ancestor_term == NO_TERM ? 0 : bit->ancestor_term + 1;
		rule->nr_args = bit->match->args.count;
		for (size_t k = 0; k < rule->nr_args; k++)
			rule->arg[k] = bit->arg[k];
	}
	return 0;
}

/* ---- paths and patterns ---- */

static int put_class(struct process_build *build, const struct process_tables *tables,
		     const struct process_saying *saying, struct synfw_path_class *ret_class)
{
	struct synfw_process_vector vector;
	uint32_t number;
	int error;

	vector_copy(build, tables->head.exec_default, &vector);
	process_vector_add(&vector, &saying->exec);
	error = vector_number(build, &vector, &number);
	if (error)
		return error;
	*ret_class = (struct synfw_path_class){.exec = number, .flags = saying->flags};
	memcpy(ret_class->term, saying->term, sizeof(ret_class->term));
	return 0;
}

static void put_pattern_key(const struct synfw_path_key *key, struct synfw_pattern_key *ret_key)
{
	*ret_key = (struct synfw_pattern_key){
		.prefixlen = 8 * (sizeof(key->kind) + process_text_bytes(key)),
		.kind = key->kind,
	};
	memcpy(ret_key->text, key->text, sizeof(ret_key->text));
}

static int compare_paths(const void *left, const void *right)
{
	const struct process_path *a = left, *b = right;

	return memcmp(&a->key, &b->key, sizeof(a->key));
}

/* Arguments stand among the paths, under a kind of their own. */
static void put_args(const struct process_build *build, struct process_tables *tables)
{
	for (uint32_t i = 0; i < build->args.count; i++) {
		struct process_path *path = &tables->paths[tables->nr_paths++];

		memcpy(&path->key, intern_record(&build->args, i), sizeof(path->key));
		path->class.exec = i;
	}
}

static int put_paths(struct process_build *build, struct process_tables *tables)
{
	uint32_t nr_patterns = build->patterns.count;
	int error = 0;

	tables->paths = calloc((size_t)nr_patterns + build->args.count + 1, sizeof(*tables->paths));
	tables->patterns = calloc((size_t)nr_patterns + 1, sizeof(*tables->patterns));
	if (!tables->paths || !tables->patterns)
		return -ENOMEM;
	for (uint32_t i = 0; !error && i < nr_patterns; i++) {
		uint32_t number = build->sorted[i];
		const struct synfw_path_key *key = intern_record(&build->patterns, number);
		struct synfw_path_class *class;

		if (key->kind == SYNFW_PATH_PREFIX || key->kind == SYNFW_PATH_SUFFIX) {
			class = &tables->patterns[tables->nr_patterns].class;
			put_pattern_key(key, &tables->patterns[tables->nr_patterns++].key);
		} else {
			class = &tables->paths[tables->nr_paths].class;
			tables->paths[tables->nr_paths++].key = *key;
		}
		error = put_class(build, tables, &build->sayings[number], class);
	}
	if (error)
		return error;
	put_args(build, tables);
	qsort(tables->paths, tables->nr_paths, sizeof(*tables->paths), compare_paths);
	return 0;
}

/* ---- ids ---- */

static int put_user(struct process_build *build, const struct process_tables *tables,
		    const struct process_id_saying *saying, struct synfw_process_id_value *value)
{
	struct synfw_process_vector vector;

	vector_copy(build, tables->head.user_default, &vector);
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector.word[i] = (vector.word[i] | saying->set.word[i]) & ~saying->clear.word[i];
	return vector_number(build, &vector, &value->class.exec);
}

static int put_group(struct process_build *build, const struct process_id_saying *saying,
		     struct synfw_process_id_value *value)
{
	int error = vector_number(build, &saying->set, &value->class.exec);

	return error ? error : vector_number(build, &saying->clear, &value->not_vector);
}

static int compare_ids(const void *left, const void *right)
{
	const struct process_id *a = left, *b = right;

	return memcmp(&a->key, &b->key, sizeof(a->key));
}

static int put_ids(struct process_build *build, struct process_tables *tables)
{
	tables->ids = calloc((size_t)build->ids.count + 1, sizeof(*tables->ids));
	if (!tables->ids)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->ids.count; i++) {
		struct process_id *id = &tables->ids[i];
		int error;

		memcpy(&id->key, intern_record(&build->ids, i), sizeof(id->key));
		error = id->key.kind == SYNFW_ID_USER
				? put_user(build, tables, &build->id_sayings[i], &id->value)
				: put_group(build, &build->id_sayings[i], &id->value);
		if (error)
			return error;
	}
	tables->nr_ids = build->ids.count;
	qsort(tables->ids, tables->nr_ids, sizeof(*tables->ids), compare_ids);
	return 0;
}

/* ---- all of it ---- */

static int put_vectors(const struct process_build *build, struct process_tables *tables)
{
	tables->vectors = calloc(build->vectors.count, sizeof(*tables->vectors));
	if (!tables->vectors)
		return -ENOMEM;
	memcpy(tables->vectors, build->vectors.records,
	       build->vectors.count * sizeof(*tables->vectors));
	tables->nr_vectors = build->vectors.count;
	return 0;
}

static uint64_t kernel_bytes(const struct process_tables *tables)
{
	return (uint64_t)tables->nr_vectors * sizeof(*tables->vectors) +
	       (uint64_t)tables->head.nr_bits * sizeof(*tables->rules) +
	       (uint64_t)tables->nr_paths * (sizeof(*tables->paths) + BYTES_HASH_ENTRY) +
	       (uint64_t)tables->nr_patterns * BYTES_TRIE_ENTRY +
	       (uint64_t)tables->nr_ids * (sizeof(*tables->ids) + BYTES_HASH_ENTRY);
}

int process_layout(struct process_build *build, struct process_tables *tables)
{
	static const struct synfw_process_vector no_bit;
	uint32_t number;
	int error = vector_number(build, &no_bit, &number);

	if (!error)
		error = put_head(build, &tables->head);
	if (!error)
		error = put_rules(build, tables);
	if (!error)
		error = put_paths(build, tables);
	if (!error)
		error = put_ids(build, tables);
	if (!error)
		error = put_vectors(build, tables);
	tables->kernel_bytes = kernel_bytes(tables);
	return error;
}
