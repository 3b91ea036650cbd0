/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_EXEMPT_H
#define SYNFW_AGENT_EXEMPT_H

/*
 * synfw_exempt: the addresses that are never scored or blocked. A packet with the gateway's address
 * as its source may come from anybody, and what it does must not cut this host off.
 */
#include <synfw/state.h>

#include "base/notes.h"
#include "datapath/object.h"
#include "host/infrastructure.h"

struct exempt_entry {
	struct synfw_addr6 address;
	uint32_t kind; /* enum synfw_exempt */
};

/*
 * Which addresses are to be exempt, by address. Where there are more than SYNFW_MAX_EXEMPT, those
 * that this host misses least are left out: first its own, which the kernel takes from nobody else
 * anyway, then gateways of routes to somewhere, gateways of default routes, DHCP servers, name
 * servers; of one kind those with the highest addresses.
 */
struct exempt {
	struct exempt_entry *entries;
	size_t count;
	size_t left_out[SYNFW_EXEMPT_OWN + 1]; /* by kind */
};

/* 0 or -ENOMEM. */
int exempt_choose(const struct infrastructure *host, struct exempt *ret_exempt);

/* Makes the map and its filter hold exactly these: first it adds what is missing, then it takes out
 * what is gone, so that nobody who was and stays exempt is blocked meanwhile. Changes nothing that
 * is right. Of the object the two and OBJECT_RUNTIME are used. The caller holds the lock. A failure
 * may leave a part of it done. */
int exempt_write(const struct object *object, const struct exempt *exempt, struct fault *fault);

/* How many of these, this host's own left aside, are not in the map. */
int exempt_count_missing(int map_fd, const struct exempt *exempt, struct fault *fault,
			 size_t *ret_missing);

/* Whether the map holds an address: *ret_kind is one of enum synfw_exempt, 0 when it does not. */
int exempt_find(int map_fd, const struct synfw_addr6 *address, struct fault *fault,
		uint32_t *ret_kind);

/* "gateway", "name server", "DHCP server", "address of this host". */
const char *exempt_word(uint32_t kind);

/* Says what was left out, if anything. */
void exempt_note(const struct exempt *exempt, struct notes *notes);

void exempt_done(struct exempt *exempt);

#endif
