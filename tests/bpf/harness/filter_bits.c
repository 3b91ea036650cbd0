/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/filter_bits.h"

#include <string.h>

#include <bpf/bpf.h>

#include "base/must.h"

static uint64_t hash_of(int runtime_fd, const struct synfw_addr6 *address)
{
	struct synfw_runtime runtime;
	uint32_t zero = 0, word[4];

	MUST(bpf_map_lookup_elem(runtime_fd, &zero, &runtime) == 0);
	memcpy(word, address, sizeof(word));
	return synfw_source_hash(word, runtime.seed);
}

static uint64_t word_at(int fd, uint32_t key)
{
	uint64_t word;

	MUST(bpf_map_lookup_elem(fd, &key, &word) == 0);
	return word;
}

static void word_put(int fd, uint32_t key, uint64_t bit, bool set)
{
	uint64_t word = word_at(fd, key);

	word = set ? word | bit : word & ~bit;
	MUST(bpf_map_update_elem(fd, &key, &word, BPF_ANY) == 0);
}

struct filter_bits filter_bits_of(int filter_fd, int runtime_fd, uint32_t words,
				  const struct synfw_addr6 *address)
{
	uint64_t hash = hash_of(runtime_fd, address);
	uint32_t at = hash / 64 % words;

	return (struct filter_bits){
		.own = word_at(filter_fd, at) >> hash % 64 & 1,
		.summary = word_at(filter_fd, words + at / 64) >> at % 64 & 1,
		.any = word_at(filter_fd, words + words / 64),
	};
}

void filter_bits_put(int filter_fd, int runtime_fd, uint32_t words,
		     const struct synfw_addr6 *address, const struct filter_bits *bits)
{
	uint64_t hash = hash_of(runtime_fd, address);
	uint32_t at = hash / 64 % words;

	word_put(filter_fd, at, 1ULL << hash % 64, bits->own);
	word_put(filter_fd, words + at / 64, 1ULL << at % 64, bits->summary);
	word_put(filter_fd, words + words / 64, ~0ULL, bits->any);
}

void filter_bits_set(int filter_fd, int runtime_fd, uint32_t words,
		     const struct synfw_addr6 *address)
{
	filter_bits_put(filter_fd, runtime_fd, words, address,
			&(struct filter_bits){true, true, true});
}
