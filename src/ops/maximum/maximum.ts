/** maximum: the larger of two values, with broadcasting. */
import { extremeOp } from '../extreme.js';

export const maximum = extremeOp({ name: 'maximum', builtin: 55 });
