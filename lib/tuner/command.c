// command.c - a program as a trial: its options, what is read from its lines, how its command line
// is made.
#include "core/error.h"
#include "core/file.h"
#include "tuner/command.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { METRICS_MAX = 40 };

static const char PREFIX[] = "DOGBREED_PARAM_";

typedef dogbreed_command_options o;

static const dogb_option rows[] = {
    DOGB_OPTION_STRING(o, program, "",
                       "The program with its arguments (--command): quotes as in a shell, {name} "
                       "for a parameter, {trial}, {out}."),
    DOGB_OPTION_STRING(o, trial_folder, "",
                       "Folder for a folder of each trial ({out}) with its log; empty: none."),
    DOGB_OPTION_DOUBLE(o, command_time_limit, 0, 1e9, "0", "s",
                       "A program that runs longer has failed; 0: no limit."),
    DOGB_OPTION_DOUBLE(o, command_grace, 0, 86400, "5", "s",
                       "Between asking a program to end (SIGTERM) and killing it."),
    DOGB_OPTION_INT64(o, log_bytes_max, 0, 1e15, "67108864", "bytes",
                      "What a program prints behind them is read, but not kept."),
    DOGB_OPTION_INT32(o, parallel, 1, 256, "1", "programs",
                      "Programs that run at once, at most a round."),
    DOGB_OPTION_INT32(o, steps, 0, 1000000, "0", "steps",
                      "Values that a program reports, for hyperband; 0: unknown."),
};

const dogb_table dogb_command_table = {
    .name = "command",
    .kind = DOGBREED_KIND_COMMAND,
    .size = (uint32_t)sizeof(dogbreed_command_options),
    .options = rows,
    .count = (uint32_t)(sizeof rows / sizeof rows[0]),
};

int dogbreed_command_options_init(dogbreed_command_options *options, size_t struct_size) {
    return dogb_table_init(&dogb_command_table, options, struct_size);
}

int dogbreed_tuner_command(dogbreed_tuner *tuner, const dogbreed_command_options *options) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    int32_t objective = tuner->options.objective;
    DOGB_CHECK(objective == DOGBREED_OBJECTIVE_MINIMIZE || objective == DOGBREED_OBJECTIVE_MAXIMIZE,
               "objective: a program's number is minimized or maximized; expected minimize or "
               "maximize");
    if (tuner->job != NULL || tuner->command != NULL || tuner->opened) {
        return dogb_fail(DOGBREED_ERROR_STATE, "command: the tuner has a job or a command already");
    }
    dogb_command *command = dogb_alloc(&tuner->arena, 1, sizeof *command);
    if (command == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = dogb_table_import(&command->options, &dogb_command_table, options, &tuner->arena);
    rc = rc < 0 ? rc : dogb_template_parse(&command->tmpl, &tuner->arena, command->options.program);
    if (rc == DOGBREED_OK) {
        tuner->command = command;
    }
    return rc;
}

int dogbreed_tuner_metric(dogbreed_tuner *tuner, const char *pattern) {
    DOGB_CHECK(tuner != NULL, "tuner: is NULL");
    DOGB_CHECK(pattern != NULL, "metric: is NULL");
    dogb_command *command = tuner->command;
    if (command == NULL || tuner->opened) {
        return dogb_fail(DOGBREED_ERROR_STATE, "metric: %s",
                         command == NULL ? "dogbreed_tuner_command has not said of what program"
                                         : "the study has begun");
    }
    DOGB_CHECK(command->count < METRICS_MAX, "metric: at most %d are taken", METRICS_MAX);
    dogb_command_metric one = {.pattern = dogb_strdup(&tuner->arena, pattern)};
    int rc = one.pattern == NULL ? DOGBREED_ERROR_NO_MEMORY
                                 : dogb_metric_create(&one.metric, &tuner->arena, pattern);
    for (size_t i = 0; rc == DOGBREED_OK && i < command->count; i++) {
        const char *name = dogb_metric_name(one.metric);
        DOGB_CHECK(strcmp(name, dogb_metric_name(command->metrics[i].metric)) != 0,
                   "metric: two are called \"%s\": their names are the letters before the group",
                   name);
    }
    rc = rc < 0 ? rc
                : dogb_grow(&tuner->arena, &command->metrics, &command->capacity, command->count,
                            sizeof *command->metrics);
    if (rc == DOGBREED_OK) {
        command->metrics[command->count++] = one;
    }
    return rc;
}

// --- check

// "learning-rate" -> DOGBREED_PARAM_LEARNING_RATE
static char *variable_of(dogb_arena *arena, const char *name) {
    char *text = dogb_format(arena, "%s%s", PREFIX, name);
    for (char *c = text; c != NULL && *c != '\0'; c++) {
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    }
    return text;
}

static int check_names(const dogbreed_tuner *tuner, const char **names, dogb_arena *arena) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        names[i] = tuner->axes[i].name;
        DOGB_CHECK(strcmp(names[i], "trial") != 0 && strcmp(names[i], "out") != 0,
                   "search: {%s} has a meaning of its own in a command; the parameter needs "
                   "another name",
                   names[i]);
        const char *own = variable_of(arena, names[i]);
        for (size_t k = 0; own != NULL && k < i; k++) {
            const char *other = variable_of(arena, names[k]);
            DOGB_CHECK(other == NULL || strcmp(own, other) != 0,
                       "search: %s and %s would be the same variable %s", names[k], names[i], own);
        }
    }
    names[tuner->axis_count] = "trial";
    names[tuner->axis_count + 1] = "out";
    return dogb_template_check(tuner->command->tmpl, names, tuner->axis_count + 2);
}

