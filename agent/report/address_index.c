/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "address_index.h"

#include <stdio.h>

#include <synfw/trie.h>

#define NR_WORDS(words) (sizeof(words) / sizeof(*(words)))

static const char *const ipv4_words[] = {
	[SYNFW_TRIE4_ROOT_IDS] = "trie with a root of 12 bits",
	[SYNFW_TRIE4_ROOT_WIDE] = "trie with a root of 18 bits",
	[SYNFW_TRIE4_ROOT_LINES] = "trie with a root of lines",
};

static const char ipv6_ids[] = "path-compressed trie";
static const char ipv6_lists[] = "path-compressed trie with a root of lists";

static const struct {
	const char *key, *text;
	uint8_t family;
	enum synfw_direction direction;
} places[] = {
	{"ipv4_sources", "IPv4 sources", 4, SYNFW_DIR_SRC},
	{"ipv4_destinations", "IPv4 destinations", 4, SYNFW_DIR_DST},
	{"ipv6_sources", "IPv6 sources", 6, SYNFW_DIR_SRC},
	{"ipv6_destinations", "IPv6 destinations", 6, SYNFW_DIR_DST},
};
#define NR_PLACES NR_WORDS(places)

/* NULL: no rule names such an address. */
static const char *word_of(const struct live *live, size_t place)
{
	const struct synfw_class_tables *tables = &live->class_tables;
	enum synfw_direction direction = places[place].direction;
	uint8_t root = tables->trie4_root[direction];

	if (places[place].family == 6) {
		if (!tables->trie6[direction])
			return NULL;
		return tables->trie6_lists_bits[direction] ? ipv6_lists : ipv6_ids;
	}
	return tables->trie4[direction] && root < NR_WORDS(ipv4_words) ? ipv4_words[root] : NULL;
}

json_t *address_index_json(const struct live *live)
{
	json_t *object = json_object();
	const char *word;
	size_t i;

	for (i = 0; i < NR_PLACES; i++) {
		word = word_of(live, i);
		json_object_set_new(object, places[i].key, word ? json_string(word) : json_null());
	}
	return object;
}

void address_index_print(const struct live *live)
{
	const char *word, *before = "";
	size_t i;

	for (i = 0; i < NR_PLACES; i++) {
		word = word_of(live, i);
		if (!word)
			continue;
		printf("%s%s by a %s", before, places[i].text, word);
		before = ", ";
	}
	puts(*before ? "" : "no rule names an address");
}
