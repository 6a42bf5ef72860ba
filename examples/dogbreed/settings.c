// settings.c - the options structs of the library as one set of names, driven by
// dogbreed_options_describe alone: an option that is added to a table appears here by itself.
#include "remote.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [DOGBREED_KIND_DATASET] = "dataset",     [DOGBREED_KIND_CHECK] = "check",
    [DOGBREED_KIND_SYNTH] = "synth",         [DOGBREED_KIND_MODEL] = "model",
    [DOGBREED_KIND_TRAINER] = "trainer",     [DOGBREED_KIND_EVALUATE] = "evaluate",
    [DOGBREED_KIND_PREDICTOR] = "predictor", [DOGBREED_KIND_QUANTIZE] = "quantize",
    [DOGBREED_KIND_TUNER] = "tuner",         [DOGBREED_KIND_COMMAND] = "command",
    [DOGBREED_KIND_DEBUG] = "debug",         [DOGBREED_KIND_PROFILE] = "profile",
    [DOGBREED_KIND_REPORT] = "report",       [DOGBREED_KIND_SERVE] = "server",
    [DOGBREED_KIND_STORE] = "store",         [DOGBREED_KIND_JOB] = "job",
    [DOGBREED_KIND_TRANSFORM] = "transform",
};

int kind_count(void) {
    return (int)(sizeof kind_names / sizeof kind_names[0]) - 1;
}

const char *kind_name(uint32_t kind) {
    return kind >= 1 && kind <= (uint32_t)kind_count() ? kind_names[kind] : NULL;
}

void settings_init(settings *s) {
    (void)dogbreed_dataset_options_init(&s->dataset, sizeof s->dataset);
    (void)dogbreed_check_options_init(&s->check, sizeof s->check);
    (void)dogbreed_synth_options_init(&s->synth, sizeof s->synth);
    (void)dogbreed_model_options_init(&s->model, sizeof s->model);
    (void)dogbreed_trainer_options_init(&s->trainer, sizeof s->trainer);
    (void)dogbreed_evaluate_options_init(&s->evaluate, sizeof s->evaluate);
    (void)dogbreed_predictor_options_init(&s->predictor, sizeof s->predictor);
    (void)dogbreed_quantize_options_init(&s->quantize, sizeof s->quantize);
    (void)dogbreed_tuner_options_init(&s->tuner, sizeof s->tuner);
    (void)dogbreed_command_options_init(&s->command, sizeof s->command);
    (void)dogbreed_debug_options_init(&s->debug, sizeof s->debug);
    (void)dogbreed_profile_options_init(&s->profile, sizeof s->profile);
    (void)dogbreed_report_options_init(&s->report, sizeof s->report);
    (void)dogbreed_serve_options_init(&s->serve, sizeof s->serve);
    (void)dogbreed_store_options_init(&s->store, sizeof s->store);
    (void)dogbreed_job_options_init(&s->job, sizeof s->job);
    (void)dogbreed_transform_options_init(&s->transform, sizeof s->transform);
}

void *settings_of(settings *s, uint32_t kind) {
    void *all[] = {
        [DOGBREED_KIND_DATASET] = &s->dataset,     [DOGBREED_KIND_CHECK] = &s->check,
        [DOGBREED_KIND_SYNTH] = &s->synth,         [DOGBREED_KIND_MODEL] = &s->model,
        [DOGBREED_KIND_TRAINER] = &s->trainer,     [DOGBREED_KIND_EVALUATE] = &s->evaluate,
        [DOGBREED_KIND_PREDICTOR] = &s->predictor, [DOGBREED_KIND_QUANTIZE] = &s->quantize,
        [DOGBREED_KIND_TUNER] = &s->tuner,         [DOGBREED_KIND_COMMAND] = &s->command,
        [DOGBREED_KIND_DEBUG] = &s->debug,         [DOGBREED_KIND_PROFILE] = &s->profile,
        [DOGBREED_KIND_REPORT] = &s->report,       [DOGBREED_KIND_SERVE] = &s->serve,
        [DOGBREED_KIND_STORE] = &s->store,         [DOGBREED_KIND_JOB] = &s->job,
        [DOGBREED_KIND_TRANSFORM] = &s->transform,
    };
    return all[kind];
}

int find_option(dogbreed_option_info *info, uint32_t kind, const char *name) {
    info->struct_size = sizeof *info;
    for (uint32_t i = 0; dogbreed_options_describe(info, kind, i) == DOGBREED_OK; i++) {
        if (same_name(info->name, name)) {
            return 1;
        }
    }
    return 0;
}

int known_anywhere(const char *name) {
    dogbreed_option_info info;
    for (int kind = 1; kind <= kind_count(); kind++) {
        if (find_option(&info, (uint32_t)kind, name)) {
            return 1;
        }
    }
    return 0;
}

