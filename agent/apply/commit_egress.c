/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "commit_egress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

#include "datapath/seed.h"
#include "datapath/tc.h"
#include "host/pins.h"

static const char filter_prefix[] = "egress-", qdisc_prefix[] = "clsact-";

static char *pin_path(const char *links_dir, const char *prefix, uint32_t ifindex)
{
	return path_format("%s/%s%u", links_dir, prefix, ifindex);
}

static bool is_pinned(const char *links_dir, const char *prefix, uint32_t ifindex)
{
	CLEANUP(cleanup_free) char *path = pin_path(links_dir, prefix, ifindex);

	return path && !access(path, F_OK);
}

static void unpin(const char *links_dir, const char *prefix, uint32_t ifindex)
{
	CLEANUP(cleanup_free) char *path = pin_path(links_dir, prefix, ifindex);

	if (path)
		unlink(path);
}

static char *links_of(const struct commit *commit, bool next)
{
	return path_format("%s/links", !next			 ? commit->live_dir
				       : commit_is_fresh(commit) ? commit->paths->staging
								 : commit->paths->live);
}

int commit_egress_is_missing(const struct interface_list *interfaces, struct fault *fault,
			     bool *ret_missing)
{
	uint32_t prog_id;
	size_t i;
	int err;

	*ret_missing = false;
	for (i = 0; i < interfaces->count; i++) {
		err = tc_query(interfaces->items[i].ifindex, &prog_id);
		if (err)
			return fault_system(fault, err,
					    "cannot look at the egress filters of \"%s\"",
					    interfaces->items[i].name);
		*ret_missing |= !prog_id;
	}
	return 0;
}

/* ---- before the switch ---- */

/* Only the name matters. *ret_pinned: it was not there. */
static int pin_mark(struct commit *commit, const char *prefix, uint32_t ifindex,
		    struct fault *fault, bool *ret_pinned)
{
	CLEANUP(cleanup_free) char *links = links_of(commit, true);
	CLEANUP(cleanup_free) char *path = links ? pin_path(links, prefix, ifindex) : NULL;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name a pin");
	if (!access(path, F_OK))
		return 0;
	if (bpf_obj_pin(commit->object->map_fd[OBJECT_CONTROL], path))
		return fault_system(fault, -errno, "cannot pin \"%s\"", path);
	*ret_pinned = true;
	return 0;
}

/* The program that the filter runs now is kept for undoing. */
static int open_before(uint32_t prog_id, struct attachment *attachment, struct fault *fault)
{
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot open program %u", prog_id);
	attachment->egress_before_fd = fd;
	return 0;
}

static int attach_failed(const struct interface *interface, int error, struct fault *fault)
{
	if (error == -EINVAL)
		return fault_refuse(fault, EXIT_KERNEL,
				    "cannot attach the egress filter to \"%s\": another kind of "
				    "filter has its priority; see `tc filter show dev %s egress`",
				    interface->name, interface->name);
	return fault_system(fault, error, "cannot attach the egress filter to \"%s\"",
			    interface->name);
}

/* A qdisc that is ours already is, too, for a datapath that takes another one's place. */
static bool qdisc_is_ours(const struct commit *commit, uint32_t ifindex)
{
	CLEANUP(cleanup_free) char *before = links_of(commit, false);

	return commit->upgrade_abi && before && is_pinned(before, qdisc_prefix, ifindex);
}

static int stage_filter(struct commit *commit, const struct interface *interface,
			struct attachment *attachment, struct fault *fault)
{
	uint32_t prog_id;
	int err;

	err = tc_query(interface->ifindex, &prog_id);
	if (err)
		return attach_failed(interface, err, fault);
	if (prog_id && prog_id != datapath_program_id(commit->egress_fd)) {
		err = open_before(prog_id, attachment, fault);
		if (err)
			return err;
	}
	err = pin_mark(commit, filter_prefix, interface->ifindex, fault,
		       &attachment->egress_pinned);
	if (err)
		return err;
	if (!prog_id || attachment->egress_before_fd >= 0) {
		err = tc_attach(interface->ifindex, commit->egress_fd, &attachment->qdisc_made);
		if (err)
			return attach_failed(interface, err, fault);
		attachment->egress_created = !prog_id;
	}
	if (attachment->qdisc_made || qdisc_is_ours(commit, interface->ifindex))
		return pin_mark(commit, qdisc_prefix, interface->ifindex, fault,
				&attachment->qdisc_pinned);
	return 0;
}

static bool live_tracks_flows(const struct commit *commit)
{
	return commit->live->header.established != SYNFW_ESTABLISHED_IGNORE;
}

