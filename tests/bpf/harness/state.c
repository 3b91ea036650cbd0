/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "harness/filter_bits.h"
#include "base/must.h"

struct state {
	struct datapath *datapath;
	uint64_t seed;
	int runtime_fd, sources_fd, more_parts_fd, blocks_fd, tallies_fd;
	struct ring_buffer *ring;
	struct synfw_event *events;
	size_t nr_events, room;
};

static int take_event(void *context, void *data, size_t size)
{
	struct state *state = context;

	MUST(size == sizeof(struct synfw_event));
	if (state->nr_events < state->room)
		memcpy(&state->events[state->nr_events], data, size);
	state->nr_events++;
	return 0;
}

static int map_fd(const struct state *state, const char *name)
{
	int fd = datapath_map_fd(state->datapath, name);

	MUST(fd >= 0);
	return fd;
}

static void runtime_read(const struct state *state, struct synfw_runtime *runtime)
{
	uint32_t zero = 0;

	MUST(bpf_map_lookup_elem(state->runtime_fd, &zero, runtime) == 0);
}

static void runtime_write(const struct state *state, const struct synfw_runtime *runtime)
{
	uint32_t zero = 0;

	MUST(bpf_map_update_elem(state->runtime_fd, &zero, runtime, BPF_ANY) == 0);
}

struct state *state_open(struct datapath *datapath, uint64_t seed)
{
	struct state *state = calloc(1, sizeof(*state));
	struct synfw_runtime runtime;

	MUST(state);
	state->datapath = datapath;
	state->seed = seed;
	state->runtime_fd = map_fd(state, "synfw_runtime");
	state->sources_fd = map_fd(state, "synfw_sources");
	state->more_parts_fd = map_fd(state, "synfw_more_parts");
	state->blocks_fd = map_fd(state, "synfw_blocks");
	state->tallies_fd = map_fd(state, "synfw_tallies");
	state->ring = ring_buffer__new(map_fd(state, "synfw_events"), take_event, state, NULL);
	MUST(state->ring);
	runtime_read(state, &runtime);
	runtime.seed = seed;
	runtime_write(state, &runtime);
	return state;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	ring_buffer__free(state->ring);
	free(state);
}

void state_set_time(struct state *state, uint64_t now_ns)
{
	struct synfw_runtime runtime;

	runtime_read(state, &runtime);
	runtime.test_now_ns = now_ns;
	runtime_write(state, &runtime);
}

struct synfw_addr6 addr6_of_v4(uint32_t addr)
{
	struct synfw_addr6 made = {.byte = {[10] = 0xff, [11] = 0xff}};
	uint32_t addr_be = htonl(addr);

	memcpy(made.byte + 12, &addr_be, sizeof(addr_be));
	return made;
}

