/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/process_by_hand.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/must.h"

#define MAX_VECTORS 256
#define MAX_NAMED   256
#define MAX_TERMS   64

/* A pattern, an id or an argument, and what names it. */
struct named {
	uint8_t kind; /* enum synfw_path_kind */
	char text[SYNFW_MAX_PATTERN + 1];
	size_t bytes;
	uint64_t bits[SYNFW_PROCESS_WORDS];
	uint64_t terms[SYNFW_LINEAGE_WORDS];
};

struct identity {
	struct synfw_process_id id;
	uint64_t bits[SYNFW_PROCESS_WORDS], not_bits[SYNFW_PROCESS_WORDS];
};

struct tables {
	const struct rule_spec *spec;
	struct synfw_process_rule rule[SYNFW_PROCESS_BITS];
	uint32_t nr_bits, nr_rules;
	struct synfw_process_vector vector[MAX_VECTORS];
	uint32_t nr_vectors;
	struct named named[MAX_NAMED];
	uint32_t nr_named;
	struct identity identity[MAX_NAMED];
	uint32_t nr_identities;
	const char *term[MAX_TERMS];
	uint32_t nr_terms, nr_args;
	/* bits whose rule does not ask for the field, or asks with `not` */
	uint64_t any_exec[SYNFW_PROCESS_WORDS], any_user[SYNFW_PROCESS_WORDS],
		any_group[SYNFW_PROCESS_WORDS];
};

static void bit_set(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= 1ULL << (bit % 64);
}

static uint32_t vector_add(struct tables *tables, const uint64_t *one, const uint64_t *other)
{
	struct synfw_process_vector *vector = &tables->vector[tables->nr_vectors];

	MUST(tables->nr_vectors < MAX_VECTORS);
	for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vector->word[i] = one[i] | (other ? other[i] : 0);
	return tables->nr_vectors++;
}

/* Everything below "/dir" becomes "/dir/", and a path that ends in "/a/b" becomes "b/a/". */
static void pattern_parse(const char *pattern, struct named *named)
{
	size_t length = strlen(pattern);
	const char *end;

	if (strcmp(pattern, "memfd") == 0) {
		named->kind = SYNFW_PATH_MEMFD;
	} else if (length > 3 && strcmp(pattern + length - 3, "/**") == 0) {
		named->kind = SYNFW_PATH_PREFIX;
		named->bytes = length - 2;
		memcpy(named->text, pattern, named->bytes);
	} else if (strncmp(pattern, "**/", 3) == 0) {
		named->kind = SYNFW_PATH_SUFFIX;
		for (end = pattern + length; end > pattern + 2;) {
			const char *slash = end;

			while (*--slash != '/')
				;
			memcpy(named->text + named->bytes, slash + 1, end - slash - 1);
			named->bytes += end - slash;
			named->text[named->bytes - 1] = '/';
			end = slash;
		}
	} else {
		named->kind = SYNFW_PATH_EXACT;
		named->bytes = length;
		memcpy(named->text, pattern, length);
	}
	MUST(named->bytes <= SYNFW_MAX_PATTERN);
}

static struct named *named_find(struct tables *tables, const struct named *wanted)
{
	struct named *named = tables->named;

	for (; named < tables->named + tables->nr_named; named++)
		if (named->kind == wanted->kind && named->bytes == wanted->bytes &&
		    memcmp(named->text, wanted->text, named->bytes) == 0)
			return named;
	MUST(tables->nr_named < MAX_NAMED);
	tables->nr_named++;
	*named = *wanted;
	return named;
}

static struct named *pattern_of(struct tables *tables, const char *pattern)
{
	struct named named = {};

	pattern_parse(pattern, &named);
	return named_find(tables, &named);
}

