// main.c - finds the command, reads its flags, runs it.
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
static const char program_version[] =
    TEXT(DOGBREED_VERSION_MAJOR) "." TEXT(DOGBREED_VERSION_MINOR) "." TEXT(DOGBREED_VERSION_PATCH);

extern const command command_train;
extern const command command_tune;
extern const command command_run;
extern const command command_evaluate;
extern const command command_predict;
extern const command command_serve;
extern const command command_debug;
extern const command command_report;
extern const command command_compare;
extern const command command_profile;
extern const command command_report;
extern const command command_compare;
extern const command command_data_check;
extern const command command_synth;
extern const command command_model_info;
extern const command command_model_export;
extern const command command_model_quantize;
extern const command command_model_list;
extern const command command_weights_list;
extern const command command_weights_convert;
extern const command command_weights_verify;
extern const command command_s3_ls;
extern const command command_s3_cp;
extern const command command_s3_sync;
extern const command command_s3_rm;
extern const command command_s3_cache;
extern const command command_info;
extern const command command_doctor;
extern const command command_config_print;
extern const command command_config_copy;
extern const command command_job_train;
extern const command command_job_serve;

const command *const commands[] = {
    &command_run,
    &command_tune,
    &command_train,
    &command_evaluate,
    &command_predict,
    &command_serve,
    &command_debug,
    &command_report,
    &command_compare,
    &command_profile,
    &command_report,
    &command_compare,
    &command_data_check,
    &command_synth,
    &command_model_info,
    &command_model_export,
    &command_model_list,
    &command_model_quantize,
    &command_weights_list,
    &command_weights_convert,
    &command_weights_verify,
    &command_s3_ls,
    &command_s3_cp,
    &command_s3_sync,
    &command_s3_rm,
    &command_s3_cache,
    &command_info,
    &command_doctor,
    &command_config_print,
    &command_config_copy,
    &command_job_train,
    &command_job_serve,
};
const size_t command_count = sizeof commands / sizeof commands[0];

const command *find_command(int *words, int argc, char **argv) {
    char pair[64];
    *words = 0;
    if (argc >= 2) {
        (void)snprintf(pair, sizeof pair, "%s %s", argv[0], argv[1]);
    }
    for (size_t i = 0; i < command_count; i++) {
        int two = strchr(commands[i]->name, ' ') != NULL;
        if (argc >= 1 + two && strcmp(commands[i]->name, two ? pair : argv[0]) == 0) {
            *words = 1 + two;
            return commands[i];
        }
    }
    return NULL;
}

// "data" -> " check", when every command that starts with the word is listed.
static int is_group(const char *word, char *members, size_t size) {
    size_t length = strlen(word);
    members[0] = '\0';
    for (size_t i = 0; i < command_count; i++) {
        const char *name = commands[i]->name;
        if (strncmp(name, word, length) == 0 && name[length] == ' ') {
            (void)snprintf(members + strlen(members), size - strlen(members), "%s%s",
                           members[0] == '\0' ? "" : ", ", name + length + 1);
        }
    }
    return members[0] != '\0';
}

static int no_command(const tool *t, int argc, char **argv) {
    char members[128];
    const char *word = argv[0];
    const char *names[64];
    char pair[64];
    size_t count = 0;
    int group = is_group(word, members, sizeof members);
    if (group && (argc < 2 || argv[1][0] == '-')) {
        return usage_error(t, "%s: which one? expected %s", word, members);
    }
    for (size_t i = 0; i < command_count; i++) {
        names[count++] = commands[i]->name;
    }
    (void)snprintf(pair, sizeof pair, "%s %s", word, argc > 1 ? argv[1] : "");
    const char *near = group ? NULL : nearest(word, names, count);
    near = near == NULL ? nearest(pair, names, count) : near;
    if (near == NULL) {
        return usage_error(t, "%s: unknown command; see dogbreed --help", group ? pair : word);
    }
    return usage_error(t, "%s: unknown command; did you mean %s?", group ? pair : word, near);
}

static void print_version(int json) {
    if (json) {
        out_json(json_pack("{s:s,s:s,s:i}", "program", program_version, "library",
                           dogbreed_version(), "abi", (int)dogbreed_abi()));
    } else {
        (void)printf("dogbreed %s (library %s, ABI %d)\n", program_version, dogbreed_version(),
                     (int)dogbreed_abi());
    }
}

