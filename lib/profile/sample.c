// sample.c - see sample.h. Files of /proc are read whole, into one buffer that is kept.
#include "profile/sample.h"

#include "core/error.h"
#include "profile/nvml.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CORES_MAX = 1024, TEXT_MAX = 1 << 18, OTHERS_MAX = 16 };
enum { BUSY_USER = 0, BUSY_SYSTEM, BUSY_IDLE, BUSY_IOWAIT, BUSY_OTHER, BUSY_COUNT };

typedef struct core {
    int32_t number;
    int32_t fresh; // read by this sample
    double ticks[BUSY_COUNT];
} core;

typedef struct counter { // of something that only grows
    double value;
    int32_t known;
    int32_t reserved;
} counter;

enum {
    COUNT_READ,
    COUNT_WRITE,
    COUNT_RECEIVE,
    COUNT_TRANSMIT,
    COUNT_CPU,
    COUNT_SWITCHES,
    COUNTERS
};

struct dogb_probe {
    const char *root;
    char *text;
    dogb_nvml *nvml;
    dogb_probe_value *metrics;
    size_t count;
    size_t capacity;
    double last; // time of the last sample; 0: none
    double seconds;
    counter counters[COUNTERS];
    int32_t core_count;
    int32_t reserved;
    core cores[CORES_MAX];
};

static void add(dogb_probe *probe, const char *type, const char *name, int number,
                const char *dimension, double value) {
    if (probe->count == probe->capacity) {
        return;
    }
    dogb_probe_value *m = &probe->metrics[probe->count++];
    *m = (dogb_probe_value){.type = type, .dimension = dimension, .value = value};
    if (number < 0) {
        (void)snprintf(m->name, sizeof m->name, "%s", name);
    } else {
        (void)snprintf(m->name, sizeof m->name, "%s%d", name, number);
    }
}

// A rate since the last sample.
static void add_rate(dogb_probe *probe, const char *type, const char *name, const char *dimension,
                     int which, double value, double scale) {
    counter *c = &probe->counters[which];
    if (c->known && probe->seconds > 0.0 && value >= c->value) {
        add(probe, type, name, -1, dimension, (value - c->value) / probe->seconds * scale);
    }
    *c = (counter){.value = value, .known = 1};
}

// The text of a file of /proc; NULL: it cannot be read.
static char *text_of(dogb_probe *probe, const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/proc/%s", probe->root, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    if (file < 0) {
        return NULL;
    }
    while (size < TEXT_MAX - 1) {
        ssize_t got = read(file, probe->text + size, TEXT_MAX - 1 - size);
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
    }
    (void)close(file);
    probe->text[size] = '\0';
    return probe->text;
}

static char *next_line(char *line) {
    char *end = strchr(line, '\n');
    return end == NULL ? NULL : end + 1;
}

// Numbers of a line, at most `count`; the others are 0.
static void numbers_of(const char *text, double *out, int count) {
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        out[i] = (double)strtoull(text, &end, 10);
        text = end;
    }
}

// --- cores

static core *core_of(dogb_probe *probe, int32_t number) {
    for (int32_t i = 0; i < probe->core_count; i++) {
        if (probe->cores[i].number == number) {
            return &probe->cores[i];
        }
    }
    if (probe->core_count == CORES_MAX) {
        return NULL;
    }
    core *added = &probe->cores[probe->core_count++];
    *added = (core){.number = number, .fresh = -1};
    return added;
}

// user nice system idle iowait irq softirq steal: what is neither idle nor waiting is use.
static void add_core(dogb_probe *probe, core *c, const double ticks[BUSY_COUNT], int known) {
    static const struct {
        const char *dimension;
        int32_t which;
    } parts[] = {{"UserPercentage", BUSY_USER},
                 {"SystemPercentage", BUSY_SYSTEM},
                 {"I/OWaitPercentage", BUSY_IOWAIT}};
    double all = 0.0;
    double change[BUSY_COUNT];
    for (int i = 0; i < BUSY_COUNT; i++) {
        change[i] = ticks[i] - c->ticks[i];
        change[i] = change[i] < 0.0 ? 0.0 : change[i]; // iowait may go back
        all += change[i];
        c->ticks[i] = ticks[i];
    }
    if (!known || all <= 0.0) {
        return;
    }
    double idle = change[BUSY_IDLE] + change[BUSY_IOWAIT];
    add(probe, "cpu", "cpu", c->number, "CPUUtilization", 100.0 * (all - idle) / all);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        add(probe, "cpu", "cpu", c->number, parts[i].dimension,
            100.0 * change[parts[i].which] / all);
    }
}

