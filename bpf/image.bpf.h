/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_IMAGE_BPF_H
#define SYNFW_IMAGE_BPF_H

/* Reading the lines of a generation. */
#include "bits.bpf.h"
#include "maps.bpf.h"

#define IDS_PER_LINE 16

/* A generation's lines: page 0 is at hand, and so is the last of the others that was looked up. */
struct image {
	void *pages;
	struct synfw_line *page0;
	struct synfw_line *page; /* number `key`, when that is not 0 */
	__u32 key;
};

static __always_inline bool image_open(struct image *image, __u32 generation)
{
	__u32 zero = 0;

	image->pages = bpf_map_lookup_elem(&synfw_lines, &generation);
	if (!image->pages)
		return false;
	image->page0 = bpf_map_lookup_elem(image->pages, &zero);
	image->page = image->page0;
	image->key = 0;
	return image->page0;
}

/* NULL for a page that is not there. */
static __always_inline struct synfw_line *page_at(struct image *image, __u32 key)
{
	struct synfw_line *page;

	if (!key)
		return image->page0;
	if (key == image->key)
		return image->page;
	page = bpf_map_lookup_elem(image->pages, &key);
	if (!page)
		return NULL;
	image->page = page;
	image->key = key;
	return page;
}

/* NULL for a line that is not there, which no image of policyc names. */
static __always_inline struct synfw_line *line_at(struct image *image, __u32 number)
{
	struct synfw_line *page = page_at(image, number / SYNFW_PAGE_LINES);

	return page ? page + number % SYNFW_PAGE_LINES : NULL;
}

/* Entry `index` of a table of 32-bit ids that begins at line `base`. */
static __always_inline __u32 id_at(struct image *image, __u32 base, __u32 index)
{
	struct synfw_line *line = line_at(image, base + index / IDS_PER_LINE);

	return line ? line->id[index % IDS_PER_LINE] : 0;
}

#endif
