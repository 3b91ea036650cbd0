/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "commit_finish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "commit_egress.h"
#include "datapath/grace.h"
#include "host/instance.h"
#include "host/pins.h"
#include "idle.h"
#include "sources/renumber.h"

/* Runs a step whose failure is only worth a note. */
#define NOTE_FAULT(commit, what, call)                                         \
	do {                                                                   \
		struct fault fault_ = {0};                                     \
                                                                               \
		if (call)                                                      \
			notes_add((commit)->notes, "%s: %s", what,             \
				  fault_.message ? fault_.message : "failed"); \
		fault_done(&fault_);                                           \
	} while (0)

static void rename_pin(const char *from, const char *to, struct notes *notes)
{
	if (!from || !to || rename(from, to))
		notes_add(notes, "cannot rename the pin \"%s\": %s", from ? from : "?",
			  fault_strerror(errno));
}

static void settle_program(struct commit *commit, const char *pending, const char *settled)
{
	CLEANUP(cleanup_free) char *from = path_format("%s/%s", commit->paths->live, pending);
	CLEANUP(cleanup_free) char *to = path_format("%s/%s", commit->paths->live, settled);

	rename_pin(from, to, commit->notes);
}

static void settle_links(struct commit *commit, const char *dir)
{
	size_t i;

	for (i = 0; i < commit->interfaces->count; i++) {
		uint32_t ifindex = commit->interfaces->items[i].ifindex;
		CLEANUP(cleanup_free) char *from = link_path(dir, ifindex, true);
		CLEANUP(cleanup_free) char *to = link_path(dir, ifindex, false);

		if (commit->attachments[i].pinned)
			rename_pin(from, to, commit->notes);
	}
}

static bool link_was_renamed_over(const struct commit *commit, uint32_t pin_ifindex)
{
	size_t i;

	for (i = 0; i < commit->interfaces->count; i++)
		if (commit->attachments[i].pinned &&
		    commit->interfaces->items[i].ifindex == pin_ifindex)
			return true;
	return false;
}

/* Detaches and unpins the links that the new policy does not want. */
static void drop_links(struct commit *commit, const char *dir)
{
	struct link *link;

	for (link = commit->live->links.items;
	     link < commit->live->links.items + commit->live->links.count; link++) {
		CLEANUP(cleanup_free) char *path = link_path(dir, link->pin_ifindex, link->pending);

		if (link->ifindex && interfaces_find(commit->interfaces, link->ifindex))
			continue;
		if (link->ifindex)
			commit->detached++;
		else
			commit->stale++;
		/* a descriptor elsewhere must not keep it in force */
		if (link->ifindex && bpf_link_detach(link->fd))
			notes_add(commit->notes, "cannot detach from interface %u: %s",
				  link->ifindex, fault_strerror(errno));
		cleanup_fd(&link->fd);
		link->fd = -1;
		if (link_was_renamed_over(commit, link->pin_ifindex))
			continue;
		if (!path || unlink(path))
			notes_add(commit->notes, "cannot remove the link \"%s\": %s",
				  path ? path : "?", fault_strerror(errno));
	}
}

static int retain_interfaces(struct commit *commit, struct fault *fault)
{
	struct interface_table retained = commit->table_after;

	interface_table_retain(&retained, commit->interfaces);
	return interface_table_write(commit->object, &commit->table_after, &retained, fault);
}

/* Rules that went and that what is remembered may name must not act any more when the command
 * ends: those it forgets itself. */
static bool has_lost_rules(const struct commit *commit)
{
	CLEANUP(fault_done) struct fault ignored = {0};
	bool lost = true;

	if (commit->live->manifest)
		renumber_has_lost(commit->live->manifest, commit->next, &ignored, &lost);
	return lost;
}

/* By synfwd, where one serves this datapath. Counters of what is gone are reset by the apply that
 * hands them out again. */
static int give_up_before(struct commit *commit, struct fault *fault)
{
	struct process_commit *processes = commit->processes;
	uint32_t datapath = object_map_id(commit->object->map_fd[OBJECT_EXEMPT]);
	int err;

	if (!has_lost_rules(commit) && instance_wake(commit->paths, datapath))
		return 0;
	err = idle_slot_empty(commit->object,
			      processes->tables ? process_commit_half(processes) : NULL,
			      !commit->control.active, commit->live->manifest, commit->next, fault);
	/* synfwd can try, too */
	if (err)
		instance_wake(commit->paths, datapath);
	return err;
}

void commit_finish_switch(struct commit *commit)
{
	CLEANUP(cleanup_free) char *links = path_format("%s/links", commit->paths->live);

	if (commit->program_pinned)
		settle_program(commit, COMMIT_PENDING_PROGRAM, "prog");
	if (commit->egress_pinned)
		settle_program(commit, COMMIT_PENDING_EGRESS, "egress");
	commit_finish_egress(commit);
	process_commit_settle(commit->processes, commit->paths, commit->notes);
	if (links) {
		settle_links(commit, links);
		drop_links(commit, links);
	}
	NOTE_FAULT(commit, "the ports that are served",
		   served_write(commit->served, commit->object, &fault_));
	NOTE_FAULT(commit, "the interface table", retain_interfaces(commit, &fault_));
	NOTE_FAULT(commit, "freeing the old policy", give_up_before(commit, &fault_));
}

