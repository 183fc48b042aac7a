/** Every verb of the command line, in the order of `thimble --help`; tests compare the list with the folder. */
import type { Command } from 'commander';
import type { Action } from '../main.js';
import { help } from './help.js';

export type Verb = (program: Command, action: Action) => void;

export const verbs: readonly Verb[] = [help];
