/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/reasons.h>
#include <synfw/state.h>

#include "compile/basis.h"
#include "compile/layout_tries.h"
#include "large_memory.h"

#define IDS_PER_LINE	(SYNFW_LINE_BYTES / sizeof(uint32_t))
#define FIRST_FREE_LINE 7 /* behind what abi.h gives a line of its own */

/* Kernel memory of a member of a dynamic set, and of a bucket of its hash map. */
#define BYTES_MEMBER 72
#define BYTES_BUCKET 16

#define NS_PER_HOUR  3600000000000ULL

/* Line numbers. What every packet needs comes first, to lie in page 0. */
struct layout {
	uint32_t rules;
	uint32_t groups;
	uint32_t effects;
	uint32_t tables;
	struct trie_places tries;
	uint32_t records[SYNFW_NR_FIELDS];
	uint32_t chunks;
	uint32_t basis; /* 0: there is none */
	uint64_t nr_lines;
};

static uint64_t lines_of(uint64_t count, uint32_t per_line)
{
	return (count + per_line - 1) / per_line;
}

/* The records of a field, or the chunks that they refer to. */
struct section {
	uint64_t nr_lines;
	uint32_t *ret_first;
};

static int compare_sections(const void *left, const void *right)
{
	const struct section *a = left, *b = right;

	if (a->nr_lines != b->nr_lines)
		return a->nr_lines < b->nr_lines ? -1 : 1;
	return (a->ret_first > b->ret_first) - (a->ret_first < b->ret_first);
}

/* Sections up to this size lie before the tries: they fit into page 0 then, however large those
 * are. */
#define SMALL_SECTION (SYNFW_PAGE_LINES / 16)

static bool section_is_small(const struct section *section)
{
	return section->nr_lines <= SMALL_SECTION;
}

/* The records of all fields and the chunks, the smaller first; those that are small, or the others.
 */
static void records_place(const struct vectors *vectors, bool small, struct layout *layout,
			  uint64_t *at)
{
	struct section sections[SYNFW_NR_FIELDS + 1];

	for (int i = 0; i < SYNFW_NR_FIELDS; i++)
		sections[i] = (struct section){
			.nr_lines =
				(uint64_t)vectors->classes[i].count * vectors_record_lines(vectors),
			.ret_first = &layout->records[i],
		};
	sections[SYNFW_NR_FIELDS] =
		(struct section){.nr_lines = vectors->chunks.count, .ret_first = &layout->chunks};
	qsort(sections, SYNFW_NR_FIELDS + 1, sizeof(*sections), compare_sections);
	for (int i = 0; i <= SYNFW_NR_FIELDS; i++) {
		if (section_is_small(&sections[i]) != small)
			continue;
		*sections[i].ret_first = *at;
		*at += sections[i].nr_lines;
	}
}

static int layout_plan(struct build *build, struct layout *ret_layout)
{
	const struct vectors *vectors = &build->vectors;
	struct layout layout = {.rules = FIRST_FREE_LINE};
	uint64_t at = FIRST_FREE_LINE + lines_of(build->bits->count, SYNFW_RULES_PER_LINE);
	uint32_t basis;
	int error;

	layout.groups = at;
	at += vectors->flat ? 0 : lines_of(vectors->nr_words, IDS_PER_LINE);
	layout.effects = at;
	at += build->bits->nr_effects;
	layout.tables = at;
	at += build->tables.nr_ids / IDS_PER_LINE;
	records_place(vectors, true, &layout, &at);
	error = tries_build(build, &layout.tries, &at);
	if (error)
		return error;
	records_place(vectors, false, &layout, &at);
	basis = basis_lines(build);
	layout.basis = basis ? at : 0;
	layout.nr_lines = at + basis;
	*ret_layout = layout;
	return 0;
}

static uint32_t table_line(const struct layout *layout, uint32_t offset)
{
	return offset == NO_TABLE ? 0 : layout->tables + offset / IDS_PER_LINE;
}

static void put_directory(const struct build *build, const struct layout *layout,
			  struct synfw_class_tables *tables)
{
	for (int region = 0; region < SYNFW_NR_L4_REGIONS; region++) {
		tables->l4dst[region] = table_line(layout, build->l4_offset[0][region]);
		tables->l4src[region] = table_line(layout, build->l4_offset[1][region]);
	}
	tables->attr = table_line(layout, build->attr_offset);
	tables->ifvlan = table_line(layout, build->ifvlan_offset);
	tables->ifvlan_lines = build->ifvlan_ids / IDS_PER_LINE;
	tables->group_base = layout->groups;
	tables->counting_word = build->bits->counting_word;
	tries_put_places(build, &layout->tries, tables);
	tables->basis = layout->basis;
}

/* The pairs that entries of `protect` ask for: those name sources only. */
static uint32_t protect_pairs(const struct bits *bits)
{
	uint32_t pairs = 0;

	for (uint32_t i = 0; i < bits->count; i++)
		for (int key = 0; key < DYNAMIC_KEYS; key++)
			if (bits->bit[i].rule.reason == SYNFW_REASON_PROTECTED)
				pairs |= bits->bit[i].dynamic.any_of[key];
	return pairs;
}

