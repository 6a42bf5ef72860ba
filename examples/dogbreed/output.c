// output.c - stdout carries data, stderr messages; colours only on a terminal.
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int quiet;
static int verbose;
static int coloured;     // stderr
static int coloured_out; // stdout

static void print_log(int32_t level, const char *line, void *userdata) {
    (void)userdata;
    static const char *const labels[] = {"error", "warning", "info", "debug"};
    static const char *const styles[] = {"red", "yellow", "dim", "dim"};
    static char before[1024];
    char stamp[40] = "";
    if (!verbose && strcmp(line, before) == 0) {
        return; // each trial of a study warns alike
    }
    (void)snprintf(before, sizeof before, "%s", line);
    size_t row = level >= 0 && level <= 3 ? (size_t)level : 3;
    if (verbose) {
        struct timespec now;
        struct tm parts;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)gmtime_r(&now.tv_sec, &parts);
        size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
        (void)snprintf(stamp + length, sizeof stamp - length, ".%03dZ ",
                       (int)(now.tv_nsec / 1000000));
    }
    progress_clear();
    (void)fprintf(stderr, "%s%s%s:%s %s\n", stamp, style(styles[row]), labels[row], style("off"),
                  line);
}

void output_open(const tool *t) {
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    quiet = t->quiet;
    verbose = t->verbose;
    int wanted = !t->no_color && (no_color == NULL || *no_color == '\0') && term != NULL &&
                 strcmp(term, "dumb") != 0;
    coloured = wanted && isatty(STDERR_FILENO);
    coloured_out = wanted && isatty(STDOUT_FILENO);
    dogbreed_log_set(print_log, NULL,
                     verbose ? DOGBREED_LOG_DEBUG
                             : (quiet ? DOGBREED_LOG_ERROR : DOGBREED_LOG_WARNING));
}

static const char *sequence(const char *name) {
    static const struct {
        const char *name;
        const char *sequence;
    } rows[] = {{"off", "\033[0m"},  {"bold", "\033[1m"},   {"dim", "\033[2m"},
                {"red", "\033[31m"}, {"green", "\033[32m"}, {"yellow", "\033[33m"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return rows[i].sequence;
        }
    }
    return "";
}

const char *style(const char *name) {
    return coloured ? sequence(name) : "";
}

const char *style_out(const char *name) {
    return coloured_out ? sequence(name) : "";
}

// 15 digits show a number as it was written; where one of them needs 17 to survive, all get them.
static size_t digits_of(const json_t *value) {
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    size_t digits = 15;
    if (json_is_real(value)) {
        char text[40];
        (void)snprintf(text, sizeof text, "%.15g", json_real_value(value));
        return strtod(text, NULL) < json_real_value(value) ||
                       strtod(text, NULL) > json_real_value(value)
                   ? 17
                   : 15;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        digits = digits_of(member) > digits ? 17 : digits;
    }
    json_array_foreach(value, i, member) {
        digits = digits_of(member) > digits ? 17 : digits;
    }
    return digits;
}

void out_document(json_t *value) {
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(digits_of(value)));
    json_decref(value);
    out("%s\n", text == NULL ? "null" : text);
    free(text);
}

void out_json(json_t *value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(value);
    progress_clear();
    (void)printf("%s\n", text == NULL ? "null" : text);
    (void)fflush(stdout); // a reader of a stream sees each line when it is there
    free(text);
}

void out_result(const tool *t, json_t *value, void (*print)(const json_t *value)) {
    if (t->json) {
        out_json(value);
        return;
    }
    print(value);
    json_decref(value);
}

void out_written(const tool *t, const char *from_name, const char *from, const char *to_name,
                 const char *to) {
    if (t->json) {
        out_json(json_pack("{s:o,s:o}", from_name, json_text(from), to_name, json_text(to)));
    } else {
        out("%s -> %s\n", from, to);
    }
}

void out(const char *format, ...) {
    va_list args;
    va_start(args, format);
    progress_clear();
    (void)vprintf(format, args);
    va_end(args);
}

void say(const char *format, ...) {
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    progress_clear();
    (void)vfprintf(stderr, format, args);
    va_end(args);
}

void warn(const char *format, ...) {
    if (quiet) {
        return;
    }
    va_list args;
    va_start(args, format);
    progress_clear();
    (void)fprintf(stderr, "%swarning:%s ", style("yellow"), style("off"));
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

static char error_text[1200];

const char *last_error(void) {
    return error_text;
}

static int print_error(const tool *t, const char *name, const char *message, int exit_code) {
    (void)snprintf(error_text, sizeof error_text, "%s", message);
    progress_clear();
    (void)fflush(stdout);
    (void)fprintf(stderr, "%sdogbreed%s%s: error:%s %s\n", style("red"),
                  t->command == NULL ? "" : " ", t->command == NULL ? "" : t->command->name,
                  style("off"), message);
    if (t->json) {
        json_t *error = json_pack("{s:{s:s,s:o},s:i}", "error", "code", name, "message",
                                  json_text(message), "exit_code", exit_code);
        out_json(error);
    }
    return exit_code;
}

int fail(const tool *t, int phase, int code) {
    const char *message = dogbreed_error_message();
    return print_error(t, dogbreed_error_name(code),
                       *message == '\0' ? dogbreed_error_name(code) : message,
                       exit_code_of(phase, code));
}

int fail_with(const tool *t, int exit_code, const char *format, ...) {
    char message[1200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return print_error(t, exit_code == TOOL_USAGE ? "USAGE" : "FAILED", message, exit_code);
}

int usage_error(const tool *t, const char *format, ...) {
    char message[1200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return print_error(t, "USAGE", message, TOOL_USAGE);
}

int output_close(int exit_code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "dogbreed: error: stdout: %s\n", strerror(errno));
        return exit_code == TOOL_OK ? TOOL_FAILED : exit_code;
    }
    return exit_code;
}

json_t *parse_json(char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    dogbreed_free(text);
    return value;
}

json_t *finite_or_null(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_text(const char *text) {
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    char *copy = strdup(text);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (unsigned char)*c >= 0x80 ? '?' : *c;
    }
    value = copy == NULL ? NULL : json_string(copy);
    free(copy);
    return value;
}

double real_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

int64_t integer_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}
