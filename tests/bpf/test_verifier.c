/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verifier does to prove the programs, live and shadow: stays far from its limit of a
 * million instructions, so that another kernel or compiler does not push it over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "synfw.skel.h"
#include "synfw_process.skel.h"

#define LOG_BYTES	 65536
#define LOG_LEVEL_STATS	 4
#define MAX_INSTRUCTIONS 200000

static int claims_told, failed;

static void tell(const char *name, const char *program, int error, const char *log)
{
	const char *words = strstr(log, "processed ");
	long count = words ? strtol(words + strlen("processed "), NULL, 10) : 0;
	bool passed = !error && count > 0 && count < MAX_INSTRUCTIONS;

	printf("%s %d - the %s program %s takes %ld verified instructions, below %d%s%s\n",
	       passed ? "ok" : "not ok", ++claims_told, name, program, count, MAX_INSTRUCTIONS,
	       error ? ": " : "", error ? strerror(-error) : "");
	failed += !passed;
}

static void check(const char *name, bool read_only)
{
	CLEANUP(cleanup_free) char *log = calloc(1, LOG_BYTES);
	struct synfw_bpf *bpf = synfw_bpf__open();

	if (!bpf || !log) {
		tell(name, "of packets", -ENOMEM, "");
		return;
	}
	bpf->rodata->read_only = read_only;
	bpf_program__set_log_level(bpf->progs.synfw_xdp, LOG_LEVEL_STATS);
	bpf_program__set_log_buf(bpf->progs.synfw_xdp, log, LOG_BYTES);
	tell(name, "of packets", synfw_bpf__load(bpf), log);
	synfw_bpf__destroy(bpf);
}

/* One program of the process object after the other, without those that are loaded only where the
 * kernel takes them. */
static void check_process(const char *name, bool read_only, size_t number)
{
	CLEANUP(cleanup_free) char *log = calloc(1, LOG_BYTES);
	struct synfw_process_bpf *bpf = synfw_process_bpf__open();
	struct bpf_program *program, *chosen = NULL;
	size_t at = 0;

	if (!bpf || !log) {
		tell(name, "of processes", -ENOMEM, "");
		return;
	}
	bpf->rodata->read_only = read_only;
	bpf_object__for_each_program(program, bpf->obj)
	{
		bool wanted = at++ == number && bpf_program__autoload(program);

		bpf_program__set_autoload(program, wanted);
		chosen = wanted ? program : chosen;
	}
	if (chosen) {
		bpf_program__set_log_level(chosen, LOG_LEVEL_STATS);
		bpf_program__set_log_buf(chosen, log, LOG_BYTES);
		tell(name, bpf_program__name(chosen), synfw_process_bpf__load(bpf), log);
	}
	synfw_process_bpf__destroy(bpf);
}

static size_t count_process_programs(void)
{
	struct synfw_process_bpf *bpf = synfw_process_bpf__open();
	size_t count = bpf ? bpf->skeleton->prog_cnt : 0;

	synfw_process_bpf__destroy(bpf);
	return count;
}

int main(void)
{
	size_t nr_programs = count_process_programs();

	check("live", false);
	check("shadow", true);
	for (size_t i = 0; i < nr_programs; i++)
		check_process("live", false, i);
	for (size_t i = 0; i < nr_programs; i++)
		check_process("shadow", true, i);
	printf("1..%d\n", claims_told);
	return failed != 0 || nr_programs == 0;
}
