/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "model/process_eval.h"

#include <string.h>

#include <linux/types.h>

#include "base/must.h"

/* What all tables together say of a file. */
struct file_class {
	struct synfw_process_vector exec;
	__u64 term[SYNFW_LINEAGE_WORDS];
	uint32_t flags;
};

/* What a subject is, in the terms of the tables. */
struct facts {
	struct synfw_process_vector fields; /* bits that hold for all fields */
	__u64 parent[SYNFW_LINEAGE_WORDS], ancestors[SYNFW_LINEAGE_WORDS];
	__u64 args[SYNFW_MAX_ARGS / 64];
	__u64 bytes;
};

static const struct synfw_process_vector *vector_at(const struct process_tables *tables,
						    uint32_t number)
{
	MUST(number < tables->nr_vectors);
	return &tables->vectors[number];
}

static bool has_bit(const __u64 *words, uint32_t bit)
{
	return words[bit / 64] >> bit % 64 & 1;
}

static void or_vector(struct synfw_process_vector *vector, const struct synfw_process_vector *other)
{
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector->word[i] |= other->word[i];
}

static void and_vector(struct synfw_process_vector *vector,
		       const struct synfw_process_vector *other)
{
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector->word[i] &= other->word[i];
}

/* ---- paths ---- */

static void add_class(const struct process_tables *tables, const struct synfw_path_class *class,
		      struct file_class *sum)
{
	or_vector(&sum->exec, vector_at(tables, class->exec));
	for (int i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		sum->term[i] |= class->term[i];
	sum->flags |= class->flags;
}

static const struct synfw_path_class *find_exact(const struct process_tables *tables,
						 enum synfw_path_kind kind, const char *text)
{
	struct synfw_path_key key = {.kind = kind};

	if (strlen(text) > sizeof(key.text))
		return NULL;
	memcpy(key.text, text, strlen(text));
	for (uint32_t i = 0; i < tables->nr_paths; i++)
		if (!memcmp(&tables->paths[i].key, &key, sizeof(key)))
			return &tables->paths[i].class;
	return NULL;
}

/* The entry with the longest prefix, as the kernel's trie finds it. */
static const struct synfw_path_class *find_longest(const struct process_tables *tables,
						   enum synfw_path_kind kind, const char *text,
						   size_t length)
{
	const struct process_pattern *longest = NULL;

	if (length > SYNFW_MAX_PATTERN)
		length = SYNFW_MAX_PATTERN;
	for (uint32_t i = 0; i < tables->nr_patterns; i++) {
		const struct process_pattern *pattern = &tables->patterns[i];
		size_t bytes = pattern->key.prefixlen / 8 - 1;

		MUST(pattern->key.prefixlen % 8 == 0 && bytes <= SYNFW_MAX_PATTERN);
		if (pattern->key.kind == kind && bytes <= length &&
		    !memcmp(pattern->key.text, text, bytes) &&
		    (!longest || pattern->key.prefixlen > longest->key.prefixlen))
			longest = pattern;
	}
	return longest ? &longest->class : NULL;
}

/* "/a/nc" -> "nc/a/" */
static void reverse(const char *path, char *out)
{
	size_t length = strlen(path), slash;

	for (size_t end = length; end; end = slash) {
		for (slash = end; path[--slash] != '/';)
			;
		memcpy(out, path + slash + 1, end - slash - 1);
		out += end - slash - 1;
		*out++ = '/';
	}
}

static struct file_class classify(const struct process_tables *tables,
				  const struct subject_file *file)
{
	const struct synfw_path_class *found[3] = {};
	struct file_class sum = {.exec = *vector_at(tables, tables->head.exec_default)};
	char reversed[4096];

	if (file->memfd) {
		found[0] = find_exact(tables, SYNFW_PATH_MEMFD, "");
	} else if (file->path) {
		size_t length = strlen(file->path);

		MUST(length < sizeof(reversed));
		reverse(file->path, reversed);
		found[0] = find_exact(tables, SYNFW_PATH_EXACT, file->path);
		found[1] = find_longest(tables, SYNFW_PATH_PREFIX, file->path, length);
		found[2] = find_longest(tables, SYNFW_PATH_SUFFIX, reversed, length);
	}
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		if (found[i])
			add_class(tables, found[i], &sum);
	return sum;
}

/* ---- ids and arguments ---- */

static const struct synfw_process_id_value *
find_id(const struct process_tables *tables, enum synfw_process_id_kind kind, uint32_t number)
{
	const struct synfw_process_id key = {.kind = kind, .number = number};

	for (uint32_t i = 0; i < tables->nr_ids; i++)
		if (!memcmp(&tables->ids[i].key, &key, sizeof(key)))
			return &tables->ids[i].value;
	return NULL;
}

static void restrict_by_user(const struct process_tables *tables, uint32_t uid,
			     struct synfw_process_vector *vector)
{
	const struct synfw_process_id_value *value = find_id(tables, SYNFW_ID_USER, uid);

