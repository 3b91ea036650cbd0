/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw release */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "datapath/live.h"
#include "datapath/source.h"
#include "host/lock.h"
#include "processes/fill.h"
#include "processes/release.h"
#include "processes/text.h"
#include "report/report.h"

#define LOCK_TIMEOUT_MS 60000

/* Whom it is about, as it was before. */
struct prisoner {
	struct process_entry entry;
	struct process_executable executable;
	bool flagged, isolated, peers; /* peers: something was done to them */
	bool talked;		       /* with a source that was blocked */
	uint32_t score;
	size_t heirs;
};

/* What is in force of rules on processes, and who is asked about. */
struct scene {
	struct live live;
	struct process_half half;
	struct synfw_process_head head;
	struct prisoner *prisoners;
	size_t nr_prisoners;
};

static void scene_close(struct scene *scene)
{
	process_half_close(&scene->half);
	live_close(&scene->live);
	free(scene->prisoners);
}

static int parse_arguments(const struct invocation *invocation, struct scene *scene,
			   struct fault *fault)
{
	bool all = option_given(invocation, "all");
	size_t i;

	if (all == (invocation->nr_operands > 0))
		return fault_refuse(fault, EXIT_USAGE,
				    all ? "--all takes no processes"
					: "`synfw release` needs processes, or --all");
	scene->prisoners = calloc(invocation->nr_operands + 1, sizeof(*scene->prisoners));
	if (!scene->prisoners)
		return fault_system(fault, -ENOMEM, "cannot read the arguments");
	for (i = 0; i < invocation->nr_operands; i++)
		if (!process_pid_parse(invocation->operand[i], &scene->prisoners[i].entry.pid))
			return fault_refuse(fault, EXIT_USAGE,
					    "\"%s\" is not the number of a process",
					    invocation->operand[i]);
	scene->nr_prisoners = invocation->nr_operands;
	return 0;
}

static int open_scene(const struct invocation *invocation, struct fault *fault, struct scene *scene)
{
	int err = live_open(invocation->paths.live, fault, &scene->live);
	uint32_t active = scene->live.control.active;

	if (!err && scene->live.present)
		err = process_half_find(invocation->paths.live, active, fault, &scene->half);
	if (err)
		return err;
	if (!scene->half.present)
		return fault_refuse(
			fault, EXIT_USAGE,
			"no policy with rules on processes is in force: nobody is held");
	return process_half_read_head(&scene->half, active, fault, &scene->head);
}

static int read_prisoner(const struct scene *scene, struct fault *fault, struct prisoner *prisoner)
{
	struct synfw_process *process = &prisoner->entry.process;
	uint64_t now_ns = source_now();
	int err = process_entry_read(&scene->half.object, prisoner->entry.pid, fault, process);

	if (err == -ENOENT)
		return fault_refuse(fault, EXIT_USAGE, "there is no process %u that is known",
				    prisoner->entry.pid);
	if (err)
		return err;
	prisoner->flagged = process->flags & (SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_ISOLATED);
	prisoner->peers = process->flags & (SYNFW_PROCESS_PEERS | SYNFW_PROCESS_PEERS_MONITOR);
	prisoner->talked = process_entry_talked(process, &scene->head);
	prisoner->isolated = process_entry_isolated(process, &scene->head);
	prisoner->score = process_entry_score(process, &scene->head, now_ns);
	return process_executable_read(&scene->half.object, &prisoner->entry, &scene->head, now_ns,
				       fault, &prisoner->executable);
}

/* All of them, before anything is changed. */
static int read_prisoners(const struct scene *scene, struct fault *fault)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < scene->nr_prisoners; i++)
		err = read_prisoner(scene, fault, &scene->prisoners[i]);
	return err;
}

static bool was_held(const struct prisoner *prisoner)
{
	return prisoner->flagged || prisoner->talked || prisoner->peers || prisoner->score ||
	       prisoner->executable.score;
}

/* ---- some ---- */

