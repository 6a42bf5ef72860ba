#define _GNU_SOURCE // accept4
// acceptor.c - see acceptor.h.
#include "serve/acceptor.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/thread.h"
#include "serve/tcp.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FULL_MS = 10 };
// A handshake that has begun has so long to be finished.
#define HANDSHAKE 0.25

struct dogb_acceptor {
    dogb_http *http;
    pthread_t thread;
    int listener; // -1: closed
    int wake;
    int runs;
    double until; // of the rest
};

static int is_full(const dogb_http *http) {
    return dogb_reaper_count(http->server.reaper) + atomic_load(&http->arriving) >=
           http->server.options.connections_max;
}

static void give(dogb_http *http, int descriptor, const struct sockaddr_storage *address,
                 socklen_t size) {
    (void)atomic_fetch_add(&http->arriving, 1); // until dogb_connection_notify
    // The library closes it when it does not want it: too many from that address.
    if (http->mhd->MHD_add_connection(http->daemon, descriptor, (const struct sockaddr *)address,
                                      size) != DOGB_MHD_YES) {
        (void)atomic_fetch_sub(&http->arriving, 1);
    }
}

// What is there. 1: more is, or may be, but there is no room for it: no descriptor, no memory, not
// allowed. A caller that tries again waits a little.
static int take(const dogb_acceptor *acceptor) {
    while (!is_full(acceptor->http)) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        int descriptor = accept4(acceptor->listener, (struct sockaddr *)&address, &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            give(acceptor->http, descriptor, &address, size);
        } else if (errno == EAGAIN || errno == EINVAL) {
            return 0;
        } else if (errno != ECONNABORTED && errno != EPROTO && errno != EINTR) {
            return 1;
        } // else that one is broken: the next
    }
    return 1;
}

static void *run(void *userdata) {
    dogb_acceptor *acceptor = userdata;
    int full = 0;
    for (;;) {
        struct pollfd waits[2] = {{.fd = acceptor->wake, .events = POLLIN},
                                  {.fd = full ? -1 : acceptor->listener, .events = POLLIN}};
        (void)poll(waits, 2, full ? FULL_MS : -1);
        if (waits[0].revents != 0) {
            return NULL;
        }
        full = take(acceptor);
    }
}

int dogb_acceptor_create(dogb_acceptor **out, dogb_http *http, int listener) {
    dogb_acceptor *acceptor = dogb_malloc(1, sizeof *acceptor);
    *out = NULL;
    if (acceptor == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    acceptor->http = http;
    acceptor->listener = -1;
    acceptor->wake = eventfd(0, EFD_CLOEXEC);
    int rc =
        acceptor->wake < 0 ? dogb_fail_errno(DOGBREED_ERROR_IO, "serve: eventfd") : DOGBREED_OK;
    if (rc == DOGBREED_OK) {
        acceptor->listener = listener;
        rc = dogb_thread_start(&acceptor->thread, run, acceptor);
        acceptor->runs = rc == DOGBREED_OK;
    }
    if (rc < 0) {
        acceptor->listener = -1; // the caller's
        dogb_acceptor_destroy(acceptor);
        return rc;
    }
    *out = acceptor;
    return DOGBREED_OK;
}

void dogb_acceptor_end(dogb_acceptor *acceptor) {
    const uint64_t one = 1;
    dogb_tcp_begin_none(acceptor->listener);
    (void)!write(acceptor->wake, &one, sizeof one);
    (void)pthread_join(acceptor->thread, NULL);
    acceptor->runs = 0;
    acceptor->until = dogb_clock() + HANDSHAKE;
}

int dogb_acceptor_rest(dogb_acceptor *acceptor) {
    if (acceptor->listener < 0) {
        return 0;
    }
    int over = dogb_clock() > acceptor->until; // before the last look
    if (take(acceptor) || !over) {
        return 1;
    }
    (void)close(acceptor->listener);
    acceptor->listener = -1;
    return 0;
}

void dogb_acceptor_destroy(dogb_acceptor *acceptor) {
    if (acceptor == NULL) {
        return;
    }
    if (acceptor->runs) {
        dogb_acceptor_end(acceptor);
    }
    if (acceptor->listener >= 0) {
        (void)close(acceptor->listener);
    }
    if (acceptor->wake >= 0) {
        (void)close(acceptor->wake);
    }
    dogb_free(acceptor);
}
