/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_REASONS_H
#define SYNFW_REASONS_H

/*
 * Why a packet ended as it did. Every packet ends in exactly one reason, so the counters of all
 * reasons add up to the packets seen. Codes are part of the ABI: append, never renumber.
 *
 * SYNFW_REASON(code, NAME, "word", "sentence")
 */
#define SYNFW_REASONS(SYNFW_REASON)                                                                \
	SYNFW_REASON(0, NO_POLICY, "no-policy", "no policy is loaded; the packet passes")          \
	SYNFW_REASON(1, RULE_ALLOW, "rule-allow", "a rule allows it")                              \
	SYNFW_REASON(2, RULE_DROP, "rule-drop", "a rule drops it")                                 \
	SYNFW_REASON(3, DEFAULT_ALLOW, "default-allow", "no rule decided; defaults.incoming allows") \
	SYNFW_REASON(4, DEFAULT_DROP, "default-drop", "no rule decided; defaults.incoming drops")  \
	SYNFW_REASON(5, PROTECTED, "protected", "an entry of protect matches; never dropped")      \
	SYNFW_REASON(6, ICMP_ESSENTIAL, "icmp-essential", "ICMP that networks need, or defaults.icmp is allow") \
	SYNFW_REASON(7, ARP, "arp", "ARP is always passed")                                        \
	SYNFW_REASON(8, ETHERTYPE, "ethertype", "neither IPv4 nor IPv6; defaults.ethertypes decides") \
	SYNFW_REASON(9, FRAGMENT, "fragment", "a later fragment; defaults.fragments decides")      \
	SYNFW_REASON(10, TRUNCATED, "truncated", "the frame ends inside a header")                 \
	SYNFW_REASON(11, BAD_HEADER, "bad-header", "a header contradicts itself or the frame")     \
	SYNFW_REASON(12, BAD_FLAGS, "bad-flags", "TCP flags that no stack sends: SYN with FIN or RST") \
	SYNFW_REASON(13, TOO_MANY_TAGS, "too-many-tags", "more than two VLAN tags")                \
	SYNFW_REASON(14, TOO_MANY_HEADERS, "too-many-headers", "more than eight IPv6 extension headers") \
	SYNFW_REASON(15, BLOCKED, "blocked", "the source is blocked; `synfw why` says by what")     \
	SYNFW_REASON(16, SCORE, "score", "the score of the source reached scoring.drop-at")        \
	SYNFW_REASON(17, ESTABLISHED, "established", "part of a connection that this host opened")

enum synfw_reason {
#define SYNFW_REASON_ENUM(code, NAME, word, sentence) SYNFW_REASON_##NAME = code,
	SYNFW_REASONS(SYNFW_REASON_ENUM)
#undef SYNFW_REASON_ENUM
	SYNFW_NR_REASONS,
};

#endif
