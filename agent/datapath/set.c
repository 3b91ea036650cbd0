/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include <frontend/suggest.h>
#include <synfw/cleanup.h>

#include "datapath.h"
#include "live.h"

/* An apply may switch while a reader without the lock looks. */
#define MAX_ATTEMPTS 8

static int open_maps(const struct paths *paths, struct fault *fault, struct object *object)
{
	static const enum object_map maps[] = {OBJECT_CONTROL, OBJECT_DYNAMIC_SETS, OBJECT_MEMBERS,
					       OBJECT_RUNTIME, OBJECT_MEMBER_FILTER};
	size_t i;
	int err;

	for (i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		err = datapath_open_map(paths->live, maps[i], fault, &object->map_fd[maps[i]]);
		if (err == -ENOENT)
			return fault_refuse(fault, EXIT_USAGE,
					    "no policy is in force: there are no sets");
		if (err)
			return err;
	}
	return 0;
}

static bool is_listed_set(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; manifest && i < manifest->nr_sets; i++)
		if (!manifest->sets[i].dynamic && !strcmp(manifest->sets[i].name, name))
			return true;
	return false;
}

/* Says what the name is instead. Reads the whole policy: nobody waits for this one. */
static int refuse_name(const struct paths *paths, const struct dynamic *dynamic, const char *name,
		       struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	struct suggestion near = suggest_start(name);
	struct fault ignored = {0};
	int number;

	if (live_open(paths->live, &ignored, &live))
		fault_done(&ignored);
	if (is_listed_set(live.manifest, name))
		return fault_refuse(fault, EXIT_USAGE,
				    "set \"%s\" is not dynamic: its addresses stand in the policy; "
				    "change them there and apply it",
				    name);
	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++)
		if (dynamic->about.set[number].name[0])
			suggest_offer(&near, dynamic->about.set[number].name);
	if (near.best)
		return fault_refuse(fault, EXIT_USAGE, "unknown set \"%s\"; did you mean \"%s\"?",
				    name, near.best);
	return fault_refuse(fault, EXIT_USAGE,
			    "unknown set \"%s\": the policy in force has no dynamic set of that "
			    "name; see `synfw show sets`",
			    name);
}

int set_open(const struct paths *paths, const char *name, struct fault *fault, struct set *ret_set)
{
	CLEANUP(object_close) struct object object = OBJECT_NONE;
	CLEANUP(dynamic_close) struct dynamic dynamic = DYNAMIC_NONE;
	struct synfw_control control;
	int attempt, number, err;

	err = open_maps(paths, fault, &object);
	if (err)
		return err;
	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		dynamic_close(&dynamic);
		err = datapath_read_control(&object, fault, &control);
		if (!err)
			err = dynamic_open(&object, control.active, fault, &dynamic);
		if (err)
			return err;
		number = dynamic_find(&dynamic, name);
		if (number >= 0 && dynamic.fd[number] >= 0) {
			*ret_set = (struct set){TAKE_FD(dynamic.fd[number]), object,
						dynamic.about.set[number]};
			object = (struct object)OBJECT_NONE;
			return 0;
		}
		if (number < 0)
			return refuse_name(paths, &dynamic, name, fault);
	}
	return fault_system(fault, -EAGAIN, "cannot open set \"%s\"", name);
}

void set_close(struct set *set)
{
	cleanup_fd(&set->fd);
	object_close(&set->object);
	*set = (struct set)SET_NONE;
}
