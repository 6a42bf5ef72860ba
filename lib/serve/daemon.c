// daemon.c - see daemon.h.
#include "serve/daemon.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "serve/acceptor.h"

#include <openssl/crypto.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY = 32 << 10, PEM_MAX = 1 << 20, OPTIONS_MAX = 16 };
// A client that has just got a reply may be sending its next request.
#define IDLE_GRACE 0.25
// One that has got its last reply may have sent more, and needs a moment to see the end.
#define LINGER 0.5

typedef struct option_list {
    dogb_mhd_option items[OPTIONS_MAX];
    size_t count;
} option_list;

static void add(option_list *list, int option, intptr_t value, void *pointer) {
    list->items[list->count++] = (dogb_mhd_option){option, value, pointer};
}

static int is_secure(const dogb_http *http) {
    return *http->server.options.tls_certificate != '\0';
}

static void forget(void *text) {
    OPENSSL_cleanse(text, strlen(text));
}

// The texts of certificate and key; the library copies what it needs of them.
static int add_tls(option_list *list, dogb_arena *scratch, const dogb_http *http) {
    const dogbreed_serve_options *options = &http->server.options;
    void *certificate = NULL;
    void *key = NULL;
    size_t size = 0;
    if (!is_secure(http)) {
        return DOGBREED_OK;
    }
    if (http->mhd->MHD_is_feature_supported(DOGB_MHD_FEATURE_TLS) != DOGB_MHD_YES) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED, "tls_certificate: this libmicrohttpd was "
                                                     "built without TLS");
    }
    int rc = dogb_file_read(&certificate, &size, scratch, options->tls_certificate, PEM_MAX);
    rc = rc < 0 ? rc : dogb_file_read(&key, &size, scratch, options->tls_key, PEM_MAX);
    rc = rc < 0 ? rc : dogb_defer(scratch, forget, key);
    if (rc == DOGBREED_OK) {
        add(list, DOGB_MHD_OPTION_CERTIFICATE, 0, certificate);
        add(list, DOGB_MHD_OPTION_KEY, 0, key);
    }
    return rc;
}

static void add_limits(option_list *list, const dogbreed_serve_options *options) {
    int32_t threads = options->http_threads < options->connections_max ? options->http_threads
                                                                       : options->connections_max;
    add(list, DOGB_MHD_OPTION_THREADS, threads, NULL);
    // The acceptor's limit is below it: the library counts connections a little longer.
    add(list, DOGB_MHD_OPTION_CONNECTION_LIMIT, 2 * (intptr_t)options->connections_max + threads,
        NULL);
    add(list, DOGB_MHD_OPTION_PER_IP_LIMIT, options->connections_per_ip, NULL);
    add(list, DOGB_MHD_OPTION_MEMORY_LIMIT, MEMORY, NULL);
    add(list, DOGB_MHD_OPTION_TIMEOUT, 0, NULL); // the reaper's work
}

static void add_callbacks(option_list *list, dogb_http *http) {
    add(list, DOGB_MHD_OPTION_URI, (intptr_t)dogb_connection_target, http);
    add(list, DOGB_MHD_OPTION_COMPLETED, (intptr_t)dogb_connection_completed, http);
    add(list, DOGB_MHD_OPTION_NOTIFY, (intptr_t)dogb_connection_notify, http);
}

static int start_reaper(dogb_http *http) {
    const dogbreed_serve_options *options = &http->server.options;
    const double limits[DOGB_PHASE_COUNT] = {[DOGB_PHASE_HEADER] = options->header_s,
                                             [DOGB_PHASE_BODY] = options->body_s,
                                             [DOGB_PHASE_REPLY] = options->body_s,
                                             [DOGB_PHASE_IDLE] = options->idle_s};
    return dogb_reaper_create(&http->server.reaper, limits, is_secure(http));
}

// Signals are for the threads of the program that serves.
static struct MHD_Daemon *start_quietly(dogb_http *http, const option_list *list) {
    // With 0.9.75 it has all its threads without a listener too, whatever its header says.
    unsigned flags = DOGB_MHD_NO_LISTENER | DOGB_MHD_EPOLL | DOGB_MHD_INTERNAL_THREAD |
                     DOGB_MHD_SUSPEND_RESUME | (is_secure(http) ? DOGB_MHD_TLS : 0U);
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    struct MHD_Daemon *daemon =
        http->mhd->MHD_start_daemon(flags, 0, NULL, NULL, dogb_connection_request, http,
                                    DOGB_MHD_OPTION_ARRAY, list->items, DOGB_MHD_OPTION_END);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

int dogb_daemon_start(dogb_http *http, int descriptor) {
    option_list list = {0};
    dogb_arena scratch = {0};
    add_limits(&list, &http->server.options);
    add_callbacks(&list, http);
    int rc = add_tls(&list, &scratch, http);
    add(&list, DOGB_MHD_OPTION_END, 0, NULL);
    rc = rc < 0 ? rc : start_reaper(http);
    if (rc == DOGBREED_OK) {
        http->daemon = start_quietly(http, &list);
        rc = http->daemon != NULL ? DOGBREED_OK
             : is_secure(http)
                 ? dogb_fail(DOGBREED_ERROR_FORMAT,
                             "%s, %s: no certificate and key in PEM that belong together",
                             http->server.options.tls_certificate, http->server.options.tls_key)
                 : dogb_fail(DOGBREED_ERROR_NETWORK, "libmicrohttpd refused to start");
    }
    rc = rc < 0 ? rc : dogb_acceptor_create(&http->acceptor, http, descriptor);
    if (rc < 0) {
        (void)close(descriptor);
        if (http->daemon != NULL) {
            http->mhd->MHD_stop_daemon(http->daemon);
            http->daemon = NULL;
        }
        dogb_reaper_destroy(http->server.reaper);
        http->server.reaper = NULL;
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_daemon_end(dogb_http *http, double seconds) {
    double until = dogb_clock() + seconds;
    dogb_reaper *reaper = http->server.reaper;
    atomic_store(&http->server.draining, 1);
    dogb_acceptor_end(http->acceptor);
    int32_t busy = 0;
    for (;;) { // in this order: what one of them no longer has, the next one has
        int more = dogb_acceptor_rest(http->acceptor);
        busy = atomic_load(&http->arriving);
        busy += dogb_reaper_drain(reaper, IDLE_GRACE);
        if ((busy == 0 && !more) || dogb_clock() > until) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    if (busy > 0) {
        dogb_reaper_end_all(reaper);
    }
    dogb_acceptor_destroy(http->acceptor);
    http->acceptor = NULL;
    dogb_connection_close(http);
    http->mhd->MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
    dogb_reaper_wait(reaper, LINGER);
    dogb_reaper_destroy(reaper);
    http->server.reaper = NULL;
    return busy == 0 ? DOGBREED_OK
                     : dogb_fail(DOGBREED_ERROR_CANCELLED,
                                 "serve: %d connections were cut off after %g s (drain_s)",
                                 (int)busy, seconds);
}
