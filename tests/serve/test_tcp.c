// What the system says of a connection, and a listening socket that nobody reaches any more while
// those who had reached it are still taken.
#include "../test.h"

#include "serve/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address;

static int make_listener(void) {
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    return listener;
}

static int call(void) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static void bytes_are_counted_read_or_not(void **state) {
    char text[8];
    (void)state;
    int listener = make_listener();
    int client = call();
    int ours = accept(listener, NULL, NULL);
    assert_int_equal(dogb_tcp_received(ours), 0);
    assert_false(dogb_tcp_waiting(ours));
    for (int64_t total = 3; total <= 6; total += 3) {
        assert_int_equal(send(client, "abc", 3, MSG_NOSIGNAL), 3);
        assert_int_equal(dogb_tcp_received(ours), total);
        assert_true(dogb_tcp_waiting(ours));
        assert_int_equal(read(ours, text, sizeof text), 3);
        assert_int_equal(dogb_tcp_received(ours), total);
        assert_false(dogb_tcp_waiting(ours));
    }
    (void)close(client);
    assert_false(dogb_tcp_waiting(ours)); // its end is nothing to read
    (void)close(ours);
    (void)close(listener);
    assert_int_equal(dogb_tcp_received(-1), 0);
    assert_false(dogb_tcp_waiting(-1));
}

static void nobody_begins_to_connect_any_more(void **state) {
    (void)state;
    int listener = make_listener();
    int before = call(); // in the system's list
    dogb_tcp_begin_none(listener);
    int behind = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(fcntl(behind, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(connect(behind, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, EINPROGRESS);
    struct pollfd wait = {.fd = behind, .events = POLLOUT};
    assert_int_equal(poll(&wait, 1, 50), 0);
    int ours = accept(listener, NULL, NULL);
    assert_true(ours >= 0);
    assert_int_equal(send(before, "x", 1, MSG_NOSIGNAL), 1); // is served as ever
    assert_true(dogb_tcp_waiting(ours));
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(accept(listener, NULL, NULL), -1); // nobody else came
    (void)close(listener);
    (void)close(ours);
    (void)close(before);
    (void)close(behind);
    dogb_tcp_begin_none(-1); // nothing happens
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_counted_read_or_not),
        cmocka_unit_test(nobody_begins_to_connect_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
