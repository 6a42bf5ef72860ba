// metrics.c - the metric lines of a run on stdout, one per epoch, in four forms.
#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"text", "katib-text", "katib-json", "jsonl"};
enum { FORMAT_COUNT = 4 };

int metrics_format(const char *name) {
    for (int i = 0; name != NULL && i < FORMAT_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

typedef struct metric {
    const char *name;
    double value;
} metric;

static int collect(metric *out, const dogbreed_event *e) {
    const metric all[] = {{"train_loss", e->train_loss},
                          {"train_accuracy", e->train_accuracy},
                          {"val_loss", e->val_loss},
                          {"val_accuracy", e->val_accuracy},
                          {"val_top5", e->val_top5},
                          {"learning_rate", e->learning_rate},
                          {"images_per_second", e->images_per_second}};
    int count = 0;
    for (size_t i = 0; i < METRICS_MAX; i++) {
        if (isfinite(all[i].value)) {
            out[count++] = all[i];
        }
    }
    return count;
}

static void stamp(char *text, size_t size) {
    struct timespec now;
    struct tm parts;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text + length, size - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void print_jsonl(const dogbreed_event *e, const metric *metrics, int count) {
    char time[40];
    json_t *values = json_object();
    stamp(time, sizeof time);
    for (int i = 0; i < count; i++) {
        (void)json_object_set_new(values, metrics[i].name, json_real(metrics[i].value));
    }
    out_json(json_pack("{s:s,s:f,s:s,s:i,s:i,s:I,s:b,s:o}", "time", time, "t", e->time, "kind",
                       "epoch", "epoch", (int)e->epoch + 1, "epochs", (int)e->epochs, "step",
                       (json_int_t)e->step, "improved", (int)e->improved, "metrics", values));
}

static void print_katib_json(const dogbreed_event *e, const metric *metrics, int count) {
    char text[40];
    stamp(text, sizeof text);
    json_t *line =
        json_pack("{s:s,s:o}", "timestamp", text, "epoch", json_sprintf("%d", (int)e->epoch + 1));
    for (int i = 0; i < count; i++) {
        (void)json_object_set_new(line, metrics[i].name, json_sprintf("%.9g", metrics[i].value));
    }
    out_json(line);
}

static void print_text(const dogbreed_event *e, const metric *metrics, int count, int katib) {
    out(katib ? "epoch=%d\n" : "epoch=%d", (int)e->epoch + 1);
    for (int i = 0; i < count; i++) {
        out(katib ? "%s=%.9g\n" : " %s=%.6g", metrics[i].name, metrics[i].value);
    }
    out(katib ? "%s" : "%s\n", "");
    (void)fflush(stdout);
}

int metrics_event(const dogbreed_event *event, void *userdata) {
    const int format = *(const int *)userdata;
    metric metrics[METRICS_MAX];
    int count = collect(metrics, event);
    switch (format) {
    case METRICS_JSONL:
        print_jsonl(event, metrics, count);
        break;
    case METRICS_KATIB_JSON:
        print_katib_json(event, metrics, count);
        break;
    case METRICS_TEXT:
    case METRICS_KATIB_TEXT:
        print_text(event, metrics, count, format == METRICS_KATIB_TEXT);
        break;
    default:
        break;
    }
    return DOGBREED_OK;
}
