/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verifier does to prove the program, live and shadow: stays far from its limit of a
 * million instructions, so that another kernel or compiler does not push it over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "synfw.skel.h"

#define LOG_BYTES	 65536
#define LOG_LEVEL_STATS	 4
#define MAX_INSTRUCTIONS 200000

/* Returns the verifier's count, or -errno. */
static long processed(bool read_only)
{
	CLEANUP(cleanup_free) char *log = calloc(1, LOG_BYTES);
	struct synfw_bpf *bpf = synfw_bpf__open();
	const char *words;
	long count = -EINVAL;
	int error;

	if (!bpf || !log)
		return -ENOMEM;
	bpf->rodata->read_only = read_only;
	bpf_program__set_log_level(bpf->progs.synfw_xdp, LOG_LEVEL_STATS);
	bpf_program__set_log_buf(bpf->progs.synfw_xdp, log, LOG_BYTES);
	error = synfw_bpf__load(bpf);
	words = strstr(log, "processed ");
	if (error)
		count = error;
	else if (words)
		count = strtol(words + strlen("processed "), NULL, 10);
	synfw_bpf__destroy(bpf);
	return count;
}

static int check(const char *name, bool read_only)
{
	long count = processed(read_only);
	bool passed = count > 0 && count < MAX_INSTRUCTIONS;

	if (count < 0)
		printf("not ok %d - the %s program loads: %s\n", read_only + 1, name,
		       strerror(-count));
	else
		printf("%s %d - the %s program takes %ld verified instructions, below %d\n",
		       passed ? "ok" : "not ok", read_only + 1, name, count, MAX_INSTRUCTIONS);
	return passed ? 0 : 1;
}

int main(void)
{
	int failed = 0;

	printf("1..2\n");
	failed += check("live", false);
	failed += check("shadow", true);
	return failed != 0;
}
