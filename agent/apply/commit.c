/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "commit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "commit_egress.h"
#include "commit_finish.h"
#include "datapath/counters.h"
#include "host/pins.h"
#include "idle.h"
#include "sources/renumber.h"

bool commit_is_fresh(const struct commit *commit)
{
	return !commit->live->present || commit->upgrade_abi;
}

/* Where links are pinned until the switch, and how their pins are named there. */
static char *pending_link_path(const struct commit *commit, uint32_t ifindex)
{
	CLEANUP(cleanup_free)
	char *dir = path_format("%s/links", commit_is_fresh(commit) ? commit->paths->staging
								    : commit->paths->live);

	return dir ? link_path(dir, ifindex, !commit_is_fresh(commit)) : NULL;
}

/* ---- staging: nothing below is seen by a packet ---- */

static const struct manifest *live_manifest(const struct commit *commit)
{
	static const struct manifest nothing;

	return commit->live->manifest ? commit->live->manifest : &nothing;
}

static int stage_tables(struct commit *commit, struct fault *fault)
{
	uint32_t slot = commit->control.active;
	int err = commit_is_fresh(commit)
			  ? 0
			  : idle_slot_empty_of(commit->live, process_commit_half(commit->processes),
					       fault);

	if (err)
		return err;
	commit->slot_filled = true;
	return tables_install(commit->tables, commit->object, slot, fault);
}

/* Slots that no rule of the live policy counts in start from zero. */
static int stage_rule_counters(struct commit *commit, struct fault *fault)
{
	const struct manifest *live = live_manifest(commit);
	CLEANUP(cleanup_free) bool *counting = calloc(SYNFW_MAX_RULE_COUNTERS, sizeof(*counting));
	size_t i;
	int err;

	if (!counting)
		return fault_system(fault, -ENOMEM, "cannot assign counters");
	for (i = 0; i < live->nr_rules; i++)
		counting[live->rules[i].counter] = true;
	for (i = 0; i < commit->next->nr_rules; i++) {
		if (counting[commit->next->rules[i].counter])
			continue;
		err = counters_reset_rule(commit->object, commit->next->rules[i].counter, fault);
		if (err)
			return err;
	}
	return 0;
}

static bool interface_is_live(const struct commit *commit, uint32_t ifindex)
{
	const struct manifest *live = commit->live->manifest;
	size_t i;

	for (i = 0; live && i < live->nr_interfaces; i++)
		if (live->interfaces[i].ifindex == ifindex)
			return true;
	return false;
}

static int stage_interface_table(struct commit *commit, struct fault *fault)
{
	const struct interface *interface;
	size_t i;
	int err;

	err = interface_table_read(commit->object, fault, &commit->table_before);
	if (err)
		return err;
	commit->table_after = commit->table_before;
	for (i = 0; i < commit->interfaces->count; i++) {
		interface = &commit->interfaces->items[i];
		if (interface_table_set(&commit->table_after, interface->ifindex, interface->slot))
			return fault_refuse(fault, EXIT_KERNEL,
					    "no place in the interface table for \"%s\" (index %u)",
					    interface->name, interface->ifindex);
		if (commit_is_fresh(commit) || interface_is_live(commit, interface->ifindex))
			continue;
		err = counters_reset_interface(commit->object, interface->slot, fault);
		if (err)
			return err;
	}
	commit->table_written = true;
	return interface_table_write(commit->object, &commit->table_before, &commit->table_after,
				     fault);
}

static int stage_exempt(struct commit *commit, struct fault *fault)
{
	return exempt_write(commit->object, commit->exempt, fault);
}

/* ---- what the other ABI counted ---- */

static int copy_rule_counters(struct commit *commit, struct fault *fault)
{
	const struct manifest *old = commit->live->manifest;
	CLEANUP(cleanup_free) const struct manifest_rule **sorted = counters_sort_rules(old);
	const struct manifest_rule *rule, *same;
	size_t i;
	int err;

	if (!sorted)
		return fault_system(fault, -ENOMEM, "cannot keep the counters");
	for (i = 0; i < commit->next->nr_rules; i++) {
		rule = &commit->next->rules[i];
		same = counters_find_rule(sorted, old->nr_rules, rule->name);
		if (!same)
			continue;
		err = counters_copy_rule(&commit->live->object, same->counter, commit->object,
					 rule->counter, fault);
		if (err)
			return err;
	}
	return 0;
}

/* What is blocked stays so. Who is blocked by the old datapath between this and the move of the
 * links scores anew. */
static int copy_blocks(struct commit *commit, struct fault *fault)
{
	CLEANUP(cleanup_free)
	uint16_t *becomes = renumber_by_name(commit->live->manifest, commit->next);

	if (!becomes)
		return fault_system(fault, -ENOMEM, "cannot keep the blocks");
	notes_add(commit->notes, "blocks are kept; scores and rates start from zero");
	return renumber_copy_blocks(&commit->live->object, commit->object, becomes, fault);
}

