/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "image.h"

#include <stdlib.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>

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
	return (const struct synfw_dynamic *)&image->lines[3];
}

const struct synfw_scoring *image_scoring(const struct image *image)
{
	return (const struct synfw_scoring *)&image->lines[4];
}

const struct synfw_logging *image_logging(const struct image *image)
{
	return (const struct synfw_logging *)&image->lines[5];
}

const struct synfw_effect *image_effect_const(const struct image *image,
					      const struct synfw_rule *rule)
{
	if (!rule->effect)
		return NULL;
	return (const struct synfw_effect *)&image->lines[image_header_const(image)->effect_base] +
	       (rule->effect - 1);
}

struct synfw_effect *image_effect(struct image *image, const struct synfw_rule *rule)
{
	return (struct synfw_effect *)image_effect_const(image, rule);
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

static void add_array(struct sha256_ctx *context, const void *array, size_t count, size_t size)
{
	uint64_t counted = count;

	sha256_update(context, sizeof(counted), (const uint8_t *)&counted);
	sha256_update(context, count * size, array);
}

static void add_processes(struct sha256_ctx *context, const struct process_tables *tables)
{
	if (!tables)
		return;
	add_array(context, &tables->head, 1, sizeof(tables->head));
	add_array(context, tables->rules, tables->head.nr_bits, sizeof(*tables->rules));
	add_array(context, tables->vectors, tables->nr_vectors, sizeof(*tables->vectors));
	add_array(context, tables->paths, tables->nr_paths, sizeof(*tables->paths));
	add_array(context, tables->patterns, tables->nr_patterns, sizeof(*tables->patterns));
	add_array(context, tables->ids, tables->nr_ids, sizeof(*tables->ids));
}

static void add_lines(struct sha256_ctx *context, const struct image *image)
{
	struct synfw_header header = *image_header_const(image);
	struct synfw_class_tables tables = *image_class_tables(image);
	const size_t behind = SYNFW_LINE_BYTES + sizeof(tables);

	if (tables.basis)
		header.nr_lines = tables.basis;
	tables.basis = 0;
	sha256_update(context, sizeof(header), (const uint8_t *)&header);
	sha256_update(context, sizeof(tables), (const uint8_t *)&tables);
	sha256_update(context, (size_t)header.nr_lines * SYNFW_LINE_BYTES - behind,
		      (const uint8_t *)image->lines + behind);
}

void image_digest(const struct image *image, char out[65])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	add_lines(&context, image);
	add_processes(&context, image->processes);
	sha256_digest(&context, sizeof(hash), hash);
	base16_encode_update(out, sizeof(hash), hash);
	out[2 * sizeof(hash)] = '\0';
}

void image_free(struct image *image)
{
	if (!image)
		return;
	free(image->lines);
	process_tables_free(image->processes);
	free(image);
}

void image_freep(struct image **image)
{
	image_free(*image);
}
