// normal.h - the normal distribution, exact in its tails.
#ifndef DOGB_SEARCH_NORMAL_H
#define DOGB_SEARCH_NORMAL_H

static const double dogb_log_sqrt_2pi = 0.91893853320467274178;

double dogb_normal_mass(double low, double high); // between low and high, low <= high
double dogb_normal_quantile(double p);            // of 0 < p < 1; -inf at 0, inf at 1

// log of h(z) = phi(z) + z Phi(z), which is the expected improvement over its deviation, and
// Phi(z) / h(z), the slope of that log; for any z from 30 down to -1e100.
double dogb_log_improvement(double z, double *slope);

#endif
