// options.c - the table of dogbreed_profile_options. They are flags of commands beside those of
// other structs: each name begins with profile_.
#include "core/error.h"
#include "core/table_rows.h"
#include "profile/profile_internal.h"

typedef dogbreed_profile_options o;

static const dogb_option rows[] = {
    DOGB_OPTION_STRING(o, profile_rules, "",
                       "Other parameters of the profiler's rules: RULE:NAME=VALUE,...;RULE:..."),
    DOGB_OPTION_INT64(o, profile_trace_bytes, 0, 1LL << 40, "134217728", "bytes",
                      "Size of trace.json, about; 0: no phases in it."),
    DOGB_OPTION_INT32(o, profile_interval, 100, 60000, "500", "ms",
                      "Between two samples of the system: 100, 200, 500, 1000, 5000 or 60000."),
    DOGB_OPTION_SWITCH(o, profile_layers, "off", "Record the time of each layer."),
    DOGB_OPTION_SWITCH(o, profile_gpu, "on", "Watch GPUs, where NVML is there."),
    DOGB_OPTION_INT32(o, profile_kernels, -1, 1000, "-1", "steps",
                      "Record the operators and kernels of so many steps (engine torch); -1: 10 on "
                      "an NVIDIA GPU, else none."),
    DOGB_OPTION_SWITCH(o, profile_parity, "off",
                       "Rules and names of phases as SageMaker's profiler has them."),
};

const dogb_table dogb_profile_table = {
    .name = "profile",
    .kind = DOGBREED_KIND_PROFILE,
    .size = (uint32_t)sizeof(dogbreed_profile_options),
    .options = rows,
    .count = (uint32_t)(sizeof rows / sizeof rows[0]),
};

int dogbreed_profile_options_init(dogbreed_profile_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_profile_table, options, struct_size);
}

int dogb_profile_import(dogbreed_profile_options *out, const dogbreed_profile_options *options,
                        dogb_arena *arena) {
    static const int32_t intervals[] = {100, 200, 500, 1000, 5000, 60000};
    int known = 0;
    int rc = dogb_table_import(out, &dogb_profile_table, options, arena);
    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        known |= out->profile_interval == intervals[i];
    }
    DOGB_CHECK(known, "profile_interval: %d, expected 100, 200, 500, 1000, 5000 or 60000",
               (int)out->profile_interval);
    return dogb_profile_judging_check(out->profile_rules);
}
