// tool.h - what the files of the tool share: commands, flags, settings, output. The tool uses the
// library's public headers only and holds no logic of its own.
#ifndef TOOL_H
#define TOOL_H

#include <dogbreed/dogbreed.h>
#include <jansson.h>

// Exit codes (docs/cli.md). Signals end with 128 + their number.
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1,
    TOOL_USAGE = 2,
    TOOL_DATA = 3,
    TOOL_MODEL = 4,
    TOOL_RESUMABLE = 5, // interrupted, a checkpoint exists
    TOOL_TIME_LIMIT = 124
};

// What was going on when a call failed; with the library's code it gives the exit code.
enum { PHASE_USAGE, PHASE_DATA, PHASE_MODEL, PHASE_RUN, PHASE_OTHER };

struct tool;

// A flag that is not an option of the library. in_config 1: it is also a key of configuration files
// and can be written as name=value. FLAG_LIST: that too, and it may be given many times; its values
// are lines of one text, and an array in configuration files.
enum { FLAG_LIST = 2 };
typedef struct flag {
    const char *name;
    const char *argument; // "FILE"; NULL: a switch
    const char *help;
    int in_config;
} flag;

enum { FLAGS_MAX = 20, KINDS_MAX = 8 };

// What --out names: a file, a folder that files are added to, a run directory, which must be new.
enum { OUT_FILE = 1, OUT_FOLDER, OUT_RUN };
enum { WORDS_ALL = -1, WORDS_KEPT = -2 }; // kept: the command itself knows what to do with s3://

typedef struct command {
    const char *name;              // "train", "data check"
    const char *arguments;         // "DIR [NAME=VALUE...]"
    const char *summary;           // one line, lower case
    const char *examples;          // lines of the help text
    const flag *flags;             // ends with a row without a name
    uint32_t kinds[KINDS_MAX + 1]; // tables whose options it takes, 0-terminated
    int words_min;
    int words_max;
    int (*run)(struct tool *t);
    int (*base)(struct tool *t); // configuration that lies below --config; may be NULL
    int remote_words;            // how many words may be s3:// paths that are read; WORDS_
    int remote_out;              // OUT_FILE, OUT_FOLDER, OUT_RUN: what is written may be at s3://
    const char *remote_flag;     // that names it; NULL: --out
    int remote_word;             // number of the word that names it, from 1; 0: a flag does
    // After everything, also after wrong options; may be NULL. Returns the exit code.
    int (*end)(struct tool *t, int exit_code);
} command;

extern const command *const commands[];
extern const size_t command_count;

typedef struct settings {
    dogbreed_dataset_options dataset;
    dogbreed_check_options check;
    dogbreed_synth_options synth;
    dogbreed_model_options model;
    dogbreed_trainer_options trainer;
    dogbreed_evaluate_options evaluate;
    dogbreed_predictor_options predictor;
    dogbreed_quantize_options quantize;
    dogbreed_tuner_options tuner;
    dogbreed_command_options command;
    dogbreed_debug_options debug;
    dogbreed_profile_options profile;
    dogbreed_report_options report;
    dogbreed_serve_options serve;
    dogbreed_store_options store;
    dogbreed_job_options job;
    dogbreed_transform_options transform;
} settings;

typedef struct tool {
    const char *program; // as it was called, for lines to paste
    const command *command;
    settings settings;
    char *values[FLAGS_MAX]; // of command->flags, "on"/"off" for switches, NULL when not given
    const char **words;      // what is neither flag nor name=value
    int word_count;
    int json;
    int quiet;
    int verbose;
    int no_color;
    int help;
    int usage;
    int print_config;
    int allow_unknown;
    int own_data;                // the data is what the run directory was trained on
    struct remote *remote;       // s3:// paths; NULL: none so far
    struct container *container; // of job train; NULL: not in one
} tool;

// settings.c: options of all tables by name
void settings_init(settings *s);
void *settings_of(settings *s, uint32_t kind);
const char *kind_name(uint32_t kind); // "trainer"; NULL for an unknown kind
int kind_count(void);                 // kinds are 1..kind_count()
int find_option(dogbreed_option_info *info, uint32_t kind, const char *name); // 1: found
int known_anywhere(const char *name); // an option of any table
json_t *option_json(const void *options, const dogbreed_option_info *info); // new reference
json_t *config_json(const tool *t);                                         // new reference
// Copies every option of `from` that `to` has too.
void settings_share(void *to, uint32_t to_kind, const void *from, uint32_t from_kind);

