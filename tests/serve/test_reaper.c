// Connections that take too long are shut down: the phases have limits of their own, and a watch
// that is removed is left alone. Pairs of sockets stand for connections.
#include "../test.h"

#include "core/clock.h"
#include "serve/reaper.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

static void rest(long milliseconds) {
    (void)nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

typedef struct pair {
    int ours;
    int theirs;
} pair;

static pair make_pair(void) {
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    return (pair){fds[0], fds[1]};
}

static void close_pair(pair p) {
    (void)close(p.ours);
    (void)close(p.theirs);
}

// What the other end gets until the end of the connection, within a generous time.
static size_t read_all(int descriptor, char *text, size_t size) {
    size_t used = 0;
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    while (used < size - 1 && poll(&wait, 1, 10000) == 1) {
        ssize_t got = read(descriptor, text + used, size - 1 - used);
        if (got <= 0) {
            text[used] = '\0';
            return used;
        }
        used += (size_t)got;
    }
    fail_msg("the connection was not ended");
    return 0;
}

static void late_headers_and_bodies_hear_408(void **state) {
    const double limits[DOGB_PHASE_COUNT] = {[DOGB_PHASE_HEADER] = 0.1, [DOGB_PHASE_BODY] = 0.1};
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        for (int32_t phase = DOGB_PHASE_HEADER; phase <= DOGB_PHASE_BODY; phase++) {
            dogb_reaper *reaper = NULL;
            char text[512];
            pair p = make_pair();
            assert_ok(dogb_reaper_create(&reaper, limits, silent));
            dogb_watch *watch = dogb_reaper_add(reaper, p.ours);
            assert_non_null(watch);
            dogb_reaper_phase(reaper, watch, phase);
            size_t got = read_all(p.theirs, text, sizeof text);
            if (silent) {
                assert_int_equal(got, 0);
            } else {
                assert_non_null(strstr(text, "HTTP/1.1 408 "));
                assert_non_null(strstr(text, "\r\n\r\n{\"code\":\"REQUEST_TIMEOUT\""));
            }
            assert_int_equal(dogb_reaper_closed(reaper), 1);
            dogb_reaper_remove(reaper, watch);
            dogb_reaper_destroy(reaper);
            close_pair(p);
        }
    }
}

static void the_same_phase_goes_on_and_work_has_no_limit(void **state) {
    const double limits[DOGB_PHASE_COUNT] = {[DOGB_PHASE_HEADER] = 0.2, [DOGB_PHASE_REPLY] = 0.2};
    dogb_reaper *reaper = NULL;
    char text[512];
    pair slow = make_pair();
    pair works = make_pair();
    (void)state;
    assert_ok(dogb_reaper_create(&reaper, limits, 0));
    dogb_watch *watch = dogb_reaper_add(reaper, slow.ours);
    dogb_watch *working = dogb_reaper_add(reaper, works.ours);
    dogb_reaper_phase(reaper, working, DOGB_PHASE_WORK);
    double begin = dogb_clock();
    while (dogb_reaper_closed(reaper) == 0 && dogb_clock() - begin < 10.0) {
        dogb_reaper_phase(reaper, watch, DOGB_PHASE_HEADER); // a byte more is no new beginning
        rest(5);
    }
    assert_int_equal(dogb_reaper_closed(reaper), 1);
    assert_true(read_all(slow.theirs, text, sizeof text) > 0);
    struct pollfd wait = {.fd = works.theirs, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_int_equal(dogb_reaper_count(reaper), 2);
    dogb_reaper_phase(reaper, working, DOGB_PHASE_REPLY); // a reply that is not taken: no word
    assert_int_equal(read_all(works.theirs, text, sizeof text), 0);
    dogb_reaper_remove(reaper, watch);
    dogb_reaper_remove(reaper, working);
    assert_int_equal(dogb_reaper_count(reaper), 0);
    dogb_reaper_destroy(reaper);
    close_pair(slow);
    close_pair(works);
}

// Two ends of a connection over the loopback: the system counts its bytes.
static pair make_connection(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pair p;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    p.theirs = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(p.theirs, (struct sockaddr *)&address, size), 0);
    p.ours = accept(listener, NULL, NULL);
    assert_true(p.ours >= 0);
    (void)close(listener);
    return p;
}

