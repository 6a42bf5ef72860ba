// embed.c - prediction inside a program that has its pictures in memory: one predictor, several
// threads, pixels and file bytes.
// Run: ./embed MODEL PHOTO.jpg [ENGINE]
#include <dogbreed/predictor.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, SIDE = 256 };

typedef struct task {
    dogbreed_predictor *predictor; // shared: predict calls may run at the same time
    const void *bytes;
    size_t size;
    int rc;
    dogbreed_prediction best;
} task;

static void *predict(void *userdata) {
    task *t = userdata;
    t->rc = dogbreed_predictor_predict_bytes(t->predictor, t->bytes, t->size, NULL, &t->best, 1);
    if (t->rc < 0) {
        // The message belongs to the thread that failed.
        fprintf(stderr, "%s\n", dogbreed_error_message());
    }
    return NULL;
}

// A picture that the program itself drew: a horizontal ramp.
static int predict_pixels(dogbreed_predictor *predictor) {
    static uint8_t pixels[SIDE][SIDE][3];
    dogbreed_prediction best;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            pixels[y][x][0] = pixels[y][x][1] = pixels[y][x][2] = (uint8_t)x;
        }
    }
    dogbreed_rectangle middle = {16, 16, SIDE - 16, SIDE - 16};
    int rc = dogbreed_predictor_predict_pixels(predictor, &pixels[0][0][0], SIDE, SIDE,
                                               sizeof pixels[0], &middle, &best, 1);
    if (rc == 0) {
        printf("ramp: %s (%.1f %%)\n", dogbreed_predictor_class_name(predictor, best.index),
               100.0 * (double)best.probability);
    }
    return rc;
}

static void *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    void *bytes = NULL;
    long length = 0;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) > 0) {
        rewind(file);
        bytes = malloc((size_t)length);
        *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)length, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: embed MODEL PHOTO.jpg [ENGINE]\n");
        return 2;
    }
    dogbreed_predictor_options options;
    dogbreed_predictor_options_init(&options, sizeof options);
    options.engine = argc > 3 ? argv[3] : "auto";
    options.threads = 1; // of one call; the program has threads of its own

    dogbreed_predictor *predictor = NULL;
    pthread_t threads[THREADS];
    task tasks[THREADS];
    size_t size = 0;
    void *bytes = read_file(argv[2], &size);
    int rc = dogbreed_predictor_create(&predictor, argv[1], &options);
    if (rc < 0 || bytes == NULL) {
        fprintf(stderr, "%s\n", rc < 0 ? dogbreed_error_message() : "the photo cannot be read");
        dogbreed_predictor_destroy(predictor);
        free(bytes);
        return 1;
    }
    int started = 0;
    for (; started < THREADS; started++) {
        tasks[started] = (task){.predictor = predictor, .bytes = bytes, .size = size};
        if (pthread_create(&threads[started], NULL, predict, &tasks[started]) != 0) {
            break;
        }
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        rc = tasks[i].rc < 0 ? tasks[i].rc : rc;
    }
    if (rc == 0 && started > 0) {
        printf("%s: %s (%.1f %%)\n", argv[2],
               dogbreed_predictor_class_name(predictor, tasks[0].best.index),
               100.0 * (double)tasks[0].best.probability);
        rc = predict_pixels(predictor);
    }
    dogbreed_predictor_destroy(predictor);
    free(bytes);
    return rc < 0 ? 1 : 0;
}
