/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "capture.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* libpcap brings along D-Bus, systemd and what those need: to load them takes as long as everything
 * else that a short command does (measured: 1.2 of 2.4 ms). Only who reads a capture waits for it.
 */
static struct {
	void *library;
	__typeof__(&pcap_open_offline) open_offline;
	__typeof__(&pcap_datalink) datalink;
	__typeof__(&pcap_datalink_val_to_name) datalink_val_to_name;
	__typeof__(&pcap_next_ex) next_ex;
	__typeof__(&pcap_geterr) geterr;
	__typeof__(&pcap_close) close;
} libpcap;

static int load_libpcap(struct fault *fault)
{
	static const struct {
		const char *name;
		void **function;
	} functions[] = {
		{"pcap_open_offline", (void **)&libpcap.open_offline},
		{"pcap_datalink", (void **)&libpcap.datalink},
		{"pcap_datalink_val_to_name", (void **)&libpcap.datalink_val_to_name},
		{"pcap_next_ex", (void **)&libpcap.next_ex},
		{"pcap_geterr", (void **)&libpcap.geterr},
		{"pcap_close", (void **)&libpcap.close},
	};
	/* as Debian calls it, and as its authors do */
	static const char *const names[] = {"libpcap.so.0.8", "libpcap.so.1"};
	size_t i;

	for (i = 0; !libpcap.library && i < sizeof(names) / sizeof(*names); i++)
		libpcap.library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!libpcap.library)
		return fault_refuse(fault, EXIT_KERNEL, "captures need libpcap: %s", dlerror());
	for (i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		*functions[i].function = dlsym(libpcap.library, functions[i].name);
		if (!*functions[i].function)
			return fault_refuse(fault, EXIT_KERNEL, "libpcap has no %s",
					    functions[i].name);
	}
	return 0;
}

/* A capture may claim any length; no frame is longer than what the shadow program takes. */
#define MAX_FRAME (1U << 17)

/* How packets of a link type become Ethernet frames: what stands in front of the network header,
 * and where it says which protocol that is. */
struct link_type {
	int dlt;
	uint32_t header_bytes;
	int protocol_offset; /* of a big-endian ethertype; -1: the IP version says it */
};

static const struct link_type link_types[] = {
	{DLT_RAW, 0, -1},	 {DLT_IPV4, 0, -1},  {DLT_IPV6, 0, -1}, {DLT_LINUX_SLL, 16, 14},
	{DLT_LINUX_SLL2, 20, 0}, {DLT_SLIP, 16, -1}, {DLT_NULL, 4, -1},
};

struct capture {
	pcap_t *pcap;
	const struct link_type *link_type; /* NULL: Ethernet */
	uint8_t *frame;
};

static int find_link_type(const char *path, struct capture *capture, struct fault *fault)
{
	int dlt = libpcap.datalink(capture->pcap);
	const char *name = libpcap.datalink_val_to_name(dlt);
	size_t i;

	if (dlt == DLT_EN10MB)
		return 0;
	for (i = 0; i < sizeof(link_types) / sizeof(*link_types); i++)
		if (link_types[i].dlt == dlt) {
			capture->link_type = &link_types[i];
			return 0;
		}
	return fault_refuse(fault, EXIT_USAGE,
			    "\"%s\" holds packets of link type %s; Ethernet, raw IP, Linux cooked "
			    "and SLIP are understood",
			    path, name ? name : "unknown");
}

int capture_open(const char *path, struct fault *fault, struct capture **ret_capture)
{
	CLEANUP(capture_closep) struct capture *capture = calloc(1, sizeof(*capture));
	char error[PCAP_ERRBUF_SIZE] = "";
	int err;

	if (!capture || !(capture->frame = malloc(MAX_FRAME)))
		return fault_system(fault, -ENOMEM, "cannot open \"%s\"", path);
	err = load_libpcap(fault);
	if (err)
		return err;
	capture->pcap = libpcap.open_offline(path, error);
	if (!capture->pcap)
		return fault_refuse(fault, EXIT_USAGE, "cannot read the capture \"%s\": %s", path,
				    error);
	err = find_link_type(path, capture, fault);
	if (err)
		return err;
	*ret_capture = TAKE_PTR(capture);
	return 0;
}

/* The ethertype of a packet that has no Ethernet header. 0: cannot be told. */
static uint16_t ethertype_of(const struct link_type *type, const uint8_t *bytes, uint32_t length)
{
	uint16_t ethertype;

	if (type->protocol_offset >= 0) {
		if (length < type->header_bytes)
			return 0;
		memcpy(&ethertype, bytes + type->protocol_offset, sizeof(ethertype));
		return ntohs(ethertype);
	}
	if (length <= type->header_bytes)
		return 0;
	switch (bytes[type->header_bytes] >> 4) {
	case 4:
		return ETH_P_IP;
	case 6:
		return ETH_P_IPV6;
	default:
		return 0;
	}
}

/* Writes an Ethernet header and returns how many bytes of the packet it takes the place of. */
static uint32_t build_header(struct capture *capture, const uint8_t *bytes, uint32_t length)
{
	static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint16_t ethertype = htons(ethertype_of(capture->link_type, bytes, length));

	memcpy(capture->frame, addresses, sizeof(addresses));
	memcpy(capture->frame + sizeof(addresses), &ethertype, sizeof(ethertype));
	return length < capture->link_type->header_bytes ? length
							 : capture->link_type->header_bytes;
}

int capture_next(struct capture *capture, struct fault *fault, const uint8_t **ret_frame,
		 uint32_t *ret_length)
{
	uint32_t skip = 0, put = 0, captured, length;
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	int result = libpcap.next_ex(capture->pcap, &header, &bytes);

	if (result == PCAP_ERROR_BREAK)
		return 0;
	if (result != 1)
		return fault_refuse(fault, EXIT_USAGE, "the capture is damaged: %s",
				    libpcap.geterr(capture->pcap));
	if (capture->link_type) {
		skip = build_header(capture, bytes, header->caplen);
		put = ETH_HLEN;
	}
	length = header->len > header->caplen ? header->len : header->caplen;
	length = length - skip > MAX_FRAME - put ? MAX_FRAME : length - skip + put;
	captured = header->caplen - skip > length - put ? length - put : header->caplen - skip;
	memcpy(capture->frame + put, bytes + skip, captured);
	memset(capture->frame + put + captured, 0, length - put - captured);
	*ret_frame = capture->frame;
	*ret_length = length;
	return 1;
}

void capture_closep(struct capture **capture)
{
	if (!*capture)
		return;
	if ((*capture)->pcap)
		libpcap.close((*capture)->pcap);
	free((*capture)->frame);
	free(*capture);
	*capture = NULL;
}
