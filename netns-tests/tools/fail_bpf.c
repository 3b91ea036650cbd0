/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD library: lets the bpf() calls number FAIL_BPF_AT (1 is the first; 0: none) to
 * FAIL_BPF_LAST (left out: that one only) fail with the errno FAIL_BPF_ERRNO without reaching the
 * kernel. Or, with FAIL_BPF_SIGNAL, lets them be made and sends that signal to the process when
 * they return; or, with FAIL_BPF_FLIP, gives back what the kernel did with one bit of the value or
 * the mapping changed. Writes the number of calls to the file FAIL_BPF_COUNT when the program ends.
 * Only calls of the command FAIL_BPF_COMMAND, a number, are counted, if there is one. libbpf makes
 * its calls by syscall(2). A shared mapping of a descriptor, which is how the memory of a map is
 * come by, is a call as well, of the command MAPPING.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPPING 1000 /* none of bpf()'s commands */

static unsigned long calls;

static unsigned long number_of(const char *variable, unsigned long fallback)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : fallback;
}

static void __attribute__((destructor)) write_count(void)
{
	const char *path = getenv("FAIL_BPF_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", calls);
	close(fd);
}

static bool is_wanted(unsigned long command)
{
	unsigned long first = number_of("FAIL_BPF_AT", 0), call;

	if (number_of("FAIL_BPF_COMMAND", command) != command)
		return false;
	call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); /* some are made by threads */
	return first && call >= first && call <= number_of("FAIL_BPF_LAST", first);
}

/* Instead of failing, or not being made at all. */
static bool is_made(void)
{
	return getenv("FAIL_BPF_SIGNAL") || getenv("FAIL_BPF_FLIP");
}

static void on_return(void)
{
	if (getenv("FAIL_BPF_SIGNAL"))
		kill(getpid(), (int)number_of("FAIL_BPF_SIGNAL", 0)); /* a thread may block it */
}

/* The value of a map of maps is a number by which the kernel finds another one: that map has not
 * the shape that the kernel has seen to, and what reads it would be overrun. */
static bool is_map_of_maps(long (*call)(long number, ...), uint32_t map_fd)
{
	struct bpf_map_info info = {0};
	union bpf_attr attr = {
		.info = {.bpf_fd = map_fd, .info_len = sizeof(info), .info = (uintptr_t)&info}};

	return call(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) ||
	       info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || info.type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static void flip_value(long (*call)(long number, ...), const union bpf_attr *attr)
{
	if (getenv("FAIL_BPF_FLIP") && !is_map_of_maps(call, attr->map_fd))
		*(char *)(uintptr_t)attr->value ^= 1;
}

/* A copy of a mapping in its place, in which a bit is another. */
static void flip_mapping(void *mapping, size_t length)
{
	char *copy;

	if (!getenv("FAIL_BPF_FLIP") || mapping == MAP_FAILED)
		return;
	copy = malloc(length);
	if (!copy)
		return;
	memcpy(copy, mapping, length);
	copy[length / 2] ^= 1;
	if (mmap(mapping, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) != MAP_FAILED)
		memcpy(mapping, copy, length);
	free(copy);
}

long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long argument[6], result;
	bool wanted;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(args, long);
	va_end(args);
	wanted = number == SYS_bpf && is_wanted((unsigned long)argument[0]);
	if (wanted && !is_made()) {
		errno = (int)number_of("FAIL_BPF_ERRNO", EPERM);
		return -1;
	}
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	result = next(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		      argument[5]);
	if (wanted && !result && argument[0] == BPF_MAP_LOOKUP_ELEM)
		flip_value(next, (const union bpf_attr *)argument[1]);
	if (wanted)
		on_return();
	return result;
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	static void *(*next)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
	bool wanted = fd >= 0 && flags & MAP_SHARED && is_wanted(MAPPING);
	void *result;

	if (wanted && !is_made()) {
		errno = (int)number_of("FAIL_BPF_ERRNO", EPERM);
		return MAP_FAILED;
	}
	if (!next)
		next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
	result = next(addr, length, prot, flags, fd, offset);
	if (wanted)
		flip_mapping(result, length);
	if (wanted)
		on_return();
	return result;
}
