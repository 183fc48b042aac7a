/** The projects of other toolchains that Thimble renders, one line each; a test compares this list with the folder. */
import { arduino } from './arduino.js';
import { espIdf } from './esp-idf.js';
import { picoSdk } from './pico-sdk.js';
import { platformio } from './platformio.js';
import type { ProjectTemplate } from './project.js';
import { tflm } from './tflm.js';
import { zephyr } from './zephyr.js';

export const projectTemplates: readonly ProjectTemplate[] = [arduino, espIdf, picoSdk, platformio, tflm, zephyr];

export const projectTemplateNamed = (name: string | undefined): ProjectTemplate | undefined =>
  projectTemplates.find((template) => template.name === name);
