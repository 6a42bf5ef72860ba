#!/usr/bin/env python3
"""Statistics of values by numpy. Usage: stats.py TOOL"""
import json
import math
import os
import subprocess
import sys
import tempfile

import numpy

TOOL = os.path.abspath(sys.argv[1])
PLACES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def arrays():
    draw = numpy.random.default_rng(11)
    for count in (1, 2, 7, 8, 31, 32, 33, 511, 512, 513, 100_003):
        yield f"normal {count}", draw.normal(0.3, 2, count)
    yield "relu", numpy.maximum(draw.normal(0, 1, 50_000), 0)
    yield "far from zero", draw.normal(1000, 1e-1, 20_000)
    yield "small", draw.normal(0, 1e-38, 5_000)
    yield "large", draw.normal(0, 1e37, 5_000)
    yield "heavy tails", draw.standard_cauchy(30_000)
    yield "few values", draw.integers(-2, 3, 10_000)
    broken = draw.normal(0, 1, 9_001)
    broken[::97], broken[5::103], broken[7::211] = math.nan, math.inf, -math.inf
    yield "not finite", broken
    yield "no number", numpy.full(40, math.nan)
    yield "nothing", numpy.zeros(0)


def expected(values):
    """By numpy in double; of the finite values, but for the counts and the quantiles."""
    finite = values[numpy.isfinite(values)].astype(numpy.float64)
    size = numpy.abs(finite)
    some = finite.size > 0
    numbers = values[~numpy.isnan(values)].astype(numpy.float64)
    with numpy.errstate(invalid="ignore"):
        quantiles = numpy.quantile(numbers, PLACES) if numbers.size else [math.nan] * len(PLACES)
    return {
        "min": finite.min() if some else math.nan, "max": finite.max() if some else math.nan,
        "mean": finite.mean() if some else math.nan, "std": finite.std() if some else math.nan,
        "variance": finite.var() if some else math.nan, "sum": finite.sum(), "l1": numpy.linalg.norm(finite, 1),
        "l2": numpy.linalg.norm(finite), "zeros": numpy.mean(values == 0) if values.size else 0,
        "abs_min": size.min() if some else math.nan, "abs_max": size.max() if some else math.nan,
        "abs_mean": size.mean() if some else math.nan, "abs_variance": size.var() if some else math.nan,
        "nan": numpy.isnan(values).sum(), "inf": numpy.isinf(values).sum(), "quantiles": list(quantiles),
    }


def near(a, b, scale):
    a, b = float(a), float(b)
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-12 * (abs(a) + abs(b) + scale)


def main():
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "values")
        for name, drawn in arrays():
            values = drawn.astype(numpy.float32)
            values.tofile(path)
            results = [subprocess.run([TOOL, path], check=True, capture_output=True, env=dict(os.environ, DOGBREED_CPU=cpu)).stdout
                       for cpu in ("", "c")]
            if results[0] != results[1]:
                bad += 1
                print(f"{name}: two instruction sets, two results")
            got, want = json.loads(results[0]), expected(values)
            # Squares cancel in a variance, signs in a sum: what is lost is measured by what was added.
            square = (want["l2"] ** 2 / max(values.size, 1)) if values.size else 0
            scales = {"variance": square, "abs_variance": square, "sum": want["l1"], "mean": want["abs_mean"]}
            for key, value in want.items():
                pairs = zip(got[key], value) if key == "quantiles" else [(got[key], value)]
                scale = scales.get(key, 0)
                if key == "std" and value > 0:
                    scale = square / value
                for a, b in pairs:
                    if key == "quantiles" and not math.isfinite(float(b)):
                        continue  # between two infinities numpy has no answer
                    if not near(a, b, 0 if math.isnan(scale) else scale):
                        bad += 1
                        print(f"{name}: {key}: {a}, numpy says {b}")
    print(f"{bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
