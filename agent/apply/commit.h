/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_COMMIT_H
#define SYNFW_AGENT_COMMIT_H

/*
 * Puts a generation in force, or leaves everything as it was.
 *
 * Two ways, with one point of no return each:
 * - a datapath of this ABI is live: its idle generation slot is filled, then `active` is stored;
 * - none is: a whole datapath is pinned under bpffs/new, then renamed. Links of a datapath with
 *   another ABI are moved to it, its counters are copied, and it is removed afterwards.
 *
 * All that comes before that point is undone when a step fails; what comes after it can only
 * warn. The caller holds the lock.
 */
#include "base/notes.h"
#include "datapath/flows.h"
#include "datapath/interfaces.h"
#include "datapath/live.h"
#include "datapath/served.h"
#include "host/bpffs.h"
#include "process_commit.h"
#include "sources/exempt.h"

/* What became of one interface. */
struct attachment {
	enum xdp_mode mode;
	int refusal;  /* errno with which the driver refused native mode, or 0 */
	bool created; /* attached by this apply */

	/* for undoing */
	int link_fd; /* of a link that this apply created, else -1 */
	bool pinned;
	int replaced_prog_fd; /* program that the link ran before, else -1 */
	bool egress_created, egress_pinned, qdisc_made, qdisc_pinned;
	int egress_before_fd; /* program that the egress filter ran before, else -1 */
};

struct commit {
	/* in */
	const struct paths *paths;
	struct live *live; /* in force; not present: nothing is */
	bool upgrade_abi;  /* `live` has another ABI; `live_dir` says where it is pinned */
	const char *live_dir;
	const struct object *object; /* live->object, or a fresh one */
	int prog_fd;		     /* the program to run: the live one, or a newly loaded one */
	int egress_fd;		     /* that of the egress filters, likewise */
	const struct served *served; /* the ports that the new policy opens */
	bool tracks_flows;	     /* the new policy asks for connections */
	const struct tables *tables;
	const struct manifest *next;
	const struct exempt *exempt; /* a fact about this host: it stays when the switch fails */
	struct process_commit *processes;
	const struct interface_list *interfaces;
	struct synfw_control control; /* to store */

	/* out */
	struct attachment *attachments; /* one an interface, in the order of `interfaces` */
	struct notes *notes;
	size_t detached;	/* interfaces that are no longer protected */
	size_t stale;		/* links of interfaces that are gone */
	struct flow_list seeds; /* connections that were open */
	size_t seeded;		/* those of them that were not known before; they come first */

	/* for undoing */
	struct bpffs_created created;
	struct interface_table table_before, table_after;
	bool slot_filled, table_written, staged, program_pinned, egress_pinned;
};

/* Whether a whole datapath is built, the second of the two ways. */
bool commit_is_fresh(const struct commit *commit);

/* Whether a link was attached by an apply that did not come to switch, and the policy in force does
 * not want it: commit_recover() removes it. */
bool commit_link_is_leftover(const struct live *live, const struct link *link);

/* Whether the links run something else than this binary's program. */
bool commit_program_differs(const struct live *live);

/* Removes what killed runs left, so that nothing stands in the way: bpffs/new, and in the live
 * datapath pins of applies that did not come to switch. A link that the policy in force wants is
 * kept. */
int commit_recover(const struct paths *paths, struct live *live, struct notes *notes,
		   struct fault *fault);

/* 0: in force. Otherwise nothing changed, or the detail of the fault says what could not be undone.
 * `attachments` is allocated by the caller. */
int commit_run(struct commit *commit, struct fault *fault);

#endif
