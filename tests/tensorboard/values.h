// values.h - the newest event file of a folder in tests, value by value, by the library's reader.
#ifndef DOGB_TEST_VALUES_H
#define DOGB_TEST_VALUES_H

#include "records.h"

#include "image/image.h"
#include "tensorboard/reader.h"

typedef struct board_value {
    char tag[64];
    char plugin[32]; // at the first value of a tag
    int64_t step;
    float number; // of a scalar
    dogb_event_value value;
} board_value;

typedef struct board_values {
    board_value items[512];
    size_t count;
    int64_t restart; // what it says is void from there on; -1: nothing
} board_values;

static inline void board_copy(char *out, size_t size, dogb_span span) {
    assert_true(span.size < size);
    (void)snprintf(out, size, "%.*s", (int)span.size, (const char *)span.data);
}

static inline void board_add(board_values *out, dogb_event *event) {
    dogb_event_value value;
    int more = 0;
    while ((more = dogb_event_value_next(&value, event)) == 1) {
        assert_true(out->count < sizeof out->items / sizeof out->items[0]);
        board_value *item = &out->items[out->count++];
        *item = (board_value){.step = event->step, .value = value};
        board_copy(item->tag, sizeof item->tag, value.tag);
        board_copy(item->plugin, sizeof item->plugin, value.plugin);
        if (value.tensor.floats.size == 4) {
            memcpy(&item->number, value.tensor.floats.data, 4);
        }
    }
    assert_int_equal(more, 0);
}

// Values are borrowed from the arena.
static inline void board_read(board_values *out, dogb_arena *arena, const char *folder) {
    const char *name = NULL;
    dogb_event_file file;
    dogb_event event;
    int more = 0;
    *out = (board_values){.restart = -1};
    assert_true(records_files(folder, &name) > 0);
    assert_ok(dogb_event_file_open(&file, arena, dogb_path_join(arena, folder, name)));
    while ((more = dogb_event_file_next(&event, &file)) == 1) {
        if (event.kind == DOGB_EVENT_SESSION) {
            out->restart = event.step;
        } else if (event.kind == DOGB_EVENT_SUMMARY) {
            board_add(out, &event);
        }
    }
    assert_int_equal(more, 0);
}

static inline int board_count(const board_values *values, const char *tag) {
    int count = 0;
    for (size_t i = 0; i < values->count; i++) {
        count += strcmp(values->items[i].tag, tag) == 0;
    }
    return count;
}

// The first value of a tag, which says what it is.
static inline board_value *board_first(board_values *values, const char *tag, const char *plugin) {
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].tag, tag) == 0) {
            assert_string_equal(values->items[i].plugin, plugin);
            return &values->items[i];
        }
    }
    fail_msg("no value of %s", tag);
    return NULL;
}

// The first text of a value, in the arena.
static inline char *board_text(board_value *value, dogb_arena *arena) {
    dogb_span text;
    assert_int_equal(dogb_event_text_next(&text, &value->value.tensor), 1);
    char *copy = dogb_alloc(arena, text.size + 1, 1);
    assert_non_null(copy);
    memcpy(copy, text.data, text.size);
    return copy;
}

static inline dogb_span board_part(board_value *value, int index) {
    dogb_span text = {0};
    dogb_event_tensor tensor = value->value.tensor;
    for (int i = 0; i <= index; i++) {
        assert_int_equal(dogb_event_text_next(&text, &tensor), 1);
    }
    return text;
}

// Pictures are files of the size that is told of them; returns their number.
static inline int board_images(board_value *value, int32_t side) {
    int count = (int)value->value.tensor.text_count - 2;
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%d", (int)side);
    assert_true(dogb_span_is(board_part(value, 0), digits) &&
                dogb_span_is(board_part(value, 1), digits));
    for (int i = 0; i < count; i++) {
        dogb_span file = board_part(value, 2 + i);
        dogb_image_info info;
        dogb_image_limits limits;
        dogb_image_limits_default(&limits);
        assert_ok(dogb_image_probe(&info, file.data, file.size, &limits, "picture"));
        assert_int_equal(info.width, side);
        assert_int_equal(info.height, side);
    }
    return count;
}

#endif
