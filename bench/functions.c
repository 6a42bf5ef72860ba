// functions.c - see functions.h. Surjanovic and Bingham, Virtual Library of Simulation Experiments,
// has the formulas of the well-known ones.
#include "functions.h"

#include <math.h>
#include <stddef.h>

static const double pi = 3.14159265358979323846;

static double branin(const double *u, int axes) {
    (void)axes;
    double x = 15 * u[0] - 5, y = 15 * u[1];
    double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
    return a * a + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10;
}

static double hartmann(const double *u, const double *a, const double *p, int axes) {
    static const double weights[4] = {1, 1.2, 3, 3.2};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double inner = 0;
        for (int k = 0; k < axes; k++) {
            double d = u[k] - p[i * axes + k];
            inner += a[i * axes + k] * d * d;
        }
        sum -= weights[i] * exp(-inner);
    }
    return sum;
}

static double hartmann3(const double *u, int axes) {
    static const double a[] = {3, 10, 30, .1, 10, 35, 3, 10, 30, .1, 10, 35};
    static const double p[] = {.3689, .117,  .2673, .4699, .4387, .747,
                               .1091, .8732, .5547, .0381, .5743, .8828};
    return hartmann(u, a, p, axes);
}

static double hartmann6(const double *u, int axes) {
    static const double a[] = {10, 3,   17,  3.5, 1.7, 8, .05, 10, 17,  .1, 8,  14,
                               3,  3.5, 1.7, 10,  17,  8, 17,  8,  .05, 10, .1, 14};
    static const double p[] = {.1312, .1696, .5569, .0124, .8283, .5886, .2329, .4135,
                               .8307, .3736, .1004, .9991, .2348, .1451, .3522, .2883,
                               .3047, .665,  .4047, .8828, .8732, .5743, .1091, .0381};
    return hartmann(u, a, p, axes);
}

static double styblinski(const double *u, int axes) {
    double sum = 0;
    for (int i = 0; i < axes; i++) {
        double x = 10 * u[i] - 5;
        sum += x * x * x * x - 16 * x * x + 5 * x;
    }
    return sum / 2;
}

static double logrosenbrock(const double *u, int axes) {
    double sum = 1e-3;
    for (int i = 0; i + 1 < axes; i++) {
        double x = 4 * u[i] - 2, y = 4 * u[i + 1] - 2;
        sum += 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x);
    }
    return log10(sum);
}

static double ackley(const double *u, int axes) {
    double squares = 0, waves = 0;
    for (int i = 0; i < axes; i++) {
        double x = 65.536 * u[i] - 32.768;
        squares += x * x / axes;
        waves += cos(2 * pi * x) / axes;
    }
    return -20 * exp(-.2 * sqrt(squares)) - exp(waves) + 20 + exp(1);
}

// A smooth stand-in of a validation error over learning rate 1e-4..1e-1, weight decay 1e-6..1e-2,
// momentum 0.5..0.99, batch 2^5..2^8: the best rate moves with momentum and batch.
static double tuning(const double *u, int axes) {
    (void)axes;
    double rate = -4 + 3 * u[0], decay = -6 + 4 * u[1], momentum = .5 + .49 * u[2];
    double batch = 5 + 3 * u[3];
    double effective = rate - log10(1 - momentum) - .3 * (batch - 5) * .5;
    return .14 + .02 * (effective + 1.6) * (effective + 1.6) +
           pow(.05 * fmax(0, effective + .9), 1.5) + .003 * (decay + 4) * (decay + 4) +
           .01 * (momentum - .85) * (momentum - .85) + .001 * (batch - 6) * (batch - 6);
}

// --- the others; optima off the middle and off any grid

static double levy(const double *u, int axes) {
    double first = 0, last = 0, sum = 0;
    for (int i = 0; i < axes; i++) {
        double w = 1 + (20 * u[i] - 10 - 1.7) / 4;
        double s = sin(pi * w + 1);
        if (i == 0) {
            first = sin(pi * w) * sin(pi * w);
        }
        if (i == axes - 1) {
            last = (w - 1) * (w - 1) * (1 + sin(2 * pi * w) * sin(2 * pi * w));
        } else {
            sum += (w - 1) * (w - 1) * (1 + 10 * s * s);
        }
    }
    return first + sum + last;
}

