/** The tables, one file a tool; a test compares this list with the folder. */
import type { ToolPatterns } from '../tool-pattern.js';
import { avrdude } from './avrdude.js';
import { bossac } from './bossac.js';
import { dfuUtil } from './dfu-util.js';
import { esptool } from './esptool.js';
import { gcc } from './gcc.js';
import { openocd } from './openocd.js';
import { stm32flash } from './stm32flash.js';
import { teensyLoader } from './teensy-loader.js';

export const toolErrors: readonly ToolPatterns[] = [
  avrdude,
  bossac,
  dfuUtil,
  esptool,
  openocd,
  stm32flash,
  teensyLoader,
  gcc,
];
