/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * (protocol, port or type) of either direction. Every bit is drawn as a set of values for each
 * region; a sweep over the values of the region toggles the bits that begin or end there, so the
 * cost follows the number of edges, not rules times ports.
 */
#include "compile/l4_table.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/tables.h"

static const struct {
	uint8_t proto;
	uint32_t values;
} regions[SYNFW_NR_L4_REGIONS] = {
	[SYNFW_L4_PROTO] = {0, 256},
	[SYNFW_L4_ICMP] = {IPPROTO_ICMP, 256},
	[SYNFW_L4_ICMPV6] = {IPPROTO_ICMPV6, 256},
	[SYNFW_L4_TCP] = {IPPROTO_TCP, L4_VALUES},
	[SYNFW_L4_UDP] = {IPPROTO_UDP, L4_VALUES},
	[SYNFW_L4_SCTP] = {IPPROTO_SCTP, L4_VALUES},
};

uint32_t l4_region_values(enum synfw_l4_region region)
{
	return regions[region].values;
}

static bool region_has_ports(enum synfw_l4_region region)
{
	return region == SYNFW_L4_TCP || region == SYNFW_L4_UDP || region == SYNFW_L4_SCTP;
}

static void values_fill(struct l4_values *values, uint32_t first, uint32_t last)
{
	for (uint32_t word = first / 64; word <= last / 64; word++) {
		uint64_t mask = UINT64_MAX;

		if (word == first / 64)
			mask &= UINT64_MAX << first % 64;
		if (word == last / 64)
			mask &= UINT64_MAX >> (63 - last % 64);
		values->word[word] |= mask;
	}
}

static void ports_fill(struct l4_values *values, const struct port_range *ranges, size_t count,
		       uint8_t proto)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].proto == 0 || ranges[i].proto == proto)
			values_fill(values, ranges[i].first, ranges[i].last);
}

static bool proto_listed(const struct match *match, uint8_t proto)
{
	return memchr(match->protos, proto, match->nr_protos);
}

static void protos_fill(struct l4_values *values, const struct match *match)
{
	for (size_t i = 0; i < match->nr_protos; i++)
		values_fill(values, match->protos[i], match->protos[i]);
}

/* Destination ports, ICMP types, protocols. */
static void dst_values(const struct match *match, enum synfw_l4_region region,
		       struct l4_values *values)
{
	uint8_t proto = regions[region].proto;
	uint32_t last = regions[region].values - 1;

	if (region == SYNFW_L4_PROTO) {
		if (match->keys & (MATCH_TO | MATCH_ICMP))
			return;
		if (match->keys & MATCH_PROTO)
			protos_fill(values, match);
		else
			values_fill(values, 0, last);
		return;
	}
	if (match->keys & MATCH_PROTO && !proto_listed(match, proto))
		return;
	if (match->keys & MATCH_TO && match->keys & MATCH_ICMP)
		return;
	if (match->keys & MATCH_TO) {
		if (region_has_ports(region))
			ports_fill(values, match->to, match->nr_to, proto);
	} else if (match->keys & MATCH_ICMP) {
		for (size_t i = 0; i < match->nr_icmp; i++)
			if (match->icmp[i].proto == proto)
				values_fill(values, match->icmp[i].type, match->icmp[i].type);
	} else {
		values_fill(values, 0, last);
	}
}

static void src_values(const struct match *match, enum synfw_l4_region region,
		       struct l4_values *values)
{
	if (!(match->keys & MATCH_FROM_PORT))
		values_fill(values, 0, regions[region].values - 1);
	else if (region_has_ports(region))
		ports_fill(values, match->from_ports, match->nr_from_ports, regions[region].proto);
}

static void match_values(const struct match *match, enum synfw_field field,
			 enum synfw_l4_region region, struct l4_values *values)
{
	memset(values->word, 0, regions[region].values / 8);
	if (field == SYNFW_FIELD_L4DST)
		dst_values(match, region, values);
	else
		src_values(match, region, values);
}

void l4_bit_values(const struct bit *bit, enum synfw_field field, enum synfw_l4_region region,
		   struct l4_values *ret_values)
{
	enum except_mode mode = bit->except_modes[field];
	struct l4_values except;

	match_values(bit->match, field, region, ret_values);
	if (mode == EXCEPT_IGNORED)
		return;
	match_values(bit->except, field, region, &except);
	for (uint32_t i = 0; i < regions[region].values / 64; i++)
		ret_values->word[i] &= mode == EXCEPT_REQUIRED ? except.word[i] : ~except.word[i];
}