static void put_dynamic(const struct build *build, const struct layout *layout,
			struct synfw_dynamic *dynamic)
{
	const struct dynamic_pairs *pairs = &build->bits->pairs;

	dynamic->record_base = layout->records[SYNFW_FIELD_DYNAMIC];
	dynamic->table = table_line(layout, build->dynamic_offset);
	dynamic->nr_pairs = pairs->count;
	dynamic->protect_pairs = protect_pairs(build->bits);
	memcpy(dynamic->pairs, pairs->pair, sizeof(dynamic->pairs));
}

/* Does a packet that the bit matches need what is remembered of its source, whoever that is? */
static bool bit_remembers(const struct bits *bits, const struct bit *bit)
{
	uint8_t limit = SYNFW_LIMIT_NONE;

	if (bit_is_padding(bit) || bit_constrains(bit, SYNFW_FIELD_SRC) ||
	    bit_constrains(bit, SYNFW_FIELD_DYNAMIC))
		return false;
	if (bit->rule.effect)
		limit = bits->effects[bit->rule.effect - 1].limit;
	return bit->rule.action == SYNFW_ACTION_SCORE || limit == SYNFW_LIMIT_SOURCE_RATE ||
	       limit == SYNFW_LIMIT_PORTS;
}

static void put_remembers(const struct build *build, struct synfw_line *line)
{
	uint32_t unit = build->vectors.flat ? 1 : 64;

	for (uint32_t i = 0; i < build->bits->count; i++)
		if (bit_remembers(build->bits, &build->bits->bit[i]))
			line->word[i / unit / 64] |= 1ULL << i / unit % 64;
}

/* The aggregate of a class: bit w says that word w of its vector is not zero. */
static void put_aggregate(const struct vectors *vectors, const uint64_t *vector,
			  struct synfw_line *line)
{
	for (uint32_t word = 0; word < vectors->nr_words; word++)
		if (vector[word])
			line->word[word / 64] |= 1ULL << word % 64;
}

/* See synfw_header.refs_at. */
static uint32_t refs_place(const struct vectors *vectors)
{
	return vectors->flat ? 0 : vectors_agg_words(vectors) * sizeof(uint64_t) / sizeof(uint32_t);
}

static void put_records(const struct vectors *vectors, enum synfw_field field,
			const struct layout *layout, struct synfw_line *lines, uint64_t *scratch)
{
	uint32_t stride = vectors_record_lines(vectors), refs_at = refs_place(vectors);

	for (uint32_t id = 0; id < vectors->classes[field].count; id++) {
		struct synfw_line *line = &lines[layout->records[field] + id * stride];
		const uint32_t *refs = intern_record(&vectors->classes[field], id);

		if (vectors->flat) {
			memcpy(line, refs, sizeof(*line));
			continue;
		}
		vectors_expand(vectors, field, id, scratch);
		put_aggregate(vectors, scratch, line);
		for (uint32_t i = 0; i < vectors->nr_chunks; i++)
			line[(refs_at + i) / IDS_PER_LINE].id[(refs_at + i) % IDS_PER_LINE] =
				refs[i] == CHUNK_ALL_ONES ? 0 : layout->chunks + refs[i];
	}
}

static void put_rules(const struct bits *bits, struct synfw_line *first)
{
	for (uint32_t i = 0; i < bits->count; i++) {
		struct synfw_rule *rules = (struct synfw_rule *)&first[i / SYNFW_RULES_PER_LINE];

		rules[i % SYNFW_RULES_PER_LINE] = bits->bit[i].rule;
	}
}

/* The members of dynamic sets: all room from the beginning, and one bucket a member, a power of two
 * of them. Measured with 6.18; nothing else of the kernel's hash map counts. */
static uint64_t members_bytes(const struct policy *policy)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < policy->nr_named_sets; i++) {
		uint64_t buckets = 1;

		if (!policy->sets[i].dynamic)
			continue;
		while (buckets < policy->sets[i].size)
			buckets *= 2;
		bytes += (uint64_t)policy->sets[i].size * BYTES_MEMBER + buckets * BYTES_BUCKET;
	}
	return bytes;
}

/* And room for what is appended, so that a large image is not moved for it. */
static uint64_t with_room(uint64_t nr_lines)
{
	return nr_lines + nr_lines / 32;
}

static uint64_t bytes_of(uint64_t nr_lines, const struct policy *policy,
			 const struct process_tables *processes)
{
	return lines_of(nr_lines, SYNFW_PAGE_LINES) * SYNFW_PAGE_BYTES + members_bytes(policy) +
	       (processes ? processes->kernel_bytes : 0);
}

static uint8_t verdict_of(enum default_choice choice)
{
	return choice == CHOICE_DROP ? SYNFW_DROP : SYNFW_ALLOW;
}

static uint8_t established_of(const struct build *build, const struct policy *policy)
{
	if (policy->established == CHOICE_ALLOW)
		return SYNFW_ESTABLISHED_ALLOW;
	return build->state_rules ? SYNFW_ESTABLISHED_RULES : SYNFW_ESTABLISHED_IGNORE;
}

