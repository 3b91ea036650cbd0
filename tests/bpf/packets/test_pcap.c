/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Captured packets of awkward shapes (QinQ, IPv6 hop-by-hop and routing headers, frames of
 * segmentation offload): reference model, image and BPF program agree about each, whole (or as much
 * of it as the kernel runs) and cut at every byte of its headers, under random policies.
 */
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <synfw/cleanup.h>

#include "base/must.h"
#include "random/random_policy.h"
#include "harness/test_data.h"
#include "harness/trial.h"

#define NR_POLICIES    8
#define ETHERNET_BYTES 14
#define HEADER_BYTES   160 /* cut up to here: two tags, IPv6 and several headers */

static const char *const captures[] = {"802.1ad_QinQ.pcap", "bigtcp-ipv6-hbh.pcap",
				       "cve2015-0261-ipv6.pcap", "dns_udp.pcap", "gso-ipv6.pcap"};

static bool packet_agrees(struct trial *trial, const uint8_t *data, size_t length)
{
	const struct policyc_interface *interface = &random_interfaces[0];

	for (size_t cut = DATAPATH_MIN_FRAME; cut < length && cut < HEADER_BYTES; cut++)
		if (!trial_agrees(trial, data, cut, interface, NULL))
			return false;
	if (length > DATAPATH_MAX_FRAME)
		length = DATAPATH_MAX_FRAME;
	return trial_agrees(trial, data, length, interface, NULL);
}

/* A packet that was captured without an Ethernet header gets one. */
static bool ip_packet_agrees(struct trial *trial, const uint8_t *data, size_t length)
{
	uint8_t frame[DATAPATH_MAX_FRAME] = {};
	const bool v6 = length && data[0] >> 4 == 6;

	if (length > sizeof(frame) - ETHERNET_BYTES)
		length = sizeof(frame) - ETHERNET_BYTES;
	frame[12] = v6 ? 0x86 : 0x08;
	frame[13] = v6 ? 0xdd : 0x00;
	memcpy(frame + ETHERNET_BYTES, data, length);
	return packet_agrees(trial, frame, ETHERNET_BYTES + length);
}

/* Bytes of the link header of captures that are not of Ethernet; -1: unknown. */
static int link_header_bytes(int datalink)
{
	return datalink == DLT_SLIP ? 16 : datalink == DLT_RAW ? 0 : -1;
}

static bool captured_agrees(struct trial *trial, int datalink, const uint8_t *data, size_t length)
{
	int skip = link_header_bytes(datalink);

	if (datalink == DLT_EN10MB)
		return packet_agrees(trial, data, length);
	if (skip < 0 || length < (size_t)skip) {
		fprintf(stderr, "link type %d is not understood\n", datalink);
		return false;
	}
	return ip_packet_agrees(trial, data + skip, length - skip);
}

/* Returns the number of packets, or -1 after a disagreement. */
static int capture_agrees(struct trial *trial, const char *path)
{
	char message[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(path, message);
	struct pcap_pkthdr *header;
	const uint8_t *data;
	int packets = 0;

	if (!capture) {
		fprintf(stderr, "%s\n", message);
		return -1;
	}
	while (packets >= 0 && pcap_next_ex(capture, &header, &data) == 1)
		packets = captured_agrees(trial, pcap_datalink(capture), data, header->caplen)
				  ? packets + 1
				  : -1;
	pcap_close(capture);
	return packets;
}

static bool policy_agrees(struct datapath *datapath, struct trial_totals *totals, unsigned int seed,
			  int *ret_packets)
{
	struct rng rng = {seed};
	struct random_policy policy;
	struct trial trial = {};
	int packets = 0;
	bool agrees;

	random_policy(&rng, rng_between(&rng, 1, 100), &policy);
	agrees = trial_begin(&trial, datapath, totals, &policy.text, &policy.options, stderr) == 0;
	for (size_t i = 0; agrees && i < sizeof(captures) / sizeof(captures[0]); i++) {
		CLEANUP(cleanup_free) char *path = NULL;
		char name[64];
		int found;

		snprintf(name, sizeof(name), "pcap/%s", captures[i]);
		path = test_data_path(name);
		MUST(path);
		found = capture_agrees(&trial, path);
		agrees = found > 0;
		packets += found;
	}
	if (trial.datapath) {
		agrees = agrees && trial_counters_agree(&trial);
		trial_end(&trial);
	}
	random_policy_done(&policy);
	*ret_packets = packets;
	return agrees;
}

int main(void)
{
	CLEANUP(datapath_closep) struct datapath *datapath = NULL;
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	CLEANUP(cleanup_free) char *first = NULL;
	size_t length;
	int packets = 0;
	int err;

	MUST(totals);
	first = test_data_read("pcap/dns_udp.pcap", &length);
	if (!first)
		return test_data_report_absent("pcap");
	err = datapath_open(&datapath);
	if (err) {
		fprintf(stderr, "the BPF program cannot be loaded: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (unsigned int seed = 1; seed <= NR_POLICIES; seed++)
		if (!policy_agrees(datapath, totals, seed, &packets))
			return EXIT_FAILURE;
	printf("%d packets under %d policies, %llu checks: reference = image = BPF\n", packets,
	       NR_POLICIES, (unsigned long long)totals->checks);
	return EXIT_SUCCESS;
}
