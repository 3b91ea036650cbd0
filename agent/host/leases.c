/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "leases.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <synfw/cleanup.h>

/* dhclient appends to its file for months before it writes it anew; the last leases are the ones
 * that count. And nobody has more leases than this. */
#define MAX_FILE_BYTES (1 << 20)
#define MAX_FILES      1024

static int add_server(struct prefix_list *servers, const char *text, size_t length)
{
	struct any_prefix address;

	/* a lease has one address, not a network, and 0.0.0.0 says that it knows none */
	if (prefix_parse(text, length, &address) != PREFIX_OK || address.family != 4 ||
	    address.v4.prefixlen != 32 || !address.v4.addr)
		return 0;
	return prefix_list_add(servers, &address);
}

/* ---- lines ---- */

struct line {
	const char *text;
	size_t length;
};

/* The next line without the blanks around it. */
static bool next_line(const struct lease_file *file, size_t *position, struct line *ret_line)
{
	const char *begin = (const char *)file->bytes + *position, *end;
	size_t left = file->length - *position;

	if (!left)
		return false;
	end = memchr(begin, '\n', left);
	*position += end ? (size_t)(end - begin) + 1 : left;
	end = end ? end : begin + left;
	while (begin < end && strchr(" \t\r", *begin) && *begin)
		begin++;
	while (begin < end && strchr(" \t\r", end[-1]) && end[-1])
		end--;
	*ret_line = (struct line){.text = begin, .length = (size_t)(end - begin)};
	return true;
}

/* Whether the line begins with `key`; takes it off. */
static bool take(struct line *line, const char *key)
{
	size_t length = strlen(key);

	if (line->length < length || memcmp(line->text, key, length))
		return false;
	line->text += length;
	line->length -= length;
	return true;
}

int leases_parse_networkd(const struct lease_file *file, struct prefix_list *servers)
{
	struct line line;
	size_t position = 0;
	int err = 0;

	while (!err && next_line(file, &position, &line))
		if (take(&line, "SERVER_ADDRESS="))
			err = add_server(servers, line.text, line.length);
	return err;
}

/* ---- dhclient.leases(5) ---- */

/* "never;", "epoch 1790000000; # ..." or "4 2026/11/26 10:00:00;", in UTC. What it does not say in
 * one of these ways has not run out. */
static bool has_run_out(const struct line *line, int64_t now_s)
{
	struct tm when = {0};
	long long epoch;
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(line->length < 63 ? line->length : 63),
		 line->text);
	if (sscanf(text, "epoch %18lld", &epoch) == 1)
		return epoch < now_s;
	if (sscanf(text, "%*d %4d/%2d/%2d %2d:%2d:%2d", &when.tm_year, &when.tm_mon, &when.tm_mday,
		   &when.tm_hour, &when.tm_min, &when.tm_sec) != 6)
		return false;
	when.tm_year -= 1900;
	when.tm_mon -= 1;
	return timegm(&when) < now_s;
}

int leases_parse_dhclient(const struct lease_file *file, struct prefix_list *servers)
{
	struct line line, server = {0};
	bool in_lease = false, run_out = false;
	size_t position = 0;
	int err = 0;

	while (!err && next_line(file, &position, &line)) {
		if (take(&line, "lease {")) {
			in_lease = true;
			run_out = false;
			server.length = 0;
		} else if (take(&line, "option dhcp-server-identifier ")) {
			const char *end = memchr(line.text, ';', line.length);

			server.text = line.text;
			server.length = end ? (size_t)(end - line.text) : 0;
		} else if (take(&line, "expire ")) {
			run_out = has_run_out(&line, file->now_s);
		} else if (take(&line, "}")) {
			if (in_lease && !run_out && server.length)
				err = add_server(servers, server.text, server.length);
			in_lease = false;
		}
	}
	return err;
}

/* ---- dhcpcd: the server's answer as it came (RFC 2131, RFC 2132) ---- */

#define BOOTP_REPLY	   2
#define BOOTP_COOKIE	   236
#define BOOTP_OPTIONS	   240
#define OPTION_PAD	   0
#define OPTION_LEASE_TIME  51
#define OPTION_SERVER	   54
#define OPTION_END	   255
#define LEASE_TIME_FOREVER UINT32_MAX

