/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_commit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/counters.h"
#include "host/pins.h"
#include "process_commit_attach.h"
#include "processes/counters.h"
#include "processes/files.h"
#include "processes/fill.h"
#include "processes/growth.h"
#include "processes/link.h"
#include "processes/tallies.h"

#define BIT(hook) (1U << (hook))

/* The maps of the half, whoever made them. */
static const struct process_object *maps_of(const struct process_commit *commit)
{
	return commit->live.present ? &commit->live.object : &commit->loaded;
}

/* ---- the candidate ---- */

static uint64_t serial_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static bool runs_other_build(const struct live *live)
{
	const char *digest = live->manifest ? live->manifest->process_digest : NULL;

	return !digest || strtoull(digest, NULL, 16) != process_object_digest();
}

static uint32_t hooks_to_load(const struct process_commit *commit)
{
	uint32_t there = commit->live.present && !commit->renewed ? commit->live.hooks : 0;

	return commit->needed & ~there;
}

int process_commit_prepare(struct process_commit *commit, const struct object *packets,
			   const struct live *live, struct image *image,
			   const struct manifest *next, struct fault *fault)
{
	struct process_tables *tables = image->processes;
	int err;

	commit->packets = packets;
	commit->tables = tables && synfw_process_head_is_used(&tables->head) ? tables : NULL;
	if (!commit->tables)
		return 0;
	commit->renewed = commit->live.present && runs_other_build(live);
	if (!commit->live.present || hooks_to_load(commit)) {
		err = process_object_load(
			packets, commit->live.present ? &commit->live.object : NULL,
			hooks_to_load(commit), commit->security, fault, &commit->loaded);
		if (err)
			return process_commit_refuse_load(commit, next, hooks_to_load(commit), err,
							  fault);
	}
	err = process_commit_check(commit, next, fault);
	if (err)
		return err;
	tables->head.serial = serial_now();
	err = process_files_add(
		tables, commit->loaded.call_fd[0] >= 0 ? &commit->loaded : &commit->live.object,
		fault);
	return err ? err : process_inner_create(tables, fault, &commit->inner);
}

static char *hook_words(uint32_t hooks)
{
	char *words = NULL, *longer;
	int hook;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++) {
		if (!(hooks & BIT(hook)))
			continue;
		longer = path_format("%s%s%s", words ? words : "", words ? " " : "",
				     process_hooks[hook].word);
		free(words);
		words = longer;
		if (!words)
			break;
	}
	return words;
}

int process_commit_describe(struct process_commit *commit, struct process_tables *tables,
			    struct manifest *manifest)
{
	commit->security = process_hooks_security(tables);
	commit->isolates_fully = process_hooks_isolate_fully(commit->security);
	if (tables && !commit->isolates_fully)
		process_hooks_fall_back(tables);
	commit->needed = process_hooks_needed(tables, commit->security);
	if (!commit->needed)
		return 0;
	process_counters_number(manifest, tables);
	manifest->process_hooks = hook_words(commit->needed);
	manifest->process_digest =
		path_format("%016llx", (unsigned long long)process_object_digest());
	return manifest->process_hooks && manifest->process_digest ? 0 : -ENOMEM;
}

/* ---- leftovers of killed runs ---- */

static void rename_pin(const char *half_dir, enum process_hook hook, struct notes *notes)
{
	CLEANUP(cleanup_free) char *from = process_half_link_path(half_dir, hook, true);
	CLEANUP(cleanup_free) char *to = process_half_link_path(half_dir, hook, false);

	if ((!from || !to || rename(from, to)) && notes)
		notes_add(notes, "cannot rename the pin \"%s\": %s", from ? from : "?",
			  fault_strerror(errno));
}