static uint16_t argument_of(struct tables *tables, const char *argument)
{
	struct named named = {.kind = SYNFW_PATH_ARGUMENT, .bytes = strlen(argument)}, *found;
	uint32_t before = tables->nr_named;

	memcpy(named.text, argument, named.bytes);
	found = named_find(tables, &named);
	if (tables->nr_named > before)
		found->terms[0] = tables->nr_args++;
	return found->terms[0];
}

/* Number of the list of this one pattern, + 1. */
static uint16_t term_of(struct tables *tables, const char *pattern)
{
	if (!pattern)
		return 0;
	for (uint32_t i = 0; i < tables->nr_terms; i++)
		if (strcmp(tables->term[i], pattern) == 0)
			return i + 1;
	MUST(tables->nr_terms < MAX_TERMS);
	tables->term[tables->nr_terms] = pattern;
	bit_set(pattern_of(tables, pattern)->terms, tables->nr_terms);
	return ++tables->nr_terms;
}

static void id_add(struct tables *tables, uint32_t kind, const char *text, uint32_t bit,
		   uint64_t *any)
{
	bool not = text && text[0] == '!';
	struct identity *identity = tables->identity;
	struct synfw_process_id id = {.kind = kind};

	if (!text || not )
		bit_set(any, bit);
	if (!text)
		return;
	id.number = atoi(text + not );
	while (identity < tables->identity + tables->nr_identities &&
	       memcmp(&identity->id, &id, sizeof(id)) != 0)
		identity++;
	tables->nr_identities += identity == tables->identity + tables->nr_identities;
	MUST(tables->nr_identities < MAX_NAMED);
	identity->id = id;
	bit_set(not ? identity->not_bits : identity->bits, bit);
}

static void fields_add(struct tables *tables, const struct rule_fields *fields, uint32_t bit)
{
	struct synfw_process_rule *rule = &tables->rule[bit];

	if (!fields->exec[0])
		bit_set(tables->any_exec, bit);
	for (int i = 0; i < RULE_WORDS && fields->exec[i]; i++)
		bit_set(pattern_of(tables, fields->exec[i])->bits, bit);
	id_add(tables, SYNFW_ID_USER, fields->user, bit, tables->any_user);
	id_add(tables, SYNFW_ID_GROUP, fields->group, bit, tables->any_group);
	rule->parent_term = term_of(tables, fields->parent);
	rule->ancestor_term = term_of(tables, fields->ancestor);
	for (int i = 0; i < RULE_WORDS && fields->args[i]; i++)
		rule->arg[rule->nr_args++] = argument_of(tables, fields->args[i]);
	rule->flags = fields->args_all ? SYNFW_PROCESS_ARGS_ALL : 0;
}

static void rules_add(struct tables *tables, const struct rule_spec *specs, uint32_t nr_rules)
{
	tables->nr_rules = nr_rules;
	tables->nr_bits = nr_rules;
	for (uint32_t bit = 0; bit < nr_rules; bit++) {
		const struct rule_spec *spec = &specs[bit];
		struct synfw_process_rule *rule = &tables->rule[bit];

		fields_add(tables, &spec->match, bit);
		rule->counter = bit + 1;
		rule->index =
			spec->trigger == SYNFW_ON_EXEC ? bit : SYNFW_PROCESS_INDEX_MEMORY | bit;
		rule->action = spec->action;
		rule->fallback = spec->fallback ? spec->fallback : SYNFW_PROCESS_DENY;
		rule->trigger = spec->trigger;
		rule->flags |= spec->flags;
		rule->score = spec->score;
		rule->over_bytes = spec->over_bytes;
		rule->within_ns = spec->within_ns;
		rule->peers_block_ns = spec->peers_block_ns;
		rule->peers_score = spec->peers_score;
		rule->except_bit = SYNFW_NO_PROCESS_BIT;
		if (spec->except) {
			rule->except_bit = tables->nr_bits;
			fields_add(tables, spec->except, tables->nr_bits++);
		}
	}
}

/* ---- into the kernel ------------------------------------------------------------------------- */

