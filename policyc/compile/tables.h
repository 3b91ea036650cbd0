/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_TABLES_H
#define POLICYC_TABLES_H

/*
 * The class builders, one a field: each walks the values of its field, computes which bits match,
 * and writes value -> class into the form that the datapath looks up.
 */
#include <stdbool.h>
#include <stdint.h>

#include "compile/bits.h"
#include "compile/membership.h"
#include "compile/origins.h"
#include "compile/ranges.h"
#include "compile/trie.h"
#include "compile/vectors.h"
#include "image.h"

/* Tables of class ids, 16 a line. */
struct id_tables {
	uint32_t *ids;
	uint32_t nr_ids; /* a multiple of 16 */
	uint32_t room;
};

/* Appends `count` zeroed ids, rounded up to lines. Returns 0 and the index of the first. */
int id_tables_reserve(struct id_tables *tables, uint32_t count, uint32_t *ret_first);
void id_tables_done(struct id_tables *tables);

#define NO_TABLE UINT32_MAX

struct basis;

/* The addresses of one family in one direction. */
struct addresses {
	struct ranges ranges; /* empty: no prefix, or there is a delta */
	struct origins origins;
	struct delta delta;
	struct trie trie;   /* built when its place in the image is known */
};

/* Where tries are in an image: the lines of their roots, 0: there is none. */
struct trie_places {
	uint32_t root[SYNFW_NR_DIRS][NR_FAMILIES];
};

/* How rules of one direction mention sets, which is known when a root of lines or with lists
 * may be made. */
struct set_uses {
	bool *used; /* by set */
	uint8_t digest[MEMBERSHIPS_DIGEST_SIZE];
};

/* What a builder needs, and where the results go. Offsets are indices into tables.ids. */
struct build {
	const struct bits *bits;
	const struct policyc_options *options;
	struct basis *basis; /* of options->before, where addresses are built */
	struct vectors vectors;
	struct id_tables tables;
	uint32_t l4_offset[2][SYNFW_NR_L4_REGIONS]; /* [0]: L4DST, [1]: L4SRC */
	uint32_t attr_offset;
	uint32_t ifvlan_offset;
	uint32_t ifvlan_ids; /* ids per interface slot when VLANs matter, else 0 */
	uint32_t dynamic_offset;
	uint32_t source_flags_offset;
	bool constrained[SYNFW_NR_FIELDS];
	bool flag_rules, state_rules; /* some rule asks for TCP flags, for the state */
	struct addresses addresses[SYNFW_NR_DIRS][NR_FAMILIES];
	struct set_uses uses[SYNFW_NR_DIRS];
};

/* Each: 0, -ENOMEM, or -E2BIG when the vectors pass their limit. Fields that no bit constrains are
 * left alone, but for ATTR, which always has classes (class 0: normal packets). */
int build_attr(struct build *build);
int build_l4(struct build *build, enum synfw_field field);
int build_ifvlan(struct build *build);
int build_dynamic(struct build *build);
int build_addresses(struct build *build, enum synfw_direction direction);

/* What is known of the classes of SYNFW_FIELD_SRC, which have been built. */
int build_source_flags(struct build *build);

#endif
