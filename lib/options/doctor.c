// doctor.c - looks at the machine and says what would disturb the work: one finding per item, with
// advice where something can be done.
#include "options/doctor.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/thread.h"
#include "engine/engine.h"
#include "image/image.h"
#include "options/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { OK = DOGB_DOCTOR_OK, WARNING = DOGB_DOCTOR_WARNING, ERROR = DOGB_DOCTOR_ERROR };
static const char *const status_names[] = {"ok", "warning", "error"};

enum { PROC_FILE_MAX = 1 << 20 };
static const int64_t MEMORY_LOW = (int64_t)1 << 30;
static const int64_t DISK_LOW = (int64_t)1 << 30;
static const double SYNC_SLOW = 0.25; // seconds

typedef dogb_doctor doctor;

int dogb_doctor_add(doctor *d, const char *group, const char *name, int status, const char *value,
                    const char *advice) {
    json_t *finding = value == NULL ? NULL : dogb_json_object(&d->arena);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (finding == NULL || (rc = dogb_json_set_text(finding, "group", group)) < 0 ||
        (rc = dogb_json_set_text(finding, "name", name)) < 0 ||
        (rc = dogb_json_set_text(finding, "status", status_names[status])) < 0 ||
        (rc = dogb_json_set_text(finding, "value", value)) < 0 ||
        (rc = dogb_json_set_text(finding, "advice", advice)) < 0) {
        return rc;
    }
    d->worst = status > d->worst ? status : d->worst;
    return dogb_json_add(d->findings, json_incref(finding));
}

// First line of a /proc or /sys text that starts with `key`, behind its colon; "" when there is
// none. NULL: no memory.
static const char *proc_value(doctor *d, const char *path, const char *key) {
    FILE *file = fopen(path, "re");
    char line[4096];
    const char *found = "";
    size_t length = strlen(key);
    if (file == NULL) {
        return found;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) == 0) {
            char *start = line + length;
            start += strspn(start, " \t:");
            start[strcspn(start, "\n")] = '\0';
            found = dogb_strdup(&d->arena, start);
            break;
        }
    }
    (void)fclose(file);
    return found;
}

static int64_t number(const char *text) {
    int64_t value = 0;
    return sscanf(text, "%" SCNd64, &value) == 1 ? value : -1;
}

static const char *size_text(doctor *d, int64_t bytes) {
    return dogb_format(&d->arena, "%.1f GiB", (double)bytes / (double)(1 << 30));
}

static int look_at_build(doctor *d) {
    const char *sanitizers = dogb_build_sanitizers();
    int rc = dogb_doctor_add(
        d, "build", "version", OK,
        dogb_format(&d->arena, "%s, ABI %d", dogbreed_version(), (int)dogbreed_abi()), "");
    if (rc < 0 ||
        (rc = dogb_doctor_add(d, "build", "compiler", OK, dogb_build_compiler(), "")) < 0) {
        return rc;
    }
    return *sanitizers == '\0' ? dogb_doctor_add(d, "build", "sanitizers", OK, "none", "")
                               : dogb_doctor_add(d, "build", "sanitizers", WARNING, sanitizers,
                                                 "this build is for tests and slow");
}

static const char *interesting_flags(doctor *d, const char *flags) {
    static const char *const names[] = {"avx",      "avx2",     "fma",         "f16c",
                                        "avx512f",  "avx_vnni", "avx512_vnni", "avx512_bf16",
                                        "amx_bf16", "asimd",    "asimddp",     "bf16"};
    const char *text = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0] && text != NULL; i++) {
        size_t length = strlen(names[i]);
        for (const char *at = strstr(flags, names[i]); at != NULL; at = strstr(at + 1, names[i])) {
            if ((at == flags || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) {
                text = dogb_format(&d->arena, "%s%s%s", text, *text == '\0' ? "" : " ", names[i]);
                break;
            }
        }
    }
    return text;
}

static int look_at_cpu(doctor *d) {
    const char *path = "/proc/cpuinfo";
    const char *model = proc_value(d, path, "model name");
    const char *flags = proc_value(d, path, "flags");
    if (flags != NULL && *flags == '\0') {
        flags = proc_value(d, path, "Features"); // ARM's name for it
    }
    int rc = dogb_doctor_add(d, "cpu", "model", OK,
                             model != NULL && *model == '\0' ? "unknown" : model, "");
    const char *text = flags == NULL ? NULL : interesting_flags(d, flags);
    if (rc < 0 || (rc = dogb_doctor_add(d, "cpu", "flags", OK, text, "")) < 0 ||
        (rc = dogb_doctor_add(d, "cpu", "resize kernel", OK, dogb_image_isa(), "")) < 0) {
        return rc;
    }
    int32_t usable = dogb_core_count();
    int32_t online = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    return dogb_doctor_add(d, "cpu", "cores", usable < online ? WARNING : OK,
                           dogb_format(&d->arena, "%d usable of %d", (int)usable, (int)online),
                           usable < online
                               ? "the affinity mask or the cgroup quota leaves fewer cores; that "
                                 "many threads are used"
                               : "");
}