static void take_cores(dogb_probe *probe) {
    for (char *line = text_of(probe, "stat"); line != NULL; line = next_line(line)) {
        if (strncmp(line, "cpu", 3) != 0 || !isdigit((unsigned char)line[3])) {
            continue;
        }
        char *end = NULL;
        core *c = core_of(probe, (int32_t)strtol(line + 3, &end, 10));
        double n[8];
        if (c == NULL) {
            return;
        }
        numbers_of(end, n, 8);
        double ticks[BUSY_COUNT] = {
            [BUSY_USER] = n[0] + n[1],
            [BUSY_SYSTEM] = n[2],
            [BUSY_IDLE] = n[3],
            [BUSY_IOWAIT] = n[4],
            [BUSY_OTHER] = n[5] + n[6] + n[7],
        };
        add_core(probe, c, ticks, c->fresh >= 0);
        c->fresh = 1;
    }
}

// --- the others

// kB behind a name of /proc/meminfo; -1: it is not there.
static double kilobytes(const char *text, const char *name) {
    const char *at = text == NULL ? NULL : strstr(text, name);
    return at == NULL ? -1.0 : (double)strtoull(at + strlen(name), NULL, 10);
}

static void take_memory(dogb_probe *probe) {
    const char *text = text_of(probe, "meminfo");
    double total = kilobytes(text, "MemTotal:");
    double available = kilobytes(text, "MemAvailable:");
    if (total > 0.0 && available >= 0.0) {
        add(probe, "memory", "MemoryUsedPercent", -1, "memory",
            100.0 * (total - available) / total);
    }
}

// Whole disks: their partitions and what is stacked upon them would count twice.
static int is_disk(const char *name) {
    size_t length = strlen(name);
    if (strncmp(name, "nvme", 4) == 0 || strncmp(name, "mmcblk", 6) == 0) {
        return strchr(name, 'p') == NULL;
    }
    return (strncmp(name, "sd", 2) == 0 || strncmp(name, "vd", 2) == 0 ||
            strncmp(name, "xvd", 3) == 0 || strncmp(name, "hd", 2) == 0) &&
           length > 0 && !isdigit((unsigned char)name[length - 1]);
}

static void take_disks(dogb_probe *probe) {
    double sums[2] = {0.0, 0.0};
    char *line = text_of(probe, "diskstats");
    int there = line != NULL;
    for (; line != NULL; line = next_line(line)) {
        char name[40];
        unsigned long long n[8] = {0};
        if (sscanf(line, " %*u %*u %39s %llu %llu %llu %llu %llu %llu %llu", name, &n[0], &n[1],
                   &n[2], &n[3], &n[4], &n[5], &n[6]) == 8 &&
            is_disk(name)) {
            sums[0] += (double)n[2] * 512.0; // sectors of 512 bytes, whatever the disk has
            sums[1] += (double)n[6] * 512.0;
        }
    }
    if (there) {
        add_rate(probe, "disk", "disk", "ReadBytesPerSecond", COUNT_READ, sums[0], 1.0);
        add_rate(probe, "disk", "disk", "WriteBytesPerSecond", COUNT_WRITE, sums[1], 1.0);
    }
}

