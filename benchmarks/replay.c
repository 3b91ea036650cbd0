/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <synfw/cleanup.h>

struct replay {
	struct bpf_object *object;
	uint8_t family;
	int prog_fd, flows_fd, measured_fd;
	uint32_t keys[FLOW_COUNT]; /* of the flows, all in one call */
};

/* 203.0.113.7 -> 198.51.100.1, a TCP SYN without options. Its sequence number is a length that is
 * right when a flow makes UDP of it. */
static const uint8_t frame4[60] = {
	2, 0, 0,    0,	0,  1, 2, 0, 0,	  0, 0,	   2, 8,    0,	  0x45, 0, 0,	 40,
	0, 0, 0x40, 0,	64, 6, 0, 0, 203, 0, 113,  7, 198,  51,	  100,	1, 0xc0, 0,
	0, 0, 0,    20, 0,  1, 0, 0, 0,	  0, 0x50, 2, 0xff, 0xff, 0,	0, 0,	 0,
};
#define FRAME4_DPORT 36

/* 2001:db8::7 -> 2001:db8::1, the same. */
static const uint8_t frame6[74] = {
	2,    0, 0,    0,    0, 1,    2,    0, 0, 0,	0, 2,	 0x86, 0xdd, 0x60, 0, 0,    0, 0,
	20,   6, 64,   0x20, 1, 0x0d, 0xb8, 0, 0, 0,	0, 0,	 0,    0,    0,	   0, 0,    0, 7,
	0x20, 1, 0x0d, 0xb8, 0, 0,    0,    0, 0, 0,	0, 0,	 0,    0,    0,	   1, 0xc0, 0, 1,
	0xbb, 0, 20,   0,    1, 0,    0,    0, 0, 0x50, 2, 0xff, 0xff, 0,    0,	   0, 0,
};

int replay_open(const char *object, struct replay **ret_replay)
{
	CLEANUP(replay_closep) struct replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		return -ENOMEM;
	replay->object = bpf_object__open(object);
	if (!replay->object || bpf_object__load(replay->object))
		return -errno;
	replay->flows_fd = bpf_object__find_map_fd_by_name(replay->object, "flows");
	replay->measured_fd = bpf_object__find_map_fd_by_name(replay->object, "measured");
	if (replay->flows_fd < 0 || replay->measured_fd < 0)
		return -ENOENT;
	*ret_replay = TAKE_PTR(replay);
	return 0;
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	bpf_object__close(replay->object);
	free(replay);
}

void replay_closep(struct replay **replay)
{
	replay_close(*replay);
}

int replay_set_flows(struct replay *replay, uint8_t family, const struct flow *flows)
{
	const char *name = family == 4 ? "replay4" : "replay6";
	struct bpf_program *program = bpf_object__find_program_by_name(replay->object, name);
	uint32_t count = FLOW_COUNT;

	if (!program)
		return -ENOENT;
	replay->prog_fd = bpf_program__fd(program);
	replay->family = family;
	for (uint32_t i = 0; i < FLOW_COUNT; i++)
		replay->keys[i] = i;
	if (bpf_map_update_batch(replay->flows_fd, replay->keys, flows, &count, NULL))
		return -errno;
	return 0;
}

/* Begins with flow 0: the programs count on behind the last packet of the run before. */
static int rewind_flows(struct replay *replay)
{
	struct bpf_map *bss = bpf_object__find_map_by_name(replay->object, ".bss");
	uint32_t key = 0, position = 0;

	if (!bss)
		return -ENOENT;
	return bpf_map_update_elem(bpf_map__fd(bss), &key, &position, BPF_ANY) ? -errno : 0;
}

static int choose(struct replay *replay, int prog_fd)
{
	uint32_t key = 0;

	return bpf_map_update_elem(replay->measured_fd, &key, &prog_fd, BPF_ANY) ? -errno : 0;
}

static int test_run(int prog_fd, const void *frame, size_t length, uint32_t repeat,
		    struct bpf_test_run_opts *ret_opts)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return -errno;
	*ret_opts = opts;
	return 0;
}

static int run_flows(struct replay *replay, uint32_t repeat, struct bpf_test_run_opts *ret_opts)
{
	const void *frame = replay->family == 4 ? frame4 : frame6;
	size_t length = replay->family == 4 ? sizeof(frame4) : sizeof(frame6);

	return test_run(replay->prog_fd, frame, length, repeat, ret_opts);
}

int replay_run_first(struct replay *replay, int prog_fd, uint32_t count, double *ret_ns)
{
	struct bpf_test_run_opts opts;
	int err = choose(replay, prog_fd);

	if (!err)
		err = rewind_flows(replay);
	if (!err)
		err = run_flows(replay, count, &opts);
	if (err)
		return err;
	*ret_ns = opts.duration;
	return 0;
}

int replay_run(struct replay *replay, int prog_fd, double *ret_ns)
{
	return replay_run_first(replay, prog_fd, FLOW_COUNT, ret_ns);
}

int replay_actions(struct replay *replay, int prog_fd, size_t count, uint32_t *ret_actions)
{
	struct bpf_test_run_opts opts;
	int err = choose(replay, prog_fd);

	if (!err)
		err = rewind_flows(replay);
	for (size_t i = 0; i < count && !err; i++) {
		err = run_flows(replay, 1, &opts);
		if (!err)
			ret_actions[i] = opts.retval;
	}
	return err;
}

int replay_repeat_frame(int prog_fd, const void *frame, size_t length, double *ret_ns)
{
	struct bpf_test_run_opts opts;
	int err = test_run(prog_fd, frame, length, REPLAY_REPEAT, &opts);

	if (err)
		return err;
	*ret_ns = opts.duration;
	return 0;
}

int replay_repeat(int prog_fd, uint16_t dport, double *ret_ns)
{
	uint8_t frame[sizeof(frame4)];

	memcpy(frame, frame4, sizeof(frame));
	frame[FRAME4_DPORT] = dport >> 8;
	frame[FRAME4_DPORT + 1] = dport & 255;
	return replay_repeat_frame(prog_fd, frame, sizeof(frame), ret_ns);
}

static int compare_doubles(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

double replay_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}