static int inner_create(struct bpf_map *outer, uint32_t slot, enum bpf_map_type type,
			uint32_t flags, uint32_t key_size, uint32_t value_size,
			uint32_t max_entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
	int fd = bpf_map_create(type, NULL, key_size, value_size, max_entries, &options);

	MUST(fd >= 0);
	MUST(bpf_map_update_elem(bpf_map__fd(outer), &slot, &fd, BPF_ANY) == 0);
	return fd;
}

/* The class of a longer prefix includes those of the shorter ones. */
static struct synfw_path_class class_of(struct tables *tables, const struct named *named)
{
	uint64_t bits[SYNFW_PROCESS_WORDS] = {};
	struct synfw_path_class class = {};

	for (const struct named *other = tables->named; other < tables->named + tables->nr_named;
	     other++) {
		bool is_trie = named->kind == SYNFW_PATH_PREFIX || named->kind == SYNFW_PATH_SUFFIX;

		if (other != named &&
		    !(is_trie && other->kind == named->kind && other->bytes < named->bytes &&
		      memcmp(other->text, named->text, other->bytes) == 0))
			continue;
		for (int i = 0; i < SYNFW_PROCESS_WORDS; i++)
			bits[i] |= other->bits[i];
		for (int i = 0; i < SYNFW_LINEAGE_WORDS; i++)
			class.term[i] |= other->terms[i];
	}
	class.exec = vector_add(tables, bits, tables->any_exec);
	return class;
}

static void paths_write(struct tables *tables, struct synfw_process_bpf *bpf, uint32_t slot)
{
	int paths = inner_create(bpf->maps.synfw_process_paths, slot, BPF_MAP_TYPE_HASH, 0,
				 sizeof(struct synfw_path_key), sizeof(struct synfw_path_class),
				 MAX_NAMED);
	int patterns = inner_create(bpf->maps.synfw_process_patterns, slot, BPF_MAP_TYPE_LPM_TRIE,
				    BPF_F_NO_PREALLOC, sizeof(struct synfw_pattern_key),
				    sizeof(struct synfw_path_class), MAX_NAMED);

	for (const struct named *named = tables->named; named < tables->named + tables->nr_named;
	     named++) {
		struct synfw_pattern_key pattern = {.kind = named->kind};
		struct synfw_path_key key = {.kind = named->kind};
		struct synfw_path_class class = {.exec = named->terms[0]};

		if (named->kind != SYNFW_PATH_ARGUMENT)
			class = class_of(tables, named);
		pattern.prefixlen = 8 * (1 + named->bytes);
		memcpy(pattern.text, named->text, named->bytes);
		memcpy(key.text, named->text, named->bytes);
		if (named->kind == SYNFW_PATH_PREFIX || named->kind == SYNFW_PATH_SUFFIX)
			MUST(bpf_map_update_elem(patterns, &pattern, &class, BPF_ANY) == 0);
		else
			MUST(bpf_map_update_elem(paths, &key, &class, BPF_ANY) == 0);
	}
	close(paths);
	close(patterns);
}

static void ids_write(struct tables *tables, struct synfw_process_bpf *bpf, uint32_t slot)
{
	int ids = inner_create(bpf->maps.synfw_process_ids, slot, BPF_MAP_TYPE_HASH, 0,
			       sizeof(struct synfw_process_id),
			       sizeof(struct synfw_process_id_value), MAX_NAMED);

	for (uint32_t i = 0; i < tables->nr_identities; i++) {
		const struct identity *identity = &tables->identity[i];
		struct synfw_process_id_value value = {};
		uint64_t user[SYNFW_PROCESS_WORDS];

		/* of a user, `not` takes out what any other user has */
		for (int j = 0; j < SYNFW_PROCESS_WORDS; j++)
			user[j] =
				(identity->bits[j] | tables->any_user[j]) & ~identity->not_bits[j];
		if (identity->id.kind == SYNFW_ID_USER)
			value.class.exec = vector_add(tables, user, NULL);
		else
			value.class.exec = vector_add(tables, identity->bits, NULL);
		value.not_vector = vector_add(tables, identity->not_bits, NULL);
		MUST(bpf_map_update_elem(ids, &identity->id, &value, BPF_ANY) == 0);
	}
	close(ids);
}