json_t *option_json(const void *options, const dogbreed_option_info *info) {
    char *text = NULL;
    if (dogbreed_options_get(&text, options, info->name) < 0) {
        return NULL;
    }
    json_t *value = NULL;
    switch (info->type) {
    case DOGBREED_TYPE_INT32:
    case DOGBREED_TYPE_INT64:
        value = json_integer(strtoll(text, NULL, 10));
        break;
    case DOGBREED_TYPE_UINT64: {
        // JSON integers end at 2^63 - 1 in jansson; larger ones travel as text.
        unsigned long long number = strtoull(text, NULL, 10);
        value = number <= INT64_MAX ? json_integer((json_int_t)number) : json_string(text);
        break;
    }
    case DOGBREED_TYPE_DOUBLE:
        value = json_real(strtod(text, NULL));
        break;
    case DOGBREED_TYPE_SWITCH:
        value = json_boolean(strcmp(text, "on") == 0);
        break;
    default:
        value = json_string(text);
        break;
    }
    dogbreed_free(text);
    return value;
}

// Tables of one command share names (seed, threads). A name stands for all of them; one that
// differs is written as "table.name".
static void add_kind(json_t *config, settings *s, uint32_t kind) {
    dogbreed_option_info info = {.struct_size = sizeof info};
    const void *options = settings_of(s, kind);
    for (uint32_t i = 0; dogbreed_options_describe(&info, kind, i) == DOGBREED_OK; i++) {
        json_t *value = option_json(options, &info);
        const json_t *present = json_object_get(config, info.name);
        if (present == NULL) {
            (void)json_object_set_new(config, info.name, value);
        } else if (json_equal(present, value)) {
            json_decref(value);
        } else {
            char name[96] = "";
            strncat(name, kind_name(kind), 20);
            strncat(name, ".", 2);
            strncat(name, info.name, 64);
            (void)json_object_set_new(config, name, value);
        }
    }
}

static json_t *flag_json(const flag *f, const char *value) {
    if (f->argument == NULL) {
        return json_boolean(strcmp(value, "on") == 0);
    }
    if (f->in_config != FLAG_LIST) {
        return json_text(value);
    }
    json_t *list = json_array();
    while (*value != '\0') {
        size_t length = strcspn(value, "\n");
        (void)json_array_append_new(list, json_stringn(value, length));
        value += length + (value[length] == '\n');
    }
    return list;
}

// "COPY#STUDY", an earlier study, under its own name too.
static void name_lines(json_t *list, const tool *t) {
    size_t i = 0;
    const json_t *value = NULL;
    json_array_foreach(list, i, value) {
        const char *text = json_string_value(value);
        char *path = text == NULL ? NULL : strdup(text);
        char *mark = path == NULL ? NULL : strrchr(path, '#');
        if (mark != NULL) {
            *mark = '\0';
        }
        const char *uri = path == NULL ? NULL : remote_name(t, path);
        if (uri != path) {
            (void)json_array_set_new(
                list, i,
                json_sprintf("%s%s%s", uri, mark == NULL ? "" : "#", mark == NULL ? "" : mark + 1));
        }
        free(path);
    }
}

// Local copies under their own names: the configuration must hold on other machines too.
static void name_remote(json_t *config, const tool *t) {
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    json_object_foreach_safe(config, next, key, value) {
        const char *text = json_string_value(value);
        if (json_is_array(value)) {
            name_lines(value, t);
        }
        if (text != NULL && remote_name(t, text) != text) {
            (void)json_object_set_new(config, key, json_text(remote_name(t, text)));
        }
    }
}

json_t *config_json(const tool *t) {
    json_t *config = json_object();
    settings copy = t->settings;
    (void)json_object_set_new(config, "format", json_string("dogbreed.config"));
    (void)json_object_set_new(config, "version", json_integer(1));
    (void)json_object_set_new(config, "command", json_string(t->command->name));
    for (size_t i = 0; t->command->flags[i].name != NULL; i++) {
        const flag *f = &t->command->flags[i];
        if (f->in_config && t->values[i] != NULL) {
            (void)json_object_set_new(config, f->name, flag_json(f, t->values[i]));
        }
    }
    for (size_t i = 0; t->command->kinds[i] != 0; i++) {
        add_kind(config, &copy, t->command->kinds[i]);
    }
    name_remote(config, t);
    return config;
}

void settings_share(void *to, uint32_t to_kind, const void *from, uint32_t from_kind) {
    dogbreed_option_info info = {.struct_size = sizeof info};
    dogbreed_option_info other;
    for (uint32_t i = 0; dogbreed_options_describe(&info, from_kind, i) == DOGBREED_OK; i++) {
        char *text = NULL;
        if (find_option(&other, to_kind, info.name) &&
            dogbreed_options_get(&text, from, info.name) == DOGBREED_OK) {
            (void)dogbreed_options_set(to, info.name, text);
            dogbreed_free(text);
        }
    }
}
