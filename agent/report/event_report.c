/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "event_report.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "datapath/members.h"
#include "datapath/packet_text.h"
#include "datapath/shadow.h"
#include "datapath/source.h"

#define TCP_FLAGS_MAX 40

static const char *kind_word(const struct synfw_event *event)
{
	static const char *const words[] = {
		[SYNFW_EVENT_DROP] = "drop",
		[SYNFW_EVENT_BLOCK] = "block",
		[SYNFW_EVENT_FLAG] = "flag",
		[SYNFW_EVENT_RULE] = "rule",
	};

	return event->kind < SYNFW_NR_EVENT_KINDS ? words[event->kind] : "unknown";
}

const char *event_time_text(uint64_t boot_ns, char out[EVENT_TIME_MAX])
{
	uint64_t real_ns = source_real_time(boot_ns);
	time_t seconds = real_ns / 1000000000ULL;
	struct tm utc;
	size_t length;

	if (!gmtime_r(&seconds, &utc))
		return "?";
	length = strftime(out, EVENT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + length, EVENT_TIME_MAX - length, ".%06uZ",
		 (unsigned int)(real_ns % 1000000000ULL / 1000));
	return out;
}

static const char *address_text(const struct synfw_addr6 *key, char out[INET6_ADDRSTRLEN])
{
	const struct any_prefix address = member_address(key);
	bool is_ipv4 = address.family == 4;

	inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? key->byte + 12 : key->byte, out,
		  INET6_ADDRSTRLEN);
	return out;
}

