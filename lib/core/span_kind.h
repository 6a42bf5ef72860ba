// span_kind.h - the kinds of phases that are recorded (core/span.h). Valid C17 and C++20: plug-ins
// have them too.
#ifndef DOGB_CORE_SPAN_KIND_H
#define DOGB_CORE_SPAN_KIND_H

enum { // kinds; their names and groups stand in one table of span.c
    DOGB_SPAN_RUN = 0,
    DOGB_SPAN_EPOCH,
    DOGB_SPAN_STEP, // fetching a batch to the optimiser's step, events included
    DOGB_SPAN_READ, // of a file
    DOGB_SPAN_DECODE,
    DOGB_SPAN_TRANSFORM, // crop, resize, flip
    DOGB_SPAN_WAIT,      // for the next batch
    DOGB_SPAN_COPY,      // to the device
    DOGB_SPAN_FORWARD,
    DOGB_SPAN_LOSS,
    DOGB_SPAN_BACKWARD,
    DOGB_SPAN_OPTIMIZER,
    DOGB_SPAN_EVALUATION, // of the validation split
    DOGB_SPAN_CHECKPOINT, // and models written on the way
    DOGB_SPAN_FEATURES,   // of a frozen backbone
    DOGB_SPAN_LAYER_FORWARD,
    DOGB_SPAN_LAYER_BACKWARD,
    DOGB_SPAN_KINDS
};

#endif