static void triggers_write(struct tables *tables, struct synfw_process_head *head)
{
	for (uint32_t trigger = 0; trigger < SYNFW_NR_PROCESS_TRIGGERS; trigger++) {
		uint64_t bits[SYNFW_PROCESS_WORDS] = {};
		bool any = false;

		for (uint32_t bit = 0; bit < tables->nr_rules; bit++) {
			if (tables->rule[bit].trigger != trigger)
				continue;
			bit_set(bits, bit);
			any = true;
		}
		head->trigger[trigger] = any ? vector_add(tables, bits, NULL) : 0;
	}
}

static void unknown_write(struct tables *tables, struct synfw_process_head *head)
{
	uint64_t unreadable[SYNFW_PROCESS_WORDS] = {}, unnamed[SYNFW_PROCESS_WORDS] = {};

	for (uint32_t i = 0; i < tables->nr_named; i++) {
		const struct named *named = &tables->named[i];
		bool is_prefix = named->kind == SYNFW_PATH_PREFIX;

		if (named->kind == SYNFW_PATH_EXACT || named->kind == SYNFW_PATH_ARGUMENT)
			continue;
		for (int j = 0; j < SYNFW_PROCESS_WORDS; j++)
			(is_prefix ? unreadable : unnamed)[j] |= named->bits[j];
		for (int j = 0; j < SYNFW_LINEAGE_WORDS; j++)
			(is_prefix ? head->unreadable_term : head->unnamed_term)[j] |=
				named->terms[j];
	}
	head->exec_unreadable = vector_add(tables, unreadable, NULL);
	head->exec_unnamed = vector_add(tables, unnamed, NULL);
}

static void arrays_write(struct tables *tables, struct synfw_process_bpf *bpf, uint32_t slot)
{
	int vectors = inner_create(bpf->maps.synfw_process_vectors, slot, BPF_MAP_TYPE_ARRAY,
				   BPF_F_INNER_MAP, sizeof(uint32_t),
				   sizeof(struct synfw_process_vector), tables->nr_vectors);
	int rules = inner_create(bpf->maps.synfw_process_rules, slot, BPF_MAP_TYPE_ARRAY,
				 BPF_F_INNER_MAP, sizeof(uint32_t),
				 sizeof(struct synfw_process_rule), tables->nr_bits);

	for (uint32_t i = 0; i < tables->nr_vectors; i++)
		MUST(bpf_map_update_elem(vectors, &i, &tables->vector[i], BPF_ANY) == 0);
	for (uint32_t i = 0; i < tables->nr_bits; i++)
		MUST(bpf_map_update_elem(rules, &i, &tables->rule[i], BPF_ANY) == 0);
	close(vectors);
	close(rules);
}

void process_tables_fill(struct synfw_process_bpf *bpf, uint32_t slot,
			 const struct rule_spec *rules, uint32_t nr_rules,
			 struct synfw_process_head *head)
{
	struct tables *tables = calloc(1, sizeof(*tables));

