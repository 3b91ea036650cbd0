/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "datapath/counters.h"
#include "datapath/netns.h"
#include "datapath/tc.h"
#include "host/instance.h"
#include "host/pins.h"
#include "sources/exempt.h"
#include "policy_memory.h"
#include "status_state.h"

#define NS_PER_HOUR 3600000000000ULL

/* Adds the counters of one interface slot; `interface` may be NULL. */
static int add_counters(struct status *status, uint32_t slot, struct status_interface *interface,
			struct fault *fault)
{
	struct synfw_reason_counter sum;
	uint32_t reason;
	int err;

	for (reason = 0; reason < SYNFW_NR_REASONS; reason++) {
		err = counters_read_reason(&status->live.object, slot, reason, fault, &sum);
		if (err)
			return err;
		status->reasons[reason] += sum.packets;
		if (!interface)
			continue;
		interface->packets += sum.packets;
		interface->bytes += sum.bytes;
		interface->dropped += sum.dropped;
	}
	return 0;
}

/* Without it no new connection of this host is known, and what comes back is dropped. */
static void judge_egress(struct status *status, const struct status_interface *interface,
			 uint32_t ifindex)
{
	uint32_t prog_id;
	int err = tc_query(ifindex, &prog_id);

	if (err)
		notes_add(&status->warnings, "the egress filter of %s cannot be seen: %s",
			  interface->name, fault_strerror(err));
	else if (!prog_id)
		notes_add(&status->warnings,
			  "the egress filter of %s is missing: what comes back to connections that "
			  "this host opens there is not recognised; apply again",
			  interface->name);
	else if (prog_id != datapath_program_id(status->live.object.egress_fd))
		notes_add(&status->warnings,
			  "the egress filter of %s runs another program than the one that is "
			  "pinned; apply again",
			  interface->name);
}

static void judge_interface(struct status *status, const struct manifest_interface *wanted,
			    struct status_interface *interface)
{
	const struct link *link = links_find(&status->live.links, wanted->ifindex);
	struct notes *warnings = &status->warnings;

	if (!if_indextoname(wanted->ifindex, interface->name)) {
		snprintf(interface->name, sizeof(interface->name), "%s", wanted->name);
		notes_add(warnings, "interface %s is gone; apply again when it is back",
			  wanted->name);
		return;
	}
	if (!link) {
		notes_add(warnings, "%s is not protected: its link is missing; apply again",
			  interface->name);
		return;
	}
	interface->attached = live_link_attached(link, &interface->mode);
	if (!interface->attached)
		notes_add(warnings,
			  "%s is not protected: this network namespace sees no synfw "
			  "program on it",
			  interface->name);
	else if (interface->mode == XDP_MODE_GENERIC && wanted->attach != ATTACH_GENERIC)
		notes_add(warnings,
			  "%s runs in generic mode, which is slower: its driver refused "
			  "native XDP",
			  interface->name);
	if (link->prog_id != datapath_program_id(status->live.object.prog_fd))
		notes_add(warnings,
			  "%s runs another program than the one that is pinned; apply "
			  "again",
			  interface->name);
	if (status->flows.tracked)
		judge_egress(status, interface, wanted->ifindex);
}

static int read_interfaces(struct status *status, struct fault *fault)
{
	const struct manifest *manifest = status->live.manifest;
	size_t i;
	int err;

	err = add_counters(status, 0, NULL, fault);
	if (err || !manifest)
		return err;
	status->interfaces = calloc(manifest->nr_interfaces + 1, sizeof(*status->interfaces));
	if (!status->interfaces)
		return fault_system(fault, -ENOMEM, "cannot list the interfaces");
	status->nr_interfaces = manifest->nr_interfaces;
	for (i = 0; i < manifest->nr_interfaces; i++) {
		judge_interface(status, &manifest->interfaces[i], &status->interfaces[i]);
		err = add_counters(status, manifest->interfaces[i].slot, &status->interfaces[i],
				   fault);
		if (err)
			return err;
	}
	return 0;
}

