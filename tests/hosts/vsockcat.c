/* Relays standard input and output over a virtio socket, for the tests: on the host and in guests.
 *
 *   vsockcat listen PORT          takes one connection       vsockcat connect CID PORT
 *
 * The end of the input closes this direction only. Ends when the other side has closed its own. Exit status: 0; 1 for
 * an error; 3 when the connection was reset. */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "vsockcat: %s: %s\n", what, strerror(errno));
	return 1;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int ended(const char *what)
{
	if (errno != ECONNRESET && errno != EPIPE && errno != ENOTCONN)
		return fail(what);
	fprintf(stderr, "vsockcat: the connection was reset\n");
	return 3;
}

static int relay(int sock)
{
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
	char data[65536];

	for (;;) {
		ssize_t n;

		if (poll(p, 2, -1) < 0)
			return fail("poll");
		if (p[0].revents) {
			n = read(sock, data, sizeof(data));
			if (n < 0)
				return ended("read");
			if (n == 0)
				return 0;
			if (write_all(STDOUT_FILENO, data, (size_t)n) < 0)
				return fail("write");
		}
		if (p[1].revents) {
			n = read(STDIN_FILENO, data, sizeof(data));
			if (n < 0)
				return fail("read");
			if (n > 0 && write_all(sock, data, (size_t)n) < 0)
				return ended("write");
			if (n == 0) {
				shutdown(sock, SHUT_WR);
				p[1].fd = -1;
			}
		}
	}
}

static int take_one(int sock, const struct sockaddr_vm *address)
{
	if (bind(sock, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -1;
	if (listen(sock, 1) < 0)
		return -1;
	fprintf(stderr, "vsockcat: listening\n");
	return accept(sock, NULL, NULL);
}

int main(int argc, char **argv)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	int sock = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return fail("socket");
	if (argc == 3 && strcmp(argv[1], "listen") == 0) {
		address.svm_port = (unsigned)strtoul(argv[2], NULL, 10);
		sock = take_one(sock, &address);
		if (sock < 0)
			return fail("listen");
	} else if (argc == 4 && strcmp(argv[1], "connect") == 0) {
		address.svm_cid = (unsigned)strtoul(argv[2], NULL, 10);
		address.svm_port = (unsigned)strtoul(argv[3], NULL, 10);
		if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
			return fail("connect");
	} else {
		fprintf(stderr, "usage: vsockcat listen PORT | vsockcat connect CID PORT\n");
		return 1;
	}
	return relay(sock);
}