static int stage_seeds(struct commit *commit, struct fault *fault)
{
	int err = seed_read(fault, &commit->seeds);

	if (err)
		return err;
	if (commit->seeds.count > SYNFW_MAX_FLOWS)
		notes_add(commit->notes,
			  "%zu connections are open, and only %d can be remembered: those that no "
			  "rule allows may break",
			  commit->seeds.count, SYNFW_MAX_FLOWS);
	return seed_insert(&commit->seeds, commit->object, fault, &commit->seeded);
}

int commit_stage_egress(struct commit *commit, struct fault *fault)
{
	bool seeds = commit_is_fresh(commit) || !live_tracks_flows(commit);
	size_t i;
	int err;

	if (!commit->tracks_flows)
		return 0;
	/* what was known while nobody tracked it is no truth: a killed apply left it */
	if (!commit_is_fresh(commit) && seeds) {
		err = flows_clear(commit->object, fault);
		if (err)
			return err;
	}
	for (i = 0; i < commit->interfaces->count; i++) {
		err = stage_filter(commit, &commit->interfaces->items[i], &commit->attachments[i],
				   fault);
		if (err)
			return err;
		seeds |= commit->attachments[i].egress_created;
	}
	return seeds ? stage_seeds(commit, fault) : 0;
}

static void undo_filter(struct commit *commit, const char *links, const struct interface *interface,
			struct attachment *attachment, struct fault *fault)
{
	CLEANUP(cleanup_free) char *text = NULL;
	bool made_qdisc;
	int err = 0;

	if (attachment->egress_before_fd >= 0)
		err = tc_attach(interface->ifindex, attachment->egress_before_fd, &made_qdisc);
	else if (attachment->egress_created || attachment->qdisc_made)
		err = tc_detach(interface->ifindex, attachment->qdisc_made);
	if (attachment->qdisc_pinned)
		unpin(links, qdisc_prefix, interface->ifindex);
	if (attachment->egress_pinned && !err)
		unpin(links, filter_prefix, interface->ifindex);
	if (!err)
		return;
	text = path_format("and the egress filter stays on \"%s\": %s; apply again",
			   interface->name, fault_strerror(err));
	fault_detail(fault, text);
}

void commit_undo_egress(struct commit *commit, struct fault *fault)
{
	CLEANUP(cleanup_free) char *links = links_of(commit, true);
	size_t i;

	seed_remove(&commit->seeds, commit->object, commit->seeded);
	for (i = commit->interfaces->count; links && i-- > 0;)
		undo_filter(commit, links, &commit->interfaces->items[i], &commit->attachments[i],
			    fault);
}

/* ---- after the switch ---- */

struct removal {
	const char *links_dir;
	const struct interface_list *keep;
	int error;
};

static int remove_filter(const char *name, void *argument)
{
	struct removal *removal = argument;
	uint32_t ifindex;
	char *end;
	int err;

	if (strncmp(name, filter_prefix, sizeof(filter_prefix) - 1))
		return 0;
	ifindex = strtoul(name + sizeof(filter_prefix) - 1, &end, 10);
	if (*end || (removal->keep && interfaces_find(removal->keep, ifindex)))
		return 0;
	err = tc_detach(ifindex, is_pinned(removal->links_dir, qdisc_prefix, ifindex));
	if (err) {
		removal->error = removal->error ? removal->error : err;
		return 0;
	}
	unpin(removal->links_dir, qdisc_prefix, ifindex);
	unpin(removal->links_dir, filter_prefix, ifindex);
	return 0;
}

int commit_remove_egress(const char *links_dir, const struct interface_list *keep)
{
	struct removal removal = {.links_dir = links_dir, .keep = keep};
	int err = pins_for_each(links_dir, remove_filter, &removal);

	return err ? err : removal.error;
}

static void forget_flows(struct commit *commit)
{
	struct fault fault = {0};

	if (flows_clear(commit->object, &fault))
		notes_add(commit->notes, "%s", fault.message ? fault.message : "no memory");
	fault_done(&fault);
}

void commit_finish_egress(struct commit *commit)
{
	CLEANUP(cleanup_free) char *links = links_of(commit, false);
	int err = links ? commit_remove_egress(links,
					       commit->tracks_flows ? commit->interfaces : NULL)
			: -ENOMEM;

	if (err)
		notes_add(commit->notes, "cannot remove an egress filter: %s", fault_strerror(err));
	if (!commit_is_fresh(commit) && !commit->tracks_flows && live_tracks_flows(commit))
		forget_flows(commit);
}
