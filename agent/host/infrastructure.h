/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INFRASTRUCTURE_H
#define SYNFW_AGENT_INFRASTRUCTURE_H

/* What this host needs others for, and who it is itself: what `protect: infrastructure` stands for,
 * and what is never scored or blocked. */
#include <policyc.h>

#include "base/fault.h"

/* Sorted, each address once. */
struct infrastructure {
	struct prefix_list gateways;	     /* of all routes and next hops, every table */
	struct prefix_list default_gateways; /* those of them that lead everywhere */
	struct prefix_list resolvers;
	struct prefix_list dhcp_servers; /* see leases.h */
	struct prefix_list own;		 /* of all interfaces, 127.0.0.1 and ::1 always */
};

bool infrastructure_is_protected(const struct policy *policy);

/* Reads all of it. Name servers are those of /etc/resolv.conf and, since that may only name a stub
 * on this host, of systemd-resolved; a missing file means none. */
int infrastructure_read(struct fault *fault, struct infrastructure *ret);

/* Adds the addresses of the `nameserver` lines of a resolv.conf(5). Lines that are not understood
 * are skipped, as the resolver does. 0 or -ENOMEM. */
int infrastructure_parse_resolvers(const char *text, struct prefix_list *resolvers);

/* Tells whether `protect: infrastructure` stands for the same as another time. */
#define INFRASTRUCTURE_DIGEST_SIZE (2 * PREFIX_DIGEST_SIZE)
void infrastructure_digest(const struct infrastructure *infrastructure,
			   char ret_text[INFRASTRUCTURE_DIGEST_SIZE]);

/* The directories with the files that are read, whether they exist or not. */
void infrastructure_each_directory(void (*fn)(const char *path, void *context), void *context);

void infrastructure_done(struct infrastructure *infrastructure);

#endif