static double rastrigin(const double *u, int axes) {
    double sum = 10 * axes;
    for (int i = 0; i < axes; i++) {
        double x = 4 * (u[i] - 0.37);
        sum += x * x - 10 * cos(2 * pi * x) * 0.3 - 7;
    }
    return sum;
}

static double camel(const double *u, int axes) {
    (void)axes;
    double x = 6 * u[0] - 3, y = 4 * u[1] - 2;
    return (4 - 2.1 * x * x + x * x * x * x / 3) * x * x + x * y + (-4 + 4 * y * y) * y * y;
}

static double goldstein(const double *u, int axes) {
    (void)axes;
    double x = 4 * u[0] - 2, y = 4 * u[1] - 2;
    double a = x + y + 1, b = 2 * x - 3 * y;
    return (1 + a * a * (19 - 14 * x + 3 * x * x - 14 * y + 6 * x * y + 3 * y * y)) *
           (30 + b * b * (18 - 32 * x + 12 * x * x + 48 * y - 36 * x * y + 27 * y * y));
}

static double shekel(const double *u, int axes) {
    static const double c[10] = {1, 2, 2, 4, 4, 6, 3, 7, 5, 5};
    static const double p[4][10] = {{4, 1, 8, 6, 3, 2, 5, 8, 6, 7},
                                    {4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6},
                                    {4, 1, 8, 6, 3, 2, 5, 8, 6, 7},
                                    {4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6}};
    double sum = 0;
    for (int i = 0; i < 10; i++) {
        double inner = c[i] / 10;
        for (int k = 0; k < axes; k++) {
            inner += (10 * u[k] - p[k][i]) * (10 * u[k] - p[k][i]);
        }
        sum -= 1 / inner;
    }
    return sum;
}

// A narrow funnel: the root of a rotated bowl, with a cusp at its bottom.
static double funnel(const double *u, int axes) {
    double sum = 0;
    for (int i = 0; i < axes; i++) {
        double x = u[i] - 0.3 - 0.07 * i, y = u[(i + 1) % axes] - 0.3 - 0.07 * ((i + 1) % axes);
        sum += (x + 0.5 * y) * (x + 0.5 * y) * (1 + 3 * i);
    }
    return pow(sum, 0.3) + 0.01 * sin(40 * u[0]);
}

// An error surface with other constants and shapes than `tuning`.
static double error(const double *u, int axes) {
    double rate = 5 * u[0] - 5, decay = 5 * u[1] - 6;
    double sum = .2 + .03 * (rate + 2.2) * (rate + 2.2);
    sum += .02 * log1p(exp(6 * (rate + 1.2)));
    sum += .004 * pow(fabs(decay + 3.1 + 0.3 * (rate + 2.2)), 1.5);
    for (int i = 2; i < axes; i++) {
        double x = u[i] - 0.2 - 0.15 * i;
        sum += .02 * x * x * (1 + fabs(rate + 2));
    }
    return sum;
}

static double quadratic(const double *u, int axes) {
    double sum = 0, line = 0;
    for (int i = 0; i < axes; i++) {
        double x = u[i] - 0.25 - 0.09 * i;
        sum += x * x * pow(8, i % 3);
        line += x;
    }
    return sum + 20 * line * line;
}

const bench_function bench_functions[] = {
    {"branin", 2, 0.397887357729738, branin},
    {"hartmann3", 3, -3.86278214782076, hartmann3},
    {"styblinski3", 3, -39.16616570377142 * 3, styblinski},
    {"logrosenbrock4", 4, -3, logrosenbrock},
    {"ackley4", 4, 0, ackley},
    {"tuning4", 4, 0.14, tuning},
    {"hartmann6", 6, -3.32236801141551, hartmann6},
    {"levy3", 3, 0, levy},
    {"rastrigin3", 3, 0, rastrigin},
    {"camel2", 2, -1.0316284534898774, camel},
    {"goldstein2", 2, 3, goldstein},
    {"shekel4", 4, -10.536443153483528, shekel},
    {"funnel4", 4, -0.01, funnel},
    {"error5", 5, 0.2, error},
    {"quadratic6", 6, 0, quadratic},
};
const int bench_function_count = sizeof bench_functions / sizeof bench_functions[0];
const int bench_function_reported = 7;
