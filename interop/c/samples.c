/*
 * Socket structures filled by a C compiler, as hexadecimal bytes: what the codecs of ffi have to produce and to read.
 * Prints one `name bytes` per line; tests/ffi/layout_test.ts says the same values in TypeScript.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

static void print(const char *name, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	printf("%s ", name);
	for (size_t i = 0; i < length; i++)
		printf("%02x", at[i]);
	putchar('\n');
}

static void print_addresses(void)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(5000) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(3868), .sin6_scope_id = 7 };
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/run/sockeye.sock" };
	struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0sockeye" };
	struct sockaddr_un unnamed = { .sun_family = AF_UNIX };

	inet_pton(AF_INET, "192.0.2.17", &v4.sin_addr);
	inet_pton(AF_INET6, "fe80::1:2", &v6.sin6_addr);
	v6.sin6_flowinfo = htonl(0x12345);
	print("sockaddr_in", &v4, sizeof(v4));
	print("sockaddr_in6", &v6, sizeof(v6));
	/* unix(7): a pathname counts its terminating zero, an abstract name has none. */
	print("sockaddr_un.path", &path, offsetof(struct sockaddr_un, sun_path) + strlen(path.sun_path) + 1);
	print("sockaddr_un.abstract", &abstract, offsetof(struct sockaddr_un, sun_path) + 1 + strlen("sockeye"));
	print("sockaddr_un.unnamed", &unnamed, offsetof(struct sockaddr_un, sun_path));
}

/* Two control messages of lengths that need padding, placed by the CMSG macros of cmsg(3). */
static void print_control(void)
{
	union {
		struct cmsghdr align;
		unsigned char bytes[CMSG_SPACE(2 * sizeof(int)) + CMSG_SPACE(5)];
	} control;
	struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int descriptors[2] = { 3, 4 };

	memset(&control, 0, sizeof(control));
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(descriptors));
	memcpy(CMSG_DATA(header), descriptors, sizeof(descriptors));
	header = CMSG_NXTHDR(&message, header);
	header->cmsg_level = IPPROTO_IP;
	header->cmsg_type = IP_TTL;
	header->cmsg_len = CMSG_LEN(5);
	memcpy(CMSG_DATA(header), "abcde", 5);
	print("cmsghdr", &control, sizeof(control));
	for (size_t length = 0; length < 18; length++) {
		char name[32];
		size_t space = CMSG_SPACE(length);

		snprintf(name, sizeof(name), "CMSG_SPACE(%zu)", length);
		print(name, &space, 1);
	}
}

static void print_times(void)
{
	struct timespec duration = { .tv_sec = 5, .tv_nsec = 999999999 };
	struct timeval timeout = { .tv_sec = 4294967296, .tv_usec = 250000 };

	print("timespec", &duration, sizeof(duration));
	print("timeval", &timeout, sizeof(timeout));
}

int main(void)
{
	struct ucred credentials = { .pid = 4242, .uid = 1000, .gid = 4294967294 };

	print_addresses();
	print_control();
	print_times();
	print("ucred", &credentials, sizeof(credentials));
	for (int i = 0; i < 134; i++)
		printf("strerror(%d) %s\n", i, strerror(i));
	return 0;
}
