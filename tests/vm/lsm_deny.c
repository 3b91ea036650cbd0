/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * lsm_deny DENIED NEIGHBOUR
 *
 * Whether BPF LSM programs work on this kernel, by trying: loads one that refuses to execute the
 * file DENIED, and looks at what happens. The four parts of a drop test: DENIED runs before, is
 * refused with EPERM after, NEIGHBOUR still runs, and without the program DENIED runs again.
 *
 * Prints one line and exits with 0: they work; 7: the kernel refuses to load or attach one, and
 * everything runs as before; 3: it takes one and never asks it, as a kernel does that has BPF LSM
 * built in and no "bpf" in its list of modules; 1: anything else; 2: usage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "lsm_deny.h"
#include "lsm_deny.skel.h"

enum { WORKS = 0, WRONG = 1, USAGE = 2, NEVER_ASKED = 3, REFUSED = 7 };

static void destroy(struct lsm_deny_bpf **bpf)
{
	lsm_deny_bpf__destroy(*bpf);
}

/* 0 when the file was executed and said so, else the -errno of execve, or -EIO. */
static int execute(const char *path)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		execl(path, path, NULL);
		_exit(errno);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

static int load_and_attach(const char *denied, struct lsm_deny_bpf **ret_bpf)
{
	CLEANUP(destroy) struct lsm_deny_bpf *bpf = lsm_deny_bpf__open();
	int error;

	if (!bpf)
		return -errno;
	memcpy((char *)bpf->rodata->denied, denied, strlen(denied) + 1);
	error = lsm_deny_bpf__load(bpf);
	if (!error)
		error = lsm_deny_bpf__attach(bpf);
	if (error)
		return error;
	*ret_bpf = TAKE_PTR(bpf);
	return 0;
}

static int expect(int got, int expected, const char *path, const char *when)
{
	if (got == expected)
		return WORKS;
	printf("%s %s: %s\n", path, when, got ? strerror(-got) : "runs");
	return WRONG;
}

/* The line that is printed says what libbpf would say about a refusal. */
static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP(destroy) struct lsm_deny_bpf *bpf = NULL;
	const char *denied = argv[1], *neighbour = argv[2];
	int error, wrong, status = WORKS;

	if (argc != 3 || strlen(denied) >= LSM_DENY_PATH_BYTES)
		return USAGE;
	libbpf_set_print(be_silent);
	if (expect(execute(denied), 0, denied, "before"))
		return WRONG;
	error = load_and_attach(denied, &bpf);
	if (error) {
		printf("the kernel refuses LSM programs: %s\n", strerror(-error));
		return expect(execute(denied), 0, denied, "after the refusal") ? WRONG : REFUSED;
	}
	if (!execute(denied))
		status = NEVER_ASKED;
	wrong = expect(execute(denied), status == WORKS ? -EPERM : 0, denied, "with the program");
	wrong |= expect(execute(neighbour), 0, neighbour, "with the program");
	lsm_deny_bpf__destroy(TAKE_PTR(bpf));
	wrong |= expect(execute(denied), 0, denied, "without the program");
	if (wrong)
		return WRONG;
	printf(status == WORKS ? "LSM programs deny an exec\n"
			       : "the kernel takes LSM programs and never asks them\n");
	return status;
}
