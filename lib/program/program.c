// program.c - see program.h.
#include "program/program.h"

#include "core/clock.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK = 16384,     // bytes of one read
    READS = 16,        // of one stream before others have their turn
    LAST_READS = 1024, // what may still lie in the pipe of an ended one, and more
    LAST_LINE = 200
};

struct dogb_program {
    dogb_arena arena;
    dogb_program_conf conf;
    dogb_process process;
    dogb_lines lines[DOGB_STREAMS];
    int32_t log;     // descriptor; -1: none
    int32_t stopped; // it was asked to end
    int64_t logged;  // bytes
    double begin;
    double kill_at; // when it was stopped
    dogb_program_end end;
    size_t pending; // bytes of `text` that the log does not have yet
    char text[CHUNK];
    char last_line[LAST_LINE + 1];
};

// --- log

static int write_all(int32_t descriptor, const char *text, size_t size) {
    while (size > 0) {
        ssize_t count = write(descriptor, text, size);
        if (count < 0 && errno != EINTR) {
            return -1;
        }
        count = count < 0 ? 0 : count;
        text += count;
        size -= (size_t)count;
    }
    return 0;
}

static int flush_log(dogb_program *p) {
    size_t size = p->pending;
    p->pending = 0;
    return p->log < 0 || write_all(p->log, p->text, size) == 0
               ? DOGBREED_OK
               : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", p->conf.log);
}

static int put(dogb_program *p, const char *text, size_t size) {
    int rc = size > CHUNK - p->pending ? flush_log(p) : DOGBREED_OK;
    if (p->log < 0 || rc < 0) {
        return rc;
    }
    if (size > CHUNK) {
        return write_all(p->log, text, size) == 0
                   ? DOGBREED_OK
                   : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", p->conf.log);
    }
    memcpy(p->text + p->pending, text, size);
    p->pending += size;
    return DOGBREED_OK;
}

int dogb_program_note(dogb_program *p, const char *format, ...) {
    char text[1024] = "[dogbreed] ";
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + used, sizeof text - used - 1, format, arguments);
    va_end(arguments);
    used = strlen(text);
    text[used++] = '\n';
    int rc = put(p, text, used);
    return rc < 0 ? rc : flush_log(p);
}

// A line that does not fit any more is the first one that is not kept.
static int log_line(dogb_program *p, const dogb_line *line) {
    int64_t size = (int64_t)line->length + 1;
    int had_room = p->logged <= p->conf.log_bytes_max;
    p->logged += size;
    if (!had_room) {
        return DOGBREED_OK;
    }
    if (p->logged > p->conf.log_bytes_max) {
        return dogb_program_note(p, "the log ends here: more than %lld bytes were printed",
                                 (long long)p->conf.log_bytes_max);
    }
    char end = line->end == '\0' ? '\n' : line->end;
    int rc = put(p, line->text, line->length);
    if (rc == DOGBREED_OK && line->cut > 0) {
        rc = put(p, "\n", 1);
        rc = rc < 0 ? rc
                    : dogb_program_note(p, "the line goes on for %lld bytes", (long long)line->cut);
        return rc;
    }
    return rc < 0 ? rc : put(p, &end, 1);
}

static int on_line(const dogb_line *line, void *userdata) {
    dogb_program *p = userdata;
    int rc = log_line(p, line);
    if (line->length > strspn(line->text, " \t")) {
        dogb_line_print(p->last_line, sizeof p->last_line, line->text);
    }
    return rc < 0 ? rc : p->conf.line(line, p->conf.userdata);
}

// --- life

static int open_log(dogb_program *p) {
    if (p->conf.log == NULL) {
        return DOGBREED_OK;
    }
    p->log = open(p->conf.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return p->log >= 0 ? DOGBREED_OK
                       : dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be written", p->conf.log);
}

int dogb_program_start(dogb_program **out, const dogb_program_conf *conf) {
    *out = NULL;
    dogb_program *p = dogb_malloc(1, sizeof *p);
    if (p == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    p->conf = *conf;
    p->log = -1;
    p->process = (dogb_process){.pid = -1, .streams = {-1, -1}};
    int rc = open_log(p);
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_STREAMS; i++) {
        rc = dogb_lines_create(&p->lines[i], &p->arena);
    }
    char *command = rc < 0 ? NULL : dogb_template_quote(&p->arena, conf->argv);
    rc = rc == DOGBREED_OK && command == NULL ? DOGBREED_ERROR_NO_MEMORY : rc;
    rc = rc < 0 ? rc : dogb_program_note(p, "%s", command);
    rc = rc < 0 ? rc : dogb_process_start(&p->process, conf->file, conf->argv, conf->envp);
    p->begin = dogb_clock();
    if (rc < 0) {
        dogb_error_state error;
        dogb_error_save(&error, rc);
        dogb_program_destroy(p);
        return dogb_error_restore(&error);
    }
    *out = p;
    return DOGBREED_OK;
}

void dogb_program_stop(dogb_program *p) {
    if (!p->stopped && !p->end.ended) {
        p->stopped = 1;
        p->kill_at = dogb_clock() + p->conf.grace;
        dogb_process_signal(&p->process, SIGTERM);
        dogb_process_signal(&p->process, SIGCONT); // one that was suspended hears it too
    }
}

static void watch_time(dogb_program *p) {
    double now = dogb_clock();
    if (!p->stopped && p->conf.time_limit > 0 && now - p->begin > p->conf.time_limit) {
        p->end.timed_out = 1;
        dogb_program_stop(p);
    } else if (p->stopped && now > p->kill_at) {
        dogb_process_signal(&p->process, SIGKILL);
    }
}

static int close_stream(dogb_program *p, int stream) {
    (void)close(p->process.streams[stream]);
    p->process.streams[stream] = -1;
    return dogb_lines_end(&p->lines[stream], on_line, p);
}

static int read_stream(dogb_program *p, int stream, int reads) {
    char bytes[CHUNK];
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < reads; i++) {
        ssize_t count = read(p->process.streams[stream], bytes, sizeof bytes);
        if (count > 0) {
            rc = dogb_lines_add(&p->lines[stream], bytes, (size_t)count, on_line, p);
        } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            return close_stream(p, stream);
        } else if (errno == EAGAIN) {
            break;
        }
    }
    return rc;
}

