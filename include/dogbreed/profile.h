/* dogbreed/profile.h - where a training spends its time, and what the machine does meanwhile:
 * recorded beside a trainer, judged by rules, turned into settings.
 */
#ifndef DOGBREED_PROFILE_H
#define DOGBREED_PROFILE_H

#include <dogbreed/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Belongs to the thread that runs the trainer, but for dogbreed_profile_configure and _summary:
 * any thread. */
typedef struct dogbreed_profile dogbreed_profile;

typedef struct dogbreed_profile_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *profile_rules;   /* other parameters of rules: "StepOutlier:stddev=5;..." */
    int64_t profile_trace_bytes; /* size of trace.json, about; 0: no phases in it */
    int32_t profile_interval;    /* ms between samples of the system: 100, 200, 500, 1000, 5000,
                                    60000 */
    int32_t profile_layers;      /* 1: time of each layer */
    int32_t profile_gpu;         /* 1: GPUs are watched where NVML is there */
    int32_t profile_parity;      /* 1: rules and names as the reference product has them */
    int32_t profile_kernels;     /* steps whose operators and kernels are recorded, from the second
                                    one of the run on; -1: 10 on an NVIDIA GPU, else 0 */
    int32_t reserved;
} dogbreed_profile_options;

DOGBREED_API int dogbreed_profile_options_init(dogbreed_profile_options *options,
                                               size_t struct_size);

/* Profiles the runs of a trainer from its next RUN_BEGIN to its RUN_END. Files go into
 * directory/profile: trace.json (Chrome's trace format, for Perfetto), system.jsonl,
 * summary.json, profiler-reports/<Rule>.json; directory NULL: no files. What goes wrong while the
 * training runs is warned about and never ends it. Destroying it ends the profile, destroying the
 * trainer too; any order. Returns INVALID_ARGUMENT (options), NO_MEMORY. */
DOGBREED_API int dogbreed_profile_attach(dogbreed_profile **out, dogbreed_trainer *trainer,
                                         const char *directory,
                                         const dogbreed_profile_options *options);

/* Changes interval, layers and rules of a profile, also while the training runs; the other
 * options hold from the next run on. Returns INVALID_ARGUMENT. Any thread. */
DOGBREED_API int dogbreed_profile_configure(dogbreed_profile *profile,
                                            const dogbreed_profile_options *options);

/* What is known so far, or of the last run: dogbreed.profile (docs/profile.md). *json is the
 * caller's (dogbreed_free). Returns STATE (no run has begun), NO_MEMORY. Any thread. */
DOGBREED_API int dogbreed_profile_summary(char **json, const dogbreed_profile *profile);

/* The same of a stored profile: directory is that of a run, or its folder profile. Rules are
 * judged again, with profile_parity and profile_rules of options (NULL: defaults). A profile that
 * a crash has cut off is read as far as it goes. Returns NOT_FOUND, FORMAT (names file and line),
 * UNSUPPORTED, INVALID_ARGUMENT, NO_MEMORY. */
DOGBREED_API int dogbreed_profile_results(char **json, const char *directory,
                                          const dogbreed_profile_options *options);

/* Measures for some seconds and says which settings are best here: loader_threads by what loading
 * some pictures takes with each number, the batch size of an evaluation by what the network takes,
 * decoded_cache_bytes by sizes and free memory, device and feature_cache by what is there.
 * {"advice":[{"option","value","reason","safe"}],"measured":{...}}; "safe" ones do not change what
 * a training computes. trainer is not changed. Not from inside a callback of it. Returns
 * NOT_FOUND (engine), IO, FORMAT (pictures), NO_MEMORY. */
DOGBREED_API int dogbreed_profile_advise(char **json, const dogbreed_trainer *trainer);

DOGBREED_API void dogbreed_profile_destroy(dogbreed_profile *profile);

#ifdef __cplusplus
}
#endif
#endif
