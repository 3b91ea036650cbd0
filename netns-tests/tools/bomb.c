/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A fork bomb that ends: bomb MEMBER PROCESSES EXECS. In a pid namespace of its own each process
 * forks two more, until there are PROCESSES; each executes MEMBER, and that executes itself, EXECS
 * / PROCESSES times in all, asks for a socket, and stays. When all do, prints "PROCESSES alive, N
 * refused a socket"; at the end of its standard input lets them go, and prints "gone" when none is
 * left. With this process all of them end.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bomb.h"

#define MAX_PROCESSES 30000
#define MAX_EXECS     1000000
#define POLL_US	      2000

static void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bomb: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	errno = ERANGE;
	must(*text && !*end && value && value <= max, text);
	return value;
}

static void execute(const char *member, unsigned long execs_left)
{
	char left[24];
	char *const arguments[] = {(char *)member, left, NULL};

	snprintf(left, sizeof(left), "%020lu", execs_left);
	execv(member, arguments);
	must(0, member);
}

/* Of a tree that is counted from the root, member by member, this one makes those below it. */
static void fork_tree(unsigned long count)
{
	unsigned long own = 0;
	pid_t pid;
	int i;

	for (i = 1; i <= 2 && 2 * own + i < count; i++) {
		pid = fork();
		must(pid >= 0, "cannot fork");
		if (pid)
			continue;
		own = 2 * own + i;
		i = 0;
	}
}

static void wait_for_all(const struct tally *tally, unsigned long count)
{
	while (atomic_load(&tally->alive) < count) {
		must(!waitpid(-1, NULL, WNOHANG), "a process ended too early");
		usleep(POLL_US);
	}
	printf("%u alive, %u refused a socket\n", atomic_load(&tally->alive),
	       atomic_load(&tally->refused));
	fflush(stdout);
}

/* The first process of the namespace, to which all come whose parents have ended. */
static int run(const char *member, unsigned long count, unsigned long execs_each)
{
	const struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ, MAP_SHARED, TALLY_FD, 0);
	int gate[2], failed = 0, status;
	char byte;
	pid_t pid;

	must(tally != MAP_FAILED, "cannot map the tally");
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL) && !pipe(gate), "cannot make a gate");
	pid = fork();
	must(pid >= 0, "cannot fork");
	if (!pid) {
		must(dup2(gate[0], GATE_FD) == GATE_FD, "cannot pass the gate on");
		close(gate[0]);
		close(gate[1]);
		fork_tree(count);
		execute(member, execs_each - 1);
	}
	close(gate[0]);
	wait_for_all(tally, count);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	close(gate[1]);
	while (wait(&status) > 0)
		failed |= status;
	printf("gone\n");
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned long count, execs;
	int fd, status;
	pid_t pid;

	errno = EINVAL;
	must(argc == 4, "usage: bomb MEMBER PROCESSES EXECS");
	count = number(argv[2], MAX_PROCESSES);
	execs = number(argv[3], MAX_EXECS);
	must(execs >= count, "fewer executions than processes");
	fd = memfd_create("tally", 0);
	must(fd >= 0 && !ftruncate(fd, sizeof(struct tally)), "cannot make a tally");
	must(dup2(fd, TALLY_FD) == TALLY_FD, "cannot pass the tally on");
	close(fd);
	must(!unshare(CLONE_NEWPID), "cannot make a pid namespace");
	pid = fork();
	must(pid >= 0, "cannot fork");
	if (!pid)
		return run(argv[1], count, execs / count);
	must(waitpid(pid, &status, 0) == pid, "cannot wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