// What has ended is read to the end before that is told. Others may hold its pipe open: what they
// print behind it does not count.
static int look(dogb_program *p) {
    dogb_process_end end;
    if (!dogb_process_reap(&end, &p->process)) {
        watch_time(p);
        return flush_log(p);
    }
    int rc = DOGBREED_OK;
    for (int i = 0; rc == DOGBREED_OK && i < DOGB_STREAMS; i++) {
        if (p->process.streams[i] >= 0) {
            rc = read_stream(p, i, LAST_READS);
        }
        if (rc == DOGBREED_OK && p->process.streams[i] >= 0) {
            rc = close_stream(p, i);
        }
    }
    p->end.ended = 1;
    p->end.process = end;
    return rc < 0 ? rc : flush_log(p);
}

static int has_stream(const dogb_program *p) {
    return p->process.streams[0] >= 0 || p->process.streams[1] >= 0;
}

// A child's end has no descriptor: it is looked for, often when its streams have ended.
static int milliseconds(dogb_program *const *programs, int32_t count, double seconds) {
    double most = seconds < 0.05 ? seconds : 0.05;
    for (int32_t i = 0; i < count; i++) {
        if (!programs[i]->end.ended && !has_stream(programs[i])) {
            most = most < 0.002 ? most : 0.002;
        }
    }
    return (int)(most * 1000.0 + 0.5);
}

typedef struct source {
    dogb_program *program;
    int stream;
} source;

static int read_ready(const struct pollfd *polled, const source *sources, size_t count) {
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        if (polled[i].revents != 0) {
            rc = read_stream(sources[i].program, sources[i].stream, READS);
        }
    }
    return rc;
}

static int turn(int *happened, dogb_program *const *programs, int32_t count, double seconds) {
    dogb_arena scratch = {0};
    size_t used = 0;
    size_t room = (size_t)count * DOGB_STREAMS;
    struct pollfd *polled = dogb_alloc(&scratch, room, sizeof *polled);
    source *sources = dogb_alloc(&scratch, room, sizeof *sources);
    int rc = polled == NULL || sources == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < room; i++) {
        dogb_program *p = programs[i / DOGB_STREAMS];
        int stream = (int)(i % DOGB_STREAMS);
        if (p->process.streams[stream] >= 0) {
            sources[used] = (source){p, stream};
            polled[used++] = (struct pollfd){.fd = p->process.streams[stream], .events = POLLIN};
        }
    }
    if (rc == DOGBREED_OK) {
        *happened |= poll(polled, used, milliseconds(programs, count, seconds)) != 0;
        rc = read_ready(polled, sources, used);
    }
    for (int32_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = programs[i]->end.ended ? DOGBREED_OK : look(programs[i]);
        *happened |= programs[i]->end.ended;
    }
    dogb_arena_free(&scratch);
    return rc;
}

int dogb_program_wait(dogb_program *const *programs, int32_t count, double seconds) {
    double until = dogb_clock() + seconds;
    int happened = 0;
    int rc = DOGBREED_OK;
    do {
        rc = turn(&happened, programs, count, seconds);
    } while (rc == DOGBREED_OK && !happened && dogb_clock() < until);
    return rc;
}

dogb_program_end dogb_program_look(const dogb_program *p) {
    return p->end;
}

const char *dogb_program_last_line(const dogb_program *p) {
    return p->last_line;
}

void dogb_program_destroy(dogb_program *p) {
    if (p != NULL) {
        (void)flush_log(p);
        dogb_process_close(&p->process);
        if (p->log >= 0) {
            (void)close(p->log);
        }
        dogb_arena_free(&p->arena);
        dogb_free(p);
    }
}
