// channels.c - inputdataconfig.json and SM_CHANNEL_<NAME>: where data come in, and how.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <ctype.h>
#include <string.h>

static const char *const modes[] = {"File", "FastFile", "Pipe"};

// Names become parts of paths and of variables.
static int is_name(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length > 64 || *name == '.') {
        return 0;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL) {
            return 0;
        }
    }
    return 1;
}

// SM_CHANNEL_<NAME>, else input/data/<name>. NULL: no memory.
static const char *path_of(const dogbreed_job *job, dogb_arena *arena, const char *name) {
    char *variable = dogb_format(arena, "SM_CHANNEL_%s", name);
    for (char *c = variable; c != NULL && *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    const char *given = variable == NULL ? NULL : dogb_environment(variable);
    return given != NULL
               ? dogb_job_map(arena, job->base, given)
               : dogb_format(arena, "%s/data/%s", dogbreed_job_get(job, "input_dir"), name);
}

static int read_one(dogb_channel *out, dogbreed_job *job, const char *what, const char *name,
                    const json_t *object) {
    const char *mode = json_string_value(json_object_get(object, "TrainingInputMode"));
    const char *distribution = json_string_value(json_object_get(object, "S3DistributionType"));
    const char *wrapper = json_string_value(json_object_get(object, "RecordWrapperType"));
    if (!is_name(name)) {
        return dogb_job_wrong(what, name, "a channel's name of letters, digits, '-', '_' and '.'");
    }
    if (!json_is_object(object)) {
        return dogb_job_wrong(what, name, "an object");
    }
    *out = (dogb_channel){.name = name, .path = path_of(job, &job->arena, name)};
    size_t number = 0;
    while (mode != NULL && number < 3 && strcmp(modes[number], mode) != 0) {
        number++;
    }
    if (number == 3) {
        return dogb_fail(DOGBREED_ERROR_FORMAT,
                         "%s: %s: TrainingInputMode \"%s\", expected File, FastFile or Pipe", what,
                         name, mode);
    }
    out->mode = (int32_t)number;
    out->sharded = distribution != NULL && strcmp(distribution, "ShardedByS3Key") == 0;
    out->records = wrapper != NULL && strcmp(wrapper, "RecordIO") == 0;
    return out->path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// Names of SM_CHANNELS, for containers that have the variables and not the file.
static int from_variables(json_t **out, dogbreed_job *job) {
    const char *text = dogb_environment("SM_CHANNELS");
    json_t *list = NULL;
    size_t index = 0;
    json_t *item = NULL;
    *out = dogb_json_object(&job->arena);
    int rc = *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc < 0 || text == NULL) {
        return rc;
    }
    rc = dogb_json_parse_any(&list, &job->arena, text, strlen(text), "SM_CHANNELS");
    if (rc == DOGBREED_OK && !json_is_array(list)) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "SM_CHANNELS: expected a list of names");
    }
    json_array_foreach(list, index, item) {
        if (!json_is_string(item)) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "SM_CHANNELS: expected a list of names");
        }
        rc = rc < 0 ? rc : dogb_json_set(*out, json_string_value(item), json_object());
    }
    return rc;
}

int dogb_job_channels(dogbreed_job *job) {
    json_t *object = NULL;
    const char *what = NULL;
    const char *name = NULL;
    json_t *value = NULL;
    int rc = dogb_job_document(&object, &what, job, "inputdataconfig.json", "SM_INPUT_DATA_CONFIG");
    if (rc == DOGBREED_OK && object == NULL) {
        what = "SM_CHANNELS";
        rc = from_variables(&object, job);
    }
    if (rc == DOGBREED_OK && json_object_size(object) > DOGB_JOB_CHANNELS_MAX) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: more than %d channels", what,
                         (int)DOGB_JOB_CHANNELS_MAX);
    }
    json_object_foreach(object, name, value) {
        rc = rc < 0 ? rc : read_one(&job->channels[job->channel_count++], job, what, name, value);
    }
    dogb_job_fact(job, "class_list", "");
    return rc;
}

const dogb_channel *dogb_job_channel(const dogbreed_job *job, dogb_arena *arena, const char *name) {
    for (int32_t i = 0; i < job->channel_count; i++) {
        if (strcmp(job->channels[i].name, name) == 0) {
            return &job->channels[i];
        }
    }
    const char *path = path_of(job, arena, name);
    dogb_channel *one =
        path == NULL || !dogb_directory_exists(path) ? NULL : dogb_alloc(arena, 1, sizeof *one);
    if (one != NULL) {
        *one = (dogb_channel){.name = name, .path = path};
    }
    return one;
}
