/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tcp_flags.h"

#include <string.h>

static const struct {
	const char *name;
	uint8_t bit;
} flags[] = {
	{"fin", SYNFW_TCP_FIN}, {"syn", SYNFW_TCP_SYN}, {"rst", SYNFW_TCP_RST},
	{"psh", SYNFW_TCP_PSH}, {"ack", SYNFW_TCP_ACK}, {"urg", SYNFW_TCP_URG},
	{"ece", SYNFW_TCP_ECE}, {"cwr", SYNFW_TCP_CWR},
};

const char *flag_name(uint8_t bit)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].bit == bit)
			return flags[i].name;
	return NULL;
}

static uint8_t flag_bit(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strlen(flags[i].name) == length && !memcmp(flags[i].name, text, length))
			return flags[i].bit;
	return 0;
}

const char *flags_take_word(struct flags_words *words, const char *text, size_t length)
{
	bool negated = length > 4 && !memcmp(text, "not ", 4);
	uint8_t bit;

	words->count++;
	if (length == 4 && !memcmp(text, "none", 4)) {
		words->none = true;
		return NULL;
	}
	if (negated) {
		for (text += 4, length -= 4; length && *text == ' '; text++)
			length--;
	}
	bit = flag_bit(text, length);
	if (!bit)
		return "is not a flag: fin, syn, rst, psh, ack, urg, ece, cwr, one of them after "
		       "\"not\", or none";
	if (negated)
		words->clear |= bit;
	else
		words->set |= bit;
	return NULL;
}

const char *flags_finish(const struct flags_words *words, struct flags_match *ret)
{
	if (words->none && words->count > 1)
		return "\"none\" stands alone or not at all";
	if (words->set & words->clear)
		return "a flag cannot be set and clear";
	if (words->clear)
		*ret = (struct flags_match){words->set | words->clear, words->set};
	else
		*ret = (struct flags_match){0xff, words->set};
	return NULL;
}