int dogb_command_check(dogbreed_tuner *tuner) {
    dogb_command *command = tuner->command;
    dogb_arena scratch = {0};
    const char **names = dogb_alloc(&scratch, tuner->axis_count + 2, sizeof *names);
    int rc = names == NULL ? DOGBREED_ERROR_NO_MEMORY : check_names(tuner, names, &scratch);
    dogb_arena_free(&scratch);
    if (rc < 0) {
        return rc;
    }
    DOGB_CHECK(command->count > 0,
               "metric: there is none; expected a pattern of the line that says how good a trial "
               "is, such as \"valid_acc: ([-+0-9.eE]+)\"");
    DOGB_CHECK(*command->options.trial_folder != '\0' || !dogb_template_has(command->tmpl, "out"),
               "trial_folder: is empty, but the command has {out}");
    DOGB_CHECK(tuner->options.pruner != DOGBREED_PRUNER_HYPERBAND || tuner->pruner.max_resource > 1,
               "steps: hyperband has to know how many values a program reports; expected 2 or "
               "more, or a parameter epochs");
    const char *program = dogb_template_program(command->tmpl);
    return program == NULL ? DOGBREED_OK
                           : dogb_process_find(&command->file, &tuner->arena, program);
}

int dogb_command_describe(json_t *object, const dogbreed_tuner *tuner) {
    const dogb_command *command = tuner->command;
    json_t *metrics = json_array();
    int rc = dogb_json_set(object, "metrics", metrics);
    rc = rc < 0 ? rc : dogb_json_set_text(object, "program", command->options.program);
    for (size_t i = 0; rc == DOGBREED_OK && i < command->count; i++) {
        rc = dogb_json_add(metrics, dogb_json_text(command->metrics[i].pattern));
    }
    return rc;
}

int32_t dogb_command_steps(const dogbreed_tuner *tuner) {
    return tuner->command->options.steps;
}

// A program with a parameter called epochs is expected to report once in each.
int32_t dogb_command_planned(const dogbreed_tuner *tuner, const dogb_trial *trial) {
    int32_t steps = dogb_command_steps(tuner);
    for (size_t i = 0; steps == 0 && i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        if (strcmp(axis->name, "epochs") == 0 && axis->kind == DOGB_AXIS_INT) {
            steps = (int32_t)trial->values[i];
        }
    }
    return steps;
}

// --- one trial

static int bind(dogb_binding *bindings, dogb_binding *variables, const dogbreed_tuner *tuner,
                const dogb_trial *trial, dogb_arena *arena) {
    for (size_t i = 0; i < tuner->axis_count; i++) {
        const dogb_axis *axis = &tuner->axes[i];
        DOGB_CHECK(!isnan(trial->values[i]), "the trial has no value of %s", axis->name);
        const char *value = dogb_trial_text(arena, axis, trial->values[i]);
        bindings[i] = (dogb_binding){axis->name, value};
        variables[i] = (dogb_binding){variable_of(arena, axis->name), value};
        if (value == NULL || variables[i].name == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    return DOGBREED_OK;
}

int dogb_command_prepare(dogb_program_conf *conf, const dogbreed_tuner *tuner,
                         const dogb_trial *trial, dogb_arena *arena) {
    const dogb_command *command = tuner->command;
    const dogbreed_command_options *options = &command->options;
    size_t count = tuner->axis_count;
    dogb_binding *bindings = dogb_alloc(arena, count + 2, sizeof *bindings);
    dogb_binding *variables = dogb_alloc(arena, count + 1, sizeof *variables);
    char *number = dogb_format(arena, "%lld", (long long)(trial - tuner->trials));
    char *folder =
        dogb_format(arena, "%s/%04lld", options->trial_folder, (long long)(trial - tuner->trials));
    int kept = *options->trial_folder != '\0';
    char *log = kept && folder != NULL ? dogb_path_join(arena, folder, "log.txt") : NULL;
    char **argv = NULL;
    char **envp = NULL;
    char *file = command->file;
    if (bindings == NULL || variables == NULL || number == NULL || folder == NULL ||
        (kept && log == NULL)) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int rc = bind(bindings, variables, tuner, trial, arena);
    bindings[count] = (dogb_binding){"trial", number};
    bindings[count + 1] = (dogb_binding){"out", folder};
    variables[count] = (dogb_binding){"DOGBREED_TRIAL", number};
    rc = rc < 0 ? rc : dogb_template_expand(&argv, arena, command->tmpl, bindings, count + 2);
    rc = rc < 0 ? rc : dogb_process_environment(&envp, arena, PREFIX, variables, count + 1);
    rc = rc < 0 || file != NULL ? rc : dogb_process_find(&file, arena, argv[0]);
    rc = rc < 0 || !kept ? rc : dogb_directory_make(folder);
    *conf = (dogb_program_conf){.file = file,
                                .argv = argv,
                                .envp = envp,
                                .log = log,
                                .log_bytes_max = options->log_bytes_max,
                                .time_limit = options->command_time_limit,
                                .grace = options->command_grace};
    return rc;
}
