/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "image.h"

#include <stdlib.h>
#include <sys/types.h>
#include <sha2.h>

struct synfw_header *image_header(struct image *image)
{
	return (struct synfw_header *)&image->lines[0];
}

const struct synfw_header *image_header_const(const struct image *image)
{
	return (const struct synfw_header *)&image->lines[0];
}

const struct synfw_class_tables *image_class_tables(const struct image *image)
{
	return (const struct synfw_class_tables *)&image->lines[1];
}

const struct synfw_dynamic *image_dynamic(const struct image *image)
{
	return (const struct synfw_dynamic *)&image->lines[2];
}

const struct synfw_rule *image_rule_const(const struct image *image, uint32_t bit)
{
	uint32_t base = image_header_const(image)->rule_base;

	return (const struct synfw_rule *)&image->lines[base + bit / SYNFW_RULES_PER_LINE] +
	       bit % SYNFW_RULES_PER_LINE;
}

struct synfw_rule *image_rule(struct image *image, uint32_t bit)
{
	return (struct synfw_rule *)image_rule_const(image, bit);
}

static void digest_index(SHA2_CTX *sha, const struct address_index *index)
{
	SHA256Update(sha, (const void *)index->exact6, index->nr_exact6 * sizeof(index->exact6[0]));
	SHA256Update(sha, (const void *)index->lpm6, index->nr_lpm6 * sizeof(index->lpm6[0]));
}

void image_digest(const struct image *image, char out[65])
{
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const void *)image->lines, (size_t)image->nr_lines * SYNFW_LINE_BYTES);
	for (int i = 0; i < SYNFW_NR_DIRS; i++)
		digest_index(&sha, &image->index[i]);
	SHA256End(&sha, out);
}

void address_index_done(struct address_index *index)
{
	free(index->exact6);
	free(index->lpm6);
	*index = (struct address_index){};
}

void image_free(struct image *image)
{
	if (!image)
		return;
	free(image->lines);
	for (int i = 0; i < SYNFW_NR_DIRS; i++)
		address_index_done(&image->index[i]);
	free(image);
}

void image_freep(struct image **image)
{
	image_free(*image);
}
