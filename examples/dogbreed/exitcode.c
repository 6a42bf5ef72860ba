// exitcode.c - which exit code a failure of the library gets, by what was going on.
#include "tool.h"

typedef struct row {
    int phase;
    int code;
    int exit_code;
} row;

static const row rows[] = {
    {PHASE_USAGE, DOGBREED_ERROR_NOT_FOUND, TOOL_USAGE},
    {PHASE_DATA, DOGBREED_ERROR_NOT_FOUND, TOOL_DATA},
    {PHASE_DATA, DOGBREED_ERROR_FORMAT, TOOL_DATA},
    {PHASE_DATA, DOGBREED_ERROR_MISMATCH, TOOL_DATA},
    {PHASE_DATA, DOGBREED_ERROR_UNSUPPORTED, TOOL_DATA},
    {PHASE_MODEL, DOGBREED_ERROR_NOT_FOUND, TOOL_MODEL},
    {PHASE_MODEL, DOGBREED_ERROR_FORMAT, TOOL_MODEL},
    {PHASE_MODEL, DOGBREED_ERROR_MISMATCH, TOOL_MODEL},
    {PHASE_MODEL, DOGBREED_ERROR_UNSUPPORTED, TOOL_MODEL},
    {PHASE_RUN, DOGBREED_ERROR_NOT_FOUND, TOOL_DATA},
    {PHASE_RUN, DOGBREED_ERROR_FORMAT, TOOL_DATA},
    {PHASE_RUN, DOGBREED_ERROR_MISMATCH, TOOL_DATA},
    // A run that has a checkpoint can go on after these.
    {PHASE_RUN, DOGBREED_ERROR_CANCELLED, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_DEVICE, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_DEVICE_MEMORY, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_NO_MEMORY, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_NUMERIC, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_IO, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_NETWORK, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_CALLBACK, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_BUSY, TOOL_RESUMABLE},
    {PHASE_RUN, DOGBREED_ERROR_TIMEOUT, TOOL_RESUMABLE},
};

int exit_code_of(int phase, int code) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].phase == phase && rows[i].code == code) {
            return rows[i].exit_code;
        }
    }
    // An option that the library refuses is a usage error wherever it shows.
    if (code == DOGBREED_ERROR_INVALID_ARGUMENT || code == DOGBREED_ERROR_UNSUPPORTED) {
        return TOOL_USAGE;
    }
    return code == DOGBREED_OK ? TOOL_OK : TOOL_FAILED;
}