	and_vector(vector,
		   vector_at(tables, value ? value->class.exec : tables->head.user_default));
}

static void restrict_by_groups(const struct process_tables *tables,
			       const struct process_subject *subject,
			       struct synfw_process_vector *vector)
{
	struct synfw_process_vector set = *vector_at(tables, tables->head.group_default);
	struct synfw_process_vector clear = {};

	for (size_t i = 0; i < subject->nr_gids; i++) {
		const struct synfw_process_id_value *value =
			find_id(tables, SYNFW_ID_GROUP, subject->gid[i]);

		if (!value)
			continue;
		or_vector(&set, vector_at(tables, value->class.exec));
		or_vector(&clear, vector_at(tables, value->not_vector));
	}
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector->word[i] &= set.word[i] & ~clear.word[i];
}

static void note_args(const struct process_tables *tables, const struct process_subject *subject,
		      struct facts *facts)
{
	for (size_t i = 0; i < subject->nr_args; i++) {
		const struct synfw_path_class *class =
			find_exact(tables, SYNFW_PATH_ARGUMENT, subject->arg[i]);

		if (!class)
			continue;
		MUST(class->exec < SYNFW_MAX_ARGS);
		facts->args[class->exec / 64] |= 1ULL << class->exec % 64;
	}
}

/* ---- rules ---- */

static bool args_hold(const struct facts *facts, const struct synfw_process_rule *rule)
{
	uint32_t found = 0;

	MUST(rule->nr_args <= SYNFW_MAX_RULE_ARGS);
	for (uint32_t i = 0; i < rule->nr_args; i++) {
		MUST(rule->arg[i] < SYNFW_MAX_ARGS);
		found += has_bit(facts->args, rule->arg[i]);
	}
	if (!rule->nr_args)
		return true;
	return rule->flags & SYNFW_PROCESS_ARGS_ALL ? found == rule->nr_args : found > 0;
}

/* What vectors do not say. */
static bool bit_holds(const struct process_tables *tables, const struct facts *facts, uint32_t bit)
{
	const struct synfw_process_rule *rule = &tables->rules[bit];

	MUST(bit < tables->head.nr_bits && rule->parent_term <= SYNFW_MAX_LINEAGE_TERMS &&
	     rule->ancestor_term <= SYNFW_MAX_LINEAGE_TERMS);
	return has_bit(facts->fields.word, bit) &&
	       (!rule->parent_term || has_bit(facts->parent, rule->parent_term - 1)) &&
	       (!rule->ancestor_term || has_bit(facts->ancestors, rule->ancestor_term - 1)) &&
	       args_hold(facts, rule);
}

static bool rule_matches(const struct process_tables *tables, const struct facts *facts,
			 const struct synfw_process_vector *asked, uint32_t bit)
{
	const struct synfw_process_rule *rule = &tables->rules[bit];
	uint16_t except = rule->except_bit;

	if (!has_bit(asked->word, bit) || !bit_holds(tables, facts, bit))
		return false;
	if ((rule->trigger == SYNFW_ON_ALLOCATION || rule->trigger == SYNFW_ON_GROWTH) &&
	    facts->bytes <= rule->over_bytes)
		return false;
	MUST(except == SYNFW_NO_PROCESS_BIT || except >= tables->head.nr_rules);
	return except == SYNFW_NO_PROCESS_BIT || !bit_holds(tables, facts, except);
}

/* Allocations below this are not looked at. */
static bool asks_nobody(const struct process_tables *tables, const struct process_subject *subject)
{
	return subject->trigger == SYNFW_ON_ALLOCATION &&
	       subject->bytes <= tables->head.allocation_min_bytes;
}

static void learn(const struct process_tables *tables, const struct process_subject *subject,
		  const struct file_class *file, struct facts *facts)
{
	struct file_class other = classify(tables, &subject->parent);

	facts->bytes = subject->bytes;
	facts->fields = file->exec;
	restrict_by_user(tables, subject->uid, &facts->fields);
	restrict_by_groups(tables, subject, &facts->fields);
	memcpy(facts->parent, other.term, sizeof(facts->parent));
	memcpy(facts->ancestors, other.term, sizeof(facts->ancestors));
	for (size_t i = 0; i < subject->nr_ancestors; i++) {
		other = classify(tables, &subject->ancestor[i]);
		for (int word = 0; word < SYNFW_LINEAGE_WORDS; word++)
			facts->ancestors[word] |= other.term[word];
	}
	note_args(tables, subject, facts);
}

struct process_judgement process_tables_judge(const struct process_tables *tables,
					      const struct process_subject *subject,
					      struct process_counted *ret_counted)
{
	const struct file_class file = classify(tables, &subject->file);
	const struct synfw_process_vector *asked =
		vector_at(tables, tables->head.trigger[subject->trigger]);
	struct process_judgement judgement = {
		.bit = SYNFW_NO_PROCESS_BIT,
		.action = SYNFW_PROCESS_SCORE,
		.is_protected = file.flags & SYNFW_PATH_PROTECTED,
	};
	struct facts facts = {};

