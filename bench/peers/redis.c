// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Redis server of the figure's own, on a socket in /tmp, and as much of its protocol
 * (RESP3) as is needed.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "peers.h"

#define REDIS_PROGRAM "/usr/local/bin/redis-server"
#define REDIS_SOCKET "/tmp/peers-redis.sock"

static int sock;
static char in[32768];
static size_t in_pos, in_end;

static void run_server(unsigned int nr)
{
	(void)nr;
	if (!freopen("/dev/null", "w", stdout))
		failed("/dev/null");
	execl(REDIS_PROGRAM, "redis-server", "--port", "0", "--unixsocket", REDIS_SOCKET,
	      "--save", "", "--appendonly", "no", "--maxclients", "2000", NULL);
	failed(REDIS_PROGRAM);
}

static int try_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = REDIS_SOCKET };

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		failed("socket");
	if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		return 0;
	close(sock);
	return -1;
}

void redis_start(void)
{
	if (access(REDIS_PROGRAM, X_OK))
		not_here("no " REDIS_PROGRAM);
	unlink(REDIS_SOCKET);
	spawn(run_server, 0);
	while (try_connect())
		usleep(10000);
	close(sock);
}

void redis_connect(void)
{
	while (try_connect())
		usleep(10000);
	in_pos = 0;
	in_end = 0;
	redis_send("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", 22);
	redis_expect('%');
}

void redis_send(const char *text, size_t len)
{
	while (len) {
		ssize_t done = write(sock, text, len);

		if (done <= 0)
			failed("write to redis");
		text += done;
		len -= done;
	}
}

static char next_byte(void)
{
	if (in_pos == in_end) {
		ssize_t done = read(sock, in, sizeof(in));

		if (done <= 0)
			failed("read from redis");
		in_pos = 0;
		in_end = done;
	}
	return in[in_pos++];
}

static void read_line(char *line, size_t size)
{
	size_t n = 0;
	char c;

	while ((c = next_byte()) != '\r') {
		if (n < size - 1)
			line[n++] = c;
	}
	line[n] = 0;
	next_byte();
}

/* The bytes of a string, and the end of line behind them. */
static void read_bytes(char *buf, size_t size, size_t len)
{
	size_t done = 0, part;

	while (done < len) {
		if (in_pos == in_end) {
			next_byte();
			in_pos--;
		}
		part = in_end - in_pos;
		if (part > len - done)
			part = len - done;
		if (done + part <= size)
			memcpy(buf + done, in + in_pos, part);
		in_pos += part;
		done += part;
	}
	next_byte();
	next_byte();
}

/* Of an array or map the parts are read, too; @buf and @len are of the last. */
char redis_reply(char *buf, size_t size, size_t *len)
{
	char line[512];
	long n;

	read_line(line, sizeof(line));
	n = atol(line + 1);
	*len = REDIS_NUMBER;
	switch (line[0]) {
	case '$':
		if (n < 0)
			return '_';
		*len = n;
		read_bytes(buf, size, n);
		break;
	case '%':
		n *= 2;
		/* fall through */
	case '*':
	case '>':
		while (n-- > 0)
			redis_reply(buf, size, len);
		break;
	case '-':
		fprintf(stderr, "redis: %s\n", line);
		exit(2);
	}
	return line[0];
}

void redis_expect(char kind)
{
	char got, buf[256];
	size_t len;

	got = redis_reply(buf, sizeof(buf), &len);
	if (got == kind)
		return;
	fprintf(stderr, "redis: reply %c, expected %c\n", got, kind);
	exit(2);
}
