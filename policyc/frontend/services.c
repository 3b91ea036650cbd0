/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "services.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "parser.h"
#include "suggest.h"

static const struct {
	const char *name;
	uint8_t proto;
} protocols[] = {
	{"tcp", 6},	{"udp", 17}, {"sctp", 132}, {"icmp", 1},
	{"icmpv6", 58}, {"gre", 47}, {"esp", 50},   {"ah", 51},
};

int protocol_parse(const char *text, size_t length)
{
	uint32_t number;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strlen(protocols[i].name) == length && !memcmp(protocols[i].name, text, length))
			return protocols[i].proto;
	return parse_number(text, length, 255, &number) ? (int)number : -1;
}

const char *protocol_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].proto == proto)
			return protocols[i].name;
	return NULL;
}

bool is_port_text(const char *text)
{
	size_t number = strspn(text, "0123456789-");

	return number && text[0] != '-' && (!text[number] || text[number] == '/');
}

const char *port_range_parse(const char *text, size_t length, struct port_range *ret)
{
	const char *slash = memchr(text, '/', length);
	size_t numbers = slash ? (size_t)(slash - text) : length;
	const char *dash = memchr(text, '-', numbers);
	size_t first_length = dash ? (size_t)(dash - text) : numbers;
	uint32_t first, last;
	int proto = 0;

	if (!parse_number(text, first_length, 65535, &first))
		return "is not a port: 0 to 65535";
	last = first;
	if (dash && !parse_number(dash + 1, numbers - first_length - 1, 65535, &last))
		return "is not a range of ports: 0 to 65535";
	if (last < first)
		return "is an empty range: its end is below its start";
	if (slash) {
		proto = protocol_parse(slash + 1, length - numbers - 1);
		if (proto < 0 || !protocol_has_ports((uint8_t)proto))
			return "names no protocol with ports: tcp, udp or sctp";
	}
	*ret = (struct port_range){(uint8_t)proto, (uint16_t)first, (uint16_t)last};
	return NULL;
}

void service_table_done(struct service_table *table)
{
	for (size_t i = 0; i < table->nr_services; i++) {
		free((char *)table->services[i].name);
		free(table->services[i].ports);
	}
	free(table->services);
	name_table_done(&table->names);
	*table = (struct service_table){0};
}

/* The service of that name, added if need be. NULL without memory. */
static struct service *service_get(struct service_table *table, const char *name, size_t length)
{
	uint32_t index = name_table_find(&table->names, name, length);
	struct service *service;

	if (index != NAME_NOT_FOUND)
		return &table->services[index];
	service = ARRAY_APPEND(table->services, table->nr_services);
	if (!service)
		return NULL;
	service->name = strndup(name, length);
	if (!service->name ||
	    name_table_add(&table->names, name, length, (uint32_t)(table->nr_services - 1)))
		return NULL;
	return service;
}

static int service_add(struct service *service, const struct port_range *range)
{
	struct port_range *added = ARRAY_APPEND(service->ports, service->nr_ports);

	if (!added)
		return -ENOMEM;
	*added = *range;
	return 0;
}

const struct service *service_find(const struct service_table *table, const char *name)
{
	uint32_t index = name_table_find(&table->names, name, strlen(name));

	return index == NAME_NOT_FOUND ? NULL : &table->services[index];
}

struct word {
	const char *text;
	size_t length;
};

static struct word next_word(const char **text, const char *end)
{
	const char *start = *text, *stop;

	while (start < end && (*start == ' ' || *start == '\t' || *start == '\r'))
		start++;
	for (stop = start; stop < end && *stop != ' ' && *stop != '\t' && *stop != '\r'; stop++)
		;
	*text = stop;
	return (struct word){start, (size_t)(stop - start)};
}

/* "ssh 22/tcp alias ...": the name and every alias get the port. Names below `own` are the
 * policy's. */
static int add_system_line(struct service_table *table, size_t own, const char *line,
			   const char *end)
{
	struct word name = next_word(&line, end), port = next_word(&line, end);
	struct port_range range;

	if (!name.length || !memchr(port.text, '/', port.length) ||
	    port_range_parse(port.text, port.length, &range))
		return 0;
	for (; name.length; name = next_word(&line, end)) {
		uint32_t index = name_table_find(&table->names, name.text, name.length);
		struct service *service;
		int err;

		if (index != NAME_NOT_FOUND && index < own)
			continue;
		service = service_get(table, name.text, name.length);
		err = service ? service_add(service, &range) : -ENOMEM;
		if (err)
			return err;
	}
	return 0;
}

int service_table_add_system(struct service_table *table, const char *text, size_t length)
{
	const char *end = text + length;
	size_t own = table->nr_services;
	int err = 0;

	for (const char *line = text; line < end && !err;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;
		const char *comment = memchr(line, '#', (size_t)(line_end - line));

		err = add_system_line(table, own, line, comment ? comment : line_end);
		line = newline ? newline + 1 : end;
	}
	return err;
}

static int parse_service_port(struct parser *parser, const struct schema_key *key,
			      const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a port");
	struct service *service = target;
	struct port_range range;
	const char *problem;

	if (!text)
		return 0;
	problem = port_range_parse(text, strlen(text), &range);
	if (problem) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" %s", text, problem);
		return 0;
	}
	return service_add(service, &range);
}

int parse_services(struct parser *parser, const struct schema_key *key, const struct node *value,
		   void *target)
{
	struct service_table *table = &parser->services;
	int err = 0;

	if (value->kind == NODE_SCALAR && !value->text[0])
		return 0;
	if (value->kind != NODE_MAPPING) {
		diag_error(parser->diags, location_of(parser, value),
			   "services have to be a mapping of names to ports");
		return 0;
	}
	for (const struct node *name = value->first; name && !err; name = name->next->next) {
		const struct schema_key list = {.name = name->text};
		struct service *service;

		if (name->kind != NODE_SCALAR || !check_name(parser, name, "a name"))
			continue;
		if (is_port_text(name->text)) {
			diag_error(parser->diags, location_of(parser, name),
				   "a service cannot be called \"%s\": it reads as a port",
				   name->text);
			continue;
		}
		service = service_get(table, name->text, strlen(name->text));
		if (!service)
			return -ENOMEM;
		if (name->next->kind != NODE_INVALID)
			err = parse_list(parser, &list, name->next, parse_service_port, service);
	}
	return err;
}
