/** Symmetric positive definite systems, in doubles; matrices are row after row. */

/**
 * The lower triangle L of A = L Lᵀ, in place of A; what lies above the diagonal stays as it was.
 * @throws RangeError where the matrix is not positive definite
 */
export function cholesky(a: Float64Array, size: number): Float64Array {
  for (let j = 0; j < size; j++) {
    const row = j * size;
    for (let i = j; i < size; i++) {
      const other = i * size;
      let sum = a[other + j]!;
      for (let k = 0; k < j; k++) sum -= a[other + k]! * a[row + k]!;
      if (i > j) a[other + j] = sum / a[row + j]!;
      else if (sum > 0) a[row + j] = Math.sqrt(sum);
      else throw new RangeError('the matrix is not positive definite');
    }
  }
  return a;
}

/** x of L Lᵀ x = b, in place of b. */
export function solveCholesky(l: Float64Array, size: number, b: Float64Array): Float64Array {
  for (let i = 0; i < size; i++) {
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= l[i * size + k]! * b[k]!;
    b[i] = sum / l[i * size + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    const value = b[i]! / l[i * size + i]!;
    b[i] = value;
    for (let k = 0; k < i; k++) b[k]! -= l[i * size + k]! * value;
  }
  return b;
}
