// The bus: order, masks, STOP and negative results, subscriptions that change inside callbacks, and
// tensor views against an engine of this test.
#include "test.h"

#include "core/arena.h"
#include "core/error.h"
#include "event/bus.h"

enum { HEARD_MAX = 64 };

typedef struct listener {
    char name;
    int result; // what the callback returns
    dogb_bus *bus;
    int32_t id;
    int32_t release;        // id to release inside the callback; 0: none
    struct listener *enrol; // to subscribe inside the callback
    int again;              // sends another event from inside
} listener;

static char heard[HEARD_MAX];

static int hear(const dogbreed_event *event, void *userdata) {
    listener *self = userdata;
    size_t length = strlen(heard);
    assert_true(length + 1 < HEARD_MAX);
    heard[length] = self->name;
    heard[length + 1] = '\0';
    assert_int_equal(event->struct_size, sizeof *event);
    assert_non_null(event->text);
    assert_true(dogb_bus_active(self->bus));
    if (self->release != 0) {
        assert_ok(dogb_bus_release(self->bus, self->release));
        self->release = 0;
    }
    if (self->enrol != NULL) {
        assert_ok(
            dogb_bus_subscribe(self->bus, &self->enrol->id, DOGBREED_EVENT_ALL, hear, self->enrol));
        self->enrol = NULL;
    }
    if (self->again) {
        dogbreed_event inner = {.kind = DOGBREED_EVENT_CHECKPOINT};
        self->again = 0;
        assert_int_equal(dogb_bus_send(self->bus, &inner, NULL), 0);
    }
    return self->result;
}

static void add(dogb_bus *bus, listener *who, char name, uint64_t mask) {
    who->name = name;
    who->bus = bus;
    assert_ok(dogb_bus_subscribe(bus, &who->id, mask, hear, who));
}

static int send(dogb_bus *bus, int32_t kind) {
    dogbreed_event event = {.kind = kind};
    heard[0] = '\0';
    return dogb_bus_send(bus, &event, NULL);
}

static void delivers_in_order_to_those_who_asked(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    listener a = {0}, b = {0}, c = {0};
    assert_ok(dogb_bus_create(&bus, &arena));
    assert_int_equal(dogb_bus_mask(bus), 0);
    assert_int_equal(send(bus, DOGBREED_EVENT_STEP_END), 0);
    add(bus, &a, 'a', DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END));
    add(bus, &b, 'b', DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END));
    add(bus, &c, 'c', DOGBREED_EVENT_ALL);
    assert_int_equal(send(bus, DOGBREED_EVENT_STEP_END), 0);
    assert_string_equal(heard, "ac");
    assert_int_equal(send(bus, DOGBREED_EVENT_EPOCH_END), 0);
    assert_string_equal(heard, "bc");
    assert_true(dogb_bus_mask(bus) == DOGBREED_EVENT_ALL);
    assert_ok(dogb_bus_release(bus, c.id));
    assert_true(dogb_bus_mask(bus) == (DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END) |
                                       DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END)));
    assert_fails(dogb_bus_release(bus, c.id), DOGBREED_ERROR_NOT_FOUND, "subscription");
    assert_fails(dogb_bus_release(bus, 77), DOGBREED_ERROR_NOT_FOUND, "77");
    assert_int_equal(dogb_bus_active(bus), 0);
    dogb_arena_free(&arena);
}

static void stop_lets_the_others_hear_and_a_negative_result_aborts(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    listener a = {0}, b = {.result = DOGBREED_STOP}, c = {0}, d = {.result = -123}, e = {0};
    assert_ok(dogb_bus_create(&bus, &arena));
    add(bus, &a, 'a', DOGBREED_EVENT_ALL);
    add(bus, &b, 'b', DOGBREED_EVENT_ALL);
    add(bus, &c, 'c', DOGBREED_EVENT_ALL);
    assert_int_equal(send(bus, DOGBREED_EVENT_STEP_END), DOGBREED_STOP);
    assert_string_equal(heard, "abc");
    add(bus, &d, 'd', DOGBREED_EVENT_ALL);
    add(bus, &e, 'e', DOGBREED_EVENT_ALL);
    assert_fails(send(bus, DOGBREED_EVENT_STEP_END), DOGBREED_ERROR_CALLBACK, "-123");
    assert_non_null(strstr(dogbreed_error_message(), "STEP_END"));
    assert_string_equal(heard, "abcd");
    dogb_arena_free(&arena);
}

