import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCName, cNameFrom, commentText, cString, withPrefix } from '../../../src/emit/c-model/c-name.js';
import { constantArray, floatLiteral, intLiteral } from '../../../src/emit/c-model/c-values.js';

describe('literals', () => {
  it('reads back as the same float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = floatLiteral(value);
        expect(text).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?f$/);
        expect(text).toMatch(/[.e]/); // 3f is no C
        expect(Math.fround(Number(text.slice(0, -1)))).toBe(value);
      }),
      { numRuns: 5000, seed: 3 },
    );
  });
  it('is short where that is exact', () => {
    expect([0.1, 1, -0, 2 ** -149].map(Math.fround).map(floatLiteral)).toEqual(['0.1f', '1.0f', '-0.0f', '1e-45f']);
  });
  it('has a form for the smallest int32', () => {
    expect([-(2 ** 31), 2 ** 31 - 1, -5].map(intLiteral)).toEqual(['(-2147483647 - 1)', '2147483647', '-5']);
  });
  it('never declares an empty array', () => {
    expect(constantArray({ name: 'a', type: 'int8_t', values: [] }, 'X_CONST')).toBe(
      'static const int8_t a[1] X_CONST = {\n    0,\n};',
    );
  });
});

describe('text in C', () => {
  it('keeps names of tensors from ending a comment', () => {
    expect(commentText('a*/b/*c\\\né*/*/')).toBe('a* /b/ *c/??* / * /');
  });
  it('writes any label as a literal that nothing can break out of', () => {
    expect(cString('a"b\\c??/')).toBe('"a\\042b\\134c\\077\\077/"');
    expect(cString('ü1')).toBe('"\\303\\2741"');
  });
  it('gives kernels the prefix of the model', () => {
    expect(withPrefix('#define THIMBLE_X thimble_y(thimble_x)', 'kws')).toBe('#define KWS_X kws_y(kws_x)');
  });
  it.each(['kws', 'model', 'vww_96', 'a'])('takes "%s" as a name', (name) => expect(checkCName(name)).toBe(name));
  it.each([
    '',
    'Kws',
    '1kws',
    'a-b',
    'a__b',
    'a_',
    '_a',
    'int',
    'class',
    'stdint', // stdint.h would hide the real one
    'int8', // INT8_MIN
    'uint_fast16',
    'size',
    'x'.repeat(41),
    'a b',
    '../a',
  ])('refuses "%s" as a name', (name) => {
    expect(() => checkCName(name)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
  it.each([
    ['KWS-ref model', 'kws_ref_model'],
    ['9-Int', 'model_9_int'],
    ['', 'model'],
    ['日本', 'model'],
    ['double', 'model_double'],
    ['stdint', 'model_stdint'],
    [`a${'_b'.repeat(30)}`, `a${'_b'.repeat(19)}`], // 40 characters, and no underscore at the end
    [`9${'_b'.repeat(30)}`, `model_9${'_b'.repeat(16)}`],
  ])('makes a name from "%s"', (text, name) => {
    expect(cNameFrom(text)).toBe(name);
    expect(checkCName(name)).toBe(name);
  });
});
