/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_shape.h"

#define PICK(rng, array) ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])
#define ETHERNET_BYTES	 14

static const uint8_t ext_types[] = {0, 0, 43, 43, 44, 60, 60, 60, 60, 135, 139};

static void more_tags(struct rng *rng, struct frame_spec *spec)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x8100, 0x9100};
	static const uint16_t ids[] = {0, 1, 10, 20, 100, 4094, 4095};
	unsigned int tags = rng_between(rng, 1, FRAME_MAX_TAGS);

	while (spec->nr_tags < tags) {
		struct frame_tag *tag = &spec->tags[spec->nr_tags++];

		tag->tpid = PICK(rng, tpids);
		tag->tci = PICK(rng, ids) | rng_below(rng, 16) << 12;
	}
}

static void odd_ethertype(struct rng *rng, struct frame_spec *spec)
{
	static const uint16_t types[] = {0x0806, 0x0806, 0x88cc, 0x0026, 0x0000, 0x8864,
					 0xffff, 0x0800, 0x86dd, 0x8100, 0x88a8};

	spec->ethertype = FRAME_SET(PICK(rng, types));
}

static void options_or_extensions(struct rng *rng, struct frame_spec *spec)
{
	/* Mostly short chains; eight and nine are the limit and one more. */
	unsigned int chain =
		rng_percent(rng, 70) ? rng_between(rng, 1, 3) : rng_between(rng, 4, 10);

	spec->option_words = rng_between(rng, 1, 10);
	spec->tcp_option_words = rng_below(rng, 11);
	spec->nr_ext = chain;
	for (unsigned int i = 0; i < chain; i++) {
		spec->ext[i].type = PICK(rng, ext_types);
		spec->ext[i].units = rng_percent(rng, 70) ? 0 : rng_below(rng, 5);
	}
	spec->more_fragments = rng_percent(rng, 10);
}

static void fragment(struct rng *rng, struct frame_spec *spec)
{
	spec->fragment_offset = rng_percent(rng, 40) ? 0 : rng_between(rng, 1, 0x1fff);
	spec->more_fragments = rng_percent(rng, 60);
	spec->nr_ext = rng_between(rng, 1, 3);
	for (unsigned int i = 0; i < spec->nr_ext; i++)
		spec->ext[i].type = PICK(rng, ext_types);
	spec->ext[rng_below(rng, spec->nr_ext)].type = 44;
	spec->ext[rng_below(rng, spec->nr_ext)].type = 44;
	spec->fragment_at = rng_percent(rng, 20);
	if (rng_percent(rng, 30))
		spec->udp_length = FRAME_SET(rng_below(rng, 2000));
}

/* RFC 2675: the length stands in an option, the header's own field is 0. */
static void jumbogram(struct rng *rng, struct frame_spec *spec)
{
	spec->family = 6;
	spec->nr_ext = rng_between(rng, 1, 2);
	spec->ext[0].type = rng_percent(rng, 80) ? 0 : 60;
	spec->ext[1].type = PICK(rng, ext_types);
	spec->ip_length = FRAME_SET(0);
	if (rng_percent(rng, 50))
		spec->udp_length = FRAME_SET(0);
}

static void bad_ip_header(struct rng *rng, struct frame_spec *spec)
{
	switch (rng_below(rng, 3)) {
	case 0:
		spec->version = FRAME_SET(rng_below(rng, 16));
		break;
	case 1:
		spec->ihl = FRAME_SET(rng_below(rng, 16));
		break;
	case 2:
		spec->ip_length = FRAME_SET(rng_below(rng, rng_percent(rng, 80) ? 120 : 65536));
		break;
	}
}

static void bad_transport_header(struct rng *rng, struct frame_spec *spec)
{
	static const uint8_t flags[] = {0x03, 0x06, 0x07, 0x13, 0x16, 0xff, 0x3f, 0x00, 0x29};

	switch (rng_below(rng, 3)) {
	case 0:
		spec->doff = FRAME_SET(rng_below(rng, 16));
		break;
	case 1:
		spec->udp_length = FRAME_SET(rng_below(rng, 64));
		break;
	case 2:
		spec->tcp_flags = PICK(rng, flags);
		break;
	}
}

static void hop_limit(struct rng *rng, struct frame_spec *spec)
{
	static const uint8_t limits[] = {255, 254, 1, 0};

	spec->hop_limit = PICK(rng, limits);
}

void random_shape(struct rng *rng, struct frame_spec *spec)
{
	static const struct {
		unsigned int percent;
		void (*apply)(struct rng *rng, struct frame_spec *spec);
	} shapes[] = {
		{10, more_tags}, {3, odd_ethertype}, {20, options_or_extensions}, {10, fragment},
		{4, jumbogram},	 {5, bad_ip_header}, {7, bad_transport_header},
	};

	/* Neighbour discovery is only believed with 255. */
	if (spec->proto == 58 && rng_percent(rng, 80))
		spec->hop_limit = 255;
	else if (rng_percent(rng, 10))
		hop_limit(rng, spec);
	if (rng_percent(rng, 30))
		spec->padding = rng_below(rng, 47);
	if (rng_percent(rng, 45))
		return;
	for (unsigned int i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (rng_percent(rng, shapes[i].percent * 2))
			shapes[i].apply(rng, spec);
}

void random_damage(struct rng *rng, struct frame *frame)
{
	if (rng_percent(rng, 8))
		frame->length = rng_between(rng, ETHERNET_BYTES, frame->length);
	if (frame->length > ETHERNET_BYTES && rng_percent(rng, 4)) {
		unsigned int bytes = rng_between(rng, 1, 3);

		for (unsigned int i = 0; i < bytes; i++)
			frame->byte[rng_between(rng, 12, frame->length - 1)] = rng_next(rng);
	}
}
