// options.c - the table of dogbreed_job_options.
#include "job/job_internal.h"

static const dogb_option options[] = {
    DOGB_OPTION_DOUBLE(dogbreed_job_options, pipe_timeout, 0.01, 86400, "600", "seconds",
                       "How long a Pipe channel may stay silent."),
    DOGB_OPTION_INT64(dogbreed_job_options, pipe_bytes_max, 1, 1e15, "1099511627776", "bytes",
                      "Files of a Pipe channel together; more are refused."),
    DOGB_OPTION_INT64(dogbreed_job_options, pipe_files_max, 1, 1e8, "1000000", "files",
                      "Files and folders of a Pipe channel; more are refused."),
};

const dogb_table dogb_job_table = {
    .name = "job",
    .kind = DOGBREED_KIND_JOB,
    .size = sizeof(dogbreed_job_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_job_options_init(dogbreed_job_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_job_table, out, struct_size);
}
