/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_universe.h"

#include <stdio.h>
#include <string.h>

void universe_init(struct universe *universe, struct rng *rng, size_t nr_bases)
{
	universe->rng = rng;
	universe->nr_bases = nr_bases;
	for (size_t i = 0; i < nr_bases; i++) {
		/* Below 192.0.0.0, where the guards begin. */
		universe->base4[i] = rng_between(rng, 1, 191) << 24 | rng_below(rng, 1U << 24);
		memset(universe->base6[i], 0, 16);
		universe->base6[i][0] = 0x20;
		universe->base6[i][1] = 0x01;
		universe->base6[i][2] = 0x0d;
		universe->base6[i][3] = 0xb8;
		for (int byte = 4; byte < 16; byte++)
			universe->base6[i][byte] = rng_percent(rng, 60) ? rng_below(rng, 256) : 0;
	}
}

struct prefix4 universe_prefix4(const struct universe *universe)
{
	static const uint8_t usual[] = {32, 32, 32, 24, 24, 16, 8, 31, 30, 28};
	struct rng *rng = universe->rng;
	struct prefix4 prefix;

	prefix.prefixlen = rng_percent(rng, 70) ? usual[rng_below(rng, sizeof(usual))]
						: rng_between(rng, 4, 32);
	if (universe->hosts_only)
		prefix.prefixlen = 32;
	prefix.addr = universe->base4[rng_below(rng, universe->nr_bases)];
	if (rng_percent(rng, 60))
		prefix.addr ^= rng_below(rng, 1U << rng_below(rng, 16));
	prefix.addr &= ~0U << (32 - prefix.prefixlen);
	return prefix;
}

struct prefix6 universe_prefix6(const struct universe *universe)
{
	static const uint8_t usual[] = {128, 128, 128, 64, 64, 48, 32, 56, 127, 112};
	struct rng *rng = universe->rng;
	struct prefix6 prefix;

	prefix.prefixlen = rng_percent(rng, 70) ? usual[rng_below(rng, sizeof(usual))]
						: rng_between(rng, 16, 128);
	if (universe->hosts_only)
		prefix.prefixlen = 128;
	memcpy(prefix.addr, universe->base6[rng_below(rng, universe->nr_bases)], 16);
	if (rng_percent(rng, 60))
		prefix.addr[rng_between(rng, 6, 15)] ^= rng_below(rng, 16);
	for (unsigned int bit = prefix.prefixlen; bit < 128; bit++)
		prefix.addr[bit / 8] &= ~(0x80 >> (bit % 8));
	return prefix;
}

void universe_prefix_text(const struct universe *universe, unsigned int families, char out[64])
{
	bool v4 = families == FAMILY_4 ||
		  (families == (FAMILY_4 | FAMILY_6) && rng_percent(universe->rng, 60));

	if (v4) {
		struct prefix4 prefix = universe_prefix4(universe);

		prefix4_format(&prefix, out, 64);
	} else {
		struct prefix6 prefix = universe_prefix6(universe);

		prefix6_format(&prefix, out, 64);
	}
}

const char *universe_guard_text(unsigned int family, unsigned int n, char out[64])
{
	if (family == FAMILY_4)
		snprintf(out, 64, "203.0.113.%u", n % 256);
	else
		snprintf(out, 64, "3fff::1:%x", n % 256);
	return out;
}
