// signals.c - the first SIGINT or SIGTERM asks the trainer to stop, which leaves a checkpoint; the
// second one ends the program at once. Elsewhere the first one ends it, unless work goes on that
// stops when it hears of it (signals_catch).
#include "tool.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic(dogbreed_trainer *) watched; // NULL: nothing to stop
static volatile sig_atomic_t received;
static volatile sig_atomic_t quiet;
static volatile sig_atomic_t caught; // somebody looks at `received`

static void handle(int number) {
    dogbreed_trainer *trainer = atomic_load(&watched);
    if (received != 0 || (trainer == NULL && !caught)) {
        // A progress line may stand on the terminal; leave the cursor on a line of its own.
        if (isatty(STDERR_FILENO)) {
            ssize_t written = write(STDERR_FILENO, "\n", 1);
            (void)written;
        }
        _exit(128 + number);
    }
    static const char step[] =
        "\nstopping: the step is finished and a checkpoint written; once more ends at once\n";
    static const char batch[] = "\nstopping; once more ends at once\n";
    received = number;
    if (!quiet) {
        ssize_t written = trainer == NULL ? write(STDERR_FILENO, batch, sizeof batch - 1)
                                          : write(STDERR_FILENO, step, sizeof step - 1);
        (void)written;
    }
    if (trainer != NULL) {
        dogbreed_trainer_stop(trainer); // allowed in signal handlers
    }
}

static void install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

void signals_watch(dogbreed_trainer *trainer, int say_nothing) {
    quiet = say_nothing;
    atomic_store(&watched, trainer);
    install();
}

void signals_catch(int on, int say_nothing) {
    quiet = say_nothing;
    caught = on;
    install();
}

int signals_code(void) {
    return received == 0 ? 0 : 128 + (int)received;
}
