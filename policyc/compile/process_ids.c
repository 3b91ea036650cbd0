/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each user and group that a policy names says. */
#include "compile/process_build.h"

#include <errno.h>
#include <stdlib.h>

static int id_add(struct process_build *build, enum synfw_process_id_kind kind, uint32_t number,
		  struct process_id_saying **ret_saying)
{
	const struct synfw_process_id key = {.kind = kind, .number = number};
	uint32_t id;
	int error = intern_add(&build->ids, &key, &id);

	if (error)
		return error;
	if (id == build->id_sayings_room) {
		uint32_t room = id ? 2 * id : 64;
		struct process_id_saying *sayings =
			reallocarray(build->id_sayings, room, sizeof(*sayings));

		if (!sayings)
			return -ENOMEM;
		memset(sayings + id, 0, (room - id) * sizeof(*sayings));
		build->id_sayings = sayings;
		build->id_sayings_room = room;
	}
	*ret_saying = &build->id_sayings[id];
	return 0;
}

static int list_collect(struct process_build *build, enum synfw_process_id_kind kind,
			const struct id_match *list, uint32_t bit)
{
	for (size_t i = 0; i < list->count; i++) {
		struct process_id_saying *saying;
		int error = id_add(build, kind, list->id[i], &saying);

		if (error)
			return error;
		process_vector_set(list->negated ? &saying->clear : &saying->set, bit);
	}
	return 0;
}

int process_ids_collect(struct process_build *build)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < build->nr_bits; i++) {
		const struct process_match *match = build->bit[i].match;

		error = list_collect(build, SYNFW_ID_USER, &match->user, i);
		if (!error)
			error = list_collect(build, SYNFW_ID_GROUP, &match->group, i);
	}
	return error;
}
