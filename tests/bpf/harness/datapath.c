/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/datapath.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <synfw/cleanup.h>
#include <synfw/state.h>

#include "harness/filter_bits.h"
#include "base/must.h"
#include "synfw.skel.h"

struct datapath {
	struct synfw_bpf *live, *shadow; /* the shadow is loaded when it is asked first */
	uint32_t active;
	uint32_t live_slot; /* what the loopback interface stands for */
	uint32_t shadow_slot;
	unsigned int loopback; /* test runs without a context come in on it */
	int nr_cpus;
	void *per_cpu; /* one value of the largest kind for each CPU */
	struct image *image;
	struct synfw_trace trace;	       /* what the shadow program said last */
	int members_fd[SYNFW_DYNAMIC_ENTRIES]; /* all dynamic sets of both slots; -1: not there */
};

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* The maps of the generations and of what is remembered: the shadow program uses those of the live
 * one. */
static const char *const shared_maps[] = {
	"synfw_control",       "synfw_pages",	      "synfw_members",	    "synfw_dynamic_sets",
	"synfw_blocks",	       "synfw_block_ring",    "synfw_block_filter", "synfw_exempt",
	"synfw_sources",       "synfw_more_parts",    "synfw_rule_rates",   "synfw_source_rates",
	"synfw_port_scans",    "synfw_events",	      "synfw_event_firsts", "synfw_runtime",
	"synfw_member_filter", "synfw_exempt_filter",
};

static int share_maps(struct synfw_bpf *from, struct synfw_bpf *to)
{
	for (size_t i = 0; i < sizeof(shared_maps) / sizeof(shared_maps[0]); i++) {
		struct bpf_map *source = bpf_object__find_map_by_name(from->obj, shared_maps[i]);
		struct bpf_map *target = bpf_object__find_map_by_name(to->obj, shared_maps[i]);
		int err;

		if (!source || !target)
			return -ENOENT;
		err = bpf_map__reuse_fd(target, bpf_map__fd(source));
		if (err)
			return err;
	}
	return 0;
}

/* NULL and errno: it cannot be opened. */
static struct synfw_bpf *object_open(bool read_only, bool test_clock)
{
	struct synfw_bpf *bpf = synfw_bpf__open();

	if (!bpf)
		return NULL;
	bpf->rodata->read_only = read_only;
	bpf->rodata->test_clock = test_clock;
	return bpf;
}

static int load_live(struct datapath *datapath, bool test_clock)
{
	datapath->live = object_open(false, test_clock);
	if (!datapath->live)
		return -errno;
	return synfw_bpf__load(datapath->live);
}

static void destroyp(struct synfw_bpf **bpf)
{
	synfw_bpf__destroy(*bpf);
}

static int load_shadow(struct datapath *datapath)
{
	CLEANUP(destroyp)
	struct synfw_bpf *shadow = object_open(true, datapath->live->rodata->test_clock);
	int err;

	if (!shadow)
		return -errno;
	bpf_program__set_autoload(shadow->progs.synfw_egress, false); /* as the agent's has none */
	err = share_maps(datapath->live, shadow);
	if (!err)
		err = synfw_bpf__load(shadow);
	if (!err)
		datapath->shadow = TAKE_PTR(shadow);
	return err;
}

/* Each slot keeps its sets, so that to apply a policy does not wait for a grace period for them. */
static int create_members(struct datapath *datapath)
{
	uint32_t keys[SYNFW_DYNAMIC_ENTRIES], count = SYNFW_DYNAMIC_ENTRIES;

	for (uint32_t i = 0; i < SYNFW_DYNAMIC_ENTRIES; i++) {
		keys[i] = i;
		datapath->members_fd[i] =
			bpf_map_create(BPF_MAP_TYPE_HASH, NULL, sizeof(struct synfw_addr6),
				       sizeof(struct synfw_member), DATAPATH_MAX_MEMBERS, NULL);
		if (datapath->members_fd[i] < 0)
			return -errno;
	}
	if (bpf_map_update_batch(bpf_map__fd(datapath->live->maps.synfw_members), keys,
				 datapath->members_fd, &count, NULL))
		return -errno;
	return 0;
}

