/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

int process_file_identify(const struct process_object *object, int fd, struct fault *fault,
			  struct synfw_process_id *ret_id)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int state_fd = object->map_fd[PROCESS_STATE], err;
	struct synfw_process_state state;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(state_fd, &key, &state))
		return fault_system(fault, -errno, "cannot identify a file");
	state.fd = fd;
	state.error = -ENODATA;
	if (bpf_map_update_elem(state_fd, &key, &state, BPF_ANY))
		return fault_system(fault, -errno, "cannot identify a file");
	err = bpf_prog_test_run_opts(object->call_fd[PROCESS_IDENTIFY], &opts);
	if (!err && bpf_map_lookup_elem(state_fd, &key, &state))
		err = -errno;
	if (!err)
		err = state.error;
	if (err)
		return fault_system(fault, err, "cannot identify a file");
	*ret_id = state.file;
	return 0;
}

int process_files_find_host(const struct process_object *object, struct fault *fault)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(object->call_fd[PROCESS_FIND_HOST], &opts))
		return fault_system(fault, -errno, "cannot find the host's own mounts");
	return 0;
}

/* A class that is both: a file that two rules name by different links. */
static int join_classes(struct process_tables *tables, struct synfw_path_class *class,
			const struct synfw_path_class *other)
{
	struct synfw_process_vector *vectors;
	size_t i;

	class->flags |= other->flags;
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		class->term[i] |= other->term[i];
	if (class->exec == other->exec)
		return 0;
	vectors = reallocarray(tables->vectors, tables->nr_vectors + 1, sizeof(*vectors));
	if (!vectors)
		return -ENOMEM;
	tables->vectors = vectors;
	vectors[tables->nr_vectors] = vectors[class->exec];
	for (i = 0; i < SYNFW_PROCESS_WORDS; i++)
		vectors[tables->nr_vectors].word[i] |= vectors[other->exec].word[i];
	class->exec = tables->nr_vectors++;
	return 0;
}

static int add(struct process_tables *tables, const struct synfw_process_id *id,
	       const struct synfw_path_class *class)
{
	struct process_id *ids = reallocarray(tables->ids, tables->nr_ids + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	tables->ids = ids;
	ids[tables->nr_ids++] = (struct process_id){.key = *id, .value = {.class = *class}};
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct process_id *left = a, *right = b;

	return memcmp(&left->key, &right->key, sizeof(left->key));
}

/* Entries from `first` on become one for each file. */
static int join_equal(struct process_tables *tables, uint32_t first)
{
	uint32_t i, kept = first;
	int err;

	qsort(tables->ids + first, tables->nr_ids - first, sizeof(*tables->ids), compare_ids);
	for (i = first; i < tables->nr_ids; i++) {
		if (kept == first || compare_ids(&tables->ids[kept - 1], &tables->ids[i])) {
			tables->ids[kept++] = tables->ids[i];
			continue;
		}
		err = join_classes(tables, &tables->ids[kept - 1].value.class,
				   &tables->ids[i].value.class);
		if (err)
			return err;
	}
	tables->nr_ids = kept;
	return 0;
}

static int add_file(struct process_tables *tables, const char *path,
		    const struct synfw_path_class *class, const struct process_object *object,
		    struct fault *fault)
{
	CLEANUP(cleanup_fd) int fd = open(path, O_PATH | O_CLOEXEC);
	struct synfw_process_id id = {0};
	struct stat status;
	int err;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return 0;
	err = process_file_identify(object, fd, fault, &id);
	if (!err && add(tables, &id, class))
		err = fault_system(fault, -ENOMEM, "cannot identify \"%s\"", path);
	return err;
}

/* This program by its inode, as its path may be another file's by now. */
static int protect(struct process_tables *tables, const struct process_object *object,
		   struct fault *fault)
{
	const struct synfw_path_class class = {.exec = tables->head.exec_default,
					       .flags = SYNFW_PATH_PROTECTED};

	return add_file(tables, "/proc/self/exe", &class, object, fault);
}

void process_files_own(struct process_own_files *files)
{
	static const char *const names[] = {"synfw", "synfwd"};
	char self[PATH_MAX] = "", *end;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;
	int bytes;

	*files = (struct process_own_files){.list = {.pattern = files->pattern}};
	end = length > 0 ? strrchr(self, '/') : NULL;
	if (!end)
		return;
	*end = '\0';
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		bytes = snprintf(files->path[i], sizeof(files->path[i]), "%s/%s", self, names[i]);
		if (bytes >= (int)sizeof(files->path[i]))
			continue;
		files->pattern[files->list.count++] = (struct path_pattern){
			.kind = PATH_EXACT, .path = files->path[i], .length = bytes};
	}
}

int process_files_add(struct process_tables *tables, const struct process_object *object,
		      struct fault *fault)
{
	uint32_t first = tables->nr_ids, i;
	char path[SYNFW_MAX_PATTERN + 1] = "";
	int err = 0;

	for (i = 0; !err && i < tables->nr_paths; i++) {
		if (tables->paths[i].key.kind != SYNFW_PATH_EXACT)
			continue;
		memcpy(path, tables->paths[i].key.text, SYNFW_MAX_PATTERN);
		err = add_file(tables, path, &tables->paths[i].class, object, fault);
	}
	if (!err)
		err = protect(tables, object, fault);
	if (!err && join_equal(tables, first))
		err = fault_system(fault, -ENOMEM, "cannot identify the files of rules");
	return err;
}
