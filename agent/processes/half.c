/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "half.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "host/pins.h"

static const char settled_prefix[] = "link-", pending_prefix[] = "new-";

char *process_half_path(const char *dir, bool being_built)
{
	return path_format("%s/%s", dir, being_built ? "process-new" : "process");
}

char *process_half_link_path(const char *half_dir, enum process_hook hook, bool pending)
{
	return path_format("%s/%s%s", half_dir, pending ? pending_prefix : settled_prefix,
			   process_hooks[hook].word);
}

static int open_pin(const char *dir, const char *name, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", dir, name);
	int fd = path ? bpf_obj_get(path) : -1;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the pin of %s", name);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot open \"%s\"", path);
	*ret_fd = fd;
	return 0;
}

static int open_map(const char *dir, enum process_map map, struct fault *fault, int *ret_fd)
{
	const struct object_map_spec *spec = &process_maps[map];
	CLEANUP(cleanup_fd) int fd = -1;
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int err = open_pin(dir, spec->name, fault, &fd);

	if (err)
		return err;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return fault_system(fault, -errno, "cannot inspect \"%s/%s\"", dir, spec->name);
	if (info.type != spec->type || info.key_size != spec->key_size ||
	    info.value_size != spec->value_size || info.max_entries != spec->max_entries)
		return fault_refuse(fault, EXIT_KERNEL,
				    "\"%s/%s\" is not a map that this synfw made; run `synfw "
				    "detach` to start afresh",
				    dir, spec->name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* How often the kernel did not run a program, as another task was in it on that processor. */
static uint64_t program_misses(uint32_t id)
{
	CLEANUP(cleanup_fd) int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) ? info.recursion_misses : 0;
}

/* How a program refuses. */
static void note_refusals(const struct bpf_link_info *info, struct process_half *half)
{
	if (info->tracing.attach_type == BPF_MODIFY_RETURN)
		half->security = PROCESS_SECURITY_FUNCTIONS;
	else if (half->security != PROCESS_SECURITY_FUNCTIONS)
		half->security = PROCESS_SECURITY_LSM;
}

/* Does the kernel get to it by what ftrace writes into a function? */
static bool is_written_into(const struct bpf_link_info *info)
{
	return info->type == BPF_LINK_TYPE_TRACING &&
	       (info->tracing.attach_type == BPF_MODIFY_RETURN ||
		info->tracing.attach_type == BPF_LSM_MAC);
}

/* A link that still leads to its hook: that of a control group may have been detached, and then has
 * none. Others end with their last reference only. */
static void note_settled_link(const char *dir, const char *name, struct process_half *half)
{
	uint32_t bit = process_hook_bit(name + strlen(settled_prefix));
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", dir, name);
	CLEANUP(cleanup_fd) int fd = path ? bpf_obj_get(path) : -1;
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	if (info.type == BPF_LINK_TYPE_CGROUP && !info.cgroup.cgroup_id)
		return;
	half->hooks |= bit;
	if (is_written_into(&info) && !process_security_programs_are_called())
		half->uncalled |= bit;
	if (bit & process_hooks_that_refuse())
		note_refusals(&info, half);
	/* that of messages is asked by everybody for all the time: its misses say nothing */
	if (bit & process_hooks_that_refuse() & ~(1U << PROCESS_HOOK_SENDMSG))
		half->missed += program_misses(info.prog_id);
}

struct half_listing {
	const char *dir;
	struct process_half *half;
};

static int note_link(const char *name, void *argument)
{
	const struct half_listing *listing = argument;
	struct process_half *half = listing->half;

	if (!strncmp(name, settled_prefix, strlen(settled_prefix)))
		note_settled_link(listing->dir, name, half);
	else if (!strncmp(name, pending_prefix, strlen(pending_prefix)))
		half->pending |= process_hook_bit(name + strlen(pending_prefix));
	return 0;
}

int process_half_open(const char *half_dir, struct fault *fault, struct process_half *ret_half)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	struct half_listing listing = {half_dir, &half};
	struct stat status;
	int i, err = 0;

	if (!half_dir)
		return fault_system(fault, -ENOMEM, "cannot name the pins");
	if (stat(half_dir, &status) && errno == ENOENT)
		return 0;
	for (i = 0; !err && i < PROCESS_NR_MAPS; i++)
		err = open_map(half_dir, i, fault, &half.object.map_fd[i]);
	for (i = 0; !err && i < PROCESS_NR_CALLS; i++)
		err = open_pin(half_dir, process_call_program(i), fault, &half.object.call_fd[i]);
	if (err)
		return err;
	err = pins_for_each(half_dir, note_link, &listing);
	if (err)
		return fault_system(fault, err, "cannot list \"%s\"", half_dir);
	half.present = true;
	*ret_half = half;
	half = (struct process_half)PROCESS_HALF_NONE;
	return 0;
}

