/*
 * The other side of shared memory, futexes, eventfd and SCM_RIGHTS, without a line of ours:
 *
 *   doorbell PATH
 *
 * connects to the unix stream socket PATH, receives a memfd and an eventfd, waits until the memory's word 0 is no longer 0,
 * writes its value plus 1 into word 1 and wakes that, and adds 5 to the counter. Then it sends a memfd of its own that
 * holds "from C" with one byte, and 20 copies of it with another byte, and ends when the socket does.
 */

#include <err.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY 20

static long futex(uint32_t *word, int operation, uint32_t value)
{
    return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void receive_descriptors(int fd, int *descriptors, size_t count)
{
    char byte;
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * 8)];
    } control;
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    if (recvmsg(fd, &message, 0) != 1)
        err(1, "recvmsg");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * count))
        errx(1, "no %zu descriptors came", count);
    memcpy(descriptors, CMSG_DATA(header), sizeof(int) * count);
}

static void send_descriptors(int fd, const int *descriptors, size_t count)
{
    char byte = (char)count;
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MANY)];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(sizeof(int) * count),
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    if (sendmsg(fd, &message, MSG_NOSIGNAL) != 1)
        err(1, "sendmsg");
}

static int own_memory(void)
{
    int fd = memfd_create("doorbell", 0);
    if (fd < 0 || ftruncate(fd, 4096) != 0 || pwrite(fd, "from C", 6, 0) != 6)
        err(1, "memfd");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: doorbell PATH");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        err(1, "connect");

    int given[2];
    receive_descriptors(fd, given, 2);
    uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, given[0], 0);
    if (words == MAP_FAILED)
        err(1, "mmap");
    while (__atomic_load_n(&words[0], __ATOMIC_SEQ_CST) == 0)
        futex(&words[0], FUTEX_WAIT, 0);
    __atomic_store_n(&words[1], words[0] + 1, __ATOMIC_SEQ_CST);
    futex(&words[1], FUTEX_WAKE, INT_MAX);
    if (eventfd_write(given[1], 5) != 0)
        err(1, "eventfd");

    int own[MANY];
    for (int i = 0; i < MANY; i++)
        own[i] = i == 0 ? own_memory() : own[0];
    send_descriptors(fd, own, 1);
    send_descriptors(fd, own, MANY);

    char end;
    return read(fd, &end, 1) == 0 ? 0 : 1;
}