void commit_finish_fresh(struct commit *commit)
{
	const struct link *link;
	int err;

	/* the datapath is new to it */
	instance_wake(commit->paths, 0);
	if (!commit->upgrade_abi)
		return;
	commit_finish_egress(commit);
	for (link = commit->live->links.items;
	     link < commit->live->links.items + commit->live->links.count; link++) {
		if (!link->ifindex)
			commit->stale++;
		else if (!interfaces_find(commit->interfaces, link->ifindex))
			commit->detached++;
	}
	/* what the old program added to sets that both have, until the last link moved */
	NOTE_FAULT(commit, "the members of dynamic sets",
		   grace_wait(&fault_) ||
			   dynamic_fill_filter(&commit->tables->dynamic, commit->object, &fault_));
	/* links that moved are pinned in the new datapath too */
	err = pins_remove_datapath(commit->paths, commit->live_dir);
	if (err)
		notes_add(commit->notes, "cannot remove the old datapath \"%s\": %s",
			  commit->live_dir, fault_strerror(err));
}

/* ---- leftovers of killed runs ---- */

static bool manifest_has_interface(const struct manifest *manifest, uint32_t ifindex)
{
	size_t i;

	for (i = 0; manifest && i < manifest->nr_interfaces; i++)
		if (manifest->interfaces[i].ifindex == ifindex)
			return true;
	return false;
}

bool commit_link_is_leftover(const struct live *live, const struct link *link)
{
	return link->pending && !manifest_has_interface(live->manifest, link->ifindex);
}

/* The pinned program is compared, too: an upgrade that was killed may have moved some links only.
 */
bool commit_program_differs(const struct live *live)
{
	uint32_t pinned = datapath_program_id(live->object.prog_fd);
	const struct link *link;
	size_t i;

	if (live->control.program_digest != object_digest())
		return true;
	for (i = 0; i < live->links.count; i++) {
		link = &live->links.items[i];
		if (link->ifindex && link->prog_id != pinned &&
		    !commit_link_is_leftover(live, link))
			return true;
	}
	return false;
}

static void recover_link(const char *dir, struct live *live, struct link *link, struct notes *notes)
{
	CLEANUP(cleanup_free) char *pending = link_path(dir, link->pin_ifindex, true);
	CLEANUP(cleanup_free) char *settled = link_path(dir, link->pin_ifindex, false);

	if (!commit_link_is_leftover(live, link)) {
		rename_pin(pending, settled, notes);
		link->pending = false;
		return;
	}
	if (pending)
		unlink(pending);
	cleanup_fd(&link->fd);
	*link = live->links.items[--live->links.count];
}

/* Filters that a first apply attached before it was killed. Where a datapath of another ABI is in
 * force they may have been its filters, and the upgrade goes on from there. */
static int recover_egress(const char *staged, const struct live *live, struct fault *fault)
{
	int err = live->present ? 0 : commit_remove_egress(staged, NULL);

	return err ? fault_system(fault, err, "cannot remove an egress filter") : 0;
}

int commit_recover(const struct paths *paths, struct live *live, struct notes *notes,
		   struct fault *fault)
{
	CLEANUP(cleanup_free)
	char *program = path_format("%s/%s", paths->live, COMMIT_PENDING_PROGRAM);
	CLEANUP(cleanup_free)
	char *egress = path_format("%s/%s", paths->live, COMMIT_PENDING_EGRESS);
	CLEANUP(cleanup_free) char *links = path_format("%s/links", paths->live);
	CLEANUP(cleanup_free) char *staged = path_format("%s/links", paths->staging);
	size_t i;
	int err;

	if (!program || !egress || !links || !staged)
		return fault_system(fault, -ENOMEM, "cannot name the pins");
	err = recover_egress(staged, live, fault);
	if (err)
		return err;
	err = pins_remove_tree(paths, paths->staging);
	if (!err)
		err = pins_remove_tree(paths, paths->discarded);
	if (err)
		return fault_system(fault, err, "cannot remove what a killed run left in \"%s\"",
				    paths->bpffs);
	if (unlink(program) && errno != ENOENT)
		return fault_system(fault, -errno, "cannot remove \"%s\"", program);
	if (unlink(egress) && errno != ENOENT)
		return fault_system(fault, -errno, "cannot remove \"%s\"", egress);
	for (i = live->links.count; i-- > 0;)
		if (live->links.items[i].pending)
			recover_link(links, live, &live->links.items[i], notes);
	return 0;
}
