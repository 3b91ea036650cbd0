/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SERVICES_H
#define POLICYC_SERVICES_H

/* Named ports: those of the policy, then those of /etc/services. */
#include <stdbool.h>

#include "../model.h"
#include "name_table.h"

struct service {
	const char *name;
	struct port_range *ports;
	size_t nr_ports;
};

/* Zeroed is empty. */
struct service_table {
	struct service *services;
	size_t nr_services;
	struct name_table names;
	bool system_loaded;
	int system_error; /* why /etc/services could not be read */
};

void service_table_done(struct service_table *table);

/* Takes over the entries of a text in the format of /etc/services that the table does not have yet:
 * what the policy defines wins. Lines that make no sense are skipped, as libc does. 0 or -ENOMEM.
 */
int service_table_add_system(struct service_table *table, const char *text, size_t length);

/* The entry of that name, or NULL. */
const struct service *service_find(const struct service_table *table, const char *name);

/*
 * Parses "80", "80/tcp", "1000-2000" or "1000-2000/udp". Returns NULL, or what is wrong with it, as
 * a sentence's end ("is not a port").
 */
const char *port_range_parse(const char *text, size_t length, struct port_range *ret);

/* Whether the text is meant as a port and not as a service name. */
bool is_port_text(const char *text);

/* The protocol number of "tcp", "gre", "47"; -1: none. */
int protocol_parse(const char *text, size_t length);

/* "tcp", or NULL for a protocol that has only a number. */
const char *protocol_name(uint8_t proto);

static inline bool protocol_has_ports(uint8_t proto)
{
	return proto == 6 || proto == 17 || proto == 132;
}

#endif
