/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_EVENTS_H
#define SYNFW_AGENT_EVENTS_H

/*
 * The ring buffer of events. It has one reader: what one has read no other one gets, so a second
 * reader is refused. Follows the datapath over reloads, which change names, and over detach and
 * apply, which make another ring buffer.
 */
#include "paths.h"
#include "rule_names.h"
#include "tallies.h"

struct events;

/* Called for each event; anything but 0 ends the reading. */
typedef int (*events_fn)(const struct synfw_event *event, const struct rule_names *names,
			 void *context);

/* -ENOENT, without a fault: nothing is in force. `fn` is called by events_read only. */
int events_open(const struct paths *paths, events_fn fn, void *context, struct fault *fault,
		struct events **ret_events);

/* Hands out what is there; waits up to `timeout_ms` for the first (0: not at all). 0, -EINTR when a
 * signal came or fn ended it, -ENOENT, without a fault, when this datapath is not in force any
 * more: all of its events have been handed out. */
int events_read(struct events *events, int timeout_ms, struct fault *fault);

int events_tallies(const struct events *events, struct fault *fault,
		   uint64_t ret_tallies[SYNFW_NR_TALLIES]);

void events_closep(struct events **events);

#endif
