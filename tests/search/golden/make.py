#!/usr/bin/env python3
"""Makes the files beside it with other people's programs: scipy (Sobol's points), Optuna (densities of TPE, decisions of
pruners, importances), mpmath (log of the expected improvement at 80 digits), scikit-learn (Gaussian processes). Usage: make.py, with
scipy, optuna 5, mpmath and scikit-learn installed."""
import functools
import os
import warnings

import mpmath
import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights
from scipy.stats import qmc
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, lines):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def sobol():
    points = qmc.Sobol(64, scramble=False).random_base2(13)
    write("sobol.txt", [" ".join([str(i)] + [str(int(v * 2**30)) for v in points[i]])
                        for i in (0, 1, 5, 100, 1023, 8191)])


def parzen():
    """A case: the number of axes and their texts, the number of observations and these, the same of places; each place
    ends with the log density."""
    spaces = [
        {"x=linear:0:1": FloatDistribution(0, 1)},
        {"lr=log:1e-4:1e-1": FloatDistribution(1e-4, 1e-1, log=True), "m=linear:-3:5": FloatDistribution(-3, 5)},
        {"lr=log:1e-4:1e-1": FloatDistribution(1e-4, 1e-1, log=True), "b=p,q,r": CategoricalDistribution(("p", "q", "r")),
         "e=int-linear:6:10": IntDistribution(6, 10), "w=int-log:1:1000": IntDistribution(1, 1000, log=True),
         "s=linear:0:1:0.25": FloatDistribution(0, 1, step=0.25)},
    ]
    # Equal observations take turns in their order; numpy's default sort leaves that open.
    np.argsort = functools.partial(np.argsort, kind="stable")
    parameters = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    rng = np.random.default_rng(1)
    lines = []

    def draw(distribution):
        u = rng.random()
        if isinstance(distribution, CategoricalDistribution):
            return float(int(u * 3))
        if distribution.log:
            value = float(np.exp(np.log(distribution.low) + u * np.log(distribution.high / distribution.low)))
        else:
            value = distribution.low + u * (distribution.high - distribution.low)
        step = getattr(distribution, "step", None)
        return value if step is None else distribution.low + round((value - distribution.low) / step) * step

    for space in spaces:
        for count in (0, 1, 2, 5, 24, 26, 60, 150):
            rows = np.array([[draw(d) for d in space.values()] for _ in range(count)]).reshape(count, len(space))
            places = np.array([[draw(d) for d in space.values()] for _ in range(6)])
            made = _ParzenEstimator({k: rows[:, i] for i, k in enumerate(space)}, space, parameters)
            logs = made.log_pdf({k: places[:, i] for i, k in enumerate(space)})
            lines += [str(len(space))] + list(space) + [str(count)] + [numbers(r) for r in rows]
            lines += [str(len(places))] + [numbers(list(p) + [v]) for p, v in zip(places, logs)]
    write("parzen.txt", lines)


def improvement():
    mpmath.mp.dps = 80
    lines = []
    for z in (30, 5, 2, 1, 0.5, 0, -0.5, -0.99, -1, -1.01, -2, -5, -10, -24.9, -25, -25.1, -40, -1e2, -1e3, -1e4, -1e5,
              -1e6):
        with mpmath.workdps(80 if z > -1e3 else 40):
            x = mpmath.mpf(z)
            if z > -1e3:
                mass, h = mpmath.ncdf(x), mpmath.npdf(x) + x * mpmath.ncdf(x)
                log, slope = mpmath.log(h), mass / h
            else:  # continued fraction of Mills' ratio: the tails themselves would underflow nothing here, but cancel
                w, tail = -x, mpmath.mpf(0)
                for k in range(200, 0, -1):
                    tail = k / (w + tail)
                mills = 1 / (w + tail)
                rest = tail * mills  # 1 - w * mills
                log, slope = -x * x / 2 - mpmath.log(2 * mpmath.pi) / 2 + mpmath.log(rest), mills / rest
            lines.append(f"{z!r} {mpmath.nstr(log, 20)} {mpmath.nstr(slope, 20)}")
    write("improvement.txt", lines)


