/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verifier does to prove the programs, live and shadow: stays far from its limit of a
 * million instructions, so that another kernel or compiler does not push it over.
 * SYNFW_BPF_LSM=1: this kernel takes LSM programs, and those of the object are among them.
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
#define MAX_INSTRUCTIONS 120000

static int claims_told, failed;

static void tell(const char *name, const char *program, int error, const char *log)
{
	const char *words = strstr(log, "processed ");
	long count = words ? strtol(words + strlen("processed "), NULL, 10) : 0;
	bool passed = !error && count > 0 && count < MAX_INSTRUCTIONS;

	printf("%s %d - the %s program %s takes %ld verified instructions, below %d%s%s\n",
	       passed ? "ok" : "not ok", ++claims_told, name, program, count, MAX_INSTRUCTIONS,
	       error ? ": " : "", error ? strerror(-error) : "");
	for (const char *line = log; error && *line;
	     line += strcspn(line, "\n"), line += *line != 0)
		printf("# %.*s\n", (int)strcspn(line, "\n"), line);
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

/* LSM programs are not loaded by themselves. */
static bool is_wanted(const struct bpf_program *program)
{
	const char *lsm = getenv("SYNFW_BPF_LSM");

	return bpf_program__autoload(program) ||
	       (lsm && *lsm == '1' && bpf_program__type(program) == BPF_PROG_TYPE_LSM);
}

/* Gives each program that is loaded a log of its own. `only`: NULL for all that are wanted. */
static char *choose_programs(struct bpf_object *object, const char *only)
{
	struct bpf_program *program;
	size_t count = 0;
	char *logs;

	if (only && !bpf_object__find_program_by_name(object, only))
		return NULL;
	bpf_object__for_each_program(program, object) count++;
	logs = calloc(count, LOG_BYTES);
	if (!logs)
		return NULL;
	count = 0;
	bpf_object__for_each_program(program, object)
	{
		bpf_program__set_autoload(program, only ? !strcmp(bpf_program__name(program), only)
							: is_wanted(program));
		bpf_program__set_log_level(program, LOG_LEVEL_STATS);
		bpf_program__set_log_buf(program, logs + LOG_BYTES * count++, LOG_BYTES);
	}
	return logs;
}

/* All at once, as maps are made for each load. Which one is refused, libbpf says on stderr. */
static void check_processes(const char *name, bool read_only, const char *only)
{
	struct synfw_process_bpf *bpf = synfw_process_bpf__open();
	CLEANUP(cleanup_free) char *logs = bpf ? choose_programs(bpf->obj, only) : NULL;
	struct bpf_program *program;
	int error;

	if (!logs) {
		tell(name, "of processes", -ENOMEM, "");
		synfw_process_bpf__destroy(bpf);
		return;
	}
	bpf->rodata->read_only = read_only;
	error = synfw_process_bpf__load(bpf);
	bpf_object__for_each_program(program, bpf->obj)
	{
		size_t length;
		const char *log = bpf_program__log_buf(program, &length);

		if (bpf_program__autoload(program))
			tell(name, bpf_program__name(program), error, log);
	}
	synfw_process_bpf__destroy(bpf);
}

int main(void)
{
	check("live", false);
	check("shadow", true);
	check_processes("live", false, NULL);
	/* the agent's has no other (agent/processes/object.c) */
	check_processes("shadow", true, "synfw_ask");
	printf("1..%d\n", claims_told);
	return failed != 0;
}
