#define _GNU_SOURCE // SOCK_NONBLOCK
// listen.c - see listen.h.
#include "serve/listen.h"
#include "core/error.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_address(int *descriptor, const struct addrinfo *address) {
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    // A server that was just ended may be started again at once.
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        (void)close(fd);
        return -1;
    }
    *descriptor = fd;
    return 0;
}

static int32_t port_of(int descriptor) {
    struct sockaddr_storage address;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    (void)getsockname(descriptor, (struct sockaddr *)&address, &size);
    memcpy(&four, &address, sizeof four);
    memcpy(&six, &address, sizeof six);
    return ntohs(address.ss_family == AF_INET6 ? six.sin6_port : four.sin_port);
}

int dogb_listen(int *descriptor, int32_t *port, const char *host, int32_t wanted) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[12];
    *descriptor = -1;
    (void)snprintf(service, sizeof service, "%d", (int)wanted);
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed != 0) {
        return dogb_fail(DOGBREED_ERROR_NETWORK, "host %s: %s", host, gai_strerror(failed));
    }
    for (const struct addrinfo *each = list; *descriptor < 0 && each != NULL;
         each = each->ai_next) {
        (void)try_address(descriptor, each);
    }
    int rc = *descriptor >= 0 ? DOGBREED_OK
                              : dogb_fail_errno(DOGBREED_ERROR_NETWORK,
                                                "cannot listen at %s port %d", host, (int)wanted);
    freeaddrinfo(list);
    *port = rc == DOGBREED_OK ? port_of(*descriptor) : 0;
    return rc;
}

char *dogb_listen_url(dogb_arena *arena, const char *scheme, const char *host, int32_t port) {
    int six = strchr(host, ':') != NULL;
    return dogb_format(arena, "%s://%s%s%s:%d", scheme, six ? "[" : "", host, six ? "]" : "",
                       (int)port);
}
