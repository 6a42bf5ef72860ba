// client.h - requests of tests to a server on this machine, one per connection.
#ifndef DOGB_TEST_SERVE_CLIENT_H
#define DOGB_TEST_SERVE_CLIENT_H

#include "../test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

// The whole reply, as a string. `head`: "POST /invocations HTTP/1.1\r\nContent-Type: text/csv\r\n".
static inline void client_ask(char *reply, size_t size, int32_t port, const char *head,
                              const void *body, size_t body_size) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char lines[1000];
    size_t used = 0;
    ssize_t got = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    int length =
        snprintf(lines, sizeof lines,
                 "%sHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", head, body_size);
    assert_int_equal(write(descriptor, lines, (size_t)length), length);
    for (size_t sent = 0; sent < body_size; sent += (size_t)got) {
        got = write(descriptor, (const char *)body + sent, body_size - sent);
        assert_true(got > 0);
    }
    while (used < size - 1 && (got = read(descriptor, reply + used, size - 1 - used)) > 0) {
        used += (size_t)got;
    }
    reply[used] = '\0';
    (void)close(descriptor);
}

// What stands behind the header.
static inline const char *client_body(const char *reply) {
    const char *end = strstr(reply, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

#endif
