// gp_model.h - a Gaussian process over points of the unit cube: its parameters by maximum a
// posteriori, its mean and variance. Knows nothing of axes, trials or objectives.
#ifndef DOGB_SEARCH_GP_MODEL_H
#define DOGB_SEARCH_GP_MODEL_H

#include "core/arena.h"
#include "search/matern.h"

typedef struct dogb_gp {
    dogb_points points; // known, then pending
    int32_t known;
    const double *y;     // [known], mean 0 and deviation 1 or so
    const double *theta; // [axes + 2]: log 1 / length^2 of each axis, log variance, log noise
    double *weights;     // [axes], of theta
    double variance;
    double noise;
    double *upper; // [count][stride] factor of the covariance; stride as the points'
    double *alpha; // [stride]
} dogb_gp;

enum { DOGB_GP_MORE = 2 }; // parameters beyond one for each axis

void dogb_gp_theta_default(double *theta, int32_t axes); // the middle of the priors

// Improves theta for the known points with at most `evaluations` of the posterior; *value: its
// negative log there.
int dogb_gp_fit(double *theta, double *value, const dogb_points *points, const double *y,
                int32_t evaluations);

// Prepares predictions. Pending points have a place but no y: their result is taken to be the mean,
// which leaves the mean as it is and takes the variance around them.
int dogb_gp_condition(dogb_gp *out, dogb_arena *arena, const dogb_points *points, int32_t known,
                      const double *y, const double *theta);

// Mean and deviation (without noise) at `point`, and their gradients; scratch[3 * stride].
void dogb_gp_predict(const dogb_gp *gp, const double *point, double *mean, double *deviation,
                     double *mean_gradient, double *deviation_gradient, double *scratch);

// The same for many: columns x[axis * stride + i]; scratch[points * DOGB_GP_BLOCK].
enum { DOGB_GP_BLOCK = 64 };
void dogb_gp_predict_many(const dogb_gp *gp, const dogb_points *at, double *mean, double *deviation,
                          double *scratch);

#endif
