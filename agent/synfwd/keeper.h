/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_SYNFWD_KEEPER_H
#define SYNFW_AGENT_SYNFWD_KEEPER_H

/*
 * Keeps synfw_exempt current: whoever sees something change asks for a refresh, and soon after one
 * is made, for all who asked. It reads this host anew and writes what differs, under the lock of
 * those who write, into the datapath that is in force then; and gives up the generation that an
 * apply has replaced.
 *
 * The work is bounded whatever happens how often: after a refresh comes a pause of ten times what
 * it took, so that synfwd uses a tenth of a CPU at most, on a router with a full table as well. To
 * give up a generation does not count: it mostly waits, and comes once for each apply.
 */
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/paths.h"

struct keeper;

/* Runs before each refresh, and tells what it saw. */
typedef void (*keeper_hook_t)(void *context);

/* `paths` and the descriptor of the instance, which stay the caller's, outlive the keeper. The
 * first refresh is asked for. 0 or -errno. */
int keeper_create(sd_event *event, const struct paths *paths, int instance_fd,
		  struct keeper **ret_keeper);
void keeper_free(struct keeper *keeper);

/* One for each source of events. 0 or -ENOSPC. */
int keeper_add_hook(struct keeper *keeper, keeper_hook_t hook, void *context);

const struct paths *keeper_paths(const struct keeper *keeper);

/* Whether commands can ask for a refresh, see instance_watch(). */
void keeper_hears(struct keeper *keeper, bool hears);

/* Never fails: there is a slow refresh anyway. */
void keeper_request(struct keeper *keeper);

#endif
