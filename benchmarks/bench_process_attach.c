/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long loading and attaching the programs of the process half takes, with the hooks of a policy
 * that has rules of every kind: bench-process-attach [ROUNDS]. Prints Markdown. Needs root. Nothing
 * is pinned, and the programs judge by no rules. Each round is a process of its own, as each apply
 * is.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <synfw/cleanup.h>

#include <processes/hooks.h>
#include <processes/object.h>
#include <processes/security.h>

#define MAX_ROUNDS 1000
#define BAR_MS	   100

enum part { PART_PROGRAMS, PART_ATTACH, PART_BOTH, PART_MAPS, PART_LIBRARY, PART_ALL, NR_PARTS };

static const char *const part_names[NR_PARTS] = {
	[PART_PROGRAMS] = "the kernel verifies and compiles the programs",
	[PART_ATTACH] = "attaches them",
	[PART_BOTH] = "both",
	[PART_MAPS] = "makes their maps",
	[PART_LIBRARY] = "libbpf reads the kernel's types and relocates the programs",
	[PART_ALL] = "all of it",
};

static const char *const security_names[] = {
	[PROCESS_SECURITY_NONE] = "without BPF LSM or fmod_ret",
	[PROCESS_SECURITY_FUNCTIONS] = "with fmod_ret",
	[PROCESS_SECURITY_LSM] = "with BPF LSM",
};

static double programs_ms, maps_ms;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* In place of libc's, through which libbpf asks the kernel: counts the time. */
long syscall(long number, ...)
{
	long argument[6], result;
	double began = now_ms();
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	register long fourth __asm__("r10") = argument[3];
	register long fifth __asm__("r8") = argument[4];
	register long sixth __asm__("r9") = argument[5];
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]),
			   "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	if (number == SYS_bpf && argument[0] == BPF_PROG_LOAD)
		programs_ms += now_ms() - began;
	else if (number == SYS_bpf && argument[0] == BPF_MAP_CREATE)
		maps_ms += now_ms() - began;
	if (result >= 0 || result < -4095)
		return result;
	errno = -result;
	return -1;
}

/* Those of rules of every kind, as apply chooses them. */
static uint32_t all_hooks(enum process_security security)
{
	struct process_tables tables = {.head = {.nr_bits = 1, .actions = 0xff}};
	int trigger;

	for (trigger = 0; trigger < SYNFW_NR_PROCESS_TRIGGERS; trigger++)
		tables.head.trigger[trigger] = 1;
	return process_hooks_needed(&tables, security);
}

static int attach_all(const struct process_object *object, struct fault *fault)
{
	CLEANUP(cleanup_fd) int cgroup_fd = -1;
	int hook, fd, err = process_hooks_open_cgroup(&cgroup_fd);

	if (err)
		return fault_system(fault, err, "cannot open the root of all control groups");
	for (hook = 0; !err && hook < PROCESS_NR_HOOKS; hook++) {
		if (object->hook_fd[hook] < 0)
			continue;
		/* it goes with the process */
		fd = process_hook_attach(hook, object->hook_fd[hook], cgroup_fd);
		if (fd < 0)
			err = fault_system(fault, fd, "cannot attach the hook \"%s\"",
					   process_hooks[hook].word);
	}
	return err;
}

static int run_round(uint32_t hooks, enum process_security security, double ms[NR_PARTS])
{
	CLEANUP(process_object_close) struct process_object object = PROCESS_OBJECT_NONE;
	CLEANUP(fault_done) struct fault fault = {0};
	double began = now_ms(), loaded;
	int err;

	/* not those of the parent */
	programs_ms = maps_ms = 0;
	err = process_object_load(NULL, NULL, hooks, security, &fault, &object);
	loaded = now_ms();
	if (!err)
		err = attach_all(&object, &fault);
	ms[PART_ALL] = now_ms() - began;
	ms[PART_PROGRAMS] = programs_ms;
	ms[PART_MAPS] = maps_ms;
	ms[PART_ATTACH] = now_ms() - loaded;
	ms[PART_BOTH] = ms[PART_PROGRAMS] + ms[PART_ATTACH];
	ms[PART_LIBRARY] = ms[PART_ALL] - ms[PART_BOTH] - ms[PART_MAPS];
	if (err)
		fprintf(stderr, "%s\n", fault.message);
	return err;
}

static bool run_process(uint32_t hooks, enum process_security security, double *shared_ms)
{
	int status = 1;
	pid_t pid = fork();

	if (!pid)
		_exit(run_round(hooks, security, shared_ms) ? 1 : 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void print_row(enum part part, double *ms, unsigned long rounds)
{
	double median;

	qsort(ms, rounds, sizeof(*ms), compare);
	median = ms[rounds / 2];
	printf("| %s | %.1f", part_names[part], median);
	if (part == PART_BOTH || part == PART_ALL)
		printf(" (below %d: %s)", BAR_MS, median < BAR_MS ? "holds" : "**missed**");
	printf(" | %.1f |\n", ms[0]);
}

int main(int argc, char **argv)
{
	static double ms[NR_PARTS][MAX_ROUNDS];
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 21, i;
	double *shared_ms = mmap(NULL, sizeof(double[NR_PARTS]), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum process_security security = process_security_find(PROCESS_SECURITY_FUNCTIONS);
	uint32_t hooks = all_hooks(security);
	int part;

	if (!rounds || rounds > MAX_ROUNDS || shared_ms == MAP_FAILED)
		return 1;
	for (i = 0; i < rounds; i++) {
		if (!run_process(hooks, security, shared_ms))
			return 1;
		for (part = 0; part < NR_PARTS; part++)
			ms[part][i] = shared_ms[part];
	}
	printf("\n%lu processes, %d hooks, %s.\n\n| what | median, ms | smallest, ms |\n"
	       "|---|---|---|\n",
	       rounds, __builtin_popcount(hooks), security_names[security]);
	for (part = 0; part < NR_PARTS; part++)
		print_row(part, ms[part], rounds);
	return 0;
}
