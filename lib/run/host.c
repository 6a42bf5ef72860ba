// host.c - facts about machine, process and working directory for manifests. Reads /proc and .git;
// what cannot be read is left out.
#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"
#include "run/run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 16 };

// Start of a file such as those of /proc, whose size is not known; 0 bytes when it cannot be read.
static size_t read_text(char *out, size_t size, const char *path) {
    FILE *file = fopen(path, "re");
    size_t count = file == NULL ? 0 : fread(out, 1, size - 1, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    out[count] = '\0';
    return count;
}

// Value of "name   : value" in the text of /proc/cpuinfo and the like, into out; "" when absent.
static void find_value(char *out, size_t size, const char *text, const char *name) {
    const char *line = text;
    out[0] = '\0';
    while (line != NULL && strncmp(line, name, strlen(name)) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    const char *value = line == NULL ? NULL : strchr(line, ':');
    if (value != NULL) {
        value += 1 + strspn(value + 1, " \t");
        (void)snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
    }
}

static int add_flags(json_t *object, const char *text) {
    static const char *const names[] = {"avx2",     "avx512f",     "avx512_vnni",
                                        "avx_vnni", "avx512_bf16", "amx_bf16"};
    char flags[4096];
    json_t *list = json_array();
    int rc = dogb_json_set(object, "cpu_flags", list);
    find_value(flags, sizeof flags, text, "flags");
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == DOGBREED_OK; i++) {
        size_t length = strlen(names[i]);
        for (const char *at = strstr(flags, names[i]); at != NULL; at = strstr(at, names[i])) {
            at += length;
            if (*at == ' ' || *at == '\0') {
                rc = dogb_json_add(list, json_string(names[i]));
                break;
            }
        }
    }
    return rc;
}

int dogb_run_host(json_t *object) {
    dogb_arena scratch = {0};
    struct utsname host;
    char model[256];
    char *text = dogb_alloc(&scratch, TEXT_MAX, 1);
    int rc = text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && uname(&host) == 0 &&
        (rc = dogb_json_set_text(object, "os", host.sysname)) == DOGBREED_OK &&
        (rc = dogb_json_set_text(object, "kernel", host.release)) == DOGBREED_OK &&
        (rc = dogb_json_set_text(object, "machine", host.machine)) == DOGBREED_OK) {
        rc = dogb_json_set_text(object, "name", host.nodename);
    }
    if (rc == DOGBREED_OK) {
        (void)read_text(text, TEXT_MAX, "/proc/cpuinfo");
        find_value(model, sizeof model, text, "model name");
        if ((rc = dogb_json_set_text(object, "cpu", model)) == DOGBREED_OK &&
            (rc = add_flags(object, text)) == DOGBREED_OK) {
            rc = dogb_json_set_int(object, "cores", dogb_core_count());
        }
    }
    if (rc == DOGBREED_OK) {
        (void)read_text(text, TEXT_MAX, "/proc/meminfo");
        find_value(model, sizeof model, text, "MemTotal"); // "16316412 kB"
        rc = dogb_json_set_int(object, "memory_bytes", strtoll(model, NULL, 10) * 1024);
    }
    dogb_arena_free(&scratch);
    return rc;
}

