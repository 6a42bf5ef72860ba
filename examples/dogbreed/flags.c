// flags.c - the command line: flags generated from the option tables, name=value words,
// configuration files and the environment. Order, later wins: defaults, the command's base
// configuration, --config files, DOGBREED_<NAME>, flags and words in the order they stand.
#include "flags.h"
#include "remote.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const flag no_flags[] = {{NULL, NULL, NULL, 0}};

const flag common_flags[] = {
    {"config", "FILE", "read options from a JSON file or run directory; may be repeated", 0},
    {"set", "NAME=VALUE", "the same as the bare word NAME=VALUE", 0},
    {"json", NULL, "JSON on stdout, nothing else there", 0},
    {"quiet", NULL, "errors only (-q)", 0},
    {"verbose", NULL, "debug messages with time stamps (-v)", 0},
    {"no-color", NULL, "no colours (also: NO_COLOR, TERM=dumb)", 0},
    {"print-config", NULL, "print the resolved configuration as JSON and end", 0},
    {"allow-unknown", NULL, "ignore unknown keys in configuration files", 0},
    {"help", NULL, "examples and all options (-h)", 0},
    {"usage", NULL, "the form of the command in one line", 0},
    {"version", NULL, "version of program, library and ABI", 0},
    {NULL, NULL, NULL, 0},
};

typedef struct alias {
    const char *name;
    const char *option;
} alias;
static const alias aliases[] = {{"arch", "architecture"},
                                {"lr", "learning_rate"},
                                {"command", "program"},
                                {"goal", "objective"}};
enum { ALIAS_COUNT = sizeof aliases / sizeof aliases[0] };

typedef struct assignment {
    char *name;
    char *value;
} assignment;

typedef struct parser {
    tool *t;
    int argc;
    char **argv;
    int at;
    assignment *assignments; // room for argc
    int assignment_count;
    const char **configs; // room for argc
    int config_count;
} parser;

const flag *find_flag(const flag *flags, const char *name) {
    for (; flags->name != NULL; flags++) {
        if (same_name(flags->name, name)) {
            return flags;
        }
    }
    return NULL;
}

static const char *without_alias(const char *name) {
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        if (same_name(aliases[i].name, name)) {
            return aliases[i].option;
        }
    }
    return name;
}

// "trainer.seed" -> kind of trainer and "seed"; plain names: 0.
uint32_t split_kind(const char **name) {
    const char *dot = strchr(*name, '.');
    for (uint32_t kind = 1; dot != NULL && kind <= (uint32_t)kind_count(); kind++) {
        const char *word = kind_name(kind);
        if (word != NULL && strlen(word) == (size_t)(dot - *name) &&
            strncmp(word, *name, strlen(word)) == 0) {
            *name = dot + 1;
            return kind;
        }
    }
    return 0;
}

// 1 when the command takes this option; info describes it as its first table does.
int takes_option(const command *c, const char *name, dogbreed_option_info *info) {
    name = without_alias(name);
    uint32_t only = split_kind(&name);
    for (size_t i = 0; c->kinds[i] != 0; i++) {
        if ((only == 0 || only == c->kinds[i]) && find_option(info, c->kinds[i], name)) {
            return 1;
        }
    }
    return 0;
}

const char *value_of(const tool *t, const char *name) {
    const flag *f = find_flag(t->command->flags, name);
    return f == NULL ? NULL : t->values[f - t->command->flags];
}

int is_on(const tool *t, const char *name, int when_absent) {
    const char *value = value_of(t, name);
    return value == NULL ? when_absent : strcmp(value, "on") == 0;
}

void set_value(tool *t, const char *name, const char *value) {
    const flag *f = find_flag(t->command->flags, name);
    if (f != NULL) {
        char **slot = &t->values[f - t->command->flags];
        free(*slot);
        *slot = strdup(value);
    }
}

static const char *switch_text(const char *value) {
    static const char *const on[] = {"on", "true", "yes", "1"};
    static const char *const off[] = {"off", "false", "no", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, on[i]) == 0) {
            return "on";
        }
        if (strcmp(value, off[i]) == 0) {
            return "off";
        }
    }
    return NULL;
}

