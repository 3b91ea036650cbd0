/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets a second across veth pairs, made inside the kernel, for receivers that drop
 * everything:
 *
 * bench-live write synfw|list|nft-sets|nft-rules [DEVICE [LIST]]     prints the policy
 * bench-live run generate.bpf.o rivals.bpf.o FLOWS DEVICE=SENDER:FRAMES...
 *
 * `run` sends FRAMES frames out of SENDER, the other end of DEVICE, for each of them in turns;
 * only FLOWS of them differ. The devices "bare", "parse", "one-load" and "xdp-filter" get their
 * programs here, others have what they have. Prints a line for each: device, received frames,
 * packets a second. Needs root, and the namespace of the devices.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <synfw/cleanup.h>

#include "live_policy.h"
#include "replay.h"
#include "rivals.h"
#include "xdp_filter.h"

#define ROUNDS	    5
#define BATCH	    64
#define MAX_DEVICES 8

struct receiver {
	char device[IF_NAMESIZE], sender[IF_NAMESIZE];
	uint32_t frames;
	uint64_t received;
	double rate[ROUNDS]; /* packets a second */
};

struct bench {
	struct bpf_object *generator, *xdp_filter;
	struct rivals *rivals;
	int target_fd, prog_fd;
	uint32_t nr_flows;
	struct receiver receiver[MAX_DEVICES];
	int nr_receivers;
};

/* A TCP SYN of 60 bytes; what a flow says is written over it. */
static const uint8_t frame[60] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0,    64, 6,    0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20,	0, 1, 0,  0, 0, 0,    0x50, 2,	0xff, 0xff,
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Frames that the device has taken from its peer, dropped by XDP or not. */
static int received(const char *device, uint64_t *ret_frames)
{
	FILE *file = fopen("/proc/self/net/dev", "re");
	char line[512], name[64];
	unsigned long long bytes, frames;
	int err = -ENODEV;

	if (!file)
		return -errno;
	while (err && fgets(line, sizeof(line), file))
		if (sscanf(line, " %63[^:]: %llu %llu", name, &bytes, &frames) == 3 &&
		    !strcmp(name, device)) {
			*ret_frames = frames;
			err = 0;
		}
	fclose(file);
	return err;
}

static int send_frames(const struct bench *bench, uint32_t count)
{
	struct xdp_md context = {.data_end = sizeof(frame)};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	return bpf_prog_test_run_opts(bench->prog_fd, &opts) ? -errno : 0;
}

static int run_round(struct bench *bench, struct receiver *receiver, int round)
{
	uint32_t key = 0, ifindex = if_nametoindex(receiver->sender);
	uint64_t before, after;
	double start;
	int err;

	if (!ifindex || bpf_map_update_elem(bench->target_fd, &key, &ifindex, BPF_ANY))
		return -errno;
	err = received(receiver->device, &before);
	if (err)
		return err;
	start = now_s();
	err = send_frames(bench, receiver->frames);
	if (!err)
		err = received(receiver->device, &after);
	if (err)
		return err;
	receiver->rate[round] = (after - before) / (now_s() - start);
	receiver->received += after - before;
	return 0;
}

/* Of receivers whose programs are not in the kernel yet. */
static int attach(const char *device, int fd)
{
	int ifindex = if_nametoindex(device);

	if (fd < 0 || !ifindex)
		return -ENOENT;
	return bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL);
}

/* The list of xdp-filter is what may pass, and nothing of it is ever sent. */
static int attach_programs(struct bench *bench, const struct live_policy *policy,
			   const char *rivals_object)
{
	static const struct {
		const char *device;
		enum rival rival;
	} programs[] = {{"bare", RIVAL_BARE}, {"parse", RIVAL_PARSE}, {"one-load", RIVAL_LOAD}};
	int err = rivals_open(rivals_object, &policy->rules, &bench->rivals);

	for (int i = 0; i < bench->nr_receivers && !err; i++) {
		const char *device = bench->receiver[i].device;

		for (size_t n = 0; n < sizeof(programs) / sizeof(*programs) && !err; n++)
			if (!strcmp(device, programs[n].device))
				err = attach(device, rivals_fd(bench->rivals, programs[n].rival));
		if (!strcmp(device, "xdp-filter"))
			err = attach(device, xdp_filter_fd(bench->xdp_filter));
	}
	return err;
}

