// auto.c - train --auto: the library measures which settings are best on this machine. Those that
// change no result and that were not given are taken, the others are only told.
#include "training.h"

#include <string.h>

// The struct that an option of an advice belongs to; *name without "table.".
static void *owner_of(settings *s, const char **name, uint32_t *kind) {
    const char *dot = strchr(*name, '.');
    *kind = DOGBREED_KIND_TRAINER;
    if (dot != NULL) {
        *kind = DOGBREED_KIND_EVALUATE; // the one other table that is advised about
        *name = dot + 1;
    }
    return settings_of(s, *kind);
}

static int is_default(const void *options, uint32_t kind, const char *name) {
    dogbreed_option_info info;
    char *value = NULL;
    int same = find_option(&info, kind, name) &&
               dogbreed_options_get(&value, options, name) == DOGBREED_OK &&
               strcmp(value, info.default_value) == 0;
    dogbreed_free(value);
    return same;
}

static void take(tool *t, const json_t *advice) {
    const char *option = text_of(advice, "option");
    const char *name = option;
    const char *value = text_of(advice, "value");
    uint32_t kind = 0;
    void *options = owner_of(&t->settings, &name, &kind);
    const char *what = "auto  ";
    if (!json_is_true(json_object_get(advice, "safe"))) {
        what = "advice"; // it changes what comes out
    } else if (!is_default(options, kind, name)) {
        what = "kept  "; // given by the user
    } else if (dogbreed_options_set(options, name, value) < 0) {
        warn("%s", dogbreed_error_message());
        return;
    }
    say("%s %s=%s: %s\n", what, option, value, text_of(advice, "reason"));
}

int auto_settings(job *j) {
    tool *t = j->t;
    dogbreed_trainer *trainer = NULL;
    char *text = NULL;
    size_t i = 0;
    const json_t *advice = NULL;
    int rc = dogbreed_trainer_create(&trainer, j->model, j->train, j->valid, &t->settings.trainer);
    if (rc == DOGBREED_OK) {
        say("measuring for some seconds\n");
        rc = dogbreed_profile_advise(&text, trainer);
    }
    dogbreed_trainer_destroy(trainer);
    if (rc < 0) {
        return fail(t, PHASE_DATA, rc);
    }
    json_t *root = parse_json(text);
    const json_t *list = json_object_get(root, "advice");
    json_array_foreach(list, i, advice) {
        take(t, advice);
    }
    if (json_array_size(list) == 0) {
        say("auto   the settings are as good as any that were tried\n");
    }
    json_decref(root);
    return TOOL_OK;
}
