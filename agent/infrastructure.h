/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_INFRASTRUCTURE_H
#define SYNFW_AGENT_INFRASTRUCTURE_H

/* What `protect: infrastructure` stands for on this host. */
#include <policyc.h>

#include "fault.h"

struct infrastructure {
	struct prefix_list gateways;
	struct prefix_list resolvers;
};

bool infrastructure_is_protected(const struct policy *policy);

/* Reads the gateways of all routes (IPv4 and IPv6, every table) and the name servers of
 * /etc/resolv.conf and, since that may only name a stub on this host, of systemd-resolved. A
 * missing file means no name servers. */
int infrastructure_read(struct fault *fault, struct infrastructure *ret);

/* Adds the addresses of the `nameserver` lines of a resolv.conf(5). Lines that are not understood
 * are skipped, as the resolver does. 0 or -ENOMEM. */
int infrastructure_parse_resolvers(const char *text, struct prefix_list *resolvers);

void infrastructure_done(struct infrastructure *infrastructure);

#endif
