/** Every verb of the command line, in the order of `thimble --help`; a test compares the list with the folder. */
import type { Command } from 'commander';
import type { Action } from '../main.js';
import { bench } from './bench.js';
import { boards } from './boards.js';
import { build } from './build.js';
import { calibrateBoardVerb } from './calibrate-board.js';
import { compare } from './compare.js';
import { compress } from './compress.js';
import { deploy } from './deploy.js';
import { doctor } from './doctor.js';
import { emit } from './emit.js';
import { explain } from './explain.js';
import { flash } from './flash.js';
import { help } from './help.js';
import { inspect } from './inspect.js';
import { monitor } from './monitor.js';
import { ports } from './ports.js';
import { sweep } from './sweep.js';
import { verify } from './verify.js';
import { virtual } from './virtual.js';

export type Verb = (program: Command, action: Action) => void;

export const verbs: readonly Verb[] = [
  deploy,
  compress,
  compare,
  explain,
  sweep,
  inspect,
  emit,
  build,
  flash,
  monitor,
  verify,
  bench,
  calibrateBoardVerb,
  boards,
  ports,
  virtual,
  doctor,
  help,
];
