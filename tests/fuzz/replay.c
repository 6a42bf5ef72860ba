// replay.c - runs a fuzz target over files and folders instead of a fuzzing engine: the committed
// corpus as a plain test. Usage: target FILE|FOLDER ...
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int failures;
static int count;

static void run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0;
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        failures++;
        goto out;
    }
    size = (size_t)status.st_size;
    data = malloc(size + 1); // exactly sized copies let address checks see reads beyond
    if (data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        failures++;
        goto out;
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    count++;
out:
    free(data);
    if (file != NULL) {
        (void)fclose(file);
    }
}

static void run_path(const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        run_file(path);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char name[4096];
        if (entry->d_name[0] != '.' &&
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name) {
            run_path(name);
        }
    }
    (void)closedir(folder);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        run_path(argv[i]);
    }
    printf("%d inputs\n", count);
    return failures > 0 || count == 0;
}
