// activity.cpp - what libtorch's own profiler (kineto) records: operators, and through CUPTI the
// kernels and copies that they start on a GPU.
#include "engine/torch/internal.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>
#include <set>
#include <string>
#include <vector>

// Kineto writes to stderr when it begins, when it ends, and that there is no GPU. What would keep
// it quiet is no header's, but is exported (an atomic int; libtorch 2.15): weak, for those without.
namespace libkineto {
struct Logger {
    static std::atomic_int severityLevel_ __attribute__((weak));
};
} // namespace libkineto

namespace dogb_torch {

namespace profiler = torch::autograd::profiler;
namespace profiler_impl = torch::profiler::impl;

static std::atomic<bool> recording;

static int64_t clock_ns(clockid_t which) noexcept {
    struct timespec now;
    (void)clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void keep_quiet() noexcept {
    if (&libkineto::Logger::severityLevel_ != nullptr) {
        libkineto::Logger::severityLevel_ = 99;
    }
}

int activities_begin() noexcept {
    if (recording.exchange(true)) {
        return fail(DOGBREED_ERROR_STATE, "operators are being recorded already");
    }
    int rc = guard([] {
        const profiler_impl::ProfilerConfig conf(profiler_impl::ProfilerState::KINETO);
        std::set<profiler_impl::ActivityType> kinds = {profiler_impl::ActivityType::CPU};
        if (accel_has_cuda()) {
            kinds.insert(profiler_impl::ActivityType::CUDA);
        }
        keep_quiet();
        profiler::prepareProfiler(conf, kinds);
        keep_quiet(); // which has read the environment
        profiler::enableProfiler(conf, kinds);
        return DOGBREED_OK;
    });
    recording = rc == DOGBREED_OK;
    return rc;
}

namespace {
struct Activity {
    std::string name;
    dogb_activity told;
};
} // namespace

static int32_t kind_of(const profiler::KinetoEvent &event, const std::string &name) {
    if (event.deviceType() == c10::DeviceType::CPU) {
        return DOGB_ACTIVITY_OPERATOR;
    }
    return name.rfind("Mem", 0) == 0 ? DOGB_ACTIVITY_COPY : DOGB_ACTIVITY_KERNEL; // Memcpy, Memset
}

// Kineto's times are those of the wall clock; ahead: that clock less the monotonic one.
static Activity activity_of(const profiler::KinetoEvent &event, int64_t ahead) {
    Activity out = {event.name(), {}};
    bool cpu = event.deviceType() == c10::DeviceType::CPU;
    out.told.kind = kind_of(event, out.name);
    out.told.device = cpu ? -1 : event.deviceIndex();
    out.told.lane = cpu ? (int64_t)event.startThreadId() : event.deviceResourceId();
    out.told.begin = (uint64_t)((int64_t)event.startNs() - ahead);
    out.told.end = (uint64_t)((int64_t)event.endNs() - ahead);
    return out;
}

// What contains another stands in front of it.
static bool before(const Activity &a, const Activity &b) {
    const dogb_activity &x = a.told;
    const dogb_activity &y = b.told;
    if (x.device != y.device || x.lane != y.lane) {
        return x.device != y.device ? x.device < y.device : x.lane < y.lane;
    }
    return x.begin != y.begin ? x.begin < y.begin : x.end > y.end;
}

int activities_end(dogb_activity_fn fn, void *userdata) noexcept {
    if (!recording) {
        return fail(DOGBREED_ERROR_STATE, "no operators are being recorded");
    }
    int rc = guard([&] {
        std::unique_ptr<profiler::ProfilerResult> result = profiler::disableProfiler();
        int64_t ahead = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
        std::vector<Activity> all;
        for (const profiler::KinetoEvent &event : result->events()) {
            if (!event.isHiddenEvent() && event.endNs() >= event.startNs()) {
                all.push_back(activity_of(event, ahead));
            }
        }
        std::stable_sort(all.begin(), all.end(), before);
        for (Activity &one : all) {
            one.told.name = one.name.c_str();
            int told = fn == nullptr ? 0 : fn(&one.told, userdata);
            if (told < 0) {
                return told;
            }
        }
        return (int)DOGBREED_OK;
    });
    recording = false;
    return rc;
}

} // namespace dogb_torch
