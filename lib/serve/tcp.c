// tcp.c - see tcp.h. The kernel's headers are used here alone: they do not go with netinet/tcp.h.
#define _DEFAULT_SOURCE // SO_ATTACH_FILTER
#include "serve/tcp.h"

#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum { FLAGS_AT = 13, SYN = 0x02, ACK = 0x10, WHOLE = 0x40000 };

int64_t dogb_tcp_received(int descriptor) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
        return 0;
    }
    return (int64_t)info.tcpi_bytes_received;
}

int dogb_tcp_waiting(int descriptor) {
    char byte = 0;
    return recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void dogb_tcp_begin_none(int listener) {
    // Of a packet, whose TCP header is first: drop it when it begins a connection.
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, WHOLE),
    };
    const struct sock_fprog program = {sizeof code / sizeof code[0], code};
    (void)setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
