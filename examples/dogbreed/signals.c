// signals.c - the first SIGINT or SIGTERM asks the trainer to stop, which leaves a checkpoint; the
// second one ends the program at once. Outside training the first one ends it.
#include "tool.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic(dogbreed_trainer *) watched; // NULL: nothing to stop
static volatile sig_atomic_t received;
static volatile sig_atomic_t quiet;

static void handle(int number) {
    dogbreed_trainer *trainer = atomic_load(&watched);
    if (received != 0 || trainer == NULL) {
        // A progress line may stand on the terminal; leave the cursor on a line of its own.
        if (isatty(STDERR_FILENO)) {
            ssize_t written = write(STDERR_FILENO, "\n", 1);
            (void)written;
        }
        _exit(128 + number);
    }
    static const char text[] =
        "\nstopping: the step is finished and a checkpoint written; once more ends at once\n";
    received = number;
    if (!quiet) {
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;
    }
    dogbreed_trainer_stop(trainer); // allowed in signal handlers
}

void signals_watch(dogbreed_trainer *trainer, int say_nothing) {
    quiet = say_nothing;
    atomic_store(&watched, trainer);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

int signals_code(void) {
    return received == 0 ? 0 : 128 + (int)received;
}