// flags.c: the command line
int parse_flags(tool *t, int argc, char **argv); // 0 or an exit code
int apply_config(tool *t, const char *json, const char *what, uint32_t only_kind);
const char *value_of(const tool *t, const char *flag); // NULL when not given
int is_on(const tool *t, const char *flag, int when_absent);
void set_value(tool *t, const char *flag, const char *value);
int same_name(const char *a, const char *b); // '-' equals '_'
const char *nearest(const char *name, const char *const *names, size_t count);
void free_tool(tool *t);
extern const flag common_flags[]; // of every command; ends with a row without a name
extern const flag no_flags[];     // of a command that has none of its own

// output.c: stdout carries data, stderr messages
void output_open(const tool *t);
void out_json(json_t *value);     // one line; takes the reference
void out_document(json_t *value); // indented; takes the reference
// What a command found: as JSON with --json, else by `print`. Takes the reference.
void out_result(const tool *t, json_t *value, void (*print)(const json_t *value));
// "from -> to", or both under their names.
void out_written(const tool *t, const char *from_name, const char *from, const char *to_name,
                 const char *to);
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say(const char *format, ...) __attribute__((format(printf, 1, 2))); // not when --quiet
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Prints the error and returns the exit code. fail: the library's message.
int fail(const tool *t, int phase, int code);
int fail_with(const tool *t, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int usage_error(const tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *last_error(void);        // what the last failure printed; "" none
int output_close(int exit_code);     // flushes; a full disk is a failure
json_t *parse_json(char *text);      // releases the library's text; NULL: not JSON
void out_tree(const json_t *object); // as indented text
// Escape sequence, or "" where colours are not wanted: "bold" "dim" "red" "green" "yellow" "off".
const char *style(const char *name);     // for stderr
const char *style_out(const char *name); // for stdout
double real_of(const json_t *object, const char *key);
json_t *finite_or_null(double value);
json_t *json_text(const char *text); // new reference; bytes that are not UTF-8 become '?'
int64_t integer_of(const json_t *object, const char *key);
const char *text_of(const json_t *object, const char *key); // "" when absent

// exitcode.c
int exit_code_of(int phase, int code);

// signals.c: the first SIGINT or SIGTERM stops what is watched, the second one ends the program.
typedef struct stoppable {
    void (*stop)(const struct stoppable *s); // in a signal handler; NULL: it asks signals_code
    void *object;
    const char *text; // what is happening, one line
} stoppable;
// NULL: signals end the program again. It has to live until then.
void signals_watch(const stoppable *s, int say_nothing);
int signals_code(void); // 130 or 143 when one came, else 0

// progress.c
typedef struct progress progress;
progress *progress_create(const tool *t);
int progress_event(const dogbreed_event *event, void *userdata); // a dogbreed_event_fn
extern const uint64_t progress_mask;
void progress_clear(void); // removes the line that is being redrawn, before other output
void progress_destroy(progress *p);

// serve.c, for an endpoint in a container too: until a signal ends it. NULL: those of multi_model.
int serve_model(tool *t, const char *model);
int serve_first(tool *t); // for its base: it listens while the model is being loaded

// job_train.c
int in_container(void); // 1: /opt/ml, or what SAGEMAKER_BASE_DIR names, is there

// help.c
void print_help(const command *c); // NULL: the whole tool
void print_usage(const command *c);
const command *find_command(int *words, int argc, char **argv); // words: how many it took

// evaluate.c, shared with train and model quantize
json_t *evaluation_json(char *text); // the library's report with the main members first
void print_evaluation(const json_t *report, const char *label);
// Loads the model (first word) and opens a split of --data; returns work's exit code, or a
// failure's.
int on_split(tool *t, const char *name,
             int (*work)(tool *t, const dogbreed_model *model, const dogbreed_dataset *split));
int base_of_run(tool *t); // a command's `base`: the data of a run directory

#endif
