/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "policy_file.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

/* What is freed is kept for what is allocated next, so that its pages are touched once: text,
 * lists, ranges, trie and lines of a list of a million follow each other. It is applied in four
 * fifths of the time, and the process, which ends soon, takes a tenth more memory. */
static void keep_memory(void)
{
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

int policy_file_load(const char *path, struct fault *fault, struct policy_file *ret_file)
{
	struct policyc_loader loader = {
		.load = policyc_load_file,
		.open = policyc_open_file,
		.resolve = policyc_resolve_path,
	};
	struct timespec now;
	uint64_t mtime_ns;
	size_t length;
	int err;

	keep_memory();
	clock_gettime(CLOCK_REALTIME, &now);
	loader.now_ns = (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec;
	err = policyc_load_file(NULL, path, &ret_file->text, &length, &mtime_ns);
	if (err == -ENOENT || err == -EISDIR || err == -EACCES || err == -EINVAL)
		return fault_refuse(fault, EXIT_USAGE, "cannot read the policy \"%s\": %s", path,
				    err == -EINVAL ? "not a regular file" : fault_strerror(err));
	if (err)
		return fault_system(fault, err, "cannot read the policy \"%s\"", path);
	ret_file->diags = diags_new();
	if (!ret_file->diags)
		return fault_system(fault, -ENOMEM, "cannot read the policy \"%s\"", path);
	err = policyc_parse(path, ret_file->text, length, &loader, ret_file->diags,
			    &ret_file->policy);
	if (err && err != -EINVAL)
		return fault_system(fault, err, "cannot read the policy \"%s\"", path);
	return err;
}

void policy_file_done(struct policy_file *file)
{
	policy_free(file->policy);
	diags_free(file->diags);
	free(file->text);
	*file = (struct policy_file){0};
}