	MUST(tables && nr_rules > 0);
	tables->nr_vectors = 1; /* entry 0 has no bit */
	rules_add(tables, rules, nr_rules);
	paths_write(tables, bpf, slot);
	ids_write(tables, bpf, slot);
	triggers_write(tables, head);
	unknown_write(tables, head);
	head->nr_bits = tables->nr_bits;
	head->nr_rules = tables->nr_rules;
	head->exec_default = vector_add(tables, tables->any_exec, NULL);
	head->user_default = vector_add(tables, tables->any_user, NULL);
	head->group_default = vector_add(tables, tables->any_group, NULL);
	for (uint32_t bit = 0; bit < nr_rules; bit++)
		if (rules[bit].trigger == SYNFW_ON_ALLOCATION &&
		    (!head->allocation_min_bytes ||
		     rules[bit].over_bytes < head->allocation_min_bytes))
			head->allocation_min_bytes = rules[bit].over_bytes;
	for (uint32_t bit = 0; bit < nr_rules; bit++)
		head->actions |= 1 << rules[bit].action;
	for (uint32_t bit = 0; bit < nr_rules; bit++)
		head->peers |=
			rules[bit].flags & SYNFW_PROCESS_PEERS_BLOCK || rules[bit].peers_score;
	if (!head->ipv6_prefixlen)
		head->ipv6_prefixlen = 64;
	if (head->act_at)
		head->actions |= 1 << head->act;
	head->fields =
		SYNFW_PROCESS_ASKS_LINEAGE | SYNFW_PROCESS_ASKS_USER | SYNFW_PROCESS_ASKS_GROUP;
	arrays_write(tables, bpf, slot);
	MUST(bpf_map_update_elem(bpf_map__fd(bpf->maps.synfw_process_heads), &slot, head,
				 BPF_ANY) == 0);
	free(tables);
}

/* ---- inodes ---------------------------------------------------------------------------------- */

static int inner_open(struct bpf_map *outer, uint32_t slot)
{
	uint32_t id;
	int fd;

	MUST(bpf_map_lookup_elem(bpf_map__fd(outer), &slot, &id) == 0);
	fd = bpf_map_get_fd_by_id(id);
	MUST(fd >= 0);
	return fd;
}

static struct synfw_process_id identify(struct synfw_process_bpf *bpf, const char *path)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int state_fd = bpf_map__fd(bpf->maps.synfw_process_state), zero = 0;
	struct synfw_process_state state;

	MUST(bpf_map_lookup_elem(state_fd, &zero, &state) == 0);
	state.fd = open(path, O_PATH | O_CLOEXEC);
	MUST(state.fd >= 0 && bpf_map_update_elem(state_fd, &zero, &state, BPF_ANY) == 0);
	MUST(bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.synfw_identify), &run) == 0);
	close(state.fd);
	MUST(bpf_map_lookup_elem(state_fd, &zero, &state) == 0);
	MUST(state.error == 0 && state.file.kind == SYNFW_ID_FILE && state.file.inode);
	return state.file;
}

static bool path_class(struct synfw_process_bpf *bpf, uint32_t slot, const char *path,
		       struct synfw_path_class *ret_class)
{
	int fd = inner_open(bpf->maps.synfw_process_paths, slot);
	struct synfw_path_key key = {.kind = SYNFW_PATH_EXACT};
	bool found;

	MUST(strlen(path) <= SYNFW_MAX_PATTERN);
	memcpy(key.text, path, strlen(path));
	found = bpf_map_lookup_elem(fd, &key, ret_class) == 0;
	close(fd);
	return found;
}

static void file_put(struct synfw_process_bpf *bpf, uint32_t slot, const char *path,
		     const struct synfw_path_class *class)
{
	int fd = inner_open(bpf->maps.synfw_process_ids, slot);
	struct synfw_process_id_value value = {.class = *class};
	struct synfw_process_id id = identify(bpf, path);

	MUST(bpf_map_update_elem(fd, &id, &value, BPF_ANY) == 0);
	close(fd);
}

void process_tables_add_file(struct synfw_process_bpf *bpf, uint32_t slot, const char *path)
{
	struct synfw_path_class class;

	MUST(path_class(bpf, slot, path, &class));
	file_put(bpf, slot, path, &class);
}

void process_tables_protect(struct synfw_process_bpf *bpf, uint32_t slot, const char *path)
{
	struct synfw_path_class class;

	MUST(path_class(bpf, slot, path, &class));
	class.flags |= SYNFW_PATH_PROTECTED;
	file_put(bpf, slot, path, &class);
}
