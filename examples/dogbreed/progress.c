// progress.c - what is seen while a run is going: on a terminal one line that is redrawn at most
// ten times a second and one row per epoch; elsewhere plain lines every ten seconds and per epoch.
#include "line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECENT = 64 };

struct progress {
    line line;
    int silent;
    int header_shown;
    int count;             // of `recent`
    double recent[RECENT]; // seconds of the last steps, a ring
    double last_step;      // event time of the last step, < 0: none in this epoch
    double eval_begin;
    double eval_seconds;
    double phase_begin;
    char phase[32];
};

const uint64_t progress_mask =
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_BEGIN) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_END) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_FINDING) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END);

static double resident_megabytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    long long pages = 0;
    if (file != NULL) {
        if (fscanf(file, "%*d %lld", &pages) != 1) {
            pages = 0;
        }
        (void)fclose(file);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_step(const progress *p) {
    double sorted[RECENT];
    int count = p->count < RECENT ? p->count : RECENT;
    if (count == 0) {
        return 0.0;
    }
    memcpy(sorted, p->recent, (size_t)count * sizeof sorted[0]);
    qsort(sorted, (size_t)count, sizeof sorted[0], compare);
    return sorted[count / 2];
}

static void on_step(progress *p, const dogbreed_event *e) {
    if (p->last_step >= 0.0) {
        p->recent[p->count % RECENT] = e->time - p->last_step;
        p->count = p->count == 2 * RECENT ? RECENT + 1 : p->count + 1;
    }
    p->last_step = e->time;
    if (!line_due(&p->line)) {
        return;
    }
    char text_line[LINE_MAX_LENGTH] = "";
    char text[96];
    char eta[32];
    int width = line_width(&p->line);
    int64_t step = e->steps > 0 ? e->step % e->steps + 1 : 0;
    double left =
        (double)(e->steps - step) * median_step(p) + p->eval_seconds +
        (double)(e->epochs - e->epoch - 1) * ((double)e->steps * median_step(p) + p->eval_seconds);
    (void)snprintf(text, sizeof text, "epoch %d/%d  step %lld/%lld", (int)e->epoch + 1,
                   (int)e->epochs, (long long)step, (long long)e->steps);
    line_add(text_line, width, text);
    (void)snprintf(text, sizeof text, "loss %.4f",
                   isfinite(e->train_loss) ? e->train_loss : e->loss);
    line_add(text_line, width, text);
    if (p->count > 0) {
        format_time(eta, sizeof eta, left);
        (void)snprintf(text, sizeof text, "ETA %s", eta);
        line_add(text_line, width, text);
    }
    if (isfinite(e->train_accuracy)) {
        (void)snprintf(text, sizeof text, "accuracy %.1f %%", 100.0 * e->train_accuracy);
        line_add(text_line, width, text);
    }
    (void)snprintf(text, sizeof text, "%.0f img/s", e->images_per_second);
    line_add(text_line, width, isfinite(e->images_per_second) ? text : "");
    (void)snprintf(text, sizeof text, "lr %.3g", e->learning_rate);
    line_add(text_line, width, text);
    (void)snprintf(text, sizeof text, "%.0f MB", resident_megabytes());
    line_add(text_line, width, text);
    line_show(&p->line, text_line);
}

// A long phase in front of the epochs: features of a frozen backbone.
static void on_progress(progress *p, const dogbreed_event *e) {
    const char *what = e->text == NULL || *e->text == '\0' ? "features" : e->text;
    if (strncmp(p->phase, what, sizeof p->phase - 1) != 0 || e->done == 0) {
        (void)snprintf(p->phase, sizeof p->phase, "%s", what);
        p->phase_begin = now_seconds();
    }
    if (e->done < e->total && !line_due(&p->line)) {
        return;
    }
    char text_line[LINE_MAX_LENGTH] = "";
    char text[96];
    char eta[32];
    double seconds = now_seconds() - p->phase_begin;
    double rate = seconds > 0.0 ? (double)e->done / seconds : 0.0;
    int width = line_width(&p->line);
    (void)snprintf(text, sizeof text, "%.32s %lld/%lld", what, (long long)e->done,
                   (long long)e->total);
    line_add(text_line, width, text);
    if (e->total > 0) {
        (void)snprintf(text, sizeof text, "%.0f %%", 100.0 * (double)e->done / (double)e->total);
        line_add(text_line, width, text);
    }
    if (rate > 0.0 && seconds > 0.1) { // not of features that were there
        format_time(eta, sizeof eta, (double)(e->total - e->done) / rate);
        (void)snprintf(text, sizeof text, "ETA %s", eta);
        line_add(text_line, width, text);
        (void)snprintf(text, sizeof text, "%.0f img/s", rate);
        line_add(text_line, width, text);
    }
    (void)snprintf(text, sizeof text, "%.0f MB", resident_megabytes());
    line_add(text_line, width, text);
    line_show(&p->line, text_line);
}

static void cell(char *row, int width, const char *format, double value, double factor) {
    char text[48];
    size_t used = strlen(row);
    if (isfinite(value)) {
        (void)snprintf(text, sizeof text, format, value * factor);
    } else {
        (void)snprintf(text, sizeof text, "-");
    }
    if (used + (size_t)width + 2 < LINE_MAX_LENGTH) {
        (void)snprintf(row + used, LINE_MAX_LENGTH - used, "%*s", width, text);
    }
}

static void on_epoch_end(progress *p, const dogbreed_event *e) {
    char row[LINE_MAX_LENGTH];
    char epoch[32];
    progress_clear();
    if (!p->header_shown) {
        (void)fprintf(stderr, "%s%9s%10s%10s%10s%10s%10s%10s%10s%s\n", style("bold"), "epoch",
                      "loss", "acc %", "val loss", "val acc %", "lr", "img/s", "MB", style("off"));
        p->header_shown = 1;
    }
    (void)snprintf(epoch, sizeof epoch, "%d/%d", (int)e->epoch + 1, (int)e->epochs);
    (void)snprintf(row, sizeof row, "%9s", epoch);
    cell(row, 10, "%.4f", e->train_loss, 1.0);
    cell(row, 10, "%.2f", e->train_accuracy, 100.0);
    cell(row, 10, "%.4f", e->val_loss, 1.0);
    cell(row, 10, "%.2f", e->val_accuracy, 100.0);
    cell(row, 10, "%.3g", e->learning_rate, 1.0);
    cell(row, 10, "%.0f", e->images_per_second, 1.0);
    cell(row, 10, "%.0f", resident_megabytes(), 1.0);
    (void)fprintf(stderr, "%s%s%s\n", row, e->improved ? style("green") : "",
                  e->improved ? "  best" : "");
    (void)fputs(style("off"), stderr);
}

static void on_evaluation(progress *p, const dogbreed_event *e) {
    if (e->kind == DOGBREED_EVENT_EVAL_BEGIN) {
        p->eval_begin = e->time;
        if (p->line.terminal && line_is_shown() && line_due(&p->line)) {
            line_show(&p->line, "validating");
        }
    } else {
        p->eval_seconds = e->time - p->eval_begin;
    }
}

int progress_event(const dogbreed_event *event, void *userdata) {
    progress *p = userdata;
    if (p->silent) {
        return DOGBREED_OK;
    }
    switch (event->kind) {
    case DOGBREED_EVENT_EPOCH_BEGIN:
        p->last_step = -1.0;
        break;
    case DOGBREED_EVENT_STEP_END:
        on_step(p, event);
        break;
    case DOGBREED_EVENT_EPOCH_END:
        on_epoch_end(p, event);
        break;
    case DOGBREED_EVENT_PROGRESS:
        on_progress(p, event);
        break;
    case DOGBREED_EVENT_FINDING:
        progress_clear();
        (void)fprintf(stderr, "%sfinding:%s %s\n", style("yellow"), style("off"), event->text);
        break;
    case DOGBREED_EVENT_RUN_END:
        progress_clear();
        break;
    default:
        on_evaluation(p, event);
        break;
    }
    return DOGBREED_OK;
}

progress *progress_create(const tool *t) {
    progress *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return NULL;
    }
    line_init(&p->line);
    p->silent = t->quiet;
    p->last_step = -1.0;
    return p;
}

void progress_destroy(progress *p) {
    progress_clear();
    free(p);
}
