/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "live.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "base/paths.h"
#include "host/pins.h"

#define MAX_ATTEMPTS 8
#define SCORING_LINE 4 /* of the image, see <synfw/abi.h> */

static int read_header(struct live *live, struct fault *fault)
{
	struct synfw_line lines[SCORING_LINE + 1];
	int err = tables_read_lines(&live->tables, 0, SCORING_LINE + 1, lines, fault);

	if (err)
		return err;
	memcpy(&live->header, &lines[0], sizeof(live->header));
	/* an apply that has switched meanwhile is emptying the slot */
	if (tables_page_count(live->header.nr_lines) > live->tables.nr_pages)
		return -ENOENT;
	memcpy(&live->class_tables, &lines[1], sizeof(live->class_tables));
	memcpy(&live->scoring, &lines[SCORING_LINE], sizeof(live->scoring));
	return 0;
}

/* The manifest's place comes from the tables; nothing of it is trusted before it is checked
 * against the size of the map. */
static bool manifest_in_bounds(const struct live *live)
{
	const struct synfw_header *header = &live->header;
	uint64_t lines =
		((uint64_t)header->manifest_bytes + SYNFW_LINE_BYTES - 1) / SYNFW_LINE_BYTES;

	return header->manifest_base && header->manifest_bytes &&
	       header->manifest_base + lines <= (uint64_t)live->tables.nr_pages * SYNFW_PAGE_LINES;
}

/* A manifest that cannot be read is not a fault: the policy is in force without it. */
static int read_manifest(struct live *live, struct fault *fault)
{
	const struct synfw_header *header = &live->header;
	CLEANUP(cleanup_free) struct synfw_line *lines = NULL;
	uint32_t count;
	int err;

	if (!manifest_in_bounds(live))
		return 0;
	count = (header->manifest_bytes - 1) / SYNFW_LINE_BYTES + 1;
	lines = calloc(count, sizeof(*lines));
	if (!lines)
		return fault_system(fault, -ENOMEM, "cannot read the names of the live policy");
	err = tables_read_lines(&live->tables, header->manifest_base, count, lines, fault);
	if (err)
		return err;
	err = manifest_from_text((const char *)lines, header->manifest_bytes, &live->manifest);
	if (err == -ENOMEM)
		return fault_system(fault, err, "cannot read the names of the live policy");
	return 0;
}

/* 0, -EAGAIN when an apply switched meanwhile, or a fault. */
static int read_generation(struct live *live, struct fault *fault)
{
	struct synfw_control after;
	int err;

	err = datapath_read_control(&live->object, fault, &live->control);
	if (err)
		return err;
	err = tables_open(&live->object, live->control.active, fault, &live->tables);
	if (!err)
		err = read_header(live, fault);
	if (!err)
		err = read_manifest(live, fault);
	if (err && err != -ENOENT)
		return err;
	err = datapath_read_control(&live->object, fault, &after);
	if (err)
		return err;
	return after.generation == live->control.generation ? 0 : -EAGAIN;
}

static void forget_generation(struct live *live)
{
	tables_close(&live->tables);
	manifest_freep(&live->manifest);
	memset(&live->header, 0, sizeof(live->header));
	memset(&live->class_tables, 0, sizeof(live->class_tables));
	memset(&live->scoring, 0, sizeof(live->scoring));
}

static int open_in(const char *dir, bool same_abi, struct fault *fault, struct live *ret_live)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(cleanup_free) char *links = path_format("%s/links", dir);
	int attempt, err;

	err = links ? datapath_open(dir, same_abi, fault, &live.object) : -ENOMEM;
	if (err && err != -ENOENT)
		return fault_system(fault, err, "cannot open the datapath in \"%s\"", dir);
	live.present = !err;
	err = live.present ? -EAGAIN : 0;
	for (attempt = 0; err == -EAGAIN && attempt < MAX_ATTEMPTS; attempt++) {
		forget_generation(&live);
		err = read_generation(&live, fault);
	}
	if (!err && live.present)
		err = links_open(links, fault, &live.links);
	if (err)
		return fault_system(fault, err, "cannot read the policy in force");

	*ret_live = live;
	live = (struct live)LIVE_NONE;
	return 0;
}

int live_open(const char *dir, struct fault *fault, struct live *ret_live)
{
	return open_in(dir, true, fault, ret_live);
}

int live_open_other_abi(const char *dir, struct fault *fault, struct live *ret_live)
{
	CLEANUP(live_close) struct live live = LIVE_NONE;
	CLEANUP(cleanup_free) char *links = path_format("%s/links", dir);
	struct fault ignored = {0};
	int err;

	if (!open_in(dir, false, &ignored, ret_live))
		return 0;
	fault_done(&ignored);
	live.present = true;
	err = links ? links_open(links, fault, &live.links) : -ENOMEM;
	if (err)
		return fault_system(fault, err, "cannot open the links in \"%s\"", dir);

	*ret_live = live;
	live = (struct live)LIVE_NONE;
	return 0;
}

struct manifest *live_read_idle_manifest(const struct live *live)
{
	CLEANUP(live_close) struct live idle = LIVE_NONE;
	CLEANUP(fault_done) struct fault ignored = {0};

	if (tables_open(&live->object, !live->control.active, &ignored, &idle.tables) ||
	    read_header(&idle, &ignored) || read_manifest(&idle, &ignored))
		return NULL;
	return TAKE_PTR(idle.manifest);
}

int live_read_rules(const struct live *live, struct fault *fault, struct synfw_rule **ret_rules)
{
	uint32_t count = (live->header.nr_bits + SYNFW_RULES_PER_LINE - 1) / SYNFW_RULES_PER_LINE;
	CLEANUP(cleanup_free) struct synfw_line *lines = calloc(count + 1, sizeof(*lines));
	int err;

	if (!lines)
		return fault_system(fault, -ENOMEM, "cannot read the rules of the live policy");
	err = tables_read_lines(&live->tables, live->header.rule_base, count, lines, fault);
	if (err)
		return err;
	_Static_assert(sizeof(struct synfw_rule) * SYNFW_RULES_PER_LINE == sizeof(*lines),
		       "lines of rules are an array of rules");
	*ret_rules = (struct synfw_rule *)TAKE_PTR(lines);
	return 0;
}

bool live_link_attached(const struct link *link, enum xdp_mode *ret_mode)
{
	uint32_t prog_id;

	*ret_mode = XDP_MODE_NONE;
	return link->ifindex && !xdp_query(link->ifindex, &prog_id, ret_mode) &&
	       prog_id == link->prog_id;
}

void live_close(struct live *live)
{
	object_close(&live->object);
	link_list_done(&live->links);
	tables_close(&live->tables);
	manifest_free(live->manifest);
	*live = (struct live)LIVE_NONE;
}
