/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policyc_compile: bits, classes field by field, coverage, layout. */
#include "policyc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "compile/basis.h"
#include "compile/coverage.h"
#include "compile/delta.h"
#include "compile/layout.h"
#include "compile/process_compile.h"
#include "compile/tables.h"

#define MIB (1ULL << 20)

static void build_done(struct build *build)
{
	vectors_done(&build->vectors);
	id_tables_done(&build->tables);
	for (int i = 0; i < SYNFW_NR_DIRS; i++) {
		free(build->uses[i].used);
		for (int family = 0; family < NR_FAMILIES; family++) {
			struct addresses *addresses = &build->addresses[i][family];

			ranges_done(&addresses->ranges);
			origins_done(&addresses->origins);
			delta_done(&addresses->delta);
			trie_done(&addresses->trie);
		}
	}
}

static void fields_find(struct build *build)
{
	memset(build->l4_offset, 0xff, sizeof(build->l4_offset));
	build->attr_offset = build->ifvlan_offset = NO_TABLE;
	build->dynamic_offset = build->source_flags_offset = NO_TABLE;
	for (uint32_t i = 0; i < build->bits->count; i++)
		if (bit_is_padding(&build->bits->bit[i]))
			vectors_forbid(&build->vectors, i);
	for (uint32_t i = 0; i < build->bits->count; i++)
		for (int field = 0; field < SYNFW_NR_FIELDS; field++)
			build->constrained[field] |= bit_constrains(&build->bits->bit[i], field);
	build->constrained[SYNFW_FIELD_ATTR] = true;
}

/* Of both directions; as much as is the same is made from the image before. */
static int addresses_build(struct build *build)
{
	const struct image *before = build->options->before;
	CLEANUP(basis_done) struct basis basis = {};
	int error = before ? basis_read(before, build->bits->nr_sets, &basis) : 0;

	build->basis = &basis;
	if (!error && build->constrained[SYNFW_FIELD_SRC])
		error = build_addresses(build, SYNFW_DIR_SRC);
	if (!error && build->constrained[SYNFW_FIELD_DST])
		error = build_addresses(build, SYNFW_DIR_DST);
	build->basis = NULL;
	return error;
}

static int fields_build(struct build *build)
{
	const bool *constrained = build->constrained;
	int error = build_attr(build);

	if (!error)
		error = addresses_build(build);
	if (!error && constrained[SYNFW_FIELD_L4DST])
		error = build_l4(build, SYNFW_FIELD_L4DST);
	if (!error && constrained[SYNFW_FIELD_L4SRC])
		error = build_l4(build, SYNFW_FIELD_L4SRC);
	if (!error && constrained[SYNFW_FIELD_IFVLAN])
		error = build_ifvlan(build);
	if (!error && constrained[SYNFW_FIELD_DYNAMIC])
		error = build_dynamic(build);
	if (!error)
		error = build_source_flags(build);
	return error;
}

/* When the vectors were stopped at the limit, the estimate is what the policy takes at least. */
static int refuse_size(const struct policy *policy, uint64_t bytes, uint64_t limit,
		       struct diags *diags)
{
	struct diag *diag = diag_error(diags, (struct location){.file = policy->file},
				       "the tables of this policy would take at least %llu MiB of "
				       "kernel memory; the limit is "
				       "%llu MiB",
				       (unsigned long long)((bytes + MIB - 1) / MIB),
				       (unsigned long long)(limit / MIB));

	diag_hint(diag,
		  "fewer rules that each name their own addresses and ports, more named sets");
	return -EINVAL;
}

int policyc_compile(const struct policy *policy, const struct policyc_options *options,
		    struct diags *diags, struct image **ret_image)
{
	static const struct policyc_options no_options;
	CLEANUP(bits_done) struct bits bits = {};
	CLEANUP(build_done)
	struct build build = {.bits = &bits, .options = options ? options : &no_options};
	CLEANUP(image_freep) struct image *image = calloc(1, sizeof(*image));
	uint64_t limit = build.options->max_table_bytes ? build.options->max_table_bytes
							: SYNFW_MAX_TABLE_BYTES;
	int error;

	if (!image)
		return -ENOMEM;
	error = bits_init(&bits, policy, build.options, diags);
	if (!error)
		error = vectors_init(&build.vectors, bits.count, limit);
	if (error)
		return error;
	fields_find(&build);
	error = fields_build(&build);
	if (!error)
		error = coverage_warn(&bits, &build.vectors, build.constrained, diags);
	if (!error)
		error = process_compile(policy, build.options, diags, &image->processes);
	if (!error)
		error = layout_image(&build, policy, image);
	if (error == -E2BIG) {
		uint64_t bytes =
			image->kernel_bytes ? image->kernel_bytes : vectors_bytes(&build.vectors);

		return refuse_size(policy, bytes, limit, diags);
	}
	if (error)
		return error;
	*ret_image = TAKE_PTR(image);
	return 0;
}
