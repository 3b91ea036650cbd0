/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "idle.h"

#include <errno.h>

#include <synfw/cleanup.h>

#include "datapath/grace.h"
#include "processes/half.h"
#include "processes/inner.h"
#include "sources/renumber.h"

/* Packets in flight still read the generation: emptied under them, its missing tables would pass
 * what it drops. They note its rules' names, too. */
static int forget_rules(const struct object *object, const struct manifest *old,
			const struct manifest *in_force, struct fault *fault)
{
	bool lost = true;
	int err = grace_wait(fault);

	if (!err && old)
		err = renumber_has_lost(old, in_force, fault, &lost);
	return err || !lost ? err : renumber_forget(object, in_force, fault);
}

/* The packets' half last: by it one sees that there is something to do. */
int idle_slot_empty(const struct object *object, const struct process_object *processes,
		    uint32_t slot, const struct manifest *old, const struct manifest *in_force,
		    struct fault *fault)
{
	int err = 0;

	if (!tables_slot_is_empty(object, slot))
		err = forget_rules(object, old, in_force, fault);
	if (err)
		return err;
	if (processes)
		err = process_inner_clear(processes, slot);
	if (!err)
		err = tables_clear(object, slot);
	return err ? fault_system(fault, err, "cannot empty the idle generation") : 0;
}

int idle_slot_empty_of(const struct live *live, const struct process_object *processes,
		       struct fault *fault)
{
	static const struct manifest nothing;
	CLEANUP(manifest_freep) struct manifest *old = live_read_idle_manifest(live);

	return idle_slot_empty(&live->object, processes, !live->control.active, old,
			       live->manifest ? live->manifest : &nothing, fault);
}

int idle_generation_give_up(const struct paths *paths, struct fault *fault)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(live_close) struct live live = LIVE_NONE;
	int err = live_open(paths->live, fault, &live);

	if (!err && live.present)
		err = process_half_find(paths->live, live.control.active, fault, &half);
	if (err || !live.present)
		return err;
	return idle_slot_empty_of(&live, half.present ? &half.object : NULL, fault);
}
