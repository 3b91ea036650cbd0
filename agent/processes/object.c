/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>
#include <synfw/talk.h>

#include "datapath/bpf_log.h"
#include "synfw_process.skel.h"

#define OUTER BPF_MAP_TYPE_ARRAY_OF_MAPS

const struct object_map_spec process_maps[PROCESS_NR_MAPS] = {
	[PROCESS_HEADS] = {"synfw_process_heads", BPF_MAP_TYPE_ARRAY, 4,
			   sizeof(struct synfw_process_head), SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_VECTORS] = {"synfw_process_vectors", OUTER, 4, 4, SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_RULES] = {"synfw_process_rules", OUTER, 4, 4, SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_PATHS] = {"synfw_process_paths", OUTER, 4, 4, SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_PATTERNS] = {"synfw_process_patterns", OUTER, 4, 4, SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_IDS] = {"synfw_process_ids", OUTER, 4, 4, SYNFW_NR_GENERATION_SLOTS},
	[PROCESS_PROCESSES] = {"synfw_processes", BPF_MAP_TYPE_HASH, 4,
			       sizeof(struct synfw_process), SYNFW_MAX_PROCESSES},
	[PROCESS_EXECUTABLES] = {"synfw_executables", BPF_MAP_TYPE_LRU_HASH,
				 sizeof(struct synfw_executable_key),
				 sizeof(struct synfw_executable), SYNFW_MAX_EXECUTABLES},
	[PROCESS_GROWTH] = {"synfw_growth_windows", BPF_MAP_TYPE_LRU_HASH,
			    sizeof(struct synfw_growth_key), sizeof(struct synfw_growth_window),
			    SYNFW_MAX_GROWTH_WINDOWS},
	[PROCESS_TALKS] = {"synfw_talks", BPF_MAP_TYPE_LRU_HASH, sizeof(struct synfw_addr6),
			   sizeof(struct synfw_talk), SYNFW_MAX_TALKS},
	[PROCESS_STATE] = {"synfw_process_state", BPF_MAP_TYPE_ARRAY, 4,
			   sizeof(struct synfw_process_state), 1},
	[PROCESS_RUNTIME] = {"synfw_process_runtime", BPF_MAP_TYPE_ARRAY, 4,
			     sizeof(struct synfw_process_runtime), 1},
	[PROCESS_COUNTERS] = {"synfw_process_counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4,
			      sizeof(struct synfw_process_counter), SYNFW_MAX_PROCESS_COUNTERS},
	[PROCESS_TALLIES] = {"synfw_process_tallies", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
			     SYNFW_NR_PROCESS_TALLIES},
	[PROCESS_EVENTS] = {"synfw_process_events", BPF_MAP_TYPE_RINGBUF, 0, 0,
			    SYNFW_PROCESS_EVENT_BYTES},
};

static const char *const call_programs[PROCESS_NR_CALLS] = {
	[PROCESS_FILL] = "synfw_fill",
	[PROCESS_IDENTIFY] = "synfw_identify",
	[PROCESS_FIND_HOST] = "synfw_find_host",
	[PROCESS_RELEASE] = "synfw_release",
	[PROCESS_FLAG_TALKERS] = "synfw_flag_talkers",
};

static const char ask_program[] = "synfw_ask", question_map[] = "synfw_process_question";

const char *process_call_program(enum process_call call)
{
	return call_programs[call];
}

uint64_t process_object_digest(void)
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;
	const void *bytes;
	uint64_t digest;
	size_t size;

	bytes = synfw_process_bpf__elf_bytes(&size);
	sha256_init(&context);
	sha256_update(&context, size, bytes);
	sha256_digest(&context, sizeof(hash), hash);
	memcpy(&digest, hash, sizeof(digest));
	return digest ? digest : 1;
}

static void destroy_skeleton(struct synfw_process_bpf **skeleton)
{
	synfw_process_bpf__destroy(*skeleton);
}

/* ---- what is loaded ---- */

static int choose_program(struct bpf_object *object, const char *name, struct fault *fault)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		return fault_refuse(fault, EXIT_KERNEL, "this synfw has no program \"%s\"", name);
	bpf_program__set_autoload(program, true);
	return 0;
}

/* Programs of hooks and what user space runs, one bit each; those that serve several are loaded
 * once. */
struct choice {
	uint32_t hooks, calls;
	enum process_security security; /* how those of hooks refuse */
	bool ask;			/* the shadow program */
};