static int read_dynamic_sets(struct status *status, struct fault *fault)
{
	const struct manifest *manifest = status->live.manifest;
	const struct manifest_set *set;
	struct members_count count;
	int err;

	status->sets = calloc(SYNFW_MAX_DYNAMIC_SETS, sizeof(*status->sets));
	if (!status->sets)
		return fault_system(fault, -ENOMEM, "cannot list the sets");
	for (set = manifest->sets; set < manifest->sets + manifest->nr_sets; set++) {
		if (!set->dynamic || status->nr_sets == SYNFW_MAX_DYNAMIC_SETS)
			continue;
		err = dynamic_count(&status->live.tables.dynamic, set->name, fault, &count);
		if (err)
			return err;
		status->sets[status->nr_sets++] = (struct status_set){
			.name = set->name, .members = count.ipv4 + count.ipv6, .size = set->size};
		if (count.ipv4 + count.ipv6 >= set->size)
			notes_add(&status->warnings, "set %s is full: nothing can be added to it",
				  set->name);
	}
	return 0;
}

static int read_flows(struct status *status, struct fault *fault)
{
	status->flows.tracked = status->live.header.established != SYNFW_ESTABLISHED_IGNORE;
	return status->flows.tracked
		       ? flows_count(&status->live.object, fault, &status->flows.count)
		       : 0;
}

static void judge_links(struct status *status)
{
	const struct link *link;
	size_t i;

	for (i = 0; i < status->live.links.count; i++) {
		link = &status->live.links.items[i];
		if (!link->ifindex)
			notes_add(&status->warnings,
				  "the link pinned for interface index %u is "
				  "stale: that interface was deleted",
				  link->pin_ifindex);
		if (link->pending)
			notes_add(&status->warnings,
				  "an apply was killed while it attached to "
				  "interface index %u; apply again",
				  link->pin_ifindex);
	}
}

static void judge_sets(struct status *status, uint64_t now_ns)
{
	const struct manifest_set *set;
	size_t i;

	for (i = 0; i < status->live.manifest->nr_sets; i++) {
		set = &status->live.manifest->sets[i];
		if (!set->max_age_ns || now_ns < set->mtime_ns ||
		    now_ns - set->mtime_ns <= set->max_age_ns)
			continue;
		notes_add(&status->warnings,
			  "set %s is stale: \"%s\" was %llu hours old, allowed "
			  "are %llu; fetch it and apply again",
			  set->name, set->file ? set->file : "",
			  (unsigned long long)((now_ns - set->mtime_ns) / NS_PER_HOUR),
			  (unsigned long long)(set->max_age_ns / NS_PER_HOUR));
	}
}

static int note_leftover(const char *name, void *context)
{
	struct notes *warnings = context;

	if (!strcmp(name, "new"))
		notes_add(warnings, "an apply was killed half-way; apply again, or detach");
	if (!strcmp(name, "old"))
		notes_add(warnings,
			  "a datapath was not removed to the end; apply again, or detach");
	return 0;
}

static int note_other_abi(const char *name, void *context)
{
	struct notes *warnings = context;
	unsigned int version;

	if (pins_abi_of(name, &version) && version != SYNFW_ABI_VERSION)
		notes_add(warnings,
			  "a policy of another synfw (ABI %u) is in force; apply to take "
			  "it over, or use that synfw",
			  version);
	return 0;
}

static void judge_datapath(const struct paths *paths, struct status *status)
{
	pins_for_each(paths->bpffs, note_leftover, &status->warnings);
	if (!status->live.present || status->killed)
		pins_for_each(paths->bpffs, note_other_abi, &status->warnings);
	if (!status->live.present)
		return;
	if (status->live.control.program_digest != object_digest())
		notes_add(&status->warnings, "the program in force was loaded by another build of "
					     "synfw; apply again to replace it");
	if (!status->live.manifest)
		notes_add(&status->warnings, "the names of the policy in force cannot be read; "
					     "apply again");
}

