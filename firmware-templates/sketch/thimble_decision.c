#include "thimble_decision.h"

void thimble_decision_start(struct thimble_decider *decider)
{
    decider->decided = THIMBLE_NOTHING;
    decider->candidate = THIMBLE_NOTHING;
    decider->agreed = 0u;
}

struct thimble_decision thimble_decide(struct thimble_decider *decider, const struct thimble_decision_rules *rules,
                                       int16_t best, float score)
{
    /* A NaN is below every threshold. */
    const int16_t choice = score >= rules->threshold ? best : (int16_t)THIMBLE_NOTHING;
    struct thimble_decision decision;

    if (choice != decider->candidate) {
        decider->candidate = choice;
        decider->agreed = 0u;
    }
    if (decider->agreed < 255u)
        decider->agreed++;
    decision.changed = 0u;
    if (choice != decider->decided && decider->agreed >= rules->debounce) {
        decider->decided = choice;
        decision.changed = 1u;
    }
    decision.class_index = decider->decided;
    decision.score = score;
    return decision;
}
