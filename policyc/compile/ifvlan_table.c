/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Interface and VLAN: one part per interface slot, with or without a dimension for the VLAN. */
#include "compile/tables.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

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

/* The class of one interface (NULL: unknown) and VLAN. `vector` has the unconstrained bits set. */
static int ifvlan_entry(struct build *build, uint64_t *vector, const char *name, uint32_t vlan,
			uint32_t *ret_class)
{
	for (uint32_t i = 0; i < build->bits->count; i++) {
		const struct bit *bit = &build->bits->bit[i];
		enum except_mode mode = bit->except_modes[SYNFW_FIELD_IFVLAN];

		if (bit_constrains(bit, SYNFW_FIELD_IFVLAN))
			vector_assign(vector, i,
				      except_apply(mode, ifvlan_matches(bit->match, name, vlan),
						   mode != EXCEPT_IGNORED &&
							   ifvlan_matches(bit->except, name, vlan)));
		else
			vector_set(vector, i);
	}
	return vectors_add(&build->vectors, SYNFW_FIELD_IFVLAN, vector, ret_class);
}

static void vlans_mark(const struct match *match, bool mentioned[SYNFW_VLAN_ENTRIES], bool *matter)
{
	*matter |= match->keys & MATCH_VLAN;
	for (size_t i = 0; i < match->nr_vlans; i++)
		mentioned[match->vlans[i]] = true;
}

/* VLAN ids that no rule mentions are all alike; the first of them stands for the others. */
static int slot_with_vlans(struct build *build, uint64_t *vector, const char *name,
			   const bool *mentioned, uint32_t offset)
{
	uint32_t other_class = UINT32_MAX;

	for (uint32_t vlan = 0; vlan < SYNFW_VLAN_ENTRIES; vlan++) {
		uint32_t *id = &build->tables.ids[offset + vlan];
		int error;

		if (!mentioned[vlan] && other_class != UINT32_MAX) {
			*id = other_class;
			continue;
		}
		error = ifvlan_entry(build, vector, name, vlan, id);
		if (error)
			return error;
		if (!mentioned[vlan])
			other_class = *id;
	}
	return 0;
}

int build_ifvlan(struct build *build)
{
	CLEANUP(cleanup_free) uint64_t *vector = vector_new(&build->vectors);
	const char *names[SYNFW_MAX_INTERFACES + 1] = {};
	bool mentioned[SYNFW_VLAN_ENTRIES] = {};
	uint32_t stride = 1;
	bool vlans_matter = false;
	int error;

	if (!vector)
		return -ENOMEM;
	for (uint32_t i = 0; i < build->bits->count; i++) {
		const struct bit *bit = &build->bits->bit[i];

		if (bit_is_padding(bit))
			continue;
		vlans_mark(bit->match, mentioned, &vlans_matter);
		if (bit->except_modes[SYNFW_FIELD_IFVLAN] != EXCEPT_IGNORED)
			vlans_mark(bit->except, mentioned, &vlans_matter);
	}
	for (size_t i = 0; i < build->options->nr_interfaces; i++)
		names[build->options->interfaces[i].slot] = build->options->interfaces[i].name;
	if (vlans_matter)
		stride = build->ifvlan_ids = SYNFW_VLAN_ENTRIES;

	error = id_tables_reserve(&build->tables, stride * (SYNFW_MAX_INTERFACES + 1),
				  &build->ifvlan_offset);
	for (uint32_t slot = 0; !error && slot <= SYNFW_MAX_INTERFACES; slot++) {
		uint32_t offset = build->ifvlan_offset + slot * stride;

		if (slot && !names[slot] && !vlans_matter)
			build->tables.ids[offset] = build->tables.ids[build->ifvlan_offset];
		else if (vlans_matter)
			error = slot_with_vlans(build, vector, names[slot], mentioned, offset);
		else
			error = ifvlan_entry(build, vector, names[slot], SYNFW_VLAN_NONE,
					     &build->tables.ids[offset]);
	}
	return error;
}