static int look_at_memory(doctor *d) {
    const char *total = proc_value(d, "/proc/meminfo", "MemTotal");
    const char *free = proc_value(d, "/proc/meminfo", "MemAvailable");
    if (total == NULL || free == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    int64_t available = number(free) * 1024;
    int low = number(free) >= 0 && available < MEMORY_LOW;
    int rc = dogb_doctor_add(d, "memory", "available", low ? WARNING : OK,
                             dogb_format(&d->arena, "%.1f of %.1f GiB",
                                         (double)available / (double)(1 << 30),
                                         (double)number(total) / (double)(1 << 20)),
                             low ? "close other programs or use a smaller batch_size" : "");
    const char *limit = proc_value(d, "/sys/fs/cgroup/memory.max", "");
    if (rc < 0 || limit == NULL) {
        return rc < 0 ? rc : DOGBREED_ERROR_NO_MEMORY;
    }
    if (number(limit) < 0) { // "max", or no cgroup
        return DOGBREED_OK;
    }
    low = number(limit) < 2 * MEMORY_LOW;
    return dogb_doctor_add(
        d, "memory", "cgroup limit", low ? WARNING : OK, size_text(d, number(limit)),
        low ? "libtorch alone takes most of a gigabyte; raise the limit of the container" : "");
}

static int look_at_disk(doctor *d, const char *name, const char *path, const char *advice) {
    struct statvfs fs;
    if (statvfs(path, &fs) != 0) {
        return dogb_doctor_add(d, "disk", name, ERROR,
                               dogb_format(&d->arena, "%s: cannot be looked at", path), advice);
    }
    int64_t free = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (access(path, W_OK) != 0) {
        return dogb_doctor_add(d, "disk", name, WARNING,
                               dogb_format(&d->arena, "%s is not writable", path), advice);
    }
    return dogb_doctor_add(
        d, "disk", name, free < DISK_LOW ? WARNING : OK,
        dogb_format(&d->arena, "%s: %.1f GiB free", path, (double)free / (double)(1 << 30)),
        free < DISK_LOW ? "less than 1 GiB is free: runs and features may not fit" : "");
}

static int look_at_sync(doctor *d, const char *folder) {
    char *path = dogb_path_join(&d->arena, folder, "doctor.tmp");
    if (path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    double start = dogb_clock();
    int rc = dogb_file_write(path, "x", 1);
    double seconds = dogb_clock() - start;
    (void)unlink(path);
    if (rc == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    return rc < 0
               ? dogb_doctor_add(d, "disk", "sync", WARNING, dogbreed_error_message(),
                                 "features cannot be kept; set DOGBREED_CACHE to a writable folder")
               : dogb_doctor_add(
                     d, "disk", "sync", seconds > SYNC_SLOW ? WARNING : OK,
                     dogb_format(&d->arena, "%.1f ms", seconds * 1000.0),
                     seconds > SYNC_SLOW ? "checkpoints will be slow on this file system" : "");
}

static int look_at_disks(doctor *d) {
    char *cache = NULL;
    int rc =
        look_at_disk(d, "current folder", ".", "runs/ is made here; choose another with --out");
    if (rc < 0) {
        return rc;
    }
    if ((rc = dogb_cache_directory(&cache, &d->arena, "features")) < 0) {
        return rc == DOGBREED_ERROR_NO_MEMORY
                   ? rc
                   : dogb_doctor_add(d, "disk", "cache folder", WARNING, dogbreed_error_message(),
                                     "set DOGBREED_CACHE to a writable folder");
    }
    rc = look_at_disk(d, "cache folder", cache, "set DOGBREED_CACHE to a writable folder");
    return rc < 0 ? rc : look_at_sync(d, cache);
}

static int look_at_codecs(doctor *d) {
    int rc = dogb_doctor_add(d, "codecs", "jpeg", OK, dogb_image_jpeg_version(), "");
    if (rc < 0 ||
        (rc = dogb_doctor_add(d, "codecs", "png", OK, dogb_image_png_version(), "")) < 0) {
        return rc;
    }
    if ((rc = dogb_image_self_test()) == DOGBREED_ERROR_NO_MEMORY) {
        return rc;
    }
    return rc < 0 ? dogb_doctor_add(d, "codecs", "self-test", ERROR, dogbreed_error_message(),
                                    "another libjpeg or libpng was loaded; results would differ")
                  : dogb_doctor_add(d, "codecs", "self-test", OK, "pixels as expected", "");
}

static const char *bf16_text(const dogb_device *device) {
    return device->bf16 == DOGB_BF16_NATIVE   ? ", bf16"
           : device->bf16 == DOGB_BF16_AS_F32 ? ", bf16 at the speed of f32"
                                              : "";
}

static int look_at_devices(doctor *d, const char *name) {
    const dogb_engine *engine = NULL;
    if (dogb_engine_open(&engine, name, DOGB_CAN_INFER, "auto") < 0) {
        return DOGBREED_OK; // its own finding says so
    }
    for (int32_t i = 0; i < engine->device_count(); i++) {
        dogb_device device = {0};
        if (engine->device_info(&device, i) < 0) {
            continue;
        }
        const char *memory = device.memory_total > 0
                                 ? dogb_format(&d->arena, ", %.1f GiB",
                                               (double)device.memory_total / (double)(1 << 30))
                                 : "";
        const char *label = dogb_format(&d->arena, "%s %s", name, device.id);
        if (memory == NULL || label == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
        int rc = dogb_doctor_add(
            d, "devices", label, OK,
            dogb_format(&d->arena, "%s%s%s", device.name, memory, bf16_text(&device)), "");
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

static int look_at_engines(doctor *d) {
    json_t *engines = dogb_json_array(&d->arena);
    int rc = engines == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_engine_list(engines, 1);
    for (size_t i = 0; rc == DOGBREED_OK && i < json_array_size(engines); i++) {
        const json_t *engine = json_array_get(engines, i);
        const char *name = json_string_value(json_object_get(engine, "name"));
        const char *version = json_string_value(json_object_get(engine, "version"));
        const char *reason = json_string_value(json_object_get(engine, "reason"));
        if (name == NULL) {
            continue;
        }
        if (json_is_true(json_object_get(engine, "available"))) {
            rc = dogb_doctor_add(d, "engines", name, OK,
                                 version == NULL || *version == '\0' ? "built in" : version, "");
            rc = rc < 0 ? rc : look_at_devices(d, name);
        } else {
            rc = dogb_doctor_add(
                d, "engines", name, WARNING, reason == NULL ? "not available" : reason,
                "without it deeper layers and whole networks train slowly, and only on the CPU");
        }
    }
    return rc;
}

static int look_at_gpu(doctor *d) {
    const char *driver = proc_value(d, "/proc/driver/nvidia/version", "NVRM version");
    if (driver == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (*driver == '\0') {
        return dogb_doctor_add(d, "gpu", "driver", OK, "no NVIDIA driver: the CPU does the work",
                               "");
    }
    int used = 0;
    for (size_t i = 0; i < json_array_size(d->findings); i++) {
        const json_t *finding = json_array_get(d->findings, i);
        const char *name = json_string_value(json_object_get(finding, "name"));
        used = used || (name != NULL && strstr(name, "cuda") != NULL);
    }
    return used ? dogb_doctor_add(d, "gpu", "driver", OK, driver, "")
                : dogb_doctor_add(
                      d, "gpu", "driver", WARNING, driver,
                      "a driver is loaded but no engine uses the GPU: the engine was built without "
                      "CUDA or its CUDA libraries are not installed");
}

static int look(doctor *d) {
    typedef int (*look_fn)(doctor *);
    static const look_fn all[] = {look_at_build, look_at_cpu,        look_at_memory,
                                  look_at_disks, look_at_codecs,     look_at_engines,
                                  look_at_gpu,   dogb_doctor_engines};
    int rc = DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < sizeof all / sizeof all[0]; i++) {
        rc = all[i](d);
    }
    return rc;
}

static int report(char **json, int measure) {
    DOGB_CHECK(json != NULL, "json: NULL, expected where to put the text");
    *json = NULL;
    doctor d = {0};
    json_t *document = dogb_json_document(&d.arena, "doctor", 1);
    d.findings = dogb_json_array(&d.arena);
    int rc = document == NULL || d.findings == NULL ? DOGBREED_ERROR_NO_MEMORY : look(&d);
    if (rc == DOGBREED_OK && measure) {
        rc = dogb_doctor_speed(&d);
    }
    if (rc < 0 || (rc = dogb_json_set_text(document, "status", status_names[d.worst])) < 0 ||
        (rc = dogb_json_set(document, "findings", json_incref(d.findings))) < 0) {
        goto out;
    }
    rc = dogb_json_text_out(json, document, 0);
out:
    dogb_arena_free(&d.arena);
    return rc;
}

int dogbreed_doctor(char **json) {
    return report(json, 0);
}

int dogbreed_doctor_measure(char **json) {
    return report(json, 1);
}
