// compat.h - the one place that knows what differs between the supported versions of libtorch
// (2.11 and newer), and which of its headers the plug-in uses. torch/torch.h is never included: it
// takes ten times as long to compile.
#ifndef DOGB_ENGINE_TORCH_COMPAT_H
#define DOGB_ENGINE_TORCH_COMPAT_H

#include <ATen/core/Tensor.h>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR < 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR < 11)
#error "libtorch 2.11 or newer is needed"
#endif

#endif
