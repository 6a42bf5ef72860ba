// share.cpp - work in pieces on a few threads, each piece on one thread from beginning to end:
// activations stay in that core's cache, and threads meet once.
#include "engine/torch/internal.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace dogb_torch {

// Threads of libtorch's inter-op pool help the caller; one that comes when the caller has closed
// the work finds nothing to do, so a busy pool delays nobody.
struct Work {
    std::function<int(int64_t)> piece;
    int64_t pieces;
    std::atomic<int64_t> next;
    std::atomic<int> result;
    std::mutex lock;
    std::condition_variable done;
    std::string text; // of the last failure, guarded by lock
    int32_t active;   // helpers at work, guarded by lock
    bool closed;      // guarded by lock
};

static void work_on(Work &work) {
    accel_threads(1);
    for (int64_t i = work.next++; i < work.pieces && work.result == DOGBREED_OK; i = work.next++) {
        int rc = guard([&]() -> int { return work.piece(i); });
        if (rc < 0) {
            std::lock_guard<std::mutex> hold(work.lock);
            work.result = rc;
            work.text = last_error(); // messages belong to threads: the caller says it again
        }
    }
}

static void help(const std::shared_ptr<Work> &work) {
    {
        std::lock_guard<std::mutex> hold(work->lock);
        if (work->closed) {
            return;
        }
        work->active++;
    }
    work_on(*work);
    std::lock_guard<std::mutex> hold(work->lock);
    work->active--;
    work->done.notify_all();
}

int share(int32_t threads, int64_t pieces, const std::function<int(int64_t)> &piece) {
    std::shared_ptr<Work> work(new Work());
    work->piece = piece;
    work->pieces = pieces;
    for (int32_t i = 1; i < threads && i < pieces; i++) {
        at::launch([work] { help(work); });
    }
    work_on(*work);
    std::unique_lock<std::mutex> hold(work->lock);
    work->closed = true;
    work->done.wait(hold, [&] { return work->active == 0; });
    int rc = work->result;
    return rc < 0 ? fail(rc, "%s", work->text.c_str()) : DOGBREED_OK;
}

} // namespace dogb_torch
