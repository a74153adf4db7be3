/* Lists of IP addresses: parsed from the command line, packed for the kernel, formatted for the report. */
#include "peer.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

socklen_t address_length(const void *address)
{
	const struct sockaddr *any = address;

	return any->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* `text` is "192.0.2.1", "2001:db8::1" or "fe80::1%eth0". */
bool add_address(struct address_list *list, const char *text, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	char host[INET6_ADDRSTRLEN];
	const char *zone = strchr(text, '%');
	size_t length = zone ? (size_t)(zone - text) : strlen(text);
	const void *address = &v4;

	if (list->count == MAX_ADDRESSES || length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = 0;
	if (inet_pton(AF_INET, host, &v4.sin_addr) != 1) {
		if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
			return false;
		if (zone) {
			v6.sin6_scope_id = if_nametoindex(zone + 1);
			if (v6.sin6_scope_id == 0)
				return false;
		}
		address = &v6;
	}
	memcpy(list->packed + list->bytes, address, address_length(address));
	list->bytes += address_length(address);
	list->count++;
	return true;
}

void set_port(struct address_list *list, uint16_t port)
{
	size_t at = 0;

	for (int i = 0; i < list->count; i++) {
		/* sin_port and sin6_port share their place. */
		struct sockaddr_in address;

		memcpy(&address, list->packed + at, sizeof(address));
		address.sin_port = htons(port);
		memcpy(list->packed + at, &address, sizeof(address));
		at += address_length(&address);
	}
}

void format_address(const void *address, char *text, size_t size)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	char host[INET6_ADDRSTRLEN];

	memcpy(&v4, address, sizeof(v4));
	if (v4.sin_family == AF_INET) {
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(v4.sin_port));
	} else if (v4.sin_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		/* The kernel gives ::1 a scope too, which means nothing. */
		if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr))
			snprintf(text, size, "[%s%%%u]:%u", host, v6.sin6_scope_id, ntohs(v6.sin6_port));
		else
			snprintf(text, size, "[%s]:%u", host, ntohs(v6.sin6_port));
	} else {
		snprintf(text, size, "family %u", v4.sin_family);
	}
}
