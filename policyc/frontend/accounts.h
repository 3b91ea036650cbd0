/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_ACCOUNTS_H
#define POLICYC_ACCOUNTS_H

/* Users and groups by name, from texts in the format of /etc/passwd and /etc/group. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "name_table.h"

struct account {
	char *name;
	uint32_t id;
	uint32_t group; /* users: the primary one */
};

/* Zeroed is empty. */
struct account_table {
	struct account *accounts;
	size_t count;
	struct name_table names;
	bool loaded;
	int error; /* why the file could not be read */
};

void account_table_done(struct account_table *table);

/* Takes over the entries of a text; of two with one name the first counts. With `groups` each has
 * to say a primary group in the fourth field. Lines that make no sense are skipped, as libc does. 0
 * or -ENOMEM. */
int account_table_add(struct account_table *table, const char *text, size_t length, bool groups);

/* The entry of that name, or the first with that id; or NULL. */
const struct account *account_find(const struct account_table *table, const char *name);
const struct account *account_find_id(const struct account_table *table, uint32_t id);

#endif
