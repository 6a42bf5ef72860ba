/* consumer.c - a program outside this tree: C99, built with pkg-config alone after an installation.
 * Prints what it was compiled against and what it runs with; needs no engine. */
#include <dogbreed/dogbreed.h>

#include <stdio.h>
#include <string.h>

int main(void) {
    dogbreed_trainer_options options;
    dogbreed_dataset *data = NULL;
    char *text = NULL;
    int rc;

    if (dogbreed_abi() != DOGBREED_ABI) {
        fprintf(stderr, "compiled for ABI %d, running with ABI %d\n", DOGBREED_ABI,
                (int)dogbreed_abi());
        return 1;
    }
    rc = dogbreed_trainer_options_init(&options, sizeof options);
    if (rc == 0) {
        rc = dogbreed_options_set(&options, "batch-size", "48");
    }
    if (rc == 0) {
        rc = dogbreed_options_get(&text, &options, "batch_size");
    }
    if (rc < 0 || options.batch_size != 48 || strcmp(text, "48") != 0) {
        fprintf(stderr, "options: %s\n", dogbreed_error_message());
        return 1;
    }
    dogbreed_free(text);

    rc = dogbreed_dataset_open(&data, "no/such/folder", NULL);
    if (rc != DOGBREED_ERROR_NOT_FOUND || data != NULL) {
        fprintf(stderr, "expected NOT_FOUND, got %s\n", dogbreed_error_name(rc));
        return 1;
    }
    printf("dogbreed %s, ABI %d, %d architectures\n", dogbreed_version(), (int)dogbreed_abi(),
           (int)dogbreed_architecture_count());
    return 0;
}
