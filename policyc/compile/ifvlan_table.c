/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interface and VLAN: one part per interface slot, with or without a dimension for the VLAN. */
#include "compile/tables.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* The bits that constrain the field. */
struct looking {
	uint32_t *bits;
	uint32_t count;
};

static bool interface_matches(const struct match *match, const char *name)
{
	for (size_t i = 0; i < match->nr_interfaces; i++)
		if (name && !fnmatch(match->interfaces[i], name, 0))
			return true;
	return !(match->keys & MATCH_INTERFACE);
}

static bool vlan_matches(const struct match *match, uint32_t vlan)
{
	for (size_t i = 0; i < match->nr_vlans; i++)
		if (match->vlans[i] == vlan)
			return true;
	return !(match->keys & MATCH_VLAN);
}

static bool ifvlan_matches(const struct match *match, const char *name, uint32_t vlan)
{
	return interface_matches(match, name) && vlan_matches(match, vlan);
}

/* The class of one interface (NULL: unknown) and VLAN. `vector` has the unconstrained bits set;
 * `looking` lists the others. */
static int ifvlan_entry(struct build *build, const struct looking *looking, uint64_t *vector,
			const char *name, uint32_t vlan, uint32_t *ret_class)
{
	for (uint32_t i = 0; i < looking->count; i++) {
		const struct bit *bit = &build->bits->bit[looking->bits[i]];
		enum except_mode mode = bit->except_modes[SYNFW_FIELD_IFVLAN];

		vector_assign(vector, looking->bits[i],
			      except_apply(mode, ifvlan_matches(bit->match, name, vlan),
					   mode != EXCEPT_IGNORED &&
						   ifvlan_matches(bit->except, name, vlan)));
	}
	return vectors_add(&build->vectors, SYNFW_FIELD_IFVLAN, vector, ret_class);
}

/* Sorts the bits into those that look at the field and those that are set in every class. */
static int looking_find(const struct build *build, uint64_t *vector, struct looking *ret_looking)
{
	uint32_t *bits = calloc(build->bits->count + 1, sizeof(*bits)), count = 0;

	if (!bits)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->bits->count; i++) {
		if (bit_constrains(&build->bits->bit[i], SYNFW_FIELD_IFVLAN))
			bits[count++] = i;
		else
			vector_set(vector, i);
	}
	*ret_looking = (struct looking){.bits = bits, .count = count};
	return 0;
}

static void looking_done(struct looking *looking)
{
	free(looking->bits);
}

static void vlans_mark(const struct match *match, bool mentioned[SYNFW_VLAN_ENTRIES], bool *matter)
{
	*matter |= match->keys & MATCH_VLAN;
	for (size_t i = 0; i < match->nr_vlans; i++)
		mentioned[match->vlans[i]] = true;
}

/* VLAN ids that no rule mentions are all alike; the first of them stands for the others. */
static int slot_with_vlans(struct build *build, const struct looking *looking, uint64_t *vector,
			   const char *name, const bool *mentioned, uint32_t offset)
{
	uint32_t other_class = UINT32_MAX;

	for (uint32_t vlan = 0; vlan < SYNFW_VLAN_ENTRIES; vlan++) {
		uint32_t *id = &build->tables.ids[offset + vlan];
		int error;

		if (!mentioned[vlan] && other_class != UINT32_MAX) {
			*id = other_class;
			continue;
		}
		error = ifvlan_entry(build, looking, vector, name, vlan, id);
		if (error)
			return error;
		if (!mentioned[vlan])
			other_class = *id;
	}
	return 0;
}

static void vlans_find(const struct build *build, bool mentioned[SYNFW_VLAN_ENTRIES],
		       bool *ret_matter)
{
	for (uint32_t i = 0; i < build->bits->count; i++) {
		const struct bit *bit = &build->bits->bit[i];

		if (bit_is_padding(bit))
			continue;
		vlans_mark(bit->match, mentioned, ret_matter);
		if (bit->except_modes[SYNFW_FIELD_IFVLAN] != EXCEPT_IGNORED)
			vlans_mark(bit->except, mentioned, ret_matter);
	}
}

/* Slots without an interface are like slot 0, the unknown interface. */
static int slots_fill(struct build *build, const struct looking *looking, uint64_t *vector,
		      const bool *mentioned)
{
	uint32_t stride = build->ifvlan_ids ? build->ifvlan_ids : 1;
	const char *names[SYNFW_MAX_INTERFACES + 1] = {};
	int error = 0;

	for (size_t i = 0; i < build->options->nr_interfaces; i++) {
		assert(build->options->interfaces[i].slot <= SYNFW_MAX_INTERFACES);
		names[build->options->interfaces[i].slot] = build->options->interfaces[i].name;
	}
	for (uint32_t slot = 0; !error && slot <= SYNFW_MAX_INTERFACES; slot++) {
		uint32_t offset = build->ifvlan_offset + slot * stride;
		uint32_t *ids = build->tables.ids;

		if (slot && !names[slot])
			memcpy(ids + offset, ids + build->ifvlan_offset, stride * sizeof(*ids));
		else if (build->ifvlan_ids)
			error = slot_with_vlans(build, looking, vector, names[slot], mentioned,
						offset);
		else
			error = ifvlan_entry(build, looking, vector, names[slot], SYNFW_VLAN_NONE,
					     &ids[offset]);
	}
	return error;
}

int build_ifvlan(struct build *build)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	CLEANUP(looking_done) struct looking looking = {};
	bool mentioned[SYNFW_VLAN_ENTRIES] = {};
	bool vlans_matter = false;
	int error;

	if (!vector)
		return -ENOMEM;
	error = looking_find(build, vector, &looking);
	if (error)
		return error;
	vlans_find(build, mentioned, &vlans_matter);
	build->ifvlan_ids = vlans_matter ? SYNFW_VLAN_ENTRIES : 0;
	error = id_tables_reserve(&build->tables,
				  (vlans_matter ? SYNFW_VLAN_ENTRIES : 1) *
					  (SYNFW_MAX_INTERFACES + 1),
				  &build->ifvlan_offset);
	if (error)
		return error;
	return slots_fill(build, &looking, vector, mentioned);
}