static void take_network(dogb_probe *probe) {
    double sums[2] = {0.0, 0.0};
    char *line = text_of(probe, "net/dev");
    int there = line != NULL;
    for (; line != NULL; line = next_line(line)) {
        char *colon = strchr(line, ':');
        char *end = strchr(line, '\n');
        if (colon == NULL || (end != NULL && colon > end) || strstr(line, "lo:") == line ||
            strncmp(line + strspn(line, " "), "lo:", 3) == 0) {
            continue;
        }
        double n[9];
        numbers_of(colon + 1, n, 9);
        sums[0] += n[0];
        sums[1] += n[8];
    }
    if (there) {
        add_rate(probe, "network", "Receive", "Algorithm", COUNT_RECEIVE, sums[0], 1.0);
        add_rate(probe, "network", "Transmit", "Algorithm", COUNT_TRANSMIT, sums[1], 1.0);
    }
}

static double seconds_of(const struct timeval *time) {
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

// This process, so that a shared machine is not mistaken for the job.
static void take_process(dogb_probe *probe) {
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        add_rate(probe, "process", "self", "CPUUtilization", COUNT_CPU,
                 seconds_of(&use.ru_utime) + seconds_of(&use.ru_stime), 100.0);
        add_rate(probe, "process", "self", "ContextSwitchesPerSecond", COUNT_SWITCHES,
                 (double)use.ru_nvcsw + (double)use.ru_nivcsw, 1.0);
    }
    const char *text = text_of(probe, "self/statm");
    if (text != NULL) {
        double n[2];
        numbers_of(text, n, 2);
        add(probe, "process", "self", -1, "ResidentBytes", n[1] * (double)sysconf(_SC_PAGESIZE));
    }
    text = text_of(probe, "self/stat");
    text = text == NULL ? NULL : strrchr(text, ')'); // the name may hold anything
    int threads = 0;
    if (text != NULL && sscanf(text + 1,
                               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d "
                               "%*d %*d %*d %d",
                               &threads) == 1) {
        add(probe, "process", "self", -1, "Threads", (double)threads);
    }
}

static void take_gpus(dogb_probe *probe) {
    for (int32_t i = 0; i < dogb_nvml_count(probe->nvml); i++) {
        dogb_gpu_use use;
        if (dogb_nvml_use(&use, probe->nvml, i)) {
            add(probe, "gpu", "gpu", i, "GPUUtilization", use.utilization);
            add(probe, "gpu", "gpu", i, "GPUMemoryUtilization", use.memory);
            add(probe, "gpu", "gpu", i, "GPUMemoryBytes", use.bytes);
        }
    }
}

size_t dogb_probe_take(dogb_probe *probe, const dogb_probe_value **metrics, double now) {
    probe->seconds = probe->last > 0.0 ? now - probe->last : 0.0;
    probe->last = now;
    probe->count = 0;
    take_cores(probe);
    take_memory(probe);
    take_disks(probe);
    take_network(probe);
    take_process(probe);
    take_gpus(probe);
    *metrics = probe->metrics;
    return probe->count;
}

int dogb_probe_open(dogb_probe **out, dogb_arena *arena, const char *root, int gpus) {
    *out = NULL;
    dogb_probe *probe = dogb_alloc(arena, 1, sizeof *probe);
    if (probe == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    probe->root = root;
    probe->text = dogb_alloc_raw(arena, TEXT_MAX, 1);
    int rc = probe->text == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    if (rc == DOGBREED_OK && gpus) {
        rc = dogb_nvml_open(&probe->nvml, arena);
    }
    if (rc < 0) {
        return rc;
    }
    take_cores(probe); // finds out how many there are
    probe->capacity =
        4 * (size_t)probe->core_count + OTHERS_MAX + 3 * (size_t)dogb_nvml_count(probe->nvml);
    probe->metrics = dogb_alloc(arena, probe->capacity, sizeof *probe->metrics);
    if (probe->metrics == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    *out = probe;
    return DOGBREED_OK;
}

int32_t dogb_probe_cores(const dogb_probe *probe) {
    return probe->core_count;
}

int32_t dogb_probe_gpus(const dogb_probe *probe) {
    return dogb_nvml_count(probe->nvml);
}

const char *dogb_probe_gpu_name(const dogb_probe *probe, int32_t gpu) {
    return dogb_nvml_name(probe->nvml, gpu);
}