/* At once, even where somebody holds the link open. */
static int remove_link(const char *half_dir, enum process_hook hook, bool pending)
{
	CLEANUP(cleanup_free) char *path = process_half_link_path(half_dir, hook, pending);
	CLEANUP(cleanup_fd) int fd = path ? bpf_obj_get(path) : -1;

	if (!path)
		return -ENOMEM;
	if (fd >= 0)
		bpf_link_detach(fd);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static bool manifest_wants(const struct manifest *manifest, enum process_hook hook)
{
	const char *words = manifest ? manifest->process_hooks : NULL;
	const char *word = process_hooks[hook].word;
	size_t length = strlen(word);

	for (; words && *words; words += strcspn(words, " "), words += *words == ' ')
		if (!strncmp(words, word, length) && (!words[length] || words[length] == ' '))
			return true;
	return false;
}

static int recover_links(const char *half_dir, struct process_half *half,
			 const struct manifest *manifest)
{
	int hook, err = 0;

	for (hook = 0; !err && hook < PROCESS_NR_HOOKS; hook++) {
		if (!(half->pending & BIT(hook)))
			continue;
		if (manifest_wants(manifest, hook)) {
			rename_pin(half_dir, hook, NULL);
			half->hooks |= BIT(hook);
		} else {
			err = remove_link(half_dir, hook, true);
		}
	}
	half->pending = 0;
	return err;
}

int process_commit_recover(const struct paths *paths, struct process_commit *commit,
			   const struct live *live, struct fault *fault)
{
	CLEANUP(cleanup_free) char *settled = process_half_path(paths->live, false);
	CLEANUP(cleanup_free) char *unfinished = process_half_path(paths->live, true);
	struct stat status;
	int err = 0;

	if (!settled || !unfinished)
		return fault_system(fault, -ENOMEM, "cannot name the pins");
	if (!stat(unfinished, &status)) {
		if (stat(settled, &status) && commit->live.present)
			err = rename(unfinished, settled) ? -errno : 0;
		else
			err = process_half_remove(paths, unfinished);
	}
	if (!err)
		err = recover_links(settled, &commit->live, live->manifest);
	return err ? fault_system(fault, err, "cannot remove what a killed run left in \"%s\"",
				  paths->live)
		   : 0;
}

/* ---- staging ---- */

/* Slots that no rule in force counts in start from zero. */
static int reset_counters(const struct process_object *object, const struct manifest *keep,
			  const struct manifest *reset, struct fault *fault)
{
	CLEANUP(cleanup_free) bool *kept = calloc(SYNFW_MAX_PROCESS_COUNTERS, sizeof(*kept));
	size_t i;
	int err = 0;

	if (!kept)
		return fault_system(fault, -ENOMEM, "cannot assign counters");
	for (i = 0; keep && i < keep->nr_process_rules; i++)
		kept[keep->process_rules[i].counter] = true;
	for (i = 0; reset && !err && i < reset->nr_process_rules; i++)
		if (!kept[reset->process_rules[i].counter])
			err = process_counter_reset(object, reset->process_rules[i].counter, fault);
	return err;
}

static int place(struct process_commit *commit, const char *dir, bool fresh, struct fault *fault)
{
	commit->beside = !commit->live.present && !fresh;
	commit->dir = process_half_path(dir, commit->beside);
	if (!commit->dir)
		return fault_system(fault, -ENOMEM, "cannot name the pins");
	if (commit->live.present)
		return 0;
	commit->built = true;
	return process_half_pin(&commit->loaded, commit->dir, fault);
}

/* The object whose programs for user space are this build's. */
static const struct process_object *caller(const struct process_commit *commit)
{
	return commit->loaded.call_fd[PROCESS_FILL] >= 0 ? &commit->loaded : maps_of(commit);
}

/* What no process has while that generation is in force. */
static uint32_t flags_to_release(const struct synfw_process_head *head)
{
	uint32_t flags = 0;

	if (!(head->actions & 1U << SYNFW_PROCESS_ISOLATE))
		flags |= SYNFW_PROCESS_ISOLATED;
	if (!head->peers)
		flags |= SYNFW_PROCESS_PEERS | SYNFW_PROCESS_PEERS_MONITOR;
	if (!head->on_peer_block)
		flags |= SYNFW_PROCESS_TALKED_ANY;
	return flags;
}

/* What an apply that was killed behind the switch has not come to: see process_commit_settle(). */
static int release_left(const struct process_commit *commit, uint32_t live_slot,
			struct fault *fault)
{
	struct synfw_process_head head;
	int err = process_half_read_head(&commit->live, live_slot, fault, &head);
	uint32_t flags;

	if (err)
		return err;
	flags = flags_to_release(&head) & ~flags_to_release(&commit->tables->head);
	return flags ? process_fill_release(caller(commit), flags, fault) : 0;
}

int process_commit_stage(struct process_commit *commit, const char *dir, bool fresh, uint32_t slot,
			 const struct manifest *live, const struct manifest *next,
			 struct fault *fault)
{
	const struct process_object *object = maps_of(commit);
	int err;

	if (!commit->tables)
		return 0;
	err = place(commit, dir, fresh, fault);
	if (!err)
		err = process_link(commit->packets, object, fault);
	if (!err)
		err = process_files_find_host(caller(commit), fault);
	if (!err)
		err = reset_counters(object, live, next, fault);
	if (!err && commit->live.present)
		err = process_growth_begin(&commit->live, !slot, commit->tables, fault);
	if (!err && commit->live.present)
		err = release_left(commit, !slot, fault);
	commit->staged = true;
	if (!err)
		err = process_inner_install(&commit->inner, &commit->tables->head, object, slot,
					    fault);
	if (!err)
		err = process_commit_attach(commit, next, fault);
	return err ? err : process_fill(caller(commit), slot, fault);
}

void process_commit_undo(struct process_commit *commit, const struct paths *paths, uint32_t slot)
{
	int hook;

	for (hook = PROCESS_NR_HOOKS; hook-- > 0;) {
		if (!(commit->attached & BIT(hook)))
			continue;
		remove_link(commit->dir, hook, commit->live.present);
		bpf_link_detach(commit->link_fd[hook]);
	}
	if (commit->built) {
		process_half_remove(paths, commit->dir);
		process_unlink(commit->packets);
	} else if (commit->staged) {
		process_inner_clear(maps_of(commit), slot);
	}
}

/* ---- after the switch ---- */

static void settle_programs(const struct process_commit *commit, struct notes *notes)
{
	int i;

	for (i = 0; i < PROCESS_NR_CALLS; i++) {
		CLEANUP(cleanup_free)
		char *path = path_format("%s/%s", commit->dir, process_call_program(i));

		if (!path || unlink(path) || bpf_obj_pin(commit->loaded.call_fd[i], path))
			notes_add(notes, "cannot pin \"%s\": %s", path ? path : "?",
				  fault_strerror(errno));
	}
}

static void settle_links(const struct process_commit *commit, struct notes *notes)
{
	int hook, err;

	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++) {
		if (commit->attached & BIT(hook)) {
			rename_pin(commit->dir, hook, notes);
			continue;
		}
		if (commit->needed & BIT(hook))
			continue;
		err = remove_link(commit->dir, hook, false);
		if (err)
			notes_add(notes, "cannot remove the hook \"%s\": %s",
				  process_hooks[hook].word, fault_strerror(err));
	}
}

