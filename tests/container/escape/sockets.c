/* SPDX-License-Identifier: Apache-2.0 */
/* Socket families, raw sockets, privileged options, sockets of others. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "escape.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#define PAIR(type, protocol) ((long)(type) << 16 | (long)(protocol))

/* number: type << 16 | protocol; text: the family in decimal. */
static void make_socket(struct run *r)
{
	int family = 0, type = (int)(r->attempt->number >> 16);
	int protocol = (int)(r->attempt->number & 0xffff);

	(void)sscanf(r->attempt->text, "%d", &family);
	if (call(r, SYS_socket, family, type, protocol) < 0)
		refused(r);
	reached(r, "a socket of family %d, type %d, protocol %d", family, type, protocol);
}

/* The kernel takes ints: a filter must not be misled by what is above them. */
static void high_bits(struct run *r)
{
	long f = 1L << 32;

	if (call(r, SYS_socket, f | AF_ALG, SOCK_SEQPACKET, 0) >= 0 ||
	    call(r, SYS_socket, f | AF_PACKET, SOCK_RAW, 0) >= 0 ||
	    call(r, SYS_socket, AF_INET, f | SOCK_RAW, f | IPPROTO_ICMP) >= 0 ||
	    call(r, SYS_socket, f | AF_NETLINK, SOCK_RAW, f | NETLINK_NETFILTER) >= 0)
		reached(r, "a refused socket, with a bit above the argument");
	refused(r);
}

static void other_families(struct run *r)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
	char found[120] = "";
	int n = 0;

	for (int family = 0; family < 64; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
		    family == AF_NETLINK)
			continue;
		for (size_t t = 0; t < 4; t++) {
			if (call(r, SYS_socket, family, types[t], 0) < 0)
				continue;
			if (n++ < 12)
				(void)snprintf(found + strlen(found), sizeof(found) - strlen(found),
					       " %d", family);
			break;
		}
	}
	if (n)
		reached(r, "%d other families:%s", n, found);
	refused(r);
}

static void other_pairs(struct run *r)
{
	int fds[2] = {-1, -1};

	for (int family = 2; family < 64; family++)
		for (int type = 1; type < 6; type++)
			if (call(r, SYS_socketpair, family, type, 0, fds) == 0)
				reached(r, "a pair of family %d", family);
	refused(r);
}

static void alg(struct run *r)
{
	struct sockaddr_alg a = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
	long fd = call(r, SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);

	if (fd < 0)
		refused(r);
	reached(r, "a socket of the kernel's ciphers%s",
		bind((int)fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? ", sha256 bound" : "");
}

static void vsock(struct run *r)
{
	struct sockaddr_vm a = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = 1};
	long fd = call(r, SYS_socket, AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		refused(r);
	(void)connect((int)fd, (struct sockaddr *)&a, sizeof(a));
	reached(r, "a socket to the hypervisor");
}

static long inet(struct run *r)
{
	long fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		skip(r, "no AF_INET: %s", errno_name(errno));
	return fd;
}

static void option(struct run *r)
{
	int level, name, value = 1;
	static char table[128];

	(void)sscanf(r->attempt->text, "%d %d", &level, &name);
	if (level == SOL_SOCKET) {
		if (call(r, SYS_setsockopt, inet(r), level, name, &value, sizeof(value)) < 0)
			refused(r);
		reached(r, "it is set");
	}
	if (call(r, SYS_setsockopt, inet(r), level, name, table, sizeof(table)) >= 0 ||
	    r->err == EINVAL || r->err == ENOENT)
		reached(r, "the packet filter looks at its arguments: %s", errno_name(r->err));
	refused(r);
}

static void interface(struct run *r)
{
	struct ifreq req = {.ifr_name = "lo"};
	long fd = inet(r);

	if (ioctl((int)fd, SIOCGIFFLAGS, &req) < 0)
		skip(r, "no lo");
	if (call(r, SYS_ioctl, fd, SIOCSIFFLAGS, &req) < 0)
		refused(r);
	reached(r, "may switch interfaces");
}

static void low_port(struct run *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(80)};

	if (call(r, SYS_bind, inet(r), &a, sizeof(a)) < 0)
		refused(r);
	reached(r, "port 80");
}

/* A route request that changes something: a new interface. */
static void new_link(struct run *r)
{
	struct {
		struct nlmsghdr h;
		unsigned char body[16];
	} request = {.h = {.nlmsg_len = 32,
			   .nlmsg_type = 16 /* RTM_NEWLINK */,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE}};
	struct {
		struct nlmsghdr h;
		int error;
		char rest[512];
	} reply;
	long fd = syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		skip(r, "no NETLINK_ROUTE: %s", errno_name(errno));
	if (send((int)fd, &request, sizeof(request), 0) < 0 ||
	    recv((int)fd, &reply, sizeof(reply), 0) < 20)
		broken(r, "netlink: %s", errno_name(errno));
	if (reply.h.nlmsg_type == NLMSG_ERROR && reply.error == -EPERM)
		blocked(r, "EPERM (missing capability)");
	reached(r, "the request was looked at: %s", errno_name(-reply.error));
}

/* Over a socket pair, claim to be somebody else. */
static void forge_credentials(struct run *r)
{
	struct ucred claim = {.pid = 1, .uid = 0, .gid = 0};
	char control[CMSG_SPACE(sizeof(claim))], byte = 'x';
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) < 0)
		broken(r, "socketpair: %s", errno_name(errno));
	memset(control, 0, sizeof(control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(claim));
	memcpy(CMSG_DATA(c), &claim, sizeof(claim));
	if (call(r, SYS_sendmsg, fds[0], &m, 0) < 0)
		refused(r);
	reached(r, "a message that names PID 1 and root as its sender");
}

