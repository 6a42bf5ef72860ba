// dataset_dump.c - what the dataset folder sees, for the oracle scripts.
//   dataset_dump list ROOT SPLIT                     lines "label<TAB>path"
//   dataset_dump load ROOT SPLIT RESIZE CROP THREADS raw bytes of every sample, evaluation
//   transform dataset_dump check ROOT SPLIT                    the report of a full check
//   dataset_dump fingerprint ROOT SPLIT              hexadecimal
#include "dataset/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(const dogbreed_dataset *data) {
    for (int64_t i = 0; i < dogbreed_dataset_size(data); i++) {
        (void)printf("%d\t%s\n", (int)dogb_dataset_label(data, i), dogb_dataset_path(data, i));
    }
    return 0;
}

static int load(const dogbreed_dataset *data, char **arguments) {
    dogb_preprocess preprocess = {.resize = atoi(arguments[0]), .crop = atoi(arguments[1])};
    dogb_loader_conf conf = {.dataset = data,
                             .preprocess = &preprocess,
                             .batch_size = 16,
                             .threads = atoi(arguments[2])};
    dogb_loader *loader = NULL;
    dogb_loader_batch batch;
    int rc = dogb_loader_create(&loader, &conf);
    while (rc >= 0 && (rc = dogb_loader_next(loader, &batch)) == 1) {
        size_t bytes = (size_t)batch.count * (size_t)preprocess.crop * (size_t)preprocess.crop * 3;
        if (fwrite(batch.pixels, 1, bytes, stdout) != bytes) {
            rc = -1;
        }
    }
    dogb_loader_destroy(loader);
    return rc;
}

static int check(const dogbreed_dataset *data) {
    char *report = NULL;
    int rc = dogbreed_dataset_check(&report, data, NULL);
    if (rc == 0) {
        (void)puts(report);
    }
    dogbreed_free(report);
    return rc;
}

static int fingerprint(const dogbreed_dataset *data) {
    dogb_sha256 hash;
    char text[65];
    int rc = dogb_dataset_fingerprint(&hash, data, 2);
    if (rc == 0) {
        dogb_sha256_text(&hash, text);
        (void)puts(text);
    }
    return rc;
}

int main(int count, char **arguments) {
    dogbreed_dataset *all = NULL;
    dogbreed_dataset *data = NULL;
    if (count < 4) {
        (void)fprintf(stderr, "usage: dataset_dump list|load|check|fingerprint ROOT SPLIT ...\n");
        return 2;
    }
    int rc = dogbreed_dataset_open(&all, arguments[2], NULL);
    rc = rc < 0 ? rc : dogbreed_dataset_split(&data, all, arguments[3]);
    if (rc == 0 && strcmp(arguments[1], "list") == 0) {
        rc = list(data);
    } else if (rc == 0 && strcmp(arguments[1], "load") == 0 && count == 7) {
        rc = load(data, arguments + 4);
    } else if (rc == 0 && strcmp(arguments[1], "check") == 0) {
        rc = check(data);
    } else if (rc == 0) {
        rc = fingerprint(data);
    }
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n", dogbreed_error_message());
    }
    dogbreed_dataset_destroy(data);
    dogbreed_dataset_destroy(all);
    return rc < 0;
}
