// reader.h - events of files, ours and other people's. Everything is borrowed from the bytes that
// were read.
#ifndef DOGB_TENSORBOARD_READER_H
#define DOGB_TENSORBOARD_READER_H

#include "core/file.h"
#include "core/wire.h"
#include "tensorboard/frame.h"

#include <stdint.h>

// Kinds of events, by the field that says it.
enum {
    DOGB_EVENT_NONE = 0,
    DOGB_EVENT_VERSION = 3,
    DOGB_EVENT_SUMMARY = 5,
    DOGB_EVENT_SESSION = 7,
};

typedef struct dogb_event {
    double time;
    int64_t step;
    int32_t kind;    // DOGB_EVENT_; of other events NONE
    int32_t status;  // of a SESSION: 1 is a start
    dogb_span bytes; // a VERSION's text; what is left of a SUMMARY's values
} dogb_event;

// 1: `bytes` are an event; 0: they are not.
int dogb_event_parse(dogb_event *out, dogb_span bytes);

enum { DOGB_EVENT_RANK_MAX = 8 };

// A tensor: `content` (elements in C order, little endian), or lists of numbers or texts.
typedef struct dogb_event_tensor {
    int32_t dtype; // TensorFlow's code; 0: not told
    int32_t rank;  // DOGB_EVENT_RANK_MAX + 1: more than that
    int64_t shape[DOGB_EVENT_RANK_MAX];
    dogb_span content;
    dogb_span floats;  // packed
    dogb_span doubles; // packed
    dogb_span texts;   // the message: dogb_event_text goes through it
    int64_t text_count;
} dogb_event_tensor;

enum {
    DOGB_VALUE_NONE = 0,
    DOGB_VALUE_NUMBER = 2,
    DOGB_VALUE_IMAGE = 4,
    DOGB_VALUE_HISTOGRAM = 5,
    DOGB_VALUE_TENSOR = 8
};

typedef struct dogb_event_value {
    dogb_span tag;
    dogb_span plugin;  // name of the last plugin; empty: none
    dogb_span content; // its data
    dogb_span bytes;   // of an IMAGE, a HISTOGRAM: the message
    int64_t mode;      // smdebug's plugins: DOGBREED_MODE_; -1 none
    int64_t mode_step;
    int32_t data_class;
    int32_t kind; // DOGB_VALUE_
    float number; // of a NUMBER
    int32_t reserved;
    dogb_event_tensor tensor; // of a TENSOR
} dogb_event_value;

// Takes the next value of a SUMMARY. 1: here it is; 0: that was all; -1: the bytes are no value.
int dogb_event_value_next(dogb_event_value *out, dogb_event *event);

// Takes the next text of a tensor. 1: here it is; 0: that was all.
int dogb_event_text_next(dogb_span *out, dogb_event_tensor *tensor);

// A file, event by event.
typedef struct dogb_event_file {
    dogb_map map;
    const char *path;
    size_t at;         // of the next record
    int64_t constants; // records with smdebug's constant in place of their checksum
} dogb_event_file;
int dogb_event_file_open(dogb_event_file *out, dogb_arena *arena, const char *path);

// 1: an event; 0: no more whole ones yet. FORMAT: the file is damaged from here on; it stays so.
int dogb_event_file_next(dogb_event *out, dogb_event_file *file);

#endif