static int open_with(bool test_clock, struct datapath **ret_datapath)
{
	CLEANUP(datapath_closep) struct datapath *datapath = calloc(1, sizeof(*datapath));
	int err;

	if (!datapath)
		return -ENOMEM;
	memset(datapath->members_fd, 0xff, sizeof(datapath->members_fd));
	libbpf_set_print(print_libbpf);
	datapath->loopback = if_nametoindex("lo");
	datapath->nr_cpus = libbpf_num_possible_cpus();
	if (!datapath->loopback || datapath->nr_cpus < 0)
		return -ENODEV;
	datapath->per_cpu = calloc(datapath->nr_cpus, 64);
	if (!datapath->per_cpu)
		return -ENOMEM;
	err = load_live(datapath, test_clock);
	if (!err)
		err = create_members(datapath);
	if (err)
		return err;
	*ret_datapath = TAKE_PTR(datapath);
	return 0;
}

int datapath_open(struct datapath **ret_datapath)
{
	return open_with(false, ret_datapath);
}

int datapath_open_test_clock(struct datapath **ret_datapath)
{
	return open_with(true, ret_datapath);
}

int datapath_attach_aside(struct datapath *datapath)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	datapath->loopback = if_nametoindex("lo");
	if (!datapath->loopback)
		return -ENODEV;
	return bpf_xdp_attach(datapath->loopback, datapath_live_fd(datapath), XDP_FLAGS_SKB_MODE,
			      NULL);
}

int datapath_map_fd(const struct datapath *datapath, const char *name)
{
	return bpf_object__find_map_fd_by_name(datapath->live->obj, name);
}

int datapath_live_fd(const struct datapath *datapath)
{
	return bpf_program__fd(datapath->live->progs.synfw_xdp);
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	synfw_bpf__destroy(datapath->shadow);
	synfw_bpf__destroy(datapath->live);
	for (size_t i = 0; i < SYNFW_DYNAMIC_ENTRIES; i++)
		cleanup_fd(&datapath->members_fd[i]);
	free(datapath->per_cpu);
	free(datapath);
}

void datapath_closep(struct datapath **datapath)
{
	datapath_close(*datapath);
}

static int put_page(struct synfw_bpf *bpf, const struct synfw_line *page, uint32_t key)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	uint32_t zero = 0;
	CLEANUP(cleanup_fd)
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(zero), SYNFW_PAGE_BYTES, 1, &opts);

	if (fd < 0 || bpf_map_update_elem(fd, &zero, page, BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(bpf->maps.synfw_pages), &key, &fd, BPF_ANY))
		return -errno;
	return 0;
}

static int put_lines(struct synfw_bpf *bpf, const struct image *image, uint32_t slot)
{
	uint32_t pages = (image->nr_lines + SYNFW_PAGE_LINES - 1) / SYNFW_PAGE_LINES;
	CLEANUP(cleanup_free) struct synfw_line *lines = calloc(pages, SYNFW_PAGE_BYTES);
	int err = 0;

	if (!lines)
		return -ENOMEM;
	memcpy(lines, image->lines, (size_t)image->nr_lines * sizeof(*lines));
	for (uint32_t i = 0; i < pages && !err; i++)
		err = put_page(bpf, lines + (size_t)i * SYNFW_PAGE_LINES,
			       slot * SYNFW_MAX_PAGES + i);
	return err;
}

static int clear_members(struct datapath *datapath, uint32_t slot)
{
	struct synfw_addr6 key;

	for (uint32_t i = 0; i < SYNFW_MAX_DYNAMIC_SETS; i++) {
		int fd = datapath->members_fd[slot * SYNFW_MAX_DYNAMIC_SETS + i];

		while (!bpf_map_get_next_key(fd, NULL, &key))
			if (bpf_map_delete_elem(fd, &key))
				return -errno;
	}
	return 0;
}

