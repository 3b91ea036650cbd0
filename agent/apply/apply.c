/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "apply.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "base/progress.h"
#include "commit_egress.h"
#include "compile.h"
#include "datapath/counters.h"
#include "datapath/netns.h"
#include "datapath/seed.h"
#include "datapath/source.h"
#include "host/infrastructure.h"
#include "host/lock.h"
#include "host/pins.h"
#include "judge.h"
#include "process_commit.h"
#include "process_commit_attach.h"
#include "process_judge.h"
#include "processes/counters.h"

#define LOCK_TIMEOUT_MS 60000

/* Everything that one apply holds. */
struct apply {
	const struct paths *paths;
	const struct policy *policy;
	const struct apply_options *options;
	struct diags *diags;
	struct fault *fault;

	struct lock lock;
	struct live live;
	char *other_abi_dir;  /* where `live` is pinned when its ABI is another one */
	struct object loaded; /* what this binary's object became, when it had to be loaded */
	bool program_differs;
	struct interface_list interfaces;
	struct infrastructure host;
	struct image *image;
	struct manifest *next;
	struct tables tables;
	struct attachment *attachments;
	struct flow_list seeds; /* connections that the commit is going to find open */
	struct process_commit processes;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Nothing of this ABI is in force: a whole datapath is made. */
static bool is_fresh(const struct apply *apply)
{
	return !apply->live.present || apply->other_abi_dir;
}

/* ---- what is in force ---- */

/* With a datapath of this ABI in force, those of others are what an upgrade that was killed did
 * not come to remove. */
static int recover(struct apply *apply, struct notes *notes)
{
	CLEANUP(cleanup_free) char *other = NULL;
	int err;

	err = commit_recover(apply->paths, &apply->live, notes, apply->fault);
	if (!err)
		err = process_commit_recover(apply->paths, &apply->processes, &apply->live,
					     apply->fault);
	if (err || apply->other_abi_dir || !apply->live.present)
		return err;
	err = pins_find_other_abi(apply->paths, apply->fault, &other);
	if (!err && other)
		pins_remove_datapath(apply->paths, other);
	return err;
}

static int find_live(struct apply *apply, struct notes *notes)
{
	CLEANUP(cleanup_fd) int root_fd = -1;
	int err = pins_open(apply->paths, apply->fault, &root_fd);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = live_open(apply->paths->live, apply->fault, &apply->live);
	if (!err && apply->live.present)
		return process_half_find(apply->paths->live, apply->live.control.active,
					 apply->fault, &apply->processes.live);
	if (err)
		return err;
	err = pins_find_other_abi(apply->paths, apply->fault, &apply->other_abi_dir);
	if (err || !apply->other_abi_dir)
		return err;
	err = live_open_other_abi(apply->other_abi_dir, apply->fault, &apply->live);
	if (!err && !apply->live.manifest)
		notes_add(notes, "what \"%s\" counted cannot be read; counters start from zero",
			  apply->other_abi_dir);
	return err;
}

static int open_live(struct apply *apply, struct notes *notes)
{
	int err = find_live(apply, notes);

	if (!err)
		err = netns_check(apply->paths, &apply->live, apply->fault);
	/* what an apply that was killed attached protects as well */
	if (!err)
		err = netns_check_directory(apply->paths, apply->paths->staging, apply->fault);
	return err;
}

/* A link pinned here whose interface does not run it, as this namespace sees it, was made in
 * another network namespace: indexes mean other interfaces there. */
static int check_links(struct apply *apply)
{
	const struct interface *interface;
	const struct link *link;
	enum xdp_mode mode;

	for (size_t i = 0; i < apply->interfaces.count; i++) {
		interface = &apply->interfaces.items[i];
		link = links_find(&apply->live.links, interface->ifindex);
		if (!link || commit_link_is_leftover(&apply->live, link))
			continue;
		if (!live_link_attached(link, &mode))
			return fault_refuse(apply->fault, EXIT_REFUSED,
					    "the link pinned for \"%s\" (index %u) is attached in "
					    "another network namespace; give each namespace its "
					    "own SYNFW_BPFFS",
					    interface->name, interface->ifindex);
		if ((interface->attach == ATTACH_NATIVE && mode == XDP_MODE_GENERIC) ||
		    (interface->attach == ATTACH_GENERIC && mode == XDP_MODE_NATIVE))
			return fault_refuse(apply->fault, EXIT_REFUSED,
					    "\"%s\" is attached in %s mode and the policy wants "
					    "%s; changing it opens a gap, so run `synfw detach` "
					    "first",
					    interface->name, xdp_mode_word(mode),
					    manifest_attach_word(interface->attach));
	}
	return 0;
}

/* ---- the candidate ---- */

static int resolve_interfaces(struct apply *apply)
{
	const struct manifest *live = apply->other_abi_dir ? NULL : apply->live.manifest;
	int err;

	err = interfaces_resolve(apply->policy, apply->options->interfaces,
				 apply->options->nr_interfaces, apply->diags, apply->fault,
				 &apply->interfaces);
	if (err)
		return err;
	if (interfaces_assign_slots(live, &apply->interfaces))
		return fault_refuse(apply->fault, EXIT_REFUSED,
				    "the old and the new policy together have more than %d "
				    "interfaces; run `synfw detach` first",
				    SYNFW_MAX_INTERFACES);
	return check_links(apply);
}

static int compile(struct apply *apply)
{
	const struct compile_candidate candidate = {
		.policy = apply->policy,
		.interfaces = &apply->interfaces,
		.host = infrastructure_is_protected(apply->policy) ? &apply->host : NULL,
		.live = is_fresh(apply) ? NULL : &apply->live,
	};

	return compile_candidate(&candidate, apply->diags, apply->fault, &apply->image);
}

static int describe(struct apply *apply)
{
	const struct manifest *live = apply->other_abi_dir ? NULL : apply->live.manifest;
	char digest[65], infrastructure[INFRASTRUCTURE_DIGEST_SIZE];
	int err;

	err = manifest_from_policy(apply->policy, &apply->next);
	if (!err)
		apply->next->revision = apply->live.control.generation + 1;
	if (!err)
		err = interfaces_describe(&apply->interfaces, apply->next);
	if (!err)
		err = counters_assign(live, apply->next);
	if (!err)
		err = process_counters_assign(live, apply->next);
	if (err == -ENOSPC)
		return fault_refuse(apply->fault, EXIT_REFUSED,
				    "the old and the new policy together name too many rules; run "
				    "`synfw detach` first");
	if (!err) {
		image_digest(apply->image, digest);
		apply->next->digest = strdup(digest);
		err = apply->next->digest ? 0 : -ENOMEM;
	}
	if (!err && infrastructure_is_protected(apply->policy)) {
		infrastructure_digest(&apply->host, infrastructure);
		apply->next->infrastructure = strdup(infrastructure);
		err = apply->next->infrastructure ? 0 : -ENOMEM;
	}
	if (err)
		return fault_system(apply->fault, err, "cannot describe the policy");
	apply->next->netns = netns_identity();
	apply->next->applied_at_ns = now_ns(CLOCK_REALTIME);
	counters_number(apply->next, apply->image);
	err = process_commit_describe(&apply->processes, apply->image->processes, apply->next);
	if (!err)
		err = manifest_append(apply->next, apply->image);
	return err ? fault_system(apply->fault, err, "cannot store the policy's names") : 0;
}

/* ---- the program ---- */

static int load_program(struct apply *apply)
{
	bool fresh = is_fresh(apply);
	int err;

	apply->program_differs = apply->live.present &&
				 (apply->other_abi_dir || commit_program_differs(&apply->live));
	if (!fresh && !apply->program_differs)
		return 0;
	err = object_load(fresh ? NULL : &apply->live.object, apply->fault, &apply->loaded);
	if (!err && fresh)
		err = source_seed(&apply->loaded, apply->fault);
	if (!err && fresh)
		err = dynamic_fill_filter(&apply->tables.dynamic, &apply->loaded, apply->fault);
	return err;
}

/* ---- processes ---- */

static int prepare_processes(struct apply *apply)
{
	const struct live nothing = LIVE_NONE;
	bool can_refuse = apply->processes.security != PROCESS_SECURITY_NONE;
	int err = process_judge_means(apply->policy, can_refuse, apply->fault);

	if (!err)
		err = process_commit_prepare(&apply->processes,
					     is_fresh(apply) ? &apply->loaded : &apply->live.object,
					     is_fresh(apply) ? &nothing : &apply->live,
					     apply->image, apply->next, apply->fault);
	if (!err)
		err = process_judge_tests(apply->policy, apply->image->processes,
					  &apply->processes.inner, can_refuse, apply->diags,
					  apply->fault);
	return err;
}

/* ---- connections ---- */

static bool tracks_flows(const struct apply *apply)
{
	return image_header_const(apply->image)->established != SYNFW_ESTABLISHED_IGNORE;
}

/* What the commit will do again once the egress filters are there. Known before, so that the
 * lock-out check can count on it, and so that a dump that fails stops everything. */
static int find_seeds(struct apply *apply)
{
	bool missing;
	int err;

	if (!tracks_flows(apply))
		return 0;
	err = commit_egress_is_missing(&apply->interfaces, apply->fault, &missing);
	if (err)
		return err;
	if (!is_fresh(apply) && !missing &&
	    apply->live.header.established != SYNFW_ESTABLISHED_IGNORE)
		return 0;
	return seed_read(apply->fault, &apply->seeds);
}

/* ---- putting it together ---- */

static int prepare(struct apply *apply)
{
	int err;

	progress_stage("compiling the policy");
	err = resolve_interfaces(apply);
	if (!err)
		err = infrastructure_read(apply->fault, &apply->host);
	if (!err)
		err = compile(apply);
	if (!err)
		err = describe(apply);
	progress_stage("filling the tables");
	if (!err)
		err = tables_create(apply->image, apply->fault, &apply->tables);
	if (!err)
		err = dynamic_create(apply->policy,
				     apply->live.present ? &apply->live.tables.dynamic : NULL,
				     apply->fault, &apply->tables.dynamic);
	if (!err)
		err = find_seeds(apply);
	if (!err) {
		const struct candidate candidate = {
			.policy = apply->policy,
			.image = apply->image,
			.tables = &apply->tables,
			.interfaces = &apply->interfaces,
			.state = is_fresh(apply) ? NULL : &apply->live.object,
			.seeds = &apply->seeds,
		};

		progress_stage("judging the policy");
		err = judge_candidate(&candidate, apply->options->force, apply->diags,
				      apply->fault);
	}
	if (!err) {
		progress_stage("loading the program");
		err = load_program(apply);
	}
	if (!err)
		err = prepare_processes(apply);
	return err;
}

/* Signals that a person or a service manager ends a command with. */
static void block_termination(sigset_t *ret_before)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

static int put_in_force(struct apply *apply, struct apply_report *report)
{
	struct served served;
	CLEANUP(exempt_done) struct exempt exempt = {0};
	struct commit commit = {
		.paths = apply->paths,
		.live = &apply->live,
		.upgrade_abi = apply->other_abi_dir != NULL,
		.live_dir = apply->other_abi_dir ? apply->other_abi_dir : apply->paths->live,
		.object = is_fresh(apply) ? &apply->loaded : &apply->live.object,
		.prog_fd = apply->loaded.prog_fd >= 0 ? apply->loaded.prog_fd
						      : apply->live.object.prog_fd,
		.egress_fd = apply->loaded.egress_fd >= 0 ? apply->loaded.egress_fd
							  : apply->live.object.egress_fd,
		.tracks_flows = tracks_flows(apply),
		.served = &served,
		.tables = &apply->tables,
		.next = apply->next,
		.exempt = &exempt,
		.processes = &apply->processes,
		.interfaces = &apply->interfaces,
		.notes = &report->notes,
		.control =
			{
				.active = apply->live.control.active ^ 1,
				.abi_version = SYNFW_ABI_VERSION,
				.program_digest = object_digest(),
				.generation = apply->next->revision,
				.applied_at_ns = apply->next->applied_at_ns,
			},
	};
	sigset_t before;
	int err;

	served_ports(apply->policy, &served);
	apply->attachments = calloc(apply->interfaces.count + 1, sizeof(*apply->attachments));
	if (!apply->attachments || exempt_choose(&apply->host, &exempt))
		return fault_system(apply->fault, -ENOMEM, "cannot attach the policy");
	exempt_note(&exempt, &report->notes);
	commit.attachments = apply->attachments;
	progress_stage("switching to the policy");
	/* Ctrl-C waits until the commit is done or undone; it then ends the command */
	block_termination(&before);
	err = commit_run(&commit, apply->fault);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	report->detached = commit.detached;
	report->stale = commit.stale;
	report->seeded = commit.seeded;
	return err;
}

static void fill_report(struct apply *apply, uint64_t began_ns, struct apply_report *report)
{
	report->before = TAKE_PTR(apply->live.manifest);
	report->after = TAKE_PTR(apply->next);
	report->interfaces = apply->interfaces;
	apply->interfaces = (struct interface_list){0};
	report->attachments = TAKE_PTR(apply->attachments);
	report->nr_lines = apply->image->nr_lines;
	report->kernel_bytes = apply->image->kernel_bytes;
	report->nr_copied = apply->image->nr_copied;
	report->nr_changed = apply->image->nr_changed;
	report->program_replaced = apply->program_differs;
	report->duration_ns = now_ns(CLOCK_MONOTONIC) - began_ns;
}

static void apply_done(struct apply *apply)
{
	live_close(&apply->live);
	object_close(&apply->loaded);
	interface_list_done(&apply->interfaces);
	infrastructure_done(&apply->host);
	image_free(apply->image);
	manifest_free(apply->next);
	tables_close(&apply->tables);
	free(apply->attachments);
	flow_list_done(&apply->seeds);
	process_commit_done(&apply->processes);
	free(apply->other_abi_dir);
	lock_release(&apply->lock);
}

int apply_policy(const struct paths *paths, const struct policy *policy,
		 const struct apply_options *options, struct diags *diags, struct fault *fault,
		 struct apply_report *ret_report)
{
	CLEANUP(apply_done)
	struct apply apply = {
		.paths = paths,
		.policy = policy,
		.options = options,
		.diags = diags,
		.fault = fault,
		.lock = LOCK_NONE,
		.live = LIVE_NONE,
		.loaded = OBJECT_NONE,
		.tables = TABLES_NONE,
		.processes = PROCESS_COMMIT_NONE,
	};
	CLEANUP(apply_report_done) struct apply_report report = {0};
	uint64_t began_ns;
	int err;

	progress_stage("waiting for another synfw to end");
	err = lock_acquire(paths, LOCK_TIMEOUT_MS, fault, &apply.lock);
	began_ns = now_ns(CLOCK_MONOTONIC);
	if (!err)
		err = open_live(&apply, &report.notes);
	if (!err)
		err = prepare(&apply);
	if (!err && apply.processes.needed)
		process_judge_note(policy, apply.processes.security != PROCESS_SECURITY_NONE,
				   apply.processes.isolates_fully, &report.notes);
	/* what a killed run left may protect: it goes only when something takes its place */
	if (!err && !options->dry_run)
		err = recover(&apply, &report.notes);
	if (!err && !options->dry_run)
		err = put_in_force(&apply, &report);
	if (err)
		return err;
	fill_report(&apply, began_ns, &report);
	*ret_report = report;
	report = (struct apply_report){0};
	return 0;
}

void apply_report_done(struct apply_report *report)
{
	manifest_free(report->before);
	manifest_free(report->after);
	interface_list_done(&report->interfaces);
	free(report->attachments);
	notes_done(&report->notes);
}
