// weights_tool.c - the weights functions for the oracle scripts: convert FROM TO, list FILE,
// verify FILE ARCHITECTURE. Prints JSON, or the error's message with exit code 1.
#include <dogbreed/weights.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    char *text = NULL;
    int rc = DOGBREED_ERROR_INVALID_ARGUMENT;
    if (argc == 4 && strcmp(argv[1], "convert") == 0) {
        rc = dogbreed_weights_convert(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(argv[1], "list") == 0) {
        rc = dogbreed_weights_list(&text, argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "verify") == 0) {
        rc = dogbreed_weights_verify(&text, argv[2], argv[3]);
    }
    (void)puts(rc < 0 ? dogbreed_error_message() : text == NULL ? "" : text);
    dogbreed_free(text);
    return rc < 0;
}
