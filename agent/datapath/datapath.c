/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "base/paths.h"

static int open_pin(const char *dir, const char *name, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", dir, name);
	int fd;

	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name the pin of %s", name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fault_system(fault, -errno, "cannot open \"%s\"", path);
	*ret_fd = fd;
	return 0;
}

/* Filters of another ABI may have another size: nothing is read of them, as they are made anew. */
static bool size_fits(const struct object_map_spec *spec, uint32_t max_entries, bool same_abi)
{
	return max_entries == spec->max_entries || (spec->filters && !same_abi);
}

static int check_map(int fd, const struct object_map_spec *spec, bool same_abi, const char *dir,
		     struct fault *fault)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return fault_system(fault, -errno, "cannot inspect \"%s/%s\"", dir, spec->name);
	if (info.type != spec->type || info.key_size != spec->key_size ||
	    info.value_size != spec->value_size || !size_fits(spec, info.max_entries, same_abi))
		return fault_refuse(fault, EXIT_KERNEL,
				    "\"%s/%s\" is not a map that this synfw made; run `synfw "
				    "detach` to start afresh",
				    dir, spec->name);
	return 0;
}

int datapath_open_map(const char *dir, enum object_map map, struct fault *fault, int *ret_fd)
{
	CLEANUP(cleanup_fd) int fd = -1;
	CLEANUP(fault_done) struct fault missing = {0};
	int err = open_pin(dir, object_maps[map].name, &missing, &fd);

	if (err == -ENOENT)
		return err;
	if (err)
		return fault_system(fault, err, "cannot open \"%s/%s\"", dir,
				    object_maps[map].name);
	err = check_map(fd, &object_maps[map], true, dir, fault);
	if (err)
		return err;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int datapath_open(const char *dir, bool same_abi, struct fault *fault, struct object *ret_object)
{
	CLEANUP(object_close) struct object object = OBJECT_NONE;
	struct stat st;
	int i, err;

	if (stat(dir, &st)) {
		if (errno == ENOENT)
			return -ENOENT;
		return fault_system(fault, -errno, "cannot look into \"%s\"", dir);
	}
	for (i = 0; i < OBJECT_NR_MAPS; i++) {
		err = open_pin(dir, object_maps[i].name, fault, &object.map_fd[i]);
		if (!err)
			err = check_map(object.map_fd[i], &object_maps[i], same_abi, dir, fault);
		if (err)
			return err == -ENOENT ? -ENODATA : err;
	}
	err = open_pin(dir, "prog", fault, &object.prog_fd);
	if (!err)
		err = open_pin(dir, "egress", fault, &object.egress_fd);
	if (err)
		return err == -ENOENT ? -ENODATA : err;

	*ret_object = object;
	object = (struct object)OBJECT_NONE;
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

static int make_directory(const char *path, struct fault *fault)
{
	if (!path)
		return fault_system(fault, -ENOMEM, "cannot name a pin directory");
	if (mkdir(path, 0700))
		return fault_system(fault, -errno, "cannot create \"%s\"", path);
	return 0;
}

int datapath_pin(const struct object *object, const char *dir, struct fault *fault)
{
	CLEANUP(cleanup_free) char *links = path_format("%s/links", dir);
	int i, err;

	err = make_directory(dir, fault);
	if (!err)
		err = make_directory(links, fault);
	for (i = 0; !err && i < OBJECT_NR_MAPS; i++)
		err = pin(object->map_fd[i], dir, object_maps[i].name, fault);
	if (!err)
		err = pin(object->prog_fd, dir, "prog", fault);
	if (!err)
		err = pin(object->egress_fd, dir, "egress", fault);
	return err;
}

int datapath_read_control(const struct object *object, struct fault *fault,
			  struct synfw_control *ret_control)
{
	struct synfw_control control;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_CONTROL], &key, &control))
		return fault_system(fault, -errno, "cannot read which policy is in force");
	control.active %= SYNFW_NR_GENERATION_SLOTS;
	*ret_control = control;
	return 0;
}

int datapath_write_control(const struct object *object, const struct synfw_control *control,
			   struct fault *fault)
{
	uint32_t key = 0;

	if (bpf_map_update_elem(object->map_fd[OBJECT_CONTROL], &key, control, BPF_EXIST))
		return fault_system(fault, -errno, "cannot put the policy in force");
	return 0;
}

uint32_t datapath_program_id(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) ? 0 : info.id;
}
