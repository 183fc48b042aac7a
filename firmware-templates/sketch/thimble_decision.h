/*
 * From the model's outputs to a decision: a class counts when its score reaches the threshold in several inferences in
 * a row. One wrong inference then switches nothing.
 */
#ifndef THIMBLE_DECISION_H
#define THIMBLE_DECISION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THIMBLE_NOTHING (-1)

struct thimble_decision_rules {
    float threshold;  /* in the unit of the outputs: probabilities, mostly */
    uint8_t debounce; /* inferences in a row that must agree, 1 or more */
};

struct thimble_decision {
    int16_t class_index; /* THIMBLE_NOTHING as long as no class was sure for long enough */
    float score;         /* of the best class of the last inference, sure or not */
    uint8_t changed;     /* 1: another class than in the last decision */
};

/* What was decided, and what may be about to be. All zeros is no start: use thimble_decision_start. */
struct thimble_decider {
    int16_t decided;
    int16_t candidate;
    uint8_t agreed; /* inferences in a row that chose the candidate */
};

void thimble_decision_start(struct thimble_decider *decider);

/* Takes the best class of one inference and its score. */
struct thimble_decision thimble_decide(struct thimble_decider *decider, const struct thimble_decision_rules *rules,
                                       int16_t best, float score);

#ifdef __cplusplus
}
#endif

#endif