/* The value of an option of four bytes, in host order, or `fallback`. */
static uint32_t find_option(const struct lease_file *file, uint8_t wanted, uint32_t fallback)
{
	size_t at = BOOTP_OPTIONS, length;
	uint32_t value_be;
	uint8_t code;

	while (at + 2 <= file->length && file->bytes[at] != OPTION_END) {
		code = file->bytes[at++];
		if (code == OPTION_PAD)
			continue;
		length = file->bytes[at++];
		if (length > file->length - at)
			return fallback;
		if (code == wanted && length == sizeof(value_be)) {
			memcpy(&value_be, file->bytes + at, sizeof(value_be));
			return ntohl(value_be);
		}
		at += length;
	}
	return fallback;
}

int leases_parse_dhcpcd(const struct lease_file *file, struct prefix_list *servers)
{
	static const uint8_t cookie[] = {99, 130, 83, 99};
	uint32_t server, lease_time;

	if (file->length < BOOTP_OPTIONS || file->bytes[0] != BOOTP_REPLY ||
	    memcmp(file->bytes + BOOTP_COOKIE, cookie, sizeof(cookie)))
		return 0;
	lease_time = find_option(file, OPTION_LEASE_TIME, LEASE_TIME_FOREVER);
	if (lease_time != LEASE_TIME_FOREVER && file->modified_s + lease_time < file->now_s)
		return 0;
	server = find_option(file, OPTION_SERVER, 0);
	return server ? prefix_list_add4(servers, server, 32) : 0;
}

/* ---- where they are ---- */

static const struct lease_place {
	const char *directory;
	const char *names; /* fnmatch(3) */
	int (*parse)(const struct lease_file *file, struct prefix_list *servers);
} places[] = {
	{"/run/systemd/netif/leases", "*", leases_parse_networkd},
	{"/var/lib/dhcp", "dhclient*.leases", leases_parse_dhclient},
	{"/var/lib/dhclient", "dhclient*.leases", leases_parse_dhclient},
	{"/var/lib/NetworkManager", "dhclient-*.lease", leases_parse_dhclient},
	{"/var/lib/dhcpcd", "*.lease", leases_parse_dhcpcd},
	{"/var/lib/dhcpcd5", "*.lease", leases_parse_dhcpcd},
};

#define NR_PLACES (sizeof(places) / sizeof(*places))

/* A directory may belong to the client's own user: what lies there must not make us wait. */
static int parse_file(int dir_fd, const char *name, const struct lease_place *place, int64_t now_s,
		      struct prefix_list *servers)
{
	CLEANUP(cleanup_fd)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(cleanup_free) uint8_t *bytes = NULL;
	struct lease_file file = {.now_s = now_s};
	size_t size;
	ssize_t length;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return 0;
	size = st.st_size < MAX_FILE_BYTES ? (size_t)st.st_size : MAX_FILE_BYTES;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	length = pread(fd, bytes, size, st.st_size - (off_t)size);
	if (length <= 0)
		return 0;
	file.bytes = bytes;
	file.length = (size_t)length;
	file.modified_s = st.st_mtime;
	return place->parse(&file, servers);
}

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_place(const struct lease_place *place, int64_t now_s, struct prefix_list *servers)
{
	CLEANUP(cleanup_closedir) DIR *dir = opendir(place->directory);
	struct dirent *entry;
	int files = 0, err = 0;

	while (dir && !err && files < MAX_FILES && (entry = readdir(dir))) {
		if (fnmatch(place->names, entry->d_name, FNM_PERIOD))
			continue;
		files++;
		err = parse_file(dirfd(dir), entry->d_name, place, now_s, servers);
	}
	return err;
}

int leases_read(int64_t now_s, struct prefix_list *servers)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < NR_PLACES; i++)
		err = read_place(&places[i], now_s, servers);
	return err;
}

void leases_each_directory(void (*fn)(const char *path, void *context), void *context)
{
	size_t i;

	for (i = 0; i < NR_PLACES; i++)
		fn(places[i].directory, context);
}