static int fail_in_the_library(const dogbreed_event *event, void *userdata) {
    (void)event;
    (void)userdata;
    return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "no memory");
}

// Also when it is, word by word, the message of an older failure.
static void the_reason_of_a_callback_is_told(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    int32_t id = 0;
    assert_ok(dogb_bus_create(&bus, &arena));
    assert_ok(dogb_bus_subscribe(bus, &id, DOGBREED_EVENT_ALL, fail_in_the_library, NULL));
    (void)dogb_fail(DOGBREED_ERROR_NO_MEMORY, "no memory");
    assert_fails(send(bus, DOGBREED_EVENT_STEP_END), DOGBREED_ERROR_CALLBACK,
                 "returned -2: no memory");
    assert_ok(dogb_bus_release(bus, id));
    // One that succeeds does not wipe out the message of an older failure.
    listener quiet = {0};
    add(bus, &quiet, 'q', DOGBREED_EVENT_ALL);
    (void)dogb_fail(DOGBREED_ERROR_IO, "older");
    assert_int_equal(send(bus, DOGBREED_EVENT_STEP_END), DOGBREED_OK);
    assert_string_equal(dogbreed_error_message(), "older");
    dogb_arena_free(&arena);
}

static void subscriptions_change_inside_callbacks(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    listener a = {0}, b = {0}, c = {0}, late = {.name = 'l'};
    assert_ok(dogb_bus_create(&bus, &arena));
    late.bus = bus;
    add(bus, &a, 'a', DOGBREED_EVENT_ALL);
    add(bus, &b, 'b', DOGBREED_EVENT_ALL);
    add(bus, &c, 'c', DOGBREED_EVENT_ALL);
    a.release = a.id; // itself
    b.release = c.id; // one that has not heard this event yet
    b.enrol = &late;  // hears the next one
    assert_int_equal(send(bus, 0), 0);
    assert_string_equal(heard, "ab");
    assert_int_equal(send(bus, 0), 0);
    assert_string_equal(heard, "bl");
    b.again = 1; // an event inside an event
    b.release = late.id;
    assert_int_equal(send(bus, 0), 0);
    assert_string_equal(heard, "bb");
    assert_int_equal(dogb_bus_active(bus), 0);
    b.release = b.id;
    assert_int_equal(send(bus, 0), 0);
    assert_string_equal(heard, "b");
    assert_int_equal(send(bus, 0), 0);
    assert_string_equal(heard, "");
    assert_true(dogb_bus_mask(bus) == 0);
    dogb_arena_free(&arena);
}

static void many_subscriptions_inside_one_delivery(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    static listener list[40];
    assert_ok(dogb_bus_create(&bus, &arena));
    memset(list, 0, sizeof list);
    add(bus, &list[0], 'a', DOGBREED_EVENT_ALL);
    for (int i = 0; i < 39; i++) { // each enrols the next: the array grows while it is read
        list[i + 1].name = 'a';
        list[i + 1].bus = bus;
        list[i].enrol = &list[i + 1];
        assert_int_equal(send(bus, 0), 0);
        assert_int_equal(strlen(heard), i + 1);
    }
    dogb_arena_free(&arena);
}

// An engine with two tensors; only the calls of the bus are there.
static const float values[2][6] = {{1, 2, 3, 4, 5, 6}, {7, 0, 0, 0, 0, 0}};

static int32_t two(dogb_net *net, int32_t what) {
    (void)net;
    return what == DOGBREED_TENSOR_GRADIENT ? 2 : 0;
}

static int describe(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor *out) {
    (void)net;
    (void)what;
    out->name = index == 0 ? "first" : "second";
    out->rank = index == 0 ? 2 : 0;
    out->shape[0] = 2;
    out->shape[1] = 3;
    return 0;
}