/* Whether this host has changed since somebody told the datapath. */
static int judge_infrastructure(struct status *status, struct fault *fault)
{
	CLEANUP(infrastructure_done) struct infrastructure host = {0};
	CLEANUP(exempt_done) struct exempt exempt = {0};
	const char *applied = status->live.manifest->infrastructure;
	char digest[INFRASTRUCTURE_DIGEST_SIZE];
	size_t missing;
	int err;

	err = infrastructure_read(fault, &host);
	if (err)
		return err;
	infrastructure_digest(&host, digest);
	if (applied && strcmp(applied, digest))
		notes_add(&status->warnings,
			  "gateways or name servers have changed since the policy was applied, and "
			  "`protect: infrastructure` stands for the old ones; apply again");
	if (exempt_choose(&host, &exempt))
		return fault_system(fault, -ENOMEM, "cannot choose the exempt addresses");
	exempt_note(&exempt, &status->warnings);
	err = exempt_count_missing(status->live.object.map_fd[OBJECT_EXEMPT], &exempt, fault,
				   &missing);
	if (!err && missing)
		notes_add(&status->warnings,
			  "%zu of the gateways, name servers and DHCP servers can be blocked: %s",
			  missing,
			  status->agent_running ? "synfwd has not seen to it yet"
						: "start synfwd, or apply again");
	return err;
}

/* That this host cannot be read, as while its routes change all the time, is a warning, too. */
static void judge_host(struct status *status)
{
	CLEANUP(fault_done) struct fault fault = {0};
	CLEANUP(cleanup_free) char *here = netns_identity();
	const char *there = status->live.manifest->netns;

	if (!here || !there || strcmp(here, there))
		return;
	if (judge_infrastructure(status, &fault) && fault.message)
		notes_add(&status->warnings, "%s", fault.message);
}

/* A first apply that was killed between attaching and its rename: its policy is in force. All but
 * the links is pinned before the first of them. */
static void open_killed(const struct paths *paths, struct status *status)
{
	CLEANUP(live_close) struct live killed = LIVE_NONE;
	CLEANUP(fault_done) struct fault unreadable = {0};

	if (live_open(paths->staging, &unreadable, &killed) || !killed.links.count)
		return;
	status->live = killed;
	status->killed = true;
	killed = (struct live)LIVE_NONE;
}

int status_read(const struct paths *paths, uint64_t now_ns, struct fault *fault,
		struct status *ret_status)
{
	CLEANUP(status_done) struct status status = {.live = LIVE_NONE};
	const char *dir = paths->live;
	int err = live_open(dir, fault, &status.live);

	if (!err && !status.live.present)
		open_killed(paths, &status);
	if (status.killed)
		dir = paths->staging;
	if (!err && status.live.present)
		err = read_flows(&status, fault);
	if (!err && status.live.present)
		err = read_interfaces(&status, fault);
	if (!err && status.live.manifest)
		err = read_dynamic_sets(&status, fault);
	if (!err && status.live.present)
		err = status_read_state(&status, fault);
	if (!err && status.live.present)
		err = status_processes_read(dir, &status.live, &status.warnings, fault,
					    &status.processes);
	if (err)
		return err;
	status.kernel_bytes = policy_kernel_bytes(dir, &status.live);
	status.agent_running = instance_is_running(paths);
	judge_datapath(paths, &status);
	judge_links(&status);
	if (status.live.manifest)
		judge_sets(&status, now_ns);
	if (status.live.manifest && !status.killed)
		judge_host(&status);

	*ret_status = status;
	status = (struct status){.live = LIVE_NONE};
	return 0;
}

void status_done(struct status *status)
{
	live_close(&status->live);
	free(status->interfaces);
	free(status->sets);
	notes_done(&status->warnings);
}