static void print_released(const struct prisoner *prisoner)
{
	const char *comma = "";
	char comm[PROCESS_COMM_MAX];

	process_comm_text(prisoner->entry.process.comm, comm);
	if (!was_held(prisoner)) {
		printf("process %u (%s) is not held for anything\n", prisoner->entry.pid, comm);
		return;
	}
	printf("released process %u (%s): ", prisoner->entry.pid, comm);
	if (prisoner->flagged) {
		printf("it was %s", prisoner->isolated ? "isolated" : "flagged");
		comma = ", ";
	}
	if (prisoner->talked) {
		printf("%sit or who forked it talked with a source that was blocked", comma);
		comma = ", ";
	}
	if (prisoner->peers) {
		printf("%sits peers were marked", comma);
		comma = ", ";
	}
	if (prisoner->score) {
		printf("%sits score was %u", comma, prisoner->score);
		comma = ", ";
	}
	if (prisoner->executable.score)
		printf("%sthat of its executable was %u", comma, prisoner->executable.score);
	if (prisoner->heirs)
		printf("; and %zu further process%s that began with it", prisoner->heirs,
		       prisoner->heirs == 1 ? "" : "es");
	putchar('\n');
}

static json_t *released_json(const struct prisoner *prisoner)
{
	char comm[PROCESS_COMM_MAX];

	/* clang-format off */
	return json_pack("{s:I, s:s, s:b, s:b, s:b, s:b, s:b, s:I, s:I, s:I}",
		"pid", (json_int_t)prisoner->entry.pid,
		"comm", process_comm_text(prisoner->entry.process.comm, comm),
		"released", was_held(prisoner),
		"flagged", prisoner->flagged,
		"isolated", prisoner->isolated,
		"talked", prisoner->talked,
		"peers", prisoner->peers,
		"score", (json_int_t)prisoner->score,
		"executable_score", (json_int_t)prisoner->executable.score,
		"heirs", (json_int_t)prisoner->heirs);
	/* clang-format on */
}

static int release_some(const struct scene *scene, bool as_json, struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *processes = json_array();
	CLEANUP(json_decrefp) json_t *root = NULL;
	int status = EXIT_DONE;
	size_t i;

	for (i = 0; i < scene->nr_prisoners; i++) {
		struct prisoner *prisoner = &scene->prisoners[i];

		if (process_release(&scene->half.object, &scene->head, &prisoner->entry, fault,
				    &prisoner->heirs))
			return ui_fault(fault);
		if (!was_held(prisoner))
			status = EXIT_NO;
		if (as_json)
			json_array_append_new(processes, released_json(prisoner));
		else
			print_released(prisoner);
	}
	if (as_json) {
		root = json_pack("{s:s, s:b, s:O}", "schema", "synfw.release/1", "all", false,
				 "processes", processes);
		report_print_json(root);
	}
	return status ? status : ui_done("released");
}

/* ---- all ---- */

static int release_all(const struct scene *scene, bool as_json, struct fault *fault)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	size_t released;
	bool lost;

	if (process_release_all(&scene->half.object, &scene->head, fault, &released) ||
	    process_fill_lost(&scene->half.object, scene->live.control.active, fault, &lost))
		return ui_fault(fault);
	if (lost)
		ui_warning("the table has no room for all processes: those that are not known "
			   "still have no network");
	if (as_json) {
		root = json_pack("{s:s, s:b, s:I}", "schema", "synfw.release/1", "all", true,
				 "released", (json_int_t)released);
		report_print_json(root);
	} else {
		printf("released %zu process%s, and forgot all scores\n", released,
		       released == 1 ? "" : "es");
	}
	return ui_done("released");
}

/* ---- the command ---- */

int cmd_release(const struct invocation *invocation)
{
	bool as_json = option_given(invocation, "json");
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	CLEANUP(scene_close) struct scene scene = {.live = LIVE_NONE, .half = PROCESS_HALF_NONE};
	CLEANUP(fault_done) struct fault fault = {0};

	if (parse_arguments(invocation, &scene, &fault) ||
	    privileges_check("release a process", &fault) ||
	    lock_acquire(&invocation->paths, LOCK_TIMEOUT_MS, &fault, &lock) ||
	    open_scene(invocation, &fault, &scene) || read_prisoners(&scene, &fault))
		return ui_fault(&fault);
	return option_given(invocation, "all") ? release_all(&scene, as_json, &fault)
					       : release_some(&scene, as_json, &fault);
}
