// summaries.c - histograms, images, texts, curves of precision and recall. Fields of plugins: their
// plugin_data.proto in tensorboard.
#include "tensorboard/events.h"

#include "core/wire.h"
#include "tensorboard/messages.h"

#include <stdio.h>
#include <string.h>

char *dogb_board_tag(dogb_arena *arena, const char *name) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_.";
    char *tag = dogb_strdup(arena, name + strspn(name, "/"));
    for (char *at = tag; at != NULL && *(at += strspn(at, letters)) != '\0';) {
        *at = '_';
    }
    return tag;
}

// What is told of a tag at its first value.
static void put_metadata(dogb_buffer *out, const dogb_board_place *place, const char *plugin,
                         int32_t data_class) {
    if (place->first) {
        size_t data = 0;
        size_t metadata = dogb_metadata_open(out, plugin, &data);
        dogb_metadata_close(out, metadata, data, data_class);
    }
}

static dogb_value_marks open_at(dogb_buffer *out, const dogb_board_place *place) {
    return dogb_value_open(out, place->time, place->step, place->tag);
}

static void put_double(dogb_buffer *out, double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    dogb_wire_put64(out, bits);
}

void dogb_board_histogram(dogb_buffer *out, const dogb_board_place *place,
                          const dogb_buckets *histogram) {
    dogb_value_marks marks = open_at(out, place);
    put_metadata(out, place, "histograms", DOGB_CLASS_TENSOR);
    size_t shape[2] = {histogram->count, 3};
    size_t tensor = dogb_tensor_open(out, DOGB_TYPE_DOUBLE, 2, shape);
    size_t content = dogb_wire_open(out, 4);
    for (size_t i = 0; i < histogram->count; i++) {
        put_double(out, histogram->buckets[i].left);
        put_double(out, histogram->buckets[i].right);
        put_double(out, histogram->buckets[i].count);
    }
    dogb_wire_close(out, content);
    dogb_wire_close(out, tensor);
    dogb_value_close(out, marks);
}

static void put_size(dogb_buffer *out, int32_t pixels) {
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%d", (int)pixels);
    dogb_wire_text(out, 8, digits);
}

void dogb_board_images(dogb_buffer *out, const dogb_board_place *place,
                       const dogb_image_event *images) {
    dogb_value_marks marks = open_at(out, place);
    put_metadata(out, place, "images", DOGB_CLASS_BLOBS);
    size_t shape[1] = {2 + images->count};
    size_t tensor = dogb_tensor_open(out, DOGB_TYPE_TEXT, 1, shape);
    put_size(out, images->width);
    put_size(out, images->height);
    for (size_t i = 0; i < images->count; i++) {
        dogb_wire_bytes(out, 8, images->files[i].data, images->files[i].size);
    }
    dogb_wire_close(out, tensor);
    dogb_value_close(out, marks);
}

void dogb_board_text(dogb_buffer *out, const dogb_board_place *place, const char *const *texts,
                     size_t count) {
    dogb_value_marks marks = open_at(out, place);
    put_metadata(out, place, "text", DOGB_CLASS_TENSOR);
    size_t tensor = dogb_tensor_open(out, DOGB_TYPE_TEXT, 1, &count);
    for (size_t i = 0; i < count; i++) {
        dogb_wire_text(out, 8, texts[i]);
    }
    dogb_wire_close(out, tensor);
    dogb_value_close(out, marks);
}

void dogb_board_pr_curve(dogb_buffer *out, const dogb_board_place *place,
                         const dogb_pr_curve *curve) {
    dogb_value_marks marks = open_at(out, place);
    if (place->first) {
        size_t data = 0;
        size_t metadata = dogb_metadata_open(out, "pr_curves", &data);
        size_t content = dogb_wire_open(out, 2);
        dogb_wire_integer(out, 2, (int64_t)curve->count);
        dogb_wire_close(out, content);
        dogb_metadata_close(out, metadata, data, DOGB_CLASS_TENSOR);
    }
    size_t shape[2] = {DOGB_PR_ROWS, curve->count};
    size_t tensor = dogb_tensor_open(out, DOGB_TYPE_FLOAT, 2, shape);
    size_t content = dogb_wire_open(out, 4);
    for (size_t i = 0; i < DOGB_PR_ROWS * curve->count; i++) {
        dogb_wire_put32(out, dogb_wire_bits((float)curve->rows[i]));
    }
    dogb_wire_close(out, content);
    dogb_wire_close(out, tensor);
    dogb_value_close(out, marks);
}
