/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "bench_policy.h"

#include <stdio.h>
#include <stdlib.h>

/* Addresses of rules stay below 128.0.0.0, those of the measured packets above 192.0.0.0. */
#define RULE_SPACE	    0x7fffffffU
#define CLASSBENCH_PREFIXES 5000

struct random {
	uint64_t state;
};

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint32_t random_below(struct random *random, uint32_t limit)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) % limit;
}

static void write_prefix(FILE *out, const char *key, uint32_t addr, uint32_t prefixlen)
{
	addr &= RULE_SPACE & ~0U << (32 - prefixlen);
	fprintf(out, "    %s: %u.%u.%u.%u/%u\n", key, addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		addr & 255, prefixlen);
}

/* Never 443, the port of the last rule. */
static uint32_t random_port(struct random *random)
{
	return 1024 + random_below(random, 40000);
}

static void write_edge_rule(FILE *out, struct random *random, uint32_t i)
{
	switch (i % 4) {
	case 0:
		fprintf(out, "    to: %u/%s\n", random_port(random), i % 8 ? "udp" : "tcp");
		break;
	case 1:
		write_prefix(out, "from", random_below(random, RULE_SPACE),
			     16 + random_below(random, 9));
		break;
	case 2:
		write_prefix(out, "from", random_below(random, RULE_SPACE), 24);
		fprintf(out, "    to: %u/tcp\n", random_port(random));
		break;
	default:
		fprintf(out, "    proto: udp\n    from-port: %u\n", random_port(random));
	}
}

static void write_random_rule(FILE *out, struct random *random)
{
	uint32_t first = random_port(random);

	write_prefix(out, "from", random_below(random, RULE_SPACE), 8 + random_below(random, 25));
	write_prefix(out, "to-address", random_below(random, RULE_SPACE),
		     8 + random_below(random, 25));
	fprintf(out, "    to: %u-%u/%s\n", first, first + random_below(random, 20000),
		random_below(random, 2) ? "tcp" : "udp");
}

/* The prefix of a number: rules draw numbers, so that prefixes repeat. */
static void write_shared_prefix(FILE *out, const char *key, uint32_t number)
{
	struct random random = {.state = number};
	uint32_t addr = random_below(&random, RULE_SPACE);

	write_prefix(out, key, addr, number % 3 ? 32 : 16 + random_below(&random, 13));
}

static void write_classbench_rule(FILE *out, struct random *random)
{
	write_shared_prefix(out, "from", random_below(random, CLASSBENCH_PREFIXES / 2));
	write_shared_prefix(out, "to-address",
			    CLASSBENCH_PREFIXES / 2 +
				    random_below(random, CLASSBENCH_PREFIXES / 2));
	fprintf(out, "    to: %u/%s\n", 1024 + random_below(random, 200),
		random_below(random, 4) ? "tcp" : "udp");
}

char *bench_policy(enum bench_shape shape, uint32_t rules)
{
	struct random random = {.state = shape};
	size_t length;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fputs("version: 1\nname: bench\ninterfaces:\n  - name: lo\n"
	      "defaults: {incoming: drop}\nrules:\n",
	      out);
	for (uint32_t i = 0; i + 1 < rules; i++) {
		fprintf(out, "  - name: rule-%u\n    action: %s\n", i, i % 3 ? "drop" : "allow");
		if (shape == BENCH_EDGE)
			write_edge_rule(out, &random, i);
		else if (shape == BENCH_RANDOM)
			write_random_rule(out, &random);
		else
			write_classbench_rule(out, &random);
	}
	fputs("  - name: last\n    to: 443/tcp\n    action: allow\n", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