static const char *tcp_flags_text(uint8_t flags, char out[TCP_FLAGS_MAX])
{
	static const char *const words[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	size_t bit, length = 0;

	snprintf(out, TCP_FLAGS_MAX, "none");
	for (bit = 0; bit < sizeof(words) / sizeof(*words); bit++)
		if (flags >> bit & 1)
			length += snprintf(out + length, TCP_FLAGS_MAX - length, "%s%s",
					   length ? "," : "", words[bit]);
	return out;
}

static bool is_icmp(const struct synfw_event *event)
{
	return event->protocol == IPPROTO_ICMP || event->protocol == IPPROTO_ICMPV6;
}

static bool has_ports(const struct synfw_event *event)
{
	return !is_icmp(event) && (event->sport || event->dport);
}

/* The name of an interface, NULL when it is gone. Asking the kernel takes longer than all else that
 * an event costs, so what it said holds for a second of events. */
static const char *interface_name(const struct synfw_event *event)
{
	static struct {
		uint32_t ifindex;
		uint64_t asked_boot_ns;
		char name[IF_NAMESIZE]; /* empty: there is none */
	} known;

	if (known.ifindex != event->ifindex ||
	    event->time_boot_ns - known.asked_boot_ns > 1000000000ULL) {
		known.ifindex = event->ifindex;
		known.asked_boot_ns = event->time_boot_ns;
		if (!if_indextoname(event->ifindex, known.name))
			known.name[0] = '\0';
	}
	return known.name[0] ? known.name : NULL;
}

/* ---- text ---- */

static void write_endpoint(const struct synfw_addr6 *address, uint16_t port, bool with_port,
			   FILE *stream)
{
	char text[INET6_ADDRSTRLEN];

	address_text(address, text);
	if (!with_port)
		fputs(text, stream);
	else
		fprintf(stream, strchr(text, ':') ? "[%s]:%u" : "%s:%u", text, port);
}

static void write_packet(const struct synfw_event *event, FILE *stream)
{
	char number[16], flags[TCP_FLAGS_MAX];
	const char *interface = interface_name(event);

	write_endpoint(&event->src, event->sport, has_ports(event), stream);
	fputs(" > ", stream);
	write_endpoint(&event->dst, event->dport, has_ports(event), stream);
	fprintf(stream, " %s", packet_protocol_word(event->protocol, number));
	if (event->protocol == IPPROTO_TCP)
		fprintf(stream, " %s", tcp_flags_text(event->tcp_flags, flags));
	if (is_icmp(event))
		fprintf(stream, " type %u", event->dport);
	if (interface)
		fprintf(stream, " on %s", interface);
	else
		fprintf(stream, " on interface %u", event->ifindex);
	if (event->vlan != SYNFW_VLAN_NONE)
		fprintf(stream, " vlan %u", event->vlan);
}

static void write_score(const struct synfw_event *event, const struct rule_names *names,
			FILE *stream)
{
	CLEANUP(cleanup_free) char *parts = NULL;

	if (event->score_before == event->score_after)
		return;
	parts = rule_names_parts_text(names, event->part);
	fprintf(stream, ", score %u to %u%s%s", event->score_before, event->score_after,
		parts && *parts ? ": " : "", parts ? parts : "");
}

void event_write_text(const struct synfw_event *event, const struct rule_names *names, FILE *stream)
{
	const struct rule_name *rule = rule_names_find(names, event->counter);
	char when[EVENT_TIME_MAX];

	fprintf(stream, "%s %s%-5s ", event_time_text(event->time_boot_ns, when),
		event->flags & SYNFW_EVENT_MONITOR ? "would " : "", kind_word(event));
	write_packet(event, stream);
	fprintf(stream, ": %s", shadow_reason_word(event->reason));
	if (rule)
		fprintf(stream, " \"%s\" at %s:%u", rule->name, names->file, rule->line);
	if (event->pid)
		fprintf(stream, ", as a peer of process %u", event->pid);
	write_score(event, names, stream);
	if (event->kind == SYNFW_EVENT_BLOCK && event->block_expires_boot_ns)
		fprintf(stream, ", until %s", event_time_text(event->block_expires_boot_ns, when));
	else if (event->kind == SYNFW_EVENT_BLOCK)
		fputs(", until it is unblocked", stream);
	if (event->sample > 1)
		fprintf(stream, ", one of %u", event->sample);
	fputc('\n', stream);
}

/* ---- JSON ---- */

static json_t *number_or_null(bool is_there, uint64_t number)
{
	return is_there ? json_integer(number) : json_null();
}

static json_t *blocked_until_json(const struct synfw_event *event)
{
	char when[EVENT_TIME_MAX];

	if (event->kind != SYNFW_EVENT_BLOCK || !event->block_expires_boot_ns)
		return json_null();
	return json_string(event_time_text(event->block_expires_boot_ns, when));
}

json_t *event_json(const struct synfw_event *event, const struct rule_names *names)
{
	char when[EVENT_TIME_MAX], src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN],
		flags[TCP_FLAGS_MAX], number[16];
	/* clang-format off */
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:s, s:o, s:s, s:I, s:o, s:o, s:o, s:I, s:o,"
		" s:I, s:I, s:b, s:I, s:I, s:o, s:o, s:o}",
		"schema", "synfw.event/1",
		"time", event_time_text(event->time_boot_ns, when),
		"kind", kind_word(event),
		"verdict", event->verdict == SYNFW_DROP ? "drop" : "allow",
		"monitor", !!(event->flags & SYNFW_EVENT_MONITOR),
		"reason", shadow_reason_word(event->reason),
		"src", address_text(&event->src, src),
		"src_port", number_or_null(has_ports(event), event->sport),
		"dst", address_text(&event->dst, dst),
		"dst_port", number_or_null(has_ports(event), event->dport),
		"protocol", packet_protocol_word(event->protocol, number),
		"protocol_number", (json_int_t)event->protocol,
		"icmp_type", number_or_null(is_icmp(event), event->dport),
		"tcp_flags", event->protocol == IPPROTO_TCP
				     ? json_string(tcp_flags_text(event->tcp_flags, flags))
				     : json_null(),
		"interface", json_text_or_null(interface_name(event)),
		"ifindex", (json_int_t)event->ifindex,
		"vlan", number_or_null(event->vlan != SYNFW_VLAN_NONE, event->vlan),
		"bytes", (json_int_t)event->bytes,
		"sample", (json_int_t)event->sample,
		"first", !!(event->flags & SYNFW_EVENT_FIRST),
		"score_before", (json_int_t)event->score_before,
		"score_after", (json_int_t)event->score_after,
		"parts", rule_names_parts_json(names, event->part),
		"blocked_until", blocked_until_json(event),
		"peer_of", number_or_null(event->pid, event->pid));
	/* clang-format on */

	if (object)
		rule_names_json(names, event->counter, object);
	return object;
}
