/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_EVENTS_H
#define SYNFW_AGENT_EVENTS_H

/*
 * The ring buffers of events, that of packets and, while there are rules on processes, that of
 * processes. They have one reader: what one has read no other one gets, so a second
 * reader is refused. Follows the datapath over reloads, which change names, and over detach and
 * apply, which make another ring buffer.
 */
#include "base/paths.h"
#include "datapath/tallies.h"
#include "policy/process_names.h"
#include "policy/rule_names.h"

struct events;

/* Called for each event; anything but 0 ends the reading. */
struct events_reader {
	int (*packet)(const struct synfw_event *event, const struct rule_names *names,
		      void *context);
	int (*process)(const struct synfw_process_event *event, const struct process_names *names,
		       void *context);
	void *context;
};

/* What was not told, of both kinds of events. */
struct events_tallies {
	uint64_t packets[SYNFW_NR_TALLIES];
	uint64_t processes_lost, processes_limited;
};

/* -ENOENT, without a fault: nothing is in force. The reader is called by events_read only. */
int events_open(const struct paths *paths, const struct events_reader *reader, struct fault *fault,
		struct events **ret_events);

/* Hands out what is there; waits up to `timeout_ms` for the first (0: not at all). 0, -EINTR when a
 * signal came or fn ended it, -ENOENT, without a fault, when this datapath is not in force any
 * more: all of its events have been handed out. */
int events_read(struct events *events, int timeout_ms, struct fault *fault);

int events_tallies(const struct events *events, struct fault *fault,
		   struct events_tallies *ret_tallies);

void events_closep(struct events **events);

#endif
