/** The model's name in C: the first part of every file, symbol and macro that is emitted. */
import { ThimbleError } from '../../core/errors.js';

// Words of C99 and C++11, names whose header `NAME.h` would hide a standard one under -I, and names whose macros
// (NAME_MIN, NAME_MAX) are those of <stdint.h> and <limits.h>.
const taken = new Set(
  `alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t class compl const
  const_cast constexpr continue decltype default delete do double dynamic_cast else enum explicit export extern false
  float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private
  protected public register reinterpret_cast restrict return short signed sizeof static static_assert static_cast struct
  switch template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile
  wchar_t while xor xor_eq
  assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
  stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype malloc
  memory alloca features main arduino
  flt dbl ldbl uchar schar ushrt shrt uint ulong llong ullong size ssize ptrdiff sig_atomic wint intmax uintmax intptr
  uintptr`.split(/\s+/),
);

/**
 * @returns the name, unchanged
 * @throws ThimbleError E_USAGE where it is not a lower-case C identifier or would collide
 */
export function checkCName(name: string): string {
  const shaped = isShaped(name);
  if (shaped && !collides(name)) return name;
  throw new ThimbleError(
    'E_USAGE',
    shaped
      ? `"${name}" cannot name a C model: the compiler or its headers use that name`
      : `"${name.slice(0, 60)}" cannot name a C model: it must be a lower-case C identifier of at most 40 characters`,
    'Use letters, digits and single underscores, a letter first: --name kws',
    { where: 'in --name' },
  );
}

const MAX_CHARACTERS = 40;
const isShaped = (name: string): boolean => /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) && name.length <= MAX_CHARACTERS;
const collides = (name: string): boolean => taken.has(name) || /^u?int(_fast|_least)?\d+$/.test(name);

/** 'KWS-ref model' → 'kws_ref_model': a name that checkCName takes, whatever the text, where a person gave none. */
export function cNameFrom(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const cut = (name: string): string => name.slice(0, MAX_CHARACTERS).replace(/_$/, '');
  const name = cut(words.join('_'));
  return isShaped(name) && !collides(name) ? name : cut(['model', ...words].join('_'));
}

/** Kernels carry our prefix; in an emitted folder they carry the model's, so that two models never meet. */
export const withPrefix = (text: string, name: string): string =>
  text.replaceAll('thimble_', `${name}_`).replaceAll('THIMBLE_', `${name.toUpperCase()}_`);

/** Any text as the inside of a C comment: printable ASCII that neither ends nor opens one. */
export const commentText = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]/g, '?')
    .replaceAll('*/', '* /')
    .replaceAll('/*', '/ *')
    .replaceAll('\\', '/');

/** A string literal: other bytes than letters, digits and plain signs as three octal digits, which nothing can extend. */
export function cString(text: string): string {
  let inside = '';
  for (const byte of new TextEncoder().encode(text)) {
    const plain = byte >= 0x20 && byte < 0x7f && !'"\\?'.includes(String.fromCharCode(byte)); // ? opens trigraphs
    inside += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return `"${inside}"`;
}