/* A program of BPF LSM gets the same arguments at the function that asks it. */
static int move_to_function(struct bpf_object *object, const struct process_hook_spec *hook,
			    struct fault *fault)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, hook->program);
	int err = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);

	if (!err)
		err = bpf_program__set_expected_attach_type(program, BPF_MODIFY_RETURN);
	if (!err)
		err = bpf_program__set_attach_target(program, 0, hook->security_function);
	return err ? fault_system(fault, err, "the kernel has no function %s for programs",
				  hook->security_function)
		   : 0;
}

static int choose_hook(struct bpf_object *object, enum process_hook hook,
		       enum process_security security, struct fault *fault)
{
	const struct process_hook_spec *spec = &process_hooks[hook];
	int err = choose_program(object, spec->program, fault);

	if (err || security != PROCESS_SECURITY_FUNCTIONS || !spec->security_function)
		return err;
	return move_to_function(object, spec, fault);
}

static int choose_programs(struct bpf_object *object, const struct choice *choice,
			   struct fault *fault)
{
	struct bpf_program *program;
	int i, err = 0;

	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
	for (i = 0; !err && i < PROCESS_NR_HOOKS; i++)
		if (choice->hooks & 1U << i)
			err = choose_hook(object, i, choice->security, fault);
	for (i = 0; !err && i < PROCESS_NR_CALLS; i++)
		if (choice->calls & 1U << i)
			err = choose_program(object, call_programs[i], fault);
	if (!err && choice->ask)
		err = choose_program(object, ask_program, fault);
	return err;
}

static int reuse_map(struct bpf_object *object, const char *name, int fd, struct fault *fault)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	int err = map ? bpf_map__reuse_fd(map, fd) : 0;

	return err ? fault_system(fault, err, "cannot reuse the map \"%s\"", name) : 0;
}

static int reuse_maps(struct bpf_object *object, const struct object *packets,
		      const struct process_object *reuse, struct fault *fault)
{
	int i, err = 0;

	for (i = 0; packets && !err && i < OBJECT_NR_MAPS; i++)
		err = reuse_map(object, object_maps[i].name, packets->map_fd[i], fault);
	for (i = 0; reuse && !err && i < PROCESS_NR_MAPS; i++)
		err = reuse_map(object, process_maps[i].name, reuse->map_fd[i], fault);
	return err;
}

/* What is never attached to the host's processes, or for a moment only, remembers none and tells of
 * none: it must not pay for room that it does not use. */
static int shrink_maps(struct bpf_object *object, struct fault *fault)
{
	static const struct {
		const char *map;
		uint32_t entries;
	} sizes[] = {
		{"synfw_processes", 1},
		{"synfw_executables", 1},
		{"synfw_growth_windows", 1},
		{"synfw_process_counters", 1},
		{"synfw_process_events", 4096},
		{"synfw_peers", 1},
		{"synfw_block_filter", 1},
		{"synfw_exempt", 1},
		{"synfw_blocks", 1},
		{"synfw_talks", 1},
	};
	struct bpf_map *map;
	size_t i;
	int err;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		map = bpf_object__find_map_by_name(object, sizes[i].map);
		err = map ? bpf_map__set_max_entries(map, sizes[i].entries) : -ENOENT;
		if (err)
			return fault_system(fault, err, "cannot size the map \"%s\"", sizes[i].map);
	}
	return 0;
}

/* ---- what of it is kept ---- */

