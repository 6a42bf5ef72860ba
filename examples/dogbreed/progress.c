// progress.c - what is seen while a run is going: on a terminal one line that is redrawn at most
// ten times a second and one row per epoch; elsewhere plain lines every ten seconds and per epoch.
#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { RECENT = 64, LINE_MAX_LENGTH = 400 };
static const double REDRAW_SECONDS = 0.1;
static const double PLAIN_SECONDS = 10.0;

struct progress {
    int terminal;
    int silent;
    int header_shown;
    int count;             // of `recent`
    double recent[RECENT]; // seconds of the last steps, a ring
    double last_step;      // event time of the last step, < 0: none in this epoch
    double eval_begin;
    double eval_seconds;
    double last_draw; // monotonic
    double phase_begin;
    char phase[32];
};

const uint64_t progress_mask =
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_BEGIN) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EPOCH_END) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_STEP_END) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_BEGIN) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_EVAL_END) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_FINDING) | DOGBREED_EVENT_MASK(DOGBREED_EVENT_PROGRESS) |
    DOGBREED_EVENT_MASK(DOGBREED_EVENT_RUN_END);

static int line_shown; // a redrawn line stands on the terminal

void progress_clear(void) {
    if (line_shown) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
        line_shown = 0;
    }
}

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

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

static void format_time(char *out, size_t size, double seconds) {
    int s = isfinite(seconds) && seconds > 0.0 && seconds < 1e8 ? (int)(seconds + 0.5) : 0;
    if (s >= 3600) {
        (void)snprintf(out, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(out, size, "%d:%02d", s / 60, s % 60);
    }
}

// Adds " text" when it fits into the width: what comes first matters most.
static void add(char *line, int width, const char *text) {
    size_t used = strlen(line);
    if (used + strlen(text) + 2 < (size_t)width && used + strlen(text) + 2 < LINE_MAX_LENGTH) {
        (void)snprintf(line + used, LINE_MAX_LENGTH - used, "%s%s", used == 0 ? "" : "  ", text);
    }
}

static void show(progress *p, const char *line) {
    if (p->terminal) {
        (void)fprintf(stderr, "\r%s\033[K", line);
        (void)fflush(stderr);
        line_shown = 1;
    } else {
        (void)fprintf(stderr, "%s\n", line);
    }
}

static int due(progress *p) {
    double t = now();
    if (t - p->last_draw < (p->terminal ? REDRAW_SECONDS : PLAIN_SECONDS)) {
        return 0;
    }
    p->last_draw = t;
    return 1;
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
    if (!due(p)) {
        return;
    }
    char line[LINE_MAX_LENGTH] = "";
    char text[96];
    char eta[32];
    int width = p->terminal ? terminal_width() : 200;
    int64_t step = e->steps > 0 ? e->step % e->steps + 1 : 0;
    double left =
        (double)(e->steps - step) * median_step(p) + p->eval_seconds +
        (double)(e->epochs - e->epoch - 1) * ((double)e->steps * median_step(p) + p->eval_seconds);
    (void)snprintf(text, sizeof text, "epoch %d/%d  step %lld/%lld", (int)e->epoch + 1,
                   (int)e->epochs, (long long)step, (long long)e->steps);
    add(line, width, text);
    (void)snprintf(text, sizeof text, "loss %.4f",
                   isfinite(e->train_loss) ? e->train_loss : e->loss);
    add(line, width, text);
    if (p->count > 0) {
        format_time(eta, sizeof eta, left);
        (void)snprintf(text, sizeof text, "ETA %s", eta);
        add(line, width, text);
    }
    if (isfinite(e->train_accuracy)) {
        (void)snprintf(text, sizeof text, "accuracy %.1f %%", 100.0 * e->train_accuracy);
        add(line, width, text);
    }
    (void)snprintf(text, sizeof text, "%.0f img/s", e->images_per_second);
    add(line, width, isfinite(e->images_per_second) ? text : "");
    (void)snprintf(text, sizeof text, "lr %.3g", e->learning_rate);
    add(line, width, text);
    (void)snprintf(text, sizeof text, "%.0f MB", resident_megabytes());
    add(line, width, text);
    show(p, line);
}

// A long phase in front of the epochs: features of a frozen backbone.
static void on_progress(progress *p, const dogbreed_event *e) {
    const char *what = e->text == NULL || *e->text == '\0' ? "features" : e->text;
    if (strncmp(p->phase, what, sizeof p->phase - 1) != 0 || e->done == 0) {
        (void)snprintf(p->phase, sizeof p->phase, "%s", what);
        p->phase_begin = now();
    }
    if (e->done < e->total && !due(p)) {
        return;
    }
    char line[LINE_MAX_LENGTH] = "";
    char text[96];
    char eta[32];
    double seconds = now() - p->phase_begin;
    double rate = seconds > 0.0 ? (double)e->done / seconds : 0.0;
    int width = p->terminal ? terminal_width() : 200;
    (void)snprintf(text, sizeof text, "%.32s %lld/%lld", what, (long long)e->done,
                   (long long)e->total);
    add(line, width, text);
    if (e->total > 0) {
        (void)snprintf(text, sizeof text, "%.0f %%", 100.0 * (double)e->done / (double)e->total);
        add(line, width, text);
    }
    if (rate > 0.0) {
        format_time(eta, sizeof eta, (double)(e->total - e->done) / rate);
        (void)snprintf(text, sizeof text, "ETA %s", eta);
        add(line, width, text);
        (void)snprintf(text, sizeof text, "%.0f img/s", rate);
        add(line, width, text);
    }
    (void)snprintf(text, sizeof text, "%.0f MB", resident_megabytes());
    add(line, width, text);
    show(p, line);
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
        if (p->terminal && line_shown && due(p)) {
            show(p, "validating");
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
    const char *term = getenv("TERM");
    p->terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    p->silent = t->quiet;
    p->last_step = -1.0;
    p->last_draw = now() - (p->terminal ? REDRAW_SECONDS : 0.0);
    return p;
}

void progress_destroy(progress *p) {
    progress_clear();
    free(p);
}