int64_t dogb_run_rss(void) {
    char text[128];
    long long total = 0;
    long long resident = 0;
    (void)read_text(text, sizeof text, "/proc/self/statm");
    return sscanf(text, "%lld %lld", &total, &resident) == 2
               ? (int64_t)resident * (int64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

static double seconds(const struct timeval *time) {
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

int dogb_run_usage(json_t *object) {
    struct rusage mine;
    struct rusage children;
    json_t *cpu = json_object();
    int rc = dogb_json_set(object, "cpu_s", cpu);
    if (rc < 0 || getrusage(RUSAGE_SELF, &mine) != 0 ||
        getrusage(RUSAGE_CHILDREN, &children) != 0) {
        return rc;
    }
    double others = seconds(&children.ru_utime) + seconds(&children.ru_stime);
    if ((rc = dogb_json_set_real(cpu, "user", seconds(&mine.ru_utime))) < 0 ||
        (rc = dogb_json_set_real(cpu, "system", seconds(&mine.ru_stime))) < 0 ||
        (rc = dogb_json_set_real(cpu, "children", others)) < 0) {
        return rc;
    }
    return dogb_json_set_int(object, "peak_rss_bytes", (int64_t)mine.ru_maxrss * 1024);
}

// 1 when a word of the command line is the name of something secret ("--token", "api_key=...").
static int secret(const char *word) {
    static const char *const names[] = {"password", "passwd",  "secret", "token",
                                        "api_key",  "api-key", "apikey", "credential"};
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size = strlen(names[i]);
        for (size_t at = 0; at + size <= length; at++) {
            if (strncasecmp(word + at, names[i], size) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

// A word without its secrets: "--token=x" and the word behind "--token", and what stands between
// "://" and "@".
static int add_word(json_t *list, dogb_arena *arena, const char *word, int hidden) {
    const char *scheme = strstr(word, "://");
    const char *at = scheme == NULL ? NULL : strchr(scheme + 3, '@');
    const char *equal = strchr(word, '=');
    const char *text = word;
    if (hidden) {
        text = "***";
    } else if (secret(word) && equal != NULL) {
        text = dogb_format(arena, "%.*s=***", (int)(equal - word), word);
    } else if (at != NULL) {
        text = dogb_format(arena, "%.*s***%s", (int)(scheme + 3 - word), word, at);
    }
    return text == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_add(list, dogb_json_text(text));
}

int dogb_run_command_line(json_t *object) {
    dogb_arena scratch = {0};
    char *text = dogb_alloc(&scratch, TEXT_MAX, 1);
    json_t *list = json_array();
    int rc = dogb_json_set(object, "command_line", list);
    size_t size = text == NULL ? 0 : read_text(text, TEXT_MAX, "/proc/self/cmdline");
    int hidden = 0;
    for (size_t at = 0; at < size && rc == DOGBREED_OK; at += strlen(text + at) + 1) {
        const char *word = text + at;
        rc = add_word(list, &scratch, word, hidden);
        hidden = word[0] == '-' && secret(word) && strchr(word, '=') == NULL;
    }
    dogb_arena_free(&scratch);
    return text == NULL && rc == DOGBREED_OK ? DOGBREED_ERROR_NO_MEMORY : rc;
}

// The commit that .git/HEAD names, from a loose or a packed reference; "" when there is none.
static void find_commit(char out[65], char *text, const char *git) {
    char path[1200];
    char name[512] = "";
    out[0] = '\0';
    (void)snprintf(path, sizeof path, "%s/HEAD", git);
    size_t size = read_text(text, TEXT_MAX, path);
    if (size == 0) {
        return;
    }
    if (sscanf(text, "ref: %511s", name) != 1) {
        (void)snprintf(out, 65, "%.*s", (int)strcspn(text, "\n"), text);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", git, name);
    if (read_text(text, TEXT_MAX, path) > 0) {
        (void)snprintf(out, 65, "%.*s", (int)strcspn(text, "\n"), text);
        return;
    }
    (void)snprintf(path, sizeof path, "%s/packed-refs", git);
    (void)read_text(text, TEXT_MAX, path);
    const char *found = strstr(text, name);
    if (found != NULL && found - text > 41) {
        (void)snprintf(out, 65, "%.40s", found - 41);
    }
}

int dogb_run_git(json_t *object) {
    dogb_arena scratch = {0};
    char folder[1024];
    char commit[65] = "";
    char *text = dogb_alloc(&scratch, TEXT_MAX, 1);
    char *path = dogb_alloc(&scratch, sizeof folder + 8, 1);
    int rc = text == NULL || path == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && getcwd(folder, sizeof folder) != NULL) {
        do {
            (void)snprintf(path, sizeof folder + 8, "%s/.git", folder);
            if (dogb_directory_exists(path)) {
                find_commit(commit, text, path);
                break;
            }
            char *slash = strrchr(folder, '/');
            if (slash == NULL) {
                break;
            }
            *slash = '\0';
        } while (folder[0] != '\0');
        if (commit[0] != '\0') {
            rc = dogb_json_set_text(object, "commit", commit);
        }
    }
    dogb_arena_free(&scratch);
    return rc;
}
