/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <duration.h>
#include <frontend/printable.h>
#include <synfw/cleanup.h>

#include "base/ui.h"

#define MAX_REPORTED 20
#define MAX_LINE     1024
#define FIRST_SLOTS  64

/* ---- found by their keys ---- */

/* The finaliser of MurmurHash3 (Appleby): every bit of the input moves every bit of the output. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 33) * 0xff51afd7ed558ccdULL;
	value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

/* Seeded: whoever can choose the addresses in a log must not choose where they collide. */
static size_t slot_of(const struct addresses *addresses, const struct synfw_addr6 *key)
{
	uint64_t half[2];

	memcpy(half, key, sizeof(half));
	return mix(mix(half[0] ^ addresses->seed) ^ half[1]) & (addresses->nr_slots - 1);
}

/* The slot that has the key, or the free one where it belongs. */
static uint32_t *find_slot(const struct addresses *addresses, const struct synfw_addr6 *key)
{
	size_t at = slot_of(addresses, key);

	while (addresses->slots[at] &&
	       memcmp(&addresses->items[addresses->slots[at] - 1].key, key, sizeof(*key)))
		at = (at + 1) & (addresses->nr_slots - 1);
	return &addresses->slots[at];
}

struct address *addresses_find(const struct addresses *addresses, const struct synfw_addr6 *key)
{
	uint32_t place = addresses->nr_slots ? *find_slot(addresses, key) : 0;

	return place ? &addresses->items[place - 1] : NULL;
}

/* At most half of the slots are ever in use. */
static int grow(struct addresses *addresses)
{
	size_t nr_slots = addresses->nr_slots ? 2 * addresses->nr_slots : FIRST_SLOTS, i;
	struct address *items =
		reallocarray(addresses->items, nr_slots / 2, sizeof(*addresses->items));
	uint32_t *slots = calloc(nr_slots, sizeof(*slots));

	if (items)
		addresses->items = items;
	if (!items || !slots) {
		free(slots);
		return -ENOMEM;
	}
	if (!addresses->nr_slots &&
	    getrandom(&addresses->seed, sizeof(addresses->seed), 0) != sizeof(addresses->seed)) {
		free(slots);
		return -errno;
	}
	free(addresses->slots);
	addresses->slots = slots;
	addresses->nr_slots = nr_slots;
	for (i = 0; i < addresses->count; i++)
		*find_slot(addresses, &addresses->items[i].key) = i + 1;
	return 0;
}

static int add(struct addresses *addresses, const struct address *address)
{
	struct address *known = addresses_find(addresses, &address->key);
	int err = 0;

	if (known) {
		known->lifetime_ns = address->lifetime_ns;
		return 0;
	}
	if (addresses->count == SYNFW_MAX_DYNAMIC_SIZE)
		return -E2BIG;
	if (addresses->count == addresses->nr_slots / 2)
		err = grow(addresses);
	if (err)
		return err;
	addresses->items[addresses->count++] = *address;
	*find_slot(addresses, &address->key) = addresses->count;
	return 0;
}

/* ---- text ---- */

/* What is wrong with it, NULL: nothing. */
static const char *parse(const char *text, size_t length, struct synfw_addr6 *ret_key)
{
	struct any_prefix address = {0};

	if (memchr(text, '/', length))
		return "is a prefix, and a dynamic set holds single addresses; a set in the policy "
		       "holds prefixes";
	if (prefix_parse(text, length, &address))
		return "is not an address";
	*ret_key = member_key(&address);
	return NULL;
}

int addresses_add(struct addresses *addresses, const char *text)
{
	struct address address = {.line = ADDRESSES_NO_LINE};
	const char *problem = parse(text, strlen(text), &address.key);

	if (problem) {
		ui_error("\"%s\" %s", text, problem);
		return -EINVAL;
	}
	return add(addresses, &address);
}

struct reader {
	struct addresses *addresses;
	uint32_t line;
	size_t nr_wrong;
};

static void report(struct reader *reader, const char *word, size_t length, const char *problem)
{
	char shown[65];

	if (reader->nr_wrong++ >= MAX_REPORTED)
		return;
	snprintf(shown, sizeof(shown), "%.*s", (int)length, word);
	printable_message(shown);
	ui_error("line %u: \"%s\" %s", reader->line, shown, problem);
}

/* The next word of a line, and where it ends; NULL: a comment follows, or nothing. */
static const char *next_word(const char **at, size_t *ret_length)
{
	const char *word = *at + strspn(*at, " \t\r\n");

	*ret_length = strcspn(word, " \t\r\n#;");
	*at = word + *ret_length;
	return *ret_length ? word : NULL;
}

static int read_line(struct reader *reader, const char *line)
{
	struct address address = {.line = reader->line};
	const char *word, *problem;
	char lifetime[32];
	size_t length;

	word = next_word(&line, &length);
	if (!word)
		return 0;
	problem = parse(word, length, &address.key);
	if (problem) {
		report(reader, word, length, problem);
		return 0;
	}
	word = next_word(&line, &length);
	if (word) {
		snprintf(lifetime, sizeof(lifetime), "%.*s", (int)length, word);
		if (length >= sizeof(lifetime) || !duration_parse(lifetime, &address.lifetime_ns)) {
			report(reader, word, length,
			       "is not a duration: a number and s, m, h or d, as in 36h");
			return 0;
		}
		word = next_word(&line, &length);
	}
	if (word) {
		report(reader, word, length, "is too much: an address and a duration a line");
		return 0;
	}
	return add(reader->addresses, &address);
}

/* Longer lines are comments at best. */
static void skip_rest(struct reader *reader, const char *line, FILE *stream)
{
	const char *word = line + strspn(line, " \t\r");
	int c;

	if (*word != '#' && *word != ';')
		report(reader, word, strcspn(word, " \t\r"), "stands in a line that is too long");
	do
		c = getc_unlocked(stream);
	while (c != '\n' && c != EOF);
}

int addresses_read(struct addresses *addresses, FILE *stream)
{
	struct reader reader = {.addresses = addresses};
	char line[MAX_LINE];
	int err = 0;

	while (!err && fgets(line, sizeof(line), stream)) {
		size_t length = strlen(line);

		reader.line++;
		if (length == sizeof(line) - 1 && line[length - 1] != '\n')
			skip_rest(&reader, line, stream);
		else if (!feof(stream) && (!length || line[length - 1] != '\n'))
			report(&reader, line, length, "ends in a zero byte");
		else
			err = read_line(&reader,
					line + (reader.line == 1 ? utf8_bom(line, length) : 0));
	}
	if (!err && ferror(stream))
		err = errno ? -errno : -EIO;
	if (reader.nr_wrong > MAX_REPORTED)
		ui_error("and %zu more lines that are not understood",
			 reader.nr_wrong - MAX_REPORTED);
	return err ? err : reader.nr_wrong ? -EINVAL : 0;
}

void addresses_done(struct addresses *addresses)
{
	free(addresses->items);
	free(addresses->slots);
	*addresses = (struct addresses){0};
}
