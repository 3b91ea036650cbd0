/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "enforced.h"

#include <time.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int enforced_open(const struct policy_text *text, struct enforced *ret_enforced)
{
	struct enforced enforced = {};
	double start = now_ms();
	int err = policy_text_compile(text, NULL, stderr, &enforced.compiled);

	if (err)
		return err;
	enforced.compile_ms = now_ms() - start;
	err = datapath_open(&enforced.datapath);
	if (!err)
		err = datapath_apply(enforced.datapath, enforced.compiled.image);
	if (err) {
		enforced_close(&enforced);
		return err;
	}
	*ret_enforced = enforced;
	return 0;
}

void enforced_close(struct enforced *enforced)
{
	datapath_close(enforced->datapath);
	compiled_done(&enforced->compiled);
	*enforced = (struct enforced){};
}

int enforced_fd(const struct enforced *enforced)
{
	return datapath_live_fd(enforced->datapath);
}