static bool values_have(const struct l4_values *values, uint32_t value)
{
	return values->word[value / 64] >> value % 64 & 1;
}

/* Value at which a bit changes, in a list per value. */
struct edge {
	uint32_t bit;
	uint32_t next; /* index + 1; 0: last */
};

struct sweep {
	uint32_t first[L4_VALUES]; /* index + 1 of the first edge at a value */
	struct edge *edges;
	uint32_t nr_edges, room;
	bool distinguishes; /* some bit does not treat all values as it treats no value */
};

static void sweep_done(struct sweep **sweep)
{
	if (*sweep)
		free((*sweep)->edges);
	free(*sweep);
}

static int sweep_edge(struct sweep *sweep, uint32_t bit, uint32_t value)
{
	if (sweep->nr_edges == sweep->room) {
		uint32_t room = sweep->room ? sweep->room * 2 : 1024;
		struct edge *edges = reallocarray(sweep->edges, room, sizeof(*edges));

		if (!edges)
			return -ENOMEM;
		sweep->edges = edges;
		sweep->room = room;
	}
	sweep->edges[sweep->nr_edges] = (struct edge){.bit = bit, .next = sweep->first[value]};
	sweep->first[value] = ++sweep->nr_edges;
	return 0;
}

/* The edges of one bit: wherever a value differs from the one before it. */
static int sweep_bit(struct sweep *sweep, uint32_t bit, const struct l4_values *values,
		     uint32_t count, bool without_l4)
{
	uint64_t before = 0;

	if (values_have(values, 0) != without_l4)
		sweep->distinguishes = true;
	for (uint32_t word = 0; word < count / 64; word++) {
		uint64_t edges = values->word[word] ^ (values->word[word] << 1 | before);

		before = values->word[word] >> 63;
		for (; edges; edges &= edges - 1) {
			uint32_t value = word * 64 + __builtin_ctzll(edges);
			int error = sweep_edge(sweep, bit, value);

			if (error)
				return error;
			sweep->distinguishes |= value != 0;
		}
	}
	return 0;
}

static int sweep_fill(struct build *build, struct sweep *sweep, enum synfw_field field,
		      enum synfw_l4_region region)
{
	struct l4_values values, protos;
	int error = 0;

	for (uint32_t i = 0; !error && i < build->bits->count; i++) {
		const struct bit *bit = &build->bits->bit[i];
		bool without_l4 = true;

		if (!bit_constrains(bit, field)) {
			error = sweep_edge(sweep, i, 0);
			continue;
		}
		l4_bit_values(bit, field, region, &values);
		if (region != SYNFW_L4_PROTO) {
			l4_bit_values(bit, field, SYNFW_L4_PROTO, &protos);
			without_l4 = values_have(&protos, regions[region].proto);
		}
		error = sweep_bit(sweep, i, &values, regions[region].values, without_l4);
	}
	return error;
}

static int sweep_classes(struct build *build, const struct sweep *sweep, enum synfw_field field,
			 uint32_t offset, uint32_t count)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	uint32_t class_id = 0;

	if (!vector)
		return -ENOMEM;
	for (uint32_t value = 0; value < count; value++) {
		for (uint32_t at = sweep->first[value]; at; at = sweep->edges[at - 1].next) {
			uint32_t bit = sweep->edges[at - 1].bit;

			vector[bit / 64] ^= 1ULL << bit % 64;
		}
		if (value == 0 || sweep->first[value]) {
			int error = vectors_add(&build->vectors, field, vector, &class_id);

			if (error)
				return error;
		}
		build->tables.ids[offset + value] = class_id;
	}
	return 0;
}

/* A region in which no bit looks at the value is left out: region PROTO says the same. */
static int build_region(struct build *build, enum synfw_field field, enum synfw_l4_region region)
{
	CLEANUP(sweep_done) struct sweep *sweep = calloc(1, sizeof(*sweep));
	uint32_t *offset = &build->l4_offset[field == SYNFW_FIELD_L4SRC][region];
	int error;

	if (!sweep)
		return -ENOMEM;
	error = sweep_fill(build, sweep, field, region);
	if (error)
		return error;
	if (region != SYNFW_L4_PROTO && !sweep->distinguishes)
		return 0;
	error = id_tables_reserve(&build->tables, regions[region].values, offset);
	if (error)
		return error;
	return sweep_classes(build, sweep, field, *offset, regions[region].values);
}

int build_l4(struct build *build, enum synfw_field field)
{
	for (int region = 0; region < SYNFW_NR_L4_REGIONS; region++) {
		int error = build_region(build, field, region);

		if (error)
			return error;
	}
	return 0;
}