static int has(const char *word, int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0) {
            return 1;
        }
    }
    return 0;
}

static int help_command(const tool *t, int argc, char **argv) {
    int words = 0;
    if (argc == 0 || argv[0][0] == '-') {
        print_help(NULL);
        return TOOL_OK;
    }
    const command *c = find_command(&words, argc, argv);
    if (c == NULL) {
        return no_command(t, argc, argv);
    }
    print_help(c);
    return TOOL_OK;
}

static int print_config(const tool *t) {
    out_document(config_json(t));
    return TOOL_OK;
}

static int run_command(tool *t, int argc, char **argv) {
    int rc = parse_flags(t, argc, argv);
    output_open(t);
    if (rc != TOOL_OK) {
        return rc;
    }
    if (t->help || t->usage) {
        (t->help ? print_help : print_usage)(t->command);
        return TOOL_OK;
    }
    if (t->print_config) {
        return print_config(t);
    }
    if (t->word_count < t->command->words_min ||
        (t->command->words_max >= 0 && t->word_count > t->command->words_max)) {
        const char *what =
            t->word_count < t->command->words_min ? "an argument is missing" : "too many arguments";
        return usage_error(t, "%s; usage: dogbreed %s %s", what, t->command->name,
                           t->command->arguments);
    }
    rc = t->command->run(t);
    int pushed = remote_push(t, 1);
    return rc == TOOL_OK ? pushed : rc;
}

static const command *named(const char *name) {
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

// A container's image is started as "train" or "serve", or with that one word. NULL: this is
// neither. *words: those that are no flags of the command.
static const command *of_container(int *words, int argc, char **argv) {
    static const char *const names[] = {"train", "serve"};
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *self = argc == 0 ? "" : slash == NULL ? argv[0] : slash + 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int called = strcmp(self, names[i]) == 0;
        if (called || (argc == 2 && strcmp(argv[1], names[i]) == 0 && in_container())) {
            char pair[16];
            (void)snprintf(pair, sizeof pair, "job %s", names[i]);
            *words = !called;
            return named(pair);
        }
    }
    return NULL;
}

static int finish(tool *t, int exit_code) {
    exit_code = t->command->end == NULL ? exit_code : t->command->end(t, exit_code);
    free_tool(t);
    return output_close(exit_code);
}

int main(int argc, char **argv) {
    tool t = {.program = argc > 0 ? argv[0] : "dogbreed"};
    int first = 1;
    int words = 0;
    int rc = TOOL_OK;
    // Common switches may stand in front of the command.
    while (first < argc && argv[first][0] == '-' && strcmp(argv[first], "--") != 0) {
        first++;
    }
    t.json = has("--json", argc - 1, argv + 1);
    t.no_color = has("--no-color", argc - 1, argv + 1);
    output_open(&t);
    if (has("--version", argc - 1, argv + 1)) {
        print_version(t.json);
        return output_close(TOOL_OK);
    }
    t.command = of_container(&words, argc, argv);
    if (t.command != NULL) {
        return finish(&t, run_command(&t, argc - 1 - words, argv + 1 + words));
    }
    if (first >= argc) {
        int asked = has("--help", argc - 1, argv + 1) || has("-h", argc - 1, argv + 1);
        if (asked || has("--usage", argc - 1, argv + 1)) {
            (asked ? print_help : print_usage)(NULL);
        } else if (argc == 1) {
            print_help(NULL);
            rc = TOOL_USAGE;
        } else {
            rc = usage_error(&t, "%s: expected a command; see dogbreed --help", argv[1]);
        }
        return output_close(rc);
    }
    if (strcmp(argv[first], "help") == 0) {
        return output_close(help_command(&t, argc - first - 1, argv + first + 1));
    }
    t.command = find_command(&words, argc - first, argv + first);
    if (t.command == NULL) {
        return output_close(no_command(&t, argc - first, argv + first));
    }
    // The words of the command are taken out; what stood before them stays.
    for (int i = first - 1; i >= 1; i--) {
        argv[i + words] = argv[i];
    }
    return finish(&t, run_command(&t, argc - 1 - words, argv + 1 + words));
}
