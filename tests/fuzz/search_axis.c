// search_axis.c - fuzz target: the text form of an axis. What is accepted is a range whose values
// stay inside it.
#include "fuzz.h"

#include "search/space.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_axis axis;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    if (text != NULL && dogb_axis_parse(&axis, &arena, text) == 0) {
        dogb_space space = {.axes = &axis, .count = 1};
        if (dogb_space_check(&space) != 0) {
            abort();
        }
        for (int i = 0; i <= 8; i++) {
            double value = dogb_axis_value(&axis, i / 8.0);
            double unit = dogb_axis_unit(&axis, value);
            if (!(value >= axis.low && value <= axis.high && unit >= 0 && unit <= 1)) {
                abort();
            }
        }
    }
    dogb_arena_free(&arena);
    return 0;
}
