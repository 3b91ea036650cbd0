/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "apply/idle.h"
#include "base/ui.h"
#include "datapath/datapath.h"
#include "datapath/live.h"
#include "datapath/netns.h"
#include "host/instance.h"
#include "host/lock.h"
#include "sources/exempt.h"

#define MS	       1000ULL

#define DEBOUNCE_US    (50 * MS)    /* changes come in groups */
#define LOCK_BUSY_US   (100 * MS)   /* until another look whether the lock is free */
#define AFTER_FAULT_US (1000 * MS)  /* until another try */
#define PERIOD_US      (60000 * MS) /* without any event */
#define PAUSE_FACTOR   10
#define MAX_HOOKS      8

struct hook {
	keeper_hook_t call;
	void *context;
};

struct keeper {
	const struct paths *paths;
	int instance_fd;
	bool hears; /* commands can ask */
	sd_event_source *timer;
	struct hook hooks[MAX_HOOKS];
	size_t nr_hooks;
	uint64_t earliest_us; /* CLOCK_MONOTONIC: no refresh before */
	char *complaint;      /* said last; NULL: all is well */

	/* of the datapath that was seen to belong to this network namespace */
	uint32_t map_id;
	uint64_t generation;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- what it says ---- */

/* Once, until it changes: a refresh that fails is tried again and again. NULL: all is well. */
static void complain(struct keeper *keeper, const char *text)
{
	if (text && (!keeper->complaint || strcmp(keeper->complaint, text)))
		ui_warning("%s", text);
	free(keeper->complaint);
	keeper->complaint = text ? strdup(text) : NULL;
}

/* ---- one refresh ---- */

/* The addresses of this namespace are of no use to a datapath of another one. */
static int check_namespace(struct keeper *keeper, uint32_t map_id, struct fault *fault)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	int err = live_open(keeper->paths->live, fault, &live);

	if (!err)
		err = netns_check(keeper->paths, &live, fault);
	if (!err)
		keeper->map_id = map_id;
	return err;
}

static int open_maps(struct keeper *keeper, struct fault *fault, struct object *ret_object,
		     uint32_t *ret_idle_slot)
{
	static const enum object_map maps[] = {OBJECT_CONTROL, OBJECT_PAGES, OBJECT_EXEMPT_FILTER,
					       OBJECT_EXEMPT, OBJECT_RUNTIME};
	CLEANUP(object_close) struct object object = OBJECT_NONE;
	struct synfw_control control;
	uint32_t map_id, key = 0;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < sizeof(maps) / sizeof(*maps); i++)
		err = datapath_open_map(keeper->paths->live, maps[i], fault,
					&object.map_fd[maps[i]]);
	if (err)
		return err;
	map_id = object_map_id(object.map_fd[OBJECT_EXEMPT]);
	if (!map_id || bpf_map_lookup_elem(object.map_fd[OBJECT_CONTROL], &key, &control))
		return fault_system(fault, -errno, "cannot read which policy is in force");
	if (map_id != keeper->map_id || control.generation != keeper->generation) {
		keeper->map_id = 0;
		keeper->generation = control.generation;
		err = check_namespace(keeper, map_id, fault);
	}
	if (err)
		return err;
	*ret_object = object;
	object = (struct object)OBJECT_NONE;
	*ret_idle_slot = !control.active;
	return 0;
}

static int refresh_maps(const struct object *object, struct notes *notes, struct fault *fault)
{
	CLEANUP(infrastructure_done) struct infrastructure host = {0};
	CLEANUP(exempt_done) struct exempt exempt = {0};
	int err = infrastructure_read(fault, &host);

	if (err)
		return err;
	if (exempt_choose(&host, &exempt))
		return fault_system(fault, -ENOMEM, "cannot choose the exempt addresses");
	exempt_note(&exempt, notes);
	return exempt_write(object, &exempt, fault);
}

/* What an apply has left to synfwd. It mostly waits, and so does not count as work. */
static int give_up_idle(struct keeper *keeper, const struct object *object, uint32_t idle_slot,
			struct fault *fault)
{
	return tables_slot_is_empty(object, idle_slot)
		       ? 0
		       : idle_generation_give_up(keeper->paths, fault);
}

/* All under the lock: what is written last was read last. -EBUSY, without a fault, when somebody
 * else has it. *ret_worked_until: when that was done which costs time of a CPU. */
