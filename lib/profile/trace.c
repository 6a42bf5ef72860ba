// trace.c - see trace.h. Numbers are written from integers: the same bytes in any locale, and times
// that read back exactly.
#include "profile/trace.h"

#include "core/error.h"
#include "core/log.h"
#include "core/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct out_file {
    const char *path;
    dogb_arena arena;
    dogb_buffer text;
    int64_t written; // text included
    int fd;          // -1: none, or given up
    int32_t reserved;
} out_file;

struct dogb_trace {
    out_file trace;
    out_file system;
    uint64_t zero;
    int64_t wall_zero;
    int64_t bytes_max;
    int32_t parity;
    int32_t pid;
    int32_t lanes; // of activities: one thread of the trace each, behind those of phases
    int32_t lane_device;
    int64_t lane;
};

enum { LANES_FIRST = 10000 }; // number of the first lane's thread

typedef struct name_row { // by kind
    const char *value;    // member of args
    const char *parity;   // the reference product's name; NULL: ours
} name_row;

static const name_row names[DOGB_SPAN_KINDS] = {
    [DOGB_SPAN_RUN] = {NULL, NULL},
    [DOGB_SPAN_EPOCH] = {"epoch", NULL},
    [DOGB_SPAN_STEP] = {"step_num", "Step:ModeKeys.TRAIN"},
    [DOGB_SPAN_READ] = {"bytes", "DataLoaderWorker"},
    [DOGB_SPAN_DECODE] = {"bytes", "DataLoaderWorker"},
    [DOGB_SPAN_TRANSFORM] = {"pixels", "DataLoaderWorker"},
    [DOGB_SPAN_WAIT] = {"images", "DataLoaderIter"},
    [DOGB_SPAN_COPY] = {"bytes", NULL},
    [DOGB_SPAN_FORWARD] = {"images", "Forward"},
    [DOGB_SPAN_LOSS] = {"images", NULL},
    [DOGB_SPAN_BACKWARD] = {"images", "Backward(post-forward)"},
    [DOGB_SPAN_OPTIMIZER] = {"images", NULL},
    [DOGB_SPAN_EVALUATION] = {"images", "Step:ModeKeys.EVAL"},
    [DOGB_SPAN_CHECKPOINT] = {NULL, NULL},
    [DOGB_SPAN_FEATURES] = {"images", NULL},
    [DOGB_SPAN_LAYER_FORWARD] = {NULL, "Forward-SubModuleInternal"},
    [DOGB_SPAN_LAYER_BACKWARD] = {NULL, "Backward-SubModuleInternal"},
};

static void put(out_file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(out_file *file, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length > 0 && file->fd >= 0) {
        size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
        dogb_buffer_put(&file->text, text, size);
        file->written += (int64_t)size;
    }
}

static void put_text(out_file *file, const char *text) {
    if (file->fd >= 0) {
        dogb_buffer_add(&file->text, text);
        file->written += (int64_t)strlen(text);
    }
}

static void close_file(out_file *file) {
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    file->fd = -1;
    dogb_arena_free(&file->arena);
    file->text = (dogb_buffer){.arena = &file->arena};
}