/* Isolation ends with the last rule that isolates, as what becomes of peers does with the last that
 * has `peers`, and what is known of blocked ones with on-peer-block. Until here the programs let
 * its processes go on all the same; a later policy must not find them isolated. */
static void settle_flags(const struct process_commit *commit, struct notes *notes)
{
	CLEANUP(fault_done) struct fault fault = {0};
	uint32_t flags = flags_to_release(&commit->tables->head);

	if (flags && process_fill_release(caller(commit), flags, &fault))
		notes_add(notes, "%s; the next apply does it", fault.message);
}

/* Whether or not there was one: an apply that was killed may have left the way to it. */
static int remove_half(const struct process_commit *commit, const struct paths *paths,
		       const char *settled)
{
	int unlinked = process_unlink(commit->packets);
	int err = commit->live.present ? process_half_remove(paths, settled) : 0;

	return err ? err : unlinked;
}

void process_commit_settle(struct process_commit *commit, const struct paths *paths,
			   struct notes *notes)
{
	CLEANUP(cleanup_free) char *settled = process_half_path(paths->live, false);
	int err = 0;

	if (!settled)
		return notes_add(notes, "cannot name the pins of rules on processes");
	if (!commit->tables)
		err = remove_half(commit, paths, settled);
	else if (commit->live.present)
		settle_links(commit, notes);
	else if (commit->beside)
		err = rename(commit->dir, settled) ? -errno : 0;
	if (commit->tables && commit->renewed)
		settle_programs(commit, notes);
	if (commit->tables && commit->live.present)
		settle_flags(commit, notes);
	if (err)
		notes_add(notes, "cannot settle \"%s\": %s", settled, fault_strerror(err));
}

const struct process_object *process_commit_half(const struct process_commit *commit)
{
	return commit->live.present ? &commit->live.object : NULL;
}

void process_commit_done(struct process_commit *commit)
{
	int hook;

	process_half_close(&commit->live);
	process_object_close(&commit->loaded);
	process_inner_close(&commit->inner);
	for (hook = 0; hook < PROCESS_NR_HOOKS; hook++)
		cleanup_fd(&commit->link_fd[hook]);
	free(commit->dir);
	*commit = (struct process_commit)PROCESS_COMMIT_NONE;
}
