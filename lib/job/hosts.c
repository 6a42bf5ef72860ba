// hosts.c - resourceconfig.json: the machines of a job, and which of them this is.
#include "core/environment.h"
#include "core/error.h"
#include "job/job_internal.h"

#include <stdlib.h>
#include <string.h>

static int text_fact(dogbreed_job *job, const json_t *object, const char *what, const char *key,
                     const char *fact) {
    const json_t *value = json_object_get(object, key);
    if (value != NULL && !json_is_string(value) && !json_is_null(value)) {
        return dogb_job_wrong(what, key, "text");
    }
    const char *text = json_string_value(value);
    dogb_job_fact(job, fact, text == NULL ? "" : text);
    return DOGBREED_OK;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int read_hosts(dogbreed_job *job, const json_t *list, const char *what) {
    size_t index = 0;
    json_t *item = NULL;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > 10000) {
        return dogb_job_wrong(what, "hosts", "a list of names");
    }
    job->hosts = dogb_alloc(&job->arena, json_array_size(list), sizeof *job->hosts);
    if (job->hosts == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    json_array_foreach(list, index, item) {
        job->hosts[job->host_count] = json_string_value(item);
        if (job->hosts[job->host_count] == NULL) {
            return dogb_job_wrong(what, "hosts", "a list of names");
        }
        job->host_count++;
    }
    qsort(job->hosts, (size_t)job->host_count, sizeof *job->hosts, compare);
    return DOGBREED_OK;
}

// The list of SM_HOSTS, for containers that have the variables and not the file.
static int from_variables(json_t **out, dogbreed_job *job) {
    const char *hosts = dogb_environment("SM_HOSTS");
    const char *host = dogb_environment("SM_CURRENT_HOST");
    const char *net = dogb_environment("SM_NETWORK_INTERFACE_NAME");
    json_t *list = NULL;
    *out = NULL;
    if (hosts == NULL || host == NULL) {
        return DOGBREED_OK;
    }
    json_t *object = dogb_json_object(&job->arena);
    int rc = object == NULL
                 ? DOGBREED_ERROR_NO_MEMORY
                 : dogb_json_parse_any(&list, &job->arena, hosts, strlen(hosts), "SM_HOSTS");
    rc = rc < 0 ? rc : dogb_json_set(object, "hosts", json_incref(list));
    rc = rc < 0 ? rc : dogb_json_set_text(object, "current_host", host);
    rc = rc < 0 || net == NULL ? rc : dogb_json_set_text(object, "network_interface_name", net);
    *out = object;
    return rc;
}

int dogb_job_hosts(dogbreed_job *job) {
    json_t *object = NULL;
    const char *what = NULL;
    int rc = dogb_job_document(&object, &what, job, "resourceconfig.json", "SM_RESOURCE_CONFIG");
    if (rc == DOGBREED_OK && object == NULL) {
        what = "SM_HOSTS, SM_CURRENT_HOST";
        rc = from_variables(&object, job);
    }
    if (rc < 0 || (rc = text_fact(job, object, what, "current_host", "host")) < 0 ||
        (rc = text_fact(job, object, what, "network_interface_name", "network_interface")) < 0 ||
        (rc = text_fact(job, object, what, "current_instance_type", "instance_type")) < 0 ||
        (rc = text_fact(job, object, what, "current_group_name", "instance_group")) < 0) {
        return rc;
    }
    int32_t rank = 0;
    if (object != NULL) {
        const char *host = dogbreed_job_get(job, "host");
        if ((rc = read_hosts(job, json_object_get(object, "hosts"), what)) < 0) {
            return rc;
        }
        while (rank < job->host_count && strcmp(job->hosts[rank], host) != 0) {
            rank++;
        }
        if (rank == job->host_count) {
            return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: current_host \"%s\" is not one of hosts",
                             what, host);
        }
    }
    rc = dogb_job_fact_number(job, "rank", rank);
    return rc < 0 ? rc
                  : dogb_job_fact_number(job, "host_count", object == NULL ? 1 : job->host_count);
}
