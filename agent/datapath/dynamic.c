/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "dynamic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "filter.h"
#include "inner_changes.h"

static uint32_t key_of(uint32_t slot, uint32_t number)
{
	return slot * SYNFW_MAX_DYNAMIC_SETS + number;
}

/* ---- the sets of a policy ---- */

static void describe(const struct policy_set *set, struct synfw_dynamic_set *ret_set)
{
	*ret_set = (struct synfw_dynamic_set){.timeout_ns = set->timeout_ns, .size = set->size};
	snprintf(ret_set->name, sizeof(ret_set->name), "%s", set->name);
}

static int take_over(int live_fd, struct fault *fault, int *ret_fd)
{
	int fd = fcntl(live_fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return fault_system(fault, -errno, "cannot keep the members of a set");
	*ret_fd = fd;
	return 0;
}

static int create_resized(const struct policy_set *set, int live_fd, struct fault *fault,
			  int *ret_fd)
{
	CLEANUP(cleanup_fd) int fd = -1;
	int err = members_create(set->name, set->size, fault, &fd);

	if (!err)
		err = members_copy(live_fd, fd, fault);
	if (err == -E2BIG)
		return fault_refuse(fault, EXIT_REFUSED,
				    "set \"%s\" has more members than its new size of %u; take "
				    "some out, or leave it as large as it is",
				    set->name, set->size);
	if (err)
		return err;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int create_set(const struct policy_set *set, const struct dynamic *live, struct fault *fault,
		      int *ret_fd)
{
	int number = live ? dynamic_find(live, set->name) : -1;

	if (number < 0 || live->fd[number] < 0)
		return members_create(set->name, set->size, fault, ret_fd);
	if (live->about.set[number].size == set->size)
		return take_over(live->fd[number], fault, ret_fd);
	return create_resized(set, live->fd[number], fault, ret_fd);
}

int dynamic_create(const struct policy *policy, const struct dynamic *live, struct fault *fault,
		   struct dynamic *ret_dynamic)
{
	CLEANUP(dynamic_close) struct dynamic dynamic = DYNAMIC_NONE;
	const struct policy_set *set;
	int err;

	for (set = policy->sets; set < policy->sets + policy->nr_named_sets; set++) {
		if (!set->dynamic)
			continue;
		describe(set, &dynamic.about.set[set->number]);
		err = create_set(set, live, fault, &dynamic.fd[set->number]);
		if (err)
			return err;
	}
	*ret_dynamic = dynamic;
	dynamic = (struct dynamic)DYNAMIC_NONE;
	return 0;
}

/* ---- generation slots ---- */

int dynamic_install(const struct dynamic *dynamic, const struct object *object, uint32_t slot,
		    struct fault *fault)
{
	uint32_t keys[SYNFW_MAX_DYNAMIC_SETS], number, count = 0;
	int fds[SYNFW_MAX_DYNAMIC_SETS], err;

	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++) {
		if (dynamic->fd[number] < 0)
			continue;
		keys[count] = key_of(slot, number);
		fds[count++] = dynamic->fd[number];
	}
	if (!count)
		return 0;
	/* before the members: whoever empties the slot sees by it that there are some */
	if (bpf_map_update_elem(object->map_fd[OBJECT_DYNAMIC_SETS], &slot, &dynamic->about,
				BPF_ANY))
		return fault_system(fault, -errno, "cannot describe the dynamic sets");
	err = object_put_inner(object->map_fd[OBJECT_MEMBERS], keys, fds, count);
	return err ? fault_system(fault, err, "cannot stage the dynamic sets") : 0;
}

int dynamic_clear(const struct object *object, uint32_t slot)
{
	static const struct synfw_dynamic_sets nothing;
	struct inner_change changes[SYNFW_MAX_DYNAMIC_SETS];
	struct synfw_dynamic_sets about;
	uint32_t number, described = 0;
	int err;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_DYNAMIC_SETS], &slot, &about))
		return -errno;
	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++)
		if (about.set[number].name[0])
			changes[described++] = (struct inner_change){object->map_fd[OBJECT_MEMBERS],
								     key_of(slot, number), -1};
	err = inner_changes_make(changes, described);
	if (!err && described &&
	    bpf_map_update_elem(object->map_fd[OBJECT_DYNAMIC_SETS], &slot, &nothing, BPF_ANY))
		err = -errno;
	return err;
}

int dynamic_open(const struct object *object, uint32_t slot, struct fault *fault,
		 struct dynamic *ret_dynamic)
{
	CLEANUP(dynamic_close) struct dynamic dynamic = DYNAMIC_NONE;
	uint32_t number;
	int err;

	if (bpf_map_lookup_elem(object->map_fd[OBJECT_DYNAMIC_SETS], &slot, &dynamic.about))
		return fault_system(fault, -errno, "cannot read the dynamic sets");
	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++) {
		char *name = dynamic.about.set[number].name;

		name[SYNFW_MAX_NAME - 1] = '\0';
		if (!*name)
			continue;
		err = object_open_inner(object->map_fd[OBJECT_MEMBERS], key_of(slot, number),
					"a dynamic set", fault, &dynamic.fd[number]);
		if (err && err != -ENOENT)
			return err;
	}
	*ret_dynamic = dynamic;
	dynamic = (struct dynamic)DYNAMIC_NONE;
	return 0;
}

int dynamic_find(const struct dynamic *dynamic, const char *name)
{
	int number;

	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++)
		if (dynamic->about.set[number].name[0] &&
		    !strcmp(dynamic->about.set[number].name, name))
			return number;
	return -1;
}

int dynamic_count(const struct dynamic *dynamic, const char *name, struct fault *fault,
		  struct members_count *ret_count)
{
	int number = dynamic_find(dynamic, name);

	*ret_count = (struct members_count){0};
	if (number < 0 || dynamic->fd[number] < 0)
		return 0;
	return members_count(dynamic->fd[number], fault, ret_count);
}

static int filter_member(const struct synfw_addr6 *key, const struct synfw_member *member,
			 void *context)
{
	(void)member;
	filter_add(context, key);
	return 0;
}

int dynamic_fill_filter(const struct dynamic *dynamic, const struct object *object,
			struct fault *fault)
{
	CLEANUP(filter_close) struct filter filter = FILTER_NONE;
	int number, err = filter_open(object, OBJECT_MEMBER_FILTER, fault, &filter);

	for (number = 0; !err && number < SYNFW_MAX_DYNAMIC_SETS; number++)
		if (dynamic->fd[number] >= 0)
			err = members_each(dynamic->fd[number], filter_member, &filter, fault);
	return err;
}

void dynamic_close(struct dynamic *dynamic)
{
	int number;

	for (number = 0; number < SYNFW_MAX_DYNAMIC_SETS; number++)
		cleanup_fd(&dynamic->fd[number]);
	*dynamic = (struct dynamic)DYNAMIC_NONE;
}
