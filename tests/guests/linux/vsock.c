/*
 * For a Linux guest with virtio-vsock: answers a program of the host, and calls
 * one.
 *
 *   vsock listen PORT          takes one connection, sends every byte back
 *                              plus one, until the host sends no more
 *   vsock connect PORT BYTES   calls the host, sends so many bytes, reads until
 *                              the host sends no more
 *
 * Either prints how many bytes came and their sum.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#define HOST_CID 2

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static void print(unsigned long bytes, unsigned long sum)
{
    printf("vsock %lu bytes sum %lu\n", bytes, sum);
}

/* All of it, or -1. */
static int send_all(int fd, const unsigned char *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n <= 0) {
            return -1;
        }
        p += n;
        len -= n;
    }
    return 0;
}

static int echo(int fd)
{
    static unsigned char buf[65536];
    unsigned long bytes = 0, sum = 0;
    ssize_t n;

    while ((n = read(fd, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            sum += buf[i]++;
        }
        bytes += n;
        if (send_all(fd, buf, n) < 0) {
            return fail("write");
        }
    }
    print(bytes, sum);
    close(fd);
    return n < 0 ? fail("read") : 0;
}

static int do_listen(int fd, struct sockaddr_vm *at)
{
    at->svm_cid = VMADDR_CID_ANY;
    if (bind(fd, (struct sockaddr *)at, sizeof *at) < 0 ||
        listen(fd, 1) < 0) {
        return fail("listen");
    }
    puts("vsock listens");
    fflush(stdout);
    int client = accept(fd, NULL, NULL);
    return client < 0 ? fail("accept") : echo(client);
}

static int do_connect(int fd, struct sockaddr_vm *at, unsigned long bytes)
{
    static unsigned char buf[65536];
    unsigned long got = 0, sum = 0;
    ssize_t n;

    at->svm_cid = HOST_CID;
    if (connect(fd, (struct sockaddr *)at, sizeof *at) < 0) {
        return fail("connect");
    }
    for (unsigned long at_byte = 0; at_byte < bytes;) {
        size_t len = bytes - at_byte < sizeof buf ? bytes - at_byte
                                                  : sizeof buf;
        for (size_t i = 0; i < len; i++) {
            buf[i] = (at_byte + i) * 7;
        }
        if (send_all(fd, buf, len) < 0) {
            return fail("write");
        }
        at_byte += len;
    }
    shutdown(fd, SHUT_WR);
    while ((n = read(fd, buf, sizeof buf)) > 0) {
        got += n;
        for (ssize_t i = 0; i < n; i++) {
            sum += buf[i];
        }
    }
    print(got, sum);
    return n < 0 ? fail("read") : 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_vm at = { .svm_family = AF_VSOCK };
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    if (argc < 3 || fd < 0) {
        return argc < 3 ? 2 : fail("socket");
    }
    at.svm_port = atoi(argv[2]);
    if (!strcmp(argv[1], "listen")) {
        return do_listen(fd, &at);
    }
    return do_connect(fd, &at, argc > 3 ? strtoul(argv[3], NULL, 0) : 0);
}
