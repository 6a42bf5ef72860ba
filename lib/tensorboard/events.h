// events.h - events as TensorBoard reads them, each a whole record behind the others in a buffer.
// Times are seconds since 1970, UTC. Texts may hold anything: what is no UTF-8 becomes '?'.
#ifndef DOGB_TENSORBOARD_EVENTS_H
#define DOGB_TENSORBOARD_EVENTS_H

#include "core/buffer.h"
#include "tensorboard/curve.h"
#include "tensorboard/histogram.h"

#include <stddef.h>
#include <stdint.h>

// The first event of a file.
void dogb_board_version(dogb_buffer *out, double time);

// What earlier files of the folder say of this step and later ones is void.
void dogb_board_restart(dogb_buffer *out, double time, int64_t step);

// A point of a curve. `first` of its tag in a file: with what it is.
typedef struct dogb_point_event {
    const char *tag;
    double time;
    int64_t step;
    double value;
    int32_t first;
    int32_t reserved;
} dogb_point_event;
void dogb_board_point(dogb_buffer *out, const dogb_point_event *point);

// A name as TensorFlow's tags may have it, in the arena: other characters than letters, digits and
// "-/_." become '_', slashes in front go. NULL: no memory.
char *dogb_board_tag(dogb_arena *arena, const char *name);

// --- the other kinds of values

// Where a value stands. `first` of its tag in a file: with what it is.
typedef struct dogb_board_place {
    const char *tag;
    double time;
    int64_t step;
    int32_t first;
    int32_t reserved;
} dogb_board_place;

// Pages HISTOGRAMS and DISTRIBUTIONS.
void dogb_board_histogram(dogb_buffer *out, const dogb_board_place *place,
                          const dogb_buckets *histogram);

// Page IMAGES: whole PNG or JPEG files, all of one size in pixels.
typedef struct dogb_board_file {
    const void *data;
    size_t size;
} dogb_board_file;
typedef struct dogb_image_event {
    const dogb_board_file *files;
    size_t count;
    int32_t width;
    int32_t height;
} dogb_image_event;
void dogb_board_images(dogb_buffer *out, const dogb_board_place *place,
                       const dogb_image_event *images);

// Page TEXT: Markdown.
void dogb_board_text(dogb_buffer *out, const dogb_board_place *place, const char *const *texts,
                     size_t count);

// Page PR CURVES.
void dogb_board_pr_curve(dogb_buffer *out, const dogb_board_place *place,
                         const dogb_pr_curve *curve);

// --- page HPARAMS

enum { DOGB_HPARAM_TEXT = 1, DOGB_HPARAM_BOOL = 2, DOGB_HPARAM_NUMBER = 3 }; // TensorBoard's values

typedef struct dogb_hparam_value {
    const char *text; // of a TEXT
    double number;    // of the others
    int32_t kind;     // DOGB_HPARAM_
    int32_t reserved;
} dogb_hparam_value;

// A parameter: one of `values`, or (count 0) a number from low to high.
typedef struct dogb_hparam {
    const char *name;
    const dogb_hparam_value *values;
    size_t count;
    double low;
    double high;
    int32_t kind; // of all its values
    int32_t reserved;
} dogb_hparam;

// A curve whose last point is a result of a trial.
typedef struct dogb_hparam_metric {
    const char *tag;
    const char *name; // as it is shown
} dogb_hparam_metric;

// All that trials of the folders below have in common.
typedef struct dogb_experiment {
    const char *name;
    double time;
    const dogb_hparam *params;
    size_t param_count;
    const dogb_hparam_metric *metrics;
    size_t metric_count;
} dogb_experiment;
void dogb_board_experiment(dogb_buffer *out, const dogb_experiment *experiment);

// A trial, in a folder of its own: what it runs with, and how it ended. Trials with one group are
// shown as one, below its name.
typedef struct dogb_hparam_setting {
    const char *name;
    dogb_hparam_value value;
} dogb_hparam_setting;
typedef struct dogb_hparam_session {
    const char *group;
    double time;
    const dogb_hparam_setting *settings;
    size_t count;
} dogb_hparam_session;
void dogb_board_session(dogb_buffer *out, const dogb_hparam_session *session);

enum { DOGB_SESSION_SUCCESS = 1, DOGB_SESSION_FAILURE = 2 };
void dogb_board_session_end(dogb_buffer *out, double time, int32_t status);

#endif
