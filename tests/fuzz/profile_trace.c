// profile_trace.c - fuzz target: the two files of a stored profile, the second one behind the first
// empty line of the input. What is read makes up a whole, and every rule has an answer.
#include "fuzz.h"

#include "profile/read.h"
#include "profile/summary.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    size_t first = 0;
    while (first + 1 < size && !(text[first] == '\n' && text[first + 1] == '\n')) {
        first++;
    }
    size_t length = first + 1 < size ? first + 1 : size;
    size_t second = first + 1 < size ? first + 2 : size;
    dogb_arena arena = {0};
    dogb_profile_data profile = {0};
    json_t *summary = NULL;
    if (dogb_profile_read_trace(&profile, text, length, "trace") == 0 &&
        dogb_profile_read_system(&profile, text + second, size - second, "system") == 0) {
        int64_t modes[DOGB_SHARES];
        dogb_account_modes(&profile.account, modes);
        for (int i = 0; i < DOGB_SHARES; i++) {
            if (modes[i] < 0) {
                abort();
            }
        }
        for (int32_t parity = 0; parity < 2; parity++) {
            dogb_profile_judging judging = {.parity = parity, .overrides = ""};
            if (dogb_profile_summary(&summary, &arena, &profile, &judging) != 0) {
                abort();
            }
        }
    }
    dogb_arena_free(&arena);
    dogb_profile_data_free(&profile);
    return 0;
}
