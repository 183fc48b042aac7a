/*
 * What a sketch calls: thimble_setup once, thimble_loop again and again. A sketch that has no setup() and loop() of its
 * own gets some that do just that.
 */
#ifndef THIMBLE_ARDUINO_H
#define THIMBLE_ARDUINO_H

#ifdef __cplusplus
extern "C" {
#endif

void thimble_setup(void);
void thimble_loop(void);

#ifdef __cplusplus
}
#endif

#endif
