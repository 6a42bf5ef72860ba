// heads.h - banks of heads: the calls that every engine refuses, with one code and one line.
// Compiled into plug-ins too, whose errors are not this library's: the line goes to the caller.
#ifndef DOGB_ENGINE_HEADS_H
#define DOGB_ENGINE_HEADS_H

#include "engine/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DOGB_HEADS_TEXT = 200, DOGB_HEADS_PARAMS = 4 };

// A bank as its callers know it.
typedef struct dogb_heads_shape {
    int32_t count;
    int32_t features;
    int32_t classes;
    int32_t hidden;       // 0: linear
    const uint8_t *ended; // [count] heads that have left
} dogb_heads_shape;

// Each returns a code, and a line when it is negative.

int dogb_heads_check_conf(char line[DOGB_HEADS_TEXT], const dogb_heads_conf *conf);
// NOT_FOUND or, of one that has left, STATE.
int dogb_heads_check_head(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head);
// The arguments of heads_run.
int dogb_heads_check_run(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape,
                         const dogb_heads_data *data, const dogb_heads_work *work, int32_t count);
// The work of heads_step: one batch of `count` rows for each head that is there. work: [count of
// heads]. Returns how many; the losses of the others are 0.
int32_t dogb_heads_one_step(dogb_heads_work *work, const dogb_heads_shape *shape, int32_t count,
                            const double *rates, int64_t step, double *losses);
int dogb_heads_check_labels(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape,
                            const int32_t *labels, int32_t count);
// Head, parameter, slot and size of a read or a write. slots: of the head's optimiser.
int dogb_heads_check_param(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                           int32_t param, size_t size);
int dogb_heads_check_slot(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                          int32_t param, int32_t slot, int32_t slots, size_t size);
int dogb_heads_check_steps(char line[DOGB_HEADS_TEXT], const dogb_heads_shape *shape, int32_t head,
                           int64_t steps);

// Parameters: weight [outputs][inputs] and bias [outputs] of each layer.
int32_t dogb_heads_params(const dogb_heads_shape *shape);
int64_t dogb_heads_param_count(const dogb_heads_shape *shape, int32_t param); // of values

#ifdef __cplusplus
}
#endif
#endif
