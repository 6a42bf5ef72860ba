/* dogbreed/quantize.h - a trained model with weights and activations of 8 bits: calibrated on
 * pictures, measured beside the original. */
#ifndef DOGBREED_QUANTIZE_H
#define DOGBREED_QUANTIZE_H

#include <dogbreed/event.h>
#include <dogbreed/model.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { /* how the range of an activation is chosen from what the calibration pictures give */
       DOGBREED_RANGE_MSE = 0,       /* least mean squared error */
       DOGBREED_RANGE_MINMAX = 1,    /* all of it */
       DOGBREED_RANGE_PERCENTILE = 2 /* all but the outermost `percentile` */
};

typedef struct dogbreed_quantize_options {
    uint32_t struct_size;
    uint32_t kind;
    double percentile;      /* share of values that lies inside, percent */
    int32_t images;         /* pictures of the calibration, evenly spread over the dataset */
    int32_t range;          /* DOGBREED_RANGE_ */
    int32_t threads;        /* compute threads; 0: usable cores */
    int32_t loader_threads; /* 0: usable cores */
    int32_t batch_size;     /* of the measurement */
    int32_t measure;        /* 1: the accuracy before and after, on the whole dataset */
} dogbreed_quantize_options;

DOGBREED_API int dogbreed_quantize_options_init(dogbreed_quantize_options *options,
                                                size_t struct_size);

/* Makes a quantised model: weights are whole numbers of -127 to 127 times a scale per output
 * channel; each activation has a step and a zero point, found on pictures of the dataset (its
 * classes must be the model's). Batch norms are folded into the layers before them. The new model
 * predicts and is evaluated with integers where the engine can (dtype int8), in f32 elsewhere; it
 * cannot be trained. `json` (may be NULL) receives what was measured: top-1 of both, the mean
 * difference of their logits, pictures and options; the model keeps the same as its member
 * "quantization". The model that comes in is not changed. Runs on the CPU.
 * fn (may be NULL) hears a PROGRESS event at the start and after each batch, on the calling thread:
 * text is "ranges" (done of total counts each calibration picture twice), then "accuracy"; no
 * tensors. When it returns DOGBREED_STOP the call ends with CANCELLED, when it returns less than 0
 * with CALLBACK. Returns INVALID_ARGUMENT (empty dataset, the model is quantised already), MISMATCH
 * (classes), IO, FORMAT (pictures), CANCELLED, CALLBACK, NO_MEMORY. The caller destroys *out and
 * frees *json. One thread. */
DOGBREED_API int dogbreed_quantize(dogbreed_model **out, char **json, const dogbreed_model *model,
                                   const dogbreed_dataset *dataset,
                                   const dogbreed_quantize_options *options, dogbreed_event_fn fn,
                                   void *userdata);

#ifdef __cplusplus
}
#endif
#endif
