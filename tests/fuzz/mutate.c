/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "mutate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <fts.h>

#include <policyc.h>

#include "base/must.h"
#include "random/random_policy.h"

#define PICK(rng, array) ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

static void add_text(struct corpus *corpus, char *text, size_t length)
{
	corpus->texts = reallocarray(corpus->texts, corpus->count + 1, sizeof(char *));
	corpus->lengths = reallocarray(corpus->lengths, corpus->count + 1, sizeof(size_t));
	MUST(text && corpus->texts && corpus->lengths);
	corpus->texts[corpus->count] = text;
	corpus->lengths[corpus->count++] = length;
}

void corpus_add_random(struct corpus *corpus, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct rng rng = {i};
		struct random_policy policy;
		char *text;

		random_policy(&rng, 1 + i % 12, &policy);
		text = policy_text_render(&policy.text);
		add_text(corpus, text, strlen(text));
		random_policy_done(&policy);
	}
}

void corpus_add(struct corpus *corpus, const char *path)
{
	char *const paths[] = {(char *)path, NULL};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	MUST(tree);
	while ((entry = fts_read(tree))) {
		uint64_t mtime_ns;
		size_t length;
		char *text;

		if (entry->fts_info != FTS_F || entry->fts_statp->st_size > MUTATE_MAX_BYTES / 4)
			continue;
		if (policyc_load_file(NULL, entry->fts_path, &text, &length, &mtime_ns))
			continue;
		add_text(corpus, text, length);
	}
	fts_close(tree);
}

void corpus_done(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++)
		free(corpus->texts[i]);
	free(corpus->texts);
	free(corpus->lengths);
	*corpus = (struct corpus){};
}

struct text {
	char byte[MUTATE_MAX_BYTES];
	size_t length;
};

/* Replaces `old` bytes at `at` by `bytes`; what would not fit is left as it is. */
static void splice(struct text *text, size_t at, size_t old, const char *bytes, size_t count)
{
	if (text->length - old + count > sizeof(text->byte))
		return;
	memmove(text->byte + at + count, text->byte + at + old, text->length - at - old);
	memmove(text->byte + at, bytes, count);
	text->length += count - old;
}

static size_t any_offset(struct rng *rng, const struct text *text)
{
	return rng_below(rng, text->length + 1);
}

