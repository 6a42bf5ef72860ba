// scale.c - what lies along an axis: numbers, linear or log, or names.
#include "plot/chart.h"

#include <math.h>

dogb_scale dogb_scale_numbers(const char *label, double low, double high, int log, int integers) {
    const double room = 0.04; // at both ends
    dogb_ticks_range(&low, &high, log);
    dogb_scale scale = {.label = label, .low = low, .high = high, .log = log, .integers = integers};
    if (log) {
        double more = pow(high / low, room);
        scale.low = low / more;
        scale.high = high * more;
    } else {
        scale.low = low - room * (high - low);
        scale.high = high + room * (high - low);
    }
    return scale;
}

dogb_scale dogb_scale_names(const char *label, const char *const *names, int32_t count) {
    return (dogb_scale){
        .label = label, .low = -0.5, .high = count - 0.5, .names = names, .name_count = count};
}

double dogb_scale_place(const dogb_scale *scale, double value) {
    if (scale->log) {
        return value > 0 ? log(value / scale->low) / log(scale->high / scale->low) : (double)NAN;
    }
    return (value - scale->low) / (scale->high - scale->low);
}

void dogb_scale_ticks(dogb_ticks *out, const dogb_scale *scale, int32_t wanted) {
    if (scale->names == NULL) {
        if (scale->log) {
            dogb_ticks_log(out, scale->low, scale->high, wanted);
        } else {
            dogb_ticks_linear(out, scale->low, scale->high, wanted, scale->integers);
        }
        return;
    }
    int32_t stride = (scale->name_count + DOGB_TICKS_MAX - 1) / DOGB_TICKS_MAX;
    *out = (dogb_ticks){.count = 0};
    for (int32_t i = 0; i < scale->name_count; i += stride) {
        out->tick[out->count++].value = i;
    }
}

const char *dogb_scale_text(const dogb_scale *scale, const dogb_tick *tick) {
    return scale->names == NULL ? tick->text : scale->names[(int32_t)tick->value];
}