const char *suggestion(const tool *t, const char *name) {
    const char *names[256];
    size_t count = 0;
    for (const flag *f = common_flags; f->name != NULL; f++) {
        names[count++] = f->name;
    }
    for (const flag *f = t->command->flags; f->name != NULL; f++) {
        names[count++] = f->name;
    }
    for (size_t i = 0; i < ALIAS_COUNT; i++) {
        dogbreed_option_info info;
        if (takes_option(t->command, aliases[i].name, &info)) {
            names[count++] = aliases[i].name;
        }
    }
    for (size_t i = 0; t->command->kinds[i] != 0; i++) {
        dogbreed_option_info info = {.struct_size = sizeof info};
        for (uint32_t j = 0;
             count < sizeof names / sizeof names[0] &&
             dogbreed_options_describe(&info, t->command->kinds[i], j) == DOGBREED_OK;
             j++) {
            names[count++] = info.name; // static storage
        }
    }
    return nearest(name, names, count);
}

// "batch_size" -> "batch-size", as flags are written.
static const char *as_flag(const char *name) {
    static char text[96];
    (void)snprintf(text, sizeof text, "%s", name);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return text;
}

static int unknown(const tool *t, const char *name, const char *dashes) {
    const char *near = suggestion(t, name);
    if (near == NULL) {
        return usage_error(t, "%s%s: unknown option; see dogbreed %s --help", dashes, name,
                           t->command->name);
    }
    return usage_error(t, "%s%s: unknown option; did you mean %s%s?", dashes, name, dashes,
                       *dashes == '\0' ? near : as_flag(near));
}

// Sets an own flag, or an option in every table of the command that has it.
int assign(tool *t, const char *name, const char *value, uint32_t only_kind) {
    const flag *own = only_kind == 0 ? find_flag(t->command->flags, name) : NULL;
    if (own != NULL) {
        const char *text = own->argument == NULL ? switch_text(value) : value;
        if (text == NULL) {
            return usage_error(t, "%s: \"%s\" is not on or off", own->name, value);
        }
        set_value(t, own->name, text);
        return TOOL_OK;
    }
    name = without_alias(name);
    uint32_t qualified = split_kind(&name);
    for (size_t i = 0; t->command->kinds[i] != 0; i++) {
        uint32_t kind = t->command->kinds[i];
        dogbreed_option_info info;
        if ((qualified != 0 && qualified != kind) || (only_kind != 0 && only_kind != kind) ||
            !find_option(&info, kind, name)) {
            continue;
        }
        if (dogbreed_options_set(settings_of(&t->settings, kind), name, value) < 0) {
            return usage_error(t, "%s", dogbreed_error_message());
        }
    }
    return TOOL_OK;
}

// --- words

static assignment *earlier_of_list(const parser *p, const char *name) {
    const flag *own = find_flag(p->t->command->flags, name);
    for (int i = 0; own != NULL && own->in_config == FLAG_LIST && i < p->assignment_count; i++) {
        if (same_name(p->assignments[i].name, name)) {
            return &p->assignments[i];
        }
    }
    return NULL;
}

static int add_assignment(parser *p, const char *name, const char *value) {
    assignment *earlier = earlier_of_list(p, name);
    const char *before = earlier == NULL ? "" : earlier->value;
    size_t size = strlen(before) + strlen(value) + 2;
    char *copy = malloc(size);
    assignment one = {earlier == NULL ? strdup(name) : earlier->name, copy};
    if (one.name == NULL || copy == NULL) {
        free(copy);
        free(earlier == NULL ? one.name : NULL);
        return fail_with(p->t, TOOL_FAILED, "out of memory");
    }
    (void)snprintf(copy, size, "%s%s%s", before, earlier == NULL ? "" : "\n", value);
    if (earlier != NULL) {
        free(earlier->value);
        *earlier = one;
    } else {
        p->assignments[p->assignment_count++] = one;
    }
    return TOOL_OK;
}