static int copy_interface_counters(struct commit *commit, struct fault *fault)
{
	const struct manifest *old = commit->live->manifest;
	const struct interface *interface;
	size_t i;
	int err;

	for (i = 0; i < old->nr_interfaces; i++) {
		interface = interfaces_find(commit->interfaces, old->interfaces[i].ifindex);
		if (!interface)
			continue;
		err = counters_copy_interface(&commit->live->object, old->interfaces[i].slot,
					      commit->object, interface->slot, fault);
		if (err)
			return err;
	}
	return 0;
}

/* ---- processes ---- */

static int stage_processes(struct commit *commit, struct fault *fault)
{
	bool fresh = commit_is_fresh(commit);

	return process_commit_stage(
		commit->processes, fresh ? commit->paths->staging : commit->paths->live, fresh,
		commit->control.active, fresh ? NULL : commit->live->manifest, commit->next, fault);
}

/* A first policy's rules on processes must not act before it is in force. Where another datapath
 * is, its links must not come to one that passes everything, and this cannot wait. */
static int write_first_control(struct commit *commit, struct fault *fault)
{
	struct synfw_control control = commit->control;

	if (!commit->upgrade_abi && commit->processes->tables)
		control.active ^= 1;
	return datapath_write_control(commit->object, &control, fault);
}

/* ---- links and the program ---- */

/* Lets a link run the new program; it keeps its id, and packets never see a gap. */
static int move_link(struct commit *commit, const struct link *link, struct attachment *attachment,
		     struct fault *fault)
{
	int before;

	if (link->prog_id == datapath_program_id(commit->prog_fd))
		return 0;
	before = bpf_prog_get_fd_by_id(link->prog_id);
	if (before < 0)
		return fault_system(fault, -errno, "cannot open program %u", link->prog_id);
	if (bpf_link_update(link->fd, commit->prog_fd, NULL)) {
		int err = -errno;

		close(before);
		return fault_system(fault, err, "cannot replace the program on interface %u",
				    link->ifindex);
	}
	attachment->replaced_prog_fd = before;
	return 0;
}

static int pin_link(struct commit *commit, int link_fd, uint32_t ifindex,
		    struct attachment *attachment, struct fault *fault)
{
	CLEANUP(cleanup_free) char *path = pending_link_path(commit, ifindex);

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name a link");
	if (bpf_obj_pin(link_fd, path))
		return fault_system(fault, -errno, "cannot pin the link \"%s\"", path);
	attachment->pinned = true;
	return 0;
}

static int stage_link(struct commit *commit, const struct interface *interface,
		      struct attachment *attachment, struct fault *fault)
{
	const struct link *link = links_find(&commit->live->links, interface->ifindex);
	int err;

	if (link) {
		err = live_link_attached(link, &attachment->mode) ? 0 : -ENOLINK;
		if (err)
			return fault_system(fault, err, "cannot see the program on \"%s\"",
					    interface->name);
		/* a datapath that takes another one's place pins the same link once more */
		if (commit->upgrade_abi)
			err = pin_link(commit, link->fd, interface->ifindex, attachment, fault);
		return err ? err : move_link(commit, link, attachment, fault);
	}
	err = link_attach(commit->prog_fd, interface, fault, &attachment->link_fd,
			  &attachment->mode, &attachment->refusal);
	if (err)
		return err;
	attachment->created = true;
	return pin_link(commit, attachment->link_fd, interface->ifindex, attachment, fault);
}

static int stage_links(struct commit *commit, struct fault *fault)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < commit->interfaces->count; i++)
		err = stage_link(commit, &commit->interfaces->items[i], &commit->attachments[i],
				 fault);
	return err;
}

static int stage_program_pin(struct commit *commit, int prog_fd, const char *name,
			     struct fault *fault)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", commit->paths->live, name);

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the program's pin");
	if (bpf_obj_pin(prog_fd, path))
		return fault_system(fault, -errno, "cannot pin \"%s\"", path);
	return 0;
}

static int stage_program_pins(struct commit *commit, struct fault *fault)
{
	int err;

	if (commit->prog_fd == commit->live->object.prog_fd)
		return 0;
	err = stage_program_pin(commit, commit->prog_fd, COMMIT_PENDING_PROGRAM, fault);
	if (err)
		return err;
	commit->program_pinned = true;
	err = stage_program_pin(commit, commit->egress_fd, COMMIT_PENDING_EGRESS, fault);
	if (!err)
		commit->egress_pinned = true;
	return err;
}

/* ---- the two ways ---- */

static int run_switch(struct commit *commit, struct fault *fault)
{
	int err;

	err = stage_tables(commit, fault);
	if (!err)
		err = stage_rule_counters(commit, fault);
	if (!err)
		err = stage_interface_table(commit, fault);
	if (!err)
		err = stage_exempt(commit, fault);
	if (!err)
		err = stage_program_pins(commit, fault);
	if (!err)
		err = commit_stage_egress(commit, fault);
	if (!err)
		err = stage_links(commit, fault);
	if (!err)
		err = stage_processes(commit, fault);
	if (!err)
		err = datapath_write_control(commit->object, &commit->control, fault);
	return err;
}

