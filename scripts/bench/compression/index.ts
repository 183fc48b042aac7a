/** Every stage of the compression bench, in the order in which they run. */

import { dsCnnSpokenDigits } from './ds-cnn-spoken-digits.js';
import { resnet8Pruned } from './resnet-8-pruned.js';
import type { Stage } from './stage.js';
import { trainingSpeed } from './training-speed.js';

export const stages: readonly Stage[] = [trainingSpeed, resnet8Pruned, dsCnnSpokenDigits];