static int common_switch(tool *t, const char *name) {
    const struct {
        const char *name;
        int *where;
    } rows[] = {{"json", &t->json},
                {"quiet", &t->quiet},
                {"verbose", &t->verbose},
                {"no-color", &t->no_color},
                {"help", &t->help},
                {"usage", &t->usage},
                {"print-config", &t->print_config},
                {"allow-unknown", &t->allow_unknown}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (same_name(rows[i].name, name)) {
            *rows[i].where = 1;
            return 1;
        }
    }
    return 0;
}

// Looks like NAME=VALUE, and no file is called so.
static int is_assignment(const char *word) {
    const char *equals = strchr(word, '=');
    struct stat info;
    if (equals == NULL || equals == word || !isalpha((unsigned char)*word)) {
        return 0;
    }
    for (const char *c = word; c < equals; c++) {
        if (!isalnum((unsigned char)*c) && strchr("_-.", *c) == NULL) {
            return 0;
        }
    }
    return stat(word, &info) != 0;
}

static int parse_assignment(parser *p, const char *word) {
    const char *equals = strchr(word, '=');
    if (equals == NULL || equals == word) {
        return usage_error(p->t, "--set %s: expected NAME=VALUE", word);
    }
    char name[96];
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    const flag *own = find_flag(p->t->command->flags, name);
    dogbreed_option_info info;
    if ((own == NULL || !own->in_config) && !takes_option(p->t->command, name, &info)) {
        return unknown(p->t, name, "");
    }
    return add_assignment(p, name, equals + 1);
}

// Value of a flag: behind '=', or the next word.
static const char *take_value(parser *p, const char *equals) {
    if (equals != NULL) {
        return equals + 1;
    }
    return p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
}

// Value of a switch: behind '=', or the next word when it is one of on, off, true, ...; else on.
static const char *take_switch(parser *p, const char *equals) {
    if (equals != NULL) {
        return equals + 1;
    }
    if (p->at + 1 < p->argc && switch_text(p->argv[p->at + 1]) != NULL) {
        return p->argv[++p->at];
    }
    return "on";
}

static int parse_common(parser *p, const flag *f, const char *equals) {
    if (f->argument == NULL) {
        if (equals != NULL) {
            return usage_error(p->t, "--%s takes no value", f->name);
        }
        (void)common_switch(p->t, f->name); // --version is main's
        return TOOL_OK;
    }
    const char *value = take_value(p, equals);
    if (value == NULL) {
        return usage_error(p->t, "--%s: a value is missing, expected %s", f->name, f->argument);
    }
    if (strcmp(f->name, "set") == 0) {
        return parse_assignment(p, value);
    }
    p->configs[p->config_count++] = value;
    return TOOL_OK;
}

static int parse_long(parser *p, const char *word) {
    const char *equals = strchr(word, '=');
    char name[96];
    (void)snprintf(name, sizeof name, "%.*s",
                   (int)(equals == NULL ? strlen(word) : (size_t)(equals - word)), word);
    const command *c = p->t->command;
    const flag *f = find_flag(common_flags, name);
    if (f != NULL) {
        return parse_common(p, f, equals);
    }
    dogbreed_option_info info = {.type = DOGBREED_TYPE_SWITCH};
    f = find_flag(c->flags, name);
    if (f != NULL || takes_option(c, name, &info)) {
        int is_switch = f != NULL ? f->argument == NULL : info.type == DOGBREED_TYPE_SWITCH;
        const char *value = is_switch ? take_switch(p, equals) : take_value(p, equals);
        if (value == NULL) {
            return usage_error(p->t, "--%s: a value is missing", name);
        }
        return add_assignment(p, name, value);
    }
    if (strncmp(name, "no-", 3) == 0 && equals == NULL) {
        f = find_flag(c->flags, name + 3);
        if ((f != NULL && f->argument == NULL) ||
            (f == NULL && takes_option(c, name + 3, &info) && info.type == DOGBREED_TYPE_SWITCH)) {
            return add_assignment(p, name + 3, "off");
        }
    }
    return unknown(p->t, name, "--");
}

