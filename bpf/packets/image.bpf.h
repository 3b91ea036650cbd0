/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_IMAGE_BPF_H
#define SYNFW_IMAGE_BPF_H

/* Reading the lines of a generation. */
#include "common/bits.bpf.h"
#include "maps.bpf.h"

#define IDS_PER_LINE   16
#define CELLS_PER_LINE 8

/* A generation's lines: page 0 is at hand. */
struct image {
	struct synfw_line *page0;
	__u32 generation;
};

/* Two lookups that the kernel inlines, as every page is a map of one entry. */
static __always_inline struct synfw_line *page_of(__u32 generation, __u32 number)
{
	__u32 key = generation * SYNFW_MAX_PAGES + number, zero = 0;
	void *page = bpf_map_lookup_elem(&synfw_pages, &key);

	return page ? bpf_map_lookup_elem(page, &zero) : NULL;
}

static __always_inline bool image_open(struct image *image, __u32 generation)
{
	image->generation = generation;
	image->page0 = page_of(generation, 0);
	return image->page0;
}

static __always_inline const struct synfw_header *image_header(const struct image *image)
{
	return (const struct synfw_header *)image->page0;
}

static __always_inline const struct synfw_class_tables *image_tables(const struct image *image)
{
	return (const struct synfw_class_tables *)(image->page0 + 1);
}

static __always_inline const struct synfw_scoring *image_scoring(const struct image *image)
{
	return (const struct synfw_scoring *)(image->page0 + 4);
}

static __always_inline const struct synfw_logging *image_logging(const struct image *image)
{
	return (const struct synfw_logging *)(image->page0 + 5);
}

/* NULL for a page that is not there. */
static __always_inline struct synfw_line *page_at(struct image *image, __u32 key)
{
	return key ? page_of(image->generation, key % SYNFW_MAX_PAGES) : image->page0;
}

/* NULL for a line that is not there, which no image of policyc names. */
static __always_inline struct synfw_line *line_at(struct image *image, __u32 number)
{
	struct synfw_line *page = page_at(image, number / SYNFW_PAGE_LINES);

	if (!page)
		return NULL;
	/* clang adds before it compares, which the verifier does not take of what may be NULL */
	barrier_var(page);
	return page + number % SYNFW_PAGE_LINES;
}

/* Entry `index` of a table of 32-bit ids that begins at line `base`. */
static __always_inline __u32 id_at(struct image *image, __u32 base, __u32 index)
{
	struct synfw_line *line = line_at(image, base + index / IDS_PER_LINE);

	return line ? line->id[index % IDS_PER_LINE] : 0;
}

#endif
