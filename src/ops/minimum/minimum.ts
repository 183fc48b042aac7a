/** minimum: the smaller of two values, with broadcasting. */
import { extremeOp } from '../extreme.js';

export const minimum = extremeOp({ name: 'minimum', builtin: 57 });
