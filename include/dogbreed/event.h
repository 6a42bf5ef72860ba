/* dogbreed/event.h - what a running trainer tells its subscribers.
 *
 * Callbacks run on the thread that called dogbreed_trainer_run, between two phases of the loop.
 * Everything an event points to is borrowed for the call. From inside a callback only functions
 * marked "callback-safe" may be called on the same trainer; others return DOGBREED_ERROR_STATE.
 */
#ifndef DOGBREED_EVENT_H
#define DOGBREED_EVENT_H

#include <dogbreed/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds. The mask of kind k is DOGBREED_EVENT_MASK(k). Values never change. */
enum {
    DOGBREED_EVENT_RUN_BEGIN = 0,
    DOGBREED_EVENT_RUN_END = 1,
    DOGBREED_EVENT_EPOCH_BEGIN = 2,
    DOGBREED_EVENT_EPOCH_END = 3,  /* after validation: train and val metrics are filled */
    DOGBREED_EVENT_STEP_BEGIN = 4, /* before the batch is fetched */
    DOGBREED_EVENT_BATCH_READY = 5,
    DOGBREED_EVENT_FORWARD_END = 6,  /* activations can be viewed */
    DOGBREED_EVENT_BACKWARD_END = 7, /* gradients can be viewed */
    DOGBREED_EVENT_STEP_END = 8,     /* weights can be viewed; batch loss is filled */
    DOGBREED_EVENT_EVAL_BEGIN = 9,
    DOGBREED_EVENT_EVAL_END = 10,
    DOGBREED_EVENT_CHECKPOINT = 11,
    DOGBREED_EVENT_FINDING = 12, /* a rule has something to say */
    DOGBREED_EVENT_PROGRESS = 13 /* features, or a quantisation: done of total images */
};
#define DOGBREED_EVENT_MASK(kind) ((uint64_t)1 << (kind))
#define DOGBREED_EVENT_ALL (~(uint64_t)0)

/* What a tensor is. BATCH_READY offers input and labels, FORWARD_END activations, BACKWARD_END
 * gradients, STEP_END weights and behind them the optimiser's state, EVAL_END labels and
 * predictions of all validated samples. */
enum {
    DOGBREED_TENSOR_ACTIVATION = 0,
    DOGBREED_TENSOR_GRADIENT = 1,
    DOGBREED_TENSOR_WEIGHT = 2,
    DOGBREED_TENSOR_INPUT = 3,      /* of the network, normalised: N,C,H,W or N,features */
    DOGBREED_TENSOR_LABEL = 4,      /* class indices, N */
    DOGBREED_TENSOR_PREDICTION = 5, /* the same: where the largest logit is */
    DOGBREED_TENSOR_SCALAR = 6,     /* a loss or a metric: recordings and rules, never an event */
    DOGBREED_TENSOR_OPTIMIZER = 7   /* momentum or an average of a parameter's gradients */
};

/* How a debugger's rule stands; DOGBREED_EVENT_FINDING has it. */
enum {
    DOGBREED_RULE_IN_PROGRESS = 0,
    DOGBREED_RULE_NO_ISSUES = 1,
    DOGBREED_RULE_ISSUES = 2,
    DOGBREED_RULE_ERROR = 3, /* of a user's own rule */
    DOGBREED_RULE_STOPPING = 4,
    DOGBREED_RULE_STOPPED = 5,
    DOGBREED_RULE_NOT_EVALUATED = 6
};

typedef struct dogbreed_tensor {
    uint32_t struct_size;
    int32_t what;     /* DOGBREED_TENSOR_ */
    const char *name; /* node or parameter, torchvision's spelling */
    int32_t dtype;    /* DOGBREED_DTYPE_ */
    int32_t rank;
    int64_t shape[4];
} dogbreed_tensor;

/* All but the counts are those of the finite values; NaN where there are none (norm 0).
 * What follows: sum = mean * finite values, variance = deviation^2, l1 = absolute_mean * finite
 * values, absolute maximum = the larger of -minimum and maximum. */
typedef struct dogbreed_tensor_stats {
    uint32_t struct_size;
    uint32_t reserved;
    double minimum;
    double maximum;
    double mean;
    double deviation;  /* population */
    double norm;       /* L2 */
    double zero_share; /* exact zeros, 0..1 */
    int64_t nan_count;
    int64_t infinity_count;
    double absolute_minimum;
    double absolute_mean;
} dogbreed_tensor_stats;

typedef struct dogbreed_event {
    uint32_t struct_size;
    int32_t kind;
    int32_t epoch;  /* 0-based; number of the running or just finished epoch; RUN_END: how many */
    int32_t epochs; /* planned */
    int64_t step;   /* global, 0-based; EPOCH_END, EVAL_, RUN_END: how many are finished;
                      FINDING: how many have begun */
    int64_t steps;  /* per epoch */
    int64_t done;   /* samples of this epoch (or images, for PROGRESS) so far */
    int64_t total;
    double time; /* seconds since the run began, monotonic */
    double learning_rate;
    double loss;       /* STEP_END: mean of the batch; NaN when unknown */
    double train_loss; /* means over samples: EPOCH_END, and STEP_END of the epoch so far */
    double train_accuracy;
    double val_loss; /* EVAL_END, EPOCH_END; NaN without validation */
    double val_accuracy;
    double val_top5;
    double images_per_second;
    const char *text;     /* CHECKPOINT: directory; FINDING, PROGRESS: what; else "" */
    int32_t improved;     /* EPOCH_END: the monitored metric is the best so far */
    int32_t tensor_count; /* tensors that can be viewed now */
    const void *context;  /* for dogbreed_event_tensor and the calls below; opaque */
    const char *rule;     /* FINDING: name of the rule; else "" */
    int32_t status;       /* FINDING: DOGBREED_RULE_ */
    int32_t reserved;
} dogbreed_event;

/* 0: go on. DOGBREED_STOP: finish this epoch's bookkeeping and end cleanly. Negative: abort with
 * ERROR_CALLBACK. */
typedef int (*dogbreed_event_fn)(const dogbreed_event *event, void *userdata);

/* Describes tensor `index` of an event that offers some. Set out->struct_size before the call.
 * Callback-safe, only inside the callback. */
DOGBREED_API int dogbreed_event_tensor(dogbreed_tensor *out, const dogbreed_event *event,
                                       int32_t index);

/* Copies the tensor's values as float32, C order, into buffer of `count` floats. Callback-safe. */
DOGBREED_API int dogbreed_event_tensor_read(const dogbreed_event *event, int32_t index,
                                            float *buffer, size_t count);

/* Statistics computed where the tensor lives, without copying it. Set out->struct_size before the
 * call. Callback-safe. */
DOGBREED_API int dogbreed_event_tensor_stats(dogbreed_tensor_stats *out,
                                             const dogbreed_event *event, int32_t index);

#ifdef __cplusplus
}
#endif
#endif
