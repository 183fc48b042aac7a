/** The tables, one file a tool; a test compares this list with the folder. */
import type { ToolPatterns } from '../tool-pattern.js';
import { gcc } from './gcc.js';

export const toolErrors: readonly ToolPatterns[] = [gcc];
