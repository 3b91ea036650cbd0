/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <synfw/cleanup.h>

#include "base/paths.h"
#include "host/pins.h"

static const char pending_prefix[] = "new-";

static const char *const xdp_mode_words[] = {
	[XDP_MODE_NONE] = "none",	[XDP_MODE_GENERIC] = "generic",
	[XDP_MODE_NATIVE] = "native",	[XDP_MODE_OFFLOAD] = "offload",
	[XDP_MODE_SEVERAL] = "several",
};

static const enum xdp_mode xdp_modes[] = {
	[XDP_ATTACHED_NONE] = XDP_MODE_NONE,	 [XDP_ATTACHED_DRV] = XDP_MODE_NATIVE,
	[XDP_ATTACHED_SKB] = XDP_MODE_GENERIC,	 [XDP_ATTACHED_HW] = XDP_MODE_OFFLOAD,
	[XDP_ATTACHED_MULTI] = XDP_MODE_SEVERAL,
};

const char *xdp_mode_word(enum xdp_mode mode)
{
	return xdp_mode_words[mode];
}

char *link_path(const char *dir, uint32_t ifindex, bool pending)
{
	return path_format("%s/%s%u", dir, pending ? pending_prefix : "", ifindex);
}

struct open_context {
	const char *dir;
	struct fault *fault;
	struct link_list *list;
};

static int inspect_link(const char *path, struct fault *fault, struct link *link)
{
	struct bpf_link_info info = {0};
	uint32_t size = sizeof(info);

	link->fd = bpf_obj_get(path);
	if (link->fd < 0)
		return fault_system(fault, -errno, "cannot open the link \"%s\"", path);
	if (bpf_obj_get_info_by_fd(link->fd, &info, &size))
		return fault_system(fault, -errno, "cannot inspect the link \"%s\"", path);
	if (info.type != BPF_LINK_TYPE_XDP)
		return fault_refuse(fault, EXIT_KERNEL, "\"%s\" is not a link of synfw", path);
	link->id = info.id;
	link->prog_id = info.prog_id;
	link->ifindex = info.xdp.ifindex;
	return 0;
}

static int open_link(const char *name, void *argument)
{
	struct open_context *context = argument;
	struct link_list *list = context->list;
	CLEANUP(cleanup_free) char *path = path_format("%s/%s", context->dir, name);
	size_t prefix = sizeof(pending_prefix) - 1;
	bool pending = !strncmp(name, pending_prefix, prefix);
	struct link *items, link = {.pending = pending, .fd = -1};
	char *end;
	int err;

	link.pin_ifindex = strtoul(name + (pending ? prefix : 0), &end, 10);
	if (*end || !link.pin_ifindex)
		return 0;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!path || !items)
		return fault_system(context->fault, -ENOMEM, "cannot list the links");
	list->items = items;
	err = inspect_link(path, context->fault, &link);
	if (err) {
		cleanup_fd(&link.fd);
		return err;
	}
	items[list->count++] = link;
	return 0;
}

int links_open(const char *dir, struct fault *fault, struct link_list *ret_list)
{
	CLEANUP(link_list_done) struct link_list list = {0};
	struct open_context context = {.dir = dir, .fault = fault, .list = &list};
	int err = pins_for_each(dir, open_link, &context);

	if (err)
		return fault_system(fault, err, "cannot list the links in \"%s\"", dir);
	*ret_list = list;
	list = (struct link_list){0};
	return 0;
}

const struct link *links_find(const struct link_list *list, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].ifindex == ifindex)
			return &list->items[i];
	return NULL;
}

void link_list_done(struct link_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		cleanup_fd(&list->items[i].fd);
	free(list->items);
	*list = (struct link_list){0};
}

int xdp_query(uint32_t ifindex, uint32_t *ret_prog_id, enum xdp_mode *ret_mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int err = bpf_xdp_query(ifindex, 0, &opts);

	if (err)
		return err;
	*ret_mode = opts.attach_mode < sizeof(xdp_modes) / sizeof(*xdp_modes)
			    ? xdp_modes[opts.attach_mode]
			    : XDP_MODE_SEVERAL;
	*ret_prog_id = opts.prog_id	  ? opts.prog_id
		       : opts.drv_prog_id ? opts.drv_prog_id
					  : opts.skb_prog_id;
	return 0;
}

/* Errors that say "this driver, or this configuration of it, cannot run XDP natively". All others
 * (busy, no rights, no memory, gone) would fail in generic mode as well, or must not be hidden. */
static bool driver_refused(int error)
{
	static const int refusals[] = {EOPNOTSUPP, EINVAL, ERANGE, ENOSPC, E2BIG, ENOTSUP};
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (error == refusals[i])
			return true;
	return false;
}

static int create_link(int prog_fd, uint32_t ifindex, uint32_t flags, int *ret_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int attach_failed(const struct interface *interface, const char *mode, int error,
			 struct fault *fault)
{
	enum xdp_mode other_mode;
	uint32_t other;

	if ((error == -EBUSY || error == -EEXIST) &&
	    !xdp_query(interface->ifindex, &other, &other_mode) && other)
		return fault_refuse(fault, EXIT_KERNEL,
				    "cannot attach to \"%s\": XDP program %u is there already "
				    "(%s); remove it first, for example with `ip link set dev %s "
				    "xdp off`",
				    interface->name, other, xdp_mode_word(other_mode),
				    interface->name);
	return fault_system(fault, error, "cannot attach to \"%s\" in %s mode", interface->name,
			    mode);
}

int link_attach(int prog_fd, const struct interface *interface, struct fault *fault, int *ret_fd,
		enum xdp_mode *ret_mode, int *ret_refusal)
{
	enum xdp_mode mode = XDP_MODE_NATIVE;
	int err = 0, refusal = 0;

	if (interface->attach != ATTACH_GENERIC) {
		err = create_link(prog_fd, interface->ifindex, XDP_FLAGS_DRV_MODE, ret_fd);
		if (err && (interface->attach == ATTACH_NATIVE || !driver_refused(-err)))
			return attach_failed(interface, "native", err, fault);
		refusal = -err;
	}
	if (interface->attach == ATTACH_GENERIC || refusal) {
		err = create_link(prog_fd, interface->ifindex, XDP_FLAGS_SKB_MODE, ret_fd);
		if (err)
			return attach_failed(interface, "generic", err, fault);
		mode = XDP_MODE_GENERIC;
	}
	*ret_mode = mode;
	*ret_refusal = refusal;
	return 0;
}
