/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_TEST_STATE_H
#define TESTS_BPF_TEST_STATE_H

/*
 * What the live program remembers, read and written by tests: time, scores, blocks, exempt
 * addresses, members, tallies, events. All of it aborts on a failure of the kernel's, which no test
 * expects.
 */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/peer.h>
#include <synfw/state.h>

#include "harness/datapath.h"

struct state;

/* For one datapath, which is borrowed. Writes the seed. */
struct state *state_open(struct datapath *datapath, uint64_t seed);
void state_close(struct state *state);

/* The time of a datapath with a test clock. */
void state_set_time(struct state *state, uint64_t now_ns);

struct synfw_addr6 addr6_of_v4(uint32_t addr);
bool addr6_equal(const struct synfw_addr6 *a, const struct synfw_addr6 *b);

struct state_score {
	uint64_t level, updated_boot_ns;
	struct synfw_score_part part[SYNFW_SCORE_PARTS];
};

/* False when the source has none. */
bool state_score(struct state *state, const struct synfw_addr6 *source,
		 struct state_score *ret_score);
bool state_block(struct state *state, const struct synfw_addr6 *source,
		 struct synfw_block *ret_block);

/* As `synfw block` does: the bit of the filter, then the entry, without a place in the ring. 0 or
 * -errno. */
int state_put_block(struct state *state, const struct synfw_addr6 *source,
		    const struct synfw_block *block);
/* The same for `count` sources of IPv4 from `first` on, all at once; the filter has the first and
 * the last of them. */
void state_put_blocks4(struct state *state, uint32_t first, uint32_t count,
		       const struct synfw_block *block);
void state_remove_block(struct state *state, const struct synfw_addr6 *source);
uint32_t state_count_blocks(struct state *state);

/* As a rule on processes does: the bit of the filter, then the mark. */
void state_put_peer(struct state *state, const struct synfw_addr6 *source,
		    const struct synfw_peer *peer);

void state_put_exempt(struct state *state, const struct synfw_addr6 *address);

/* Dynamic set `number` of the policy in force: its timeout, and when a member expires (false:
 * none). */
void state_set_timeout(struct state *state, uint32_t number, uint64_t timeout_ns);
bool state_member(struct state *state, uint32_t number, const struct synfw_addr6 *address,
		  struct synfw_member *ret_member);
void state_clear_members(struct state *state, uint32_t number);

/* Summed over the CPUs, since state_open(). */
uint64_t state_tally(struct state *state, enum synfw_tally tally);

/* Takes all events out of the ring buffer; at most `room` are stored. Returns how many there were.
 */
size_t state_events(struct state *state, struct synfw_event *events, size_t room);

#endif