static size_t line_begin(const struct text *text, size_t at)
{
	while (at > 0 && text->byte[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct text *text, size_t at)
{
	while (at < text->length && text->byte[at] != '\n')
		at++;
	return at < text->length ? at + 1 : at;
}

static void change_byte(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	if (text->length)
		text->byte[rng_below(rng, text->length)] = rng_next(rng);
}

static void flip_bit(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	if (text->length)
		text->byte[rng_below(rng, text->length)] ^= 1 << rng_below(rng, 8);
}

static void remove_run(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	size_t at = any_offset(rng, text);
	size_t count = rng_below(rng, 64);

	if (count > text->length - at)
		count = text->length - at;
	splice(text, at, count, "", 0);
}

static void repeat_lines(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	size_t first = line_begin(text, any_offset(rng, text));
	size_t end = line_end(text, first);
	unsigned int times = rng_percent(rng, 95) ? 1 : rng_below(rng, 200);
	char copy[512];

	if (end - first > sizeof(copy))
		return;
	memcpy(copy, text->byte + first, end - first);
	for (unsigned int i = 0; i < times; i++)
		splice(text, end, 0, copy, end - first);
}

static void remove_line(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	size_t first = line_begin(text, any_offset(rng, text));

	splice(text, first, line_end(text, first) - first, "", 0);
}

static void insert_word(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	static const char *const words[] = {
		"from: ",
		"to: ",
		"except: {",
		"}",
		"[",
		"]",
		"- ",
		"\n",
		"  ",
		"\t",
		": ",
		"\"",
		"'",
		"any",
		"0.0.0.0/0",
		"::/0",
		"\"::1\"",
		"10.0.0.0/33",
		"255.255.255.255",
		"1.2.3.4/0",
		"ffff:ffff::/128",
		"1::2::3",
		"65535",
		"65536",
		"4294967296",
		"-1",
		"99999999999999999999",
		"0-65535/tcp",
		"65535-0",
		"tcp",
		"icmp",
		"none",
		"not syn",
		"&a ",
		"*a",
		"!!str ",
		"? ",
		"| ",
		"> ",
		"#",
		"%YAML 1.1\n",
		"---\n",
		"...\n",
		"<<: ",
		"\xef\xbb\xbf",
		"\xff\xfe",
		"\xc3\x28",
		"{",
		"rules:\n",
		"sets:\n",
		"score: 1000000",
		"action: drop",
		"mode: monitor",
		"state: established",
		"rate: {over: 5/s, burst: 9}",
		"distinct-ports: {over: 20, within: 10s}",
		"block: 10m",
		"add-to: live",
		"log: true",
		"scoring: {flag-at: 50, decay: 10/min}\n",
		"logging: {sample: 1/9}\n",
		"file: x",
		"name: ",
		"vlan: 4095",
		"interface: \"[a-\"",
		"0x10",
		"1e9",
		"~",
		"null",
	};
	const char *word = PICK(rng, words);

	splice(text, any_offset(rng, text), 0, word, strlen(word));
}

static void change_number(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	static const char *const numbers[] = {"0",     "1",	     "255",
					      "256",   "4095",	     "65535",
					      "65536", "4294967295", "18446744073709551616",
					      "-1",    "08"};
	const char *number = PICK(rng, numbers);
	size_t at = any_offset(rng, text);
	size_t digits;

	while (at < text->length && (text->byte[at] < '0' || text->byte[at] > '9'))
		at++;
	for (digits = 0; at + digits < text->length && text->byte[at + digits] >= '0' &&
			 text->byte[at + digits] <= '9';)
		digits++;
	splice(text, at, digits, number, strlen(number));
}

static void take_from_other(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	size_t other = rng_below(rng, corpus->count);
	size_t from = rng_below(rng, corpus->lengths[other] + 1);
	size_t count = rng_below(rng, 400);

	if (count > corpus->lengths[other] - from)
		count = corpus->lengths[other] - from;
	splice(text, any_offset(rng, text), 0, corpus->texts[other] + from, count);
}

static void cut(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	text->length = any_offset(rng, text);
}

/* Deep nesting and long lines: what a recursive reader and a fixed buffer do not expect. */
static void nest(struct rng *rng, struct text *text, const struct corpus *corpus)
{
	static const char *const openings[] = {"[", "{a: ", "- ", "a:\n ", "\"", "((", "x"};
	const char *opening = PICK(rng, openings);
	size_t at = any_offset(rng, text);
	unsigned int times = rng_below(rng, 3000);

	for (unsigned int i = 0; i < times; i++)
		splice(text, at, 0, opening, strlen(opening));
}

char *mutate(struct rng *rng, const struct corpus *corpus, size_t *ret_length)
{
	static const struct {
		unsigned int weight;
		void (*apply)(struct rng *rng, struct text *text, const struct corpus *corpus);
	} mutations[] = {
		{10, change_byte}, {5, flip_bit},     {10, remove_run},	   {15, repeat_lines},
		{15, remove_line}, {20, insert_word}, {12, change_number}, {10, take_from_other},
		{2, cut},	   {1, nest},
	};
	struct text *text = malloc(sizeof(*text));
	size_t seed = rng_below(rng, corpus->count);
	unsigned int rounds = rng_percent(rng, 70) ? rng_between(rng, 1, 2) : rng_below(rng, 20);
	char *made;

	MUST(text);
	text->length = corpus->lengths[seed];
	memcpy(text->byte, corpus->texts[seed], text->length);
	while (rounds--) {
		uint32_t dice = rng_below(rng, 100);
		size_t i = 0;

		while (dice >= mutations[i].weight)
			dice -= mutations[i++].weight;
		mutations[i].apply(rng, text, corpus);
	}
	/* Exactly as long as the text: the sanitizer sees a read behind its end. */
	made = malloc(text->length ? text->length : 1);
	MUST(made);
	memcpy(made, text->byte, text->length);
	*ret_length = text->length;
	free(text);
	return made;
}
