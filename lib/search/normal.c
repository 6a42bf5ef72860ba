// normal.c - see normal.h.
#include "search/normal.h"

#include <math.h>

static const double sqrt_half = 0.70710678118654752440;

double dogb_normal_mass(double low, double high) {
    if (low > 0) { // the tail that has the small numbers
        double mirror = -low;
        low = -high;
        high = mirror;
    }
    if (high > 0) {
        return 1 - (erfc(-low * sqrt_half) + erfc(high * sqrt_half)) / 2;
    }
    return (erfc(-high * sqrt_half) - erfc(-low * sqrt_half)) / 2;
}

static double polynomial(const double *c, int count, double x) {
    double sum = c[count - 1];
    for (int i = count - 2; i >= 0; i--) {
        sum = sum * x + c[i];
    }
    return sum;
}

// Wichura, Algorithm AS 241: PPND16, Applied Statistics 37 (1988).
double dogb_normal_quantile(double p) {
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(a, 8, r) / polynomial(b, 8, r);
    }
    double r = sqrt(-log(q < 0 ? p : 1 - p));
    double tail = r <= 5   ? polynomial(c, 8, r - 1.6) / polynomial(d, 8, r - 1.6)
                  : r < 40 ? polynomial(e, 8, r - 5) / polynomial(f, 8, r - 5)
                           : INFINITY;
    return q < 0 ? -tail : tail;
}

// exp(x^2) erfc(x), 0 <= x < 25. The exponent is split so that its rounding does not grow.
static double erfcx(double x) {
    double high = round(x * 16) / 16; // its square is exact
    double low = x - high;
    return exp(high * high) * exp(low * (high + x)) * erfc(x);
}

double dogb_log_improvement(double z, double *slope) {
    if (z > -1) {
        double phi = exp(-z * z / 2 - dogb_log_sqrt_2pi);
        double mass = erfc(-z * sqrt_half) / 2;
        double h = phi + z * mass;
        *slope = mass / h;
        return log(h);
    }
    // h = phi(z) (1 - t) with t = |z| Phi(z) / phi(z), which comes close to 1.
    double w = -z;
    double rest; // 1 - t
    if (z > -25) {
        static const double sqrt_half_pi = 1.25331413731550025121;
        rest = 1 - w * sqrt_half_pi * erfcx(w * sqrt_half);
    } else { // the difference would lose digits: its series
        double v = 1 / (w * w);
        rest = v * (1 - 3 * v * (1 - 5 * v * (1 - 7 * v * (1 - 9 * v * (1 - 11 * v)))));
    }
    *slope = (1 - rest) / (w * rest);
    return -z * z / 2 - dogb_log_sqrt_2pi + log(rest);
}