	ret_counted->count = 0;
	if (asks_nobody(tables, subject))
		return judgement;
	learn(tables, subject, &file, &facts);
	for (uint32_t bit = 0; bit < tables->head.nr_rules; bit++) {
		const struct synfw_process_rule *rule = &tables->rules[bit];

		if (!rule_matches(tables, &facts, asked, bit))
			continue;
		ret_counted->bit[ret_counted->count++] = bit;
		if (rule->flags & SYNFW_PROCESS_MONITOR)
			continue;
		if (rule->action == SYNFW_PROCESS_SCORE) {
			judgement.score += rule->score;
			continue;
		}
		judgement.action = rule->action;
		judgement.bit = bit;
		break;
	}
	return judgement;
}

/* ---- form ---- */

static bool is_zero(const void *bytes, size_t count)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < count; i++)
		if (byte[i])
			return false;
	return true;
}

/* Rules that do not ask for a path match whatever it is. */
static void must_include_default(const struct process_tables *tables,
				 const struct synfw_path_class *class)
{
	const struct synfw_process_vector *vector = vector_at(tables, class->exec);
	const struct synfw_process_vector *least = vector_at(tables, tables->head.exec_default);

	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		MUST(!(least->word[i] & ~vector->word[i]));
}

void process_tables_must_be_well_formed(const struct process_tables *tables)
{
	MUST(tables->head.nr_rules <= tables->head.nr_bits);
	MUST(tables->head.nr_bits <= SYNFW_PROCESS_BITS);
	MUST(is_zero(vector_at(tables, 0), sizeof(struct synfw_process_vector)));
	for (uint32_t i = 1; i < tables->nr_vectors; i++)
		for (uint32_t bit = tables->head.nr_bits; bit < SYNFW_PROCESS_BITS; bit++)
			MUST(!has_bit(tables->vectors[i].word, bit));
	for (uint32_t i = 1; i < tables->nr_paths; i++)
		MUST(memcmp(&tables->paths[i - 1].key, &tables->paths[i].key,
			    sizeof(tables->paths[i].key)) < 0);
	for (uint32_t i = 0; i < tables->nr_paths; i++)
		if (tables->paths[i].key.kind != SYNFW_PATH_ARGUMENT)
			must_include_default(tables, &tables->paths[i].class);
	for (uint32_t i = 0; i < tables->nr_patterns; i++) {
		const struct synfw_pattern_key *key = &tables->patterns[i].key;
		size_t bytes = key->prefixlen / 8 - 1;

		must_include_default(tables, &tables->patterns[i].class);
		MUST(is_zero(key->text + bytes, sizeof(key->text) - bytes));
		MUST(bytes && key->text[bytes - 1] == '/');
		MUST(!i || memcmp(&tables->patterns[i - 1].key.kind, &key->kind,
				  sizeof(key->kind) + sizeof(key->text)) < 0);
	}
	for (uint32_t i = 1; i < tables->nr_ids; i++)
		MUST(memcmp(&tables->ids[i - 1].key, &tables->ids[i].key,
			    sizeof(tables->ids[i].key)) < 0);
}
