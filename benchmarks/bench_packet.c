/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cost of a repeated packet by BPF_PROG_TEST_RUN, policies of several sizes and a bare XDP_DROP
 * taken in turns within one run; time to parse and compile them, and the size of their tables.
 * Prints Markdown. Needs root.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <policyc.h>
#include <synfw/cleanup.h>

#include "bench_policy.h"
#include "test_datapath.h"

#define ROUNDS	9
#define REPEAT	1000000
#define MIB	(1024.0 * 1024)

struct subject {
	const char *shape_name;
	enum bench_shape shape;
	uint32_t rules;
	struct image *image;
	struct datapath *datapath;
	double parse_ms, compile_ms;
	uint32_t table_bytes;
	uint64_t kernel_bytes;
};

static struct subject subjects[] = {
	{.shape_name = "edge", .shape = BENCH_EDGE, .rules = 10},
	{.shape_name = "edge", .shape = BENCH_EDGE, .rules = 50},
	{.shape_name = "edge", .shape = BENCH_EDGE, .rules = 1000},
	{.shape_name = "edge", .shape = BENCH_EDGE, .rules = 10000},
	{.shape_name = "random", .shape = BENCH_RANDOM, .rules = 10},
	{.shape_name = "random", .shape = BENCH_RANDOM, .rules = 10000},
	{.shape_name = "ClassBench-like", .shape = BENCH_CLASSBENCH, .rules = 10},
	{.shape_name = "ClassBench-like", .shape = BENCH_CLASSBENCH, .rules = 10000},
};
#define NR_SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static const struct {
	const char *name;
	uint8_t port_high, port_low;
} packets[] = {
	{"443/tcp, the last rule", 443 >> 8, 443 & 255},
	{"9/tcp, no rule", 0, 9},
};
#define NR_PACKETS (sizeof(packets) / sizeof(packets[0]))

/* 203.0.113.7 -> 198.51.100.1, a TCP SYN without options. */
static const uint8_t frame_template[60] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
	0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 203, 0, 113, 7, 198, 51, 100, 1,
	0xc0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0,
};
#define FRAME_DPORT 36

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int image_of(struct subject *subject, struct image **ret_image)
{
	CLEANUP(cleanup_free) char *text = bench_policy(subject->shape, subject->rules);
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	struct policyc_loader loader = {.load = policyc_load_file};
	double start = now_ms(), parsed;
	int error;

	if (!text || !diags)
		return -ENOMEM;
	error = policyc_parse("bench.yaml", text, strlen(text), &loader, diags, &policy);
	parsed = now_ms();
	if (!error)
		error = policyc_compile(policy, NULL, diags, ret_image);
	subject->parse_ms = parsed - start;
	subject->compile_ms = now_ms() - parsed;
	if (error)
		diags_print(diags, stderr, false);
	return error;
}

static int subject_load(struct subject *subject)
{
	int error = image_of(subject, &subject->image);

	if (error)
		return error;
	subject->table_bytes = subject->image->nr_lines * SYNFW_LINE_BYTES;
	subject->kernel_bytes = subject->image->kernel_bytes;
	error = datapath_open(&subject->datapath);
	return error ? error : datapath_apply(subject->datapath, subject->image);
}

/* A program that only returns XDP_DROP: what the test run itself costs. */
static int bare_drop(void)
{
	struct bpf_insn drop[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "bare_drop", "GPL", drop, 2, NULL);
}

static int run(int prog_fd, uint8_t *frame, double *ret_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame_template),
		    .repeat = REPEAT);
	int error = bpf_prog_test_run_opts(prog_fd, &opts);

	*ret_ns = opts.duration;
	return error;
}

static int compare_doubles(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare_doubles);
	return values[ROUNDS / 2];
}

static int measure_packet(int drop_fd, size_t packet)
{
	double times[NR_SUBJECTS + 1][ROUNDS], bare;
	uint8_t frame[sizeof(frame_template)];

	memcpy(frame, frame_template, sizeof(frame));
	frame[FRAME_DPORT] = packets[packet].port_high;
	frame[FRAME_DPORT + 1] = packets[packet].port_low;
	for (int round = 0; round < ROUNDS; round++) {
		if (run(drop_fd, frame, &times[NR_SUBJECTS][round]))
			return -errno;
		for (size_t i = 0; i < NR_SUBJECTS; i++)
			if (run(datapath_live_fd(subjects[i].datapath), frame, &times[i][round]))
				return -errno;
	}
	bare = median(times[NR_SUBJECTS]);
	printf("\nPacket: %s. Bare XDP_DROP: %.0f ns.\n\n", packets[packet].name, bare);
	printf("| policy | rules | ns over bare | ns in all | against 10 rules |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < NR_SUBJECTS; i++) {
		static double ten;
		double ns = median(times[i]);

		if (subjects[i].rules == 10)
			ten = ns;
		printf("| %s | %u | %.0f | %.0f | %.2f |\n", subjects[i].shape_name, subjects[i].rules,
		       ns - bare, ns, ns / ten);
	}
	return 0;
}

static void print_compilation(void)
{
	printf("| policy | rules | parse ms | compile ms | tables MiB | with address indexes MiB |\n"
	       "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < NR_SUBJECTS; i++)
		printf("| %s | %u | %.1f | %.1f | %.2f | %.2f |\n", subjects[i].shape_name,
		       subjects[i].rules, subjects[i].parse_ms, subjects[i].compile_ms,
		       subjects[i].table_bytes / MIB, subjects[i].kernel_bytes / MIB);
}

int main(void)
{
	int drop_fd = bare_drop(), error = 0;

	if (drop_fd < 0) {
		fprintf(stderr, "cannot load a BPF program: %s\n", strerror(-drop_fd));
		return 1;
	}
	for (size_t i = 0; !error && i < NR_SUBJECTS; i++)
		error = subject_load(&subjects[i]);
	if (!error)
		print_compilation();
	for (size_t i = 0; !error && i < NR_PACKETS; i++)
		error = measure_packet(drop_fd, i);
	for (size_t i = 0; i < NR_SUBJECTS; i++) {
		datapath_close(subjects[i].datapath);
		image_free(subjects[i].image);
	}
	close(drop_fd);
	if (error)
		fprintf(stderr, "the measurement failed: %s\n", strerror(-error));
	return error != 0;
}
