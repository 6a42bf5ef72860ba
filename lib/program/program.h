// program.h - a program that runs: its lines are given to the caller and kept in a log file, its
// time is limited, and it is asked to end before it is killed. One thread looks after many.
#ifndef DOGB_PROGRAM_PROGRAM_H
#define DOGB_PROGRAM_PROGRAM_H

#include "program/lines.h"
#include "program/process.h"

typedef struct dogb_program dogb_program;

// What it points to has to live as long as the program.
typedef struct dogb_program_conf {
    const char *file;
    char *const *argv;
    char *const *envp;
    const char *log;       // file that is written anew; NULL: none
    int64_t log_bytes_max; // what is printed behind them is not kept
    double time_limit;     // seconds; 0: none
    double grace;          // seconds between being asked to end and being killed
    dogb_line_fn line;     // every line of both streams
    void *userdata;
} dogb_program_conf;

typedef struct dogb_program_end {
    int32_t ended;
    int32_t timed_out;
    dogb_process_end process;
} dogb_program_end;

// Errors of dogb_process_start, and IO for the log.
int dogb_program_start(dogb_program **out, const dogb_program_conf *conf);

// Reads what the programs print and looks whether they have ended, for at most `seconds`; returns
// when something has happened. Negative: a line's function, or the log could not be written.
int dogb_program_wait(dogb_program *const *programs, int32_t count, double seconds);

dogb_program_end dogb_program_look(const dogb_program *program);

// Asks it to end (SIGTERM to its group); its time runs from the first time on.
void dogb_program_stop(dogb_program *program);

// A line of ours in its log, "[dogbreed] ...".
int dogb_program_note(dogb_program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The newest line that is not empty, without control characters, cut at 200 letters; "": none.
const char *dogb_program_last_line(const dogb_program *program);

// Kills it when it runs. NULL is fine.
void dogb_program_destroy(dogb_program *program);

#endif