uint64_t layout_decay(const struct rate *decay)
{
	return decay->count ? decay->count * (NS_PER_HOUR / decay->per_ns) : 0;
}

static void put_scoring(const struct scoring *scoring, struct synfw_scoring *line)
{
	uint64_t decay = layout_decay(&scoring->decay);

	*line = (struct synfw_scoring){
		.decay = decay,
		.longest_ns = decay ? SYNFW_MAX_SCORE * SYNFW_SCORE_UNIT / decay : 0,
		.flag_at = scoring->flag_at,
		.drop_at = scoring->drop_at,
		.ipv6_prefixlen = scoring->ipv6_prefixlen,
	};
	memcpy(line->block_for_ns, scoring->block_for_ns, sizeof(line->block_for_ns));
}

static void put_logging(const struct logging *logging, struct synfw_logging *line)
{
	*line = (struct synfw_logging){
		.limit_interval_ns = rate_interval_ns(&logging->limit),
		.limit_tolerance_ns = rate_tolerance_ns(&logging->limit, logging->limit.count),
		.sample = logging->sample,
		.events = logging->events,
	};
}

static void put_header(const struct build *build, const struct layout *layout,
		       const struct policy *policy, struct synfw_header *header)
{
	const struct vectors *vectors = &build->vectors;

	*header = (struct synfw_header){
		.abi_version = SYNFW_ABI_VERSION,
		.nr_bits = build->bits->count,
		.nr_agg = vectors_agg_words(vectors),
		.refs_at = refs_place(vectors),
		.record_lines = vectors_record_lines(vectors),
		.flag_rules = build->flag_rules,
		.monitor = policy->monitor,
		.on_peer_block = policy->process_scoring.flag_on_peer_block,
		.incoming = verdict_of(policy->incoming),
		.ethertypes = verdict_of(policy->ethertypes),
		.malformed = verdict_of(policy->malformed),
		.established = established_of(build, policy),
		.rule_base = layout->rules,
		.nr_lines = layout->nr_lines,
		.effect_base = build->bits->nr_effects ? layout->effects : 0,
		.source_flags = table_line(layout, build->source_flags_offset),
	};
	for (int field = 0; field < SYNFW_FIELD_DYNAMIC; field++)
		header->record_base[field] = layout->records[field];
	for (int field = 0; field < SYNFW_NR_FIELDS; field++)
		header->fields |= build->constrained[field] << field;
}

int layout_image(struct build *build, const struct policy *policy, struct image *image)
{
	struct synfw_line *lines;
	struct layout layout;
	uint64_t *scratch;
	int error = layout_plan(build, &layout);

	if (error)
		return error;

	/* what is appended finds room behind a basis, or there is none */
	if (layout.basis && bytes_of(with_room(layout.nr_lines), policy, image->processes) >
				    build->vectors.max_bytes) {
		layout.nr_lines = layout.basis;
		layout.basis = 0;
	}
	image->kernel_bytes = bytes_of(layout.nr_lines, policy, image->processes);
	if (image->kernel_bytes > build->vectors.max_bytes)
		return -E2BIG;
	image->room = with_room(layout.nr_lines);
	lines = large_zeroed(image->room, sizeof(*lines));
	scratch = vector_new(&build->vectors);
	if (!lines || !scratch) {
		free(lines);
		free(scratch);
		return -ENOMEM;
	}
	put_header(build, &layout, policy, (struct synfw_header *)&lines[0]);
	put_directory(build, &layout, (struct synfw_class_tables *)&lines[1]);
	put_dynamic(build, &layout, (struct synfw_dynamic *)&lines[3]);
	put_scoring(&policy->scoring, (struct synfw_scoring *)&lines[4]);
	put_logging(&policy->logging, (struct synfw_logging *)&lines[5]);
	put_remembers(build, &lines[SYNFW_LINE_REMEMBERS]);
	memcpy(&lines[layout.effects], build->bits->effects,
	       build->bits->nr_effects * sizeof(struct synfw_effect));
	memcpy(&lines[layout.tables], build->tables.ids, build->tables.nr_ids * sizeof(uint32_t));
	if (build->bits->groups)
		memcpy(&lines[layout.groups], build->bits->groups,
		       build->bits->count / 64 * sizeof(uint32_t));
	tries_put(build, &layout.tries, lines);
	for (int field = 0; field < SYNFW_NR_FIELDS; field++) {
		put_records(&build->vectors, field, &layout, lines, scratch);
		image->nr_classes[field] = build->vectors.classes[field].count;
	}
	if (build->vectors.chunks.count)
		memcpy(&lines[layout.chunks], build->vectors.chunks.records,
		       (size_t)build->vectors.chunks.count * SYNFW_LINE_BYTES);
	put_rules(build->bits, &lines[layout.rules]);
	if (layout.basis) /* the last of all, as it has a checksum of the tries */
		basis_put(build, &layout.tries, lines, layout.basis);
	free(scratch);

	tries_count(build, image);
	image->lines = lines;
	image->nr_lines = layout.nr_lines;
	return 0;
}
