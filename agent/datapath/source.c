/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "source.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <bpf/bpf.h>

#include <synfw/state.h>

#include "members.h"

struct synfw_addr6 source_of(const struct any_prefix *address, uint8_t ipv6_prefixlen)
{
	struct synfw_addr6 source = member_key(address);
	unsigned int bit;

	for (bit = ipv6_prefixlen; source_is_ipv6(&source) && bit < 128; bit++)
		source.byte[bit / 8] &= ~(0x80 >> bit % 8);
	return source;
}

bool source_is_ipv6(const struct synfw_addr6 *source)
{
	return member_address(source).family == 6;
}

const char *source_text(const struct synfw_addr6 *source, uint8_t ipv6_prefixlen,
			char out[SOURCE_TEXT_MAX])
{
	struct any_prefix address = member_address(source);

	if (address.family == 4) {
		prefix4_format(&address.v4, out, SOURCE_TEXT_MAX);
		return out;
	}
	address.v6.prefixlen = ipv6_prefixlen;
	prefix6_format(&address.v6, out, SOURCE_TEXT_MAX);
	return out;
}

int source_compare(const void *left, const void *right)
{
	const struct synfw_addr6 *a = left, *b = right;
	int order = source_is_ipv6(a) - source_is_ipv6(b);

	return order ? order : memcmp(a, b, sizeof(*a));
}

/* ---- places in tables ---- */

int source_read_seed(const struct object *object, struct fault *fault, uint64_t *ret_seed)
{
	struct synfw_runtime runtime;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_RUNTIME], &key, &runtime))
		return fault_system(fault, -errno, "cannot read the state of the datapath");
	*ret_seed = runtime.seed;
	return 0;
}

int source_seed(const struct object *object, struct fault *fault)
{
	struct synfw_runtime runtime = {0};
	uint32_t key = 0;

	if (getrandom(&runtime.seed, sizeof(runtime.seed), 0) != sizeof(runtime.seed))
		return fault_system(fault, -errno, "cannot get random bytes");
	if (bpf_map_update_elem(object->map_fd[OBJECT_RUNTIME], &key, &runtime, BPF_ANY))
		return fault_system(fault, -errno, "cannot seed the datapath");
	return 0;
}

uint64_t source_hash(const struct synfw_addr6 *source, uint64_t seed)
{
	uint32_t word[4];

	memcpy(word, source->byte, sizeof(word));
	return synfw_source_hash(word, seed);
}

/* ---- time ---- */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec;
}

uint64_t source_now(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

uint64_t source_real_time(uint64_t boot_ns)
{
	return now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME) + boot_ns;
}
