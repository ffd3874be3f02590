/** The straight line `y = fixed + perUnit * x`. */
export interface LinearFit {
  /** The value of y where x is 0. */
  fixed: number;
  perUnit: number;
}

/**
 * Fits a line by least squares of the relative errors, so that small values count as much as large ones. Every y must
 * be above 0.
 */
export function fitLine(points: [x: number, y: number][]): LinearFit {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const perUnit = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { fixed: (wy - perUnit * wx) / w, perUnit };
}
