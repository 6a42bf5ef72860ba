// data.c - one folder to train on, whatever channels it comes in.
#include "core/error.h"
#include "core/file.h"
#include "job/job_internal.h"

#include <string.h>
#include <unistd.h>

enum { SPLITS = 3, NAMES = 3 };

static const char *const splits[SPLITS] = {"train", "valid", "test"};
// What channels and folders of a split are called.
static const char *const names[SPLITS][NAMES] = {
    {"train", NULL, NULL}, {"valid", "validation", "val"}, {"test", NULL, NULL}};
static const char WHOLE[] = "training";
static const char CLASSES[] = "classes.txt";

typedef struct search {
    dogbreed_job *job;
    const dogbreed_job_options *options;
    char *temporary; // folder of this call; NULL: none was needed
} search;

static int temporary(search *s) {
    return s->temporary != NULL
               ? DOGBREED_OK
               : dogb_directory_temporary(&s->temporary, &s->job->arena, "dogbreed-job");
}

// The folder of a channel; a Pipe channel becomes one. NULL in *out: there is no such channel.
static int folder_of(const char **out, search *s, const char *name) {
    const dogb_channel *channel = dogb_job_channel(s->job, &s->job->arena, name);
    *out = NULL;
    if (channel == NULL) {
        return DOGBREED_OK;
    }
    if (channel->records) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "channel %s: RecordWrapperType RecordIO is not read, expected None", name);
    }
    if (channel->mode != DOGB_CHANNEL_PIPE) {
        *out = channel->path;
        return dogb_directory_exists(channel->path)
                   ? DOGBREED_OK
                   : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "channel %s: %s: no such folder", name,
                               channel->path);
    }
    int rc = temporary(s);
    char *fifo = rc < 0 ? NULL : dogb_format(&s->job->arena, "%s_0", channel->path);
    char *folder =
        fifo == NULL ? NULL : dogb_format(&s->job->arena, "%s/channel-%s", s->temporary, name);
    if (folder == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    rc = dogb_directory_make(folder);
    *out = folder;
    return rc < 0 ? rc : dogb_job_pipe(fifo, folder, s->options);
}

// The first channel of several names.
static int channel_of(const char **out, search *s, const char *const *list) {
    int rc = DOGBREED_OK;
    *out = NULL;
    for (int i = 0; rc == DOGBREED_OK && *out == NULL && i < NAMES && list[i] != NULL; i++) {
        rc = folder_of(out, s, list[i]);
    }
    return rc;
}

static const char *below(search *s, const char *folder, const char *const *list) {
    for (int i = 0; folder != NULL && i < NAMES && list[i] != NULL; i++) {
        const char *path = dogb_path_join(&s->job->arena, folder, list[i]);
        if (path != NULL && dogb_directory_exists(path)) {
            return path;
        }
    }
    return NULL;
}

// A list of class names beside the pictures, for a host that sees some of the classes only.
static int find_list(search *s, const char *folder) {
    char *path = folder == NULL ? NULL : dogb_path_join(&s->job->arena, folder, CLASSES);
    if (path != NULL && dogb_file_exists(path)) {
        dogb_job_fact(s->job, "class_list", path);
    }
    return folder != NULL && path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// Splits that lie in different places, as one folder of links.
static int join(const char **out, search *s, const char *const *folders) {
    int rc = temporary(s);
    char *root = rc < 0 ? NULL : dogb_path_join(&s->job->arena, s->temporary, "data");
    rc = rc < 0 ? rc : root == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(root);
    for (int i = 0; rc == DOGBREED_OK && i < SPLITS; i++) {
        char *link = dogb_path_join(&s->job->arena, root, splits[i]);
        if (link == NULL) {
            rc = DOGBREED_ERROR_NO_MEMORY;
        } else if (folders[i] != NULL && symlink(folders[i], link) != 0) {
            rc = dogb_fail_errno(DOGBREED_ERROR_IO, "%s: cannot be made", link);
        }
    }
    *out = root;
    return rc;
}

// Channel `training`, or the only one there is.
static int whole_of(const char **out, search *s) {
    const dogbreed_job *job = s->job;
    int rc = folder_of(out, s, WHOLE);
    if (rc < 0 || *out != NULL || job->channel_count != 1) {
        return rc;
    }
    for (int i = 0; i < SPLITS; i++) {
        for (int k = 0; k < NAMES && names[i][k] != NULL; k++) {
            if (strcmp(job->channels[0].name, names[i][k]) == 0) {
                return DOGBREED_OK; // a split is not the whole
            }
        }
    }
    return folder_of(out, s, job->channels[0].name);
}

static int find(const char **out, search *s) {
    const char *folders[SPLITS] = {NULL};
    const char *whole = NULL;
    int apart = 0; // channels of splits
    int rc = whole_of(&whole, s);
    for (int i = 0; rc == DOGBREED_OK && i < SPLITS; i++) {
        rc = channel_of(&folders[i], s, names[i]);
        apart += folders[i] != NULL;
    }
    if (rc < 0 || (rc = find_list(s, folders[0])) < 0 || (rc = find_list(s, whole)) < 0) {
        return rc;
    }
    if (apart == 0) {
        *out = whole;
        return whole != NULL ? DOGBREED_OK
                             : dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                                         "%s/data: no channel with pictures: expected training, or "
                                         "train (and valid, test)",
                                         dogbreed_job_get(s->job, "input_dir"));
    }
    int inside = below(s, whole, names[0]) != NULL;
    for (int i = 0; i < SPLITS; i++) {
        folders[i] = folders[i] != NULL ? folders[i] : below(s, whole, names[i]);
    }
    if (folders[0] == NULL && !inside) {
        folders[0] = whole; // class folders, beside a channel for validation
    }
    return join(out, s, folders);
}

int dogbreed_job_data(char **path, dogbreed_job *job, const dogbreed_job_options *options) {
    dogbreed_job_options own;
    const char *found = NULL;
    DOGB_CHECK(path != NULL, "job: path is NULL");
    *path = NULL;
    DOGB_CHECK(job != NULL, "job: is NULL");
    int rc = dogb_table_import(&own, &dogb_job_table, options, &job->arena);
    if (rc == DOGBREED_OK && job->host_count > 1) {
        rc = dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                       "%d hosts (%s, %s%s): a training runs on one machine; start the job with "
                       "one instance",
                       (int)job->host_count, job->hosts[0], job->hosts[1],
                       job->host_count > 2 ? ", ..." : "");
    }
    search s = {.job = job, .options = &own};
    rc = rc < 0 ? rc : find(&found, &s);
    return rc < 0 ? rc : dogb_text_out(path, found);
}
