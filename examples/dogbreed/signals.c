// signals.c - the first SIGINT or SIGTERM asks what is being done to stop; the second one ends the
// program at once. Outside of work that can be stopped the first one ends it.
#include "tool.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic(const stoppable *) watched; // NULL: nothing to stop
static volatile sig_atomic_t received;
static volatile sig_atomic_t quiet;

static void handle(int number) {
    const stoppable *s = atomic_load(&watched);
    if (received != 0 || s == NULL) {
        // A progress line may stand on the terminal; leave the cursor on a line of its own.
        if (isatty(STDERR_FILENO)) {
            ssize_t written = write(STDERR_FILENO, "\n", 1);
            (void)written;
        }
        _exit(128 + number);
    }
    received = number;
    if (!quiet) {
        ssize_t written = write(STDERR_FILENO, s->text, strlen(s->text));
        (void)written;
    }
    if (s->stop != NULL) {
        s->stop(s);
    }
}

void signals_watch(const stoppable *s, int say_nothing) {
    quiet = say_nothing;
    atomic_store(&watched, s);
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