static int parse_short(parser *p, const char *word) {
    static const struct {
        char letter;
        const char *name;
    } rows[] = {{'h', "help"}, {'q', "quiet"}, {'v', "verbose"}};
    for (const char *c = word; *c != '\0'; c++) {
        size_t i = 0;
        while (i < sizeof rows / sizeof rows[0] && rows[i].letter != *c) {
            i++;
        }
        if (i == sizeof rows / sizeof rows[0]) {
            return usage_error(p->t, "-%s: unknown option; see dogbreed %s --help", word,
                               p->t->command->name);
        }
        (void)common_switch(p->t, rows[i].name);
    }
    return TOOL_OK;
}

static int parse_words(parser *p) {
    int only_words = 0;
    int rc = TOOL_OK;
    for (p->at = 0; rc == TOOL_OK && p->at < p->argc; p->at++) {
        const char *word = p->argv[p->at];
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = 1;
        } else if (!only_words && strncmp(word, "--", 2) == 0) {
            rc = parse_long(p, word + 2);
        } else if (!only_words && word[0] == '-' && word[1] != '\0') {
            rc = parse_short(p, word + 1);
        } else if (!only_words && is_assignment(word)) {
            rc = parse_assignment(p, word);
        } else {
            p->t->words[p->t->word_count++] = word;
        }
    }
    return rc;
}

// The environment, then what stands on the line.
static int assign_all(parser *p) {
    int rc = apply_environment(p->t);
    for (int i = 0; rc == TOOL_OK && i < p->assignment_count; i++) {
        rc = assign(p->t, p->assignments[i].name, p->assignments[i].value, 0);
    }
    return rc;
}

// The command's base configuration needs to see its own flags (--resume RUN): they are set first.
static int apply_own(parser *p) {
    int rc = TOOL_OK;
    for (int i = 0; rc == TOOL_OK && i < p->assignment_count; i++) {
        if (find_flag(p->t->command->flags, p->assignments[i].name) != NULL) {
            rc = assign(p->t, p->assignments[i].name, p->assignments[i].value, 0);
        }
    }
    return rc;
}

static int apply_all(parser *p) {
    tool *t = p->t;
    int rc = assign_all(p); // the base may need --endpoint; set again behind it
    rc = rc == TOOL_OK ? remote_refuse(t) : rc;
    rc = rc == TOOL_OK && !t->print_config ? remote_resolve(t) : rc;
    if (rc == TOOL_OK && t->command->base != NULL && !t->help) {
        rc = t->command->base(t);
    }
    for (int i = 0; rc == TOOL_OK && i < p->config_count; i++) {
        const char *local = NULL;
        rc = remote_fetch(&local, t, p->configs[i]);
        rc = rc == TOOL_OK ? apply_file(t, local) : rc;
    }
    rc = rc == TOOL_OK ? assign_all(p) : rc;
    rc = rc == TOOL_OK && !t->print_config ? remote_resolve(t) : rc;
    return rc == TOOL_OK && !t->print_config ? remote_refuse_options(t) : rc;
}

int parse_flags(tool *t, int argc, char **argv) {
    size_t room = (size_t)argc + 1;
    parser p = {.t = t, .argc = argc, .argv = argv};
    p.assignments = calloc(room, sizeof *p.assignments);
    p.configs = calloc(room, sizeof *p.configs);
    t->words = calloc(room, sizeof *t->words);
    int rc = TOOL_OK;
    if (p.assignments == NULL || p.configs == NULL || t->words == NULL) {
        rc = fail_with(t, TOOL_FAILED, "out of memory");
        goto out;
    }
    settings_init(&t->settings);
    rc = parse_words(&p);
    // Help is given whatever else stands on the line.
    if (rc == TOOL_OK && !t->help && !t->usage) {
        rc = apply_all(&p);
    } else if (rc != TOOL_OK) {
        (void)apply_own(&p); // the command's `end` needs to know where it is
    }
out:
    for (int i = 0; i < p.assignment_count; i++) {
        free(p.assignments[i].name);
        free(p.assignments[i].value);
    }
    free(p.assignments);
    free(p.configs);
    return rc;
}

void free_tool(tool *t) {
    remote_close(t);
    for (size_t i = 0; i < FLAGS_MAX; i++) {
        free(t->values[i]);
    }
    free(t->words);
}