bool process_half_isolates_fully(const struct process_half *half)
{
	return !(process_hooks_that_isolate() & ~(half->hooks & ~half->uncalled));
}

int process_half_read_head(const struct process_half *half, uint32_t slot, struct fault *fault,
			   struct synfw_process_head *ret_head)
{
	if (bpf_map_lookup_elem(half->object.map_fd[PROCESS_HEADS], &slot, ret_head))
		return fault_system(fault, -errno, "cannot read the rules on processes in force");
	return 0;
}

static int is_in_force(const struct process_half *half, uint32_t active, struct fault *fault,
		       bool *ret_in_force)
{
	struct synfw_process_head head;
	int err = process_half_read_head(half, active, fault, &head);

	if (!err)
		*ret_in_force = synfw_process_head_is_used(&head);
	return err;
}

int process_half_find(const char *dir, uint32_t active, struct fault *fault,
		      struct process_half *ret_half)
{
	CLEANUP(cleanup_free) char *settled = process_half_path(dir, false);
	CLEANUP(cleanup_free) char *unfinished = process_half_path(dir, true);
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(fault_done) struct fault incomplete = {0};
	bool in_force = false;
	int err;

	err = process_half_open(settled, fault, ret_half);
	if (err || ret_half->present)
		return err;
	/* one that is not complete is not in force */
	err = process_half_open(unfinished, &incomplete, &half);
	if (err || !half.present)
		return 0;
	err = is_in_force(&half, active, fault, &in_force);
	if (err || !in_force)
		return err;
	*ret_half = half;
	half = (struct process_half)PROCESS_HALF_NONE;
	return 0;
}

static int pin(int fd, const char *dir, const char *name, struct fault *fault)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", dir, name);

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the pin of %s", name);
	if (bpf_obj_pin(fd, path))
		return fault_system(fault, -errno, "cannot pin \"%s\"", path);
	return 0;
}

int process_half_pin(const struct process_object *object, const char *half_dir, struct fault *fault)
{
	int i, err = 0;

	if (mkdir(half_dir, 0700))
		return fault_system(fault, -errno, "cannot create \"%s\"", half_dir);
	for (i = 0; !err && i < PROCESS_NR_MAPS; i++)
		err = pin(object->map_fd[i], half_dir, process_maps[i].name, fault);
	for (i = 0; !err && i < PROCESS_NR_CALLS; i++)
		err = pin(object->call_fd[i], half_dir, process_call_program(i), fault);
	return err;
}

/* Tracepoints cannot be detached but by their last reference; without a head they do nothing. */
static void detach_link(const char *half_dir, enum process_hook hook, bool pending)
{
	CLEANUP(cleanup_free) char *path = process_half_link_path(half_dir, hook, pending);
	CLEANUP(cleanup_fd) int fd = path ? bpf_obj_get(path) : -1;

	if (fd >= 0)
		bpf_link_detach(fd);
}

void process_half_disarm(const char *half_dir)
{
	CLEANUP(process_half_close) struct process_half half = PROCESS_HALF_NONE;
	CLEANUP(fault_done) struct fault ignored = {0};
	static const struct synfw_process_head none;
	uint32_t slot;
	int i;

	if (process_half_open(half_dir, &ignored, &half) || !half.present)
		return;
	for (slot = 0; slot < SYNFW_NR_GENERATION_SLOTS; slot++)
		bpf_map_update_elem(half.object.map_fd[PROCESS_HEADS], &slot, &none, BPF_ANY);
	for (i = 0; i < PROCESS_NR_HOOKS; i++) {
		detach_link(half_dir, i, false);
		detach_link(half_dir, i, true);
	}
}

int process_half_remove(const struct paths *paths, const char *half_dir)
{
	int err = pins_remove_tree(paths, paths->discarded);

	if (err)
		return err;
	process_half_disarm(half_dir);
	if (rename(half_dir, paths->discarded))
		return errno == ENOENT ? 0 : -errno;
	return pins_remove_tree(paths, paths->discarded);
}

void process_half_close(struct process_half *half)
{
	process_object_close(&half->object);
	*half = (struct process_half)PROCESS_HALF_NONE;
}
