/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_LEASES_H
#define SYNFW_AGENT_LEASES_H

/*
 * The DHCP servers that this host has leases from, as systemd-networkd, ISC dhclient (also below
 * ifupdown or NetworkManager) and dhcpcd write them down. Not known: servers of NetworkManager's
 * own client and of busybox, which leave no file that says them, and DHCPv6 servers, whose leases
 * name them by a DUID and not by address.
 */
#include <prefix.h>

struct lease_file {
	const uint8_t *bytes;
	size_t length;
	int64_t modified_s; /* CLOCK_REALTIME */
	int64_t now_s;
};

/* Each adds the servers of the leases in one file that have not run out. What is not understood is
 * skipped: truncated files and hostile ones are read to their end and no further. 0 or -ENOMEM. */
int leases_parse_networkd(const struct lease_file *file, struct prefix_list *servers);
int leases_parse_dhclient(const struct lease_file *file, struct prefix_list *servers);
int leases_parse_dhcpcd(const struct lease_file *file, struct prefix_list *servers);

/* Reads all that are there. Files that cannot be read count as absent. 0 or -ENOMEM. */
int leases_read(int64_t now_s, struct prefix_list *servers);

/* Where they may be. */
void leases_each_directory(void (*fn)(const char *path, void *context), void *context);

#endif
