/* dogbreed/evaluate.h - a model on a labelled split: accuracy with its interval, per class,
 * confusion. */
#ifndef DOGBREED_EVALUATE_H
#define DOGBREED_EVALUATE_H

#include <dogbreed/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dogbreed_evaluate_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *engine;    /* "auto", or a name: "native", "torch", "ref" */
    const char *device;    /* "auto", "cpu", "cuda", "cuda:0" */
    const char *cache_dir; /* of the feature store; "": the user's cache folder */
    int32_t batch_size;
    int32_t threads;        /* compute threads; 0: usable cores */
    int32_t loader_threads; /* 0: usable cores */
    int32_t dtype;          /* DOGBREED_DTYPE_ */
    int32_t feature_cache;  /* 1: read and keep frozen features */
    int32_t predictions;    /* 1: the JSON also has each picture */
} dogbreed_evaluate_options;

DOGBREED_API int dogbreed_evaluate_options_init(dogbreed_evaluate_options *options,
                                                size_t struct_size);

/* Means are over samples. Intervals are 95 % Wilson score intervals. */
typedef struct dogbreed_evaluation {
    uint32_t struct_size;
    int32_t classes;
    int64_t count;
    int64_t correct;
    int64_t correct5;
    double loss;
    double top1;
    double top1_low;
    double top1_high;
    double top5;
    double seconds;
    double ece;               /* expected calibration error; NaN: no sample has finite outputs */
    double temperature;       /* outputs divided by it have the smallest loss; NaN: there is none */
    double scaled_ece;        /* with the temperature, of the samples it was fitted on: too good */
    double scaled_loss;       /* likewise */
    double auc;               /* area under the ROC curve over all classes of all samples */
    double average_precision; /* likewise; both NaN: there is one class alone */
} dogbreed_evaluation;

/* Evaluates. Set out->struct_size before the call. `json` (may be NULL) receives the same numbers
 * with split name, per-class counts, precision and recall, the most confused pairs, the confusion
 * matrix as {"rows":[[predicted,count],...]} per true class, and "calibration": 15 bins of the
 * chosen class's probability with its accuracy, the expected calibration error "ece", "temperature"
 * (temperature scaling, Guo et al., 2017; from 0.01 to 100, else null) and "scaled": bins, "ece"
 * and "loss" with it. "roc": {"auc", "average_precision", "positives", "negatives",
 * "threshold":[...], "true_positives":[...], "false_positives":[...]}: both numbers are exact, the
 * curve has 200 points at most. Temperature and roc leave out samples whose outputs are not finite,
 * and are null where samples times classes are more than 67,108,864. "pr_curve":
 * {"true_positives":[...],"false_positives":[...]}, over all classes of all samples (micro average)
 * those whose probability is not below i / 126, i from 0 to 126; with 20 classes or fewer also
 * "classes", the same of each. With more than 8,192 classes there are no numbers per class. With
 * option predictions also "root" (the folder of the data) and "predictions": [{"path" (below root),
 * "true", "predicted" (classes of the model, from 0), "probability", "loss", "top": [[class,
 * probability], ...] (5 at most)}]. Classes are matched by name; the dataset may lack some of the
 * model's. Returns MISMATCH (a class that the model does not have), DEVICE, ... */
DOGBREED_API int dogbreed_evaluate(dogbreed_evaluation *out, char **json,
                                   const dogbreed_model *model, const dogbreed_dataset *dataset,
                                   const dogbreed_evaluate_options *options);

#ifdef __cplusplus
}
#endif
#endif
