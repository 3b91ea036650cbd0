/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does one thing that rules on processes and memory could make slower, and prints the nanoseconds
 * of one time: process-load exec COUNT PROGRAM | syscalls COUNT | allocations COUNT |
 * datagrams COUNT ADDRESS.
 *
 * exec: starts the program and waits for its end. syscalls: the shortest system call there is.
 * allocations: takes 256 KiB from the kernel, touches each page, gives it back. datagrams: sends
 * one to port 9 of an IPv4 address from a socket that is not connected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ALLOCATION_BYTES (256 << 10)
#define PAGE_BYTES	 4096

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
	{"exec", 4, start_program},
	{"syscalls", 3, call_kernel},
	{"allocations", 3, allocate},
	{"datagrams", 4, send_datagram},
};

static const struct load *find_load(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(loads) / sizeof(*loads); i++)
		if (!strcmp(argv[1], loads[i].name) && argc == loads[i].arguments)
			return &loads[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct load *load = find_load(argc, argv);
	long count = load ? atol(argv[2]) : 0;
	double start;
	int err = 0;

	if (count < 1) {
		fprintf(stderr, "usage: process-load exec COUNT PROGRAM | syscalls COUNT | "
				"allocations COUNT | datagrams COUNT ADDRESS\n");
		return 2;
	}
	start = now_ns();
	for (long i = 0; i < count && !err; i++)
		err = load->once(argv[3]);
	if (err) {
		fprintf(stderr, "process-load: %s: %s\n", load->name, strerror(-err));
		return 1;
	}
	printf("%.1f\n", (now_ns() - start) / count);
	return 0;
}
