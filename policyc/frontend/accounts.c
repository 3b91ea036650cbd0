/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "parser.h"

#define NR_FIELDS 4 /* name, password, id, primary group */

void account_table_done(struct account_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->accounts[i].name);
	free(table->accounts);
	name_table_done(&table->names);
	*table = (struct account_table){0};
}

struct field {
	const char *text;
	size_t length;
};

/* The fields before colons, and what is left of the line as the last one. Returns how many. */
static size_t split(const char *line, const char *end, struct field fields[NR_FIELDS])
{
	size_t count = 0;

	while (count < NR_FIELDS) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		const char *stop = colon ? colon : end;

		fields[count++] = (struct field){line, (size_t)(stop - line)};
		if (!colon)
			break;
		line = colon + 1;
	}
	return count;
}

static int add_line(struct account_table *table, const char *line, const char *end, bool groups)
{
	struct field fields[NR_FIELDS];
	size_t count = split(line, end, fields);
	struct account account = {0};
	struct account *added;

	if (count < (groups ? 4 : 3) || !fields[0].length ||
	    !parse_number(fields[2].text, fields[2].length, UINT32_MAX - 1, &account.id) ||
	    (groups &&
	     !parse_number(fields[3].text, fields[3].length, UINT32_MAX - 1, &account.group)) ||
	    name_table_find(&table->names, fields[0].text, fields[0].length) != NAME_NOT_FOUND)
		return 0;
	added = ARRAY_APPEND(table->accounts, table->count);
	if (!added)
		return -ENOMEM;
	*added = account;
	added->name = strndup(fields[0].text, fields[0].length);
	return added->name ? name_table_add(&table->names, fields[0].text, fields[0].length,
					    (uint32_t)table->count - 1)
			   : -ENOMEM;
}

int account_table_add(struct account_table *table, const char *text, size_t length, bool groups)
{
	const char *end = text + length;
	int err = 0;

	for (const char *line = text; line < end && !err;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		err = add_line(table, line, newline ? newline : end, groups);
		line = newline ? newline + 1 : end;
	}
	return err;
}

const struct account *account_find(const struct account_table *table, const char *name)
{
	uint32_t index = name_table_find(&table->names, name, strlen(name));

	return index == NAME_NOT_FOUND ? NULL : &table->accounts[index];
}

const struct account *account_find_id(const struct account_table *table, uint32_t id)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->accounts[i].id == id)
			return &table->accounts[i];
	return NULL;
}
