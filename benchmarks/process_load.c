/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does one thing that rules on processes and memory could make slower, and prints the nanoseconds
 * of one time: process-load [-p] exec COUNT PROGRAM | told COUNT PROGRAM | syscalls COUNT |
 * allocations COUNT | datagrams COUNT ADDRESS.
 *
 * exec: starts the program and waits for its end. told: the same, and says the time before, as an
 * event does, in a line to descriptor 3. syscalls: the shortest system call there is. allocations:
 * takes 256 KiB from the kernel, touches each page, gives it back. datagrams: sends one to port 9
 * of an IPv4 address from a socket that is not connected.
 *
 * -p: prints instead the nanoseconds that the programs named synfw_* run in it, on all CPUs, by the
 * kernel's own count. To count takes time itself, which is part of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <bpf/bpf.h>

#define ALLOCATION_BYTES (256 << 10)
#define PAGE_BYTES	 4096
#define TOLD_FD		 3

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

/* 0 or -errno. */
static int start_program(char *program)
{
	char *const arguments[] = {program, NULL};
	int status, err;
	pid_t pid;

	/* posix_spawn: as a shell does, without a copy of this process */
	err = posix_spawn(&pid, program, NULL, NULL, arguments, NULL);
	if (err)
		return -err;
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECANCELED;
}

static int tell_and_start(char *program)
{
	struct timespec now;
	char text[32];
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	if (dprintf(TOLD_FD, "{\"time\": \"%s.%06ldZ\"}\n", text, now.tv_nsec / 1000) < 0)
		return -errno;
	return start_program(program);
}

static int call_kernel(char *unused)
{
	(void)unused;
	return syscall(SYS_getppid) < 0 ? -errno : 0;
}

static int allocate(char *unused)
{
	volatile char *bytes = mmap(NULL, ALLOCATION_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	if (bytes == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < ALLOCATION_BYTES; i += PAGE_BYTES)
		bytes[i] = 1;
	return munmap((void *)bytes, ALLOCATION_BYTES) ? -errno : 0;
}

static int send_datagram(char *address)
{
	static struct sockaddr_in to = {.sin_family = AF_INET};
	static int fd = -1;

	if (fd < 0) {
		to.sin_port = htons(9);
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
			return fd < 0 ? -errno : -EINVAL;
	}
	return sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static const struct load {
	const char *name;
	int arguments;
	int (*once)(char *argument);
} loads[] = {
	{"exec", 4, start_program},   {"told", 4, tell_and_start},     {"syscalls", 3, call_kernel},
	{"allocations", 3, allocate}, {"datagrams", 4, send_datagram},
};

static const struct load *find_load(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(loads) / sizeof(*loads); i++)
		if (!strcmp(argv[1], loads[i].name) && argc == loads[i].arguments)
			return &loads[i];
	return NULL;
}

/* How long all programs of synfw have run, in ns, while somebody counts. */
static double programs_ns(void)
{
	struct bpf_prog_info info;
	uint32_t id = 0, size;
	double sum = 0;
	int fd;

	while (!bpf_prog_get_next_id(id, &id)) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue; /* it has just gone */
		info = (struct bpf_prog_info){0};
		size = sizeof(info);
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strncmp(info.name, "synfw_", 6))
			sum += info.run_time_ns;
		close(fd);
	}
	return sum;
}

static int repeat(const struct load *load, long count, char *argument)
{
	int err = 0;

	for (long i = 0; i < count && !err; i++)
		err = load->once(argument);
	if (err)
		fprintf(stderr, "process-load: %s: %s\n", load->name, strerror(-err));
	return err;
}

/* Who holds the descriptor counts: it ends with this process. */
static int repeat_counted(const struct load *load, long count, char *argument)
{
	double before;
	int err = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (err < 0) {
		fprintf(stderr, "process-load: cannot count: %s\n", strerror(-err));
		return err;
	}
	before = programs_ns();
	err = repeat(load, count, argument);
	if (!err)
		printf("%.1f\n", (programs_ns() - before) / count);
	return err;
}

int main(int argc, char **argv)
{
	bool counted = argc > 1 && !strcmp(argv[1], "-p");
	const struct load *load;
	double start;
	long count;

	argc -= counted;
	argv += counted;
	load = find_load(argc, argv);
	count = load ? atol(argv[2]) : 0;
	if (count < 1) {
		fprintf(stderr,
			"usage: process-load [-p] exec COUNT PROGRAM | told COUNT PROGRAM | "
			"syscalls COUNT | allocations COUNT | datagrams COUNT ADDRESS\n");
		return 2;
	}
	if (counted)
		return repeat_counted(load, count, argv[3]) ? 1 : 0;
	start = now_ns();
	if (repeat(load, count, argv[3]))
		return 1;
	printf("%.1f\n", (now_ns() - start) / count);
	return 0;
}