static void connect_abstract(struct run *r, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	long fd = call(r, SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		refused(r);
	if (len > sizeof(a.sun_path) - 1)
		broken(r, "the name is too long");
	memcpy(a.sun_path + 1, name, len);
	if (call(r, SYS_connect, fd, &a, offsetof(struct sockaddr_un, sun_path) + 1 + len) == 0)
		reached(r, "connected to @%s", name);
	if (r->err == ECONNREFUSED)
		blocked(r, "the network namespace: there is no @%s in it", name);
	if (r->err == EPERM)
		blocked(r, "Landlock EPERM");
	refused(r);
}

static void abstract(struct run *r)
{
	connect_abstract(r, r->config->abstract);
}

static void abstract_other(struct run *r)
{
	if (!r->config->victim)
		skip(r, "no process of another user was named (--victim)");
	connect_abstract(r, SIT_SOCKET);
}

/* Incus's guest API: its answer for root only. */
static void guest_api(struct run *r)
{
	static const char ask[] = "GET /1.0/devices HTTP/1.0\r\nHost: incus\r\n\r\n";
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/dev/incus/sock"};
	long fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char buf[64] = "";

	if (access(a.sun_path, F_OK) < 0)
		skip(r, "there is no %s", a.sun_path);
	if (call(r, SYS_connect, fd, &a, sizeof(a)) < 0)
		refused_path(r, a.sun_path, W_OK);
	(void)send((int)fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL);
	(void)recv((int)fd, buf, sizeof(buf) - 1, 0);
	if (strstr(buf, " 200 "))
		reached(r, "the list of devices with the host's paths");
	blocked(r, "Incus: %.30s", buf);
}

#define S(name, family, type, protocol)                                                           \
	{                                                                                         \
		"socket." name, "a socket of family " #family, make_socket, PAIR(type, protocol), \
			#family, BLOCK, 0                                                         \
	}
#define NL(name, protocol)                                                                       \
	{                                                                                        \
		"socket.netlink-" name, "netlink: " name, make_socket, PAIR(SOCK_RAW, protocol), \
			"16", BLOCK, 0                                                           \
	}
#define IN4(name, type, protocol)                                                                  \
	{                                                                                          \
		"socket." name, "AF_INET: " name, make_socket, PAIR(type, protocol), "2", BLOCK, 0 \
	}

const struct attempt attempts_sockets[] = {
	S("packet", 17, SOCK_RAW, 0x300),
	S("packet-cooked", 17, SOCK_DGRAM, 0x300),
	{"socket.alg", "AF_ALG", alg, 0, NULL, BLOCK, 0},
	{"socket.vsock", "AF_VSOCK", vsock, 0, NULL, BLOCK, 0},
	S("bluetooth", 31, SOCK_RAW, 1),
	S("key", 15, SOCK_RAW, 2),
	S("xdp", 44, SOCK_RAW, 0),
	S("can", 29, SOCK_RAW, 1),
	S("tipc", 30, SOCK_RAW, 0),
	S("rds", 21, SOCK_SEQPACKET, 0),
	S("kcm", 41, SOCK_DGRAM, 0),
	S("smc", 43, SOCK_STREAM, 0),
	{"socket.others", "every other family", other_families, 0, NULL, BLOCK, 0},
	{"socket.pairs", "pairs of other families", other_pairs, 0, NULL, BLOCK, 0},
	{"socket.high-bits", "families with a bit above the argument", high_bits, 0, NULL, BLOCK,
	 0},
	NL("sock_diag", 4),
	NL("nflog", 5),
	NL("xfrm", 6),
	NL("selinux", 7),
	NL("iscsi", 8),
	NL("audit", 9),
	NL("fib", 10),
	NL("connector", 11),
	NL("netfilter", 12),
	NL("generic", 16),
	NL("scsi", 18),
	NL("rdma", 20),
	NL("crypto", 21),
	IN4("raw-icmp", SOCK_RAW, 1),
	IN4("raw-ip", SOCK_RAW, 255),
	IN4("ping", SOCK_DGRAM, 1),
	IN4("old-packet", 10, 0x300),
	IN4("sctp", SOCK_STREAM, 132),
	IN4("dccp", 6, 33),
	IN4("udplite", SOCK_DGRAM, 136),
	IN4("mptcp", SOCK_STREAM, 262),
	IN4("l2tp", SOCK_DGRAM, 115),
	{"socket.raw-icmp6", "AF_INET6: raw ICMP", make_socket, PAIR(SOCK_RAW, 58), "10", BLOCK, 0},
	{"socket.mark", "SO_MARK", option, 0, "1 36", BLOCK, 0},
	{"socket.debug", "SO_DEBUG", option, 0, "1 1", BLOCK, 0},
	{"socket.force-buffer", "SO_RCVBUFFORCE", option, 0, "1 33", BLOCK, 0},
	{"socket.iptables", "IPT_SO_SET_REPLACE", option, 0, "0 64", BLOCK, 0},
	{"socket.interface", "change an interface", interface, 0, NULL, BLOCK, 0},
	{"socket.new-link", "make an interface", new_link, 0, NULL, BLOCK, 0},
	{"socket.low-port", "bind port 80", low_port, 0, NULL, BLOCK, 0},
	{"socket.credentials", "forge SCM_CREDENTIALS", forge_credentials, 0, NULL, BLOCK, 0},
	{"socket.abstract-x11", "an abstract socket of another network namespace", abstract, 0,
	 NULL, BLOCK, 0},
	{"socket.abstract-other", "an abstract socket of another user's process", abstract_other, 0,
	 NULL, BLOCK, NEEDS_LANDLOCK},
	{"socket.guest-api", "Incus's guest API", guest_api, 0, NULL, BLOCK, 0},
	{0},
};