bool addr6_equal(const struct synfw_addr6 *a, const struct synfw_addr6 *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static uint64_t hash_of(const struct state *state, const struct synfw_addr6 *source)
{
	uint32_t word[4];

	memcpy(word, source, sizeof(word));
	return synfw_source_hash(word, state->seed);
}

bool state_score(struct state *state, const struct synfw_addr6 *source,
		 struct state_score *ret_score)
{
	uint32_t first = hash_of(state, source) % SYNFW_SOURCE_SETS * SYNFW_SOURCE_WAYS;
	struct synfw_source entry;
	struct synfw_more_parts more;

	for (uint32_t key = first; key < first + SYNFW_SOURCE_WAYS; key++) {
		MUST(bpf_map_lookup_elem(state->sources_fd, &key, &entry) == 0);
		if (!entry.level || !addr6_equal(&entry.source, source))
			continue;
		MUST(bpf_map_lookup_elem(state->more_parts_fd, &key, &more) == 0);
		*ret_score = (struct state_score){entry.level, synfw_entry_updated_ns(&entry), {}};
		for (uint32_t i = 0; i < synfw_entry_nr_parts(&entry); i++)
			ret_score->part[i] = i ? more.part[i - 1] : entry.part;
		return true;
	}
	return false;
}

bool state_block(struct state *state, const struct synfw_addr6 *source,
		 struct synfw_block *ret_block)
{
	return bpf_map_lookup_elem(state->blocks_fd, source, ret_block) == 0;
}

static void filter_put(struct state *state, const char *name, uint32_t words,
		       const struct synfw_addr6 *address)
{
	filter_bits_set(map_fd(state, name), state->runtime_fd, words, address);
}

int state_put_block(struct state *state, const struct synfw_addr6 *source,
		    const struct synfw_block *block)
{
	filter_put(state, "synfw_block_filter", SYNFW_BLOCK_FILTER_WORDS, source);
	return bpf_map_update_elem(state->blocks_fd, source, block, BPF_ANY) ? -errno : 0;
}

void state_put_blocks4(struct state *state, uint32_t first, uint32_t count,
		       const struct synfw_block *block)
{
	struct synfw_addr6 *sources = calloc(count, sizeof(*sources));
	struct synfw_block *blocks = calloc(count, sizeof(*blocks));

	MUST(sources && blocks);
	for (uint32_t i = 0; i < count; i++) {
		sources[i] = addr6_of_v4(first + i);
		blocks[i] = *block;
	}
	filter_put(state, "synfw_block_filter", SYNFW_BLOCK_FILTER_WORDS, &sources[0]);
	filter_put(state, "synfw_block_filter", SYNFW_BLOCK_FILTER_WORDS, &sources[count - 1]);
	MUST(bpf_map_update_batch(state->blocks_fd, sources, blocks, &count, NULL) == 0);
	free(sources);
	free(blocks);
}

void state_remove_block(struct state *state, const struct synfw_addr6 *source)
{
	MUST(bpf_map_delete_elem(state->blocks_fd, source) == 0);
}

uint32_t state_count_blocks(struct state *state)
{
	static struct synfw_addr6 sources[SYNFW_MAX_BLOCKS];
	static struct synfw_block blocks[SYNFW_MAX_BLOCKS];
	uint32_t count = SYNFW_MAX_BLOCKS, at;

	/* ENOENT is the end, and the count is told with it */
	MUST(bpf_map_lookup_batch(state->blocks_fd, NULL, &at, sources, blocks, &count, NULL) &&
	     errno == ENOENT);
	return count;
}

void state_put_peer(struct state *state, const struct synfw_addr6 *source,
		    const struct synfw_peer *peer)
{
	struct synfw_runtime runtime;

	runtime_read(state, &runtime);
	if (!runtime.peers_marked) {
		runtime.peers_marked = 1;
		runtime_write(state, &runtime);
	}
	filter_put(state, "synfw_block_filter", SYNFW_BLOCK_FILTER_WORDS, source);
	MUST(bpf_map_update_elem(map_fd(state, "synfw_peers"), source, peer, BPF_ANY) == 0);
}

void state_put_exempt(struct state *state, const struct synfw_addr6 *address)
{
	uint32_t why = SYNFW_EXEMPT_GATEWAY;

	filter_put(state, "synfw_exempt_filter", SYNFW_EXEMPT_FILTER_WORDS, address);
	MUST(bpf_map_update_elem(map_fd(state, "synfw_exempt"), address, &why, BPF_ANY) == 0);
}

static uint32_t active_slot(const struct state *state)
{
	struct synfw_control control;
	uint32_t zero = 0;

	MUST(bpf_map_lookup_elem(map_fd(state, "synfw_control"), &zero, &control) == 0);
	return control.active;
}

void state_set_timeout(struct state *state, uint32_t number, uint64_t timeout_ns)
{
	int fd = map_fd(state, "synfw_dynamic_sets");
	struct synfw_dynamic_sets sets;
	uint32_t slot = active_slot(state);

	MUST(bpf_map_lookup_elem(fd, &slot, &sets) == 0);
	sets.set[number].timeout_ns = timeout_ns;
	MUST(bpf_map_update_elem(fd, &slot, &sets, BPF_ANY) == 0);
}

bool state_member(struct state *state, uint32_t number, const struct synfw_addr6 *address,
		  struct synfw_member *ret_member)
{
	int fd = datapath_members_fd(state->datapath, number);

	return bpf_map_lookup_elem(fd, address, ret_member) == 0;
}

void state_clear_members(struct state *state, uint32_t number)
{
	int fd = datapath_members_fd(state->datapath, number);
	struct synfw_addr6 key;

	while (!bpf_map_get_next_key(fd, NULL, &key))
		MUST(bpf_map_delete_elem(fd, &key) == 0);
}

uint64_t state_tally(struct state *state, enum synfw_tally tally)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t values[cpus > 0 ? cpus : 1], sum = 0;
	uint32_t key = tally;

	MUST(cpus > 0 && bpf_map_lookup_elem(state->tallies_fd, &key, values) == 0);
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

size_t state_events(struct state *state, struct synfw_event *events, size_t room)
{
	state->events = events;
	state->room = room;
	state->nr_events = 0;
	MUST(ring_buffer__consume(state->ring) >= 0);
	return state->nr_events;
}