static int read_values(dogb_net *net, int32_t what, int32_t index, float *out, size_t count) {
    (void)net;
    (void)what;
    memcpy(out, values[index], count * sizeof *out);
    return 0;
}

static int stats(dogb_net *net, int32_t what, int32_t index, dogbreed_tensor_stats *out) {
    (void)net;
    (void)what;
    out->maximum = (double)values[index][0];
    return 0;
}

static const dogbreed_event *stale;

static int look(const dogbreed_event *event, void *userdata) {
    float buffer[6] = {0};
    dogbreed_tensor tensor = {.struct_size = sizeof tensor};
    dogbreed_tensor_stats numbers = {.struct_size = sizeof numbers};
    int *calls = userdata;
    ++*calls;
    stale = event;
    assert_int_equal(event->tensor_count, 2);
    assert_ok(dogbreed_event_tensor(&tensor, event, 0));
    assert_string_equal(tensor.name, "first");
    assert_int_equal(tensor.what, DOGBREED_TENSOR_GRADIENT);
    assert_int_equal(tensor.struct_size, sizeof tensor);
    assert_ok(dogbreed_event_tensor_read(event, 0, buffer, 6));
    assert_memory_equal(buffer, values[0], sizeof buffer);
    assert_ok(dogbreed_event_tensor_read(event, 1, buffer, 1));
    assert_true(buffer[0] == 7.0f);
    assert_ok(dogbreed_event_tensor_stats(&numbers, event, 1));
    assert_true(numbers.maximum == 7.0);
    assert_fails(dogbreed_event_tensor_read(event, 0, buffer, 5), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "6 elements");
    assert_fails(dogbreed_event_tensor(&tensor, event, 2), DOGBREED_ERROR_INVALID_ARGUMENT, "2");
    assert_fails(dogbreed_event_tensor(&tensor, event, -1), DOGBREED_ERROR_INVALID_ARGUMENT, "-1");
    // A caller of an older version has a shorter struct: nothing behind it is touched.
    struct {
        dogbreed_tensor tensor;
        char guard;
    } old = {.tensor = {.struct_size = 16, .dtype = 55}};
    assert_ok(dogbreed_event_tensor(&old.tensor, event, 0));
    assert_int_equal(old.tensor.struct_size, 16);
    assert_int_equal(old.tensor.dtype, 55);
    tensor.struct_size = 0;
    assert_fails(dogbreed_event_tensor(&tensor, event, 0), DOGBREED_ERROR_INVALID_ARGUMENT,
                 "struct_size");
    return 0;
}

static void tensors_are_viewed_inside_the_callback(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_bus *bus = NULL;
    int calls = 0;
    int net = 0;
    dogb_engine engine = {.tensor_count = two,
                          .tensor_describe = describe,
                          .tensor_read = read_values,
                          .tensor_stats = stats};
    dogb_bus_source source = {
        .engine = &engine, .net = (dogb_net *)&net, .what = DOGBREED_TENSOR_GRADIENT};
    dogbreed_event event = {.kind = DOGBREED_EVENT_BACKWARD_END};
    dogbreed_tensor tensor = {.struct_size = sizeof tensor};
    assert_ok(dogb_bus_create(&bus, &arena));
    assert_ok(dogb_bus_subscribe(bus, NULL, DOGBREED_EVENT_ALL, look, &calls));
    assert_ok(dogb_bus_send(bus, &event, &source));
    assert_int_equal(calls, 1);
    assert_fails(dogbreed_event_tensor(&tensor, stale, 0), DOGBREED_ERROR_STATE, "callback");
    assert_fails(dogbreed_event_tensor(&tensor, NULL, 0), DOGBREED_ERROR_INVALID_ARGUMENT, "event");
    dogb_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_in_order_to_those_who_asked),
        cmocka_unit_test(stop_lets_the_others_hear_and_a_negative_result_aborts),
        cmocka_unit_test(the_reason_of_a_callback_is_told),
        cmocka_unit_test(subscriptions_change_inside_callbacks),
        cmocka_unit_test(many_subscriptions_inside_one_delivery),
        cmocka_unit_test(tensors_are_viewed_inside_the_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