static int activate(struct datapath *datapath, uint32_t slot)
{
	struct synfw_control control = {.active = slot, .abi_version = SYNFW_ABI_VERSION};
	uint32_t key = 0;

	if (bpf_map_update_elem(bpf_map__fd(datapath->live->maps.synfw_control), &key, &control,
				BPF_ANY))
		return -errno;
	datapath->active = slot;
	return 0;
}

static int clear_counters(struct datapath *datapath, const struct bpf_map *map, uint32_t first,
			  uint32_t last)
{
	memset(datapath->per_cpu, 0, datapath->nr_cpus * 64UL);
	for (uint32_t key = first; key <= last; key++)
		if (bpf_map_update_elem(bpf_map__fd(map), &key, datapath->per_cpu, BPF_ANY))
			return -errno;
	return 0;
}

int datapath_clear_reason_counters(struct datapath *datapath)
{
	return clear_counters(datapath, datapath->live->maps.synfw_reason_counters, 0,
			      SYNFW_REASON_ENTRIES - 1);
}

int datapath_apply(struct datapath *datapath, struct image *image)
{
	uint32_t slot = !datapath->active, last_counter = 0;
	int err;

	for (uint32_t bit = 0; bit < image_header_const(image)->nr_bits; bit++) {
		struct synfw_rule *rule = image_rule(image, bit);

		rule->counter = judgement_rule(rule->index) + 1;
		if (rule->counter > last_counter)
			last_counter = rule->counter;
	}
	err = put_lines(datapath->live, image, slot);
	if (err)
		return err;
	err = clear_members(datapath, slot);
	if (!err)
		err = clear_counters(datapath, datapath->live->maps.synfw_rule_counters, 1,
				     last_counter);
	if (err)
		return err;
	datapath->image = image;
	return activate(datapath, slot);
}

void datapath_filter_member(struct datapath *datapath, const struct synfw_addr6 *key)
{
	filter_bits_set(bpf_map__fd(datapath->live->maps.synfw_member_filter),
			bpf_map__fd(datapath->live->maps.synfw_runtime), SYNFW_MEMBER_FILTER_WORDS,
			key);
}

int datapath_put_member(struct datapath *datapath, uint32_t number,
			const struct any_prefix *address, enum member_state state)
{
	int fd = datapath_members_fd(datapath, number);
	struct synfw_member member = {.expires_ns = state == MEMBER_EXPIRED};
	struct synfw_addr6 key = {};
	uint32_t v4_be;

	if (address->family == 4) {
		v4_be = htonl(address->v4.addr);
		key.byte[10] = key.byte[11] = 0xff;
		memcpy(key.byte + 12, &v4_be, sizeof(v4_be));
	} else {
		memcpy(key.byte, address->v6.addr, sizeof(key.byte));
	}
	datapath_filter_member(datapath, &key);
	if (state == MEMBER_ABSENT)
		return bpf_map_delete_elem(fd, &key) && errno != ENOENT ? -errno : 0;
	return bpf_map_update_elem(fd, &key, &member, BPF_ANY) ? -errno : 0;
}

int datapath_members_fd(const struct datapath *datapath, uint32_t number)
{
	return datapath->members_fd[datapath->active * SYNFW_MAX_DYNAMIC_SETS + number];
}

int datapath_use_members(struct datapath *datapath, uint32_t number, int fd)
{
	uint32_t key = datapath->active * SYNFW_MAX_DYNAMIC_SETS + number;
	int outer_fd = bpf_map__fd(datapath->live->maps.synfw_members);

	return bpf_map_update_elem(outer_fd, &key, &fd, BPF_ANY) ? -errno : 0;
}

static int run(struct bpf_program *program, const uint8_t *frame, size_t length,
	       uint32_t *ret_action)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = length,
		    .repeat = 1);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		return -errno;
	*ret_action = options.retval;
	return 0;
}