// 1: it stays busy for many calls.
static int stays_busy(dogb_reaper *reaper, double seconds) {
    for (int i = 0; i < 30; i++) {
        if (dogb_reaper_drain(reaper, seconds) == 0) {
            return 0;
        }
        rest(2);
    }
    return 1;
}

static void idle_ones_are_ended(void **state) {
    const double limits[DOGB_PHASE_COUNT] = {0};
    dogb_reaper *reaper = NULL;
    char text[16];
    pair p = make_connection();
    (void)state;
    assert_ok(dogb_reaper_create(&reaper, limits, 0));
    dogb_watch *watch = dogb_reaper_add(reaper, p.ours);
    assert_true(stays_busy(reaper, 0.0)); // nothing has come yet
    dogb_reaper_phase(reaper, watch, DOGB_PHASE_IDLE);
    assert_true(stays_busy(reaper, 1e6)); // it has not been idle for so long
    assert_false(stays_busy(reaper, 0.001));
    assert_int_equal(read_all(p.theirs, text, sizeof text), 0);
    dogb_reaper_remove(reaper, watch);
    dogb_reaper_destroy(reaper);
    close_pair(p);
}

static void what_has_arrived_is_waited_for(void **state) {
    const double limits[DOGB_PHASE_COUNT] = {0};
    dogb_reaper *reaper = NULL;
    char text[16];
    (void)state;
    for (int is_read = 0; is_read < 2; is_read++) { // by the HTTP library
        pair p = make_connection();
        assert_ok(dogb_reaper_create(&reaper, limits, 0));
        dogb_watch *watch = dogb_reaper_add(reaper, p.ours);
        assert_int_equal(write(p.theirs, "first", 5), 5);
        assert_int_equal(read(p.ours, text, 5), 5);
        dogb_reaper_phase(reaper, watch, DOGB_PHASE_IDLE);
        assert_int_equal(write(p.theirs, "GET /", 5), 5);
        assert_int_equal(is_read ? read(p.ours, text, 5) : 5, 5);
        assert_true(stays_busy(reaper, 0.001));
        dogb_reaper_phase(reaper, watch, DOGB_PHASE_BODY);
        dogb_reaper_phase(reaper, watch, DOGB_PHASE_IDLE);
        assert_true(is_read ? !stays_busy(reaper, 0.001) : stays_busy(reaper, 0.001));
        dogb_reaper_remove(reaper, watch);
        dogb_reaper_destroy(reaper);
        close_pair(p);
    }
}

// Closing a socket with something unread in it would take the reply away from the client.
static void a_reply_survives_what_was_sent_behind_its_request(void **state) {
    const double limits[DOGB_PHASE_COUNT] = {0};
    dogb_reaper *reaper = NULL;
    char text[16];
    (void)state;
    pair p = make_connection();
    assert_ok(dogb_reaper_create(&reaper, limits, 0));
    dogb_watch *watch = dogb_reaper_add(reaper, p.ours);
    assert_int_equal(write(p.theirs, "more", 4), 4);
    assert_int_equal(write(p.ours, "reply", 5), 5);
    dogb_reaper_phase(reaper, watch, DOGB_PHASE_REPLY);
    dogb_reaper_remove(reaper, watch);
    (void)close(p.ours);
    rest(100);
    assert_int_equal(send(p.theirs, "and more", 8, MSG_NOSIGNAL), 8);
    rest(100);
    assert_int_equal(read_all(p.theirs, text, sizeof text), 5);
    double begin = dogb_clock();
    (void)close(p.theirs);
    dogb_reaper_wait(reaper, 10.0);
    assert_true(dogb_clock() - begin < 10.0); // the client's end was seen
    dogb_reaper_destroy(reaper);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_headers_and_bodies_hear_408),
        cmocka_unit_test(the_same_phase_goes_on_and_work_has_no_limit),
        cmocka_unit_test(idle_ones_are_ended),
        cmocka_unit_test(what_has_arrived_is_waited_for),
        cmocka_unit_test(a_reply_survives_what_was_sent_behind_its_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