static int take_fd(int borrowed, struct fault *fault, int *ret_fd)
{
	int fd = borrowed < 0 ? borrowed : fcntl(borrowed, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return fault_system(fault, borrowed < 0 ? borrowed : -errno,
				    "cannot keep a descriptor of the BPF object");
	*ret_fd = fd;
	return 0;
}

static int take_program(struct bpf_object *object, const char *name, struct fault *fault,
			int *ret_fd)
{
	return take_fd(bpf_program__fd(bpf_object__find_program_by_name(object, name)), fault,
		       ret_fd);
}

static int take_maps(struct bpf_object *object, struct fault *fault, struct process_object *to)
{
	int i, err = 0;

	for (i = 0; !err && i < PROCESS_NR_MAPS; i++)
		err = take_fd(bpf_object__find_map_fd_by_name(object, process_maps[i].name), fault,
			      &to->map_fd[i]);
	return err;
}

static int load_failed(int error, const char *which, struct fault *fault)
{
	fault_system(fault, error, "the kernel refused the %s", which);
	/* the verifier's word for an access that it cannot prove safe */
	if (error == -EACCES)
		fault->exit_code = EXIT_KERNEL;
	return error;
}

static int take_programs(struct bpf_object *object, const struct choice *choice,
			 struct fault *fault, struct process_object *to)
{
	int i, err = 0;

	for (i = 0; !err && i < PROCESS_NR_HOOKS; i++)
		if (choice->hooks & 1U << i)
			err = take_program(object, process_hooks[i].program, fault,
					   &to->hook_fd[i]);
	for (i = 0; !err && i < PROCESS_NR_CALLS; i++)
		if (choice->calls & 1U << i)
			err = take_program(object, call_programs[i], fault, &to->call_fd[i]);
	if (!err && choice->ask)
		err = take_program(object, ask_program, fault, &to->ask_fd);
	if (!err && choice->ask)
		err = take_fd(bpf_object__find_map_fd_by_name(object, question_map), fault,
			      &to->question_fd);
	return err;
}

/* What is to be loaded, and on whose maps. */
struct loading {
	struct choice choice;
	const struct object *packets;	    /* what both halves have is theirs, or NULL */
	const struct process_object *reuse; /* the other maps, or NULL */
	bool small;			    /* maps of its own, as small as they can be */
	bool read_only;
	const char *what; /* the kernel refused the ... */
};

static int load(const struct loading *loading, struct fault *fault,
		struct process_object *ret_object)
{
	CLEANUP(destroy_skeleton)
	struct synfw_process_bpf *skeleton = synfw_process_bpf__open();
	CLEANUP(process_object_close) struct process_object object = PROCESS_OBJECT_NONE;
	int err;

	if (!skeleton)
		return fault_system(fault, -errno, "cannot open the BPF object of this binary");
	skeleton->rodata->read_only = loading->read_only;
	skeleton->rodata->at_functions = loading->choice.security == PROCESS_SECURITY_FUNCTIONS;
	err = choose_programs(skeleton->obj, &loading->choice, fault);
	if (!err)
		err = reuse_maps(skeleton->obj, loading->packets, loading->reuse, fault);
	if (!err && loading->small)
		err = shrink_maps(skeleton->obj, fault);
	if (err)
		return err;
	err = synfw_process_bpf__load(skeleton);
	if (err)
		return load_failed(err, loading->what, fault);
	err = take_maps(skeleton->obj, fault, &object);
	if (!err)
		err = take_programs(skeleton->obj, &loading->choice, fault, &object);
	if (err)
		return err;
	*ret_object = object;
	object = (struct process_object)PROCESS_OBJECT_NONE;
	return 0;
}

static int load_and_log(const struct loading *loading, struct fault *fault,
			struct process_object *ret_object)
{
	int err;

	bpf_log_begin();
	err = load(loading, fault, ret_object);
	bpf_log_end(fault);
	return err;
}

int process_object_load(const struct object *packets, const struct process_object *reuse,
			uint32_t hooks, enum process_security security, struct fault *fault,
			struct process_object *ret_object)
{
	const struct loading loading = {
		.choice = {.hooks = hooks,
			   .security = security,
			   .calls = (1U << PROCESS_NR_CALLS) - 1},
		.packets = packets,
		.reuse = reuse,
		.what = "programs for processes",
	};

	return load_and_log(&loading, fault, ret_object);
}

int process_object_load_probe(uint32_t hooks, enum process_security security, struct fault *fault,
			      struct process_object *ret_object)
{
	const struct loading loading = {
		.choice = {.hooks = hooks, .security = security, .calls = 1U << PROCESS_IDENTIFY},
		.small = true,
		.what = "program",
	};

	return load_and_log(&loading, fault, ret_object);
}

int process_object_load_shadow(struct fault *fault, struct process_object *ret_object)
{
	const struct loading loading = {
		.choice = {.ask = true},
		.small = true,
		.read_only = true,
		.what = "shadow program for processes",
	};

	return load_and_log(&loading, fault, ret_object);
}

void process_object_close(struct process_object *object)
{
	int i;

	for (i = 0; i < PROCESS_NR_MAPS; i++)
		cleanup_fd(&object->map_fd[i]);
	for (i = 0; i < PROCESS_NR_HOOKS; i++)
		cleanup_fd(&object->hook_fd[i]);
	for (i = 0; i < PROCESS_NR_CALLS; i++)
		cleanup_fd(&object->call_fd[i]);
	cleanup_fd(&object->ask_fd);
	cleanup_fd(&object->question_fd);
	*object = (struct process_object)PROCESS_OBJECT_NONE;
}