def pruners():
    """A case: kind, then min_trials, warmup, min_resource, max_resource, eta, and per trial of the study `dogs` the
    number of values it reported until it was stopped or ended, and the values it would have reported."""
    made = {
        "median": ((5, 0, 0, 0, 0), lambda: optuna.pruners.MedianPruner(n_startup_trials=5)),
        "median_warm": ((3, 2, 0, 0, 0), lambda: optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=3)),
        "asha": ((0, 0, 1, 0, 4), lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1)),
        "asha_2_3": ((0, 0, 2, 0, 3), lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3)),
        "hyperband": ((0, 0, 1, 27, 3), lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=27)),
    }
    kinds = {"median": 2, "asha": 3, "hyperband": 4}
    lines = []
    for name, (conf, make) in made.items():
        rng = np.random.default_rng(7)
        study = optuna.create_study(study_name="dogs", pruner=make())
        lines.append(f"{kinds[name.split('_')[0]]} {' '.join(map(str, conf))} 40")
        for _ in range(40):
            level, noise = rng.random(), rng.normal(size=27) * 0.1
            values = [float(round(level + 1 / (e + 1) + noise[e], 3)) for e in range(27)]
            trial, count, stopped = study.ask(), 0, False
            for epoch, value in enumerate(values, 1):
                trial.report(value, epoch)
                count = epoch
                if trial.should_prune():
                    stopped = True
                    break
            state = optuna.trial.TrialState.PRUNED if stopped else optuna.trial.TrialState.COMPLETE
            study.tell(trial, None if stopped else values[-1], state=state)
            lines.append(f"{count} {int(stopped)} {numbers(values)}")
    write("pruner.txt", lines)


def gp():
    """A case: axes, points, then log 1 / length^2 of the axes, log variance, log noise, log likelihood, the points with
    their y, the number of places, and these with mean and deviation."""
    rng = np.random.default_rng(3)
    lines = []
    for axes, count in ((1, 3), (2, 9), (3, 33), (4, 70), (6, 160)):
        x, y, places = rng.random((count, axes)), rng.normal(size=count), rng.random((5, axes))
        length, variance, noise = 0.2 + rng.random(axes), 0.5 + rng.random(), 10.0 ** -rng.integers(1, 5)
        kernel = ConstantKernel(variance) * Matern(length_scale=length, nu=2.5)
        model = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(x, y)
        mean, deviation = model.predict(places, return_std=True)
        theta = list(-2 * np.log(length)) + [np.log(variance), np.log(noise)]
        lines += [f"{axes} {count}", numbers(theta), numbers([model.log_marginal_likelihood_value_])]
        lines += [numbers(list(p) + [v]) for p, v in zip(x, y)] + [str(len(places))]
        lines += [numbers(list(p) + [m, d]) for p, m, d in zip(places, mean, deviation)]
    write("gp.txt", lines)


def importance(least=1, missing=True):
    """A case: the number of axes and their texts, the number of trials and these with their objective (nan: failed, or
    lacks the parameter), and the importances. Optuna 4.9 has the same numbers, to
    1e-5, from 11 complete trials on (least=20) when none lacks a parameter (missing=False)."""
    spaces = [
        {"x=linear:0:1": FloatDistribution(0, 1), "y=linear:0:1": FloatDistribution(0, 1)},
        {"lr=log:1e-4:1e-1": FloatDistribution(1e-4, 1e-1, log=True), "b=32,64,128": CategoricalDistribution((32, 64, 128)),
         "e=int-linear:6:10": IntDistribution(6, 10), "w=int-log:1:1000": IntDistribution(1, 1000, log=True),
         "s=linear:0:1:0.25": FloatDistribution(0, 1, step=0.25), "one=int-linear:7:7": IntDistribution(7, 7)},
        {"m=linear:-3:5": FloatDistribution(-3, 5), "k=int-linear:0:300": IntDistribution(0, 300),
         "t=int-linear:0:90:10": IntDistribution(0, 90, step=10)},
    ]
    lines = []
    for space in spaces:
        for count in (0, 1, 2, 3, 5, 10, 11, 20, 40, 160, 400):
            if count < least:
                continue
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=count))
            rng = np.random.default_rng(count)
            rows = []
            for _ in range(count):
                trial = study.ask()
                values, cost = [], 0.0
                for i, (text, distribution) in enumerate(space.items()):
                    name = text.split("=")[0]
                    if missing and count % 20 == 0 and i == 1 and rng.random() < 0.2:
                        values.append(float("nan"))
                        continue
                    value = trial._suggest(name, distribution)
                    values.append(distribution.to_internal_repr(value))
                    scaled = np.log(values[-1]) if getattr(distribution, "log", False) else values[-1]
                    cost += (3 - i) * (scaled - 1) ** 2
                cost = round(float(cost), 1)  # some are equal
                failed = rng.random() < 0.1
                study.tell(trial, None if failed else cost,
                           state=optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE)
                rows.append(numbers(values + [float("nan") if failed else cost]))
            try:
                evaluator = optuna.importance.PedAnovaImportanceEvaluator()
                found = optuna.importance.get_param_importances(study, evaluator=evaluator)
            except (ValueError, ZeroDivisionError):  # no trial, or one
                found = {}
            names = [text.split("=")[0] for text in space]
            shares = [found.get(name, 0.0 if found else 1.0 / len(names)) for name in names]
            lines += [str(len(space))] + list(space) + [str(count)] + rows + [numbers(shares)]
    return lines


def importances():
    write("importance.txt", importance())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for part in (sobol, parzen, improvement, pruners, gp, importances):
        part()