static void flush(out_file *file) {
    size_t done = 0;
    int rc = file->text.rc;
    while (file->fd >= 0 && rc == DOGBREED_OK && done < file->text.length) {
        ssize_t wrote = write(file->fd, file->text.data + done, file->text.length - done);
        if (wrote < 0 && errno != EINTR) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", file->path);
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    file->text.length = 0;
    if (rc < 0 && file->fd >= 0) { // a full disk must not end a training
        dogb_log(DOGBREED_LOG_WARNING, "profile: %s; it ends here", dogbreed_error_message());
        close_file(file);
    }
}

static int open_file(out_file *file, const char *path) {
    file->fd = -1;
    file->path = path;
    file->text.arena = &file->arena;
    if (path == NULL) {
        return DOGBREED_OK;
    }
    file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return file->fd >= 0 ? DOGBREED_OK
                         : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be made", path);
}

static void destroy(void *pointer) {
    dogb_trace *trace = pointer;
    close_file(&trace->trace);
    close_file(&trace->system);
}

static int put_header(dogb_trace *trace, const json_t *header) {
    dogb_arena scratch = {0};
    const char *text = dogb_json_text_ascii(&scratch, header);
    if (text != NULL) {
        put_text(&trace->trace, "{\"displayTimeUnit\":\"ms\",\"otherData\":");
        put_text(&trace->trace, text);
        put(&trace->trace,
            ",\"traceEvents\":[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":1,"
            "\"args\":{\"name\":\"dogbreed\"}}",
            (int)trace->pid);
    }
    dogb_arena_free(&scratch);
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_trace_open(dogb_trace **out, dogb_arena *arena, const dogb_trace_conf *conf) {
    *out = NULL;
    dogb_trace *trace = dogb_alloc(arena, 1, sizeof *trace);
    if (trace == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    trace->zero = conf->zero;
    trace->wall_zero = conf->wall_zero;
    trace->bytes_max = conf->bytes_max;
    trace->parity = conf->parity;
    trace->pid = (int32_t)getpid();
    trace->trace.fd = -1;
    trace->system.fd = -1;
    int rc = dogb_defer(arena, destroy, trace);
    if (rc < 0 || (rc = open_file(&trace->trace, conf->trace)) < 0 ||
        (rc = open_file(&trace->system, conf->system)) < 0 ||
        (rc = put_header(trace, conf->header)) < 0) {
        return rc;
    }
    flush(&trace->trace);
    *out = trace;
    return DOGBREED_OK;
}

// Lines are many: their numbers are written digit by digit, into a piece of text that is long
// enough for all but names of layers.
typedef struct piece {
    char text[256];
    size_t length;
} piece;

static void piece_text(piece *p, const char *text) {
    size_t length = strlen(text);
    memcpy(p->text + p->length, text, length);
    p->length += length;
}

static void piece_number(piece *p, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        p->text[p->length++] = digits[--count];
    }
}

// Nanoseconds as microseconds with three decimals.
static void piece_time(piece *p, const char *name, uint64_t ns) {
    uint64_t rest = ns % 1000;
    piece_text(p, name);
    piece_number(p, ns / 1000);
    p->text[p->length++] = '.';
    p->text[p->length++] = (char)('0' + rest / 100);
    p->text[p->length++] = (char)('0' + rest / 10 % 10);
    p->text[p->length++] = (char)('0' + rest % 10);
}

// Begin of a line: a comma, so that the file is whole after each of them but for its end.
static void piece_begin(piece *p, const dogb_trace *trace, const char *phase, uint64_t time,
                        int32_t thread) {
    piece_text(p, ",\n{\"ph\":\"");
    piece_text(p, phase);
    piece_time(p, "\",\"ts\":", time > trace->zero ? time - trace->zero : 0);
    piece_text(p, ",\"pid\":");
    piece_number(p, (uint64_t)trace->pid);
    piece_text(p, ",\"tid\":");
    piece_number(p, (uint64_t)thread + 1);
}

static void put_piece(out_file *file, piece *p) {
    if (file->fd >= 0) {
        dogb_buffer_put(&file->text, p->text, p->length);
        file->written += (int64_t)p->length;
    }
    p->length = 0;
}

static void begin_event(dogb_trace *trace, const char *phase, uint64_t time, int32_t thread) {
    piece p = {.length = 0};
    piece_begin(&p, trace, phase, time, thread);
    put_piece(&trace->trace, &p);
}

static void put_layer(dogb_trace *trace, piece *p, const char *name, const char *label,
                      const char *op) {
    if (name != NULL) {
        piece_text(p, "\"");
        piece_text(p, name);
        piece_text(p, "\"");
    }
    put_piece(&trace->trace, p);
    put_text(&trace->trace, name == NULL ? label : "");
    put_text(&trace->trace, ",\"args\":{\"layer\":");
    put_text(&trace->trace, label);
    put_text(&trace->trace, ",\"op\":");
    put_text(&trace->trace, op);
    put_text(&trace->trace, "}}");
}

static void put_phase(dogb_trace *trace, piece *p, const char *name, const char *member,
                      int64_t value) {
    piece_text(p, "\"");
    piece_text(p, name);
    if (member != NULL) {
        piece_text(p, "\",\"args\":{\"");
        piece_text(p, member);
        piece_text(p, value < 0 ? "\":-" : "\":");
        piece_number(p, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
        piece_text(p, "}}");
    } else {
        piece_text(p, "\"}");
    }
    put_piece(&trace->trace, p);
}

int dogb_trace_span(dogb_trace *trace, const dogb_span_event *end, const char *label,
                    const char *op) {
    const name_row *row = &names[end->kind];
    int64_t limit = end->thread == 0 ? trace->bytes_max : trace->bytes_max / 2;
    // The run itself and epochs are few, and what is read back depends on them.
    int kept = end->kind == DOGB_SPAN_RUN || end->kind == DOGB_SPAN_EPOCH;
    if (trace->trace.fd < 0 || (trace->trace.written >= limit && !kept)) {
        return 0;
    }
    piece p = {.length = 0};
    const char *theirs = trace->parity ? row->parity : NULL;
    piece_begin(&p, trace, "X", end->begin, end->thread);
    piece_time(&p, ",\"dur\":", end->time - end->begin);
    piece_text(&p, ",\"cat\":\"");
    piece_text(&p, dogb_span_group(end->kind));
    piece_text(&p, ",");
    piece_text(&p, dogb_span_name(end->kind));
    piece_text(&p, "\",\"name\":");
    if (label != NULL) {
        put_layer(trace, &p, theirs, label, op);
    } else {
        put_phase(trace, &p, theirs == NULL ? dogb_span_name(end->kind) : theirs, row->value,
                  end->value);
    }
    return 1;
}

// They come lane by lane: another one is a thread of its own.
static void enter_lane(dogb_trace *trace, const dogb_activity *one) {
    char name[64];
    if (trace->lanes > 0 && trace->lane_device == one->device && trace->lane == one->lane) {
        return;
    }
    trace->lane_device = one->device;
    trace->lane = one->lane;
    if (one->device < 0) {
        (void)snprintf(name, sizeof name, "operators, thread %" PRId64, one->lane);
    } else {
        (void)snprintf(name, sizeof name, "GPU %d, stream %" PRId64, (int)one->device, one->lane);
    }
    dogb_trace_thread(trace, LANES_FIRST + trace->lanes++, name);
}

int dogb_trace_activity(dogb_trace *trace, const dogb_activity *one) {
    dogb_arena scratch = {0};
    json_t *text = json_string(one->name);
    const char *name = text == NULL ? NULL : dogb_json_text_ascii(&scratch, text);
    int room = trace->trace.fd >= 0 && trace->trace.written < trace->bytes_max && name != NULL;
    if (room) {
        piece p = {.length = 0};
        enter_lane(trace, one);
        piece_begin(&p, trace, "X", one->begin, LANES_FIRST + trace->lanes - 1);
        piece_time(&p, ",\"dur\":", one->end - one->begin);
        piece_text(&p, ",\"cat\":\"activity,");
        piece_text(&p, dogb_activity_kind_name(one->kind));
        piece_text(&p, "\",\"name\":");
        put_piece(&trace->trace, &p);
        put_text(&trace->trace, name);
        put(&trace->trace, ",\"args\":{\"device\":%d,\"lane\":%" PRId64 "}}", (int)one->device,
            one->lane);
    }
    json_decref(text);
    dogb_arena_free(&scratch);
    return room;
}

void dogb_trace_thread(dogb_trace *trace, int32_t thread, const char *name) {
    put(&trace->trace,
        ",\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":\"%s\"}"
        "}",
        (int)trace->pid, (int)thread + 1, name);
}

void dogb_trace_counter(dogb_trace *trace, uint64_t time, const char *name, const char *member,
                        double value) {
    char text[40];
    if (trace->trace.written < trace->bytes_max) {
        dogb_number_text(text, value);
        begin_event(trace, "C", time, 0);
        put(&trace->trace, ",\"name\":\"%s\",\"args\":{\"%s\":%s}}", name, member, text);
    }
}

void dogb_trace_instant(dogb_trace *trace, uint64_t time, const char *name, const json_t *args) {
    dogb_arena scratch = {0};
    const char *text = dogb_json_text_ascii(&scratch, args);
    if (text != NULL) {
        begin_event(trace, "i", time, 0);
        put(&trace->trace, ",\"s\":\"p\",\"name\":\"%s\",\"args\":", name);
        put_text(&trace->trace, text);
        put_text(&trace->trace, "}");
    }
    dogb_arena_free(&scratch);
}

void dogb_trace_sample(dogb_trace *trace, int64_t microseconds, const char *type, const char *name,
                       const char *dimension, double value) {
    char text[40];
    int64_t wall = trace->wall_zero + microseconds;
    dogb_number_text(text, value);
    put(&trace->system,
        "{\"Type\":\"%s\",\"Name\":\"%s\",\"Dimension\":\"%s\",\"Value\":%s,\"NodeId\":\"algo-1\","
        "\"Timestamp\":%" PRId64 ".%06d}\n",
        type, name, dimension, text, wall / 1000000, (int)(wall % 1000000));
}

void dogb_trace_flush(dogb_trace *trace) {
    flush(&trace->trace);
    flush(&trace->system);
}

void dogb_trace_finish(dogb_trace *trace) {
    put_text(&trace->trace, "\n]}\n");
    dogb_trace_flush(trace);
    close_file(&trace->trace);
    close_file(&trace->system);
}
