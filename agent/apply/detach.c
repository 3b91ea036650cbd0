/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "detach.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "commit_egress.h"
#include "datapath/links.h"
#include "datapath/netns.h"
#include "host/bpffs.h"
#include "host/lock.h"
#include "host/pins.h"
#include "processes/half.h"

#define LOCK_TIMEOUT_MS 60000

struct detach_context {
	const struct paths *paths;
	int root_fd;
	struct fault *fault;
	struct detach_report *report;
};

/* What is detached already cannot be taken back: attaching again would open a gap of its own. */
static int cannot_detach(struct detach_context *context, uint32_t ifindex, int error)
{
	size_t done = context->report->interfaces;
	CLEANUP(cleanup_free)
	char *text = path_format("and %zu interface%s detached already; run `synfw detach` again",
				 done, done == 1 ? " is" : "s are");

	fault_system(context->fault, error, "cannot detach from interface %u", ifindex);
	if (done)
		fault_detail(context->fault, text);
	return error;
}

/* Links are detached before their pins go: an open descriptor elsewhere must not keep the program
 * in force. */
static int detach_links(const char *dir, struct detach_context *context)
{
	CLEANUP(link_list_done) struct link_list links = {0};
	struct fault ignored = {0};
	size_t i;

	if (links_open(dir, &ignored, &links)) {
		notes_add(&context->report->notes, "%s", ignored.message);
		fault_done(&ignored);
		return 0;
	}
	for (i = 0; i < links.count; i++) {
		if (!links.items[i].ifindex)
			continue;
		if (bpf_link_detach(links.items[i].fd))
			return cannot_detach(context, links.items[i].ifindex, -errno);
		context->report->interfaces++;
	}
	return 0;
}

static int check_datapath(const char *name, void *argument)
{
	struct detach_context *context = argument;
	CLEANUP(cleanup_free) char *dir = path_format("%s/%s", context->paths->bpffs, name);

	if (!dir || !pins_is_datapath(context->root_fd, name))
		return dir ? 0 : fault_system(context->fault, -ENOMEM, "cannot name the pins");
	return netns_check_directory(context->paths, dir, context->fault);
}

static void disarm_processes(const char *dir)
{
	CLEANUP(cleanup_free) char *half = process_half_path(dir, false);
	CLEANUP(cleanup_free) char *unfinished = process_half_path(dir, true);

	if (half)
		process_half_disarm(half);
	if (unfinished)
		process_half_disarm(unfinished);
}

static int remove_datapath(const char *name, void *argument)
{
	struct detach_context *context = argument;
	CLEANUP(cleanup_free) char *dir = path_format("%s/%s", context->paths->bpffs, name);
	CLEANUP(cleanup_free) char *links = path_format("%s/%s/links", context->paths->bpffs, name);
	int err;

	if (!pins_is_datapath(context->root_fd, name))
		return 0;
	if (!dir || !links)
		return fault_system(context->fault, -ENOMEM, "cannot name the pins");
	context->report->removed = true;
	err = detach_links(links, context);
	if (err)
		return err;
	err = commit_remove_egress(links, NULL);
	if (err)
		return fault_system(context->fault, err, "cannot remove an egress filter");
	disarm_processes(dir);
	err = pins_remove_datapath(context->paths, dir);
	if (err)
		return fault_system(context->fault, err, "cannot remove \"%s\"", dir);
	return 0;
}

int detach_everything(const struct paths *paths, struct fault *fault,
		      struct detach_report *ret_report)
{
	CLEANUP(lock_release) struct lock lock = LOCK_NONE;
	struct detach_context context = {
		.paths = paths, .root_fd = -1, .fault = fault, .report = ret_report};
	int err;

	err = lock_acquire(paths, LOCK_TIMEOUT_MS, fault, &lock);
	if (err)
		return err;
	err = pins_open(paths, fault, &context.root_fd);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = pins_for_each(paths->bpffs, check_datapath, &context);
	if (!err)
		err = pins_for_each(paths->bpffs, remove_datapath, &context);
	cleanup_fd(&context.root_fd);
	if (err)
		return fault_system(fault, err, "cannot list \"%s\"", paths->bpffs);
	lock_leave_bpffs(&lock);
	bpffs_release(paths);
	return 0;
}

void detach_report_done(struct detach_report *report)
{
	notes_done(&report->notes);
}
