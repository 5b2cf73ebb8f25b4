/** How far counts are from those expected: Pearson's statistic. Cells of which nothing is expected do not count. */
export function chiSquare(
  observed: readonly number[],
  expected: readonly number[],
): { statistic: number; p: number } {
  const cells = expected
    .map((wanted, i) => ({ wanted, seen: observed[i] ?? 0 }))
    .filter(({ wanted }) => wanted > 0);
  const statistic = cells.reduce((sum, { wanted, seen }) => sum + (seen - wanted) ** 2 / wanted, 0);
  return { statistic, p: cells.length < 2 ? 1 : upperGamma((cells.length - 1) / 2, statistic / 2) };
}

const PRECISION = 1e-14;
const MOST_TERMS = 10_000;

/** The regularised upper incomplete gamma function Q(a, x): the chance of a statistic at least this large. */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(-x + a * Math.log(x) - logGamma(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MOST_TERMS && term > sum * PRECISION; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Lentz's continued fraction, which converges where the series does not. */
function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let value = d;
  for (let n = 1; n < MOST_TERMS; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b || tiny);
    c = b + factor / c || tiny;
    value *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return value;
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** Lanczos' approximation, for positive `x`. */
function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const t = shifted + LANCZOS.length - 0.5;
  const series = LANCZOS.reduce((sum, value, i) => sum + value / (shifted + i + 1), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(series);
}