static int refresh(struct keeper *keeper, struct notes *notes, struct fault *fault,
		   uint64_t *ret_worked_until)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(fault_done) struct fault busy = {0};
	CLEANUP(object_close) struct object object = OBJECT_NONE;
	uint32_t idle_slot;
	int err;

	err = lock_acquire(keeper->paths, 0, &busy, &lock);
	if (err == -ECANCELED)
		return -EBUSY;
	if (err)
		return fault_system(fault, err, "cannot take the lock in \"%s\"",
				    keeper->paths->run);
	err = open_maps(keeper, fault, &object, &idle_slot);
	/* no policy is in force; an apply fills the map itself */
	if (err == -ENOENT) {
		keeper->map_id = 0;
		*ret_worked_until = now_us();
		return 0;
	}
	if (!err)
		err = refresh_maps(&object, notes, fault);
	*ret_worked_until = now_us();
	return err ? err : give_up_idle(keeper, &object, idle_slot, fault);
}

/* Commands count on it from now on, or not. */
static int serve(const struct keeper *keeper, bool well, struct fault *fault)
{
	bool serves = well && keeper->hears;
	int err = instance_serve(keeper->instance_fd, serves ? keeper->map_id : 0);

	return err ? fault_system(fault, err, "cannot say what is served") : 0;
}

/* ---- when ---- */

static void schedule(struct keeper *keeper, uint64_t at_us)
{
	if (at_us < keeper->earliest_us)
		at_us = keeper->earliest_us;
	sd_event_source_set_time(keeper->timer, at_us);
	sd_event_source_set_enabled(keeper->timer, SD_EVENT_ONESHOT);
}

void keeper_request(struct keeper *keeper)
{
	uint64_t at_us = now_us() + DEBOUNCE_US, planned_us;

	/* not put off by what comes meanwhile */
	if (sd_event_source_get_time(keeper->timer, &planned_us) >= 0 && planned_us <= at_us)
		return;
	schedule(keeper, at_us);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	CLEANUP(notes_done) struct notes notes = {0};
	CLEANUP(fault_done) struct fault fault = {0};
	struct keeper *keeper = context;
	uint64_t began_us = now_us(), worked_until_us = began_us, ended_us;
	size_t i;
	int err;

	/* until it is over a request would find a time that has passed */
	schedule(keeper, began_us + PERIOD_US);
	for (i = 0; i < keeper->nr_hooks; i++)
		keeper->hooks[i].call(keeper->hooks[i].context);
	err = refresh(keeper, &notes, &fault, &worked_until_us);
	ended_us = now_us();
	if (err == -EBUSY) {
		schedule(keeper, ended_us + LOCK_BUSY_US);
		return 0;
	}
	if (err)
		serve(keeper, false, &fault);
	else
		err = serve(keeper, true, &fault);
	keeper->earliest_us = ended_us + PAUSE_FACTOR * (worked_until_us - began_us);
	if (err)
		complain(keeper, fault.message ? fault.message : fault_strerror(err));
	else
		complain(keeper, notes.count ? notes.text[0] : NULL);
	schedule(keeper, ended_us + (err ? AFTER_FAULT_US : PERIOD_US));
	return 0;
}

/* ---- the keeper ---- */

const struct paths *keeper_paths(const struct keeper *keeper)
{
	return keeper->paths;
}

int keeper_add_hook(struct keeper *keeper, keeper_hook_t hook, void *context)
{
	if (keeper->nr_hooks == MAX_HOOKS)
		return -ENOSPC;
	keeper->hooks[keeper->nr_hooks++] = (struct hook){hook, context};
	return 0;
}

void keeper_hears(struct keeper *keeper, bool hears)
{
	keeper->hears = hears;
}

int keeper_create(sd_event *event, const struct paths *paths, int instance_fd,
		  struct keeper **ret_keeper)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int err;

	if (!keeper)
		return -ENOMEM;
	keeper->paths = paths;
	keeper->instance_fd = instance_fd;
	err = sd_event_add_time(event, &keeper->timer, CLOCK_MONOTONIC, now_us(), MS, on_timer,
				keeper);
	if (err < 0) {
		free(keeper);
		return err;
	}
	*ret_keeper = keeper;
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	sd_event_source_unref(keeper->timer);
	free(keeper->complaint);
	free(keeper);
}
