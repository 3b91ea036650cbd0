/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_TEST_DATAPATH_H
#define TESTS_BPF_TEST_DATAPATH_H

/*
 * The BPF program under test, as the live program (counts, returns an XDP action) and, from when it
 * is asked first, as the shadow one (read-only, says rule and score). Both share the tables of the
 * generations and what is remembered.
 * Independent of agent/: a loader's mistake must not hide here. Needs root.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <policyc.h>
#include <synfw/state.h>

#include "base/policy_text.h"
#include "model/reference.h"

struct datapath;

/* Opens and loads the live program. 0 or -errno; libbpf's own words go to stderr. */
int datapath_open(struct datapath **ret_datapath);
/* The same with programs that take the time from synfw_runtime.test_now_ns. */
int datapath_open_test_clock(struct datapath **ret_datapath);
/* Puts the live program at the loopback interface of a network namespace that this process has
 * alone from then on: a program that is at no interface is written into the kernel's XDP
 * dispatcher, and out of it again, by each test run of more than one packet, which takes 16 ms. 0
 * or -errno. */
int datapath_attach_aside(struct datapath *datapath);
void datapath_close(struct datapath *datapath);
void datapath_closep(struct datapath **datapath);

/* Gives every rule the counter slot `index + 1`, loads the image into the idle generation slot,
 * makes that one active and sets the rule counters to 0. The image stays borrowed until the next
 * call: the bits of judgements are looked up in it. 0 or -errno. */
int datapath_apply(struct datapath *datapath, struct image *image);

/* Sets the address's bit of the filter, as whoever puts an address into a dynamic set has to. */
void datapath_filter_member(struct datapath *datapath, const struct synfw_addr6 *key);

/* Puts an address into dynamic set `number` of the policy in force, which has no members after
 * datapath_apply(), or takes it out. At most DATAPATH_MAX_MEMBERS in one set. */
int datapath_put_member(struct datapath *datapath, uint32_t number,
			const struct any_prefix *address, enum member_state state);
#define DATAPATH_MAX_MEMBERS 256

/* The members of dynamic set `number` of the policy in force, as a borrowed descriptor: to ask the
 * kernel for it would wait for a grace period. Not those of datapath_use_members(). */
int datapath_members_fd(const struct datapath *datapath, uint32_t number);

/* Makes another map that dynamic set of the policy in force, and of every second one after it. */
int datapath_use_members(struct datapath *datapath, uint32_t number, int fd);

/* Judges a frame with the shadow program, as if it came in on interface slot `slot`. */
int datapath_trace(struct datapath *datapath, const uint8_t *frame, size_t length, uint32_t slot,
		   struct judgement *ret_judgement);

/* Runs a frame through the live program on interface slot `slot`; returns its XDP action. */
int datapath_run(struct datapath *datapath, const uint8_t *frame, size_t length, uint32_t slot,
		 uint32_t *ret_action);

/* All that the shadow program said in the last datapath_trace(). Borrowed. */
const struct synfw_trace *datapath_last_trace(const struct datapath *datapath);

/* A map of the live program, -errno when there is none. Borrowed. */
int datapath_map_fd(const struct datapath *datapath, const char *name);

/* The live program, for measurements. Borrowed. */
int datapath_live_fd(const struct datapath *datapath);

/* Sums over the CPUs. */
int datapath_reason_counter(struct datapath *datapath, uint32_t slot, enum synfw_reason reason,
			    struct synfw_reason_counter *ret_counter);
int datapath_rule_counter(struct datapath *datapath, uint32_t rule,
			  struct synfw_rule_counter *ret_counter);
/* Those of all interface slots. 0 or -errno. */
int datapath_clear_reason_counters(struct datapath *datapath);

/* The kernel runs no frame that is shorter than an Ethernet header, or longer than one page and 17
 * fragments of a page, less some room. */
#define DATAPATH_MIN_FRAME 14
#define DATAPATH_MAX_FRAME 65536

#endif