static int open_generator(struct bench *bench, const char *object, const struct live_policy *policy)
{
	CLEANUP(cleanup_free) struct flow *flows = calloc(FLOW_COUNT, sizeof(*flows));
	struct bpf_program *program;
	int fd;

	if (!flows)
		return -ENOMEM;
	bench->generator = bpf_object__open(object);
	if (!bench->generator || bpf_object__load(bench->generator))
		return -errno;
	program = bpf_object__find_program_by_name(bench->generator, "generate");
	bench->target_fd = bpf_object__find_map_fd_by_name(bench->generator, "target");
	fd = bpf_object__find_map_fd_by_name(bench->generator, "flows");
	if (!program || bench->target_fd < 0 || fd < 0)
		return -ENOENT;
	bench->prog_fd = bpf_program__fd(program);
	live_policy_flows(policy, flows);
	for (uint32_t i = 0; i < FLOW_COUNT; i++)
		if (bpf_map_update_elem(fd, &i, &flows[i % bench->nr_flows], BPF_ANY))
			return -errno;
	return 0;
}

static int measure(struct bench *bench, char **objects)
{
	struct live_policy policy;
	int err = live_policy_draw(&policy);

	if (err)
		return err;
	err = open_generator(bench, objects[0], &policy);
	if (!err)
		err = attach_programs(bench, &policy, objects[1]);
	for (int round = 0; round < ROUNDS && !err; round++)
		for (int i = 0; i < bench->nr_receivers && !err; i++)
			err = run_round(bench, &bench->receiver[i], round);
	live_policy_done(&policy);
	return err;
}

/* DEVICE=SENDER:FRAMES */
static bool read_receiver(const char *text, struct receiver *ret_receiver)
{
	return sscanf(text, "%15[^=]=%15[^:]:%u", ret_receiver->device, ret_receiver->sender,
		      &ret_receiver->frames) == 3;
}

static void print_results(struct bench *bench)
{
	for (int i = 0; i < bench->nr_receivers; i++) {
		struct receiver *receiver = &bench->receiver[i];

		printf("%s %llu %.0f\n", receiver->device, (unsigned long long)receiver->received,
		       replay_median(receiver->rate, ROUNDS));
	}
}

static int run(int argc, char **argv)
{
	struct address_set nothing = {};
	struct bench bench = {};
	int err = 0;

	bench.nr_flows = strtoul(argv[2], NULL, 10);
	if (!bench.nr_flows || bench.nr_flows > FLOW_COUNT)
		return 2;
	for (int i = 3; i < argc; i++)
		if (bench.nr_receivers == MAX_DEVICES ||
		    !read_receiver(argv[i], &bench.receiver[bench.nr_receivers++]))
			return 2;
	err = address_set_draw(4, LIVE_LISTED, &nothing);
	for (size_t i = 0; i < nothing.count && !err; i++)
		nothing.prefix[i].example[0] = 240; /* class E: no flow is from there */
	if (!err)
		bench.xdp_filter = xdp_filter_open(&nothing, true);
	if (!err)
		err = measure(&bench, argv);
	if (err)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-err));
	else
		print_results(&bench);
	/* the devices, and with them what is attached, go with the namespace */
	address_set_done(&nothing);
	rivals_close(bench.rivals);
	bpf_object__close(bench.xdp_filter);
	bpf_object__close(bench.generator);
	return err ? 1 : 0;
}

static int write_policy(int argc, char **argv)
{
	const char *format = argv[0], *device = argc > 1 ? argv[1] : "eth0";
	struct live_policy policy;

	if (live_policy_draw(&policy))
		return 1;
	if (!strcmp(format, "list"))
		address_set_write(&policy.listed, stdout);
	else if (!strcmp(format, "synfw") && argc > 2)
		live_policy_write_synfw(&policy, device, argv[2], stdout);
	else
		live_policy_write_nft(&policy, device, !strcmp(format, "nft-rules"), stdout);
	live_policy_done(&policy);
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	int status = 2;

	if (argc >= 3 && !strcmp(argv[1], "write"))
		status = write_policy(argc - 2, argv + 2);
	else if (argc >= 6 && !strcmp(argv[1], "run"))
		status = run(argc - 2, argv + 2);
	if (status == 2)
		fprintf(stderr,
			"usage: bench-live write synfw|list|nft-sets|nft-rules [DEVICE [LIST]]\n"
			"       bench-live run generate.bpf.o rivals.bpf.o FLOWS "
			"DEVICE=SENDER:FRAMES...\n");
	return status;
}
