/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BENCHMARKS_REPLAY_H
#define BENCHMARKS_REPLAY_H

/*
 * Runs XDP programs by BPF_PROG_TEST_RUN, on one packet again and again or on another one each
 * time (bpf/replay.bpf.c). Needs root.
 */
#include <stddef.h>
#include <stdint.h>

#include "bpf/flow.h"

struct replay;

/* The path of replay.bpf.o. 0 or -errno; libbpf's own words go to stderr. */
int replay_open(const char *object, struct replay **ret_replay);
void replay_close(struct replay *replay);
void replay_closep(struct replay **replay);

/* What the packets are from now on: FLOW_COUNT of them, of one family. 0 or -errno. */
int replay_set_flows(struct replay *replay, uint8_t family, const struct flow *flows);

/* Nanoseconds a packet, FLOW_COUNT packets long. A tail call is part of it. 0 or -errno. */
int replay_run(struct replay *replay, int prog_fd, double *ret_ns);

/* The same for the first `count` of them, at most FLOW_COUNT. */
int replay_run_first(struct replay *replay, int prog_fd, uint32_t count, double *ret_ns);

/* The action for each of the first `count` flows. 0 or -errno. */
int replay_actions(struct replay *replay, int prog_fd, size_t count, uint32_t *ret_actions);

#define REPLAY_REPEAT 1000000

/* Nanoseconds a packet, for one IPv4 packet to `dport` repeated so often. 0 or -errno. */
int replay_repeat(int prog_fd, uint16_t dport, double *ret_ns);

/* The same for any frame. */
int replay_repeat_frame(int prog_fd, const void *frame, size_t length, double *ret_ns);

/* The middle one; sorts them. */
double replay_median(double *values, size_t count);

#endif