/* A bit that the image has not is a rule that the policy has not: no judgement agrees with it. */
static uint32_t rule_of_bit(const struct datapath *datapath, uint32_t bit)
{
	if (bit == SYNFW_NO_BIT)
		return REFERENCE_NO_RULE;
	if (bit >= image_header_const(datapath->image)->nr_bits)
		return SYNFW_MAX_RULES;
	return judgement_rule(image_rule_const(datapath->image, bit)->index);
}

int datapath_trace(struct datapath *datapath, const uint8_t *frame, size_t length, uint32_t slot,
		   struct judgement *ret_judgement)
{
	int err = datapath->shadow ? 0 : load_shadow(datapath), fd;
	struct synfw_trace trace = {.slot_in = slot};
	uint32_t key = 0, action;

	if (err)
		return err;
	fd = bpf_map__fd(datapath->shadow->maps.synfw_trace);
	if (slot != datapath->shadow_slot) {
		if (bpf_map_update_elem(fd, &key, &trace, BPF_ANY))
			return -errno;
		datapath->shadow_slot = slot;
	}
	err = run(datapath->shadow->progs.synfw_xdp, frame, length, &action);
	if (err)
		return err;
	if (bpf_map_lookup_elem(fd, &key, &trace))
		return -errno;
	*ret_judgement = (struct judgement){
		.verdict = trace.verdict,
		.reason = trace.reason,
		.rule = rule_of_bit(datapath, trace.bit),
		.score = trace.score,
	};
	datapath->trace = trace;
	return 0;
}

const struct synfw_trace *datapath_last_trace(const struct datapath *datapath)
{
	return &datapath->trace;
}

/* The live program finds its slot through the interface table. */
static int stand_for_slot(struct datapath *datapath, uint32_t slot)
{
	struct synfw_interface interface = {.ifindex = datapath->loopback, .slot = slot};
	uint32_t key = datapath->loopback % SYNFW_INTERFACE_ENTRIES;

	if (slot == datapath->live_slot)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(datapath->live->maps.synfw_interfaces), &key,
				&interface, BPF_ANY))
		return -errno;
	datapath->live_slot = slot;
	return 0;
}

int datapath_run(struct datapath *datapath, const uint8_t *frame, size_t length, uint32_t slot,
		 uint32_t *ret_action)
{
	int err = stand_for_slot(datapath, slot);

	return err ? err : run(datapath->live->progs.synfw_xdp, frame, length, ret_action);
}

int datapath_reason_counter(struct datapath *datapath, uint32_t slot, enum synfw_reason reason,
			    struct synfw_reason_counter *ret_counter)
{
	const struct synfw_reason_counter *values = datapath->per_cpu;
	uint32_t key = slot * SYNFW_REASON_STRIDE + reason;
	struct synfw_reason_counter sum = {};

	if (bpf_map_lookup_elem(bpf_map__fd(datapath->live->maps.synfw_reason_counters), &key,
				datapath->per_cpu))
		return -errno;
	for (int cpu = 0; cpu < datapath->nr_cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.bytes += values[cpu].bytes;
		sum.dropped += values[cpu].dropped;
	}
	*ret_counter = sum;
	return 0;
}

int datapath_rule_counter(struct datapath *datapath, uint32_t rule,
			  struct synfw_rule_counter *ret_counter)
{
	const struct synfw_rule_counter *values = datapath->per_cpu;
	struct synfw_rule_counter sum = {};
	uint32_t key = rule + 1;

	if (bpf_map_lookup_elem(bpf_map__fd(datapath->live->maps.synfw_rule_counters), &key,
				datapath->per_cpu))
		return -errno;
	for (int cpu = 0; cpu < datapath->nr_cpus; cpu++) {
		sum.packets += values[cpu].packets;
		sum.bytes += values[cpu].bytes;
		sum.would_drop += values[cpu].would_drop;
	}
	*ret_counter = sum;
	return 0;
}
