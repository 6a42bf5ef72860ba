// linger.c - see linger.h.
#include "serve/linger.h"
#include "core/clock.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { PARTS = 64 }; // read at once from one client
#define SECONDS 2.0

void dogb_linger_add(dogb_linger *linger, int descriptor) {
    int copy = linger->count == DOGB_LINGER_MAX ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) {
        (void)shutdown(copy, SHUT_WR);
        linger->kept[linger->count].descriptor = copy;
        linger->kept[linger->count++].until = dogb_clock() + SECONDS;
    }
}

// 1: more may come.
static int drop(int descriptor) {
    char part[16384];
    for (int i = 0; i < PARTS; i++) {
        ssize_t got = recv(descriptor, part, sizeof part, MSG_DONTWAIT);
        if (got <= 0) {
            return got < 0;
        }
    }
    return 1;
}

// A connection that is broken reads as ended, or is over soon.
void dogb_linger_look(dogb_linger *linger) {
    double now = linger->count == 0 ? 0.0 : dogb_clock();
    for (int32_t i = linger->count - 1; i >= 0; i--) {
        if (!drop(linger->kept[i].descriptor) || now > linger->kept[i].until) {
            (void)close(linger->kept[i].descriptor);
            linger->kept[i] = linger->kept[--linger->count];
        }
    }
}

void dogb_linger_close(dogb_linger *linger) {
    while (linger->count > 0) {
        (void)close(linger->kept[--linger->count].descriptor);
    }
}
