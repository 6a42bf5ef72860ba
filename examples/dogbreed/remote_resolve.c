// remote_resolve.c - which words, flags and options of a command may be s3:// paths, and the local
// ones that they become.
#include "remote.h"
#include "study.h"

#include <stdio.h>
#include <string.h>

static int resolve_out(tool *t, const char *name) {
    const char *uri = value_of(t, name);
    const char *local = NULL;
    char shown[32];
    if (!is_remote(uri)) {
        return TOOL_OK;
    }
    if (is_on(t, "worker", 0)) {
        return usage_error(t,
                           "--worker and --%s %s: a study in the store has one machine; processes "
                           "there are --workers, several machines share --storage postgresql://...",
                           name, uri);
    }
    (void)snprintf(shown, sizeof shown, "--%s", name);
    int resumed = strcmp(name, "resume") == 0;
    int exit_code = remote_target(&local, t, shown, uri, resumed);
    if (exit_code == TOOL_OK) {
        set_value(t, name, local);
    }
    return exit_code;
}

static int resolve_word(tool *t) {
    int index = t->command->remote_word - 1;
    const char *local = NULL;
    const char *uri = index >= 0 && index < t->word_count ? t->words[index] : NULL;
    if (!is_remote(uri)) {
        return TOOL_OK;
    }
    int exit_code = remote_target(&local, t, "", uri, 0);
    if (exit_code == TOOL_OK) {
        t->words[index] = local;
    }
    return exit_code;
}

static int resolve_flag(tool *t, const char *name) {
    const char *local = NULL;
    const char *value = value_of(t, name);
    if (!is_remote(value)) {
        return TOOL_OK;
    }
    int exit_code = remote_fetch(&local, t, value);
    if (exit_code == TOOL_OK) {
        set_value(t, name, local);
    }
    return exit_code;
}

// Options that name a file which is read.
static int resolve_options(tool *t) {
    const struct {
        void *options;
        const char *name;
        const char *value;
    } rows[] = {{&t->settings.model, "weights", t->settings.model.weights},
                {&t->settings.dataset, "class_list", t->settings.dataset.class_list}};
    const char *local = NULL;
    int exit_code = TOOL_OK;
    for (size_t i = 0; exit_code == TOOL_OK && i < sizeof rows / sizeof rows[0]; i++) {
        if (is_remote(rows[i].value)) {
            exit_code = remote_fetch(&local, t, rows[i].value);
            (void)dogbreed_options_set(rows[i].options, rows[i].name, local);
        }
    }
    return exit_code;
}

int remote_resolve(tool *t) {
    const command *c = t->command;
    const char *out_flag = c->remote_flag == NULL ? "out" : c->remote_flag;
    int exit_code = TOOL_OK;
    if (c->remote_words == WORDS_KEPT) {
        return TOOL_OK;
    }
    for (int i = 0; exit_code == TOOL_OK && i < t->word_count; i++) {
        if (c->remote_words == WORDS_ALL || i < c->remote_words) {
            exit_code = remote_fetch(&t->words[i], t, t->words[i]);
        }
    }
    if (c->remote_words == 0 && c->remote_out == 0) {
        return exit_code;
    }
    static const char *const read[] = {"data", "list", "model"};
    for (size_t i = 0; exit_code == TOOL_OK && i < sizeof read / sizeof read[0]; i++) {
        exit_code = resolve_flag(t, read[i]);
    }
    exit_code = exit_code == TOOL_OK ? resolve_options(t) : exit_code;
    exit_code = exit_code == TOOL_OK ? study_warm_fetch(t) : exit_code;
    if (exit_code == TOOL_OK && c->remote_out != 0) {
        exit_code = resolve_out(t, "resume");
        exit_code = exit_code == TOOL_OK ? resolve_out(t, out_flag) : exit_code;
        exit_code = exit_code == TOOL_OK ? resolve_word(t) : exit_code;
    }
    return exit_code;
}