static int run_fresh(struct commit *commit, struct fault *fault)
{
	int err;

	err = stage_tables(commit, fault);
	if (!err)
		err = stage_interface_table(commit, fault);
	if (!err)
		err = served_write(commit->served, commit->object, fault);
	if (!err)
		err = stage_exempt(commit, fault);
	if (!err && commit->live->manifest)
		err = copy_rule_counters(commit, fault);
	if (!err && commit->live->manifest)
		err = copy_interface_counters(commit, fault);
	if (!err && commit->live->manifest)
		err = copy_blocks(commit, fault);
	if (!err)
		err = write_first_control(commit, fault);
	if (!err)
		err = bpffs_ensure(commit->paths, fault, &commit->created);
	if (err)
		return err;
	commit->staged = true;
	err = datapath_pin(commit->object, commit->paths->staging, fault);
	if (!err)
		err = commit_stage_egress(commit, fault);
	if (!err)
		err = stage_links(commit, fault);
	if (!err)
		err = stage_processes(commit, fault);
	if (!err)
		err = datapath_write_control(commit->object, &commit->control, fault);
	if (!err && rename(commit->paths->staging, commit->paths->live))
		err = fault_system(fault, -errno, "cannot rename \"%s\"", commit->paths->staging);
	return err;
}

/* ---- undoing, in reverse order ---- */

/* The new program of this datapath judges by the policy in force; that of another one has the new
 * policy. */
static void give_program_back(const struct commit *commit, const struct interface *interface,
			      int prog_fd, struct fault *fault)
{
	const struct link *link = links_find(&commit->live->links, interface->ifindex);
	CLEANUP(cleanup_free) char *text = NULL;

	if (!link || !bpf_link_update(link->fd, prog_fd, NULL))
		return;
	text = path_format("and the new %s stays on \"%s\": %s; apply again",
			   commit_is_fresh(commit) ? "policy" : "program", interface->name,
			   fault_strerror(errno));
	fault_detail(fault, text);
}

static void undo_link(struct commit *commit, const struct interface *interface,
		      struct attachment *attachment, struct fault *fault)
{
	CLEANUP(cleanup_free) char *path = pending_link_path(commit, interface->ifindex);

	if (attachment->replaced_prog_fd >= 0)
		give_program_back(commit, interface, attachment->replaced_prog_fd, fault);
	if (attachment->pinned && path)
		unlink(path);
	if (attachment->link_fd >= 0) {
		/* at once, even if a pin stayed */
		bpf_link_detach(attachment->link_fd);
		close(attachment->link_fd);
		attachment->link_fd = -1;
	}
}

static void undo(struct commit *commit, struct fault *fault)
{
	CLEANUP(cleanup_free)
	char *program = path_format("%s/%s", commit->paths->live, COMMIT_PENDING_PROGRAM);
	CLEANUP(cleanup_free)
	char *egress = path_format("%s/%s", commit->paths->live, COMMIT_PENDING_EGRESS);
	size_t i;

	process_commit_undo(commit->processes, commit->paths, commit->control.active);
	for (i = commit->interfaces->count; i-- > 0;)
		undo_link(commit, &commit->interfaces->items[i], &commit->attachments[i], fault);
	commit_undo_egress(commit, fault);
	if (commit->egress_pinned && egress)
		unlink(egress);
	if (commit->program_pinned && program)
		unlink(program);
	if (commit->staged)
		pins_remove_tree(commit->paths, commit->paths->staging);
	bpffs_undo(commit->paths, &commit->created);
	if (commit_is_fresh(commit))
		return; /* its maps go with their descriptors */
	if (commit->table_written) {
		struct fault ignored = {0};

		interface_table_write(commit->object, &commit->table_after, &commit->table_before,
				      &ignored);
		fault_done(&ignored);
	}
	if (commit->slot_filled)
		tables_clear(commit->object, commit->control.active);
}

static void close_attachments(struct commit *commit)
{
	size_t i;

	flow_list_done(&commit->seeds);
	for (i = 0; i < commit->interfaces->count; i++) {
		cleanup_fd(&commit->attachments[i].link_fd);
		cleanup_fd(&commit->attachments[i].replaced_prog_fd);
		cleanup_fd(&commit->attachments[i].egress_before_fd);
	}
}

int commit_run(struct commit *commit, struct fault *fault)
{
	size_t i;
	int err;

	for (i = 0; i < commit->interfaces->count; i++)
		commit->attachments[i] = (struct attachment){
			.link_fd = -1, .replaced_prog_fd = -1, .egress_before_fd = -1};
	err = commit_is_fresh(commit) ? run_fresh(commit, fault) : run_switch(commit, fault);
	if (err)
		undo(commit, fault);
	else if (commit_is_fresh(commit))
		commit_finish_fresh(commit);
	else
		commit_finish_switch(commit);
	close_attachments(commit);
	return err;
}
