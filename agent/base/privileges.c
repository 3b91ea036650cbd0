/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct needed_capability {
	int number;
	const char *name;
};

/* CAP_SYS_ADMIN: maps and programs are opened by id, and bpffs is mounted. CAP_NET_ADMIN: XDP. */
static const struct needed_capability needed[] = {
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
	{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
};

#define NR_NEEDED (sizeof(needed) / sizeof(*needed))

/* PROC_USER_INIT_INO of the kernel's include/linux/proc_ns.h */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU

static int read_effective(uint64_t *ret_effective)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret_effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

/* There, capabilities are those of a root whom bpf() and bpffs do not know. */
static bool in_user_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != INITIAL_USER_NAMESPACE;
}

int privileges_check(const char *what, struct fault *fault)
{
	char missing[64] = "";
	size_t i, used = 0;
	uint64_t effective = 0;
	int err = read_effective(&effective);

	if (err)
		return fault_system(fault, err, "cannot read this process's capabilities");
	for (i = 0; i < NR_NEEDED; i++)
		if (!(effective & 1ULL << needed[i].number))
			used += snprintf(missing + used, sizeof(missing) - used, "%s%s",
					 used ? " and " : "", needed[i].name);
	if (used)
		return fault_refuse(fault, EXIT_PERMISSION,
				    "not permitted to %s: %s missing; run it as "
				    "root",
				    what, missing);
	if (in_user_namespace())
		return fault_refuse(fault, EXIT_PERMISSION,
				    "not permitted to %s: root of a user namespace has no rights "
				    "on BPF; run it as root of the host",
				    what);
	return 0;
}
