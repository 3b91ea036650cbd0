/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "standing.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <packet_spec.h>

#include <synfw/cleanup.h>

#include "datapath/frame.h"
#include "datapath/members.h"
#include "exempt.h"

int standing_open(const struct live *live, struct fault *fault, struct standing_reader *ret_reader)
{
	struct standing_reader reader = {.live = live, .shadow = SHADOW_NONE};
	int err = shadow_open(&live->tables, &live->object, fault, &reader.shadow);

	if (!err)
		*ret_reader = reader;
	return err;
}

void standing_close(struct standing_reader *reader)
{
	shadow_close(&reader->shadow);
}

/* Any packet does: it is its source that is asked about. */
static void build_probe(const struct any_prefix *address, struct frame *ret_frame)
{
	const struct synfw_addr6 key = member_key(address);
	struct packet_spec packet;
	bool is_ipv4 = address->family == 4;

	packet_spec_init(&packet);
	packet.family = address->family;
	packet.proto = IPPROTO_UDP;
	memcpy(packet.saddr, is_ipv4 ? key.byte + 12 : key.byte, is_ipv4 ? 4 : 16);
	frame_build(&packet, ret_frame);
}

int standing_read(const struct standing_reader *reader, const struct any_prefix *address,
		  struct fault *fault, struct standing *ret_standing)
{
	struct standing standing = {0};
	const struct synfw_addr6 key = member_key(address);
	struct synfw_trace trace;
	struct frame frame;
	int err = exempt_find(reader->live->object.map_fd[OBJECT_EXEMPT], &key, fault,
			      &standing.exempt);

	if (err)
		return err;
	build_probe(address, &frame);
	err = shadow_judge(&reader->shadow, 0, frame.bytes, frame.length, fault, &trace);
	if (err)
		return err;
	standing.is_protected = trace.source_flags & SYNFW_SOURCE_PROTECTED;
	standing.source_class = trace.source_class;
	*ret_standing = standing;
	return 0;
}

/* ---- entries ---- */

/* The bits of one class record; see synfw_header. */
struct record {
	const struct live *live;
	struct synfw_line lines[5];
};

static int read_record(const struct live *live, uint32_t source_class, struct fault *fault,
		       struct record *ret_record)
{
	const struct synfw_header *header = &live->header;
	uint32_t nr_lines = header->record_lines;

	ret_record->live = live;
	if (!nr_lines || nr_lines > sizeof(ret_record->lines) / sizeof(*ret_record->lines))
		return fault_refuse(fault, EXIT_KERNEL, "the tables in force cannot be read");
	return tables_read_lines(&live->tables,
				 header->record_base[SYNFW_FIELD_SRC] + source_class * nr_lines,
				 nr_lines, ret_record->lines, fault);
}

/* The words of a vector, eight at a time. */
static int read_chunk(const struct record *record, uint32_t chunk, struct fault *fault,
		      struct synfw_line *ret_words)
{
	const struct synfw_header *header = &record->live->header;
	const uint32_t *ids = record->lines[0].id;
	uint32_t reference;

	if (!header->refs_at) {
		*ret_words = record->lines[0];
		return 0;
	}
	memset(ret_words, 0xff, sizeof(*ret_words));
	reference = ids[header->refs_at + chunk];
	if (!reference)
		return 0;
	return tables_read_lines(&record->live->tables, reference, 1, ret_words, fault);
}

/* With two levels, a word whose bit in the aggregate is clear has no bits. */
static bool bit_is_set(const struct record *record, const struct synfw_line *words, uint32_t bit)
{
	uint32_t word = bit / 64;

	if (record->live->header.refs_at && !(record->lines[0].word[word / 64] >> word % 64 & 1))
		return false;
	return words->word[word % 8] >> bit % 64 & 1;
}

static void note_entry(const struct manifest *manifest, const struct synfw_rule *rule,
		       struct standing_entries *entries)
{
	uint32_t protect = rule->index ^ SYNFW_RULE_INDEX_PROTECT;

	if (rule->index < manifest->nr_rules && manifest->rules[rule->index].listed)
		entries->rules[rule->index] = true;
	else if (protect < manifest->nr_protects && manifest->protects[protect].listed)
		entries->protects[protect] = true;
}

#define BITS_PER_CHUNK 512

static int note_entries(const struct live *live, uint32_t source_class, struct fault *fault,
			struct standing_entries *entries)
{
	CLEANUP(cleanup_free) struct synfw_rule *rules = NULL;
	struct synfw_line words;
	struct record record;
	uint32_t bit;
	int err = live_read_rules(live, fault, &rules);

	if (!err)
		err = read_record(live, source_class, fault, &record);
	for (bit = 0; !err && bit < live->header.nr_bits; bit++) {
		if (bit % BITS_PER_CHUNK == 0)
			err = read_chunk(&record, bit / BITS_PER_CHUNK, fault, &words);
		if (!err && bit_is_set(&record, &words, bit))
			note_entry(live->manifest, &rules[bit], entries);
	}
	return err;
}

int standing_find_entries(const struct live *live, uint32_t source_class, struct fault *fault,
			  struct standing_entries *ret_entries)
{
	static const struct manifest nothing;
	const struct manifest *manifest = live->manifest ? live->manifest : &nothing;
	CLEANUP(standing_entries_done)
	struct standing_entries entries = {
		.protects = calloc(manifest->nr_protects + 1, sizeof(*entries.protects)),
		.rules = calloc(manifest->nr_rules + 1, sizeof(*entries.rules)),
	};
	int err = 0;

	if (!entries.protects || !entries.rules)
		return fault_system(fault, -ENOMEM, "cannot look for what names an address");
	/* where no rule constrains sources there are no classes of them */
	if (live->manifest && live->header.fields & 1 << SYNFW_FIELD_SRC)
		err = note_entries(live, source_class, fault, &entries);
	if (err)
		return err;
	*ret_entries = entries;
	entries = (struct standing_entries){NULL};
	return 0;
}

void standing_entries_done(struct standing_entries *entries)
{
	free(entries->protects);
	free(entries->rules);
}
